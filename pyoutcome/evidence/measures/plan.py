"""The one intermediate form of measures: what is read from a source and what is counted, free of any engine's syntax.

Columns are named as the agreement names them; ``SourcePlan.columns`` gives our own names in the engine. Conditions and
values are typed trees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from pyoutcome.evidence.measures.columns import ColumnType
from pyoutcome.evidence.measures.conditions import Column, Condition, Value
from pyoutcome.terms.measures import Measure, RecordSource


@dataclass(frozen=True)
class CountIf:
    """Things for which ``condition`` holds; None: all of them."""

    condition: Condition | None


@dataclass(frozen=True)
class SumOf:
    """Exact sum of a number over the things for which ``condition`` holds; missing values add nothing."""

    value: Value
    condition: Condition | None


@dataclass(frozen=True)
class LeastOf:
    """Least value; missing if there is none."""

    value: Value
    condition: Condition | None


@dataclass(frozen=True)
class GreatestOf:
    """Greatest value; missing if there is none."""

    value: Value
    condition: Condition | None


@dataclass(frozen=True)
class RankOf:
    """The value at one place among the ``n`` present ones in ascending order; missing if there is none.

    ``nearest``: place ceil(share * n). ``lower`` and ``upper``: places floor and ceil of 1 + share * (n - 1).
    The share is ``numerator / denominator`` in lowest terms, above 0 and at most 1.
    """

    value: Value
    condition: Condition | None
    numerator: int
    denominator: int
    place: Literal["nearest", "lower", "upper"]


@dataclass(frozen=True)
class DistinctOf:
    """Different present values of a column."""

    column: Column
    condition: Condition | None


@dataclass(frozen=True)
class TimeIn:
    """Microseconds during which ``condition`` holds; None: during which any state is known."""

    condition: Condition | None


Aggregate = CountIf | SumOf | LeastOf | GreatestOf | RankOf | DistinctOf | TimeIn


@dataclass(frozen=True)
class MeasurePlan:
    """One KPI's measure and the figures its value is made of."""

    kpi: str
    """The KPI's name in the file: ``on_time``."""
    measure: Measure
    aggregates: Mapping[str, Aggregate]
    """Each figure's name and what it is: ``numerator``, ``denominator``, ``value``, ``lower``, ``upper``, ``present``,
    ``lacking`` (things without the number they need) and ``negative`` (weights below 0)."""


@dataclass(frozen=True)
class ItemPlan:
    """Records that are versions of one item, of which one counts."""

    columns: tuple[Column, ...]
    """What tells items apart."""
    version: Literal["latest", "earliest"]
    by: tuple[Column, ...]
    """What orders the versions."""


@dataclass(frozen=True)
class StatePlan:
    """Records that say from when on an item is in a state."""

    columns: tuple[Column, ...]
    """What tells items apart."""
    ties: Column | None
    """What orders records of one item with the same time."""
    where: Condition | None
    """The records that are looked at."""


@dataclass(frozen=True)
class LatePlan:
    """A record counts only if ``received`` is at most ``within`` seconds after the end of its anchor's period."""

    received: Column
    zone: str
    """Zone whose clocks a wall-clock time of it shows."""
    within: int


@dataclass(frozen=True)
class ScanPlan:
    """Measures that one pass over a source computes together."""

    anchor: Column
    zone: str
    """Zone whose clocks a wall-clock anchor shows."""
    provider: Column | None
    grain: ItemPlan | StatePlan | None
    """None: every record counts by itself."""
    late: LatePlan | None
    windows: tuple[tuple[int, int], ...]
    """Of a ``StatePlan``: times taken out, from (included) to (excluded), seconds since 1970 in UTC, sorted, apart."""
    measures: tuple[MeasurePlan, ...]

    @property
    def aggregates(self) -> list[Aggregate]:
        """All that its measures count."""
        return [aggregate for held in self.measures for aggregate in held.aggregates.values()]

    def holding(self, measures: tuple[MeasurePlan, ...]) -> ScanPlan:
        """The same pass for other measures."""
        return replace(self, measures=measures)


@dataclass(frozen=True)
class SourcePlan:
    """All that is read from one source of records."""

    name: str
    source: RecordSource
    """As the agreement declares it: its format and that format's own keys."""
    table: str
    """Our name for the typed records."""
    types: Mapping[str, ColumnType]
    """Static type of every declared column."""
    columns: Mapping[str, str]
    """Our own name for every declared column."""
    key: tuple[str, ...]
    null_words: tuple[str, ...]
    scans: tuple[ScanPlan, ...]

    def renamed(self, table: str) -> SourcePlan:
        """The same records in a table of another name."""
        return replace(self, table=table)

    def reading(self, source: RecordSource) -> SourcePlan:
        """The same records in another format."""
        return replace(self, source=source)
