"""The keeper: in each round it looks at what is due, makes files, hands in transactions, and notes when to look again.

Nothing waits for a block. What is true stands on chain and in the files; the database remembers attempts and what is on
its way. Killed anywhere and started anew, it goes on from there.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Final

from pyoutcome.errors import PyoutcomeError, StoreError
from pyoutcome.service.alerts import Herald
from pyoutcome.service.chains import Chain, Watch, monotonic
from pyoutcome.service.configuration import KeptAgreement, Setup
from pyoutcome.service.hands import Hands
from pyoutcome.service.homes import Homes
from pyoutcome.service.inbox import Inbox
from pyoutcome.service.logs import say
from pyoutcome.service.naming import is_dead
from pyoutcome.service.posting import Order, Posting
from pyoutcome.service.sending import Exchange
from pyoutcome.service.troubles import as_ours
from pyoutcome.service.visiting import Visit, Visitor
from pyoutcome.settlement.patience import SECOND, Patience
from pyoutcome.settlement.progress import silent
from pyoutcome.settlement.standing import LEASE, Known, Standing
from pyoutcome.settlement.state import KeeperState

if TYPE_CHECKING:
    from pyoutcome.chain.courier import Courier
    from pyoutcome.chain.network import Network
    from pyoutcome.index import EventIndex
    from pyoutcome.protocol import Signer

AT_ONCE: Final = 200
"""Rows claimed in one round."""
TAKING_IN: Final = SECOND
"""How long new agreements are taken in before what is due is looked at."""
TOGETHER: Final = 2 * SECOND
"""How long looks are collected before they are written down."""


class Keeper:
    """Looks after all agreements of one configuration."""

    def __init__(
        self,
        setup: Setup,
        state: KeeperState,
        homes: Homes,
        herald: Herald,
        *,
        courier_of: Callable[[Network], Courier],
        index_of: Callable[[Network], EventIndex],
        exchange: Exchange,
    ) -> None:
        given = setup.configuration
        self.setup = setup
        self.state = state
        self.homes = homes
        self.chains: dict[str, Chain] = {}
        self.rounds = 0
        self.inbox: Inbox | None = None
        self._patience = Patience(given.attempts)
        self._courier_of, self._index_of = courier_of, index_of
        self._watch = Watch(state, herald, self._patience)
        self._visitor = Visitor(given, herald, exchange)
        self._posting = Posting(state, given.batch)
        self._stop = Event()
        self._next_survey = 0
        self._new: deque[KeptAgreement] = deque()
        self._known: Mapping[str, Known] = {}
        self._held: dict[tuple[str, int], Standing] = {}
        self._lock = Lock()

    # --- running ------------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Ends the run after what is being done now. Safe from a signal's handler and from other threads."""
        self._stop.set()

    def run(self, *, once: bool = False) -> None:
        """Goes round until it is stopped; with ``once`` until nothing can be done now."""
        extender = Thread(target=self._extend, name="leases", daemon=True)
        extender.start()
        failures = 0
        try:
            while not self._stop.is_set():
                try:
                    busy, failures = self.round(), 0
                    if not busy and once and self._is_idle():
                        return
                except (PyoutcomeError, OSError) as error:
                    # A full disk, a database that restarts: the next round begins with what was claimed in this one.
                    failures += 1
                    told = as_ours(error)
                    say("round-failed", logging.ERROR, code=told.code, why=told.why, failures=failures)
                    self._stop.wait(self._patience.wait(failures) // SECOND)
                    continue
                if not busy:
                    self._stop.wait(self.setup.configuration.poll)
        finally:
            self._stop.set()
            extender.join()

    def round(self) -> bool:
        """One round over everything that is due; whether anything was done. StoreError, OSError."""
        self.rounds += 1
        self._let_go()
        more = self._survey()
        up = [chain for chain in self.chains.values() if self._watch.look_at(chain, self.homes.signer_of)]
        arrived = self.inbox is not None and self.inbox.round()
        names = {name: chain for chain in up for name in chain.names.values()}
        claimed = self.state.claim(names, AT_ONCE) if names else []
        self._hold(claimed)
        try:
            self._look_at(claimed, names)
        finally:
            self._let_go()
        return more or arrived or bool(claimed)

    def _is_idle(self) -> bool:
        if self.inbox is not None and self.inbox.is_waiting:
            return False
        return self.state.is_idle([name for chain in self.chains.values() for name in chain.names.values()])

    # --- leases -------------------------------------------------------------------------------------------------------

    def _extend(self) -> None:
        """Holds this keeper's claims while it works on them."""
        while not self._stop.wait(LEASE // SECOND // 3):
            with self._lock:
                held = list(self._held.values())
            try:
                if held:
                    self.state.extend(held)
            except StoreError as error:
                say("lease-not-extended", logging.WARNING, code=error.code, why=error.why)

    def _hold(self, claimed: Iterable[Standing]) -> None:
        with self._lock:
            self._held = {(each.agreement, each.number): each for each in claimed}

    def _let_go(self) -> None:
        """Gives back what was claimed and not looked at. Where that fails, the next round does it first."""
        with self._lock:
            left = list(self._held.values())
        if left:
            self.state.release(left)
            self._hold([])

    # --- what there is ------------------------------------------------------------------------------------------------

    def _survey(self) -> bool:
        """Takes in new agreements, now and then, and a few in each round; whether there are more."""
        now = monotonic()
        if not self._next_survey or now >= self._next_survey:
            self._next_survey = now + self.setup.configuration.look_again * SECOND
            here = {name for chain in self.chains.values() for name in chain.names.values()}
            self._new = deque(kept for kept in self.setup.agreements() if kept.name not in here)
            self._known = self.state.known() if self._new else {}
            self._bury_the_dead()
        taken: list[tuple[Chain, Known]] = []
        while self._new and monotonic() < now + TAKING_IN:
            kept = self._new.popleft()
            try:
                taken += self._take_in(kept, self._known.get(kept.name))
            except StoreError:
                raise
            except (PyoutcomeError, OSError) as error:
                told = as_ours(error)
                say("agreement-not-opened", logging.WARNING, agreement=kept.name, code=told.code, why=told.why)
        self.state.nudge([known.name for _, known in taken])
        for chain, known in taken:
            chain.names[known.escrow] = known.name
        return bool(self._new)

    def _bury_the_dead(self) -> None:
        """Takes back the claims of keepers that died on this machine, which else would wait for their leases to end."""
        for owner in self.state.owners() - {self.state.owner}:
            if is_dead(owner):
                say("claims-taken-back", owner=owner, rows=self.state.bury(owner))

    def _take_in(self, kept: KeptAgreement, known: Known | None) -> list[tuple[Chain, Known]]:
        """Has an agreement looked after, if it is offered; one that was registered before is not even opened."""
        name = kept.name
        self.homes.kept[name] = kept
        providers: tuple[str, ...] = ()
        if known is None or known.folder != str(kept.folder.resolve()):
            described = self.homes.describe(name)
            if described is None:
                say("agreement-not-offered", agreement=name)
                return []
            known, ends, providers = described
            self.state.register(known, ends)
            say("agreement-taken-in", agreement=name, escrow=known.escrow, periods=len(ends))
        chain = self._chain_of(known)
        if known.escrow not in chain.watched:
            chain.index.watch(known.escrow, known.first_block, providers)
        self.homes.recall(name)
        return [(chain, known)]

    def _chain_of(self, known: Known) -> Chain:
        if known.chain not in self.chains:
            network = self.homes.network_of(known.name)
            index = self._index_of(network)
            watched = frozenset(index.watched())
            self.chains[known.chain] = Chain(known.chain, network, self._courier_of(network), index, watched)
        return self.chains[known.chain]

    # --- a round ------------------------------------------------------------------------------------------------------

    def _look_at(self, claimed: Sequence[Standing], chains: Mapping[str, Chain]) -> None:
        """Looks at what was claimed, agreement by agreement, and hands in and writes down what that came to."""
        visits: list[Visit] = []
        begun = monotonic()
        for name, group in groupby(sorted(claimed, key=_place), key=lambda each: each.agreement):
            if self._stop.is_set():
                break
            visits.append(self._visit(chains[name], name, list(group)))
            # Together, because that is fewer transactions; not for long, because a keeper that dies has noted nothing.
            if monotonic() > begun + TOGETHER:
                self._conclude(visits)
                visits, begun = [], monotonic()
        self._conclude(visits)

    def _conclude(self, visits: Sequence[Visit]) -> None:
        self._post(visits)
        self._note(visits)

    def _visit(self, chain: Chain, name: str, claimed: Sequence[Standing]) -> Visit:
        def enter() -> Hands:
            duties = self.homes.kept[name].duties
            return Hands(self.homes.open(name).desk, duties.pays or "", silent, duties=duties)

        return self._visitor.visit(chain, claimed, enter)

    def _post(self, visits: Sequence[Visit]) -> None:
        """Hands in what the visits want; their looks then say what is on its way, or why not."""
        for chain in self.chains.values():
            here = [visit for visit in visits if visit.chain is chain and visit.hands is not None]
            orders = [order for visit in here for order in self._orders(visit)]
            if not orders:
                continue
            sent = self._posting.send(chain, orders)
            for visit in here:
                for each in visit.claimed:
                    answer = sent.get((each.agreement, each.number))
                    if isinstance(answer, PyoutcomeError):
                        visit.fail(each.number, answer)
                    elif answer is not None and visit.sent(each.number, answer):
                        say("handed-in", agreement=each.agreement, period=each.number or None, purpose=answer.purpose)

    def _orders(self, visit: Visit) -> Iterable[Order]:
        hands = visit.hands
        for each in visit.claimed if hands is not None else ():
            errand = hands.errands.get(each.number) if hands is not None else None
            if hands is None or errand is None or visit.looks[each.number].error is not None:
                continue
            try:
                signer: Signer = self.homes.signer(each.agreement, errand.party)
            except PyoutcomeError as error:
                visit.fail(each.number, error)
                continue
            yield Order(each, errand, signer, hands.desk.escrow.address)

    def _note(self, visits: Sequence[Visit]) -> None:
        """Writes all looks down in one step, gives the claims back, and tells what is news."""
        looks = [(each, visit.looks[each.number]) for visit in visits for each in visit.claimed]
        if not looks:
            return
        written = {(each.agreement, each.number): each for each in self.state.note(looks, self._patience)}
        with self._lock:
            for before, _ in looks:
                self._held.pop((before.agreement, before.number), None)
        for before, _ in looks:
            after = written[before.agreement, before.number]
            self._visitor.tell_step(before, after, self._patience.attempts)


def _place(standing: Standing) -> tuple[str, int]:
    """Periods in order, the agreement as a whole last: then it sees what they came to."""
    return standing.agreement, standing.number or 1 << 31
