"""What an escrow says of itself, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TypeVar

from pyoutcome.errors import ChainError

CLIENT = -1
"""Number of the client where a provider's number can stand."""


class Stage(IntEnum):
    """Stage of the agreement."""

    OFFER = 0
    ACTIVE = 1
    CLOSED = 2


class PeriodStage(IntEnum):
    """Stage of one period."""

    NONE = 0
    DEFAULTED = 1
    REPORTED = 2
    DISPUTED = 3
    SETTLED = 4


Staged = TypeVar("Staged", Stage, PeriodStage)


@dataclass(frozen=True)
class PeriodState:
    """Where one period stands."""

    stage: PeriodStage
    until: int
    """End of its window, or the arbitrator's deadline; 0 where there is neither."""
    proposals: int
    """Reports and defaults accepted so far: what challenges and rulings sign as nonce."""
    agreements: int
    """How often it was agreed: what agreements sign as nonce."""


@dataclass(frozen=True)
class Account:
    """Money of one provider's tenure, base units. What it earned and was paid is in the events."""

    held: int
    """Kept until the holdback date."""
    debt: int
    """What the provider owes."""
    arrears: int
    """Credited but not yet covered by funds."""
    claimable: int
    """Paid money whose push failed."""
    bond: int
    holder: str
    """Checksum address that signs for it."""
    payout: str
    """Where its money goes."""
    slot: int
    """Its place in the agreement, from 0."""
    first: int
    """First period that belongs to it."""
    released: bool
    """Bond and holdback have been released."""


@dataclass(frozen=True)
class Priced:
    """What the program makes of a period's values."""

    error: int
    """Code with which it fails, else 0; then all amounts are 0."""
    amounts: tuple[int, ...]
    """Base units per slot."""
    locals: tuple[int, ...]
    """Every local of the program, 18 decimals."""
    sums: tuple[int, ...]
    """Sums to date by line, after the period; of a sequential program."""


@dataclass(frozen=True)
class Occasions:
    """What signatures of rare acts name, and whether the cure window runs."""

    assignments: int
    """Changes of holders so far."""
    terminations: int
    uncovered_since: int
    """From when the reserve is on record as uncovered; 0: it is not."""


@dataclass(frozen=True)
class Reading:
    """What an escrow says of itself at one moment. Money in base units."""

    factory: str
    program: bytes
    terms_hash: bytes
    settled: frozenset[int]
    """Numbers of the settled periods."""
    tracked: int
    funds: int
    client_claimable: int
    accounts: tuple[Account, ...]
    """By number of the tenure."""


def known_stage(kind: type[Staged], value: int) -> Staged:
    """A stage by its number. ChainError ``not-our-contract``."""
    try:
        return kind(value)
    except ValueError:
        raise ChainError(
            "not-our-contract",
            f"The contract at that address answers with a stage ({value}) that no escrow has.",
            "Check the address and the network.",
        ) from None
