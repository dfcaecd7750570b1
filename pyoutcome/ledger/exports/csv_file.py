"""Books as CSV (RFC 4180)."""

from __future__ import annotations

import csv
from typing import TextIO

from pyoutcome.ledger.book import Book
from pyoutcome.ledger.exports.lines import columns_of, lines_of


def write_csv(book: Book, file: TextIO, unit_decimals: int) -> int:
    """Writes one line per posting and returns how many; a debit is positive.

    ``amount`` is ``base_units`` in whole tokens of ``unit_decimals`` decimals. Open the file with ``newline=""``.
    """
    columns = columns_of(book)
    writer = csv.writer(file)
    writer.writerow(columns)
    lines = 0
    for line in lines_of(book, unit_decimals):
        writer.writerow([getattr(line, column) for column in columns])
        lines += 1
    return lines
