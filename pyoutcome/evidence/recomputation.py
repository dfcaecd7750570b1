"""KPI values from raw records: every period, provider and KPI from one reading, kept for as long as it is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from pyoutcome.decimals import show
from pyoutcome.errors import EvidenceError, did_you_mean
from pyoutcome.evidence.bundles.measured import Finding, Measured, MeasuredValue
from pyoutcome.evidence.bundles.merkle import RecordTrees
from pyoutcome.evidence.counting import Counted, open_records, run_scan
from pyoutcome.evidence.engines.dialects import DUCKDB
from pyoutcome.evidence.engines.engine import Limits
from pyoutcome.evidence.measures.plan import (
    Aggregate,
    CountIf,
    DistinctOf,
    SourcePlan,
    StatePlan,
)
from pyoutcome.evidence.measures.planning import plan_measures
from pyoutcome.evidence.quality.differences import Comparison, Part, compare_records
from pyoutcome.evidence.quality.faults import (
    check_figures,
    find_copies,
    nothing_to_count,
    value_outside,
    values_skipped,
)
from pyoutcome.evidence.quality.plausibility import find_thresholds, find_unusual
from pyoutcome.evidence.quality.seeing import Seen, see
from pyoutcome.evidence.quality.severity import judge
from pyoutcome.evidence.quality.steadiness import find_disorder
from pyoutcome.evidence.queries.building import NO_PROVIDER, Frame
from pyoutcome.evidence.queries.building import Part as QueryPart
from pyoutcome.evidence.queries.scans import part_query
from pyoutcome.evidence.queries.states import state_part_query
from pyoutcome.evidence.sources.records import Given, SourceDigest
from pyoutcome.evidence.values import divide, in_range, round_quotient
from pyoutcome.formula.cut import find_dependents
from pyoutcome.formula.nearness import Nearness
from pyoutcome.terms.measures import Count, DistinctCount

if TYPE_CHECKING:
    from pyoutcome.formula.rule import Item
    from pyoutcome.terms.agreement import Agreement
    from pyoutcome.terms.calendar import Period
    from pyoutcome.terms.kpis import AgreementKpi


class Recomputation:
    """One reading of the records, from which every period's values follow. Make it once and use it for all periods."""

    def __init__(
        self,
        agreement: Agreement,
        sources: tuple[SourceDigest, ...],
        findings: tuple[Finding, ...],
        counted: Mapping[str, Counted],
        seen: Sequence[Seen],
        records: Mapping[str, Given],
        limits: Limits | None = None,
        engine: str | None = None,
    ) -> None:
        self.agreement = agreement
        self.sources = sources
        """Digests of the records read, in the agreement's order."""
        self.findings = findings
        """What holds for all periods."""
        self.records = records
        """The records as they were given, by source name."""
        self.limits = limits
        self.engine = engine
        """Where they were counted, as ``open_engine`` takes it."""
        self.trees: dict[tuple[int, str, bytes], RecordTrees] = {}
        """What ``build_trees`` has made of them, by period, supplier and secret."""
        self.earlier: dict[tuple[bytes, ...], Recomputation] = {}
        """What ``read_earlier`` has made of some of the files, by their sources' digests."""
        self._counted = counted
        self._seen = seen
        self._providers = {provider: index for index, provider in enumerate(agreement.providers, 1)}
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
        counted: dict[str, Counted] = {}
        seen: list[Seen] = []
        for plan in plans:
            with open_records(plan, given[plan.name], limits, engine) as (opened, settled, staged):
                digests.append(staged.digest)
                found = [*staged.findings, *find_copies(opened, plan, settled), *find_disorder(opened, plan, staged)]
                for scan in settled.scans:
                    figures, presence, strays = run_scan(opened, settled, scan, agreement)
                    found.extend(strays)
                    counted |= figures
                    seen.append(see(opened, agreement, settled, scan, presence, seen))
                findings.extend(judge(found, plan))
        return cls(agreement, tuple(digests), tuple(dict.fromkeys(findings)), counted, seen, given, limits, engine)

    def measured(self, period: int, providers: Sequence[str] | None = None) -> Measured:
        """The values of one period, for all providers or those named, and those of the whole agreement.

        Raises AgreementError ``no-such-period``; EvidenceError ``provider-not-in-agreement``, ``value-outside-range``,
        ``values-lacking``, ``weights-negative``, ``finding-fatal``.
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
        for each in self._seen:
            findings.extend(judge(each.findings(period), each.plan))
        for kpi in self.agreement.kpis:
            if kpi.provider is None or kpi.provider in wanted:
                value, found = self._value(kpi, interval)
                values.append(value)
                findings.extend(judge(found, self._counted[kpi.kpi].plan))
        findings.extend(self._near_thresholds(values, period))
        return Measured(period, tuple(values), self.sources, (*self.findings, *dict.fromkeys(findings)))

    def _near_thresholds(self, values: Sequence[MeasuredValue], period: int) -> Iterator[Finding]:
        """The values next to one at which payments turn. A provider's are looked at with its own and those of the whole
        agreement, so that all who measure it find the same."""
        known = {held.name: held.value for held in values if held.value is not None}
        by_provider: dict[str | None, Nearness] = {}
        for held in values:
            if held.provider not in by_provider:
                own = {each.name for each in values if each.provider in {None, held.provider}}
                near = {name: value for name, value in known.items() if name in own}
                by_provider[held.provider] = Nearness(self.agreement.rule(), near, period, self._dependents)
        for kpi in self.agreement.kpis:
            if kpi.provider in by_provider:
                yield from judge(find_thresholds(kpi, by_provider[kpi.provider]), self._counted[kpi.kpi].plan)

    @cached_property
    def _dependents(self) -> Mapping[str, tuple[Item, ...]]:
        return find_dependents(self.agreement.rule())

    def source_of(self, kpi: str) -> SourceDigest:
        """The records a KPI is measured from."""
        return next(source for source in self.sources if source.name == self._counted[kpi].plan.name)

    def compare(self, source: str, theirs: Given, value: MeasuredValue | None = None, period: int = 1) -> Comparison:
        """How another copy of a source differs from the one read, on the engine that counted it.

        Of ``value`` in ``period``, if one is given, the records it comes from are named first. Raises EvidenceError for
        records that do not hold.
        """
        plan = next(plan for plan in plan_measures(self.agreement) if plan.name == source)
        part = None
        if value is not None:
            part = Part(self._counted[value.kpi].scan, self.agreement.period(period), value.provider)
        return compare_records(plan, self.records[source], theirs, part, limits=self.limits, engine=self.engine)

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

    def _query(self, held: Counted, part: QueryPart) -> str:
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


def _nothing(aggregate: Aggregate) -> int | None:
    """What an aggregate says of no things at all: a count is 0, anything else is missing."""
    return 0 if isinstance(aggregate, CountIf | DistinctOf) else None
