"""KPI values from raw records: every period, provider and KPI from one reading, kept for as long as it is needed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pyoutcome.decimals import show
from pyoutcome.errors import EvidenceError, did_you_mean
from pyoutcome.evidence.building import NO_PROVIDER, Frame
from pyoutcome.evidence.building import Part as QueryPart
from pyoutcome.evidence.dialects import DUCKDB
from pyoutcome.evidence.differences import Part
from pyoutcome.evidence.engine import Engine, Limits, open_engine
from pyoutcome.evidence.measured import Finding, Measured, MeasuredValue
from pyoutcome.evidence.plan import (
    Aggregate,
    CountIf,
    DistinctOf,
    ItemPlan,
    MeasurePlan,
    ScanPlan,
    SourcePlan,
    StatePlan,
)
from pyoutcome.evidence.planning import plan_measures
from pyoutcome.evidence.plausibility import find_absent, find_thresholds, find_unusual, thresholds_of
from pyoutcome.evidence.quality import (
    check_figures,
    check_ties,
    find_copies,
    find_strays,
    nothing_to_count,
    settle_keys,
    value_outside,
    values_skipped,
)
from pyoutcome.evidence.queries import part_query, scan_query
from pyoutcome.evidence.records import Given, SourceDigest, StagedRecords, stage_records
from pyoutcome.evidence.states import state_part_query, state_scan_query
from pyoutcome.evidence.values import Figures, divide, in_range, read_figure, round_quotient
from pyoutcome.terms.measures import Count, DistinctCount

if TYPE_CHECKING:
    from pyoutcome.terms.agreement import Agreement
    from pyoutcome.terms.calendar import Period
    from pyoutcome.terms.kpis import AgreementKpi

Place = tuple[int, int]
"""Period number and provider index."""


@dataclass(frozen=True)
class _Counted:
    """One measure's place and its figures."""

    plan: SourcePlan
    scan: ScanPlan
    measure: MeasurePlan
    figures: Mapping[Place, Figures]
    things: Mapping[int, Mapping[int, int]]
    """What the pass has found by provider and period, whatever the measure counts of it."""


class Recomputation:
    """One reading of the records, from which every period's values follow. Make it once and use it for all periods."""

    def __init__(
        self,
        agreement: Agreement,
        sources: tuple[SourceDigest, ...],
        findings: tuple[Finding, ...],
        counted: Mapping[str, _Counted],
        records: Mapping[str, Given],
    ) -> None:
        self.agreement = agreement
        self.sources = sources
        """Digests of the records read, in the agreement's order."""
        self.findings = findings
        """What holds for all periods."""
        self.records = records
        """The records as they were given, by source name."""
        self._counted = counted
        self._providers = {provider: index for index, provider in enumerate(agreement.providers, 1)}
        self._thresholds = thresholds_of(agreement.rule())
        self._frame = Frame(DUCKDB, agreement.periods, agreement.providers)

    @classmethod
    def read(
        cls,
        agreement: Agreement,
        records: Mapping[str, Given],
        limits: Limits | None = None,
        engine: str | None = None,
    ) -> Recomputation:
        """Reads, checks and counts all records of the agreement.

        ``records`` gives the files of each source; ``engine`` names where they are counted (``open_engine``). Raises
        EvidenceError for records that do not hold.
        """
        plans = plan_measures(agreement)
        given = _match_records(plans, records)
        digests: list[SourceDigest] = []
        findings: list[Finding] = []
        counted: dict[str, _Counted] = {}
        for plan in plans:
            with open_records(plan, given[plan.name], limits, engine) as (opened, settled, staged):
                digests.append(staged.digest)
                findings.extend(staged.findings)
                findings.extend(find_copies(opened, plan, settled))
                for scan in settled.scans:
                    found, strays = _run_scan(opened, settled, scan, agreement)
                    findings.extend(strays)
                    counted |= found
        return cls(agreement, tuple(digests), tuple(dict.fromkeys(findings)), counted, given)

    def measured(self, period: int, providers: Sequence[str] | None = None) -> Measured:
        """The values of one period, for all providers or those named, and those of the whole agreement.

        Raises AgreementError ``no-such-period``; EvidenceError ``provider-not-in-agreement``, ``value-outside-range``,
        ``values-lacking``, ``weights-negative``.
        """
        interval = self.agreement.period(period)
        wanted = set(self._providers if providers is None else providers)
        for provider in sorted(wanted - set(self._providers)):
            raise EvidenceError(
                "provider-not-in-agreement",
                f"The agreement has no provider {provider!r}.",
                did_you_mean(provider, self._providers),
                provider=provider,
            )
        findings: list[Finding] = []
        values: list[MeasuredValue] = []
        for scanned in {(held.plan.name, held.scan.anchor.name): held for held in self._counted.values()}.values():
            things = sum(found.get(period, 0) for found in scanned.things.values())
            findings.extend(find_absent(scanned.plan.name, scanned.scan.anchor.name, period, things))
        for kpi in self.agreement.kpis:
            if kpi.provider is None or kpi.provider in wanted:
                value, found = self._value(kpi, interval)
                values.append(value)
                findings.extend(found)
        return Measured(period, tuple(values), self.sources, (*self.findings, *findings))

    def source_of(self, kpi: str) -> SourceDigest:
        """The records a KPI is measured from."""
        return next(source for source in self.sources if source.name == self._counted[kpi].plan.name)

    def plan_of(self, source: str) -> SourcePlan:
        """How the records of a source are read."""
        return next(plan for plan in plan_measures(self.agreement) if plan.name == source)

    def part_of(self, value: MeasuredValue, period: int) -> Part:
        """The records that a value of a period comes from."""
        return Part(self._counted[value.kpi].scan, self.agreement.period(period), value.provider)

    def _value(self, kpi: AgreementKpi, period: Period) -> tuple[MeasuredValue, list[Finding]]:
        held = self._counted[kpi.kpi]
        index = NO_PROVIDER if kpi.provider is None else self._providers[kpi.provider]
        figures = held.figures.get((period.number, index), {})
        check_figures(kpi.name, period.number, held.measure, figures)
        aggregates = held.measure.aggregates
        quotient = divide(held.measure, figures)
        measure = held.measure.measure
        rounding = None if isinstance(measure, Count | DistinctCount) else measure.rounding
        raw = round_quotient(quotient, kpi.decimals, rounding)
        outside = not in_range(raw, kpi.low, kpi.high)
        if outside and kpi.declared.outside is None:
            raise EvidenceError(
                "value-outside-range",
                f"{kpi.name} is {show(raw or 0)} in period {period.number}, outside its range of {show(kpi.low)} to "
                f"{show(kpi.high)}, so it cannot be reported.",
                "Check the records; if they are right, the parties must amend the KPI's range.",
                kpi=kpi.name,
                period=period.number,
                value=raw,
            )
        value = raw
        if raw is not None and outside:
            value = min(max(raw, kpi.low), kpi.high) if kpi.declared.outside == "clamp" else None
        findings = [
            *values_skipped(kpi, figures),
            *find_unusual(kpi.name, period.number, held.things.get(index, {})),
            *find_thresholds(kpi, self._thresholds.get(kpi.name, frozenset()), value),
        ]
        if raw is not None and outside:
            findings.append(value_outside(kpi, raw))
        if raw is None:
            findings.append(nothing_to_count(kpi))
        query = self._query(held, QueryPart(period, kpi.provider))
        return (
            MeasuredValue(
                kpi.kpi,
                kpi.provider,
                quotient.numerator,
                quotient.denominator,
                value,
                query,
                tuple((name, figures.get(name, _nothing(aggregate))) for name, aggregate in aggregates.items()),
                raw=raw,
            ),
            findings,
        )

    def _query(self, held: _Counted, part: QueryPart) -> str:
        """The query of one value: always in DuckDB's words, whatever engine ran, so that bundles are the same."""
        if isinstance(held.scan.grain, StatePlan):
            tree = state_part_query(self._frame, held.plan, held.scan, held.scan.grain, held.measure, part)
        else:
            tree = part_query(self._frame, held.plan, held.scan, held.measure, part)
        return DUCKDB.sql(tree)


def measure(
    agreement: Agreement,
    records: Mapping[str, Given],
    periods: Sequence[int] | None = None,
    providers: Sequence[str] | None = None,
    limits: Limits | None = None,
    engine: str | None = None,
) -> list[Measured]:
    """KPI values of the given periods (default: all) from the raw records, in one reading of each source."""
    whole = Recomputation.read(agreement, records, limits, engine)
    numbers = [period.number for period in agreement.periods] if periods is None else periods
    return [whole.measured(number, providers) for number in numbers]


@contextmanager
def open_records(
    plan: SourcePlan, given: Given, limits: Limits | None = None, engine: str | None = None
) -> Iterator[tuple[Engine, SourcePlan, StagedRecords]]:
    """An engine that holds the records of one source, staged, checked and typed; with the plan to query them by."""
    with tempfile.TemporaryDirectory(prefix="pyoutcome-") as folder:
        staged = stage_records(plan.name, given, Path(folder), plan.source)
        with open_engine(staged.files, Path(folder), limits, engine) as opened:
            staged = opened.load(plan, staged)
            yield opened, settle_keys(opened, plan, staged), staged
            staged.check_unchanged()


def _match_records(plans: Sequence[SourcePlan], records: Mapping[str, Given]) -> dict[str, Given]:
    needed = [plan.name for plan in plans]
    for name in needed:
        if name not in records:
            raise EvidenceError(
                "records-not-given",
                f"The agreement measures from the records {name!r}, and no file is given for them.",
                f"Name the file: {name}=PATH.",
                source=name,
            )
    for name in records:
        if name not in needed:
            raise EvidenceError(
                "records-unknown",
                f"A file is given for the records {name!r}, which the agreement does not measure from.",
                did_you_mean(name, needed),
                source=name,
            )
    return {name: records[name] for name in needed}


def _run_scan(
    engine: Engine, plan: SourcePlan, scan: ScanPlan, agreement: Agreement
) -> tuple[dict[str, _Counted], tuple[Finding, ...]]:
    """Runs the query of a scan: each KPI's figures, and what no KPI counts."""
    frame = Frame(engine.dialect, agreement.periods, agreement.providers)
    states = scan.grain if isinstance(scan.grain, StatePlan) else None
    query = scan_query(frame, plan, scan) if states is None else state_scan_query(frame, plan, scan, states)
    things: dict[Place, int] = {}
    figures: dict[str, dict[Place, Figures]] = {held.kpi: {} for held in scan.measures}
    tied = 0
    for period, provider, *cells in engine.rows(query):
        place = (_whole(period), _whole(provider))
        rest = iter(cells)
        things[place] = _whole(next(rest))
        if isinstance(scan.grain, ItemPlan):
            tied += _whole(next(rest))
        for held in scan.measures:
            figures[held.kpi][place] = {
                name: read_figure(next(rest), aggregate) for name, aggregate in held.aggregates.items()
            }
    check_ties(engine, frame, plan, scan, tied)
    whose: dict[int, dict[int, int]] = {}
    for (number, index), n in things.items():
        whose.setdefault(index, {})[number] = n
    counted = {held.kpi: _Counted(plan, scan, held, figures[held.kpi], whose) for held in scan.measures}
    return counted, find_strays(engine, frame, plan, scan, things)


def _nothing(aggregate: Aggregate) -> int | None:
    """What an aggregate says of no things at all: a count is 0, anything else is missing."""
    return 0 if isinstance(aggregate, CountIf | DistinctOf) else None


def _whole(cell: object) -> int:
    return int(str(cell))
