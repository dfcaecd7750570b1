"""What is done to an amount after its clause gave it, in the order written: limits, factors, rounding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, InstanceOf, PlainSerializer, model_validator

from pyoutcome.decimals import DECIMALS, ONE, Rounding
from pyoutcome.errors import AgreementError, did_you_mean
from pyoutcome.formula.parser import parse
from pyoutcome.formula.printer import to_text
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
    product,
)  # fmt: skip
from pyoutcome.terms import spelling
from pyoutcome.terms.form import ZERO, Draft
from pyoutcome.terms.part import Part, Ways
from pyoutcome.terms.problems import refusing
from pyoutcome.terms.rows import Threshold
from pyoutcome.terms.scalars import Expression, Whole
from pyoutcome.terms.tables import Head

DAYS_OF_A_YEAR: Final = Number(365 * ONE)
EARNED: Final = Name("earned_before")
SETTLEMENT: Final = "settlement"
"""What the settlement's draft is called; no clause can be."""
SPANNING: Final = ("recoup", "yearly_at_most", "yearly_at_least", "lifetime_at_most", "lifetime_at_least")
_YEAR_BEGINS: Final = Compare(Relation.EQ, Name("period_of_year"), Number(ONE, "1"))


class Rounded:
    """A rounding step and its mode."""

    def __init__(self, step: Node, mode: Rounding) -> None:
        self.step = step
        self.mode = mode

    def __str__(self) -> str:
        return f"{to_text(self.step)} {self.mode}"

    def apply(self, amount: Node) -> Node:
        """The amount as a multiple of the step."""
        return Round(amount, self.step, self.mode)


@refusing
def _rounded(value: object) -> Rounded:
    step, _, mode = value.strip().rpartition(" ") if isinstance(value, str) else ("", "", "")
    if not step:
        raise AgreementError(
            "bad-rounding", "Rounding needs a step and a mode.", "Write it such as 'round: 0.01 half_up'."
        )
    if mode not in list(Rounding):
        raise AgreementError(
            "bad-rounding", f"{mode[:60]!r} is not a rounding mode.", did_you_mean(mode, list(Rounding))
        )
    return Rounded(parse(step), Rounding(mode))


StepAndMode = Annotated[
    InstanceOf[Rounded], BeforeValidator(_rounded), PlainSerializer(str, return_type=str), spelling.ROUNDING
]
"""How something is rounded, such as ``0.01 half_up``."""


class Interest(Part):
    """Simple interest on the amount."""

    rate: Expression
    """Per ``basis`` days."""
    days: Expression
    basis: Expression = DAYS_OF_A_YEAR


class Adjustment(Part):
    """One entry of ``then``: exactly one operation, and optionally when it applies."""

    at_most: Expression | None = None
    at_least: Expression | None = None
    times: Expression | None = None
    plus: Expression | None = None
    less: Expression | None = None
    offset: Expression | None = None
    """Taken off, but never below 0."""
    nothing_unless: Threshold | None = None
    interest: Interest | None = None
    round: StepAndMode | None = None
    recoup: Expression | None = None
    """An advance or deductible: taken off until so much was taken off in all periods together."""
    yearly_at_most: Expression | None = None
    """The amounts of a contract year together stay at or below it."""
    yearly_at_least: Expression | None = None
    lifetime_at_most: Expression | None = None
    """The amounts of all periods together stay at or below it."""
    lifetime_at_least: Expression | None = None
    when: Expression | None = None

    @classmethod
    def ways(cls) -> Ways:
        """One operation, whichever."""
        return (tuple((name,) for name in cls.model_fields if name != "when"),)

    @model_validator(mode="after")
    @refusing
    def _one_operation(self) -> Adjustment:
        operations = [name for (name,) in self.ways()[0]]
        given = [name for name in operations if getattr(self, name) is not None]
        if len(given) != 1:
            raise AgreementError(
                "bad-adjustment",
                f"An entry needs one operation, this has {len(given)}.",
                f"Write one entry for each operation, in the order they apply: {', '.join(operations)}.",
            )
        return self

    def apply(self, amount: Node, draft: Draft) -> Node:
        """The formula of the adjusted amount; what it carries on goes into the draft."""
        if self.recoup is not None:
            return self._recouped(amount, self.recoup, draft)
        if self.yearly_at_most is not None or self.yearly_at_least is not None:
            return self._within_year(amount, draft)
        return self._if(self._changed(amount, draft), amount)

    @property
    def spans_periods(self) -> bool:
        """Does it concern the amounts of several periods together?"""
        return any(getattr(self, name) is not None for name in SPANNING)

    @property
    def carries(self) -> bool:
        """Does it carry something on, also in periods in which it does not apply?"""
        return self.spans_periods and self.lifetime_at_most is None and self.lifetime_at_least is None

    def _if(self, after: Node, otherwise: Node) -> Node:
        return after if self.when is None else If(self.when, after, otherwise)

    def _recouped(self, amount: Node, whole: Node, draft: Draft) -> Node:
        part = _free(draft, "recouped")
        left = Max((ZERO, Minus(whole, draft.before(part))))
        taken = draft.let(f"{part}_now", self._if(Min((Max((ZERO, amount)), left)), ZERO))
        draft.carry(part, Plus(draft.before(part), taken))
        return Minus(amount, taken)

    def _within_year(self, amount: Node, draft: Draft) -> Node:
        part = _free(draft, "this_year")
        unspent = If(_YEAR_BEGINS, ZERO, draft.before(part))
        before = draft.let(f"{part}_before", unspent)
        if self.yearly_at_most is not None:
            limited: Node = Min((amount, Minus(self.yearly_at_most, before)))
        else:
            limited = Max((amount, Minus(self.yearly_at_least or ZERO, before)))
        after = draft.let(f"{part}_now", self._if(limited, amount))
        draft.carry(part, Plus(before, after), idle=unspent)
        return after

    def _changed(self, amount: Node, draft: Draft) -> Node:
        if self.lifetime_at_most is not None:
            return Min((amount, Minus(self.lifetime_at_most, _earlier(draft))))
        if self.lifetime_at_least is not None:
            return Max((amount, Minus(self.lifetime_at_least, _earlier(draft))))
        if self.round is not None:
            return self.round.apply(amount)
        if self.nothing_unless is not None:
            return nothing_unless(amount, self.nothing_unless)
        if self.interest is not None:
            rate, days, basis = self.interest.rate, self.interest.days, self.interest.basis
            return Plus(amount, product((amount, rate, days), (basis,)))
        for name, build in _BUILD.items():
            operand = getattr(self, name)
            if operand is not None:
                return build(amount, operand)
        raise AssertionError("an adjustment has one operation")


class Hold(Part):
    """A share of what is owed that is kept until a condition holds."""

    share: Expression
    release_when: Expression
    """When it holds nothing is kept and all that was kept is owed."""


class SettlementEntry(Adjustment):
    """One entry of ``settlement``: an adjustment of each provider's net amount, or one of two of its own."""

    hold: Hold | None = None
    to_units: Annotated[Whole, Field(ge=0, le=DECIMALS)] | None = None
    """Decimals left, the rest cut off toward zero; always the last entry."""

    def _changed(self, amount: Node, draft: Draft) -> Node:
        if self.to_units is not None:
            return Round(amount, Number(10 ** (DECIMALS - self.to_units)), Rounding.DOWN)
        if self.hold is not None:
            return self._held(amount, self.hold, draft)
        return super()._changed(amount, draft)

    def _held(self, amount: Node, hold: Hold, draft: Draft) -> Node:
        part = _free(draft, "held")
        kept = draft.let(f"{part}_now", product((hold.share, Max((ZERO, amount)))))
        before = draft.before(part)
        following: Node = If(hold.release_when, ZERO, Plus(before, kept))
        draft.carry(part, following if self.when is None else If(self.when, following, before))
        return If(hold.release_when, Plus(amount, before), Minus(amount, kept))


def _free(draft: Draft, part: str) -> str:
    """A name for a carried value that no entry before has taken."""
    while draft.carries(f"{draft.clause}.{part}"):
        part += "_too"
    return part


def _earlier(draft: Draft) -> Name:
    """What earlier periods came to: of the provider in the settlement, else of the line."""
    return EARNED if draft.clause == SETTLEMENT else Name(f"to_date.{draft.clause}")


def nothing_unless(amount: Node, threshold: Head) -> Node:
    """The amount, or 0 where it does not reach the threshold."""
    return If(reaches(amount, threshold), amount, ZERO)


def reaches(amount: Node, threshold: Head) -> Node:
    """Does the amount reach the threshold?"""
    relation = Relation.GE if threshold.word == "at_least" else Relation.GT
    return Compare(relation, amount, threshold.at or ZERO)


_BUILD: Final[dict[str, Callable[[Node, Node], Node]]] = {
    "at_most": lambda amount, limit: Min((amount, limit)),
    "at_least": lambda amount, limit: Max((amount, limit)),
    "times": lambda amount, factor: product((amount, factor)),
    "plus": Plus,
    "less": Minus,
    "offset": lambda amount, taken: Max((ZERO, Minus(amount, taken))),
}

Adjustments = Annotated[tuple[Adjustment, ...], Field(max_length=20)]
"""Applied from first to last."""
SettlementEntries = Annotated[tuple[SettlementEntry, ...], Field(max_length=20)]
"""Applied from first to last to each provider's net amount."""


def apply_all(amount: Node, adjustments: tuple[Adjustment, ...], draft: Draft) -> Node:
    """The amount after all adjustments; each stage is a part of the draft, ``then1`` after the first."""
    for position, adjustment in enumerate(adjustments, 1):
        amount = draft.let(f"then{position}", adjustment.apply(amount, draft))
    return amount
