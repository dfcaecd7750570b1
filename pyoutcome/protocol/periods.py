"""One period's way to settlement: evidence posted, report, default, agreement; and what settling does."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pyoutcome.decimals import to_units_trunc
from pyoutcome.protocol import refusals
from pyoutcome.protocol.actions import Agree, PostDigest, ProposeDefault, Report
from pyoutcome.protocol.deal import Rules
from pyoutcome.protocol.events import Agreed, DefaultProposed, DigestPosted, Reported, Settled, StakeReturned
from pyoutcome.protocol.exits import current_holders, demand_signatures, demand_stage
from pyoutcome.protocol.messages import MISSING
from pyoutcome.protocol.money import credit, release
from pyoutcome.protocol.state import CLIENT, Mark, Period, PeriodStage, Stage, State, Version
from pyoutcome.protocol.tokens import send
from pyoutcome.protocol.turn import Turn

MOST_AMOUNT: Final = 2**112 - 1
"""Base units one payee can earn or owe in one period: so no sum over 1,024 periods leaves 128 bits on chain."""
AMOUNT_TOO_LARGE: Final = 8
"""Program error for an amount beyond ``MOST_AMOUNT``; the escrow gives it, not the program's machine."""


def demand_period(state: State, number: int) -> Period:
    """The period, in an active agreement."""
    demand_stage(state, Stage.ACTIVE)
    if not 1 <= number <= state.last:
        raise refusals.no_such_period(number)
    return state.period(number)


def demand_turn(turn: Turn, number: int) -> None:
    """Refuses an act before the period's end, or while a sequential program waits for an earlier one."""
    end = turn.state.deal.end_of(number)
    if turn.now < end:
        raise refusals.too_early(end)
    if turn.state.turn_of(number) is None:
        raise refusals.out_of_turn(turn.state.first_unsettled())


def demand_values(rules: Rules, values: tuple[int, ...]) -> None:
    """Refuses values the KPIs do not allow."""
    if len(values) != len(rules.kpis):
        raise refusals.wrong_value_count(len(values), len(rules.kpis))
    for index, (kpi, value) in enumerate(zip(rules.kpis, values, strict=True)):
        if not (kpi.may_be_missing if value == MISSING else kpi.accepts(value)):
            raise refusals.bad_value(index, value)


def price(state: State, number: int, values: tuple[int, ...], by: int | None = None) -> Version:
    """What the program makes of values for a period: amounts truncated toward zero to base units, once.

    A program error gives amounts of zero and leaves the registers as they were.
    """
    rules, slots = state.rules_of(number), len(state.deal.slots)
    used = tuple(kpi.if_missing if v == MISSING else v for kpi, v in zip(rules.kpis, values, strict=True))
    lacking = {slot for slot, value in zip(rules.suppliers, values, strict=True) if value == MISSING}
    registers = opening_registers(state, number)
    earned = earned_before(state, number) if rules.pricing.sequential else (0,) * slots
    result = rules.pricing.settle(used, registers, number, earned)

    def marks(breached: tuple[bool, ...]) -> tuple[Mark, ...]:
        return tuple(Mark.LACKING if slot in lacking else Mark(late) for slot, late in enumerate(breached))

    kept = (False,) * slots
    if isinstance(result, int):
        return Version(by, values, (0,) * slots, registers, marks(kept), error=result)
    amounts = tuple(to_units_trunc(amount, state.deal.unit_decimals) for amount in result.amounts)
    if any(abs(amount) > MOST_AMOUNT for amount in amounts):
        return Version(by, values, (0,) * slots, registers, marks(kept), error=AMOUNT_TOO_LARGE)
    return Version(by, values, amounts, result.registers, marks(result.breached or kept))


def opening_registers(state: State, number: int) -> tuple[int, ...]:
    """The registers a period starts from: those of the period before, or what an amendment made of them."""
    index = state.accepted_index(number)
    entry, present = state.accepted[index], state.registers[index]
    start = entry.rules.pricing.start
    if not entry.rules.pricing.sequential:
        return ()
    if present is not None:
        return present
    if index == 0:
        return start
    before = state.registers[state.accepted_index(entry.first - 1)] if entry.first > 1 else None
    kept = before or ()
    return tuple(
        kept[old] if old is not None and old < len(kept) else fresh
        for old, fresh in zip(entry.carry, start, strict=True)
    )


def earned_before(state: State, number: int) -> tuple[int, ...]:
    """Per slot, the settled amounts of all periods with lower numbers, whoever held the slot."""
    finals = [period.final for period in state.periods[: number - 1]]
    return tuple(sum(f.amounts[slot] for f in finals if f is not None) for slot in range(len(state.deal.slots)))


def post_digest(turn: Turn, action: PostDigest) -> None:
    """A supplier proves that it was not silent: after the period's end, before a default is possible."""
    period = demand_period(turn.state, action.period)
    owner = party_of(turn.state, action.period, action.by)
    slot = None if owner == CLIENT else turn.state.tenures[owner].slot
    if slot not in turn.state.rules_of(action.period).suppliers:
        raise refusals.not_a_party(action.by)
    end, due = turn.state.deal.end_of(action.period), turn.state.due_of(action.period)
    if turn.now < end:
        raise refusals.too_early(end)
    if due is not None and turn.now >= due:
        raise refusals.too_late(due)
    if owner in period.digests:
        raise refusals.nothing_to_do()
    turn.set_period(action.period, digests=period.digests | {owner})
    turn.emit(DigestPosted(action.period, owner, action.digest))


def party_of(state: State, number: int, party: str) -> int:
    """The owner number of a party of a period."""
    if party == state.deal.client:
        return CLIENT
    for tenure in state.holders_of(number):
        if state.tenures[tenure].holder == party:
            return tenure
    raise refusals.not_a_party(party)


def report(turn: Turn, action: Report) -> None:
    """Accepts a quorum's values: the first for the period, or one inside the window of a default, which it replaces."""
    state, number = turn.state, action.period
    period = demand_period(state, number)
    if period.stage is PeriodStage.SETTLED:
        raise refusals.already_settled(number)
    demand_turn(turn, number)
    if period.stage is PeriodStage.DEFAULTED and turn.now >= period.window_end:
        raise refusals.too_late(period.window_end)
    if period.stage in {PeriodStage.REPORTED, PeriodStage.DISPUTED}:
        raise refusals.already_proposed(number)
    rules = state.rules_of(number)
    _demand_quorum(rules, action.verifiers)
    demand_values(rules, action.values)
    version = price(state, number, action.values)
    if version.error and rules.refuses:
        raise refusals.program_failed(version.error)
    return_stakes(turn, number)
    signed = sum(1 << index for index in action.verifiers)
    turn.emit(Reported(number, action.evidence_digest, action.values, signed))
    _propose(turn, number, version, PeriodStage.REPORTED, turn.now + rules.challenge_window)
    if rules.challenge_window == 0:
        finish(turn, number, version)


def _demand_quorum(rules: Rules, verifiers: tuple[int, ...]) -> None:
    if len(verifiers) < rules.quorum:
        raise refusals.no_quorum(len(verifiers), rules.quorum)
    before = -1
    for index in verifiers:
        if not before < index < len(rules.verifiers):
            raise refusals.bad_verifier_order(index)
        before = index


def propose_default(turn: Turn, action: ProposeDefault) -> None:
    """Proposes every KPI's stand-in once evidence is overdue, with a window of its own."""
    state, number = turn.state, action.period
    period = demand_period(state, number)
    if period.stage is PeriodStage.SETTLED:
        raise refusals.already_settled(number)
    if period.stage is not PeriodStage.NONE:
        raise refusals.already_proposed(number)
    due = state.due_of(number)
    if due is None:
        raise refusals.out_of_turn(state.first_unsettled())
    if turn.now < due:
        raise refusals.too_early(due)
    rules = state.rules_of(number)
    version = price(state, number, (MISSING,) * len(rules.kpis))
    window_end = turn.now + rules.default_window
    _propose(turn, number, version, PeriodStage.DEFAULTED, window_end)
    turn.emit(DefaultProposed(number, window_end))


def _propose(turn: Turn, number: int, version: Version, stage: PeriodStage, window_end: int) -> None:
    proposals = turn.state.period(number).proposals + 1
    turn.set_period(number, stage=stage, versions=(version,), window_end=window_end, proposals=proposals)


def return_stakes(turn: Turn, number: int) -> None:
    """Gives every stake of a period back and voids the versions."""
    versions = turn.state.period(number).versions
    turn.set_period(number, versions=())
    for version in versions:
        if version.by is not None:
            turn.emit(StakeReturned(number, version.by, version.stake))
            send(turn, version.by, version.stake)


def agree(turn: Turn, action: Agree) -> None:
    """Settles an ended period on values that the client and its payees sign, or ends its dispute; stakes return.

    A settled period is restated only where the terms allow it and no sequential program stands on it. In a sequential
    program the present holders sign too, because the registers carry the values on to them.
    """
    state, number = turn.state, action.period
    period = demand_period(state, number)
    demand_turn(turn, number)
    later = range(number, state.last + 1)
    carried = any(state.rules_of(p).pricing.sequential for p in later)
    if period.stage is PeriodStage.SETTLED and (carried or not state.deal.restates):
        raise refusals.not_restatable(number)
    if action.nonce != period.agreements:
        raise refusals.used_nonce(action.nonce, period.agreements)
    bound = {*state.holders_of(number), *(current_holders(state, turn.now) if carried else ())}
    demand_signatures(action.signers, [state.deal.client, *(state.tenures[t].holder for t in sorted(bound))])
    demand_values(state.rules_of(number), action.values)
    version = price(state, number, action.values)
    if version.error:
        raise refusals.program_failed(version.error)
    turn.set_period(number, agreements=period.agreements + 1)
    turn.emit(Agreed(number, action.nonce, action.values))
    return_stakes(turn, number)
    finish(turn, number, version)


def finish(turn: Turn, number: int, version: Version) -> None:
    """Settles a period on a version: amounts credited less what was credited before, registers carried on.

    A tenure whose holder has gone and whose last period this was gets its bond and holdback back.
    """
    period = turn.state.period(number)
    settled_at = turn.now if period.settled_at is None else period.settled_at
    final = replace(version, by=None, stake=0)
    turn.set_period(number, stage=PeriodStage.SETTLED, versions=(), final=final, settled_at=settled_at)
    index = turn.state.accepted_index(number)
    if turn.state.accepted[index].rules.pricing.sequential:
        registers = (*turn.state.registers[:index], version.registers, *turn.state.registers[index + 1 :])
        turn.state = replace(turn.state, registers=registers)
    turn.emit(Settled(number, version.amounts, version.error))
    credit(turn, number, version.amounts)
    for tenure in turn.state.holders_of(number):
        release_outgoing(turn, tenure)


def release_outgoing(turn: Turn, tenure: int) -> None:
    """Releases bond and holdback of a tenure that another follows, once all its periods are settled."""
    state = turn.state
    if state.is_outgoing(tenure) and all(state.settled(number) for number in state.periods_of(tenure)):
        release(turn, tenure)
