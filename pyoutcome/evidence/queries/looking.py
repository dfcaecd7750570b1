"""Which records a bundle's KPIs look at, and which figures each of them adds to: one query per source.

A KPI looks at a record whose anchor lies in the period and, of a KPI per provider, that names the provider. A
``time_share`` also looks at records before it whose state reaches into the period. A record that is looked at need not
count: it may be late, an older version of its item, or not meet the measure's conditions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from pyoutcome.evidence.measures.columns import Kind
from pyoutcome.evidence.measures.plan import (
    Aggregate,
    CountIf,
    DistinctOf,
    ItemPlan,
    ScanPlan,
    SourcePlan,
    StatePlan,
    TimeIn,
)
from pyoutcome.evidence.queries.building import Builder, Frame, Part
from pyoutcome.evidence.queries.states import spans_of
from pyoutcome.evidence.queries.trees import conjunction, is_null, paren


@dataclass(frozen=True)
class LookedQuery:
    """The query, and what its columns are after the plan's own, which come first in their order."""

    tree: exp.Select
    """A row per record that is looked at, in the order of the key: texts by their bytes, false before true. Times are
    whole microseconds since 1970; after the plan's columns stands 1 or 0 for each of ``figures``."""
    figures: tuple[tuple[str, str], ...]
    """A KPI of the agreement and the name of one of its figures."""


def looked_query(frame: Frame, plan: SourcePlan, part: Part, kpis: Sequence[str]) -> LookedQuery | None:
    """The records of ``plan`` that any of ``kpis`` looks at in a period; None if none of them reads this source."""
    scans = [scan.holding(tuple(held for held in scan.measures if held.kpi in kpis)) for scan in plan.scans]
    looks = [_Look(frame, plan, scan, part, place) for place, scan in enumerate(scans) if scan.measures]
    if not looks:
        return None
    own = [exp.column(column) for column in plan.columns.values()]
    told = [
        frame.dialect.microseconds(column) if plan.types[name].kind in {Kind.INSTANT, Kind.WALL} else column.copy()
        for name, column in zip(plan.columns, own, strict=True)
    ]
    figures: list[tuple[str, str]] = []
    flags: list[exp.Expr] = []
    for look in looks:
        for held in look.scan.measures:
            for name, aggregate in held.aggregates.items():
                flags.append(exp.alias_(look.adds_to(aggregate), f"figure_{len(figures)}"))
                figures.append((held.kpi, name))
    windows = [column for look in looks for column in look.windows()]
    source: exp.Expr = exp.to_table(plan.table)
    if windows:
        source = exp.select(*(column.copy() for column in own), *windows).from_(plan.table).subquery("looked")
    shown = [exp.alias_(tree, f"told_{place}") for place, tree in enumerate(told)]
    order = [exp.Ordered(this=_by_bytes(frame, plan, name), desc=False) for name in plan.key]
    tree = exp.select(*shown, *flags).from_(source).where(_any([look.looked() for look in looks]))
    return LookedQuery(tree.order_by(*order), tuple(figures))


class _Look:
    """One scan's part in the query."""

    def __init__(self, frame: Frame, plan: SourcePlan, scan: ScanPlan, part: Part, place: int) -> None:
        self.builder = Builder(frame, plan, scan)
        self.dialect = frame.dialect
        self.frame = frame
        self.plan = plan
        self.scan = scan
        self.part = part
        self.place = place

    def looked(self) -> exp.Expr:
        """Whether the scan looks at a record."""
        inside = self._inside()
        if isinstance(self.scan.grain, StatePlan):
            low, high = self.part.period.start, self.part.period.end
            inside = _any([inside, _all([self._is("kept"), self._reaches(low * 1_000_000, high * 1_000_000)])])
        return _all([inside, *self._own()])

    def adds_to(self, aggregate: Aggregate) -> exp.Expr:
        """1 for a record that adds to a figure, else 0."""
        conditions = [*self._counts(), *self._own()]
        condition = self.builder.condition(aggregate.condition)
        if condition is not None:
            conditions.append(condition)
        if not isinstance(aggregate, CountIf | TimeIn):
            value = aggregate.column if isinstance(aggregate, DistinctOf) else aggregate.value
            conditions.append(paren(exp.Not(this=is_null(self.dialect.lower(value, self.plan.columns)))))
        return _flag(_all(conditions))

    def windows(self) -> list[exp.Expr]:
        """Columns that tell a record from others of its item."""
        grain = self.scan.grain
        if grain is None:
            return []
        kept = _flag(_all(self._kept()))
        apart = [*(self.dialect.lower(column, self.plan.columns) for column in grain.columns), kept]
        if isinstance(grain, ItemPlan):
            order = [self._ordered(self.dialect.lower(each, self.plan.columns), grain.version) for each in grain.by]
            return [exp.alias_(kept.copy(), self._named("kept")), self._over(exp.Rank(), apart, order, "version")]
        since = self.dialect.microseconds(self.builder.anchor())
        order = [self._ordered(since.copy(), "earliest")]
        if grain.ties is not None:
            order.append(self._ordered(self.dialect.lower(grain.ties, self.plan.columns), "earliest"))
        return [
            exp.alias_(kept.copy(), self._named("kept")),
            exp.alias_(since, self._named("since")),
            self._over(exp.Lead(this=since.copy()), apart, order, "next"),
        ]

    def _inside(self) -> exp.Expr:
        return _all([self.builder.since(self.part.period.start), self.builder.before(self.part.period.end)])

    def _own(self) -> list[exp.Expr]:
        if self.scan.provider is None or self.part.provider is None:
            return []
        return [self.builder.is_provider(self.scan.provider, self.part.provider)]

    def _counts(self) -> list[exp.Expr]:
        """What must hold of a record for any figure of the scan to see it in this period."""
        grain = self.scan.grain
        if grain is None:
            late = self.scan.late
            return [self._inside(), *([] if late is None else [self.builder.received_by(late, self.part.period)])]
        if isinstance(grain, ItemPlan):
            return [self._inside(), self._is("kept"), self._is("version")]
        spans = spans_of([self.part.period], self.scan.windows)
        return [self._is("kept"), _any([self._reaches(low, high) for _, low, high in spans])]

    def _kept(self) -> list[exp.Expr]:
        """What must hold of a record to be a version or state of its item at all."""
        grain, late = self.scan.grain, self.builder.lateness()
        left_out = [] if late is None else [late]
        conditions: list[exp.Expr] = []
        if isinstance(grain, StatePlan):
            left_out += [is_null(self.builder.anchor())]
            left_out += [is_null(exp.column(self.plan.columns[column.name])) for column in grain.columns]
            where = self.builder.condition(grain.where)
            conditions = [] if where is None else [where]
        lacking = self.builder.itemless()
        left_out += [] if lacking is None else [lacking]
        return [*(paren(exp.Not(this=each)) for each in left_out), *conditions]

    def _reaches(self, low: int, high: int) -> exp.Expr:
        """Whether the time until the item's next record reaches into a span, in microseconds."""
        end = _bigint(self.frame.periods[-1].end * 1_000_000)
        until = exp.Coalesce(this=exp.column(self._named("next")), expressions=[end])
        begun = paren(exp.LT(this=exp.column(self._named("since")), expression=_bigint(high)))
        return _all([begun, paren(exp.GT(this=until, expression=_bigint(low)))])

    def _is(self, name: str) -> exp.Expr:
        return paren(exp.column(self._named(name)).eq(1))

    def _named(self, name: str) -> str:
        return f"{name}_{self.place}"

    def _ordered(self, tree: exp.Expr, first: str) -> exp.Ordered:
        return exp.Ordered(this=tree, desc=first == "latest")

    def _over(self, function: exp.Expr, apart: list[exp.Expr], order: list[exp.Ordered], name: str) -> exp.Expr:
        partition = [each.copy() for each in apart]
        return exp.alias_(
            exp.Window(this=function, partition_by=partition, order=exp.Order(expressions=order)), self._named(name)
        )


def _by_bytes(frame: Frame, plan: SourcePlan, name: str) -> exp.Expr:
    column = exp.column(plan.columns[name])
    return frame.dialect.text_key(column) if plan.types[name].kind is Kind.TEXT else column


def _flag(condition: exp.Expr) -> exp.Expr:
    number = exp.Literal.number
    return paren(exp.Case(ifs=[exp.If(this=condition, true=number(1))], default=number(0)))


def _all(conditions: Sequence[exp.Expr]) -> exp.Expr:
    return paren(conjunction(conditions) or exp.true())


def _any(conditions: Sequence[exp.Expr]) -> exp.Expr:
    held: exp.Expr | None = None
    for condition in conditions:
        held = condition if held is None else paren(exp.Or(this=held, expression=condition))
    return paren(held or exp.false())


def _bigint(number: int) -> exp.Expr:
    return exp.Cast(this=exp.Literal.number(str(number)), to=exp.DataType(this=exp.DType.BIGINT))
