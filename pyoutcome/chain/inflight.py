"""What is wanted of the chain, and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pyoutcome.chain.blocks import Call
from pyoutcome.chain.fees import Fees


class State(StrEnum):
    """Where a transaction is. The first three may change still; the others stay."""

    RECORDED = "recorded"
    """Signed and written down; perhaps handed in."""
    SENT = "sent"
    """A node took it; it is in no block yet, or no more."""
    MINED = "mined"
    """In a block that a reorganisation could still undo."""
    FINAL = "final"
    """Carried out, for good."""
    FAILED = "failed"
    """In a block for good, but the contract refused it there."""
    CANCELLED = "cancelled"
    """Given up: its nonce was used for nothing."""
    SUPERSEDED = "superseded"
    """Another program used its nonce."""


LIVE: Final = (State.RECORDED, State.SENT, State.MINED)
HELD: Final = (*LIVE, State.FINAL)
"""A purpose in one of these is not sent anew."""


@dataclass(frozen=True)
class Wanted:
    """A call that is to be carried out once."""

    purpose: str
    """What it is for: ``settle 0x1234... 7 report``. The same words are the same wish."""
    call: Call


@dataclass(frozen=True)
class InFlight:
    """How far a wanted call has come."""

    id: int
    purpose: str
    sender: str
    nonce: int
    hash: bytes
    """Of the transaction that is in a block, or else of the one that pays most."""
    state: State
    block: int | None
    confirmations: int
    """Blocks on top of its own."""
    error: str | None
    """What is amiss, for the operator; the code of it is in square brackets."""


@dataclass(frozen=True)
class Attempt:
    """One signed form of a transaction. Any of them may be the one that lands."""

    number: int
    hash: bytes
    fees: Fees
    cancels: bool
    """It does nothing but use the nonce."""
    at: int
    """When it was signed, by the chain's clock."""
    at_block: int
    """Newest block at that time."""


@dataclass(frozen=True)
class Entry:
    """A recorded transaction with its attempts, oldest first."""

    id: int
    version: int
    purpose: str
    call: Call
    nonce: int
    gas: int
    state: State
    hash: bytes
    """Of the attempt that is in a block, or else of the newest."""
    block: int | None
    block_hash: bytes | None
    error: str | None
    """What is amiss, as told to the operator."""
    refusals: int
    """How often the node refused the newest attempt though it was its turn."""
    attempts: tuple[Attempt, ...]

    @property
    def newest(self) -> Attempt:
        """The attempt that pays most."""
        return self.attempts[-1]

    @property
    def live(self) -> bool:
        """Whether it may still change."""
        return self.state in LIVE


@dataclass(frozen=True)
class Plan:
    """What is to be recorded: the call with everything but its nonce."""

    purpose: str
    call: Call
    gas: int
    fees: Fees
    cancels: bool = False
