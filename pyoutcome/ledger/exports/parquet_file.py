"""Books as Parquet, through DuckDB: whole numbers and decimals keep every digit."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from pyoutcome.errors import LedgerError
from pyoutcome.ledger.book import Book
from pyoutcome.ledger.exports.csv_file import write_csv
from pyoutcome.ledger.exports.lines import columns_of, lines_of

_DIGITS: Final = 38
"""Digits of Parquet's widest decimal."""
_TYPES: Final = {
    "entry": "BIGINT", "block": "BIGINT", "log_index": "BIGINT", "period": "INTEGER", "time": "TIMESTAMPTZ",
    "rate_date": "DATE", "rate": "DECIMAL(38, 18)",
}  # fmt: skip
"""Of the columns that hold no text."""


def write_parquet(book: Book, path: Path, unit_decimals: int) -> int:
    """Writes the columns of the CSV with their types, and ``base_units_text``; returns how many lines.

    ``base_units`` is DECIMAL(38, 0), ``amount`` DECIMAL(38, the token's decimals), ``worth`` DECIMAL(38, the
    currency's). LedgerError ``amount-too-long`` for an amount of more than 38 digits.
    """
    import duckdb

    for line in lines_of(book, unit_decimals):
        longest = max(abs(line.base_units), int((line.worth or "0").replace(".", "").replace("-", "")))
        if longest >= 10**_DIGITS or len((line.rate or "").partition(".")[0]) > _DIGITS - 18:
            raise LedgerError(
                "amount-too-long",
                f"An amount or rate of entry {line.entry} has more digits than Parquet's {_DIGITS}.",
                "Export as csv or json, which hold whole numbers of any length.",
                entry=line.entry,
            )
    columns = columns_of(book)
    types = {
        **dict.fromkeys(columns, "VARCHAR"), **{name: _TYPES[name] for name in columns if name in _TYPES},
        "base_units": f"DECIMAL({_DIGITS}, 0)", "amount": f"DECIMAL({_DIGITS}, {unit_decimals})",
    }  # fmt: skip
    if book.currency:
        types["worth"] = f"DECIMAL({_DIGITS}, {book.cents})"
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as engine:
        table = Path(folder) / "lines.csv"
        with table.open("w", encoding="utf-8", newline="") as file:
            written = write_csv(book, file, unit_decimals)
        engine.execute("SET threads = 1")
        engine.execute("SET TimeZone = 'UTC'")
        lines = engine.read_csv(
            str(table), header=True, auto_detect=False, delimiter=",", quotechar='"', escapechar='"', columns=types
        )
        lines.project("*, base_units::VARCHAR AS base_units_text").write_parquet(str(path), compression="zstd")
    return written
