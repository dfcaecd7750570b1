"""Books as a workbook for spreadsheets: postings, accounts and periods, each on a sheet of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyoutcome.decimals import show_units
from pyoutcome.errors import LedgerError
from pyoutcome.ledger.by_period import RULE
from pyoutcome.ledger.exports.about import About
from pyoutcome.ledger.exports.library import load
from pyoutcome.ledger.exports.lines import columns_of, lines_of
from pyoutcome.ledger.statements import AccountLine, BookStatement

if TYPE_CHECKING:
    from xlsxwriter import Workbook

DIGITS: Final = 15
"""Digits that a spreadsheet keeps of a number; longer ones are written as text."""
_ROWS: Final = 1_048_576
_EXACT: Final = frozenset({"base_units", "amount", "worth", "rate"})

Cell = int | str | Decimal | None


def write_xlsx(statement: BookStatement, about: About, path: Path) -> int:
    """Writes the sheets Postings, Accounts, Periods, By period (a provider's) and About; returns how many postings.

    Amounts are numbers if they have at most 15 digits and exact texts otherwise. LedgerError ``too-many-lines`` for
    more postings than a sheet has rows, ``library-missing``.
    """
    module = load("xlsxwriter")
    book = statement.book
    written = sum(len(entry.postings) for entry in book.entries)
    if written >= _ROWS:
        raise LedgerError(
            "too-many-lines",
            f"The book has {written} postings, and a sheet {_ROWS} rows.",
            "Export fewer days with --from and --to, or as csv or parquet.",
            lines=written,
        )
    # No text becomes a formula, a link or a number by itself, whatever somebody named a party.
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with module.Workbook(str(path), {**options, "constant_memory": True}) as workbook:
        # The time of making is not the book's: the same book gives the same bytes.
        workbook.set_properties({"title": about.title, "created": datetime(2000, 1, 1, tzinfo=UTC)})
        columns = columns_of(book)
        lines = lines_of(book, about.decimals)
        _sheet(
            workbook, "Postings", columns, ([_cell(name, getattr(line, name)) for name in columns] for line in lines)
        )
        _sheet(workbook, "Accounts", *_accounts(statement, about))
        _sheet(workbook, "Periods", *_periods(statement, about))
        if statement.by_period:
            _sheet(workbook, "By period", *_by_period(statement, about))
        _sheet(workbook, "About", ("what", "value"), _facts(statement, about))
    return written


def _sheet(workbook: Workbook, name: str, columns: Sequence[str], rows: Iterator[Sequence[Cell]]) -> None:
    sheet = workbook.add_worksheet(name)
    bold = workbook.add_format({"bold": True})
    sheet.freeze_panes(1, 0)
    for at, column in enumerate(columns):
        sheet.set_column(at, at, _width(column))
        sheet.write_string(0, at, column, bold)
    for number, row in enumerate(rows, 1):
        for at, cell in enumerate(row):
            if isinstance(cell, str):
                sheet.write_string(number, at, cell)
            elif cell is not None:
                sheet.write_number(number, at, cell)


def _width(column: str) -> int:
    wide = {"narration": 44, "account": 30, "time": 21, "transaction": 18, "rate_source": 30, "what": 16, "value": 80}
    return wide.get(column, 16 if column in _EXACT else 11)


def _cell(column: str, value: int | str | None) -> Cell:
    return exact(str(value)) if column in _EXACT and value is not None else value


def exact(number: str) -> Decimal | str:
    """A plain decimal text as a number that a spreadsheet keeps whole, or as the text itself."""
    digits = (number.rstrip("0") if "." in number else number).replace("-", "").replace(".", "").lstrip("0")
    return Decimal(number) if len(digits) <= DIGITS else number


def _accounts(statement: BookStatement, about: About) -> tuple[Sequence[str], Iterator[Sequence[Cell]]]:
    columns = ("account", "opening", "debits", "credits", "closing", "unit")
    book = statement.book

    def rows(lines: Sequence[AccountLine], decimals: int, unit: str) -> Iterator[Sequence[Cell]]:
        for line in lines:
            numbers = (line.opening, line.debits, line.credits, line.closing)
            yield (line.account, *(exact(show_units(number, decimals, decimals)) for number in numbers), unit)

    def both() -> Iterator[Sequence[Cell]]:
        yield from rows(statement.lines, about.decimals, about.token)
        yield from rows(statement.worths, book.cents, book.currency or "")

    return columns, both()


def _periods(statement: BookStatement, about: About) -> tuple[Sequence[str], Iterator[Sequence[Cell]]]:
    amounts = ("amount", "set_off", "held", "paid", "owed", "new_debt", "still_owed")
    rows = (
        (row.period, row.provider, row.day.isoformat(), *(exact(about.money(getattr(row, name))) for name in amounts))
        for row in statement.periods
    )
    return ("period", "provider", "settled", *amounts), rows


def _by_period(statement: BookStatement, about: About) -> tuple[Sequence[str], Iterator[Sequence[Cell]]]:
    columns = ("period", "account", "opening", "debits", "credits", "closing")
    rows = (
        (line.period, line.account, *(exact(about.money(getattr(line, name))) for name in columns[2:]))
        for line in statement.by_period
    )
    return columns, rows


def _facts(statement: BookStatement, about: About) -> Iterator[Sequence[Cell]]:
    span = [day.isoformat() if day else "" for day in (statement.since, statement.until)]
    yield "agreement", about.agreement
    yield "title", about.title
    yield "books of", about.name_of(statement.book.owner)
    yield "from", span[0]
    yield "to", span[1]
    yield "token", f"{about.token}, {about.decimals} decimals"
    yield "escrow", about.escrow
    yield "chain", str(about.chain_id)
    yield "signs", "A debit is positive, a credit negative; the postings of an entry sum to zero."
    if statement.by_period:
        yield "by period", RULE
    yield "long numbers", f"A spreadsheet keeps {DIGITS} digits of a number: longer amounts are written as text."
