"""What each event posts: the one place that says how a movement of money is booked.

Every event class is registered here, those that move nothing too; an event that is not is refused, never ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch

from pyoutcome.errors import LedgerError
from pyoutcome.ledger.accounts import (
    CLIENT_CLAIMABLE,
    CLIENT_STAKE,
    ESCROW,
    FUNDING,
    OWING,
    RECOVERABLE,
    Purse,
    account_of,
)
from pyoutcome.ledger.entries import Posting
from pyoutcome.protocol import events
from pyoutcome.protocol.events import Event
from pyoutcome.protocol.state import CLIENT


@dataclass(frozen=True)
class Movement:
    """An entry without its place: what one event posts."""

    narration: str
    postings: tuple[Posting, ...]
    provider: str | None = None
    period: int | None = None
    given_up: int = 0


@dataclass(frozen=True)
class Standing:
    """What a posting rule may look at besides its event."""

    providers: tuple[str, ...]
    """Names of the tenures in contract order."""

    def name(self, index: int) -> str:
        """Id of the provider with this index on chain; LedgerError ``unknown-provider`` if there is none."""
        if not 0 <= index < len(self.providers):
            raise LedgerError(
                "unknown-provider",
                f"An event speaks of provider {index}, but the agreement has {len(self.providers)} providers.",
                "Check that the events belong to the escrow of this agreement.",
                provider=index,
            )
        return self.providers[index]


@singledispatch
def movement_of(event: Event, _standing: Standing) -> Movement | None:
    """What ``event`` posts, or None if it moves no money.

    Raises LedgerError ``unknown-event`` for an event without a rule here, ``unknown-provider``, and
    ``event-does-not-add-up`` for amounts that contradict one another.
    """
    raise LedgerError(
        "unknown-event",
        f"The ledger has no rule for the event {type(event).__name__}, so it cannot say whose money it moved.",
        "Use a version of pyoutcome that knows this escrow's events.",
        event=type(event).__name__,
    )


@movement_of.register(events.ProgramRegistered)
@movement_of.register(events.EscrowCreated)
@movement_of.register(events.NotCreated)
@movement_of.register(events.Refused)
@movement_of.register(events.Accepted)
@movement_of.register(events.Activated)
@movement_of.register(events.Cancelled)
@movement_of.register(events.Reported)
@movement_of.register(events.DefaultProposed)
@movement_of.register(events.DigestPosted)
@movement_of.register(events.Settled)
@movement_of.register(events.Agreed)
@movement_of.register(events.Disputed)
@movement_of.register(events.Ruled)
@movement_of.register(events.FellBack)
@movement_of.register(events.Amended)
@movement_of.register(events.BackupLapsed)
@movement_of.register(events.UncoveredRecorded)
@movement_of.register(events.Covered)
@movement_of.register(events.Terminated)
@movement_of.register(events.Found)
def _moves_nothing(_event: Event, _standing: Standing) -> None:
    """Settled announces amounts; Credited moves them. After Cancelled, Refunded and BondReturned do."""


@movement_of.register(events.PayoutMoved)
@movement_of.register(events.ClaimRecorded)
@movement_of.register(events.Assigned)
@movement_of.register(events.SteppedIn)
def _names_a_provider(
    event: events.PayoutMoved | events.ClaimRecorded | events.Assigned | events.SteppedIn, standing: Standing
) -> None:
    """A recorded claim only restates debt or arrears."""
    standing.name(event.provider)


@movement_of.register
def _deposited(event: events.Deposited, _standing: Standing) -> Movement | None:
    amount = _natural(event, event.amount)
    return _movement(f"Deposit from {event.from_}", {ESCROW: amount, FUNDING: -amount})


@movement_of.register
def _withdrawn(event: events.Withdrawn, _standing: Standing) -> Movement | None:
    amount = _natural(event, event.amount)
    return _movement("Withdrawal by the client", {FUNDING: amount, ESCROW: -amount})


@movement_of.register
def _refunded(event: events.Refunded, _standing: Standing) -> Movement | None:
    amount = _natural(event, event.amount)
    return _movement("Funding returned to the client", {FUNDING: amount, ESCROW: -amount})


@movement_of.register
def _client_deferred(event: events.ClientDeferred, _standing: Standing) -> Movement | None:
    # What left the client's account before this event did not leave the escrow after all.
    amount = _natural(event, event.amount)
    return _movement("Transfer to the client failed, kept for it to claim", {ESCROW: amount, CLIENT_CLAIMABLE: -amount})


@movement_of.register
def _client_claimed(event: events.ClientClaimed, _standing: Standing) -> Movement | None:
    amount = _natural(event, event.amount) + _natural(event, event.given_up)
    lost = f", {event.given_up} given up, lost with the token" if event.given_up else ""
    postings = {CLIENT_CLAIMABLE: amount, ESCROW: -amount}
    return _movement(f"The client claimed at {event.to}{lost}", postings, given_up=event.given_up)


@movement_of.register
def _bond_posted(event: events.BondPosted, standing: Standing) -> Movement | None:
    name, amount = standing.name(event.provider), _natural(event, event.amount)
    postings = {ESCROW: amount, account_of(name, Purse.BOND): -amount}
    return _movement(f"Bond of {name} deposited", postings, provider=name)


@movement_of.register
def _bond_taken(event: events.BondTaken, standing: Standing) -> Movement | None:
    name, amount = standing.name(event.provider), _natural(event, event.amount)
    postings = {
        account_of(name, Purse.BOND): amount,
        account_of(name, Purse.DEBT): -amount,
        RECOVERABLE: amount,
        FUNDING: -amount,
    }
    return _movement(f"Debt of {name} taken from its bond", postings, provider=name)


@movement_of.register
def _bond_returned(event: events.BondReturned, standing: Standing) -> Movement | None:
    name, amount = standing.name(event.provider), _natural(event, event.amount)
    postings = {account_of(name, Purse.BOND): amount, account_of(name, Purse.PAYABLE): -amount}
    return _movement(f"Bond of {name} returned", postings, provider=name)


@movement_of.register
def _fee_paid(event: events.FeePaid, standing: Standing) -> Movement | None:
    if not 0 <= event.set_off <= event.amount:
        raise _does_not_add_up(event)
    name, rest = standing.name(event.provider), event.amount - event.set_off
    postings = {
        FUNDING: rest,
        account_of(name, Purse.PAYABLE): -rest,
        account_of(name, Purse.DEBT): -event.set_off,
        RECOVERABLE: event.set_off,
    }
    return _movement(f"Fee of the client's notice to {name}", postings, provider=name)


@movement_of.register
def _challenged(event: events.Challenged, standing: Standing) -> Movement | None:
    name, amount = _party(event.party, standing), _natural(event, event.stake)
    postings = {ESCROW: amount, _stake_of(event.party, standing): -amount}
    return _movement(
        f"Stake of {name or 'the client'} on period {event.period}", postings, provider=name, period=event.period
    )


@movement_of.register
def _stake_returned(event: events.StakeReturned, standing: Standing) -> Movement | None:
    name, amount = _party(event.party, standing), _natural(event, event.amount)
    target = ESCROW if name is None else account_of(name, Purse.PAYABLE)
    postings = {_stake_of(event.party, standing): amount, target: -amount}
    words = f"Stake of {name or 'the client'} on period {event.period} returned"
    return _movement(words, postings, provider=name, period=event.period)


@movement_of.register
def _stake_lost(event: events.StakeLost, standing: Standing) -> Movement | None:
    loser, winner, amount = _party(event.party, standing), _party(event.to, standing), _natural(event, event.amount)
    target = FUNDING if winner is None else account_of(winner, Purse.PAYABLE)
    postings = {_stake_of(event.party, standing): amount, target: -amount}
    words = f"Stake of {loser or 'the client'} on period {event.period} lost to {winner or 'the client'}"
    return _movement(words, postings, provider=winner, period=event.period)


@movement_of.register
def _closed(event: events.Closed, _standing: Standing) -> Movement | None:
    amount = _natural(event, event.amount)
    return _movement("Closed, remaining funding returned", {FUNDING: amount, ESCROW: -amount})


@movement_of.register
def _synced(event: events.Synced, _standing: Standing) -> Movement | None:
    words = "Surplus found, now client funding" if event.change > 0 else "Loss of the token, taken from client funding"
    return _movement(words, {ESCROW: event.change, FUNDING: -event.change})


@movement_of.register
def _credited(event: events.Credited, standing: Standing) -> Movement | None:
    parts = (event.set_off, event.held, event.paid, event.owed)
    if min(parts) < 0 or sum(parts) != max(event.amount, 0):
        raise _does_not_add_up(event)
    name = standing.name(event.provider)
    new_debt = max(-event.amount, 0)
    return _movement(
        f"{name} credited for period {event.period}" if event.amount >= 0 else f"{name} owes for period {event.period}",
        {
            FUNDING: event.held + event.paid,
            OWING: event.owed,
            RECOVERABLE: event.set_off - new_debt,
            account_of(name, Purse.PAYABLE): -event.paid,
            account_of(name, Purse.HELD): -event.held,
            account_of(name, Purse.ARREARS): -event.owed,
            account_of(name, Purse.DEBT): new_debt - event.set_off,
        },
        provider=name,
        period=event.period,
    )


@movement_of.register
def _paid(event: events.Paid, standing: Standing) -> Movement | None:
    name, amount = standing.name(event.provider), _natural(event, event.amount)
    postings = {account_of(name, Purse.PAYABLE): amount, ESCROW: -amount}
    return _movement(f"{name} paid at {event.to}", postings, provider=name)


@movement_of.register
def _deferred(event: events.Deferred, standing: Standing) -> Movement | None:
    name, amount = standing.name(event.provider), _natural(event, event.amount)
    postings = {account_of(name, Purse.PAYABLE): amount, account_of(name, Purse.CLAIMABLE): -amount}
    return _movement(f"Transfer to {name} failed, kept for it to claim", postings, provider=name)


@movement_of.register
def _claimed(event: events.Claimed, standing: Standing) -> Movement | None:
    name, amount = standing.name(event.provider), _natural(event, event.amount)
    postings = {account_of(name, Purse.CLAIMABLE): amount, ESCROW: -amount}
    return _movement(f"{name} claimed at {event.to}", postings, provider=name)


@movement_of.register
def _given_up(event: events.GivenUp, standing: Standing) -> Movement | None:
    name, amount = standing.name(event.provider), _natural(event, event.amount)
    postings = {account_of(name, Purse.CLAIMABLE): amount, ESCROW: -amount}
    words = f"Given up by {name} with an early claim, lost with the token"
    return _movement(words, postings, provider=name, given_up=amount)


@movement_of.register
def _arrears_held(event: events.ArrearsHeld, standing: Standing) -> Movement | None:
    name, amount = standing.name(event.provider), _natural(event, event.amount)
    postings = {
        account_of(name, Purse.ARREARS): amount,
        account_of(name, Purse.HELD): -amount,
        FUNDING: amount,
        OWING: -amount,
    }
    return _movement(f"Arrears of {name} for period {event.period} held", postings, provider=name, period=event.period)


@movement_of.register
def _arrears_paid(event: events.ArrearsPaid, standing: Standing) -> Movement | None:
    name, amount = standing.name(event.provider), _natural(event, event.amount)
    postings = {
        account_of(name, Purse.ARREARS): amount,
        account_of(name, Purse.PAYABLE): -amount,
        FUNDING: amount,
        OWING: -amount,
    }
    return _movement(f"Arrears of {name} for period {event.period} paid", postings, provider=name, period=event.period)


@movement_of.register
def _arrears_set_off(event: events.ArrearsSetOff, standing: Standing) -> Movement | None:
    name, amount = standing.name(event.provider), _natural(event, event.amount)
    postings = {
        account_of(name, Purse.ARREARS): amount,
        account_of(name, Purse.DEBT): -amount,
        RECOVERABLE: amount,
        OWING: -amount,
    }
    words = f"Arrears of {name} for period {event.period} set off against its debt"
    return _movement(words, postings, provider=name, period=event.period)


@movement_of.register
def _holdback_released(event: events.HoldbackReleased, standing: Standing) -> Movement | None:
    if min(event.set_off, event.paid) < 0 or event.amount != event.set_off + event.paid:
        raise _does_not_add_up(event)
    name = standing.name(event.provider)
    postings = {
        account_of(name, Purse.HELD): event.amount,
        account_of(name, Purse.PAYABLE): -event.paid,
        # What cancels debt stays in the escrow as the client's money again.
        account_of(name, Purse.DEBT): -event.set_off,
        RECOVERABLE: event.set_off,
        FUNDING: -event.set_off,
    }
    return _movement(f"Holdback of {name} released", postings, provider=name)


def _party(party: int, standing: Standing) -> str | None:
    """Name of a party of a period; None for the client."""
    return None if party == CLIENT else standing.name(party)


def _stake_of(party: int, standing: Standing) -> str:
    return CLIENT_STAKE if party == CLIENT else account_of(standing.name(party), Purse.STAKE)


def _movement(
    narration: str,
    amounts: dict[str, int],
    *,
    provider: str | None = None,
    period: int | None = None,
    given_up: int = 0,
) -> Movement | None:
    postings = tuple(Posting(account, amount) for account, amount in amounts.items() if amount)
    return Movement(narration, postings, provider, period, given_up) if postings else None


def _natural(event: Event, amount: int) -> int:
    if amount < 0:
        raise _does_not_add_up(event)
    return amount


def _does_not_add_up(event: Event) -> LedgerError:
    return LedgerError(
        "event-does-not-add-up",
        f"The amounts of a {type(event).__name__} event contradict one another: {event}.",
        "Read the events from the chain again; if they are the same, the escrow is not one of ours.",
        event=type(event).__name__,
    )
