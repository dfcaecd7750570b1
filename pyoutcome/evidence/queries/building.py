"""Pieces of one scan's queries, in the words of one dialect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from pyoutcome.evidence.engines.dialects import Dialect
from pyoutcome.evidence.measures.columns import MAX_DIGITS, TEXT, ColumnType, Kind
from pyoutcome.evidence.measures.conditions import Column, Condition, Constant, Value
from pyoutcome.evidence.measures.moments import constant_of
from pyoutcome.evidence.measures.plan import (
    Aggregate,
    CountIf,
    DistinctOf,
    GreatestOf,
    ItemPlan,
    LatePlan,
    LeastOf,
    RankOf,
    ScanPlan,
    SourcePlan,
    SumOf,
    TimeIn,
)
from pyoutcome.evidence.queries.trees import columns_in, conjunction, count, is_null, only, paren, search

if TYPE_CHECKING:
    from pyoutcome.terms.calendar import Period

OUTSIDE_TERM: Final = 0
"""Period index of a record whose anchor lies in no period."""
NO_ANCHOR: Final = -1
"""Period index of a record without an anchor."""
NO_PROVIDER: Final = 0
"""Provider index of a record that names none of the agreement's providers."""


@dataclass(frozen=True)
class Frame:
    """What queries of one agreement have in common."""

    dialect: Dialect
    periods: Sequence[Period]
    providers: Sequence[str]
    """They count from 1."""


@dataclass(frozen=True)
class Part:
    """One period and, of a measure per provider, one provider."""

    period: Period
    provider: str | None


class Builder:
    """Pieces of one scan's queries."""

    def __init__(self, frame: Frame, plan: SourcePlan, scan: ScanPlan) -> None:
        self.frame = frame
        self.dialect = frame.dialect
        self.plan = plan
        self.scan = scan

    def things(self, aggregates: Sequence[Aggregate], *, indexed: bool, where: Sequence[exp.Expr] = ()) -> exp.Expr:
        """What is counted, one row each: our own columns, with the indexes of period and provider if ``indexed``.

        ``where`` holds of the thing, so of an item's counted version only.
        """
        names = columns_in(aggregates)
        # The window of places may only be read, never computed, once groups are made.
        columns = [exp.column(self.plan.columns[name]) for name in names]
        indexes: list[exp.Expr] = []
        if indexed:
            indexes = [
                exp.alias_(self.period_index(), "period"),
                exp.alias_(self.provider_index(), "provider"),
            ]
        late = self.lateness()
        if not isinstance(self.scan.grain, ItemPlan):
            kept = [] if late is None or not indexed else [paren(exp.Not(this=late))]
            return self._from(exp.select(*indexes, *columns).from_(self.plan.table), [*kept, *where])
        return self.versions(self.scan.grain, [*indexes, *columns], names, late, where)

    def versions(
        self,
        grain: ItemPlan,
        columns: list[exp.Expr],
        names: list[str],
        late: exp.Expr | None,
        where: Sequence[exp.Expr],
    ) -> exp.Expr:
        items = [self.dialect.lower(column, self.plan.columns) for column in grain.columns]
        order = [
            exp.Ordered(this=self.dialect.lower(column, self.plan.columns), desc=grain.version == "latest")
            for column in grain.by
        ]

        def over(function: exp.Expr) -> exp.Expr:
            return exp.Window(
                this=function,
                partition_by=[item.copy() for item in items],
                order=exp.Order(expressions=[each.copy() for each in order]),
            )

        lacking = self.itemless()
        kept = [paren(exp.Not(this=each)) for each in (late, lacking) if each is not None]
        needed = [*columns]
        if where:
            # The conditions on the counted version are asked outside, where only what is handed on can be read.
            asked = [self.scan.anchor, *([] if self.scan.provider is None else [self.scan.provider])]
            needed += [exp.column(self.plan.columns[each.name]) for each in asked if each.name not in names]
        numbered = exp.select(
            *needed,
            exp.alias_(over(exp.Rank()), "version"),
            exp.alias_(over(exp.RowNumber()), "place"),
        )
        inner = self._from(numbered.from_(self.plan.table, copy=False), kept, "numbered")
        outside = [exp.column(each.alias_or_name) for each in columns]
        chosen = exp.select(*outside, exp.column("place")).from_(inner, copy=False)
        return self._from(chosen, [paren(exp.column("version").eq(1)), *where])

    def _from(self, select: exp.Select, conditions: Sequence[exp.Expr], name: str = "things") -> exp.Expr:
        condition = conjunction(conditions)
        return (select if condition is None else select.where(condition, copy=False)).subquery(name, copy=False)

    def ranked(self, source: exp.Expr, aggregates: Sequence[Aggregate], groups: Sequence[exp.Expr]) -> exp.Expr:
        """``source`` with the place of every value that an aggregate asks for by its place."""
        made: dict[str, exp.Expr] = {}
        for place, aggregate in enumerate(aggregates):
            if not isinstance(aggregate, RankOf) or not self.needs_place(aggregate):
                continue
            value, held = self._value(aggregate.value), self.condition(aggregate.condition)
            present = conjunction([each for each in (held, paren(exp.Not(this=is_null(value)))) if each is not None])
            flag = exp.Case(ifs=[exp.If(this=present, true=exp.Literal.number(1))], default=exp.Literal.number(0))
            parts = [*(group.copy() for group in groups), flag]
            made[f"kept_{place}"] = flag.copy()
            made[f"value_{place}"] = value.copy()
            made[f"rank_{place}"] = exp.Window(
                this=exp.RowNumber(),
                partition_by=[part.copy() for part in parts],
                order=exp.Order(expressions=[exp.Ordered(this=value.copy(), desc=False)]),
            )
            made[f"n_{place}"] = exp.Window(this=count(), partition_by=[part.copy() for part in parts])
        if not made:
            return source
        return (
            exp.select(exp.Star(), *(exp.alias_(tree, name) for name, tree in made.items()))
            .from_(source)
            .subquery("ranked")
        )

    def figures(self, aggregates: Sequence[Aggregate]) -> list[exp.Expr]:
        """Each aggregate over the rows of ``ranked``."""
        return [self._figure(place, aggregate) for place, aggregate in enumerate(aggregates)]

    def _figure(self, place: int, aggregate: Aggregate) -> exp.Expr:
        match aggregate:
            case CountIf(condition):
                return count(self.condition(condition))
            case DistinctOf(column, condition):
                held = self.dialect.lower(column, self.plan.columns)
                return only(exp.Count(this=exp.Distinct(expressions=[held]), big_int=True), self.condition(condition))
            case SumOf(value, condition):
                return only(exp.Sum(this=self._value(value)), self.condition(condition))
            case LeastOf(value, condition):
                return only(exp.Min(this=self._value(value)), self.condition(condition))
            case GreatestOf(value, condition):
                return only(exp.Max(this=self._value(value)), self.condition(condition))
            case RankOf():
                return self._rank(place, aggregate)
            case TimeIn():
                raise AssertionError("times of states have a query of their own")

    def needs_place(self, aggregate: Aggregate) -> bool:
        """Whether every value's place must be known before it can be found."""
        return isinstance(aggregate, RankOf) and not (self.dialect.rank == "quantile" and aggregate.place == "nearest")

    def _rank(self, place: int, aggregate: RankOf) -> exp.Expr:
        if not self.needs_place(aggregate):
            share = self.dialect.constant(_share(aggregate.numerator, aggregate.denominator))
            found = exp.Anonymous(this="quantile_disc", expressions=[self._value(aggregate.value), share])
            return only(found, self.condition(aggregate.condition))
        rank, n, value, kept = (exp.column(f"{name}_{place}") for name in ("rank", "n", "value", "kept"))
        top, bottom = exp.Literal.number(aggregate.numerator), exp.Literal.number(aggregate.denominator)
        reached = paren(exp.Mul(this=rank, expression=bottom))
        if aggregate.place == "nearest":
            wanted: exp.Expr = paren(exp.Mul(this=n, expression=top))
        else:
            gaps = paren(exp.Sub(this=n, expression=exp.Literal.number(1)))
            wanted = paren(exp.Add(this=bottom.copy(), expression=paren(exp.Mul(this=gaps, expression=top))))
        lower = aggregate.place == "lower"
        sign = exp.LTE if lower else exp.GTE
        condition = conjunction([paren(kept.eq(1)), paren(sign(this=reached, expression=wanted))])
        return only(exp.Max(this=value) if lower else exp.Min(this=value), condition)

    def _value(self, value: Value) -> exp.Expr:
        return self.dialect.lower(value, self.plan.columns)

    def condition(self, condition: Condition | None) -> exp.Expr | None:
        return None if condition is None else self.dialect.lower(condition, self.plan.columns)

    def period_index(self) -> exp.Expr:
        """Number of the period a record belongs to."""
        anchor = self.anchor()
        starts = [self._moment(period.start) for period in self.frame.periods]
        bounds = [*starts, self._moment(self.frame.periods[-1].end)]
        results = [OUTSIDE_TERM, *(period.number for period in self.frame.periods), OUTSIDE_TERM]
        found = search(bounds, lambda bound: paren(exp.LT(this=anchor.copy(), expression=bound)), results)
        nothing = exp.If(this=is_null(anchor.copy()), true=exp.Literal.number(NO_ANCHOR))
        return paren(exp.Case(ifs=[nothing], default=found))

    def provider_index(self) -> exp.Expr:
        """Number of the provider a record names."""
        if self.scan.provider is None:
            return exp.Literal.number(NO_PROVIDER)
        ifs = [
            exp.If(this=self.is_provider(self.scan.provider, provider), true=exp.Literal.number(index))
            for index, provider in enumerate(self.frame.providers, 1)
        ]
        return paren(exp.Case(ifs=ifs, default=exp.Literal.number(NO_PROVIDER)))

    def is_provider(self, column: Column, provider: str) -> exp.Expr:
        """Whether a record names this provider."""
        held = self.dialect.lower(column, self.plan.columns)
        return paren(exp.EQ(this=held, expression=self.dialect.constant(Constant(provider, TEXT))))

    def since(self, seconds: int) -> exp.Expr:
        """Whether the anchor lies at or after an instant."""
        return paren(exp.GTE(this=self.anchor(), expression=self._moment(seconds)))

    def before(self, seconds: int) -> exp.Expr:
        """Whether the anchor lies before an instant."""
        return paren(exp.LT(this=self.anchor(), expression=self._moment(seconds)))

    def received_by(self, late: LatePlan, period: Period) -> exp.Expr:
        """Whether a record of the period was received in time."""
        received = self.dialect.lower(late.received, self.plan.columns)
        return paren(exp.LTE(this=received, expression=self._deadline(late, period)))

    def lateness(self) -> exp.Expr | None:
        """Whether a record of any period was received too late, or nobody knows when; None if no such rule exists.

        Deadlines rise with the periods: a record is late if as many of them as its period's number lie before it.
        """
        late = self.scan.late
        if late is None:
            return None
        received = self.dialect.lower(late.received, self.plan.columns)
        deadlines = [self._deadline(late, period) for period in self.frame.periods]
        passed = search(
            deadlines,
            lambda bound: paren(exp.LTE(this=received.copy(), expression=bound)),
            [0, *(period.number for period in self.frame.periods)],
        )
        overdue = paren(exp.GTE(this=passed, expression=self.period_index()))
        late_or_unknown = paren(exp.Or(this=is_null(received.copy()), expression=overdue))
        placed = paren(exp.GT(this=self.period_index(), expression=exp.Literal.number(OUTSIDE_TERM)))
        return paren(exp.And(this=placed, expression=late_or_unknown))

    def earliness(self) -> exp.Expr | None:
        """Whether a record was received before its anchor; None if there is no such column, or clocks of another kind
        or zone write it."""
        late = self.scan.late
        if late is None or late.received.type != self.scan.anchor.type or late.zone != self.scan.zone:
            return None
        return paren(exp.LT(this=self.dialect.lower(late.received, self.plan.columns), expression=self.anchor()))

    def itemless(self) -> exp.Expr | None:
        """Whether a record lacks what tells items apart or orders their versions; None where records are things."""
        grain = self.scan.grain
        if not isinstance(grain, ItemPlan):
            return None
        lacks: exp.Expr | None = None
        for column in dict.fromkeys((*grain.columns, *grain.by)):
            test = is_null(exp.column(self.plan.columns[column.name]))
            lacks = test if lacks is None else paren(exp.Or(this=lacks, expression=test))
        return lacks

    def _deadline(self, late: LatePlan, period: Period) -> exp.Expr:
        return self.dialect.constant(constant_of(period.end + late.within, late.received.type.kind, late.zone))

    def anchor(self) -> exp.Expr:
        return self.dialect.lower(self.scan.anchor, self.plan.columns)

    def _moment(self, seconds: int) -> exp.Expr:
        return self.dialect.constant(constant_of(seconds, self.scan.anchor.type.kind, self.scan.zone))


def _share(numerator: int, denominator: int) -> Constant:
    """A share as an exact decimal constant."""
    scale = next(scale for scale in range(MAX_DIGITS) if 10**scale % denominator == 0)
    digits = f"{numerator * 10**scale // denominator:0{scale + 1}d}"
    text = f"{digits[:-scale]}.{digits[-scale:]}" if scale else digits
    return Constant(text, ColumnType(Kind.DECIMAL, len(digits), scale))
