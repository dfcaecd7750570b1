"""Change of parties and terms: amendment, assignment, step-in. Accounts belong to tenures and stay with them."""

from __future__ import annotations

from dataclasses import replace

from pyoutcome.protocol import refusals
from pyoutcome.protocol.actions import Amend, Assign, StepIn
from pyoutcome.protocol.events import Amended, Assigned, BackupLapsed, BondPosted, SteppedIn
from pyoutcome.protocol.exits import demand_signatures, demand_stage, has_streak
from pyoutcome.protocol.periods import release_outgoing
from pyoutcome.protocol.state import Accepted, PeriodStage, Stage, State, Tenure
from pyoutcome.protocol.tokens import receive
from pyoutcome.protocol.turn import Turn


def amend(turn: Turn, action: Amend) -> None:
    """Replaces the rules from a period on that nobody has reported or proposed; older periods keep theirs.

    Everyone who holds one of the periods concerned signs, whether or not its tenure has begun. A backup that does not
    sign can no longer step in: it accepted other terms.
    """
    state = turn.state
    demand_stage(state, Stage.ACTIVE)
    if turn.now >= action.deadline:
        raise refusals.too_late(action.deadline)
    why = _fault_of(state, action)
    if why is not None:
        raise refusals.bad_amendment(why)
    concerned = sorted({t for number in range(action.first, state.last + 1) for t in state.holders_of(number)})
    demand_signatures(action.signers, [state.deal.client, *(state.tenures[t].holder for t in concerned)])
    entry = Accepted(action.first, action.rules, turn.now, action.carry)
    for slot, backup in enumerate(state.backups):
        if backup is not None and backup not in action.signers:
            turn.emit(BackupLapsed(slot))
    backups = tuple(backup if backup in action.signers else None for backup in state.backups)
    turn.state = replace(state, accepted=(*state.accepted, entry), registers=(*state.registers, None), backups=backups)
    turn.emit(Amended(action.first, action.rules.terms.encode(), ""))


def _fault_of(state: State, action: Amend) -> str | None:
    """Why an amendment contradicts what has happened or itself."""
    rules = action.rules
    if action.previous != state.accepted[-1].rules.terms:
        return "it replaces other terms than the latest"
    if any(entry.rules.terms == rules.terms for entry in state.accepted):
        return "these terms were accepted before"
    if not 1 <= action.first <= state.last:
        return "its first period does not exist"
    if any(period.stage is not PeriodStage.NONE for period in state.periods[action.first - 1 :]):
        return "a period it would change has been reported or proposed"
    if len(rules.suppliers) != len(rules.kpis) or not 1 <= rules.quorum <= len(rules.verifiers):
        return "its KPIs and suppliers, or its quorum and verifiers, do not fit"
    before = state.rules_of(action.first - 1).pricing.start if action.first > 1 else ()
    if len(action.carry) != len(rules.pricing.start) or not all(
        old is None or 0 <= old < len(before) for old in action.carry
    ):
        return "it does not say for each register what it keeps"
    return None


def assign(turn: Turn, action: Assign) -> None:
    """Gives a slot to another holder from the next unstarted period: outgoing, incoming and client sign."""
    state = turn.state
    demand_stage(state, Stage.ACTIVE)
    _demand_slot(state, action.slot)
    if action.nonce != state.assignments:
        raise refusals.used_nonce(action.nonce, state.assignments)
    first = _next_period(turn)
    if action.first != first:
        raise refusals.other_moment(action.first, first)
    if action.incoming in _parts(state):
        raise refusals.bad_incoming(action.incoming)
    outgoing = state.holder_of(action.slot, first)
    signers = [state.deal.client, state.tenures[outgoing].holder, action.incoming]
    demand_signatures(action.signers, signers)
    index = _begin_tenure(turn, action.slot, action.incoming, action.payout, first, action.arrived)
    turn.emit(Assigned(action.slot, index, action.incoming, first))
    release_outgoing(turn, outgoing)


def step_in(turn: Turn, action: StepIn) -> None:
    """The client calls the backup alone, once the present holder's breach streak is reached."""
    state = turn.state
    demand_stage(state, Stage.ACTIVE)
    _demand_slot(state, action.slot)
    first = _next_period(turn)
    if action.by != state.deal.client:
        raise refusals.not_client(action.by)
    backup = state.backups[action.slot]
    if backup is None or not has_streak(state, action.slot, turn.now):
        raise refusals.no_cause()
    outgoing = state.holder_of(action.slot, first)
    index = _begin_tenure(turn, action.slot, backup, action.payout, first, action.arrived)
    backups = (*state.backups[: action.slot], None, *state.backups[action.slot + 1 :])
    turn.state = replace(turn.state, backups=backups)
    turn.emit(SteppedIn(action.slot, index, backup, first))
    release_outgoing(turn, outgoing)


def _begin_tenure(turn: Turn, slot: int, holder: str, payout: str, first: int, arrived: int) -> int:
    """Opens the account of a new holder, whose whole bond comes with the act; returns the tenure's number."""
    bond = turn.state.deal.slots[slot].bond
    if arrived < bond:
        raise refusals.short_of_funds(arrived, bond)
    if arrived > bond:
        raise refusals.bond_exceeded(bond)
    receive(turn, arrived)
    tenures = (*turn.state.tenures, Tenure(slot, holder, payout, first, bond=bond))
    turn.state = replace(turn.state, tenures=tenures, assignments=turn.state.assignments + 1)
    if bond:
        turn.emit(BondPosted(len(tenures) - 1, bond))
    return len(tenures) - 1


def _next_period(turn: Turn) -> int:
    """The next unstarted period."""
    first = turn.state.deal.started(turn.now) + 1
    if first > turn.state.last:
        raise refusals.no_such_period(first)
    return first


def _demand_slot(state: State, slot: int) -> None:
    if not 0 <= slot < len(state.deal.slots):
        raise refusals.no_such_provider(slot)


def _parts(state: State) -> set[str]:
    """Everyone who has a part that a new holder may not have at the same time."""
    rules = state.accepted[-1].rules
    others = {state.deal.client, rules.arbitrator, *rules.verifiers}
    backups = {backup for backup in state.backups if backup is not None}
    return others | backups | {tenure.holder for tenure in state.tenures}
