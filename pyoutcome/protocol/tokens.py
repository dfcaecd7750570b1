"""The border to the token: what arrives, what is pushed, what is fetched, and what the balance says.

Conservation holds over tracked amounts. Deposits credit what arrived, payments count what was sent.
"""

from __future__ import annotations

from dataclasses import replace

from pyoutcome.protocol import refusals
from pyoutcome.protocol.actions import Claim, Deposit, MovePayout, Sync
from pyoutcome.protocol.events import (
    Claimed,
    ClientClaimed,
    ClientDeferred,
    Deferred,
    Deposited,
    GivenUp,
    Paid,
    PayoutMoved,
    Refunded,
    Synced,
)
from pyoutcome.protocol.state import CLIENT, Stage
from pyoutcome.protocol.turn import Turn


def sync(turn: Turn) -> None:
    """Compares balance and tracked: a surplus becomes client funding, a loss takes client funding first.

    What the funding cannot bear leaves the escrow below tracked; then nothing is pushed until it is made good.
    """
    change = turn.balance - turn.state.tracked()
    booked = max(change, -turn.state.funds)
    if booked:
        turn.move_funds(booked)
        turn.count(synced=booked)
        turn.emit(Synced(booked))
    turn.below = change < booked


def book_sync(turn: Turn, _action: Sync) -> None:
    """The act that only syncs; every act has done so before it begins."""
    if not turn.events:
        raise refusals.nothing_to_do()


def deposit(turn: Turn, action: Deposit) -> None:
    """Credits to client funding what arrived; a loss not yet made good takes from it as the act ends."""
    if action.arrived <= 0:
        raise refusals.nothing_to_do()
    receive(turn, action.arrived)
    turn.move_funds(action.arrived)
    turn.emit(Deposited(action.by, action.arrived))


def receive(turn: Turn, amount: int) -> None:
    """Counts tokens that came in with this act; the caller books them."""
    turn.count(received=amount)


def send(turn: Turn, owner: int, amount: int) -> None:
    """Pushes money that already left every account to its owner; what cannot be pushed becomes claimable.

    A push that fails touches nobody else.
    """
    if amount == 0:
        return
    state = turn.state
    payout = state.deal.client if owner == CLIENT else state.tenures[owner].payout
    if turn.below or payout in turn.world.refusing:
        if owner == CLIENT:
            turn.state = replace(state, client_claimable=state.client_claimable + amount)
            turn.emit(ClientDeferred(amount))
        else:
            turn.set_tenure(owner, claimable=state.tenures[owner].claimable + amount)
            turn.emit(Deferred(owner, amount))
        return
    turn.count(sent=amount)
    if owner != CLIENT:
        turn.emit(Paid(owner, payout, amount))


def claim(turn: Turn, action: Claim) -> None:
    """An owner fetches its claimable money to an address it names.

    While the balance is below tracked it may only claim early: floor(claimable x balance / tracked), and give up the
    rest; rounding down leaves nobody else worse off.
    """
    state, owner = turn.state, action.owner
    amount = _claimable(turn, action.by, owner)
    if amount == 0:
        raise refusals.nothing_to_do()
    pays = amount
    if turn.below:
        if not action.early:
            raise refusals.below_tracked(turn.balance, state.tracked())
        pays = amount * turn.balance // state.tracked()
    if action.to in turn.world.refusing:
        raise refusals.push_refused(action.to, pays)
    if owner == CLIENT:
        turn.state = replace(state, client_claimable=0)
        turn.emit(ClientClaimed(action.to, pays, amount - pays))
    else:
        turn.set_tenure(owner, claimable=0)
        turn.emit(Claimed(owner, action.to, pays))
        if pays < amount:
            turn.emit(GivenUp(owner, amount - pays))
    turn.count(sent=pays, given_up=amount - pays)


def _claimable(turn: Turn, by: str, owner: int) -> int:
    state = turn.state
    if owner == CLIENT:
        if by != state.deal.client:
            raise refusals.not_client(by)
        return state.client_claimable
    if not 0 <= owner < len(state.tenures):
        raise refusals.no_such_provider(owner)
    if by != state.tenures[owner].holder:
        raise refusals.not_provider(by)
    return state.tenures[owner].claimable


def move_payout(turn: Turn, action: MovePayout) -> None:
    """A holder moves the payout address of its own tenure."""
    if not 0 <= action.tenure < len(turn.state.tenures):
        raise refusals.no_such_provider(action.tenure)
    if action.by != turn.state.tenures[action.tenure].holder:
        raise refusals.not_provider(action.by)
    turn.set_tenure(action.tenure, payout=action.to)
    turn.emit(PayoutMoved(action.tenure, action.to))


def refund_closed(turn: Turn) -> None:
    """Money found after closing goes to the client, once nobody is owed any."""
    amount = turn.state.funds
    if turn.state.stage is Stage.CLOSED and amount and not turn.state.queue:
        turn.move_funds(-amount)
        turn.emit(Refunded(amount))
        send(turn, CLIENT, amount)
