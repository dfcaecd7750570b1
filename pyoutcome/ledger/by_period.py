"""A provider's book by agreement period: which period's earnings each posting is of.

The chain names the period of what is earned, held back, left in arrears and paid or set off of those. It does not name
the period of a payment, of released holdback, or of a debt that is set off: those draw on what is there, the oldest
first. Within a transaction a payment draws on what that transaction made payable, which is all there is, so that only
holdback and debts that are drawn in part, and a claim below what was deferred, depend on the rule.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from pyoutcome.ledger.book import FORWARD, Book, is_result
from pyoutcome.ledger.entries import Entry, Posting

RULE: Final = (
    "Earnings, holdback and arrears are of the period that the chain names; payments, released holdback and debts "
    "set off draw on the oldest first."
)
"""Said wherever a book is shown by period."""
_SOURCES: Final = (
    "assets:escrow:payable",
    "assets:escrow:claimable",
    "assets:escrow:bond",
    "assets:escrow:stake",
    "assets:receivable:holdback",
    "assets:receivable:arrears",
)
_DEBT: Final = "liabilities:debt"
_NAMED: Final = frozenset({"ArrearsPaid", "ArrearsHeld", "ArrearsSetOff"})
"""Events that name the period whose arrears they draw on."""

Share = tuple[int | None, int]
"""A period, None for what belongs to none, and a signed amount."""


@dataclass(frozen=True)
class PeriodLine:
    """One account of one period over a span; base units, a debit positive, as in ``AccountLine``."""

    period: int | None
    """None for what belongs to no period: bonds, fees of a notice."""
    account: str
    opening: int
    debits: int
    credits: int
    closing: int

    def to_dict(self) -> dict[str, object]:
        """Amounts as texts."""
        return {
            "period": self.period,
            "account": self.account,
            "opening": str(self.opening),
            "debits": str(self.debits),
            "credits": str(self.credits),
            "closing": str(self.closing),
        }


class _Lots:
    """What stands on the accounts with the escrow, in the order in which it came there."""

    def __init__(self) -> None:
        self._lots: defaultdict[str, list[Share]] = defaultdict(list)

    def grows(self, posting: Posting) -> bool:
        """Whether a posting adds to what stands on its account."""
        return (posting.amount < 0) == (posting.account == _DEBT)

    def add(self, account: str, shares: Iterable[Share]) -> None:
        """Puts shares behind what is there."""
        self._lots[account] += shares

    def draw(self, posting: Posting, period: int | None) -> list[Share]:
        """Takes the posting's amount: of one period if that is given, else the oldest first."""
        left, taken, kept = -posting.amount, [], []
        for whose, amount in self._lots[posting.account]:
            part = min(left, amount, key=abs) if period in (None, whose) else 0
            left -= part
            if part:
                taken.append((whose, -part))
            if amount != part:
                kept.append((whose, amount - part))
        self._lots[posting.account] = kept
        return [*taken, (period, -left)] if left else taken


def split_by_period(book: Book) -> Iterator[tuple[Entry, list[tuple[str, Share]]]]:
    """Every entry of a provider's whole book with its postings split: account, period and amount of each part.

    Every posting is the sum of its parts, which have its sign. The book begins with the first entry: nothing is known
    of where balances that were brought forward came from.
    """
    lots = _Lots()
    for entry in book.entries:
        yield entry, list(_split(entry, lots))


def _split(entry: Entry, lots: _Lots) -> Iterator[tuple[str, Share]]:
    released: list[Share] = []
    later: list[Posting] = []
    for posting in entry.postings:
        if posting.account in _SOURCES and not lots.grows(posting):
            taken = lots.draw(posting, entry.period if entry.kind in _NAMED else None)
            released += ((period, -amount) for period, amount in taken)
            yield from ((posting.account, share) for share in taken)
        else:
            later.append(posting)
    # A debt takes first of what an entry releases; the rest goes where the other postings say.
    for posting in sorted(later, key=lambda each: each.account != _DEBT):
        if posting.account == _DEBT and not lots.grows(posting):
            shares = lots.draw(posting, None)
            _take(released, posting.amount)
        elif entry.period is None and posting.amount > 0:
            shares = _take(released, posting.amount)
        else:
            shares = [(entry.period, posting.amount)]
        if posting.account in (*_SOURCES, _DEBT) and lots.grows(posting):
            lots.add(posting.account, shares)
        yield from ((posting.account, share) for share in shares)


def _take(released: list[Share], amount: int) -> list[Share]:
    """Takes an amount from the front of what was released; what is missing belongs to no period."""
    taken: list[Share] = []
    while amount and released:
        period, there = released.pop(0)
        part = min(there, amount)
        taken.append((period, part))
        amount -= part
        if there != part:
            released.insert(0, (period, there - part))
    return [*taken, (None, amount)] if amount else taken


def lines_by_period(book: Book, since: date | None = None, until: date | None = None) -> tuple[PeriodLine, ...]:
    """Opening, debits, credits and closing by period and account of a provider's whole book over a span of days.

    The lines of an account add up to its line in the statement of the same span. Periods in order, what belongs to none
    last; income and expenses of earlier days stand in ``equity:brought-forward``.
    """
    sums: defaultdict[tuple[int | None, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for entry, parts in split_by_period(book):
        if until is not None and entry.day > until:
            continue
        earlier = since is not None and entry.day < since
        for account, (period, amount) in parts:
            name = FORWARD if earlier and is_result(account) else account
            sums[period, name][0 if earlier else 1 if amount > 0 else 2] += amount
    place = {account: at for at, account in enumerate((*book.accounts, FORWARD))}
    ordered = sorted(sums, key=lambda each: (each[0] is None, each[0] or 0, place[each[1]]))
    found = []
    for period, account in ordered:
        opening, raised, lowered = sums[period, account]
        if opening or raised or lowered:
            found.append(PeriodLine(period, account, opening, raised, -lowered, opening + raised + lowered))
    return tuple(found)
