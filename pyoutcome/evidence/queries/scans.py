"""The one builder of queries: a scan of the intermediate form becomes one query, in any engine's dialect.

Records are placed in periods by comparing their anchor with the periods' boundaries, which are computed in Python.
Engines count, add exact decimals and find the value at a place; nothing is divided or rounded here.
"""

from __future__ import annotations

from sqlglot import exp

from pyoutcome.evidence.measures.plan import (
    ItemPlan,
    MeasurePlan,
    ScanPlan,
    SourcePlan,
)
from pyoutcome.evidence.queries.building import Builder, Frame, Part
from pyoutcome.evidence.queries.trees import columns_in, count


def scan_query(frame: Frame, plan: SourcePlan, scan: ScanPlan) -> exp.Select:
    """The one query of a scan, for records or items.

    Columns: period index, provider index, things, and of items the ones whose counted version is tied; then how many
    have each of ``watched_columns``, and each measure's figures in their order.
    """
    builder = Builder(frame, plan, scan)
    names = [f"{name}_{place}" for place, held in enumerate(scan.measures) for name in held.aggregates]
    aggregates = scan.aggregates
    placed = builder.things(aggregates, indexed=True)
    groups = [exp.column("period"), exp.column("provider")]
    made = [exp.alias_(tree, name) for name, tree in zip(names, builder.figures(aggregates), strict=True)]
    counts: list[exp.Expr] = [exp.alias_(count(), "things")]
    if isinstance(scan.grain, ItemPlan):
        counts.append(exp.alias_(count(exp.column("place") > 1), "tied"))
    counts += presence(plan, scan)
    source = builder.ranked(placed, aggregates, groups)
    return exp.select(*groups, *counts, *made).from_(source).group_by(*groups)


def watched_columns(plan: SourcePlan, scan: ScanPlan) -> list[str]:
    """The columns that measures read and that a thing may lack."""
    return [name for name in columns_in(scan.aggregates) if name not in plan.key]


def presence(plan: SourcePlan, scan: ScanPlan) -> list[exp.Expr]:
    """How many things have each of the ``watched_columns``."""
    return [
        exp.alias_(exp.Count(this=exp.column(plan.columns[name]), big_int=True), f"present_{place}")
        for place, name in enumerate(watched_columns(plan, scan))
    ]


def part_query(frame: Frame, plan: SourcePlan, scan: ScanPlan, measure: MeasurePlan, part: Part) -> exp.Select:
    """The figures of one measure for one period and provider, as they stand in an evidence bundle."""
    builder = Builder(frame, plan, scan)
    aggregates = list(measure.aggregates.values())
    conditions = [builder.since(part.period.start), builder.before(part.period.end)]
    if scan.late is not None and not isinstance(scan.grain, ItemPlan):
        conditions.append(builder.received_by(scan.late, part.period))
    if scan.provider is not None and part.provider is not None:
        conditions.append(builder.is_provider(scan.provider, part.provider))
    figures = [
        exp.alias_(tree, name) for name, tree in zip(measure.aggregates, builder.figures(aggregates), strict=True)
    ]
    if isinstance(scan.grain, ItemPlan) or any(builder.needs_place(each) for each in aggregates):
        things = builder.things(aggregates, indexed=False, where=conditions)
        return exp.select(*figures).from_(builder.ranked(things, aggregates, []), copy=False)
    return exp.select(*figures, copy=False).from_(plan.table, copy=False).where(*conditions, copy=False)


def strays_query(frame: Frame, plan: SourcePlan, scan: ScanPlan) -> exp.Select:
    """Records that a rule leaves out before anything is counted: late ones, and those that belong to no item.

    Also those that were received before their anchor, which is a fault of clocks.
    """
    builder = Builder(frame, plan, scan)
    late = builder.lateness()
    lacking = builder.itemless()
    early = builder.earliness()
    columns = [
        exp.alias_(count(late) if late is not None else exp.Literal.number(0), "late"),
        exp.alias_(count(lacking) if lacking is not None else exp.Literal.number(0), "itemless"),
        exp.alias_(count(early) if early is not None else exp.Literal.number(0), "early"),
    ]
    return exp.select(*columns).from_(plan.table)


def ties_query(frame: Frame, plan: SourcePlan, scan: ScanPlan, grain: ItemPlan) -> exp.Select:
    """The first item of which two records are both the counted version."""
    builder = Builder(frame, plan, scan)
    items: list[exp.Expr] = [exp.column(plan.columns[column.name]) for column in grain.columns]
    things = builder.versions(grain, items, [column.name for column in grain.columns], builder.lateness(), ())
    tied = exp.select(*(item.copy() for item in items)).from_(things).where(exp.column("place") > 1)
    return tied.order_by(*(item.copy() for item in items)).limit(1)
