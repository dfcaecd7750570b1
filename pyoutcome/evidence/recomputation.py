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
from pyoutcome.evidence.differences import Part
from pyoutcome.evidence.engine import Engine, Limits, open_engine
from pyoutcome.evidence.loading import load_records
from pyoutcome.evidence.measured import Finding, Measured, MeasuredValue
from pyoutcome.evidence.measures import NO_PROVIDER, MeasureSql, Scan, SourcePlan, kpi_sql, plan_measures, scan_sql
from pyoutcome.evidence.quality import check_key, find_strays, nothing_to_count
from pyoutcome.evidence.records import SourceDigest, StagedRecords, stage_records
from pyoutcome.evidence.values import in_range, round_ratio, scale_count

if TYPE_CHECKING:
    from pyoutcome.terms.agreement import Agreement
    from pyoutcome.terms.calendar import Period
    from pyoutcome.terms.kpis import AgreementKpi


@dataclass(frozen=True)
class _Counted:
    """One measure's place and its counts by period number and provider index."""

    plan: SourcePlan
    scan: Scan
    measure: MeasureSql
    counts: Mapping[tuple[int, int], tuple[int, int | None]]


class Recomputation:
    """One reading of the records, from which every period's values follow. Make it once and use it for all periods."""

    def __init__(
        self,
        agreement: Agreement,
        sources: tuple[SourceDigest, ...],
        findings: tuple[Finding, ...],
        counted: Mapping[str, _Counted],
        records: Mapping[str, Path],
    ) -> None:
        self.agreement = agreement
        self.sources = sources
        """Digests of the files read, in the agreement's order."""
        self.findings = findings
        """What holds for all periods."""
        self.records = records
        """The files, by source name."""
        self._counted = counted
        self._providers = {provider: index for index, provider in enumerate(agreement.providers, 1)}

    @classmethod
    def read(cls, agreement: Agreement, records: Mapping[str, Path], limits: Limits | None = None) -> Recomputation:
        """Reads, checks and counts all records of the agreement.

        ``records`` gives the file of each source. Raises EvidenceError for records that do not hold.
        """
        plans = plan_measures(agreement)
        files = _match_files(plans, records)
        digests: list[SourceDigest] = []
        findings: list[Finding] = []
        counted: dict[str, _Counted] = {}
        for plan in plans:
            with open_records(plan, files[plan.name], limits) as (engine, staged):
                digests.append(staged.digest)
                for scan in plan.scans:
                    found, rows = _run_scan(engine, plan, scan, agreement)
                    findings.extend(find_strays(plan, scan, rows))
                    counted |= found
        return cls(agreement, tuple(digests), tuple(findings), counted, files)

    def measured(self, period: int, providers: Sequence[str] | None = None) -> Measured:
        """The values of one period, for all providers or those named, and those of the whole agreement.

        Raises AgreementError ``no-such-period``; EvidenceError ``provider-not-in-agreement``, ``value-outside-range``.
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
        values = tuple(
            self._value(kpi, interval) for kpi in self.agreement.kpis if kpi.provider is None or kpi.provider in wanted
        )
        empty = tuple(nothing_to_count(value.name) for value in values if value.value is None)
        return Measured(period, values, self.sources, self.findings + empty)

    def source_of(self, kpi: str) -> SourceDigest:
        """The file a KPI is measured from."""
        return next(source for source in self.sources if source.name == self._counted[kpi].plan.name)

    def plan_of(self, source: str) -> SourcePlan:
        """How the records of a source are read."""
        return next(held.plan for held in self._counted.values() if held.plan.name == source)

    def part_of(self, value: MeasuredValue, period: int) -> Part:
        """The records that a value of a period comes from."""
        scan = self._counted[value.kpi].scan
        return Part(scan, self.agreement.period(period), value.provider, self.agreement.term.zone)

    def _value(self, kpi: AgreementKpi, period: Period) -> MeasuredValue:
        held = self._counted[kpi.kpi]
        index = NO_PROVIDER if kpi.provider is None else self._providers[kpi.provider]
        ratio = held.measure.out_of is not None
        numerator, denominator = held.counts.get((period.number, index), (0, 0 if ratio else None))
        value = (
            scale_count(numerator)
            if denominator is None
            else round_ratio(numerator, denominator, kpi.decimals, held.measure.rounding)
        )
        if not in_range(value, kpi.low, kpi.high):
            raise EvidenceError(
                "value-outside-range",
                f"{kpi.name} is {show(value or 0)} in period {period.number}, outside its range of {show(kpi.low)} to "
                f"{show(kpi.high)}, so it cannot be reported.",
                "Check the records; if they are right, the parties must amend the KPI's range.",
                kpi=kpi.name,
                period=period.number,
                value=value,
            )
        query = kpi_sql(held.plan, held.scan, held.measure, period, kpi.provider, self.agreement.term.zone)
        return MeasuredValue(kpi.kpi, kpi.provider, numerator, denominator, value, query)


def measure(
    agreement: Agreement,
    records: Mapping[str, Path],
    periods: Sequence[int] | None = None,
    providers: Sequence[str] | None = None,
    limits: Limits | None = None,
) -> list[Measured]:
    """KPI values of the given periods (default: all) from the raw records, in one reading of each file."""
    whole = Recomputation.read(agreement, records, limits)
    numbers = [period.number for period in agreement.periods] if periods is None else periods
    return [whole.measured(number, providers) for number in numbers]


@contextmanager
def open_records(plan: SourcePlan, path: Path, limits: Limits | None = None) -> Iterator[tuple[Engine, StagedRecords]]:
    """An engine that holds one file of records, staged, checked and typed."""
    with tempfile.TemporaryDirectory(prefix="pyoutcome-") as folder:
        staged = stage_records(plan.name, path, Path(folder))
        with open_engine([staged.path], Path(folder), limits) as engine:
            load_records(engine, plan, staged)
            check_key(engine, plan, staged)
            yield engine, staged


def _match_files(plans: Sequence[SourcePlan], records: Mapping[str, Path]) -> dict[str, Path]:
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
    return {name: Path(records[name]) for name in needed}


def _run_scan(
    engine: Engine, plan: SourcePlan, scan: Scan, agreement: Agreement
) -> tuple[dict[str, _Counted], dict[tuple[int, int], int]]:
    """Runs the query of a scan: each KPI's counts, and the records by period and provider index."""
    rows: dict[tuple[int, int], int] = {}
    counts: dict[str, dict[tuple[int, int], tuple[int, int | None]]] = {held.kpi: {} for held in scan.measures}
    for period, provider, total, *cells in engine.counts(
        scan_sql(plan, scan, agreement.periods, agreement.providers, agreement.term.zone)
    ):
        rows[period, provider] = total
        numbers = iter(cells)
        for held in scan.measures:
            counted = next(numbers)
            counts[held.kpi][period, provider] = (counted, None if held.out_of is None else next(numbers))
    return {held.kpi: _Counted(plan, scan, held, counts[held.kpi]) for held in scan.measures}, rows
