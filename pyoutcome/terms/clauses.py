"""The clause kinds: each a model that lowers to one formula and does nothing else."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field, model_validator

from pyoutcome.decimals import ONE
from pyoutcome.errors import AgreementError
from pyoutcome.formula.syntax import Compare, If, Max, Min, Minus, Name, Node, Number, Relation, product
from pyoutcome.terms.adjustments import ZERO, Adjustments
from pyoutcome.terms.problems import refusing
from pyoutcome.terms.rows import BandRows, Levels, Points, bands_of, curve_of, is_one, step_of
from pyoutcome.terms.scalars import Expression, Line, Part, Word

_BY_FORMULA: Final = "Write the clause as 'kind: formula'."
UNIT: Final = Number(ONE)


class ClauseFields(Part):
    """What every clause takes."""

    LATER: ClassVar[dict[str, str]] = {"restates": "Pay each period for itself."}

    title: Line | None = None
    pays: Literal["provider", "client", "nobody"] = "provider"
    """Who receives a positive amount; ``nobody``: shown only."""
    to: Word | None = None
    """Whose account the line concerns; ``each`` is the same as ``per: provider``. The only provider if there is one."""
    when: Expression | None = None
    """The line is 0 unless this holds."""
    then: Adjustments = ()

    @property
    def for_each(self) -> bool:
        """Has every provider its own line, read from its own KPIs?"""
        return self.to == "each"

    @abstractmethod
    def lower(self) -> Node:
        """The formula of the amount, before ``then`` and ``when``."""


class ScopedClause(ClauseFields):
    """A clause written once for the agreement or once for every provider."""

    per: Literal["agreement", "provider"] = "agreement"

    @property
    def for_each(self) -> bool:
        """Has every provider its own line, read from its own KPIs?"""
        return self.per == "provider" or self.to == "each"


class FixedFee(ScopedClause):
    """The same amount every period."""

    LATER: ClassVar[dict[str, str]] = {
        **ClauseFields.LATER,
        "by_year": "Write the amount as a formula, such as 'amount: 100 if period <= 12 else 120'.",
    }

    kind: Literal["fixed_fee"]
    amount: Expression

    def lower(self) -> Node:
        """``amount``"""
        return self.amount


class CurveClause(ScopedClause):
    """Straight lines between points, flat outside."""

    kind: Literal["curve"]
    of: Expression
    points: Points
    times: Expression = UNIT

    def lower(self) -> Node:
        """``curve(of, points) * times``"""
        return _times(curve_of(self.of, self.points), self.times)


class StepClause(ScopedClause):
    """The value of the first row that holds."""

    kind: Literal["step"]
    of: Expression
    rows: Levels
    times: Expression = UNIT

    def lower(self) -> Node:
        """``step(of, rows) * times``"""
        return _times(step_of(self.of, self.rows), self.times)


class ServiceCredit(ScopedClause):
    """A share of the charges for a missed level."""

    LATER: ClassVar[dict[str, str]] = {
        **ClauseFields.LATER,
        **dict.fromkeys(("rate", "allocation", "count", "pool", "minimum"), _BY_FORMULA),
        "rolling": "Limit every period with 'at_risk'.",
    }

    kind: Literal["service_credit"]
    measure: Expression
    charges: Expression
    levels: Levels
    """Shares of the charges."""
    at_risk: Expression = UNIT
    """The greatest share of the charges that performance can take away."""

    def lower(self) -> Node:
        """``min(step(measure, levels), at_risk) * charges``"""
        share: Node = step_of(self.measure, self.levels)
        constant = all(isinstance(row.value, Number) and row.value.value <= ONE for row in self.levels)
        if not (is_one(self.at_risk) and constant):  # else the limit of 100% could never bind
            share = Min((share, self.at_risk))
        return product((share, self.charges))


class UnitPrice(ClauseFields):
    """A price per unit: one price, one for the whole quantity by tier, or one for each band of it."""

    LATER: ClassVar[dict[str, str]] = {
        **ClauseFields.LATER,
        "blocks": "Round inside the quantity, such as 'quantity: round(x, 10, ceil) / 10'.",
        "cumulative": "Pay each period for itself.",
    }

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
    """Units paid at most."""

    @property
    def for_each(self) -> bool:
        """Has every provider its own line, read from its own KPIs?"""
        return self.to == "each" or self.per == Name("provider")

    @model_validator(mode="after")
    @refusing
    def _one_price(self) -> UnitPrice:
        given = [name for name in ("price", "tiers", "bands") if getattr(self, name) is not None]
        if len(given) != 1:
            raise AgreementError(
                "one-price-needed",
                f"A unit price needs one of price, tiers and bands, this has {' and '.join(given) or 'none'}.",
                "Keep exactly one: 'price' for one price, 'tiers' for one by volume, 'bands' for graduated ones.",
            )
        return self

    def lower(self) -> Node:
        """``q * price / per`` rounded once, where q = ``min(max(0, quantity - allowance), max_quantity)``"""
        quantity = self.quantity
        if self.allowance is not None:
            quantity = Max((ZERO, Minus(quantity, self.allowance)))
        if self.max_quantity is not None:
            quantity = Min((quantity, self.max_quantity))
        scope = isinstance(self.per, Name) and self.per.name in ("provider", "agreement")
        divisors = () if scope or is_one(self.per) else (self.per,)
        if self.bands is not None:
            return product((bands_of(quantity, self.bands),), divisors)
        price = step_of(quantity, self.tiers) if self.tiers is not None else self.price
        return product((quantity, price if price is not None else ZERO), divisors)


class Rate(Part):
    """Money per unit on one side of a target."""

    rate: Expression
    per: Expression = UNIT
    """Units that one rate pays for."""
    deadband: Expression = ZERO
    """Distance from the target without effect; its edge pays."""
    limit: Expression | None = None
    """Units that count at most."""
    mode: Literal["excess", "cliff"] = "excess"
    """``excess``: only the distance beyond the deadband counts; ``cliff``: all of it, once the deadband is reached."""

    def lower(self, distance: Node) -> Node:
        """``min(max(0, distance - deadband), limit) * rate / per``; as cliff, all the distance from the deadband on."""
        wide = not (isinstance(self.deadband, Number) and self.deadband.value == 0)
        if self.mode == "cliff" and wide:
            reached = Compare(Relation.GE, distance, self.deadband)
            units: Node = If(reached, Max((ZERO, distance)), ZERO)
        else:
            units = Max((ZERO, Minus(distance, self.deadband) if wide else distance))
        if self.limit is not None:
            units = Min((units, self.limit))
        return product((units, self.rate), () if is_one(self.per) else (self.per,))


class BonusMalus(ScopedClause):
    """Money for each unit better than a target, less money for each unit worse."""

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

    def lower(self) -> Node:
        """``bonus - malus``"""
        above, below = Minus(self.of, self.target), Minus(self.target, self.of)
        good, bad = (above, below) if self.better == "higher" else (below, above)
        bonus = self.bonus.lower(good) if self.bonus is not None else ZERO
        if self.malus is None:
            return bonus
        return Minus(bonus, self.malus.lower(bad))


class FormulaClause(ScopedClause):
    """A formula as it is."""

    kind: Literal["formula"]
    is_: Annotated[Expression, Field(alias="is")]

    def lower(self) -> Node:
        """``is``"""
        return self.is_


def _times(amount: Node, factor: Node) -> Node:
    return amount if is_one(factor) else product((amount, factor))


AnyClause = FixedFee | CurveClause | StepClause | ServiceCredit | UnitPrice | BonusMalus | FormulaClause
Clause = Annotated[AnyClause, Field(discriminator="kind")]
"""One pricing rule of the agreement."""
