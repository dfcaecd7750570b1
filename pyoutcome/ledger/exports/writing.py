"""One door to all formats."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyoutcome.errors import LedgerError, did_you_mean
from pyoutcome.ledger.exports.about import About
from pyoutcome.ledger.statements import BookStatement

if TYPE_CHECKING:
    from pyoutcome.ledger.exports.iso20022 import BankAccount

FORMATS: Final = ("csv", "parquet", "xlsx", "json", "beancount", "camt053", "pain001", "pdf")
"""Every format that ``write_book`` knows."""


def write_book(
    file_format: str,
    statement: BookStatement,
    about: About,
    path: Path,
    banks: Mapping[str, BankAccount] | None = None,
) -> int:
    """Writes a book in one of ``FORMATS`` and returns how many postings went in, or entries of a bank message.

    ``banks`` gives bank accounts by party for ``pain001``. LedgerError ``no-such-format``, and what the format's own
    module raises.
    """
    book = statement.book
    match file_format:
        case "csv":
            from pyoutcome.ledger.exports.csv_file import write_csv

            with path.open("w", encoding="utf-8", newline="") as file:
                return write_csv(book, file, about.decimals)
        case "parquet":
            from pyoutcome.ledger.exports.parquet_file import write_parquet

            return write_parquet(book, path, about.decimals)
        case "xlsx":
            from pyoutcome.ledger.exports.xlsx_file import write_xlsx

            return write_xlsx(statement, about, path)
        case "json":
            from pyoutcome.ledger.exports.json_file import write_json

            return write_json(statement, about, path)
        case "beancount":
            from pyoutcome.ledger.exports.beancount_file import write_beancount

            with path.open("w", encoding="utf-8", newline="\n") as file:
                return write_beancount(book, about, file)
        case "camt053":
            from pyoutcome.ledger.exports.camt_file import write_camt

            return write_camt(statement, about, path)
        case "pain001":
            from pyoutcome.ledger.exports.pain_file import write_pain

            return write_pain(statement, about, path, banks)
        case "pdf":
            from pyoutcome.ledger.exports.pdf_file import write_pdf

            return write_pdf(statement, about, path)
    raise LedgerError(
        "no-such-format",
        f"Books cannot be exported as {file_format!r}.",
        did_you_mean(file_format, FORMATS),
        format=file_format,
    )
