"""Clauses that grade a measure: curves, steps, bonus and malus around a target, and scorecards."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from pyoutcome.errors import AgreementError
from pyoutcome.formula.syntax import Compare, If, Max, Min, Minus, Node, Plus, Relation, product
from pyoutcome.terms.adjustments import StepAndMode
from pyoutcome.terms.clause import UNIT, ScopedClause, below, is_zero, times
from pyoutcome.terms.form import ZERO, Draft
from pyoutcome.terms.part import Part
from pyoutcome.terms.problems import demand_one, given_way, refusing
from pyoutcome.terms.rows import BandRows, Levels, Points, is_one, scaled_bands, step_of
from pyoutcome.terms.scalars import Expression
from pyoutcome.terms.spelling import Json
from pyoutcome.terms.tables import curve_of


class CurveClause(ScopedClause):
    """Straight lines between points, flat outside."""

    kind: Literal["curve"]
    of: Expression
    points: Points
    times: Expression = UNIT

    def lower(self, draft: Draft) -> Node:
        """``curve(of, points) * times``"""
        return times(draft.let("level", curve_of(self.of, self.points)), self.times)


class StepClause(ScopedClause):
    """The value of the first row that holds."""

    kind: Literal["step"]
    of: Expression
    rows: Levels
    times: Expression = UNIT

    def lower(self, draft: Draft) -> Node:
        """``step(of, rows) * times``"""
        return times(draft.let("level", step_of(self.of, self.rows)), self.times)


class Rate(Part):
    """Money per unit on one side of a target."""

    WAYS = ((("rate",), ("bands",)),)

    rate: Expression | None = None
    """One rate for all units; or ``bands``, measured outward from the target, each with its own."""
    bands: BandRows | None = None
    scale: Expression = UNIT
    """What the edges of the bands are multiples of, such as the target when they are percentages of it."""
    per: Expression = UNIT
    """Units that one rate pays for."""
    deadband: Expression = ZERO
    """Distance from the target without effect; its edge pays."""
    limit: Expression | None = None
    """Units that count at most."""
    mode: Literal["excess", "cliff"] = "excess"
    """``excess``: only the distance beyond the deadband counts; ``cliff``: all of it, once the deadband is reached."""

    @model_validator(mode="after")
    @refusing
    def _one_rate(self) -> Rate:
        demand_one(
            self,
            self.WAYS[0],
            "One side of a target",
            "Write 'rate' for one rate, or 'bands' for one of each part, such as {upto 10: 0, rest: 5}.",
        )
        if self.bands is None and self.scale != UNIT:
            raise AgreementError(
                "needless-key", "'scale' means something for bands only.", "Delete it, or write bands.", key="scale"
            )
        return self

    def lower(self, distance: Node) -> Node:
        """``min(max(0, distance - deadband), limit) * rate / per``; as cliff, all the distance from the deadband on."""
        wide = not is_zero(self.deadband)
        if self.mode == "cliff" and wide:
            reached = Compare(Relation.GE, distance, self.deadband)
            units: Node = If(reached, Max((ZERO, distance)), ZERO)
        else:
            units = Max((ZERO, Minus(distance, self.deadband) if wide else distance))
        if self.limit is not None:
            units = Min((units, self.limit))
        if self.bands is not None:
            return product((scaled_bands(units, self.bands, self.scale),), below(self.per))
        return product((units, self.rate or ZERO), below(self.per))


class BonusMalus(ScopedClause):
    """Money for each unit better than a target, less money for each unit worse."""

    SHAPE: ClassVar[Json] = {"anyOf": [{"required": ["bonus"]}, {"required": ["malus"]}]}

    kind: Literal["bonus_malus"]
    of: Expression
    target: Expression
    better: Literal["higher", "lower"]
    bonus: Rate | None = None
    malus: Rate | None = None

    @model_validator(mode="after")
    @refusing
    def _some_rate(self) -> BonusMalus:
        if self.bonus is None and self.malus is None:
            raise AgreementError(
                "missing-key",
                "The clause has neither 'bonus' nor 'malus'.",
                "Add one of them, such as 'malus: {rate: 10}'.",
            )
        return self

    def lower(self, draft: Draft) -> Node:
        """``bonus - malus``"""
        above, under = Minus(self.of, self.target), Minus(self.target, self.of)
        good, bad = (above, under) if self.better == "higher" else (under, above)
        bonus = draft.let("bonus", self.bonus.lower(good) if self.bonus is not None else ZERO)
        malus = draft.let("malus", self.malus.lower(bad) if self.malus is not None else ZERO)
        return bonus if self.malus is None else Minus(bonus, malus)


class Item(Part):
    """One item of a scorecard: its weight and the level reached."""

    WAYS = ((("level",), ("of", "levels"), ("of", "points")),)

    weight: Expression = UNIT
    level: Expression | None = None
    """The level itself; or, instead of it, the measure ``of`` which levels are read."""
    of: Expression | None = None
    levels: Levels | None = None
    points: Points | None = None
    round: StepAndMode | None = None
    """Of the weighted level."""

    @model_validator(mode="after")
    @refusing
    def _one_level(self) -> Item:
        if given_way(self, self.WAYS[0]) is None:
            raise AgreementError(
                "one-level-needed",
                "An item of a scorecard does not say in one way how its level is found.",
                "Write 'level: ...' alone, or 'of: ...' with either 'levels: {...}' or 'points: [...]'.",
            )
        return self

    def lower(self) -> Node:
        """``weight * level``, rounded"""
        level = self.level if self.level is not None else ZERO
        if self.of is not None and self.levels is not None:
            level = step_of(self.of, self.levels)
        if self.of is not None and self.points is not None:
            level = curve_of(self.of, self.points)
        weighted = level if is_one(self.weight) else product((self.weight, level))
        return weighted if self.round is None else self.round.apply(weighted)


class Gate(Part):
    """A condition without which the score is another."""

    when: Expression
    else_: Annotated[Expression, Field(alias="else")] = ZERO
    """The score where the condition fails."""


class Scorecard(ScopedClause):
    """Weighted levels put together, gated, looked up and made into money."""

    kind: Literal["scorecard"]
    items: Annotated[tuple[Item, ...], Field(min_length=1, max_length=60)]
    combine: Literal["sum", "min"] = "sum"
    round: StepAndMode | None = None
    """Of the items put together."""
    gates: Annotated[tuple[Gate, ...], Field(max_length=20)] = ()
    pays_by: Levels | None = None
    """What a score pays; the score itself without it."""
    times: Expression = UNIT

    def lower(self, draft: Draft) -> Node:
        """``step(gated(round(sum of weight * level)), pays_by) * times``"""
        first, *others = [item.lower() for item in self.items]
        score = first
        if others and self.combine == "min":
            score = Min((first, *others))
        for other in others if self.combine == "sum" else ():
            score = Plus(score, other)
        if self.round is not None:
            score = self.round.apply(score)
        for gate in self.gates:
            score = If(gate.when, score, gate.else_)
        score = draft.let("score", score)
        level = draft.let("level", score if self.pays_by is None else step_of(score, self.pays_by))
        return times(level, self.times)
