"""Where the keeper stands with each period, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pyoutcome.settlement.patience import SECOND

if TYPE_CHECKING:
    from pyoutcome.errors import PyoutcomeError

LEASE: Final = 60 * SECOND
"""How long a claim holds if nobody extends it."""
AGREEMENT: Final = 0
"""The number under which an agreement as a whole is looked at."""
JUMP: Final = 5 * SECOND
"""By how much a clock may be set without all waits being looked at anew."""
FRESH: Final = "Not looked at yet."
"""What a row says before its first look."""


@dataclass(frozen=True)
class Known:
    """An agreement the keeper looks after."""

    name: str
    folder: str
    chain: str
    escrow: str
    first_block: int


@dataclass(frozen=True)
class Standing:
    """Where the keeper stands with one period; with the agreement as a whole if ``number`` is 0."""

    agreement: str
    number: int
    need: str
    why: str
    next_look: int
    """Milliseconds, by the database's clock."""
    chain_due: int | None
    """When it is looked at by the chain's clock, unix seconds."""
    attempts: int
    """Failures in a row."""
    error: str | None
    """Code of the last failure; None after a success."""
    error_why: str | None
    error_fix: str | None
    parked: bool
    """Nothing is tried until something new arrives."""
    done: bool
    purpose: str | None
    """Of the transaction that is on its way for it."""
    owner: str | None
    woken: int

    def to_dict(self) -> dict[str, object]:
        """For machines."""
        error = {"code": self.error, "why": self.error_why, "fix": self.error_fix} if self.error else None
        return {
            "agreement": self.agreement,
            "period": self.number or None,
            "needs": self.need,
            "why": self.why,
            "attempts": self.attempts,
            "error": error,
            "parked": self.parked,
            "done": self.done,
            "transaction": self.purpose,
            "keeper": self.owner,
        }


@dataclass(frozen=True)
class Look:
    """What a look at a period came to, and when the next is due."""

    need: str
    why: str
    after: int
    """Milliseconds until the next look."""
    chain_due: int | None = None
    done: bool = False
    purpose: str | None = None
    error: PyoutcomeError | None = None
    counts: bool = True
    """Whether the error is this period's own: a network that is down parks nothing."""
