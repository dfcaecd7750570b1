"""A stage for protocol stories: named actors, a clock, a token that can fail, and checks after every act.

``Theatre.act`` carries out an act and then holds the state against three things that know nothing of the machine's
code: a double fold of the events (``Shadow``), the laws that hold at every moment (``laws``), and the token's balance.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

import pytest

from pyoutcome.decimals import ONE
from pyoutcome.errors import ProtocolError
from pyoutcome.protocol import actions as act
from pyoutcome.protocol.actions import Action
from pyoutcome.protocol.arguments import Kpi
from pyoutcome.protocol.deal import Deal, Priced, Pricing, Rules, Slot
from pyoutcome.protocol.events import Event
from pyoutcome.protocol.machine import apply
from pyoutcome.protocol.state import PeriodStage, Stage, State, offer
from pyoutcome.protocol.turn import World
from tests.protocol import laws
from tests.protocol.shadow import Shadow

HIGH = 10
"""Greatest KPI value of the test programs; 0 is the least and the stand-in."""
FAILS = 13
"""A value on which the test programs fail (KPIs of ``deal(fallible=True)`` accept it)."""


@dataclass(frozen=True)
class Linear:
    """An independent program: each slot's amount is 100.7 x its value - 300 (so it can be negative, and truncates)."""

    slots: int
    offset: int = -300
    bonus: int = 0
    """A second program for amendments pays this much more."""

    sequential: bool = False
    start: tuple[int, ...] = ()

    def settle(
        self, values: tuple[int, ...], registers: tuple[int, ...], period: int, earned: tuple[int, ...]
    ) -> Priced | int:
        assert () == registers
        assert not any(earned)
        assert period > 0
        if FAILS * ONE in values:
            return 7
        amounts = tuple(value * 1007 // 10 + (self.offset + self.bonus) * ONE for value in values)
        return Priced(amounts, (), tuple(value < 3 * ONE for value in values))

    def most(self) -> int:
        return max(0, 1007 + self.offset + self.bonus) * self.slots


@dataclass(frozen=True)
class Rising:
    """A sequential program: pays each slot 50 x value, more with good earlier periods, never above ``cap`` in all.

    Register 0 counts good periods, register 1 sums all values.
    """

    slots: int
    cap: int = 900

    sequential: bool = True
    start: tuple[int, ...] = (0, 0)

    def settle(
        self, values: tuple[int, ...], registers: tuple[int, ...], period: int, earned: tuple[int, ...]
    ) -> Priced | int:
        assert 2 == len(registers)
        assert period > 0
        if FAILS * ONE in values:
            return 7
        good, total = registers
        amounts = tuple(
            min(value * (50 + 5 * good) - 100 * ONE, (self.cap - had) * ONE)
            for value, had in zip(values, earned, strict=True)
        )
        worst = min(values)
        return Priced(amounts, (good + (worst >= 5 * ONE), total + sum(values)), tuple(v < 3 * ONE for v in values))

    def most(self) -> int:
        return 600 * self.slots


CLIENT, ARBITRATOR, OUTSIDER = "client", "arbitrator", "outsider"
START, LENGTH = 1_000, 100


def rules(
    pricing: Pricing,
    *,
    terms: str = "terms-1",
    reserve: int = 0,
    slots: int = 2,
    challenge_window: int = 15,
    chooses: bool = False,
    fallible: bool = False,
) -> Rules:
    high = FAILS if fallible else HIGH
    return Rules(
        terms=terms,
        pricing=pricing,
        kpis=(Kpi(1, True, 0, high * ONE, 0),) * slots,
        suppliers=tuple(range(slots)),
        verifiers=("V1", "V2", "V3"),
        quorum=2,
        arbitrator=ARBITRATOR,
        chooses=chooses,
        evidence_window=20,
        default_window=10,
        challenge_window=challenge_window,
        ruling_window=25,
        stake_fixed=5,
        stake_share=ONE // 10 + 1,
        reserve=reserve,
    )


def deal(
    pricing: Pricing | None = None,
    *,
    slots: int = 2,
    periods: int = 4,
    reserve: int | None = None,
    challenge_window: int = 15,
    chooses: bool = False,
    bond: int = 200,
    holdback: int = ONE // 10,
    streak: int = 2,
    fallible: bool = False,
) -> Deal:
    program = pricing or Linear(slots)
    most = program.most() if isinstance(program, Linear | Rising) else 0
    return Deal(
        client=CLIENT,
        slots=tuple(Slot(f"P{i}", f"P{i}$", bond, f"B{i}" if i == 0 else None) for i in range(slots)),
        activate_by=START + 50,
        start=START,
        ends=tuple(START + LENGTH * (i + 1) for i in range(periods)),
        unit_decimals=0,
        holdback_rate=holdback,
        holdback_delay=50,
        rules=rules(
            program,
            reserve=most if reserve is None else reserve,
            slots=slots,
            challenge_window=challenge_window,
            chooses=chooses,
            fallible=fallible,
        ),
        cure_window=30,
        notice=60,
        convenience=frozenset({"client", "provider"}),
        convenience_fee=(40,) * slots,
        streak=streak,
    )


@dataclass
class Theatre:
    """One story."""

    deal: Deal
    now: int = START - 100
    balance: int = 0
    refusing: frozenset[str] = frozenset()
    state: State = field(init=False)
    shadow: Shadow = field(init=False)
    covered: bool = field(init=False)
    """So far a proven reserve was covered at every period's start, and nothing else took money from it."""
    edges: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state = offer(self.deal)
        self.shadow = Shadow(len(self.deal.slots))
        program = self.deal.rules.pricing
        assert isinstance(program, Linear | Rising)
        self.covered = self.deal.rules.reserve >= program.most()

    @property
    def world(self) -> World:
        return World(self.balance, self.refusing)

    def act(self, action: Action) -> tuple[Event, ...]:
        """Carries the act out and checks everything; raises ProtocolError if it is refused."""
        before = self.state
        after, events = apply(before, action, self.now, self.world)
        self.balance += after.flow.received - before.flow.received - (after.flow.sent - before.flow.sent)
        self.state = after
        self.events.extend(events)
        for event in events:
            self.shadow.fold(event)
        self.shadow.compare(after)
        laws.hold(before, after, action, events, self.now, self.balance)
        self._note_cover(before, action)
        self._count(before, action)
        return events

    def tries(self, action: Action) -> bool:
        """Carries the act out if the protocol allows it."""
        try:
            self.act(action)
        except ProtocolError as refused:
            self.refusals[refused.code] += 1
            return False
        return True

    def wait(self, until: int) -> None:
        """Lets time pass; notes whether the reserve was covered whenever a period starts."""
        for number in range(1, self.state.last + 1):
            begins = self.deal.start_of(number)
            if self.now < begins <= until and self.state.funds < self.state.required_cover(begins):
                self.covered = False
        assert until >= self.now
        self.now = until

    def _note_cover(self, before: State, action: Action) -> None:
        match action:
            case act.Activate() | act.Amend():
                self.covered &= self.state.funds >= self.state.required_cover(self.now)
            case act.Agree(period=number) if before.settled(number):
                self.covered = False
        if self.state.flow.synced < before.flow.synced or self.balance < self.state.tracked():
            self.covered = False
        if self.covered and self.state.stage is Stage.ACTIVE:
            assert () == self.state.queue, "covered at each start means no arrears"

    def _count(self, before: State, action: Action) -> None:
        number = getattr(action, "period", None)
        if isinstance(number, int):
            was, now = before.period(number).stage.value, self.state.period(number).stage.value
        else:
            was, now = before.stage.value, self.state.stage.value
        self.edges[was, type(action).__name__, now] += 1

    # --- short words for stories --------------------------------------------------------------------------------------

    def begin(self, funds: int = 100_000) -> Theatre:
        """Funded, bonded, signed and active, just before the first period."""
        for index, slot in enumerate(self.deal.slots):
            if slot.bond:
                self.act(act.PostBond(index, slot.bond))
        if funds:
            self.act(act.Deposit(CLIENT, funds))
        backups = {slot.backup for slot in self.deal.slots if slot.backup}
        signers = frozenset({CLIENT, *backups, *(slot.holder for slot in self.deal.slots)})
        self.act(act.Activate(signers))
        return self

    def report(self, number: int, *values: int) -> tuple[Event, ...]:
        """Reports whole values, at the period's end if that is still to come."""
        self.wait(max(self.now, self.deal.end_of(number)))
        return self.act(act.Report(number, scaled(values), (0, 2)))

    def settle(self, number: int) -> tuple[Event, ...]:
        """Settles when the window is over."""
        self.wait(max(self.now, self.state.period(number).window_end))
        return self.act(act.Settle(number))

    def challenge(self, by: str, number: int, *values: int, arrived: int = 1_000) -> tuple[Event, ...]:
        nonce = self.state.period(number).proposals
        return self.act(act.Challenge(by, number, nonce, scaled(values), arrived))

    def default(self, number: int) -> tuple[Event, ...]:
        """Proposes the default as soon as it is due."""
        due = self.state.due_of(number)
        assert due is not None
        self.wait(max(self.now, due))
        return self.act(act.ProposeDefault(number))

    def agree(self, number: int, *values: int) -> tuple[Event, ...]:
        self.wait(max(self.now, self.deal.end_of(number)))
        signers = frozenset({CLIENT, *(tenure.holder for tenure in self.state.tenures)})
        return self.act(act.Agree(number, scaled(values), self.state.period(number).agreements, signers))

    def close(self) -> None:
        """Settles what is left through defaults and closes, by an outsider alone."""
        close_alone(self)
        assert Stage.CLOSED is self.state.stage

    def refused(self, code: str, action: Action) -> None:
        """Asserts that the act is refused with this code and changes nothing."""
        before = self.state
        with pytest.raises(ProtocolError) as refusal:
            apply(before, action, self.now, self.world)
        assert code == refusal.value.code
        assert before is self.state


def scaled(values: tuple[int, ...]) -> tuple[int, ...]:
    """Whole numbers as 18-decimal values; the missing mark stays."""
    return tuple(value if value < 0 else value * ONE for value in values)


def close_alone(theatre: Theatre, most: int = 3) -> None:
    """An outsider brings the escrow to its end while everyone else is silent: only acts that anyone may do, only time.

    Every round either acts or waits for the next deadline; more rounds than any state needs are a failure.
    """
    for _ in range(40 * (len(theatre.state.periods) + len(theatre.state.queue) + 2)):
        state = theatre.state
        if state.stage is Stage.CLOSED:
            return
        if state.stage is Stage.OFFER:
            theatre.wait(max(theatre.now, state.deal.activate_by))
            theatre.act(act.Cancel())
            continue
        open_periods = [p for p in range(1, state.last + 1) if not state.settled(p)]
        if not open_periods:
            theatre.wait(max(theatre.now, state.release_date()))
            theatre.act(act.Close(most))
            continue
        number = open_periods[0]
        period = state.period(number)
        match period.stage:
            case PeriodStage.NONE:
                theatre.default(number)
            case PeriodStage.REPORTED | PeriodStage.DEFAULTED:
                theatre.settle(number)
            case _:
                theatre.wait(max(theatre.now, period.deadline))
                theatre.act(act.Fallback(number))
    raise AssertionError("an outsider alone cannot close this escrow")


def copy_of(theatre: Theatre) -> Theatre:
    """The same story, to be continued elsewhere."""
    twin = Theatre(theatre.deal, theatre.now, theatre.balance, theatre.refusing)
    twin.state, twin.shadow, twin.covered = theatre.state, theatre.shadow.copy(), theatre.covered
    return twin


def with_rules(terms: Deal, **changes: object) -> Deal:
    """The deal with some of its rules changed."""
    return replace(terms, rules=replace(terms.rules, **changes))  # type: ignore[arg-type]
