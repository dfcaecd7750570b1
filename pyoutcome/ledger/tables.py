"""Tables that people give: CSV with known columns, refused with the line that is wrong."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from pyoutcome.errors import LedgerError, Where


def read_table(text: str, columns: tuple[str, ...], name: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows of a CSV text with exactly these columns, each with its line. LedgerError ``table-malformed``."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        if tuple(next(reader, ())) != columns:
            raise table_malformed(name, 1, f"the first line is not {','.join(columns)}")
        for row in reader:
            if len(row) != len(columns):
                raise table_malformed(name, reader.line_num, f"the line has {len(row)} fields, not {len(columns)}")
            yield reader.line_num, dict(zip(columns, (field.strip() for field in row), strict=True))
    except csv.Error as error:
        raise table_malformed(name, reader.line_num, f"the line is not CSV ({error})") from error


def table_malformed(name: str, line: int, why: str) -> LedgerError:
    """The refusal of a table, with the line and what is wrong there."""
    return LedgerError(
        "table-malformed",
        f"The table cannot be read: {why}.",
        "Correct the line; docs/ledger.md shows the columns.",
        where=Where(name, line),
    )
