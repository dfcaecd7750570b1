"""Challenge of a period: versions with stakes, the undisputed part, ruling, fallback.

Whatever path a dispute takes, the period's total is its final version's amounts; the path decides only when it moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from pyoutcome.decimals import ONE
from pyoutcome.protocol import refusals
from pyoutcome.protocol.actions import Challenge, Fallback, Rule, Settle
from pyoutcome.protocol.deal import Rules
from pyoutcome.protocol.events import Challenged, Disputed, FellBack, Ruled, StakeLost, StakeReturned
from pyoutcome.protocol.money import credit, split_floor
from pyoutcome.protocol.periods import demand_period, demand_values, finish, party_of, price, return_stakes
from pyoutcome.protocol.state import CLIENT, Period, PeriodStage, State, Version
from pyoutcome.protocol.tokens import receive, send
from pyoutcome.protocol.turn import Turn

NOWHERE: Final = (0, 0, 0)
"""Distance of two versions that change nothing for anyone."""


def stake_up(rules: Rules, version: Version, report: Version) -> int:
    """Stake of a version: max(fixed, share x sum of absolute differences to the report), rounded up."""
    apart = _apart(version.amounts, report.amounts)
    return max(rules.stake_fixed, -(-rules.stake_share * apart // ONE))


def _apart(first: Sequence[int], second: Sequence[int]) -> int:
    return sum(abs(a - b) for a, b in zip(first, second, strict=True))


def challenge(turn: Turn, action: Challenge) -> None:
    """Puts a party's own version beside a report or default, once, inside its window, with the stake."""
    state, number = turn.state, action.period
    period = demand_period(state, number)
    if period.stage is PeriodStage.SETTLED:
        raise refusals.already_settled(number)
    if period.stage is PeriodStage.NONE:
        raise refusals.not_proposed(number)
    if period.stage is PeriodStage.DISPUTED or turn.now >= period.window_end:
        raise refusals.too_late(period.window_end)
    party, rules = party_of(state, number, action.by), state.rules_of(number)
    if any(version.by == party for version in period.versions):
        raise refusals.already_challenged(action.by)
    if action.nonce != period.proposals:
        raise refusals.used_nonce(action.nonce, period.proposals)
    demand_values(rules, action.values)
    version = price(state, number, action.values, party)
    if version.error:
        raise refusals.program_failed(version.error)
    if any(_distance(version, other) == NOWHERE for other in period.versions):
        raise refusals.equal_version()
    needed = stake_up(rules, version, period.versions[0])
    if action.arrived < needed:
        raise refusals.short_of_funds(action.arrived, needed)
    receive(turn, action.arrived)
    staked = replace(version, stake=action.arrived)
    turn.set_period(number, versions=(*period.versions, staked))
    turn.emit(Challenged(number, party, staked.stake, staked.values, staked.amounts))


def settle(turn: Turn, action: Settle) -> None:
    """Moves a period on when its window is over: settled if unchallenged, else disputed.

    In a dispute each payee is credited max(0, its lowest amount over the versions) at once. The ruling's deadline runs
    from the end of the window, however late this act comes.
    """
    number = action.period
    period = demand_period(turn.state, number)
    if period.stage is PeriodStage.SETTLED:
        raise refusals.already_settled(number)
    if period.stage not in {PeriodStage.REPORTED, PeriodStage.DEFAULTED}:
        raise refusals.not_proposed(number)
    if turn.now < period.window_end:
        raise refusals.too_early(period.window_end)
    if len(period.versions) == 1:
        finish(turn, number, period.versions[0])
        return
    deadline = period.window_end + turn.state.rules_of(number).ruling_window
    turn.set_period(number, stage=PeriodStage.DISPUTED, deadline=deadline)
    turn.emit(Disputed(number, deadline))
    credit(turn, number, undisputed(period.versions))


def undisputed(versions: tuple[Version, ...]) -> tuple[int, ...]:
    """Per slot max(0, the lowest amount over all versions): what every possible ruling gives at least."""
    columns = zip(*(version.amounts for version in versions), strict=True)
    return tuple(max(0, min(column)) for column in columns)


def _demand_dispute(turn: Turn, number: int) -> Period:
    """A dispute, or a challenged period whose window is over and whose dispute nobody has opened.

    Then nothing is credited yet, and the deadline is the same.
    """
    period = demand_period(turn.state, number)
    if period.stage is PeriodStage.SETTLED:
        raise refusals.already_settled(number)
    if period.stage is PeriodStage.DISPUTED:
        return period
    if len(period.versions) < 2 or turn.now < period.window_end:
        raise refusals.not_disputed(number, period.stage)
    return replace(period, deadline=period.window_end + turn.state.rules_of(number).ruling_window)


def rule(turn: Turn, action: Rule) -> None:
    """Before the deadline the arbitrator decides: a version if it chooses, values between them if it is direct."""
    state, number = turn.state, action.period
    period = _demand_dispute(turn, number)
    rules = state.rules_of(number)
    if action.by != rules.arbitrator:
        raise refusals.not_arbitrator(action.by)
    if turn.now >= period.deadline:
        raise refusals.too_late(period.deadline)
    if action.nonce != period.proposals:
        raise refusals.used_nonce(action.nonce, period.proposals)
    if (action.values is None) is not rules.chooses or (action.choice is not None and not rules.chooses):
        raise refusals.no_such_version(action.choice)
    if action.values is not None:
        ruling = _ruled_version(state, number, action.values)
    elif action.choice is None:
        _fall_back(turn, number)
        return
    elif 0 <= action.choice < len(period.versions):
        ruling = period.versions[action.choice]
    else:
        raise refusals.no_such_version(action.choice)
    turn.emit(Ruled(number, ruling.values))
    _settle_stakes(turn, number, ruling)
    finish(turn, number, ruling)


def _ruled_version(state: State, number: int, values: tuple[int, ...]) -> Version:
    """The version a direct arbitrator rules: amounts, their sum and registers each between those of the versions,
    marks each taken from one of them."""
    demand_values(state.rules_of(number), values)
    ruling = price(state, number, values)
    if ruling.error:
        raise refusals.program_failed(ruling.error)
    versions = state.period(number).versions
    rows = [(*v.amounts, sum(v.amounts), *v.registers) for v in versions]
    ruled = (*ruling.amounts, sum(ruling.amounts), *ruling.registers)
    columns = zip(*rows, strict=True)
    if not all(min(column) <= figure <= max(column) for figure, column in zip(ruled, columns, strict=True)):
        raise refusals.ruling_outside()
    if any(mark not in column for mark, *column in zip(ruling.marks, *(v.marks for v in versions), strict=True)):
        raise refusals.ruling_outside()
    return ruling


def fallback(turn: Turn, action: Fallback) -> None:
    """The report stands when the arbitrator was silent until its deadline; stakes return."""
    period = _demand_dispute(turn, action.period)
    if turn.now < period.deadline:
        raise refusals.too_early(period.deadline)
    _fall_back(turn, action.period)


def _fall_back(turn: Turn, number: int) -> None:
    report = turn.state.period(number).versions[0]
    turn.emit(FellBack(number))
    return_stakes(turn, number)
    finish(turn, number, report)


def _settle_stakes(turn: Turn, number: int, ruling: Version) -> None:
    """Returns the stakes of versions nearer to the ruling than the report is; the others go to those they would harm.

    Near is the sum of absolute differences of amounts; with equal sums that of registers; then the number of marks.
    """
    report, *versions = turn.state.period(number).versions
    turn.set_period(number, versions=())
    for version in versions:
        party = CLIENT if version.by is None else version.by
        if _distance(ruling, version) < _distance(ruling, report):
            turn.emit(StakeReturned(number, party, version.stake))
            send(turn, party, version.stake)
        else:
            _forfeit(turn, number, version, party, ruling)


def _distance(one: Version, other: Version) -> tuple[int, int, int]:
    marks = sum(a is not b for a, b in zip(one.marks, other.marks, strict=True))
    return _apart(one.amounts, other.amounts), _apart(one.registers, other.registers), marks


def _forfeit(turn: Turn, number: int, version: Version, party: int, ruling: Version) -> None:
    """Shares a lost stake among those the version would have harmed, by cumulated floors; never its own party.

    If it would have harmed nobody else, it goes to the other side: to client funding, or to the payees in equal parts.
    """
    holders = turn.state.holders_of(number)
    harm = {t: max(0, r - v) for t, r, v in zip(holders, ruling.amounts, version.amounts, strict=True)}
    harm[CLIENT] = max(0, sum(version.amounts) - sum(ruling.amounts))
    harm[party] = 0
    if not any(harm.values()):
        harm = dict.fromkeys(holders, 1) if party == CLIENT else {CLIENT: 1}
    owners = tuple(harm)
    for owner, amount in zip(owners, split_floor(version.stake, tuple(harm.values())), strict=True):
        if amount == 0:
            continue
        turn.emit(StakeLost(number, party, owner, amount))
        if owner == CLIENT:
            turn.move_funds(amount)
        else:
            send(turn, owner, amount)
