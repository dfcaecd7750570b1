"""Clauses that give money back for missed levels, and that limit several lines together."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pyoutcome.decimals import ONE
from pyoutcome.errors import AgreementError
from pyoutcome.formula.syntax import (
    Compare,
    If,
    Max,
    Min,
    Minus,
    Name,
    Node,
    Number,
    Plus,
    Relation,
    Round,
    SumLast,
    product,
)
from pyoutcome.terms.adjustments import nothing_unless
from pyoutcome.terms.clause import UNIT, ScopedClause, below, is_zero, times
from pyoutcome.terms.form import ZERO, Draft
from pyoutcome.terms.part import Part
from pyoutcome.terms.problems import demand_one, refusing
from pyoutcome.terms.rows import Least, Levels, is_one, step_of
from pyoutcome.terms.scalars import Expression, Mode, Whole


class CreditRate(Part):
    """A share of the charges for each unit by which a level is missed."""

    WAYS = ((("under",), ("over",)),)

    under: Expression | None = None
    """The level that is missed by being under it; or ``over``, by being over it."""
    over: Expression | None = None
    per: Expression = UNIT
    """Units that one credit stands for."""
    credit: Expression
    """Share of the charges per ``per`` units."""
    rounding: Mode | None = None
    """How a broken number of ``per`` units counts; in proportion without it."""
    starts_at: Expression = ZERO
    """Shortfall from which on (itself included) all of it counts."""

    @model_validator(mode="after")
    @refusing
    def _one_level(self) -> CreditRate:
        demand_one(
            self,
            self.WAYS[0],
            "A rate",
            "Write 'under: 99.9' if a low value is bad, or 'over: 60' if a high one is.",
        )
        return self

    def shortfall(self, measure: Node) -> Node:
        """How far the level is missed."""
        if self.under is not None:
            return Max((ZERO, Minus(self.under, measure)))
        return Max((ZERO, measure if self.over is None or is_zero(self.over) else Minus(measure, self.over)))

    def share(self, shortfall: Node) -> Node:
        """The share of the charges for a shortfall."""
        units = shortfall
        if not is_zero(self.starts_at):
            units = If(Compare(Relation.GE, units, self.starts_at), units, ZERO)
        if self.rounding is not None:
            units = Round(units, self.per, self.rounding)
        return product((units, self.credit), below(self.per))


class Rolling(Part):
    """A limit on the credits of several periods together."""

    share: Expression
    """Of the charges of these periods."""
    periods: Annotated[Whole, Field(ge=1, le=127)]
    """This one and those before it."""
    charges_kpi: Expression | None = None
    """The KPI that holds the charges of earlier periods; what ``charges`` was in them without it."""


class EarnBack(Part):
    """Credits given back after enough good periods in a row."""

    periods: Annotated[Whole, Field(ge=1, le=127)]
    """Good periods in a row after the credit."""
    when: Expression | None = None
    """What makes a period good; without it, that there is no credit in it."""
    share: Expression = UNIT
    """Share of the credits that is given back."""
    broken: Literal["lost", "waits"] = "lost"
    """What a bad period does to credits that were not earned back yet."""

    def lower(self, credit: Node, draft: Draft) -> Node:
        """``credit`` less what is earned back"""
        credit = draft.let("credit", credit)
        good = self.when if self.when is not None else Compare(Relation.EQ, credit, ZERO)
        streak = draft.carry("good_streak", If(good, Plus(draft.before("good_streak"), UNIT), ZERO))
        enough = Compare(Relation.GE, streak, Number(self.periods * ONE, str(self.periods)))
        waiting = draft.before("waiting")
        earned = draft.let("earned_back", If(enough, times(waiting, self.share), ZERO))
        kept: Node = waiting
        if self.broken == "lost":
            kept = If(Compare(Relation.GT, streak, ZERO), waiting, ZERO)
        kept = If(enough, ZERO, kept)
        draft.carry("waiting", Plus(kept, credit))
        return Minus(credit, earned)


class ServiceCredit(ScopedClause):
    """A share of the charges for a missed level."""

    WAYS = ((("measure", "levels"), ("measure", "rate"), ("allocation",)),)

    kind: Literal["service_credit"]
    measure: Expression | None = None
    charges: Expression
    levels: Levels | None = None
    """Shares of the charges."""
    rate: CreditRate | None = None
    allocation: Expression | None = None
    """Share of the pool for one missed level."""
    count: Expression = UNIT
    """Missed levels, each with the allocation."""
    pool: Expression = UNIT
    """Share of the amount at risk that allocations share out."""
    at_risk: Expression = UNIT
    """The greatest share of the charges that performance can take away."""
    rolling: Rolling | None = None
    minimum: Least | None = None
    """The least credit that is given at all."""
    earn_back: EarnBack | None = None

    @model_validator(mode="after")
    @refusing
    def _one_way(self) -> ServiceCredit:
        way = demand_one(
            self,
            (("levels",), ("rate",), ("allocation",)),
            "A service credit",
            "Keep one: 'levels' for a table, 'rate' for each unit missed, 'allocation' for a share of a pool.",
        )
        if self.measure is None and way != "allocation":
            raise AgreementError(
                "missing-key", "'measure' is missing here.", "Add 'measure: ...' with the KPI.", key="measure"
            )
        if self.measure is not None and way == "allocation":
            raise AgreementError(
                "needless-key",
                "'measure' belongs to 'levels' and 'rate', not to 'allocation'.",
                "Write the number of missed levels under 'count'.",
                key="measure",
            )
        return self

    def lower(self, draft: Draft) -> Node:
        """``min(share, at_risk) * charges``, then the rolling limit, then the minimum"""
        charges = self.charges
        if self.rolling is not None and self.rolling.charges_kpi is None and not isinstance(charges, Name | Number):
            charges = draft.let("charges", charges, kept=True)
        draft.let("at_risk", product((self.at_risk, charges)))
        due: Node = draft.let("due", product((self._share(draft), charges)))
        if self.rolling is not None:
            due = Min((due, self._left(draft, self.rolling, charges)))
        credit = due if self.minimum is None else nothing_unless(draft.let("limited", due), self.minimum)
        return credit if self.earn_back is None else self.earn_back.lower(credit, draft)

    def _share(self, draft: Draft) -> Node:
        """The share of the charges, at most ``at_risk``."""
        if self.allocation is not None:
            share: Node = product((self.pool, self.allocation, self.count))
            if is_one(self.pool):
                share = product((self.allocation, self.count))
            share = draft.let("share", share)
            return product((Min((share, UNIT)), self.at_risk))
        measure = self.measure if self.measure is not None else ZERO
        constant = False
        if self.rate is not None:
            share = self.rate.share(draft.let("shortfall", self.rate.shortfall(measure)))
        else:
            rows = self.levels or ()
            share = step_of(measure, rows)
            constant = all(isinstance(row.value, Number) and row.value.value <= ONE for row in rows)
        share = draft.let("share", share)
        # A limit of 100% could never bind where every level is a constant of at most 100%.
        return share if is_one(self.at_risk) and constant else Min((share, self.at_risk))

    def _left(self, draft: Draft, rolling: Rolling, charges: Node) -> Node:
        """What the credits of the last periods leave of their share of the charges."""
        before = rolling.periods - 1
        if not before:
            return product((rolling.share, charges))
        past = rolling.charges_kpi if rolling.charges_kpi is not None else charges
        if isinstance(past, Name) and draft.constant(past) is None:
            together: Node = Plus(charges, SumLast(past.name, before))
        else:  # the same in every period, so that the number of periods says it
            together = product((past, Min((Name("period"), Number(rolling.periods * ONE, str(rolling.periods))))))
        return Max((ZERO, Minus(product((rolling.share, together)), SumLast(draft.clause, before))))


class JointCap(ScopedClause):
    """Gives back what several lines come to above a limit together."""

    kind: Literal["joint_cap"]
    lines: Annotated[tuple[Expression, ...], Field(min_length=1, max_length=60)]
    at_most: Expression

    def lower(self, draft: Draft) -> Node:
        """``max(0, sum of lines - at_most)``"""
        first, *others = self.lines
        together = first
        for other in others:
            together = Plus(together, other)
        return Max((ZERO, Minus(draft.let("together", together), self.at_most)))
