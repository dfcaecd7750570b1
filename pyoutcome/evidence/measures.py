"""Measures to SQL: one scan per file of records counts every KPI, period and provider at once.

The engine returns whole numbers only. A record belongs to the period whose start is at or before its anchor and whose
end is after it; period boundaries are instants computed in Python, so engines only compare.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from pyoutcome.decimals import Rounding
from pyoutcome.errors import EvidenceError, did_you_mean
from pyoutcome.evidence.columns import TEXT, ColumnType, Kind
from pyoutcome.evidence.expressions import parse_condition
from pyoutcome.evidence.lowering import constant, lower_condition
from pyoutcome.terms.calendar import Period, read_zone
from pyoutcome.terms.measures import EVERYTHING, Count, Ratio, RecordSource

if TYPE_CHECKING:
    from pyoutcome.terms.agreement import Agreement

OUTSIDE_TERM: Final = 0
"""Period index of a record whose anchor lies in no period."""
NO_ANCHOR: Final = -1
"""Period index of a record without an anchor."""
NO_PROVIDER: Final = 0
"""Provider index of a record that names none of the agreement's providers."""
_ALL: Final = "TRUE"


@dataclass(frozen=True)
class MeasureSql:
    """The conditions of one measure, in our own column names."""

    kpi: str
    """The KPI's name in the file: ``on_time``."""
    counted: str
    """Condition of the numerator, or of what is counted; of a ratio it includes the denominator's."""
    out_of: str | None
    """Condition of the denominator; None for a count."""
    rounding: Rounding


@dataclass(frozen=True)
class Scan:
    """Measures that one pass over a file of records computes together."""

    anchor: str
    provider: str | None
    measures: tuple[MeasureSql, ...]


@dataclass(frozen=True)
class SourcePlan:
    """All that is read from one file of records."""

    name: str
    table: str
    """Our name for the typed records."""
    types: Mapping[str, ColumnType]
    """Static type of every declared column."""
    columns: Mapping[str, str]
    """Our own name for every declared column."""
    key: tuple[str, ...]
    null_words: tuple[str, ...]
    scans: tuple[Scan, ...]

    def renamed(self, table: str) -> SourcePlan:
        """The same records in a table of another name."""
        return replace(self, table=table)


def plan_measures(agreement: Agreement) -> tuple[SourcePlan, ...]:
    """How every measured KPI of the agreement is computed; also the check that all its expressions are sound.

    Raises EvidenceError ``measure-missing``, ``measure-kind``, ``measure-provider``, ``measure-records``,
    ``measure-column``, ``column-type``, and those of ``parse_condition``.
    """
    measures: dict[str, Ratio | Count] = {}
    for kpi in agreement.kpis:
        measure = kpi.declared.measure
        place = f"kpis.{kpi.kpi}"
        if measure is None:
            raise EvidenceError(
                "measure-missing",
                f"{place} has no measure, so no records can prove its value.",
                "Add 'measure' to the KPI.",
                kpi=kpi.kpi,
            )
        if kpi.declared.type != "number" or kpi.declared.choices is not None:
            raise EvidenceError(
                "measure-kind",
                f"{place} is not a number, and a {measure.kind} gives a number.",
                "Delete 'type' and 'choices' of the KPI, or its measure.",
                kpi=kpi.kpi,
            )
        if (kpi.provider is None) != (measure.provider is None):
            raise EvidenceError(
                "measure-provider",
                f"{place} is {'one value for all' if kpi.provider is None else 'per provider'}, but its measure "
                f"{'names' if measure.provider else 'does not name'} a column of providers.",
                "Give 'provider' in the measure exactly when the KPI is 'per: provider'.",
                kpi=kpi.kpi,
            )
        measures[kpi.kpi] = measure
    sources = agreement.records
    for name, measure in measures.items():
        if measure.records not in sources:
            raise EvidenceError(
                "measure-records",
                f"kpis.{name}.measure.records names {measure.records!r}, which is not declared under 'records'.",
                did_you_mean(measure.records, sources),
                kpi=name,
            )
    return tuple(
        _plan_source(name, source, {kpi: held for kpi, held in measures.items() if held.records == name})
        for name, source in sources.items()
        if any(held.records == name for held in measures.values())
    )


def _plan_source(name: str, source: RecordSource, measures: Mapping[str, Ratio | Count]) -> SourcePlan:
    types = {column: _column_type(name, column, source) for column in source.columns}
    columns = {column: f"c_{column}" for column in types}
    for column in source.key:
        _require(column, types, f"records.{name}.key", set(Kind))
    scans: dict[tuple[str, str | None], list[MeasureSql]] = {}
    for kpi, measure in measures.items():
        place = f"kpis.{kpi}.measure"
        _require(measure.anchor, types, f"{place}.anchor", {Kind.INSTANT, Kind.WALL})
        if measure.provider is not None:
            _require(measure.provider, types, f"{place}.provider", {Kind.TEXT})
        by = None if measure.provider is None else columns[measure.provider]
        scans.setdefault((columns[measure.anchor], by), []).append(_lower(kpi, measure, types, columns))
    return SourcePlan(
        name=name,
        table=f"r_{name}",
        types=types,
        columns=columns,
        key=tuple(source.key),
        null_words=tuple(source.null_words),
        scans=tuple(Scan(anchor, by, tuple(held)) for (anchor, by), held in scans.items()),
    )


def _column_type(name: str, column: str, source: RecordSource) -> ColumnType:
    declared = source.columns[column]
    kind = Kind(declared.type)
    digits = declared.digits or 0
    if kind is not Kind.DECIMAL:
        return ColumnType(kind)
    if not 1 <= digits <= 38 or declared.scale > digits:
        raise EvidenceError(
            "column-type",
            f"records.{name}.columns.{column} does not say how many digits its numbers have.",
            "Write {type: decimal, digits: 8, scale: 2}: all digits, and those after the point.",
            column=column,
        )
    return ColumnType(kind, digits, declared.scale)


def _require(column: str, types: Mapping[str, ColumnType], place: str, kinds: set[Kind]) -> None:
    found = types.get(column)
    if found is None:
        raise EvidenceError(
            "measure-column",
            f"{place} names {column!r}, which is not a declared column of the records.",
            did_you_mean(column, types),
            column=column,
        )
    if found.kind not in kinds:
        raise EvidenceError(
            "measure-column",
            f"{place} names {column!r}, which is of type {found.kind}.",
            f"Name a column of type {' or '.join(sorted(kinds))}.",
            column=column,
        )


def _lower(kpi: str, measure: Ratio | Count, types: Mapping[str, ColumnType], columns: Mapping[str, str]) -> MeasureSql:
    def lower(text: str | None, part: str) -> str:
        if text is None or text == EVERYTHING:
            return _ALL
        return lower_condition(parse_condition(text, types, f"kpis.{kpi}.measure.{part}"), columns)

    where = lower(measure.where, "where")
    if isinstance(measure, Count):
        return MeasureSql(kpi, where, None, Rounding.DOWN)
    out_of = _both(where, lower(measure.denominator, "denominator"))
    counted = _both(out_of, lower(measure.numerator, "numerator"))
    return MeasureSql(kpi, counted, out_of, Rounding(measure.rounding))


def _both(first: str, second: str) -> str:
    if first == _ALL:
        return second
    return first if second == _ALL else f"({first} AND {second})"


def scan_sql(plan: SourcePlan, scan: Scan, periods: Sequence[Period], providers: Sequence[str], zone: str) -> str:
    """The one query of a scan: period index, provider index, records, then each measure's counts.

    Providers count from 1 in the given order; without a column of providers the index is ``NO_PROVIDER``.
    """
    kind = _anchor_kind(plan, scan)
    counts = [f"count(*) FILTER (WHERE {condition})" for condition in _conditions(scan)]
    return (
        f"SELECT {_period_index(scan.anchor, kind, periods, zone)} AS period, "
        f"{_provider_index(scan.provider, providers)} AS provider, "
        f"{', '.join(['count(*)', *counts])} FROM {plan.table} GROUP BY period, provider ORDER BY period, provider"
    )


def kpi_sql(plan: SourcePlan, scan: Scan, measure: MeasureSql, period: Period, provider: str | None, zone: str) -> str:
    """The same for one KPI, period and provider, as it stands in an evidence bundle: numerator, then denominator."""
    kind = _anchor_kind(plan, scan)
    counts = [f"count(*) FILTER (WHERE {measure.counted}) AS numerator"]
    if measure.out_of is not None:
        counts.append(f"count(*) FILTER (WHERE {measure.out_of}) AS denominator")
    conditions = [
        f"({scan.anchor} >= {boundary(period.start, kind, zone)})",
        f"({scan.anchor} < {boundary(period.end, kind, zone)})",
    ]
    if scan.provider is not None and provider is not None:
        conditions.append(f"({scan.provider} = {constant(provider, TEXT)})")
    return f"SELECT {', '.join(counts)} FROM {plan.table} WHERE {' AND '.join(conditions)}"


def _conditions(scan: Scan) -> list[str]:
    return [
        condition
        for measure in scan.measures
        for condition in (measure.counted, measure.out_of)
        if condition is not None
    ]


def _anchor_kind(plan: SourcePlan, scan: Scan) -> Kind:
    return next(type_.kind for column, type_ in plan.types.items() if plan.columns[column] == scan.anchor)


def boundary(seconds: int, kind: Kind, zone: str) -> str:
    """A period boundary as the anchor's type: an instant in UTC, or what clocks of the zone show at that instant."""
    moment = datetime.fromtimestamp(seconds, UTC)
    if kind is Kind.WALL:
        moment = moment.astimezone(read_zone(zone))
        return constant(f"{moment:%Y-%m-%dT%H:%M:%S}.000000", ColumnType(kind))
    return constant(f"{moment:%Y-%m-%dT%H:%M:%S}.000000+00:00", ColumnType(kind))


def _period_index(anchor: str, kind: Kind, periods: Sequence[Period], zone: str) -> str:
    """Number of the period a record belongs to: a search by halves, so that many periods cost little."""

    def search(low: int, high: int) -> str:
        if low == high:
            period = periods[low]
            ended = f"({anchor} < {boundary(period.end, kind, zone)})"
            return f"(CASE WHEN {ended} THEN {period.number} ELSE {OUTSIDE_TERM} END)"
        middle = (low + high + 1) // 2
        before = f"({anchor} < {boundary(periods[middle].start, kind, zone)})"
        return f"(CASE WHEN {before} THEN {search(low, middle - 1)} ELSE {search(middle, high)} END)"

    started = f"({anchor} < {boundary(periods[0].start, kind, zone)})"
    found = search(0, len(periods) - 1)
    return f"(CASE WHEN {anchor} IS NULL THEN {NO_ANCHOR} WHEN {started} THEN {OUTSIDE_TERM} ELSE {found} END)"


def _provider_index(column: str | None, providers: Sequence[str]) -> str:
    if column is None:
        return str(NO_PROVIDER)
    cases = " ".join(
        f"WHEN {column} = {constant(provider, TEXT)} THEN {index}" for index, provider in enumerate(providers, 1)
    )
    return f"(CASE {cases} ELSE {NO_PROVIDER} END)"
