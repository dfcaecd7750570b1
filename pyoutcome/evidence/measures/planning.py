"""Measures of an agreement to the intermediate form; also the check that all their expressions are sound."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from pyoutcome.decimals import ONE, show
from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.measures.columns import MAX_DIGITS, ROW_DIGITS, ColumnType, Kind, common_type
from pyoutcome.evidence.measures.conditions import (
    Arithmetic,
    Case,
    Column,
    Comparison,
    Condition,
    Connective,
    Constant,
    Flag,
    Missing,
    Negation,
    Value,
)
from pyoutcome.evidence.measures.expressions import parse_condition, parse_value
from pyoutcome.evidence.measures.moments import constant_of
from pyoutcome.evidence.measures.plan import (
    Aggregate,
    CountIf,
    DistinctOf,
    GreatestOf,
    ItemPlan,
    LatePlan,
    LeastOf,
    MeasurePlan,
    RankOf,
    ScanPlan,
    SourcePlan,
    StatePlan,
    SumOf,
    TimeIn,
)
from pyoutcome.terms.calendar import read_moment
from pyoutcome.terms.measures import (
    EVERYTHING,
    Count,
    DistinctCount,
    Greatest,
    LateRule,
    Least,
    Mean,
    Measure,
    Percentile,
    Ratio,
    RecordSource,
    Sum,
    TimeShare,
    ValuedMeasure,
    Versions,
    WeightedMean,
)

if TYPE_CHECKING:
    from pyoutcome.terms.agreement import Agreement


def plan_measures(agreement: Agreement) -> tuple[SourcePlan, ...]:
    """How every measured KPI of the agreement is computed.

    Raises EvidenceError ``measure-missing``, ``measure-too-wide``, and those of ``parse_condition``.
    """
    measures: dict[str, Measure] = {}
    for kpi in agreement.kpis:
        if kpi.declared.measure is None:
            raise EvidenceError(
                "measure-missing",
                f"kpis.{kpi.kpi} has no measure, so no records can prove its value.",
                "Add 'measure' to the KPI.",
                kpi=kpi.kpi,
            )
        measures[kpi.kpi] = kpi.declared.measure
    windows = {
        name: tuple(
            (read_moment(each.from_, agreement.term.zone), read_moment(each.to, agreement.term.zone)) for each in held
        )
        for name, held in agreement.windows.items()
    }
    return tuple(
        _Planner(name, source, agreement.term.zone, windows).plan(
            {kpi: held for kpi, held in measures.items() if held.records == name}
        )
        for name, source in agreement.records.items()
        if any(held.records == name for held in measures.values())
    )


def both(first: Condition | None, second: Condition | None) -> Condition | None:
    """Both conditions; None holds always."""
    if first is None or second is None:
        return first or second
    return Connective("AND", first, second)


class _Planner:
    """The plan of one source."""

    def __init__(
        self, name: str, source: RecordSource, zone: str, windows: Mapping[str, tuple[tuple[int, int], ...]]
    ) -> None:
        self.name = name
        self.source = source
        self.zone = zone
        self.windows = windows
        self.types = {
            column: ColumnType(Kind(held.type), held.digits or 0, held.scale) for column, held in source.columns.items()
        }

    def plan(self, measures: Mapping[str, Measure]) -> SourcePlan:
        scans: dict[ScanPlan, list[MeasurePlan]] = {}
        for kpi, measure in measures.items():
            scans.setdefault(self._scan(kpi, measure), []).append(
                MeasurePlan(kpi, measure, self._aggregates(kpi, measure))
            )
        return SourcePlan(
            name=self.name,
            source=self.source,
            table=f"r_{self.name}",
            types=self.types,
            columns={column: f"c_{column}" for column in self.types},
            key=tuple(self.source.key),
            null_words=tuple(self.source.null_words),
            scans=tuple(scan.holding(tuple(held)) for scan, held in scans.items()),
        )

    def _column(self, name: str) -> Column:
        return Column(name, self.types[name])

    def _columns(self, names: Iterable[str]) -> tuple[Column, ...]:
        return tuple(self._column(name) for name in names)

    def _zone(self, name: str) -> str:
        return self.source.columns[name].zone or self.zone

    def _scan(self, kpi: str, measure: Measure) -> ScanPlan:
        late = self.source.late
        return ScanPlan(
            anchor=self._column(measure.anchor),
            zone=self._zone(measure.anchor),
            provider=None if measure.provider is None else self._column(measure.provider),
            grain=self._grain(kpi, measure),
            late=LatePlan(self._column(late.column), self._zone(late.column), late.within)
            if isinstance(late, LateRule)
            else None,
            windows=self._windows(measure) if isinstance(measure, TimeShare) else (),
            measures=(),
        )

    def _grain(self, kpi: str, measure: Measure) -> ItemPlan | StatePlan | None:
        if isinstance(measure, TimeShare):
            where = self._condition(kpi, "where", measure.where)
            ties = None if measure.ties is None else self._column(measure.ties)
            return StatePlan(self._columns(measure.item), ties, where)
        grain = measure.grain
        if not isinstance(grain, Versions) or grain.version is None:
            return None
        return ItemPlan(self._columns(grain.item), grain.version, self._columns(grain.by))

    def _windows(self, measure: Measure) -> tuple[tuple[int, int], ...]:
        """The times that are left out, joined where they overlap, in their order."""
        joined: list[tuple[int, int]] = []
        names = measure.except_.windows if measure.except_ else ()
        for start, end in sorted(span for name in names for span in self.windows[name]):
            if joined and start <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
            else:
                joined.append((start, end))
        return tuple(joined)

    def _condition(self, kpi: str, part: str, text: str | None) -> Condition | None:
        if text is None or text == EVERYTHING:
            return None
        return parse_condition(text, self.types, f"kpis.{kpi}.measure.{part}")

    def _value(self, kpi: str, part: str, text: str) -> Value:
        return parse_value(text, self.types, f"kpis.{kpi}.measure.{part}")

    def _unflagged(self, measure: Measure) -> Condition | None:
        """Holds of a record for which no flag is true; a missing flag is not true."""
        held: Condition | None = None
        for name in measure.except_.flags if measure.except_ else ():
            column = self._column(name)
            held = both(held, Connective("OR", Missing(column), Negation(Flag(column))))
        return held

    def _counted(self, kpi: str, measure: Measure) -> Condition | None:
        """Holds of a thing that counts at all, given that its anchor lies in the period."""
        held = both(self._condition(kpi, "where", measure.where), self._unflagged(measure))
        anchor, zone = self._column(measure.anchor), self._zone(measure.anchor)
        for start, end in self._windows(measure):
            inside = Connective(
                "AND",
                Comparison(">=", anchor, constant_of(start, anchor.type.kind, zone), anchor.type),
                Comparison("<", anchor, constant_of(end, anchor.type.kind, zone), anchor.type),
            )
            held = both(held, Negation(inside))
        return held

    def _aggregates(self, kpi: str, measure: Measure) -> dict[str, Aggregate]:
        if isinstance(measure, TimeShare):
            known = self._unflagged(measure)
            state = self._condition(kpi, "state", measure.state)
            return {"numerator": TimeIn(both(known, state)), "denominator": TimeIn(known)}
        counted = self._counted(kpi, measure)
        match measure:
            case Count():
                return {"numerator": CountIf(counted)}
            case DistinctCount():
                return {"numerator": DistinctOf(self._column(measure.of), counted)}
            case Ratio():
                below = both(counted, self._condition(kpi, "denominator", measure.denominator))
                above = both(below, self._condition(kpi, "numerator", measure.numerator))
                return {"numerator": CountIf(above), "denominator": CountIf(below)}
            case WeightedMean():
                return self._weighted(kpi, measure, counted)
            case _:
                return self._valued(kpi, measure, counted)

    def _valued(self, kpi: str, measure: ValuedMeasure, counted: Condition | None) -> dict[str, Aggregate]:
        value = self._value(kpi, "value", measure.value)
        lacking: dict[str, Aggregate] = {}
        if isinstance(measure.missing, int):
            value = self._filled(kpi, value, measure.missing)
        else:
            lacking = {"lacking": CountIf(both(counted, Missing(value)))}
        present = CountIf(both(counted, Negation(Missing(value))))
        match measure:
            case Sum():
                return {"value": self._sum(kpi, value, counted), **lacking}
            case Mean() | WeightedMean():
                return {"value": self._sum(kpi, value, counted), "present": present, **lacking}
            case Least():
                return {"value": LeastOf(value, counted), **lacking}
            case Greatest():
                return {"value": GreatestOf(value, counted), **lacking}
            case Percentile():
                share = Fraction(measure.percent, 100 * ONE)
                rank: Callable[..., RankOf] = lambda place: RankOf(  # noqa: E731
                    value, counted, share.numerator, share.denominator, place
                )
                if measure.method == "nearest_rank":
                    return {"value": rank("nearest"), **lacking}
                return {"lower": rank("lower"), "upper": rank("upper"), "present": present, **lacking}

    def _weighted(self, kpi: str, measure: WeightedMean, counted: Condition | None) -> dict[str, Aggregate]:
        value, weight = self._value(kpi, "value", measure.value), self._value(kpi, "weight", measure.weight)
        lacks: Condition = Missing(weight)
        if isinstance(measure.missing, int):
            value = self._filled(kpi, value, measure.missing)
        else:
            lacks = Connective("OR", Missing(value), lacks)
        digits, scale = value.type.digits + weight.type.digits + 1, value.type.scale + weight.type.scale
        if digits + ROW_DIGITS > MAX_DIGITS:
            raise _too_wide(kpi, digits)
        product = Arithmetic("*", value, weight, ColumnType(Kind.DECIMAL, digits, scale))
        zero = Constant("0", ColumnType(Kind.DECIMAL, 1, 0))
        sign_type = common_type(weight.type, zero.type) or weight.type
        return {
            "numerator": self._sum(kpi, product, counted),
            "denominator": self._sum(kpi, weight, both(counted, Negation(Missing(value)))),
            "lacking": CountIf(both(counted, lacks)),
            "negative": CountIf(both(counted, Comparison("<", weight, zero, sign_type))),
        }

    def _sum(self, kpi: str, value: Value, counted: Condition | None) -> SumOf:
        if value.type.digits + ROW_DIGITS > MAX_DIGITS:
            raise _too_wide(kpi, value.type.digits)
        return SumOf(value, counted)

    def _filled(self, kpi: str, value: Value, missing: int) -> Value:
        """The value, or the number that stands in for a missing one."""
        text = show(missing)
        whole, _, part = text.removeprefix("-").partition(".")
        stand_in = Constant(text, ColumnType(Kind.DECIMAL, len(whole) + len(part), len(part)))
        type_ = common_type(value.type, stand_in.type)
        if type_ is None:
            raise _too_wide(kpi, MAX_DIGITS + 1)
        return Case(((Missing(value), stand_in),), value, type_)


def _too_wide(kpi: str, digits: int) -> EvidenceError:
    return EvidenceError(
        "measure-too-wide",
        f"kpis.{kpi}.measure adds up numbers of {digits} digits; over ten thousand million records the sum could have "
        f"more than the {MAX_DIGITS} that are kept exactly.",
        "Declare narrower columns, or calculate with fewer numbers at once.",
        kpi=kpi,
    )
