"""Where all money stands between two events, in the form in which the protocol's own money rules take it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pyoutcome.ledger import Entry, Journal
from pyoutcome.ledger.accounts import FUNDING, Purse, account_of, chart_of_accounts
from pyoutcome.protocol import events
from pyoutcome.protocol.arguments import Arguments
from pyoutcome.protocol.deal import Deal, Priced, Rules, Slot
from pyoutcome.protocol.events import Located
from pyoutcome.protocol.state import Credit, Owed, Stage, Tenure, offer
from pyoutcome.protocol.turn import Turn, World

_ANY_BALANCE = 2**256
"""A token balance above everything tracked: whether a push succeeds changes no split."""


class Position:
    """Follows the books event by event, and keeps what accounts do not say: the queue, and each period's funding."""

    def __init__(self, arguments: Arguments, journal: Journal) -> None:
        self.providers = journal.providers
        self.balances = dict.fromkeys(chart_of_accounts(journal.providers), 0)
        self.queue: list[Owed] = []
        self._credits: dict[tuple[int, int], Credit] = {}
        self._closed = False
        self._released: set[int] = set()
        self._start = offer(_deal_of(arguments))
        self._tenures = list(self._start.tenures)
        self._last = self._start.last
        self._entries: Iterator[Entry] = iter(journal.entries)
        self._next = next(self._entries, None)

    def held(self, provider: str) -> int:
        """What is held back from a provider, base units."""
        return -self.balances[account_of(provider, Purse.HELD)]

    def turn(self, now: int) -> Turn:
        """The protocol's working copy of this position; changing it changes nothing here."""
        tenures = tuple(
            replace(
                tenure,
                held=self.held(name),
                debt=self.balances[account_of(name, Purse.DEBT)],
                arrears=-self.balances[account_of(name, Purse.ARREARS)],
                claimable=-self.balances[account_of(name, Purse.CLAIMABLE)],
                bond=-self.balances[account_of(name, Purse.BOND)],
                released=self._closed or number in self._released,
            )
            for number, (name, tenure) in enumerate(zip(self.providers, self._tenures, strict=False))
        )
        slots = range(len(self._start.deal.slots))
        periods = tuple(
            replace(period, credits=tuple(self._credits.get((number, slot), Credit()) for slot in slots))
            for number, period in enumerate(self._start.periods, start=1)
        )
        state = replace(
            self._start, stage=Stage.ACTIVE, last=self._last, funds=-self.balances[FUNDING], tenures=tenures,
            periods=periods, queue=tuple(self.queue),
        )  # fmt: skip
        return Turn(state, now, World(_ANY_BALANCE), _ANY_BALANCE)

    def pass_event(self, located: Located) -> None:
        """Moves on to just after an event, as it really went."""
        match located.event:
            case events.Credited() as event:
                self._fund(event.period, event.provider, event.held + event.paid, event.held, event.amount)
                if event.owed:
                    self.queue.append(Owed(event.period, event.provider, event.owed))
            case events.ArrearsPaid() as event:
                self._fund(event.period, event.provider, event.amount, 0)
                self._shorten(event)
            case events.ArrearsHeld() as event:
                self._fund(event.period, event.provider, event.amount, event.amount)
                self._shorten(event)
            case events.ArrearsSetOff() as event:
                self._shorten(event)
            case events.HoldbackReleased() as event if event.paid:
                self._released.add(event.provider)
            case events.Assigned() | events.SteppedIn() as event:
                self._tenures.append(Tenure(event.slot, event.holder, event.holder, event.first))
            case events.Terminated() as event:
                self._last = event.last
            case events.Closed():
                self._closed = True
        # One log may stand for several events, of which not each is an entry.
        at = (located.block, located.index, type(located.event).__name__)
        if self._next is not None and (self._next.block, self._next.index, self._next.kind) == at:
            for posting in self._next.postings:
                self.balances[posting.account] += posting.amount
            self._next = next(self._entries, None)

    def _fund(self, period: int, provider: int, amount: int, held: int, credited: int = 0) -> None:
        """Notes what of a period's credit there was money for, under the place that the provider holds."""
        slot = self._tenures[provider].slot
        had = self._credits.get((period, slot), Credit())
        self._credits[period, slot] = replace(
            had, amount=had.amount + credited, funded=had.funded + amount, held=had.held + held
        )

    def _shorten(self, event: events.ArrearsPaid | events.ArrearsHeld | events.ArrearsSetOff) -> None:
        """Takes the amount off the provider's entry of that period."""
        for at, entry in enumerate(self.queue):
            if (entry.period, entry.tenure) == (event.period, event.provider):
                left = entry.amount - event.amount
                self.queue[at : at + 1] = [replace(entry, amount=left)] if left else []
                return


class _NoPricing:
    """Stands where the machine's terms want a program; the money rules never ask it."""

    sequential = False
    start = ()

    def settle(
        self, values: tuple[int, ...], registers: tuple[int, ...], period: int, earned: tuple[int, ...]
    ) -> Priced | int:
        raise AssertionError((values, registers, period, earned))


def _deal_of(arguments: Arguments) -> Deal:
    """The machine's terms with what the money rules read: slots, periods and the holdback."""
    slots = tuple(Slot(f"provider {index}", f"payout {index}") for index in range(len(arguments.providers)))
    rules = Rules(
        terms="", pricing=_NoPricing(), kpis=arguments.kpis, suppliers=(), verifiers=arguments.verifiers,
        quorum=arguments.quorum, arbitrator=arguments.arbitrator, chooses=False,
        evidence_window=arguments.evidence_window, default_window=arguments.default_window, challenge_window=0,
        ruling_window=0, stake_fixed=0, stake_share=0, reserve=arguments.reserve,
    )  # fmt: skip
    return Deal(
        client=arguments.client, slots=slots, activate_by=arguments.activate_by, start=arguments.start,
        ends=arguments.ends, unit_decimals=arguments.unit_decimals, holdback_rate=arguments.holdback_rate,
        holdback_delay=arguments.holdback_delay, rules=rules, cure_window=0, notice=0,
    )  # fmt: skip
