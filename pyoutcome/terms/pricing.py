"""Clauses that price what is delivered: fees, units, factors, shares of a pool, milestones and plain formulas."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from pyoutcome.formula.syntax import (
    And,
    Clamp,
    Compare,
    If,
    Max,
    Min,
    Minus,
    Name,
    Node,
    Not,
    Or,
    Plus,
    Relation,
    Truth,
    product,
)
from pyoutcome.terms.adjustments import StepAndMode
from pyoutcome.terms.clause import UNIT, ClauseFields, ScopedClause, below
from pyoutcome.terms.form import ZERO, Draft
from pyoutcome.terms.part import Part
from pyoutcome.terms.problems import demand_one, refusing
from pyoutcome.terms.rows import BandRows, Levels, bands_of, step_of
from pyoutcome.terms.scalars import Expression, YesNo
from pyoutcome.terms.tables import series_of

YEAR: Final = Name("year")
MOST_YEARS: Final = 100


class FixedFee(ScopedClause):
    """The same amount every period, or every period of a contract year."""

    WAYS = ((("amount",), ("by_year",)),)

    kind: Literal["fixed_fee"]
    amount: Expression | None = None
    by_year: Annotated[tuple[Expression, ...], Field(min_length=1, max_length=MOST_YEARS)] | None = None
    """The amount of a period in each contract year; the last holds for all later years."""

    @model_validator(mode="after")
    @refusing
    def _one_amount(self) -> FixedFee:
        demand_one(
            self,
            self.WAYS[0],
            "A fixed fee",
            "Write 'amount' for the same in every period, or 'by_year' with one amount for each contract year.",
        )
        return self

    def lower(self, draft: Draft) -> Node:  # noqa: ARG002 - it has no parts
        """``amount``, or ``step(year, [at_most 1 gives .., .. otherwise ..])``"""
        if self.by_year is None:
            return self.amount if self.amount is not None else ZERO
        return series_of(YEAR, self.by_year)


class UnitPrice(ClauseFields):
    """A price per unit: one price, one for the whole quantity by tier, or one for each band of it."""

    WAYS = ((("price",), ("tiers",), ("bands",)),)

    kind: Literal["unit_price"]
    quantity: Expression
    price: Expression | None = None
    tiers: Levels | None = None
    """The price of every unit, chosen by the quantity that is paid."""
    bands: BandRows | None = None
    """Each price applies to the units inside its band."""
    per: Expression = UNIT
    """Units that one price buys; or ``provider`` as in every clause (with units, write ``to: each``)."""
    allowance: Expression | None = None
    """Units free of charge; below them nothing is paid."""
    max_quantity: Expression | None = None
    """Units (or blocks) paid at most."""
    blocks: StepAndMode | None = None
    """Size of a block and how a broken one counts; then blocks are what is priced."""
    cumulative: YesNo = False
    """Price the quantity of all periods so far, less what they have given."""

    @property
    def for_each(self) -> bool:
        """Has every provider its own line, read from its own KPIs?"""
        return self.to == "each" or self.per == Name("provider")

    @property
    def is_restated(self) -> bool:
        """Does the line give what earlier periods have not given yet?"""
        return self.restates or self.cumulative

    @model_validator(mode="after")
    @refusing
    def _one_price(self) -> UnitPrice:
        demand_one(
            self,
            self.WAYS[0],
            "A unit price",
            "Keep exactly one: 'price' for one price, 'tiers' for one by volume, 'bands' for graduated ones.",
        )
        return self

    def lower(self, draft: Draft) -> Node:
        """``q * price / per`` rounded once, q the quantity after allowance, blocks and limit, or the sum of all q"""
        quantity = self.quantity
        if self.allowance is not None:
            quantity = Max((ZERO, Minus(quantity, self.allowance)))
        if self.blocks is not None:
            quantity = product((self.blocks.apply(quantity),), below(self.blocks.step))
        if self.max_quantity is not None:
            quantity = Min((quantity, self.max_quantity))
        quantity = draft.let("quantity", quantity)
        if self.cumulative:
            quantity = draft.carry("running", Plus(draft.before("running"), quantity))
        scope = isinstance(self.per, Name) and self.per.name in ("provider", "agreement")
        divisors = () if scope else below(self.per)
        if self.bands is not None:
            return product((bands_of(quantity, self.bands),), divisors)
        price = self.price if self.price is not None else ZERO
        if self.tiers is not None:
            price = step_of(quantity, self.tiers)
        return product((quantity, draft.let("price", price)), divisors)


class FactorClause(ScopedClause):
    """Money times a factor, or only the change that the factor makes."""

    kind: Literal["factor"]
    of: Expression
    factor: Expression
    range: tuple[Expression, Expression] | None = None
    """Least and greatest factor."""
    pays_change: YesNo = False
    """Pay ``of * (factor - 1)``, the money itself being paid elsewhere."""

    def lower(self, draft: Draft) -> Node:
        """``of * f``, or ``of * (f - 1)``"""
        limited = self.factor if self.range is None else Clamp(self.factor, *self.range)
        factor = draft.let("factor", limited)
        return product((self.of, Minus(factor, UNIT) if self.pays_change else factor))


class PoolShare(ScopedClause):
    """A share of a pool in proportion."""

    kind: Literal["pool_share"]
    pool: Expression
    own: Expression
    all: Expression
    """The whole of which ``own`` is a part; 0 shares out nothing."""

    def lower(self, draft: Draft) -> Node:
        """``pool * own / all`` rounded once; 0 if ``all`` is 0"""
        if draft.constant(self.all):
            return product((self.pool, self.own), below(self.all))
        # Bounds know what a comparison tells of a name, so a sum over providers gets one.
        total = isinstance(self.all, Name) and self.all.name.startswith("total.")
        whole = draft.let("all", self.all, kept=total)
        return If(Compare(Relation.NE, whole, ZERO), product((self.pool, self.own), (whole,)), ZERO)


class Stage(Part):
    """One stage of a milestone."""

    when: Expression
    amount: Expression


class Milestone(ScopedClause):
    """Amounts for stages reached: each is paid once, and stays reached."""

    kind: Literal["milestone"]
    stages: Annotated[tuple[Stage, ...], Field(min_length=1, max_length=30)]
    mode: Literal["all", "first"] = "all"
    """``all``: every stage for itself; ``first``: the first stage that holds, and then none any more."""

    @property
    def is_restated(self) -> bool:
        """Does the line give what earlier periods have not given yet?"""
        return True

    def lower(self, draft: Draft) -> Node:
        """The sum of the amounts of all stages reached so far, each as it was when its stage was reached"""
        return self._first(draft) if self.mode == "first" else self._all(draft)

    def _all(self, draft: Draft) -> Node:
        fixed = all(draft.constant(stage.amount) is not None for stage in self.stages)
        total: Node = ZERO if fixed else draft.before("due")
        for number, stage in enumerate(self.stages, 1):
            before = draft.before(f"met{number}")
            met = draft.carry(f"met{number}", Or(before, stage.when), Truth(False))
            due = If(met if fixed else And(met, Not(before)), stage.amount, ZERO)
            total = due if total == ZERO else Plus(total, due)
        return total if fixed else draft.carry("due", total)

    def _first(self, draft: Draft) -> Node:
        before = draft.before("met")
        amount: Node = ZERO
        met: Node = before
        for number, stage in reversed(list(enumerate(self.stages, 1))):
            holds = draft.let(f"met{number}", stage.when, yes_no=True)
            amount = If(holds, stage.amount, amount)
            met = Or(met, holds)
        draft.carry("met", met, Truth(False))
        return draft.carry("due", If(before, draft.before("due"), amount))


class FormulaClause(ScopedClause):
    """A formula as it is."""

    kind: Literal["formula"]
    is_: Annotated[Expression, Field(alias="is")]

    def lower(self, draft: Draft) -> Node:  # noqa: ARG002 - it has no parts
        """``is``"""
        return self.is_
