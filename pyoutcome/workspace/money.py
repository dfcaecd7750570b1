"""Money that moves outside a period: out of the escrow, to those who are owed, and what came by itself."""

from __future__ import annotations

from pyoutcome.chain.escrow import Stage
from pyoutcome.errors import WorkspaceError
from pyoutcome.protocol.events import Synced
from pyoutcome.workspace.desk import Desk
from pyoutcome.workspace.disputing import Step
from pyoutcome.workspace.offer import pay_arrears


def cancel(desk: Desk, by: str) -> Step:
    """Ends an offer that was not activated in time; everybody gets its own back. Anyone may."""
    tracked = desk.escrow.tracked()
    does, moves = "cancels the offer", f"{desk.money(tracked)}, back to those who brought it: the client and its bonds"
    done = desk.perform(by, does, moves, lambda e, key: e.cancel(key))
    return Step(f"{by} {does}", done.transaction)


def withdraw(desk: Desk, units: int, by: str) -> Step:
    """The client takes out funding above the required cover and one reserve more."""
    does = f"withdraws {desk.money(units)}"
    done = desk.perform(by, does, f"{desk.money(units)} to the client", lambda e, key: e.withdraw(key, units))
    return Step(f"{by} {does}", done.transaction)


def pay_owed(desk: Desk, by: str) -> Step:
    """Pays what is owed to providers, oldest first, as far as the funds reach. WorkspaceError ``nothing-owed``."""
    transactions = pay_arrears(desk, by)
    if not transactions:
        why = "Nobody is owed anything." if not desk.escrow.queue_length() else "The escrow has no funds to pay from."
        raise WorkspaceError("nothing-owed", why, "Nothing is left to do; `pyoutcome fund` brings money.")
    return Step(f"{by} pays what is owed to providers", transactions[-1])


def sync(desk: Desk, by: str) -> Step:
    """Books what came or went without an act of the escrow. ProtocolError ``nothing-to-do`` if nothing did."""
    escrow = desk.escrow
    apart = escrow.balance() - escrow.tracked()
    surplus = apart >= 0
    does = "books a surplus as funding" if surplus else "books a loss"
    if escrow.stage() is Stage.CLOSED and surplus:
        does = "books a surplus, which then goes to those still owed and to the client"
    done = desk.perform(by, does, f"{desk.money(abs(apart))} in the books", lambda e, key: e.sync(key))
    told = [each.event for each in done.events if isinstance(each.event, Synced)]
    return Step(f"{by} {does}" if told else f"{by} finds nothing to book", done.transaction)


def move_payout(desk: Desk, by: str, to: str) -> Step:
    """A holder lets all its later payments go to another address."""
    escrow, address = desk.escrow, desk.parties.signer(by).address
    mine = [each for each in range(escrow.tenures()) if escrow.account(each).holder == address]
    if not mine:
        raise WorkspaceError("wrong-role", f"{by} holds no provider's place.", "Use the party that is paid.")
    tenure = mine[-1]
    does = f"lets its payments go to {to}"
    done = desk.perform(by, does, "no money now", lambda e, key: e.move_payout(key, tenure, to))
    return Step(f"{by} {does}", done.transaction)
