"""The machine's full terms: everything the parties sign, in abstract names instead of addresses.

``deployed_deal`` makes them of the deployed ``Arguments``.
Parties are plain identifiers (an address, or a name in a test). Times are unix seconds, money is base units.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pyoutcome.protocol.arguments import Kpi


@dataclass(frozen=True)
class Priced:
    """What the program makes of one period's values."""

    amounts: tuple[int, ...]
    """One signed amount per slot, 18 decimals."""
    registers: tuple[int, ...] = ()
    """The next registers; empty for an independent program."""
    breached: tuple[bool, ...] = ()
    """Per slot: whether the period counts toward its breach streak; empty means no."""


class Pricing(Protocol):
    """The agreement's program, seen from the escrow."""

    @property
    def sequential(self) -> bool:
        """Whether it reads carried state or earlier amounts, so that periods must settle in order."""
        ...

    @property
    def start(self) -> tuple[int, ...]:
        """Start values of the registers."""
        ...

    def settle(
        self, values: tuple[int, ...], registers: tuple[int, ...], period: int, earned: tuple[int, ...]
    ) -> Priced | int:
        """Amounts of one period, or the program's error code (above 0).

        ``values``: one per KPI, 18 decimals, stand-ins already in place. ``earned``: per slot, the settled amounts of
        all periods with lower numbers, base units. An independent program is given zeros and no registers.
        """
        ...


@dataclass(frozen=True)
class Slot:
    """One provider's place in the agreement. Holders may change, the place stays."""

    holder: str
    payout: str
    bond: int = 0
    """What every holder of the slot deposits."""
    backup: str | None = None
    """Who may step in; it signs at the start."""


@dataclass(frozen=True)
class Rules:
    """The part of the terms that an amendment can replace for later periods."""

    terms: str
    """Name of the terms hash."""
    pricing: Pricing
    kpis: tuple[Kpi, ...]
    suppliers: tuple[int | None, ...]
    """Per KPI: the slot that supplies its evidence; None is the client."""
    verifiers: tuple[str, ...]
    quorum: int
    arbitrator: str
    chooses: bool
    """An adapter chooses one of the versions; a direct arbitrator rules values."""
    evidence_window: int
    default_window: int
    challenge_window: int
    """0: a report settles at once and cannot be challenged."""
    ruling_window: int
    stake_fixed: int
    stake_share: int
    """Share of the sum of absolute differences, 18 decimals."""
    reserve: int
    """The most one period can cost the client: the sum over payees of max(0, amount)."""
    refuses: bool = False
    """A report on which the program fails is refused; otherwise it settles zero."""


@dataclass(frozen=True)
class Deal:
    """Everything signed at the start."""

    client: str
    slots: tuple[Slot, ...]
    activate_by: int
    start: int
    ends: tuple[int, ...]
    unit_decimals: int
    holdback_rate: int
    """Share, 18 decimals."""
    holdback_delay: int
    """Seconds from the end of the last period to the release of holdback."""
    rules: Rules
    cure_window: int
    """Seconds an uncovered reserve may stay so before a provider may end the agreement."""
    notice: int
    """Seconds between a notice for convenience and the moment whose period is the last."""
    convenience: frozenset[str] = frozenset()
    """Who may end it for convenience: ``client``, ``provider``."""
    convenience_fee: tuple[int, ...] = ()
    """What a client's notice pays, per slot."""
    streak: int = 0
    """Breaches in a row that are cause for step-in and termination; 0 is never."""
    restates: bool = True
    """Whether a settled period can be settled anew by an agreement of client and payees."""

    def start_of(self, period: int) -> int:
        """When a period starts (included)."""
        return self.start if period == 1 else self.ends[period - 2]

    def end_of(self, period: int) -> int:
        """When a period ends (excluded)."""
        return self.ends[period - 1]

    def started(self, now: int) -> int:
        """How many periods of the schedule have started."""
        return sum(self.start_of(period) <= now for period in range(1, len(self.ends) + 1))
