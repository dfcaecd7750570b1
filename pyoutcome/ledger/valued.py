"""Books that are also kept in another currency."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pyoutcome.ledger.book import EXCHANGE, Book
from pyoutcome.ledger.entries import Entry, Posting, Worth
from pyoutcome.ledger.rates import RateTable, value_at

ROUNDING: Final = "equity:rounding"
"""What rounding to the book currency leaves, so that entries balance there too."""


def convert(book: Book, table: RateTable, unit_decimals: int) -> Book:
    """The book with every posting valued at the rate of its day, rounded half to even.

    What rounding leaves in an entry goes to ``equity:rounding``, so that entries balance in both currencies.
    LedgerError ``rate-missing``.
    """
    entries = tuple(_valued(entry, table, unit_decimals) for entry in book.entries)
    accounts = (*book.accounts, EXCHANGE, ROUNDING)
    return replace(book, accounts=accounts, entries=entries, table=table, unit_decimals=unit_decimals)


def _valued(entry: Entry, table: RateTable, unit_decimals: int) -> Entry:
    rate = table.on(entry.day)
    postings = [
        replace(posting, worth=Worth(value_at(posting.amount, rate, unit_decimals, table.cents), rate))
        for posting in entry.postings
    ]
    rest = -sum(posting.worth.amount for posting in postings if posting.worth)
    if rest:
        postings.append(Posting(ROUNDING, 0, Worth(rest, None)))
    return replace(entry, postings=tuple(postings))
