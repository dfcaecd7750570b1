"""The example agreement through the machine, on the very program bytes an escrow runs."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from eth_account import Account
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from pyoutcome.decimals import DECIMALS, ONE, to_decimal
from pyoutcome.protocol import actions as act
from pyoutcome.protocol.arguments import ZERO_ADDRESS, Arguments, Kpi, Provider
from pyoutcome.protocol.deal import Deal
from pyoutcome.protocol.deployed import deployed_deal
from pyoutcome.protocol.events import Settled
from pyoutcome.protocol.machine import apply
from pyoutcome.protocol.messages import MISSING
from pyoutcome.protocol.periods import AMOUNT_TOO_LARGE, MOST_AMOUNT
from pyoutcome.protocol.state import Stage, State, offer
from pyoutcome.protocol.turn import World
from pyoutcome.terms.agreement import Agreement
from pyoutcome.terms.kpis import AgreementKpi
from tests.protocol.profiles import CASES
from tests.protocol.theatre import Linear, Theatre, deal

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "punctual-arrivals" / "agreement.yaml"
A = [Account.from_key(keccak(bytes([n]))).address for n in range(8)]


@cache
def example() -> tuple[Agreement, Deal]:
    agreement = Agreement.load(EXAMPLE)
    escrow = agreement.escrow
    ends = tuple(period.end for period in agreement.periods)
    arguments = Arguments(
        client=A[0],
        token=ZERO_ADDRESS,
        unit_decimals=agreement.token.decimals,
        quorum=agreement.quorum,
        verifiers=(A[1], A[2], A[3]),
        arbitrator=A[4],
        providers=tuple(Provider(signer, signer) for signer in A[5:8]),
        kpis=tuple(Kpi(kpi.decimals, kpi.may_be_missing, kpi.low, kpi.high, kpi.if_missing) for kpi in agreement.kpis),
        parameters=tuple(value for _, value in agreement.rule().parameters),
        activate_by=agreement.periods[0].start,
        start=agreement.periods[0].start,
        ends=ends,
        evidence_window=escrow.evidence_window,
        default_window=escrow.default_window,
        holdback_rate=escrow.holdback_rate,
        holdback_delay=escrow.holdback_release,
        reserve=escrow.reserve,
    )
    return agreement, deployed_deal(arguments, agreement.program().data, bytes(32))


def do(state: State, action: act.Action, now: int) -> tuple[State, list[Settled]]:
    balance = state.flow.received - state.flow.sent
    after, events = apply(state, action, now, World(balance))
    return after, [event for event in events if isinstance(event, Settled)]


def values_of(kpi: AgreementKpi) -> st.SearchStrategy[int | None]:
    """Sound values of a KPI, scaled; None where it may be missing."""
    step = 10 ** (DECIMALS - kpi.decimals)
    sound = st.integers(kpi.low // step, kpi.high // step).map(step.__mul__)
    return st.one_of(sound, st.none()) if kpi.may_be_missing else sound


@settings(CASES, max_examples=CASES.max_examples // 3)
@given(data=st.data())
def test_a_month_settles_to_the_amounts_of_the_statement(data: st.DataObject) -> None:
    agreement, terms = example()
    drawn = [data.draw(values_of(kpi)) for kpi in agreement.kpis]
    state, _ = do(offer(terms), act.Deposit(A[0], terms.rules.reserve), terms.start - 9)
    state, _ = do(state, act.Activate(frozenset(A)), terms.start - 9)
    values = tuple(MISSING if value is None else value for value in drawn)
    _, (settled,) = do(state, act.Report(1, values, (0, 1)), terms.end_of(1))
    stated = {
        kpi.name: None if value is None else to_decimal(value) for kpi, value in zip(agreement.kpis, drawn, strict=True)
    }
    assert agreement.statement(1, stated).amounts == settled.amounts
    assert 0 == settled.program_error


def test_the_proven_reserve_of_every_period_in_turn_is_enough_for_the_whole_term() -> None:
    agreement, terms = example()
    best = tuple(kpi.low if kpi.name.startswith("cancelled") else kpi.high for kpi in agreement.kpis)
    state, _ = do(offer(terms), act.Deposit(A[0], terms.rules.reserve), terms.start - 9)
    state, _ = do(state, act.Activate(frozenset(A)), terms.start - 9)
    for number in range(1, 13):
        state, _ = do(state, act.Report(number, best, (0, 1)), terms.end_of(number))
        assert () == state.queue
        if number < 12:
            state, _ = do(state, act.Deposit(A[0], terms.rules.reserve), terms.end_of(number))
    state, _ = do(state, act.Close(1), state.release_date())
    assert (Stage.CLOSED, 0) == (state.stage, state.tracked())
    assert state.flow.received == state.flow.sent


def test_an_amount_too_large_for_the_books_is_a_program_error() -> None:
    for offset, error in ((MOST_AMOUNT, 0), (MOST_AMOUNT + 1, AMOUNT_TOO_LARGE)):
        theatre = Theatre(deal(Linear(2, offset=offset), challenge_window=0, reserve=0)).begin(funds=0)
        theatre.covered = False
        theatre.report(1, 0, 0)
        final = theatre.state.period(1).final
        assert final is not None
        assert (error, 0 if error else MOST_AMOUNT) == (final.error, final.amounts[0])
    assert theatre.deal.rules.kpis[0].high == 10 * ONE
