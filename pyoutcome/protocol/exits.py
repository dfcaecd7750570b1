"""Beginning and end: activation, cancelling, withdrawing, cover, every path of termination, and closing."""

from __future__ import annotations

from dataclasses import replace

from pyoutcome.protocol import refusals
from pyoutcome.protocol.actions import (
    Activate,
    Cancel,
    Close,
    PostBond,
    RecordUncovered,
    TerminateForConvenience,
    TerminateForStreak,
    TerminateForUncovered,
    TerminateMutually,
    TerminateOnFinding,
    Withdraw,
)
from pyoutcome.protocol.events import (
    Activated,
    BondPosted,
    BondReturned,
    Cancelled,
    Cause,
    ClaimRecorded,
    Closed,
    Covered,
    FeePaid,
    Found,
    Refunded,
    Terminated,
    UncoveredRecorded,
    Withdrawn,
)
from pyoutcome.protocol.money import collect_debt, release, serve_queue
from pyoutcome.protocol.state import CLIENT, Stage, State
from pyoutcome.protocol.tokens import receive, send, sync
from pyoutcome.protocol.turn import Turn


def demand_stage(state: State, stage: Stage) -> None:
    """Refuses an act outside the stage it belongs to."""
    if state.stage is not stage:
        raise refusals.wrong_stage(state.stage)


def demand_signatures(given: frozenset[str], needed: list[str]) -> None:
    """Refuses an act that someone it binds has not signed."""
    for party in needed:
        if party not in given:
            raise refusals.bad_party_signature(party)


def post_bond(turn: Turn, action: PostBond) -> None:
    """Takes a part of a slot's bond, never more than is missing."""
    demand_stage(turn.state, Stage.OFFER)
    if not 0 <= action.slot < len(turn.state.deal.slots):
        raise refusals.no_such_provider(action.slot)
    account = turn.state.tenures[action.slot]
    missing = turn.state.deal.slots[action.slot].bond - account.bond
    if not 0 < action.arrived <= missing:
        raise refusals.bond_exceeded(missing)
    receive(turn, action.arrived)
    turn.set_tenure(action.slot, bond=account.bond + action.arrived)
    turn.emit(BondPosted(action.slot, action.arrived))


def activate(turn: Turn, action: Activate) -> None:
    """Starts the agreement: before ``activate_by``, with all signatures, all bonds and the first reserve."""
    state, deal = turn.state, turn.state.deal
    demand_stage(state, Stage.OFFER)
    if turn.now >= deal.activate_by:
        raise refusals.too_late(deal.activate_by)
    backups = [backup for backup in state.backups if backup is not None]
    demand_signatures(action.signers, [deal.client, *(slot.holder for slot in deal.slots), *backups])
    for slot, account in zip(deal.slots, state.tenures, strict=True):
        if account.bond < slot.bond:
            raise refusals.short_of_funds(account.bond, slot.bond)
    if state.funds < deal.rules.reserve:
        raise refusals.short_of_funds(state.funds, deal.rules.reserve)
    turn.state = replace(state, stage=Stage.ACTIVE, activated_at=turn.now)
    turn.emit(Activated(deal.rules.terms.encode()))


def cancel(turn: Turn, _action: Cancel) -> None:
    """Ends a lapsed offer; each gets its own back."""
    demand_stage(turn.state, Stage.OFFER)
    if turn.now < turn.state.deal.activate_by:
        raise refusals.too_early(turn.state.deal.activate_by)
    refund = turn.state.funds
    turn.state = replace(turn.state, stage=Stage.CLOSED, funds=0)
    turn.emit(Cancelled())
    if refund:
        turn.emit(Refunded(refund))
        send(turn, CLIENT, refund)
    for index, account in enumerate(turn.state.tenures):
        if account.bond:
            turn.set_tenure(index, bond=0)
            turn.emit(BondReturned(index, account.bond))
            send(turn, index, account.bond)


def withdraw(turn: Turn, action: Withdraw) -> None:
    """The client takes out funding above the required cover plus one period's reserve; refused while anyone is owed."""
    state = turn.state
    demand_stage(state, Stage.ACTIVE)
    if action.by != state.deal.client:
        raise refusals.not_client(action.by)
    if state.queue:
        raise refusals.arrears_first(sum(entry.amount for entry in state.queue))
    if action.amount <= 0:
        raise refusals.nothing_to_do()
    coming = state.rules_of(max(1, min(state.started(turn.now) + 1, state.last))).reserve
    spare = max(0, state.funds - state.required_cover(turn.now) - coming)
    if action.amount > spare:
        raise refusals.short_of_funds(spare, action.amount)
    if state.deal.client in turn.world.refusing:
        raise refusals.push_refused(state.deal.client, action.amount)
    turn.move_funds(-action.amount)
    turn.emit(Withdrawn(action.amount))
    send(turn, CLIENT, action.amount)


def record_uncovered(turn: Turn, _action: RecordUncovered) -> None:
    """Puts on record that funding is below the required cover: the cure window runs from now."""
    state = turn.state
    demand_stage(state, Stage.ACTIVE)
    required = state.required_cover(turn.now)
    if state.funds >= required or state.uncovered_since is not None:
        raise refusals.nothing_to_do()
    turn.state = replace(state, uncovered_since=turn.now)
    turn.emit(UncoveredRecorded(turn.now, state.funds, required))


def note_cover(turn: Turn) -> None:
    """Ends the record as soon as an act leaves the reserve covered."""
    state = turn.state
    if state.uncovered_since is not None and state.funds >= state.required_cover(turn.now):
        turn.state = replace(state, uncovered_since=None)
        turn.emit(Covered())


# --- termination ------------------------------------------------------------------------------------------------------


def _end_after(turn: Turn, last: int, cause: Cause) -> None:
    """Makes ``last`` the last period, never one before a period that started and never a later one than before."""
    if last >= turn.state.last:
        raise refusals.nothing_to_do()
    turn.state = replace(turn.state, last=last, terminations=turn.state.terminations + 1)
    turn.emit(Terminated(last, cause))


def current_holders(state: State, now: int) -> list[int]:
    """The tenures of the current period and those of the next, where a new holder is already bound."""
    current = max(1, state.started(now))
    coming = min(current + 1, len(state.deal.ends))
    return sorted({*state.holders_of(current), *state.holders_of(coming)})


def terminate_mutually(turn: Turn, action: TerminateMutually) -> None:
    """Client and all holders end the agreement after the current period."""
    state = turn.state
    demand_stage(state, Stage.ACTIVE)
    if action.nonce != state.terminations:
        raise refusals.used_nonce(action.nonce, state.terminations)
    current = state.started(turn.now)
    if action.last != current:
        raise refusals.other_moment(action.last, current)
    holders = [state.tenures[tenure].holder for tenure in current_holders(state, turn.now)]
    demand_signatures(action.signers, [state.deal.client, *holders])
    _end_after(turn, current, Cause.MUTUAL)


def terminate_for_convenience(turn: Turn, action: TerminateForConvenience) -> None:
    """Notice by a party that the terms let end it: the period running when the notice is over is the last.

    A client's notice pays the fee at once: funding must cover it above the required cover, and nobody may be owed.
    """
    state, deal = turn.state, turn.state.deal
    demand_stage(state, Stage.ACTIVE)
    holders = {state.tenures[tenure].holder for tenure in state.holders_of(max(1, state.started(turn.now)))}
    if action.by == deal.client:
        if "client" not in deal.convenience:
            raise refusals.not_provider(action.by)
    elif action.by not in holders or "provider" not in deal.convenience:
        raise refusals.not_client(action.by)
    last = min(deal.started(turn.now + deal.notice), state.last)
    fees = deal.convenience_fee if action.by == deal.client else ()
    if state.queue and sum(fees):
        raise refusals.arrears_first(sum(entry.amount for entry in state.queue))
    # A notice that costs nothing needs no cover: whoever goes because the reserve is not covered may go.
    spare = max(0, state.funds - state.required_cover(turn.now))
    if sum(fees) > spare:
        raise refusals.short_of_funds(spare, sum(fees))
    _end_after(turn, last, Cause.CONVENIENCE)
    for slot, fee in enumerate(fees):
        if fee:
            _pay_fee(turn, turn.state.holder_of(slot, max(1, state.started(turn.now))), fee)


def _pay_fee(turn: Turn, tenure: int, fee: int) -> None:
    """Pays a fee outside the program: own debt first, no holdback."""
    account = turn.state.tenures[tenure]
    off = min(account.debt, fee)
    turn.move_funds(off - fee)
    turn.set_tenure(tenure, debt=account.debt - off, fees=account.fees + fee, paid=account.paid + fee - off)
    turn.emit(FeePaid(tenure, fee, off))
    send(turn, tenure, fee - off)


def terminate_for_streak(turn: Turn, action: TerminateForStreak) -> None:
    """The client ends the agreement once the slot's present holder has reached the breach streak."""
    state = turn.state
    demand_stage(state, Stage.ACTIVE)
    if action.by != state.deal.client:
        raise refusals.not_client(action.by)
    if not 0 <= action.slot < len(state.deal.slots):
        raise refusals.no_such_provider(action.slot)
    if not has_streak(state, action.slot, turn.now):
        raise refusals.no_cause()
    _end_after(turn, state.started(turn.now), Cause.STREAK)


def has_streak(state: State, slot: int, now: int) -> bool:
    """Whether the holder of the slot's next period has breached as often in a row as the terms say."""
    coming = min(state.started(now) + 1, len(state.deal.ends))
    return 0 < state.deal.streak <= state.streak_of(state.holder_of(slot, coming), now)


def terminate_for_uncovered(turn: Turn, action: TerminateForUncovered) -> None:
    """A holder ends the agreement whose reserve is still uncovered when the cure window is over."""
    state = turn.state
    demand_stage(state, Stage.ACTIVE)
    if action.by not in {state.tenures[tenure].holder for tenure in current_holders(state, turn.now)}:
        raise refusals.not_provider(action.by)
    if state.uncovered_since is None:
        raise refusals.no_cause()
    cured_by = state.uncovered_since + state.deal.cure_window
    if turn.now < cured_by:
        raise refusals.too_early(cured_by)
    if state.funds >= state.required_cover(turn.now):
        raise refusals.no_cause()
    _end_after(turn, state.started(turn.now), Cause.UNCOVERED)


def terminate_on_finding(turn: Turn, action: TerminateOnFinding) -> None:
    """The present arbitrator's signed finding ends the agreement after the current period; each is used once."""
    state = turn.state
    demand_stage(state, Stage.ACTIVE)
    arbitrator = state.rules_of(max(1, state.started(turn.now))).arbitrator
    if action.signer != arbitrator:
        raise refusals.not_arbitrator(action.signer)
    if action.nonce in state.findings:
        raise refusals.used_nonce(action.nonce, max(state.findings) + 1)
    turn.state = replace(state, findings=state.findings | {action.nonce})
    turn.emit(Found(action.cause, action.party, action.nonce))
    _end_after(turn, state.started(turn.now), Cause.FINDING)


# --- closing ----------------------------------------------------------------------------------------------------------


def close(turn: Turn, action: Close) -> None:
    """Ends the agreement once every period is settled and the holdback date has passed.

    Debts first take bonds and holdback, which become funding; then arrears are paid, at most ``max`` entries. If both
    queue and funds are left, the agreement stays active and the next call goes on. Otherwise everything is released,
    what remains owed either way is recorded as a claim, and the rest returns to the client.
    """
    state = turn.state
    demand_stage(state, Stage.ACTIVE)
    if not state.all_settled():
        raise refusals.too_early(None)
    if turn.now < state.release_date():
        raise refusals.too_early(state.release_date())
    for tenure in range(len(state.tenures)):
        collect_debt(turn, tenure)
    sync(turn)
    served = serve_queue(turn, action.max)
    if turn.state.queue and turn.state.funds:
        if not served:
            raise refusals.nothing_to_do()
        return
    for tenure in range(len(state.tenures)):
        release(turn, tenure)
    for index, account in enumerate(turn.state.tenures):
        if account.arrears or account.debt:
            turn.emit(ClaimRecorded(index, account.arrears - account.debt))
    refund = turn.state.funds
    turn.state = replace(turn.state, stage=Stage.CLOSED, funds=0)
    turn.emit(Closed(refund))
    send(turn, CLIENT, refund)
