"""The records of a source in an engine, and the one query of each scan over them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pyoutcome.evidence.engines.engine import Engine, Limits
from pyoutcome.evidence.engines.opening import open_engine
from pyoutcome.evidence.findings import Finding
from pyoutcome.evidence.measures.plan import ItemPlan, MeasurePlan, ScanPlan, SourcePlan, StatePlan
from pyoutcome.evidence.quality.drift import Presence, presence_of
from pyoutcome.evidence.quality.faults import check_ties, find_strays, settle_keys
from pyoutcome.evidence.queries.building import Frame
from pyoutcome.evidence.queries.scans import scan_query, watched_columns
from pyoutcome.evidence.queries.states import state_scan_query
from pyoutcome.evidence.sources.records import Given, StagedRecords, stage_records
from pyoutcome.evidence.values import Figures, read_figure

if TYPE_CHECKING:
    from pyoutcome.terms.agreement import Agreement

Place = tuple[int, int]
"""Period number and provider index."""


@dataclass(frozen=True)
class Counted:
    """One measure's place and its figures."""

    plan: SourcePlan
    scan: ScanPlan
    measure: MeasurePlan
    figures: Mapping[Place, Figures]
    things: Mapping[int, Mapping[int, int]]
    """What the pass has found by provider and period, whatever the measure counts of it."""


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


def run_scan(
    engine: Engine, plan: SourcePlan, scan: ScanPlan, agreement: Agreement
) -> tuple[dict[str, Counted], Presence, tuple[Finding, ...]]:
    """Runs the query of a scan: each KPI's figures, what is known of its columns, and what no KPI counts."""
    frame = Frame(engine.dialect, agreement.periods, agreement.providers)
    states = scan.grain if isinstance(scan.grain, StatePlan) else None
    query = scan_query(frame, plan, scan) if states is None else state_scan_query(frame, plan, scan, states)
    things: dict[Place, int] = {}
    watched = watched_columns(plan, scan)
    present: dict[str, dict[int, int]] = {name: {} for name in watched}
    figures: dict[str, dict[Place, Figures]] = {held.kpi: {} for held in scan.measures}
    tied = 0
    for period, provider, *cells in engine.rows(query):
        place = (_whole(period), _whole(provider))
        rest = iter(cells)
        things[place] = _whole(next(rest))
        if isinstance(scan.grain, ItemPlan):
            tied += _whole(next(rest))
        for name in watched:
            present[name][place[0]] = present[name].get(place[0], 0) + _whole(next(rest))
        for held in scan.measures:
            figures[held.kpi][place] = {
                name: read_figure(next(rest), aggregate) for name, aggregate in held.aggregates.items()
            }
    check_ties(engine, frame, plan, scan, tied)
    whose: dict[int, dict[int, int]] = {}
    for (number, index), n in things.items():
        whose.setdefault(index, {})[number] = n
    counted = {held.kpi: Counted(plan, scan, held, figures[held.kpi], whose) for held in scan.measures}
    by_period = sum_periods(things)
    return counted, presence_of(plan, scan, by_period, present), find_strays(engine, frame, plan, scan, things)


def sum_periods(things: Mapping[Place, int]) -> dict[int, int]:
    """Things by period, of all providers and none."""
    found: dict[int, int] = {}
    for (period, _), number in things.items():
        found[period] = found.get(period, 0) + number
    return found


def _whole(cell: object) -> int:
    return int(str(cell))
