"""Everything that can be done to an escrow: one frozen dataclass per act.

``by`` is the caller; ``signers`` are those whose signatures over exactly this act (escrow, terms hash, period, nonce
and contents, see ``messages``) have been verified. ``arrived`` is what the token really brought in with the act.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyoutcome.protocol.deal import Rules


@dataclass(frozen=True)
class Action:
    """Base of all acts."""


# --- offer ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PostBond(Action):
    """Somebody posts the bond of a slot, or a part of it, while the agreement is an offer."""

    slot: int
    arrived: int


@dataclass(frozen=True)
class Activate(Action):
    """Anyone starts the agreement with everybody's signatures over the terms."""

    signers: frozenset[str]


@dataclass(frozen=True)
class Cancel(Action):
    """Anyone ends an offer that lapsed."""


# --- money ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Deposit(Action):
    """Anyone adds client funding."""

    by: str
    arrived: int


@dataclass(frozen=True)
class Sync(Action):
    """Anyone has the token balance booked."""


@dataclass(frozen=True)
class PayArrears(Action):
    """Anyone has up to ``max`` queued sums paid."""

    max: int


@dataclass(frozen=True)
class Claim(Action):
    """An owner fetches what could not be pushed."""

    by: str
    owner: int
    """Tenure number, or ``state.CLIENT``."""
    to: str
    early: bool = False
    """While the balance is below tracked: take the covered share now and give up the rest."""


@dataclass(frozen=True)
class MovePayout(Action):
    """A holder moves its payout address."""

    by: str
    tenure: int
    to: str


@dataclass(frozen=True)
class Withdraw(Action):
    """The client takes out funding above the required cover plus one reserve."""

    by: str
    amount: int


# --- periods ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PostDigest(Action):
    """A supplier shows in time that it has its evidence."""

    by: str
    period: int
    digest: bytes = bytes(32)


@dataclass(frozen=True)
class Report(Action):
    """Anyone submits verified values with verifiers' signatures."""

    period: int
    values: tuple[int, ...]
    verifiers: tuple[int, ...]
    """Indexes of those that signed, rising."""
    evidence_digest: bytes = bytes(32)


@dataclass(frozen=True)
class ProposeDefault(Action):
    """Anyone proposes every KPI's stand-in for a period whose evidence is overdue."""

    period: int


@dataclass(frozen=True)
class Settle(Action):
    """Anyone moves a period on whose window is over."""

    period: int


@dataclass(frozen=True)
class Agree(Action):
    """The client and the payees settle a period on values of their own."""

    period: int
    values: tuple[int, ...]
    nonce: int
    """How often this period was agreed before."""
    signers: frozenset[str]


# --- disputes ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Challenge(Action):
    """A party of the period puts its own version beside the report, with a stake."""

    by: str
    period: int
    nonce: int
    """Proposals of the period so far: a challenge of a default is none of the report that replaces it."""
    values: tuple[int, ...]
    arrived: int


@dataclass(frozen=True)
class Rule(Action):
    """The arbitrator decides: values if it is direct; the number of a version, or None to refuse, if it chooses."""

    by: str
    period: int
    nonce: int
    values: tuple[int, ...] | None = None
    choice: int | None = None


@dataclass(frozen=True)
class Fallback(Action):
    """Anyone has the report stand when the arbitrator was silent."""

    period: int


# --- change of parties and terms --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Amend(Action):
    """New rules from a period on."""

    previous: str
    """Name of the terms hash it replaces."""
    first: int
    rules: Rules
    carry: tuple[int | None, ...]
    """Per new register: the earlier register it keeps, or None to start anew; earlier ones not named are dropped."""
    deadline: int
    signers: frozenset[str]


@dataclass(frozen=True)
class Assign(Action):
    """A slot goes to another holder from the next unstarted period."""

    slot: int
    incoming: str
    payout: str
    first: int
    """The period from which it holds; must be the next unstarted one."""
    nonce: int
    arrived: int
    """The incoming holder's bond."""
    signers: frozenset[str]


@dataclass(frozen=True)
class StepIn(Action):
    """The client calls the slot's backup after a breach streak."""

    by: str
    slot: int
    payout: str
    arrived: int
    """The backup's bond."""


# --- exit -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RecordUncovered(Action):
    """Anyone puts on record that the reserve is not covered."""


@dataclass(frozen=True)
class TerminateMutually(Action):
    """Everybody ends the agreement after the current period."""

    last: int
    """The current period; 0 before the first."""
    nonce: int
    signers: frozenset[str]


@dataclass(frozen=True)
class TerminateForConvenience(Action):
    """A party that may gives notice."""

    by: str


@dataclass(frozen=True)
class TerminateForStreak(Action):
    """The client ends the agreement after a slot's breach streak."""

    by: str
    slot: int


@dataclass(frozen=True)
class TerminateForUncovered(Action):
    """A provider ends the agreement whose reserve stayed uncovered beyond the cure window."""

    by: str


@dataclass(frozen=True)
class TerminateOnFinding(Action):
    """Anyone submits the arbitrator's signed finding of a cause."""

    signer: str
    cause: bytes
    """keccak256 of the cause in words."""
    party: str
    nonce: int


@dataclass(frozen=True)
class Close(Action):
    """Anyone closes the agreement, paying up to ``max`` queued sums first."""

    max: int
