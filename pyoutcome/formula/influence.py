"""What is said of how an amount moves with a KPI; data only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

NOISE: Final = 100
"""Scaled units by which truncation may move an amount that stands still."""
SLIGHT: Final = 1_000
"""A jump of less than one part in so many of what the KPI moves in all is rounding, and no cliff."""


class Direction(StrEnum):
    """How an amount moves as a KPI rises."""

    RISES = "rises"
    FALLS = "falls"
    FLAT = "flat"
    MIXED = "mixed"


@dataclass(frozen=True, slots=True)
class Move:
    """A KPI changed and the amount with it; all scaled."""

    first: int
    last: int
    before: int
    after: int
    setting: int
    """Which of the settings the other KPIs are at."""

    @property
    def change(self) -> int:
        """What the amount changes by."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Cliff(Move):
    """One step of the KPI's last decimal, from ``first`` to ``last``, at which the amount jumps."""

    line: int | None
    """The line that jumps most; None if no line does."""


@dataclass(frozen=True, slots=True)
class Piece(Move):
    """A part of the KPI's range without a cliff, in which one form of the formulas applies."""

    direction: Direction
    proven: bool


@dataclass(frozen=True, slots=True)
class Dead:
    """A part of the KPI's range in which the amount does not move."""

    first: int
    last: int
    proven: bool


@dataclass(frozen=True, slots=True)
class Influence:
    """How one payee's amount, or the sum of all, moves with one KPI."""

    kpi: int
    """Index among the rule's KPIs."""
    payee: int | None
    """Index among the payees; None for the sum of all."""
    direction: Direction
    proven: bool
    slack: int
    """By how much truncation and rounding to 18 decimals may move an amount against a proven direction; scaled."""
    setting: int
    """The setting, of those tried, at which the KPI moves most; the pieces are those of this setting."""
    moves: int
    """The most between two values of the KPI, at that setting, scaled."""
    points: tuple[tuple[int, tuple[tuple[int, int], ...]], ...]
    """Per setting tried: which, and values with amounts, rising: the ends, both sides of every turn, and between."""
    pieces: tuple[Piece, ...]
    """Without any for a yes/no or a choice."""
    cliffs: tuple[Cliff, ...]
    """Each at the setting where it is highest."""
    dead: tuple[Dead, ...]
    """Where nothing moves at any setting tried; proven: at no setting at all."""
    stair: int
    """Where a rounding makes the amount climb in many equal stairs: how high they are; 0 where none matters."""
    rise: Move | None
    """The greatest rise from a lower to a higher value of the KPI, at any setting."""
    fall: Move | None
    """The greatest fall."""
