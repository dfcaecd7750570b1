"""Plain exports of the books."""

from __future__ import annotations

import csv
from typing import TextIO

from pyoutcome.decimals import show_units
from pyoutcome.ledger.journal import Journal

CSV_COLUMNS = (
    "entry", "time", "block", "log_index", "transaction", "event", "period", "provider", "narration", "account",
    "base_units", "amount",
)  # fmt: skip


def write_csv(journal: Journal, file: TextIO, unit_decimals: int) -> int:
    """Writes one line per posting and returns how many; a debit is positive.

    ``amount`` is ``base_units`` in whole tokens of ``unit_decimals`` decimals. Open the file with ``newline=""``.
    """
    writer = csv.writer(file)
    writer.writerow(CSV_COLUMNS)
    lines = 0
    for entry in journal.entries:
        place = (entry.number, entry.time, entry.block, entry.index, "0x" + entry.transaction.hex(), entry.kind)
        about = ("" if entry.period is None else entry.period, entry.provider or "", entry.narration)
        for posting in entry.postings:
            money = (posting.amount, show_units(posting.amount, unit_decimals, unit_decimals))
            writer.writerow((*place, *about, posting.account, *money))
            lines += 1
    return lines
