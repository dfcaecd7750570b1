"""One set of books: the escrow's as a trustee, or a party's own; cut to a span of days, with what came before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from pyoutcome.ledger.accounts import chart_of_accounts
from pyoutcome.ledger.entries import Entry, Posting, Worth
from pyoutcome.ledger.journal import Journal
from pyoutcome.ledger.rates import RateTable, value_at

FORWARD: Final = "equity:brought-forward"
"""Credit. Income less expenses of the days before the span."""
OPENING: Final = "Opening"
"""Kind of the entry that brings balances forward."""
REVALUED: Final = "Revalued"
"""Kind of the entry that brings a valued book to the rate of its last day."""
EXCHANGE: Final = "income:exchange"
"""Credit. What the token gained in the book currency while it was held or owed; a loss stands on the debit."""


@dataclass(frozen=True)
class Book:
    """Balanced entries over a chart of accounts. A debit is positive, a credit negative, in base units."""

    owner: str
    """``escrow``, ``client`` or a provider's name."""
    accounts: tuple[str, ...]
    """Every account there is, in the order reports show them."""
    entries: tuple[Entry, ...]
    """In chain order. A number is that of the escrow's journal, so that books of different owners can be compared;
    0 stands for an entry that no event made."""
    table: RateTable | None = None
    """The rates at which postings are also valued; None if they are not."""
    unit_decimals: int = 0
    """Decimals of the token, in a valued book."""

    @property
    def currency(self) -> str | None:
        """The book currency (ISO 4217); None if there is none."""
        return self.table.currency if self.table else None

    @property
    def cents(self) -> int:
        """Decimals of the book currency."""
        return self.table.cents if self.table else 0


def escrow_book(journal: Journal) -> Book:
    """The books of the escrow as a trustee."""
    return Book("escrow", chart_of_accounts(journal.providers), journal.entries)


def book_balances(book: Book, *, until: date | None = None) -> dict[str, int]:
    """Balance of every account at the end of day ``until`` (UTC), or of all entries. Base units."""
    result = dict.fromkeys(book.accounts, 0)
    for posting in _postings(book, until):
        result[posting.account] += posting.amount
    return result


def book_worths(book: Book, *, until: date | None = None) -> dict[str, int]:
    """The same in the book currency's smallest units, each posting at its own rate; zeros in a book without one."""
    result = dict.fromkeys(book.accounts, 0)
    for posting in _postings(book, until):
        result[posting.account] += posting.worth.amount if posting.worth else 0
    return result


def _postings(book: Book, until: date | None) -> Iterable[Posting]:
    for entry in book.entries:
        if until is None or entry.day <= until:
            yield from entry.postings


def cut(book: Book, since: date | None = None, until: date | None = None) -> Book:
    """The entries of the days ``since`` to ``until`` (both included, UTC), after one that brings balances forward.

    Income and expenses of earlier days are brought forward as one sum, ``equity:brought-forward``. A valued book ends
    with an entry that brings what is there to the rate of the last day, and begins with balances at the rate of the
    day before the first: so one span ends with what the next begins with, in tokens and in currency.
    """
    entries = [
        entry
        for entry in book.entries
        if (since is None or entry.day >= since) and (until is None or entry.day <= until)
    ]
    opening = _opening(book, since) if since is not None else None
    if opening is not None:
        entries.insert(0, opening)
        accounts = (*book.accounts, FORWARD) if FORWARD not in book.accounts else book.accounts
        book = replace(book, accounts=accounts)
    part = replace(book, entries=tuple(entries))
    revalued = _revalued(part, until)
    return replace(part, entries=(*part.entries, revalued)) if revalued else part


def _opening(book: Book, since: date) -> Entry | None:
    earlier = cut(book, until=since - timedelta(1))
    amounts, worths = _forward(book_balances(earlier)), _forward(book_worths(earlier))
    postings = tuple(
        Posting(account, amounts[account], Worth(worths[account], None) if book.table else None)
        for account in amounts
        if amounts[account] or worths[account]
    )
    if not postings:
        return None
    words = f"Balances brought forward to {since.isoformat()}"
    return _made(OPENING, words, earlier.entries[-1], datetime.combine(since, time(0), UTC), postings)


def _revalued(part: Book, until: date | None) -> Entry | None:
    """What brings assets and liabilities to the rate of the last day, against ``income:exchange``."""
    if part.table is None or not part.entries:
        return None
    day = until or part.entries[-1].day
    rate = part.table.on(day)
    amounts, worths = book_balances(part), book_worths(part)
    postings = [
        Posting(account, 0, Worth(difference, rate))
        for account in part.accounts
        if not is_result(account)
        and not account.startswith("equity:")
        and (difference := value_at(amounts[account], rate, part.unit_decimals, part.cents) - worths[account])
    ]
    if not postings:
        return None
    rest = -sum(posting.worth.amount for posting in postings if posting.worth)
    if rest:
        postings.append(Posting(EXCHANGE, 0, Worth(rest, None)))
    words = f"Exchange difference to the rate of {rate.day.isoformat()}"
    moment = datetime.combine(day, time(23, 59, 59), UTC)
    return _made(REVALUED, words, part.entries[-1], moment, tuple(postings))


def _made(kind: str, narration: str, after: Entry, moment: datetime, postings: tuple[Posting, ...]) -> Entry:
    """An entry that no event made."""
    return Entry(
        number=0, block=after.block, index=after.index, transaction=b"", timestamp=int(moment.timestamp()), kind=kind,
        narration=narration, postings=postings,
    )  # fmt: skip


def _forward(balances: dict[str, int]) -> dict[str, int]:
    """Balances with all income and expenses as one."""
    found = {account: amount for account, amount in balances.items() if not is_result(account)}
    found[FORWARD] = found.get(FORWARD, 0) + sum(amount for name, amount in balances.items() if is_result(name))
    return found


def is_result(account: str) -> bool:
    """Whether an account counts what came and went in a span, rather than what is there."""
    return account.startswith(("income:", "expenses:"))
