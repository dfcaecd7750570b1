"""A book as a table: one line per posting. CSV, Parquet and spreadsheets hold the same columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pyoutcome.decimals import show, show_units
from pyoutcome.ledger.book import Book
from pyoutcome.ledger.entries import Entry, Posting

COLUMNS: Final = (
    "entry", "time", "block", "log_index", "transaction", "event", "period", "provider", "narration", "account",
    "base_units", "amount",
)  # fmt: skip
"""Of every book. ``amount`` is ``base_units`` in whole tokens."""
VALUED: Final = ("currency", "worth", "rate", "rate_date", "rate_source")
"""Of a book that is also valued in a currency."""


@dataclass(frozen=True)
class Line:
    """One posting with its entry; texts are exact, None is an empty field."""

    entry: int
    time: str
    block: int
    log_index: int
    transaction: str | None
    event: str
    period: int | None
    provider: str | None
    narration: str
    account: str
    base_units: int
    amount: str
    currency: str | None = None
    worth: str | None = None
    rate: str | None = None
    rate_date: str | None = None
    rate_source: str | None = None


def columns_of(book: Book) -> tuple[str, ...]:
    """The columns that a book's lines fill."""
    return (*COLUMNS, *VALUED) if book.currency else COLUMNS


def lines_of(book: Book, unit_decimals: int) -> Iterator[Line]:
    """All postings of a book in order."""
    for entry in book.entries:
        for posting in entry.postings:
            yield _line(book, entry, posting, unit_decimals)


def _line(book: Book, entry: Entry, posting: Posting, unit_decimals: int) -> Line:
    worth = posting.worth
    rate = worth.rate if worth else None
    valued = show_units(worth.amount, book.cents, book.cents) if worth else None
    return Line(
        entry=entry.number, time=entry.time, block=entry.block, log_index=entry.index,
        transaction="0x" + entry.transaction.hex() if entry.transaction else None, event=entry.kind,
        period=entry.period, provider=entry.provider, narration=entry.narration, account=posting.account,
        base_units=posting.amount, amount=show_units(posting.amount, unit_decimals, unit_decimals),
        currency=book.currency if worth else None, worth=valued,
        rate=show(rate.value) if rate else None, rate_date=rate.day.isoformat() if rate else None,
        rate_source=rate.source if rate else None,
    )  # fmt: skip
