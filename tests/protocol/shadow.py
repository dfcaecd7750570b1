"""A second bookkeeping, from the events alone: what a ledger would know. It must always agree with the machine."""

from __future__ import annotations

from collections import defaultdict
from copy import deepcopy
from dataclasses import dataclass, field

from pyoutcome.protocol import events as e
from pyoutcome.protocol.events import Event
from pyoutcome.protocol.state import State

CLIENT = -1


@dataclass
class Account:
    earned: int = 0
    debt: int = 0
    held: int = 0
    bond: int = 0
    claimable: int = 0
    transit: int = 0
    """Left an account and not yet pushed or deferred; zero between acts."""


@dataclass
class Shadow:
    """Folds events and refuses those that cannot follow one another."""

    slots: int
    funds: int = 0
    client_claimable: int = 0
    accounts: defaultdict[int, Account] = field(default_factory=lambda: defaultdict(Account))
    stakes: defaultdict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(int))
    queue: list[tuple[int, int, int]] = field(default_factory=list)
    """Arrears, oldest first: period, provider, amount."""
    older: int = 0
    """How many of them were there before the settlement being folded, whose payees share one shortage."""

    def copy(self) -> Shadow:
        return deepcopy(self)

    def fold(self, event: Event) -> None:
        getattr(self, f"_fold_{type(event).__name__}", lambda _: None)(event)

    def compare(self, state: State) -> None:
        assert self.funds == state.funds
        assert self.client_claimable == state.client_claimable
        assert sum(self.stakes.values()) == state.stakes()
        assert self.queue == [(entry.period, entry.tenure, entry.amount) for entry in state.queue]
        for index, tenure in enumerate(state.tenures):
            account = self.accounts[index]
            mine = (account.earned, account.debt, account.held, account.bond, account.claimable, account.transit)
            assert mine == (tenure.earned, tenure.debt, tenure.held, tenure.bond, tenure.claimable, 0)
            assert sum(amount for _, owner, amount in self.queue if owner == index) == tenure.arrears

    # --- folds, one per event that moves money ------------------------------------------------------------------------

    def _fold_Deposited(self, event: e.Deposited) -> None:  # noqa: N802 - named after the event
        self.funds += event.amount

    def _fold_Synced(self, event: e.Synced) -> None:  # noqa: N802
        self.funds += event.change

    def _fold_Withdrawn(self, event: e.Withdrawn) -> None:  # noqa: N802
        assert not self.queue, "nothing is withdrawn while anyone is owed"
        self.funds -= event.amount

    def _fold_Refunded(self, event: e.Refunded) -> None:  # noqa: N802
        assert not self.queue
        self.funds -= event.amount

    def _fold_Closed(self, event: e.Closed) -> None:  # noqa: N802
        assert not (self.queue and event.amount), "the client is refunded only with an empty queue"
        self.funds -= event.amount

    def _fold_ClientDeferred(self, event: e.ClientDeferred) -> None:  # noqa: N802
        self.client_claimable += event.amount

    def _fold_ClientClaimed(self, event: e.ClientClaimed) -> None:  # noqa: N802
        assert event.amount + event.given_up == self.client_claimable
        self.client_claimable = 0

    def _fold_Credited(self, event: e.Credited) -> None:  # noqa: N802
        account = self.accounts[event.provider]
        account.earned += event.amount
        if event.amount < 0:
            account.debt -= event.amount
            return
        assert event.amount == event.set_off + event.held + event.paid + event.owed
        assert min(event.set_off, event.held, event.paid, event.owed) >= 0
        if self.older:
            assert event.held == event.paid == 0, "nothing is paid to a later period while an earlier one is owed"
        account.debt -= event.set_off
        account.held += event.held
        account.transit += event.paid
        self.funds -= event.held + event.paid
        if event.owed:
            assert account.debt == 0, "a payee never has debt and arrears"
            self.queue.append((event.period, event.provider, event.owed))

    def _fold_Settled(self, _event: e.Settled) -> None:  # noqa: N802
        self.older = len(self.queue)

    def _fold_Disputed(self, _event: e.Disputed) -> None:  # noqa: N802
        self.older = len(self.queue)

    def _fold_ArrearsSetOff(self, event: e.ArrearsSetOff) -> None:  # noqa: N802
        own = [i for i, (_, owner, _) in enumerate(self.queue) if owner == event.provider]
        self._reduce(own[0], event.period, event.provider, event.amount)
        self.accounts[event.provider].debt -= event.amount

    def _fold_ArrearsHeld(self, event: e.ArrearsHeld) -> None:  # noqa: N802
        self._reduce(0, event.period, event.provider, event.amount, keep=True)
        self.accounts[event.provider].held += event.amount
        self.funds -= event.amount

    def _fold_ArrearsPaid(self, event: e.ArrearsPaid) -> None:  # noqa: N802
        self._reduce(0, event.period, event.provider, event.amount)
        self.accounts[event.provider].transit += event.amount
        self.funds -= event.amount

    def _reduce(self, index: int, period: int, provider: int, amount: int, *, keep: bool = False) -> None:
        found, owner, owed = self.queue[index]
        assert (period, provider) == (found, owner), "arrears are served oldest first"
        assert 0 <= amount <= owed
        if owed == amount and not keep:
            del self.queue[index]
            self.older -= index < self.older
        else:
            self.queue[index] = (found, owner, owed - amount)

    def _fold_Paid(self, event: e.Paid) -> None:  # noqa: N802
        self.accounts[event.provider].transit -= event.amount

    def _fold_Deferred(self, event: e.Deferred) -> None:  # noqa: N802
        self.accounts[event.provider].transit -= event.amount
        self.accounts[event.provider].claimable += event.amount

    def _fold_Claimed(self, event: e.Claimed) -> None:  # noqa: N802
        self.accounts[event.provider].claimable -= event.amount

    def _fold_GivenUp(self, event: e.GivenUp) -> None:  # noqa: N802
        self.accounts[event.provider].claimable -= event.amount

    def _fold_HoldbackReleased(self, event: e.HoldbackReleased) -> None:  # noqa: N802
        assert event.amount == event.set_off + event.paid
        account = self.accounts[event.provider]
        account.held -= event.amount
        account.debt -= event.set_off
        account.transit += event.paid
        self.funds += event.set_off

    def _fold_BondPosted(self, event: e.BondPosted) -> None:  # noqa: N802
        self.accounts[event.provider].bond += event.amount

    def _fold_BondTaken(self, event: e.BondTaken) -> None:  # noqa: N802
        self.accounts[event.provider].bond -= event.amount
        self.accounts[event.provider].debt -= event.amount
        self.funds += event.amount

    def _fold_BondReturned(self, event: e.BondReturned) -> None:  # noqa: N802
        self.accounts[event.provider].bond -= event.amount
        self.accounts[event.provider].transit += event.amount

    def _fold_FeePaid(self, event: e.FeePaid) -> None:  # noqa: N802
        assert not self.queue
        self.accounts[event.provider].debt -= event.set_off
        self.accounts[event.provider].transit += event.amount - event.set_off
        self.funds -= event.amount - event.set_off

    def _fold_Challenged(self, event: e.Challenged) -> None:  # noqa: N802
        assert (event.period, event.party) not in {key for key, stake in self.stakes.items() if stake}
        self.stakes[event.period, event.party] += event.stake

    def _fold_StakeReturned(self, event: e.StakeReturned) -> None:  # noqa: N802
        assert event.amount == self.stakes.pop((event.period, event.party))
        if event.party != CLIENT:
            self.accounts[event.party].transit += event.amount

    def _fold_StakeLost(self, event: e.StakeLost) -> None:  # noqa: N802
        assert event.to != event.party, "nobody gets its own lost stake"
        self.stakes[event.period, event.party] -= event.amount
        if event.to == CLIENT:
            self.funds += event.amount
        else:
            self.accounts[event.to].transit += event.amount
