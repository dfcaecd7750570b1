"""The laws that hold after every act, whatever came before (numbered in docs/invariants.md)."""

from __future__ import annotations

from pyoutcome.decimals import ONE
from pyoutcome.protocol import actions as act
from pyoutcome.protocol.actions import Action
from pyoutcome.protocol.events import Agreed, Event, Settled
from pyoutcome.protocol.periods import price
from pyoutcome.protocol.state import PeriodStage, Stage, State

ANYTIME = (act.Deposit, act.Sync, act.PayArrears, act.Claim, act.MovePayout)
"""What still works after closing."""


def hold(before: State, after: State, action: Action, events: tuple[Event, ...], now: int, balance: int) -> None:
    """Asserts every law for one act."""
    _nothing_is_negative(after)
    _conservation(after, balance)
    _early_claims_harm_nobody(before, after, balance)
    _account_identity(after)
    _never_debt_and_arrears(after)
    _settled_once(before, after, action, events)
    _amounts_equal_the_program(before, after)
    _agreements_are_signed(before, action, now)
    _disputed_credit_within_reach(before, after)
    _holdback_is_the_share_of_what_was_funded(after)
    _closed_is_terminal(before, after, action)
    _signatures_used_once(before, after, action)
    _cover_record(after, now)
    _caps(after)


def _nothing_is_negative(state: State) -> None:
    assert min(state.funds, state.client_claimable, state.stakes()) >= 0
    for t in state.tenures:
        assert min(t.bond, t.paid, t.held, t.debt, t.arrears, t.claimable, t.repaid, t.fees) >= 0
    assert all(entry.amount > 0 for entry in state.queue)


def _conservation(state: State, balance: int) -> None:
    flow = state.flow
    assert state.tracked() == flow.received + flow.synced - flow.sent - flow.given_up
    assert 0 <= balance <= state.tracked()
    if balance < state.tracked():
        assert state.funds == 0, "a loss takes client funding first"


def _early_claims_harm_nobody(before: State, after: State, balance: int) -> None:
    given_up = after.flow.given_up - before.flow.given_up
    if given_up:
        had = balance + after.flow.sent - before.flow.sent
        assert balance * before.tracked() >= had * after.tracked(), "the covered share of the others does not fall"


def _account_identity(state: State) -> None:
    for t in state.tenures:
        assert t.earned + t.fees == t.paid + t.held + t.arrears - t.debt - t.repaid


def _never_debt_and_arrears(state: State) -> None:
    assert all(t.debt == 0 or t.arrears == 0 for t in state.tenures)


def _settled_once(before: State, after: State, action: Action, events: tuple[Event, ...]) -> None:
    for old, new in zip(before.periods, after.periods, strict=True):
        if old.stage is PeriodStage.SETTLED and new != old:
            unchanged = (old.final, old.credits) == (new.final, new.credits)
            assert unchanged or isinstance(action, act.Agree | act.PayArrears | act.Close)
            if old.final != new.final:
                assert isinstance(action, act.Agree)
                assert any(isinstance(event, Agreed) for event in events)
            assert (old.settled_at, PeriodStage.SETTLED) == (new.settled_at, new.stage)
    assert len([event for event in events if isinstance(event, Settled)]) <= 1


def _amounts_equal_the_program(before: State, after: State) -> None:
    """What is credited is what the program signed for the period gives, on the registers the period started from."""
    for number, (old, new) in enumerate(zip(before.periods, after.periods, strict=True), 1):
        if new.final is not None:
            assert tuple(credit.amount for credit in new.credits) == new.final.amounts
            if new.final != old.final:
                assert price(before, number, new.final.values) == new.final


def _agreements_are_signed(before: State, action: Action, now: int) -> None:
    if isinstance(action, act.Agree):
        bound = set(before.holders_of(action.period))
        if before.rules_of(action.period).pricing.sequential:
            bound |= set(before.holders_of(max(1, before.started(now))))
        assert {before.deal.client, *(before.tenures[tenure].holder for tenure in bound)} <= action.signers


def _disputed_credit_within_reach(before: State, after: State) -> None:
    for old, new in zip(before.periods, after.periods, strict=True):
        if new.stage is PeriodStage.DISPUTED:
            for slot, credit in enumerate(new.credits):
                assert all(credit.amount <= max(0, version.amounts[slot]) for version in new.versions)
        # By ruling or fallback; an agreement may go below, because the payee signs it.
        if old.stage is PeriodStage.DISPUTED and new.final is not None and new.agreements == old.agreements:
            for credit, amount in zip(old.credits, new.final.amounts, strict=True):
                assert credit.amount <= max(0, amount)


def _holdback_is_the_share_of_what_was_funded(state: State) -> None:
    for number, period in enumerate(state.periods, 1):
        for slot, credit in enumerate(period.credits):
            assert 0 <= credit.held <= credit.funded
            if not state.tenures[state.holder_of(slot, number)].released:
                assert state.deal.holdback_rate * credit.funded // ONE == credit.held
    for tenure in state.tenures:
        assert tenure.released is False or tenure.held == 0


def _closed_is_terminal(before: State, after: State, action: Action) -> None:
    if before.stage is Stage.CLOSED:
        assert after.stage is Stage.CLOSED
        assert isinstance(action, ANYTIME)
    if after.stage is Stage.CLOSED:
        assert after.funds == 0 or after.queue
        assert all(tenure.bond == tenure.held == 0 for tenure in after.tenures)
        assert after.stakes() == 0
        if before.stage is Stage.ACTIVE:
            assert after.all_settled()
    assert not (before.stage is not Stage.OFFER and after.stage is Stage.OFFER)


def _signatures_used_once(before: State, after: State, action: Action) -> None:
    """Whatever a signature opened, the same signature does not open again: its occasion is over."""
    match action:
        case act.Agree(period=number, nonce=nonce):
            assert after.period(number).agreements > nonce
        case act.Amend(rules=rules):
            assert [entry.rules.terms for entry in after.accepted].count(rules.terms) == 1
            assert after.accepted[-1].rules.terms != action.previous
        case act.Assign(nonce=nonce):
            assert after.assignments > nonce
        case act.TerminateMutually(nonce=nonce):
            assert after.terminations > nonce
        case act.TerminateOnFinding(nonce=nonce):
            assert nonce in after.findings
            assert nonce not in before.findings
        case _:
            pass


def _cover_record(state: State, now: int) -> None:
    if state.uncovered_since is not None and state.stage is Stage.ACTIVE:
        assert state.funds < state.required_cover(now)


def _caps(state: State) -> None:
    """A lifetime cap in the program holds per slot, through assignment, disputes and agreements."""
    for slot in range(len(state.deal.slots)):
        numbers = [n for n in range(1, len(state.periods) + 1) if state.rules_of(n).pricing.sequential]
        caps = {getattr(state.rules_of(n).pricing, "cap", None) for n in numbers}
        if len(numbers) == len(state.periods) and len(caps) == 1:
            (cap,) = caps
            finals = [period.final for period in state.periods]
            assert cap is None or sum(f.amounts[slot] for f in finals if f is not None) <= cap
