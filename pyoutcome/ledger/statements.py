"""Statements of a book over a span of days: what every account held, what moved it, what each period came to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from pyoutcome.ledger.balances import TrialLine
from pyoutcome.ledger.book import OPENING, Book, book_balances, cut
from pyoutcome.ledger.by_period import RULE, PeriodLine, lines_by_period
from pyoutcome.ledger.entries import Entry, Posting
from pyoutcome.ledger.periods import PeriodRow


@dataclass(frozen=True)
class AccountLine:
    """One account over a span. A debit is positive; ``debits`` and ``credits`` are both positive sums."""

    account: str
    opening: int
    debits: int
    credits: int
    closing: int

    def to_dict(self) -> dict[str, str]:
        """Amounts as texts."""
        return {
            "account": self.account,
            "opening": str(self.opening),
            "debits": str(self.debits),
            "credits": str(self.credits),
            "closing": str(self.closing),
        }


@dataclass(frozen=True)
class BookStatement:
    """A party's books from one day to another, both included."""

    book: Book
    """Cut to the span."""
    since: date | None
    until: date | None
    lines: tuple[AccountLine, ...]
    """Accounts that held or moved something. Base units."""
    worths: tuple[AccountLine, ...]
    """The same in the book currency's smallest units; empty in a book without one."""
    periods: tuple[PeriodRow, ...]
    """Periods settled in the span: all of them for escrow and client, a provider's own for a provider."""
    by_period: tuple[PeriodLine, ...] = ()
    """A provider's accounts by agreement period; the lines of an account add up to its own. Base units."""

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What moved money, without the balances brought forward."""
        return tuple(entry for entry in self.book.entries if entry.kind != OPENING)

    def trial_balance(self) -> tuple[TrialLine, ...]:
        """Every account with a balance at the end; the two columns have equal sums."""
        return tuple(
            TrialLine(line.account, max(line.closing, 0), max(-line.closing, 0)) for line in self.lines if line.closing
        )

    def to_dict(self) -> dict[str, object]:
        """Plain data for JSON: amounts are texts of base units, days ISO 8601."""
        return {
            "owner": self.book.owner,
            "since": self.since and self.since.isoformat(),
            "until": self.until and self.until.isoformat(),
            "accounts": [line.to_dict() for line in self.lines],
            "currency": self.book.currency,
            "accounts_in_currency": [line.to_dict() for line in self.worths],
            "periods": [row.to_dict() for row in self.periods],
            "accounts_by_period": [line.to_dict() for line in self.by_period],
            "accounts_by_period_rule": RULE,
        }


def state_book(
    book: Book, rows: Iterable[PeriodRow], since: date | None = None, until: date | None = None
) -> BookStatement:
    """The statement of a book over a span; of ``rows``, the journal's, those of the owner and the span are kept."""
    part = cut(book, since, until)
    kept = tuple(
        row
        for row in rows
        if (since is None or since <= row.day)
        and (until is None or row.day <= until)
        and book.owner in ("escrow", "client", row.provider)
    )
    lines = account_lines(part)
    worths = account_lines(part, in_currency=True) if part.currency else ()
    by_period = () if book.owner in ("escrow", "client") else lines_by_period(book, since, until)
    return BookStatement(part, since, until, lines, worths, kept, by_period)


def account_lines(book: Book, *, in_currency: bool = False) -> tuple[AccountLine, ...]:
    """Opening, debits, credits and closing of every account of a cut book that held or moved something."""
    opening = dict.fromkeys(book.accounts, 0)
    raised, lowered = opening.copy(), opening.copy()
    for entry in book.entries:
        for posting in entry.postings:
            amount = _amount(posting, in_currency)
            side = opening if entry.kind == OPENING else raised if amount > 0 else lowered
            side[posting.account] += amount
    return tuple(
        AccountLine(name, opening[name], raised[name], -lowered[name], opening[name] + raised[name] + lowered[name])
        for name in book.accounts
        if opening[name] or raised[name] or lowered[name]
    )


def _amount(posting: Posting, in_currency: bool) -> int:
    if not in_currency:
        return posting.amount
    return posting.worth.amount if posting.worth else 0


def balance_of(book: Book, prefix: str, *, until: date | None = None) -> int:
    """Sum of an account and all below it. Base units."""
    return sum(
        amount
        for account, amount in book_balances(book, until=until).items()
        if account == prefix or account.startswith(f"{prefix}:")
    )
