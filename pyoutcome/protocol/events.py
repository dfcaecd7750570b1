"""What an escrow and its factory say happened: one frozen dataclass per Solidity event.

Names are Solidity's, fields its names in snake_case (``from`` becomes ``from_``). Addresses are checksum texts,
bytes32 are ``bytes``, money is whole base units of the token, KPI values have 18 decimals, times are unix seconds.
The reference machine emits the same events; the ledger folds them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """Base of all events."""


@dataclass(frozen=True)
class Located:
    """An event with its place on a chain."""

    event: Event
    block: int
    index: int
    """Position of the log within its block."""
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


# --- escrow -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Activated(Event):
    """All signatures are verified and the first reserve is present."""

    terms_hash: bytes


@dataclass(frozen=True)
class Cancelled(Event):
    """The offer lapsed; the client has its money back."""


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
