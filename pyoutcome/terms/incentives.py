"""Clauses that share savings and overruns: gainshare and incentive fees."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

from pydantic import BeforeValidator, Discriminator, Tag, model_validator

from pyoutcome.errors import AgreementError
from pyoutcome.formula.syntax import Clamp, Max, Min, Minus, Name, Node, Plus, product
from pyoutcome.terms.adjustments import nothing_unless
from pyoutcome.terms.clause import UNIT, ScopedClause, is_zero
from pyoutcome.terms.form import ZERO, Draft
from pyoutcome.terms.part import Part, Ways
from pyoutcome.terms.problems import demand_one, given_way, refusing
from pyoutcome.terms.rows import BandRows, Least, Row, bands_of, scaled_bands
from pyoutcome.terms.scalars import Expression, YesNo


class Sharing(Part):
    """How a saving (or an overrun) is shared."""

    WAYS: ClassVar[Ways] = ((("share",), ("bands",)),)

    share: Expression | None = None
    """One share of all of it; or ``bands``, each part at its own share."""
    bands: BandRows | None = None
    scale: Expression = UNIT
    """What the edges of the bands are multiples of, such as the target when they are percentages of it."""
    minimum: Least | None = None
    """The least size that is shared at all."""
    minimum_is: Literal["cliff", "excess"] = "cliff"
    """``cliff``: once reached, all of it is shared; ``excess``: only what lies above the minimum."""
    relief: Expression = ZERO
    """Taken off the shared amount, never below 0."""
    limit: Expression | None = None
    """The greatest shared amount."""

    @model_validator(mode="after")
    @refusing
    def _one_share(self) -> Sharing:
        demand_one(
            self,
            self.WAYS[0],
            "Sharing",
            "Write 'share' for one share of all, or 'bands' for a share of each part.",
        )
        if self.bands is None and self.scale != UNIT:
            raise AgreementError(
                "needless-key", "'scale' means something for bands only.", "Delete it, or write bands.", key="scale"
            )
        return self

    def shared(self, size: Node) -> Node:
        """The shared amount of a size that is not negative: minimum, share, relief, limit in this order."""
        counted = size
        if self.minimum is not None and self.minimum_is == "excess":
            counted = Max((ZERO, Minus(size, self.minimum.at or ZERO)))
        elif self.minimum is not None:
            counted = nothing_unless(size, self.minimum)
        if self.bands is not None:
            amount: Node = scaled_bands(counted, self.bands, self.scale)
        else:
            amount = product((self.share if self.share is not None else ZERO, counted))
        if not is_zero(self.relief):
            amount = Max((ZERO, Minus(amount, self.relief)))
        return amount if self.limit is None else Min((amount, self.limit))


class Gainshare(Sharing, ScopedClause):
    """A share of what is saved against a baseline, less a share of what is overrun."""

    WAYS = (*Sharing.WAYS, (("saving",), ("baseline", "actual")))

    kind: Literal["gainshare"]
    saving: Expression | None = None
    """What is saved, negative for an overrun; or ``baseline`` less ``actual``."""
    baseline: Expression | None = None
    actual: Expression | None = None
    overrun: Sharing | None = None
    """How an overrun is shared; not at all without it."""

    @model_validator(mode="after")
    @refusing
    def _one_saving(self) -> Gainshare:
        if given_way(self, self.WAYS[1]) is None:
            raise AgreementError(
                "one-saving-needed",
                "The clause does not say in one way what is saved.",
                "Write 'saving', or 'baseline' and 'actual', whose difference is the saving.",
            )
        return self

    def lower(self, draft: Draft) -> Node:
        """``gain - pain``"""
        if self.baseline is not None and self.actual is not None:
            saving: Node = Minus(self.baseline, self.actual)
        else:
            saving = self.saving if self.saving is not None else ZERO
        saving = draft.let("saving", saving)
        gain_size = draft.let("gain_size", Max((ZERO, saving)))
        gain = draft.let("gain", self.shared(gain_size))
        lost = Minus(ZERO, saving)
        if self.baseline is not None and self.actual is not None and self.overrun is not None:
            lost = Minus(self.actual, self.baseline)
        pain_size = draft.let("pain_size", Max((ZERO, lost)))
        pain = draft.let("pain", ZERO if self.overrun is None else self.overrun.shared(pain_size))
        return gain if self.overrun is None else Minus(gain, pain)


def _share_or_bands(value: object) -> str:
    if isinstance(value, tuple):
        return BANDS
    heads = list(value) if isinstance(value, dict) else []
    return BANDS if any(str(head).split(" ")[0] in ("upto", "next", "rest") for head in heads) else SHARE


SHARE: Final = "(share)"
BANDS: Final = "(bands)"
ShareOrBands = Annotated[
    Annotated[Expression, Tag(SHARE)] | Annotated[BandRows, Tag(BANDS)],
    Discriminator(_share_or_bands),
]
"""One share of all of it, or a share of each part."""


class Sides(Part):
    """A share of what is under the target and one of what is over it."""

    under: ShareOrBands
    over: ShareOrBands


def _shared(share: Node | tuple[Row, ...], size: Node) -> Node:
    return bands_of(size, share) if isinstance(share, tuple) else product((share, size))


def _sides(value: object) -> object:
    one = isinstance(value, str) or (isinstance(value, dict) and not {"under", "over"} & set(value))
    return {"under": value, "over": value} if one else value


class IncentiveFee(ScopedClause):
    """Cost and a fee that shares savings and overruns against a target, up to a ceiling price."""

    kind: Literal["incentive_fee"]
    actual_cost: Expression
    target_cost: Expression
    target_fee: Expression
    provider_share: Annotated[Sides, BeforeValidator(_sides, json_schema_input_type=Sides | ShareOrBands)]
    """The provider's share of savings and overruns: one, or one ``under`` and one ``over`` the target cost. Each is one
    share of all of it, or bands with a share of each part."""
    fee_range: tuple[Expression, Expression] | None = None
    """Least and greatest fee."""
    ceiling: Expression | None = None
    """The greatest price."""
    pays_cost: YesNo = True
    """``no``: the cost is paid elsewhere, and the clause pays the price less the cost."""

    def lower(self, draft: Draft) -> Node:
        """``min(ceiling, cost + clamp(fee))``"""
        cost, target, shares = self.actual_cost, self.target_cost, self.provider_share
        draft.let("overrun", Minus(cost, target))
        saving = Minus(target, cost)
        if isinstance(shares.under, Node) and shares.under == shares.over:
            fee: Node = Plus(self.target_fee, product((shares.under, saving)))
        else:
            gain = _shared(shares.under, Max((ZERO, saving)))
            fee = Minus(Plus(self.target_fee, gain), _shared(shares.over, Max((ZERO, Minus(cost, target)))))
        fee = draft.let("fee_before_limits", fee)
        fee = draft.let("fee", fee if self.fee_range is None else Clamp(fee, *self.fee_range))
        price: Node = Plus(cost, fee)
        if self.ceiling is not None:
            price = Min((self.ceiling, price))
        if self.ceiling is not None and isinstance(shares.over, Node):
            above = Minus(Minus(self.ceiling, target), self.target_fee)
            draft.let("pta", Plus(target, product((above,), (Minus(UNIT, shares.over),))))
        base = Name(f"{draft.clause}.base")
        draft.let("profit", Minus(base, cost) if self.pays_cost else base)
        if self.pays_cost:
            return price
        return fee if self.ceiling is None else Minus(price, cost)
