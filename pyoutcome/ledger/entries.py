"""Postings and entries: one movement of money, in double entry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime


@dataclass(frozen=True)
class Rate:
    """What one whole token was worth in the book currency on a day."""

    day: date
    value: int
    """Book currency for one token, 18 decimals."""
    source: str
    """Who says so."""


@dataclass(frozen=True)
class Worth:
    """A posting in the book currency."""

    amount: int
    """Smallest units of the book currency; a debit is positive."""
    rate: Rate | None
    """None where no single rate stands behind it: a sum carried forward, or a rounding difference."""


@dataclass(frozen=True)
class Posting:
    """One side of an entry."""

    account: str
    amount: int
    """Base units; a debit is positive, a credit negative."""
    worth: Worth | None = None
    """The same in the book currency, in a book that has been converted."""


@dataclass(frozen=True)
class Entry:
    """One movement of money, from one event. Its postings sum to zero."""

    number: int
    """Counted from 1, without gaps."""
    block: int
    index: int
    """Position of the event's log within its block."""
    transaction: bytes
    timestamp: int
    """Unix seconds of the block."""
    kind: str
    """Name of the event, as in the escrow's interface."""
    narration: str
    """What happened, in words."""
    postings: tuple[Posting, ...]
    provider: str | None = None
    """Id of the provider concerned, where there is one."""
    period: int | None = None
    """Period concerned, where there is one."""
    given_up: int = 0
    """The part that left the escrow and reached nobody. Base units."""

    @property
    def day(self) -> date:
        """Day of the block in UTC."""
        return datetime.fromtimestamp(self.timestamp, UTC).date()

    @property
    def time(self) -> str:
        """Time of the block, ISO 8601 in UTC."""
        return iso_time(self.timestamp)


def iso_time(timestamp: int) -> str:
    """Unix seconds as ISO 8601 text in UTC."""
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
