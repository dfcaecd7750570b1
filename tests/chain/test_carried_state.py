"""An escrow whose program reads earlier periods: the contract against the reference machine, act by act."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from eth_utils.crypto import keccak
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyoutcome.chain.factory import Deal
from pyoutcome.decimals import ONE
from pyoutcome.errors import ProtocolError
from pyoutcome.formula import Definition, KpiShape, Line, Payee, Register, Rule, encode, parse
from pyoutcome.protocol import actions as act
from pyoutcome.protocol import events
from pyoutcome.protocol.deployed import ProgramPricing, deployed_deal
from pyoutcome.protocol.machine import apply
from pyoutcome.protocol.state import State, offer
from pyoutcome.protocol.turn import World
from tests.chain.scene import ENDS, EVIDENCE, EVIDENCE_WINDOW, PROGRAM, UNIT, Scene, scene_on

RULE = Rule(
    (KpiShape("first", -2 * ONE, ONE, 4), KpiShape("second", -2 * ONE, ONE, 4)),
    (("price", 1_000 * ONE), ("most", 1_500 * ONE)),
    (Definition("rolling", parse("first + sum_last(first, 2) + lag(rolling, 2) / 7")),),
    (Line("share", 0, 1, parse("price * sum / 3 - to_date.share")), Line("lost", 0, -1, parse("price * rolling / 9"))),
    (
        Payee("P0", parse("share - lost")),
        Payee("P1", parse("min(price * second * second / second, most - earned_before.P1)")),
    ),
    (Register("sum", parse("0.1"), parse("prev.sum + first")),),
)
"""A register, histories of a KPI and a definition, an entitlement to date, a lifetime cap; fails if ``second`` is 0."""


@contextmanager
def turned(scene: Scene) -> Iterator[Scene]:
    """The scene with an escrow of the rule, active."""
    program = encode(RULE)
    scene.factory.register_program(scene.outsider, program.data)
    arguments = replace(scene.deal.arguments, parameters=tuple(value for _, value in RULE.parameters))
    deal = Deal(arguments, keccak(b"agreement in turn"), program.data)
    escrow, _ = scene.factory.create(scene.outsider, deal)
    found = replace(scene, deal=deal, escrow=escrow)
    found.start()
    yield found


@pytest.fixture(scope="module")
def offered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene_on("embedded", tmp_path_factory.mktemp("chain")) as scene, turned(scene) as found:
        yield found


def machine_of(scene: Scene) -> State:
    """The reference machine where the scene stands: funded and active."""
    deal = deployed_deal(scene.deal.arguments, encode(RULE).data, scene.terms_hash)
    state = step(offer(deal), act.Deposit(deal.client, 20_000 * UNIT), deal.start)[0]
    return step(state, act.Activate(frozenset({deal.client, *(slot.holder for slot in deal.slots)})), deal.start)[0]


def step(state: State, action: act.Action, now: int) -> tuple[State, tuple[events.Event, ...]]:
    return apply(state, action, now, World(state.flow.received - state.flow.sent))


def test_periods_settle_in_order_and_leave_the_same_as_in_the_machine(offered: Scene) -> None:
    """Three periods, one of which fails, on chain and in the machine."""
    escrow, state = offered.escrow, machine_of(offered)
    pricing = state.deal.rules.pricing
    assert isinstance(pricing, ProgramPricing)
    assert escrow.carried_state().periods == 0
    reported = (offered.values("0.5", "0.7"), offered.values("0.25", "0"), offered.values("0.3333", "0.9"))

    offered.network.advance_to(ENDS[-1])  # all have ended: only its turn keeps a period waiting
    for period, values in enumerate(reported, 1):
        if period < len(reported):
            with pytest.raises(ProtocolError) as info:
                escrow.propose_default(offered.outsider, period + 1)
            assert ("out-of-turn", {"first": period}) == (info.value.code, info.value.details)
            with pytest.raises(ProtocolError, match="out-of-turn"):
                step(state, act.ProposeDefault(period + 1), offered.network.now())
        report = offered.a_report(period, values)
        done = escrow.report(offered.outsider, period, values, EVIDENCE, offered.signed(report))
        now = done.events[0].timestamp
        state, happened = step(state, act.Report(period, values, (0, 1), EVIDENCE), now)

        assert list(happened) == [located.event for located in done.events]
        assert 2 * (period == 2) == next(event.program_error for event in happened if isinstance(event, events.Settled))
        registers = state.registers[0]
        assert registers is not None
        earned = tuple(tenure.earned for tenure in state.tenures)
        assert pricing._state(registers, earned) == escrow.carried_state()
        if period < len(reported):
            assert now + EVIDENCE_WINDOW == escrow.evidence_due(period + 1) == state.due_of(period + 1)

    left = escrow.carried_state()
    assert 2 == left.periods
    assert left.registers[0] == ONE // 10 + reported[0][0] + reported[2][0]
    assert state.tenures[1].earned * 10**12 == left.earned[0]


def settled(pricing: ProgramPricing, periods: list[tuple[int, int]]) -> list[int]:
    """Everything paid to the first payee, in base units, with the amounts and registers carried as the machine does."""
    registers, earned, paid = pricing.start, (0, 0), []
    for number, values in enumerate(periods, 1):
        found = pricing.settle(values, registers, number, earned)
        if isinstance(found, int):
            paid.append(0)
            continue
        assert len(pricing.start) == len(found.registers)
        amounts = [abs(amount) // 10**12 * (1 if amount > 0 else -1) for amount in found.amounts]
        registers, earned = found.registers, (earned[0] + amounts[0], earned[1] + amounts[1])
        paid.append(amounts[1])
    return paid


shares = st.integers(-20_000, 10_000).map(lambda n: n * 10**14)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(shares, shares), max_size=8))
def test_a_lifetime_cap_holds_over_all_periods(periods: list[tuple[int, int]]) -> None:
    pricing = ProgramPricing(encode(RULE).data, tuple(value for _, value in RULE.parameters), 6)
    paid = settled(pricing, periods)
    assert all(sum(paid[: number + 1]) <= 1_500 * UNIT for number in range(len(paid)))


def test_an_independent_program_starts_with_nothing() -> None:
    pricing = ProgramPricing(PROGRAM, (ONE, ONE), 6)
    assert ((), False) == (pricing.start, pricing.sequential)
