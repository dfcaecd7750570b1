"""What an escrow and its factory say happened: one frozen dataclass per Solidity event.

Names are Solidity's, fields its names in snake_case (``from`` becomes ``from_``). Addresses are checksum texts,
bytes32 are ``bytes``, money is whole base units of the token, KPI values have 18 decimals, times are unix seconds.
The reference machine emits the same events; the ledger folds them. What the escrow says in one event of the ordinary
case (``ReportedInFull``, ``SettledInFull``) is here the several that it stands for.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


@dataclass(frozen=True)
class Event:
    """Base of all events."""


@dataclass(frozen=True)
class Located:
    """An event with its place on a chain."""

    event: Event
    block: int
    index: int
    """Position of the log within its block; several events that one log stands for have the same, in their order."""
    transaction: bytes
    timestamp: int
    """Unix seconds of the block."""


# --- factory ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ProgramRegistered(Event):
    """A program passed all checks and is stored; anyone may use it from now on."""

    program_hash: bytes
    store: str


@dataclass(frozen=True)
class EscrowCreated(Event):
    """An escrow was created; its address follows from all its arguments."""

    escrow: str
    client: str
    terms_hash: bytes
    agreement_digest: bytes


@dataclass(frozen=True)
class NotCreated(Event):
    """Item ``index`` of many was refused."""

    index: int


@dataclass(frozen=True)
class Refused(Event):
    """The report at byte ``offset`` of a batch was refused by its escrow."""

    escrow: str
    offset: int


# --- escrow -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Accepted(Event):
    """Everyone whose signature the terms need has signed them."""

    terms_hash: bytes


@dataclass(frozen=True)
class Activated(Event):
    """The first reserve and all bonds are present."""

    terms_hash: bytes


@dataclass(frozen=True)
class Cancelled(Event):
    """The offer lapsed; everybody has its own money back."""


@dataclass(frozen=True)
class Deposited(Event):
    """``amount`` arrived and is client funding."""

    from_: str
    amount: int


@dataclass(frozen=True)
class Withdrawn(Event):
    """The client took out funding above the required cover."""

    amount: int


@dataclass(frozen=True)
class Reported(Event):
    """Verified values of a period."""

    period: int
    evidence_digest: bytes
    values: tuple[int, ...]
    """One per KPI; ``messages.MISSING`` marks a missing value."""
    verifiers: int
    """Bit i is set if verifier i signed."""


@dataclass(frozen=True)
class DefaultProposed(Event):
    """Evidence is overdue; each KPI's ``if_missing`` is proposed."""

    period: int
    settles_at: int


@dataclass(frozen=True)
class Settled(Event):
    """The program's result for a period."""

    period: int
    amounts: tuple[int, ...]
    """One signed amount per provider."""
    program_error: int
    """0, or the code with which the program failed (then all amounts are 0)."""


@dataclass(frozen=True)
class Credited(Event):
    """How an amount was credited: a positive ``amount`` = set_off + held + paid + owed; a negative one is new debt."""

    period: int
    provider: int
    amount: int
    set_off: int
    held: int
    paid: int
    owed: int


@dataclass(frozen=True)
class Paid(Event):
    """``amount`` left the escrow for the provider."""

    provider: int
    to: str
    amount: int


@dataclass(frozen=True)
class Deferred(Event):
    """The push of ``amount`` failed; the provider can claim it."""

    provider: int
    amount: int


@dataclass(frozen=True)
class Claimed(Event):
    """The provider fetched what a failed push left."""

    provider: int
    to: str
    amount: int


@dataclass(frozen=True)
class ArrearsPaid(Event):
    """Arrears of a period became paid money (a Paid or Deferred event follows)."""

    period: int
    provider: int
    amount: int


@dataclass(frozen=True)
class ArrearsSetOff(Event):
    """New debt cancelled the provider's own arrears of a period."""

    period: int
    provider: int
    amount: int


@dataclass(frozen=True)
class HoldbackReleased(Event):
    """Holdback left the held account; ``set_off`` of it cancelled debt, ``paid`` of it became paid money."""

    provider: int
    amount: int
    set_off: int
    paid: int


@dataclass(frozen=True)
class PayoutMoved(Event):
    """The provider moved its payout address."""

    provider: int
    to: str


@dataclass(frozen=True)
class Synced(Event):
    """Surplus found (positive) became client funding; a loss (negative) was taken from it."""

    change: int


@dataclass(frozen=True)
class ClaimRecorded(Event):
    """What remained owed when the escrow closed: positive to the provider, negative by it."""

    provider: int
    amount: int


@dataclass(frozen=True)
class Closed(Event):
    """The client's remaining funding was returned. ``amount`` may be 0."""

    amount: int


# --- bonds, fees, what owners fetch -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class ArrearsHeld(Event):
    """Arrears of a period were funded and this part of them went to holdback (before the ArrearsPaid of the rest)."""

    period: int
    provider: int
    amount: int


@dataclass(frozen=True)
class GivenUp(Event):
    """The provider claimed early, while the balance was below tracked, and gave this up."""

    provider: int
    amount: int


@dataclass(frozen=True)
class ClientDeferred(Event):
    """The push of ``amount`` to the client failed; the client can claim it."""

    amount: int


@dataclass(frozen=True)
class ClientClaimed(Event):
    """The client fetched what a failed push left; ``given_up`` is what an early claim cost it."""

    to: str
    amount: int
    given_up: int


@dataclass(frozen=True)
class Refunded(Event):
    """Client funding went back to the client, of a cancelled offer or after closing."""

    amount: int


@dataclass(frozen=True)
class BondPosted(Event):
    """Bond arrived for a provider."""

    provider: int
    amount: int


@dataclass(frozen=True)
class BondTaken(Event):
    """A provider's debt took this from its bond; it became client funding."""

    provider: int
    amount: int


@dataclass(frozen=True)
class BondReturned(Event):
    """Bond left the bond account (a Paid or Deferred event follows)."""

    provider: int
    amount: int


@dataclass(frozen=True)
class FeePaid(Event):
    """The fee of a client's notice: ``set_off`` of it cancelled debt, the rest is paid."""

    provider: int
    amount: int
    set_off: int


@dataclass(frozen=True)
class DigestPosted(Event):
    """A supplier showed in time that it has its evidence; provider -1 is the client."""

    period: int
    provider: int
    digest: bytes
    """keccak256 of what it has, 32 bytes."""


@dataclass(frozen=True)
class Challenged(Event):
    """A party gave its version of a period; party -1 is the client."""

    period: int
    party: int
    stake: int
    values: tuple[int, ...]
    amounts: tuple[int, ...]


@dataclass(frozen=True)
class Disputed(Event):
    """The window closed with several versions; the undisputed part is credited."""

    period: int
    deadline: int


@dataclass(frozen=True)
class Ruled(Event):
    """The arbitrator decided."""

    period: int
    values: tuple[int, ...]


@dataclass(frozen=True)
class FellBack(Event):
    """The arbitrator refused or was silent; the report stands."""

    period: int


@dataclass(frozen=True)
class Agreed(Event):
    """The client and the period's payees settled the period on these values."""

    period: int
    nonce: int
    """How often the period was agreed before."""
    values: tuple[int, ...]


@dataclass(frozen=True)
class StakeReturned(Event):
    """A stake went back to its party; party -1 is the client."""

    period: int
    party: int
    amount: int


@dataclass(frozen=True)
class StakeLost(Event):
    """Part of a lost stake went to ``to``: a provider (a Paid or Deferred event follows) or -1, client funding."""

    period: int
    party: int
    to: int
    amount: int


@dataclass(frozen=True)
class Amended(Event):
    """New terms govern from a period on."""

    first: int
    terms_hash: bytes
    store: str
    """Address whose code keeps the new terms behind one byte; empty where there is no chain."""


@dataclass(frozen=True)
class BackupLapsed(Event):
    """A backup did not sign an amendment and can no longer step in."""

    slot: int


@dataclass(frozen=True)
class Assigned(Event):
    """A slot belongs to another holder from a period on."""

    slot: int
    provider: int
    holder: str
    first: int


@dataclass(frozen=True)
class SteppedIn(Event):
    """A slot's backup takes over from a period on."""

    slot: int
    provider: int
    holder: str
    first: int


@dataclass(frozen=True)
class UncoveredRecorded(Event):
    """The reserve is not covered; the cure window runs."""

    since: int
    funds: int
    required: int


@dataclass(frozen=True)
class Covered(Event):
    """The reserve is covered again."""


class Cause(IntEnum):
    """Why an agreement ends early, by Solidity's numbers."""

    MUTUAL = 0
    CONVENIENCE = 1
    STREAK = 2
    UNCOVERED = 3
    FINDING = 4


@dataclass(frozen=True)
class Found(Event):
    """The arbitrator found a cause against ``party``, which ends the agreement."""

    cause: bytes
    """keccak256 of the cause in words, 32 bytes."""
    party: str
    nonce: int


@dataclass(frozen=True)
class Terminated(Event):
    """The agreement ends after period ``last``."""

    last: int
    cause: int
    """One of ``Cause``."""
