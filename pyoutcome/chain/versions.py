"""The versions of a period, rebuilt from events: the escrow keeps only their hash, and whoever acts hands them in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pyoutcome.protocol import MISSING, Event
from pyoutcome.protocol.events import Challenged, DefaultProposed, Reported, Settled


@dataclass(frozen=True)
class Version:
    """One view of a period."""

    party: int
    """Number of the challenger; -1 is the client. 0 for the report or default, which comes first."""
    stake: int
    """Base units; 0 for the report or default."""
    values: tuple[int, ...]
    """One per KPI, 18 decimals; ``MISSING`` for a missing one."""
    amounts: tuple[int, ...] = ()
    """What the program makes of them, base units per slot; of the report or default not in the events."""

    def as_tuple(self) -> tuple[object, ...]:
        """As the escrow takes it."""
        return (self.party, self.stake, list(self.values), list(self.amounts))


def collect_versions(events: Iterable[Event], period: int, kpis: int) -> tuple[Version, ...]:
    """The versions of a period in a window or dispute, in the order of their acceptance; none of any other.

    ``events``: all of the escrow, in order. ``kpis``: how many values a version has.
    """
    versions: tuple[Version, ...] = ()
    for event in events:
        match event:
            case Reported(period=number, values=values) if number == period:
                versions = (Version(0, 0, values),)
            case DefaultProposed(period=number) if number == period:
                versions = (Version(0, 0, (MISSING,) * kpis),)
            case Challenged(period=number) if number == period:
                versions = (*versions, Version(event.party, event.stake, event.values, event.amounts))
            case Settled(period=number) if number == period:
                versions = ()
    return versions
