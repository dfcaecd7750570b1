"""The journal: events of one escrow folded into entries, refused as soon as they do not add up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pyoutcome.errors import LedgerError
from pyoutcome.ledger.accounts import Purse, account_of, chart_of_accounts, is_debit_account
from pyoutcome.ledger.entries import Entry, iso_time
from pyoutcome.ledger.periods import PeriodRow, Rows
from pyoutcome.ledger.postings import Standing, movement_of
from pyoutcome.protocol import events
from pyoutcome.protocol.events import Event, Located

_OPENING = (events.Accepted, events.Activated, events.Cancelled)
_ONLY_ACTIVE = (
    events.Reported, events.DefaultProposed, events.Settled, events.Credited, events.Agreed, events.Challenged,
    events.Disputed, events.Ruled, events.FellBack, events.StakeReturned, events.StakeLost, events.Amended,
    events.Assigned, events.SteppedIn, events.UncoveredRecorded, events.Terminated, events.Found, events.FeePaid,
    events.Withdrawn, events.Closed,
)  # fmt: skip
_IN_FULL = (events.Reported, events.Settled, events.Credited, events.Paid)
"""One log may stand for several of these, which then have the same place."""


@dataclass(frozen=True)
class Journal:
    """The books of one escrow."""

    providers: tuple[str, ...]
    """Names of the providers in contract order: the agreement's, then who took a place later (``UA-2``)."""
    entries: tuple[Entry, ...]
    """Every movement of money, in chain order."""
    rows: tuple[PeriodRow, ...]
    """What each settled period gave each provider, in the order of settlement."""
    claims: tuple[tuple[str, int], ...]
    """Provider and what remained owed at closing: positive to it, negative by it. Base units."""

    def to_dict(self) -> dict[str, object]:
        """Plain data for JSON: amounts are texts of whole base units, hashes hexadecimal texts."""
        return {
            "providers": list(self.providers),
            "entries": [_entry_as_dict(entry) for entry in self.entries],
            "periods": [row.to_dict() for row in self.rows],
            "claims": [{"provider": name, "amount": str(amount)} for name, amount in self.claims],
        }


def fold(located: Iterable[Located], providers: Iterable[str]) -> Journal:
    """Books all events of one escrow, given in chain order from its first.

    Raises LedgerError: ``events-out-of-order`` (a repeated or earlier place, a clock that runs backwards),
    ``event-out-of-stage``, ``unknown-event``, ``unknown-provider``, ``event-does-not-add-up``, ``settled-twice``,
    ``credit-differs`` (credits that are not the settled amounts), ``payment-missing`` (money neither paid nor
    deferred when its transaction ends), ``balance-below-zero``, ``debt-beside-arrears``, ``claim-differs``.
    """
    books = Folding(tuple(providers))
    books.take(located)
    return books.journal()


def name_tenures(located: Iterable[Located], slots: tuple[str, ...]) -> tuple[str, ...]:
    """A name for everyone who ever held a place, by number: those of the places, then ``UA-2`` for UA's successor."""
    return (*slots, *_new_names(located, slots, ()))


def place_of_name(name: str) -> str:
    """The place that a name of ``name_tenures`` holds: UA of ``UA`` and of ``UA-2``."""
    return name.partition("-")[0]  # a provider's id has no hyphen


def _new_names(located: Iterable[Located], slots: tuple[str, ...], known: tuple[str, ...]) -> list[str]:
    """Names of those who take a place by these events, after ``known`` have."""
    names = list(known)
    for event in (each.event for each in located):
        if isinstance(event, events.Assigned | events.SteppedIn) and 0 <= event.slot < len(slots):
            place, number = slots[event.slot], 2
            while f"{place}-{number}" in names:
                number += 1
            names.append(f"{place}-{number}")
    return names[len(known) :]


@dataclass
class Folding:
    """The journal while it is being written: events come in portions of whole transactions, or all at once."""

    slots: tuple[str, ...]
    """Names of the places."""
    entries: list[Entry] = field(default_factory=list)
    claims: list[tuple[str, int]] = field(default_factory=list)
    last: Located | None = None
    stage: str = "offer"

    def __post_init__(self) -> None:
        self.providers = list(self.slots)
        """Names of all who held a place so far, by number."""
        self.balances = dict.fromkeys(chart_of_accounts(self.slots), 0)
        self.rows = Rows(self.slots, self.providers)

    def take(self, located: Iterable[Located]) -> list[Entry]:
        """Books the next events, and returns their entries. Raises what ``fold`` raises."""
        stream, before = list(located), len(self.entries)
        # The bond of whoever takes a place is posted before the event that says who that is.
        new = _new_names(stream, self.slots, tuple(self.providers[len(self.slots) :]))
        if new:
            self.providers += new
            self.balances = dict.fromkeys(chart_of_accounts(tuple(self.providers)), 0) | self.balances
        for each in stream:
            self._add(each)
        self._end_transaction()
        return self.entries[before:]

    def _add(self, located: Located) -> None:
        self._check_place(located)
        self._check_stage(located.event)
        self.last = located
        event = located.event
        movement = movement_of(event, Standing(tuple(self.providers)))
        if movement is not None:
            entry = Entry(
                number=len(self.entries) + 1, block=located.block, index=located.index,
                transaction=located.transaction, timestamp=located.timestamp, kind=type(event).__name__,
                narration=movement.narration, postings=movement.postings, provider=movement.provider,
                period=movement.period, given_up=movement.given_up,
            )  # fmt: skip
            self.entries.append(entry)
            for posting in entry.postings:
                self.balances[posting.account] += posting.amount
        if isinstance(event, events.ClaimRecorded):
            self._check_claim(event)
        self.rows.take(located)

    def journal(self) -> Journal:
        """The books so far."""
        return Journal(tuple(self.providers), tuple(self.entries), self.rows.in_order(), tuple(self.claims))

    def _check_place(self, now: Located) -> None:
        before = self.last
        if before is None:
            return
        one_log = (now.block, now.index, now.transaction) == (before.block, before.index, before.transaction)
        in_full = isinstance(before.event, _IN_FULL) and isinstance(now.event, _IN_FULL[1:]) and now != before
        rises = (now.block, now.index) > (before.block, before.index) or (one_log and in_full)
        clock = now.timestamp == before.timestamp if now.block == before.block else now.timestamp >= before.timestamp
        if not rises or not clock:
            raise LedgerError(
                "events-out-of-order",
                f"The event at block {now.block}, log {now.index} follows block {before.block}, log {before.index}: "
                "it is repeated or out of order.",
                "Read the events from the chain again, from the escrow's first block on and each once.",
                block=now.block, index=now.index,
            )  # fmt: skip
        if (now.block, now.transaction) != (before.block, before.transaction):
            self._end_transaction()

    def _check_stage(self, event: Event) -> None:
        allowed = True
        if isinstance(event, _OPENING):
            allowed = self.stage == "offer"
            if not isinstance(event, events.Accepted):
                self.stage = "active" if isinstance(event, events.Activated) else "closed"
        elif isinstance(event, _ONLY_ACTIVE):
            allowed = self.stage == "active"
            self.stage = "closed" if isinstance(event, events.Closed) else self.stage
        elif isinstance(event, events.BondPosted):
            allowed = self.stage != "closed"
        elif isinstance(event, events.Refunded):
            allowed = self.stage == "closed"
        if not allowed:
            raise LedgerError(
                "event-out-of-stage",
                f"{type(event).__name__} is not possible at this point of the escrow's life: events are missing or "
                "belong to another escrow.",
                "Read the events from the chain again, from the escrow's first block on.",
                event=type(event).__name__, stage=self.stage,
            )  # fmt: skip

    def _end_transaction(self) -> None:
        """Refuses what may stand inside a transaction, and not after it. Raises what ``fold`` raises."""
        self.rows.end_transaction()
        for provider in self.providers:
            self._check_purses(provider)
        for account, balance in self.balances.items():
            if balance < 0 if is_debit_account(account) else balance > 0:
                raise LedgerError(
                    "balance-below-zero",
                    f"{account} is overdrawn by {abs(balance)} base units {self._when()}, so events are missing.",
                    "Read the events from the chain again, from the escrow's first block on.",
                    account=account, balance=balance,
                )  # fmt: skip

    def _check_purses(self, provider: str) -> None:
        payable, arrears, debt = (
            self.balances[account_of(provider, purse)] for purse in (Purse.PAYABLE, Purse.ARREARS, Purse.DEBT)
        )
        if payable:
            raise LedgerError(
                "payment-missing",
                f"What {provider} was to be paid and what was paid or deferred differ by {abs(payable)} base units "
                f"{self._when()}.",
                "Read the events from the chain again; a Paid or Deferred event is missing or wrong.",
                provider=provider, difference=-payable,
            )  # fmt: skip
        if arrears and debt:
            raise LedgerError(
                "debt-beside-arrears",
                f"{provider} is owed {-arrears} and owes {debt} base units {self._when()}; one must cancel the other.",
                "Read the events from the chain again; an ArrearsSetOff event is missing or wrong.",
                provider=provider, arrears=-arrears, debt=debt,
            )  # fmt: skip

    def _check_claim(self, event: events.ClaimRecorded) -> None:
        name = self.providers[event.provider]
        owed = -sum(self.balances[account_of(name, purse)] for purse in (Purse.ARREARS, Purse.DEBT))
        if event.amount != owed:
            raise LedgerError(
                "claim-differs",
                f"The claim recorded for {name} at closing is {event.amount} base units, the books say {owed}.",
                "Read the events from the chain again, from the escrow's first block on.",
                provider=name, expected=owed, actual=event.amount,
            )  # fmt: skip
        self.claims.append((name, event.amount))

    def _when(self) -> str:
        return f"after block {self.last.block} ({iso_time(self.last.timestamp)})" if self.last else "at the start"


def _entry_as_dict(entry: Entry) -> dict[str, object]:
    return {
        "number": entry.number,
        "time": entry.time,
        "block": entry.block,
        "index": entry.index,
        "transaction": "0x" + entry.transaction.hex(),
        "event": entry.kind,
        "narration": entry.narration,
        "provider": entry.provider,
        "period": entry.period,
        "postings": [{"account": posting.account, "amount": str(posting.amount)} for posting in entry.postings],
    }


def running_balances(journal: Journal) -> Iterator[tuple[Entry, dict[str, int]]]:
    """Each entry with all balances just before it; the dict is the same object, updated between steps."""
    balances = dict.fromkeys(chart_of_accounts(journal.providers), 0)
    for entry in journal.entries:
        yield entry, balances
        for posting in entry.postings:
            balances[posting.account] += posting.amount
