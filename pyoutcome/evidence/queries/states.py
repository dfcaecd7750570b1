"""Queries over states in time: how long items were in a state, in whole microseconds.

A state holds from its record until the item's next one. Each such interval is cut to the periods, less the windows that
are taken out, whose ends are computed in Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from pyoutcome.evidence.measures.columns import ColumnType, Kind
from pyoutcome.evidence.measures.plan import Aggregate, MeasurePlan, ScanPlan, SourcePlan, StatePlan, TimeIn
from pyoutcome.evidence.queries.building import Builder, Frame, Part
from pyoutcome.evidence.queries.scans import presence
from pyoutcome.evidence.queries.trees import columns_in, conjunction, count, is_null, only, paren

if TYPE_CHECKING:
    from pyoutcome.terms.calendar import Period

MICROSECONDS: Final = ColumnType(Kind.DECIMAL, 19, 0)
_SECOND: Final = 1_000_000
Span = tuple[int, int, int]
"""Period number, start and end in microseconds."""


def state_scan_query(frame: Frame, plan: SourcePlan, scan: ScanPlan, grain: StatePlan) -> exp.Select:
    """The one query of a scan of states.

    Columns: period index, provider index, intervals that reach into the period; then how many have each of
    ``watched_columns``, and each measure's microseconds.
    """
    states = _States(frame, plan, scan, grain)
    groups = [exp.column("period"), exp.column("provider")]
    figures = [
        exp.alias_(states.time(aggregate), f"{name}_{place}")
        for place, held in enumerate(scan.measures)
        for name, aggregate in held.aggregates.items()
    ]
    cut = states.cut(scan.aggregates, spans_of(frame.periods, scan.windows), indexed=True)
    counts = [exp.alias_(count(), "things"), *presence(plan, scan)]
    return exp.select(*groups, *counts, *figures).from_(cut).group_by(*groups)


def state_part_query(
    frame: Frame, plan: SourcePlan, scan: ScanPlan, grain: StatePlan, measure: MeasurePlan, part: Part
) -> exp.Select:
    """The figures of one measure for one period and provider, as they stand in an evidence bundle."""
    states = _States(frame, plan, scan, grain)
    aggregates = list(measure.aggregates.values())
    cut = states.cut(aggregates, spans_of([part.period], scan.windows), indexed=False, provider=part.provider)
    return exp.select(*(exp.alias_(states.time(held), name) for name, held in measure.aggregates.items())).from_(cut)


def state_strays_query(frame: Frame, plan: SourcePlan, scan: ScanPlan, grain: StatePlan) -> exp.Select:
    """Records that say no state: late, without an item, without a time; and those whose order is not known."""
    states = _States(frame, plan, scan, grain)
    builder = states.builder
    late = builder.lateness()
    columns = [
        exp.alias_(count(late) if late is not None else exp.Literal.number(0), "late"),
        exp.alias_(count(states.itemless()), "itemless"),
        exp.alias_(count(is_null(builder.anchor())), "anchorless"),
    ]
    strays = exp.select(*columns).from_(plan.table).subquery("strays")
    tied = exp.select(exp.alias_(count(), "tied")).from_(states.intervals([], indexed=False)).where(states.tie())
    return (
        exp.select("late", "itemless", "anchorless", "tied")
        .from_(strays)
        .join(tied.subquery("ties"), join_type="CROSS")
    )


def spans_of(periods: Sequence[Period], windows: Sequence[tuple[int, int]]) -> list[Span]:
    """What is left of each period without the windows, which are sorted and apart; microseconds since 1970."""
    spans: list[Span] = []
    for period in periods:
        edges = [period.start]
        for start, end in windows:
            edges += [min(max(start, period.start), period.end), min(max(end, period.start), period.end)]
        edges.append(period.end)
        left = [(low, high) for low, high in list(pairwise(edges))[::2] if low < high]
        spans += [(period.number, low * _SECOND, high * _SECOND) for low, high in left]
    return spans


class _States:
    """Pieces of the queries over one scan of states."""

    def __init__(self, frame: Frame, plan: SourcePlan, scan: ScanPlan, grain: StatePlan) -> None:
        self.builder = Builder(frame, plan, scan)
        self.frame = frame
        self.dialect = frame.dialect
        self.plan = plan
        self.scan = scan
        self.grain = grain

    def itemless(self) -> exp.Expr:
        """Whether a record lacks what tells items apart."""
        lacks: exp.Expr | None = None
        for column in self.grain.columns:
            test = is_null(exp.column(self.plan.columns[column.name]))
            lacks = test if lacks is None else paren(exp.Or(this=lacks, expression=test))
        return lacks or exp.false()

    def intervals(self, aggregates: Sequence[Aggregate], *, indexed: bool) -> exp.Expr:
        """One row per record: its own columns, ``since`` and ``until`` in microseconds, and what comes next."""
        items = [self.dialect.lower(column, self.plan.columns) for column in self.grain.columns]
        ties = None if self.grain.ties is None else self.dialect.lower(self.grain.ties, self.plan.columns)
        since = self.dialect.microseconds(self.builder.anchor())
        order = [exp.Ordered(this=since.copy(), desc=False)]
        if ties is not None:
            order.append(exp.Ordered(this=ties.copy(), desc=False))

        def following(tree: exp.Expr) -> exp.Expr:
            return exp.Window(
                this=exp.Lead(this=tree.copy()),
                partition_by=[item.copy() for item in items],
                order=exp.Order(expressions=[each.copy() for each in order]),
            )

        columns = [exp.column(self.plan.columns[name]) for name in columns_in(aggregates)]
        made = [exp.alias_(since, "since"), exp.alias_(following(since), "next_since")]
        if ties is not None:
            made += [exp.alias_(ties, "tie"), exp.alias_(following(ties), "next_tie")]
        if indexed:
            made.append(exp.alias_(self.builder.provider_index(), "provider"))
        elif self.scan.provider is not None and self.plan.columns[self.scan.provider.name] not in {
            each.name for each in columns
        }:
            columns.append(exp.column(self.plan.columns[self.scan.provider.name]))
        late = self.builder.lateness()
        left_out = [is_null(self.builder.anchor()), self.itemless(), *([] if late is None else [late])]
        kept = [paren(exp.Not(this=each)) for each in left_out]
        where = self.builder.condition(self.grain.where)
        condition = conjunction([*kept, *([] if where is None else [where])])
        return exp.select(*columns, *made).from_(self.plan.table).where(condition).subquery("intervals")

    def tie(self) -> exp.Expr:
        """Whether nothing tells a record from the item's next one in time."""
        same = paren(exp.column("since").eq(exp.column("next_since")))
        if self.grain.ties is None:
            return same
        apart = paren(exp.column("tie").neq(exp.column("next_tie")))
        known = paren(exp.Coalesce(this=apart, expressions=[exp.false()]))
        return paren(exp.And(this=same, expression=paren(exp.Not(this=known))))

    def cut(
        self, aggregates: Sequence[Aggregate], spans: Sequence[Span], *, indexed: bool, provider: str | None = None
    ) -> exp.Expr:
        """Every interval's part in every span it reaches into, in microseconds."""
        end = self.frame.periods[-1].end * _SECOND
        table = exp.values(
            [tuple(map(str, span)) for span in spans] or [("0", "0", "0")],
            alias="spans",
            columns=["period", "low", "high"],
        )
        for literal in list(table.find_all(exp.Literal)):
            literal.replace(exp.Cast(this=exp.Literal.number(literal.this), to=exp.DataType.build("BIGINT")))
        until = exp.Coalesce(this=exp.column("next_since"), expressions=[exp.Literal.number(end)])
        columns = [exp.column(self.plan.columns[name]) for name in columns_in(aggregates)]
        indexes = [exp.column("period"), exp.column("provider")] if indexed else []
        length = exp.Sub(
            this=exp.Least(this=until.copy(), expressions=[exp.column("high")]),
            expression=exp.Greatest(this=exp.column("since"), expressions=[exp.column("low")]),
        )
        reaches = [
            paren(exp.LT(this=exp.column("since"), expression=exp.column("high"))),
            paren(exp.GT(this=until.copy(), expression=exp.column("low"))),
        ]
        joined = exp.select(
            *indexes, *columns, exp.alias_(self.dialect.cast(paren(length), MICROSECONDS), "microseconds")
        ).from_(self.intervals(aggregates, indexed=indexed))
        if provider is not None and self.scan.provider is not None:
            joined = joined.where(self.builder.is_provider(self.scan.provider, provider))
        return joined.join(table, on=conjunction(reaches)).subquery("parts")

    def time(self, aggregate: Aggregate) -> exp.Expr:
        """The microseconds that an aggregate adds up."""
        condition = aggregate.condition if isinstance(aggregate, TimeIn) else None
        return only(exp.Sum(this=exp.column("microseconds")), self.builder.condition(condition))
