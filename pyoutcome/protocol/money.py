"""The waterfall: how a settled amount becomes set-off, holdback, payment or arrears.

Money is whole base units. Holdback is truncated (what that leaves is paid at once); shares of a shortage are floors of
cumulated sums, so that together they use the funds to the last unit.
"""

from __future__ import annotations

from dataclasses import replace

from pyoutcome.decimals import ONE
from pyoutcome.protocol import refusals
from pyoutcome.protocol.actions import PayArrears
from pyoutcome.protocol.events import (
    ArrearsHeld,
    ArrearsPaid,
    ArrearsSetOff,
    BondReturned,
    BondTaken,
    Credited,
    HoldbackReleased,
)
from pyoutcome.protocol.state import Owed, Stage
from pyoutcome.protocol.tokens import send
from pyoutcome.protocol.turn import Turn


def share_floor(funds: int, claims: tuple[int, ...]) -> tuple[int, ...]:
    """What each claim gets of ``funds`` f: all, if f suffices, else floor(f*cum_i/total) - floor(f*cum_(i-1)/total).

    The shares add up to min(funds, total); none exceeds its claim.
    """
    total = sum(claims)
    if funds >= total:
        return claims
    return split_floor(funds, claims)


def split_floor(amount: int, weights: tuple[int, ...]) -> tuple[int, ...]:
    """``amount`` in proportion to ``weights`` (not all zero), by floors of cumulated sums: no unit is lost."""
    total, before, parts = sum(weights), 0, []
    for weight in weights:
        after = before + weight
        parts.append(amount * after // total - amount * before // total)
        before = after
    return tuple(parts)


def credit(turn: Turn, number: int, targets: tuple[int, ...]) -> None:
    """Credits each slot of a period up to its target (signed base units), less what it was credited before.

    First every set-off of the period, then one split of the funding over what remains, then the pushes: the order in
    which payees are listed changes nobody's debt or holdback.
    """
    before = turn.state.period(number).credits
    rests = tuple(target - had.amount for target, had in zip(targets, before, strict=True))
    holders = turn.state.holders_of(number)
    for slot, tenure in enumerate(holders):
        turn.set_credit(number, slot, replace(before[slot], amount=targets[slot]))
        turn.set_tenure(tenure, earned=turn.state.tenures[tenure].earned + rests[slot])
        if rests[slot] < 0:
            turn.emit(Credited(number, tenure, rests[slot], 0, 0, 0, 0))
            _add_debt(turn, tenure, -rests[slot])
    set_off = tuple(_set_off(turn, tenure, max(0, rest)) for tenure, rest in zip(holders, rests, strict=True))
    due = tuple(max(0, rest) - off for rest, off in zip(rests, set_off, strict=True))
    # While anyone is owed, every new sum joins the queue, holdback included: funding serves the oldest first.
    granted = share_floor(0 if turn.state.queue else turn.state.funds, due)
    turn.move_funds(-sum(granted))
    pushes = []
    for slot, tenure in enumerate(holders):
        if rests[slot] > 0:
            held = _fund(turn, number, slot, tenure, granted[slot])
            paid, owed = granted[slot] - held, due[slot] - granted[slot]
            _add_arrears(turn, Owed(number, tenure, owed))
            turn.emit(Credited(number, tenure, rests[slot], set_off[slot], held, paid, owed))
            pushes.append((tenure, paid))
    for tenure, paid in pushes:
        send(turn, tenure, paid)


def _set_off(turn: Turn, tenure: int, amount: int) -> int:
    """A positive amount first cancels the payee's own debt; returns how much it cancels."""
    debt = turn.state.tenures[tenure].debt
    off = min(debt, amount)
    turn.set_tenure(tenure, debt=debt - off)
    return off


def _add_arrears(turn: Turn, entry: Owed) -> None:
    """Puts what is owed at the end of the queue."""
    if entry.amount:
        arrears = turn.state.tenures[entry.tenure].arrears + entry.amount
        turn.set_tenure(entry.tenure, arrears=arrears)
        turn.state = replace(turn.state, queue=(*turn.state.queue, entry))


def _add_debt(turn: Turn, tenure: int, amount: int) -> None:
    """Books debt; it cancels the payee's own arrears at once, oldest first: a payee never has both."""
    turn.set_tenure(tenure, debt=turn.state.tenures[tenure].debt + amount)
    kept = []
    for entry in turn.state.queue:
        account = turn.state.tenures[tenure]
        off = min(account.debt, entry.amount) if entry.tenure == tenure else 0
        if off:
            turn.set_tenure(tenure, debt=account.debt - off, arrears=account.arrears - off)
            turn.emit(ArrearsSetOff(entry.period, tenure, off))
        if entry.amount > off:
            kept.append(replace(entry, amount=entry.amount - off))
    turn.state = replace(turn.state, queue=tuple(kept))


def _fund(turn: Turn, number: int, slot: int, tenure: int, amount: int) -> int:
    """Books ``amount`` of funding to a slot's period; returns the part that is held back.

    held = trunc(rate x funded so far in this period) - held so far: the same however often the money comes in pieces.
    """
    account, had = turn.state.tenures[tenure], turn.state.period(number).credits[slot]
    funded = had.funded + amount
    held = 0 if account.released else turn.state.deal.holdback_rate * funded // ONE - had.held
    turn.set_credit(number, slot, replace(had, funded=funded, held=had.held + held))
    turn.set_tenure(tenure, held=account.held + held, paid=account.paid + amount - held)
    return held


def pay_arrears(turn: Turn, action: PayArrears) -> None:
    """Pays up to ``max`` entries of the queue, oldest first; anyone may, also after closing."""
    if turn.state.stage is Stage.OFFER:
        raise refusals.wrong_stage(turn.state.stage)
    if not serve_queue(turn, action.max):
        raise refusals.nothing_to_do()


def serve_queue(turn: Turn, most: int) -> bool:
    """Pays arrears from funding, at most ``most`` entries; returns whether any was touched."""
    touched = False
    while turn.state.queue and turn.state.funds and most > 0:
        entry, *others = turn.state.queue
        amount = min(entry.amount, turn.state.funds)
        left = (replace(entry, amount=entry.amount - amount),) if amount < entry.amount else ()
        turn.state = replace(turn.state, queue=(*left, *others))
        turn.move_funds(-amount)
        turn.set_tenure(entry.tenure, arrears=turn.state.tenures[entry.tenure].arrears - amount)
        held = _fund(turn, entry.period, turn.state.tenures[entry.tenure].slot, entry.tenure, amount)
        if held:
            turn.emit(ArrearsHeld(entry.period, entry.tenure, held))
        turn.emit(ArrearsPaid(entry.period, entry.tenure, amount - held))
        send(turn, entry.tenure, amount - held)
        touched, most = True, most - 1
    return touched


def collect_debt(turn: Turn, tenure: int) -> None:
    """A debt takes the payee's bond, then its holdback; both become client funding."""
    account = turn.state.tenures[tenure]
    taken = min(account.debt, account.bond)
    if taken:
        account = turn.set_tenure(
            tenure, bond=account.bond - taken, debt=account.debt - taken, repaid=account.repaid + taken
        )
        turn.move_funds(taken)
        turn.emit(BondTaken(tenure, taken))
    off = min(account.debt, account.held)
    if off:
        turn.set_tenure(tenure, held=account.held - off, debt=account.debt - off)
        turn.move_funds(off)
        turn.emit(HoldbackReleased(tenure, off, off, 0))


def release(turn: Turn, tenure: int) -> None:
    """Releases a tenure's bond and holdback after its debt has taken from them; nothing more is held back from it."""
    collect_debt(turn, tenure)
    bond, held = turn.state.tenures[tenure].bond, turn.state.tenures[tenure].held
    paid = turn.state.tenures[tenure].paid + held
    turn.set_tenure(tenure, bond=0, held=0, paid=paid, released=True)
    if bond:
        turn.emit(BondReturned(tenure, bond))
        send(turn, tenure, bond)
    if held:
        turn.emit(HoldbackReleased(tenure, held, 0, held))
        send(turn, tenure, held)
