"""Accruals: what is earned at the end of a day and not settled yet, booked in the parties' own books."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Final

from pyoutcome.ledger.book import Book
from pyoutcome.ledger.entries import Entry, Posting
from pyoutcome.ledger.party_books import EARNED
from pyoutcome.ledger.periods import PeriodRow

ACCRUED: Final = "Accrued"
"""Kind of an accrual from measured values."""
ESTIMATED: Final = "Estimated"
"""Kind of an accrual of the proven least, where nothing is measured yet."""
REVERSED: Final = "AccrualReversed"
"""Kind of the entry that takes an accrual back when its period settles."""


@dataclass(frozen=True)
class Expected:
    """What a period will give each provider, as far as that is known."""

    period: int
    ends: int
    """Unix seconds."""
    amounts: Mapping[str, int]
    """By provider, signed, base units: the agreement's amount for the measured values, else the proven least."""
    estimate: bool
    """Whether they are the proven least."""


def accrue(book: Book, rows: Iterable[PeriodRow], days: Iterable[date], expected: Iterable[Expected]) -> Book:
    """The book with the accruals of the ends of ``days`` (UTC).

    A period that has ended by then and is not settled is accrued once, on the first such day, and reversed in the
    moment of its settlement, or when a dispute credits its undisputed part. ``rows`` are the journal's. The escrow's
    books know no accruals: to a trustee nothing is owed yet.
    """
    settled = {(row.period, row.provider): row.timestamp for row in rows}
    for entry in reversed(book.entries):
        if entry.kind == "Credited" and entry.period is not None and entry.provider is not None:
            # A period that is agreed anew was settled before.
            settled[entry.period, entry.provider] = entry.timestamp
    ends = sorted(datetime.combine(day, time(23, 59, 59), UTC) for day in days)
    made: list[Entry] = []
    for period in sorted(expected, key=lambda each: (each.ends, each.period)):
        for provider, amount in period.amounts.items():
            if amount and book.owner in ("client", provider):
                made += _entries(book.owner, period, provider, amount, settled.get((period.period, provider)), ends)
    accounts = dict.fromkeys((*book.accounts, *(posting.account for entry in made for posting in entry.postings)))
    # A stable order: a reversal stands before what settles in the same moment.
    entries = sorted([*made, *book.entries], key=lambda entry: entry.timestamp)
    return replace(book, accounts=tuple(accounts), entries=tuple(entries))


def _entries(
    owner: str, period: Expected, provider: str, amount: int, settled: int | None, ends: list[datetime]
) -> Iterator[Entry]:
    first = next((each for each in ends if int(each.timestamp()) >= period.ends), None)
    if first is None or (settled is not None and settled <= int(first.timestamp())):
        return
    postings = _postings(owner, provider, amount)
    how = "estimate: the proven least" if period.estimate else "from measured values"
    yield Entry(
        number=0, block=0, index=0, transaction=b"", timestamp=int(first.timestamp()),
        kind=ESTIMATED if period.estimate else ACCRUED,
        narration=f"{provider} earned for period {period.period}, not settled yet ({how})", postings=postings,
        provider=provider, period=period.period,
    )  # fmt: skip
    if settled is not None:
        back = tuple(Posting(posting.account, -posting.amount) for posting in postings)
        yield Entry(
            number=0, block=0, index=0, transaction=b"", timestamp=settled, kind=REVERSED,
            narration=f"Accrual of {provider} for period {period.period} reversed: it is settled", postings=back,
            provider=provider, period=period.period,
        )  # fmt: skip


def _postings(owner: str, provider: str, amount: int) -> tuple[Posting, ...]:
    """A provider's revenue or the client's expense, against what is there until the settlement."""
    if owner == "client":
        side = "liabilities" if amount > 0 else "assets"
        return (Posting(f"expenses:outcome:{provider}", amount), Posting(f"{side}:accrued:{provider}", -amount))
    side = "assets" if amount > 0 else "liabilities"
    return (Posting(f"{side}:accrued", amount), Posting(EARNED, -amount))
