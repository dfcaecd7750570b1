"""What is done to an amount after its clause gave it, in the order written: limits, factors, rounding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, ClassVar, Final

from pydantic import BeforeValidator, Field, InstanceOf, PlainSerializer, model_validator

from pyoutcome.decimals import Rounding
from pyoutcome.errors import AgreementError, did_you_mean
from pyoutcome.formula.parser import parse
from pyoutcome.formula.printer import to_text
from pyoutcome.formula.syntax import (
    Compare,
    If,
    Max,
    Min,
    Minus,
    Node,
    Number,
    Plus,
    Relation,
    Round,
    product,
)  # fmt: skip
from pyoutcome.terms.problems import refusing
from pyoutcome.terms.rows import Head, Threshold
from pyoutcome.terms.scalars import Expression, Part

ZERO: Final = Number(0)
_AMONG: Final = "at_most, at_least, times, plus, less, offset, nothing_unless, round"


class Rounded:
    """A rounding step and its mode."""

    def __init__(self, step: Node, mode: Rounding) -> None:
        self.step = step
        self.mode = mode

    def __str__(self) -> str:
        return f"{to_text(self.step)} {self.mode}"


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


class Adjustment(Part):
    """One entry of ``then`` or ``settlement``: exactly one operation, and optionally when it applies."""

    LATER: ClassVar[dict[str, str]] = {
        "interest": "Write the interest as a clause of kind formula.",
        "lifetime_at_most": "Limit every period instead.",
        "lifetime_at_least": "Limit every period instead.",
        "hold": "Use 'holdback' under 'escrow'.",
        "to_units": "Delete the entry: amounts always end in whole base units, truncated toward zero.",
    }

    at_most: Expression | None = None
    at_least: Expression | None = None
    times: Expression | None = None
    plus: Expression | None = None
    less: Expression | None = None
    offset: Expression | None = None
    """Taken off, but never below 0."""
    nothing_unless: Threshold | None = None
    round: Annotated[InstanceOf[Rounded], BeforeValidator(_rounded), PlainSerializer(str, return_type=str)] | None = (
        None
    )
    when: Expression | None = None

    @model_validator(mode="after")
    @refusing
    def _one_operation(self) -> Adjustment:
        given = [name for name in type(self).model_fields if name != "when" and getattr(self, name) is not None]
        if len(given) != 1:
            raise AgreementError(
                "bad-adjustment",
                f"An entry needs one operation, this has {len(given)}.",
                f"Write one entry for each operation, in the order they apply: {_AMONG}.",
            )
        return self

    def repeats(self) -> bool:
        """Does the result mention the amount more than once?"""
        return self.when is not None or self.nothing_unless is not None

    def apply(self, amount: Node) -> Node:
        """The formula of the adjusted amount."""
        after = self._changed(amount)
        return after if self.when is None else If(self.when, after, amount)

    def _changed(self, amount: Node) -> Node:
        if self.round is not None:
            return Round(amount, self.round.step, self.round.mode)
        if self.nothing_unless is not None:
            return _nothing_unless(amount, self.nothing_unless)
        for name, build in _BUILD.items():
            operand = getattr(self, name)
            if operand is not None:
                return build(amount, operand)
        raise AssertionError("an adjustment has one operation")


def _nothing_unless(amount: Node, threshold: Head) -> Node:
    relation = Relation.GE if threshold.word == "at_least" else Relation.GT
    return If(Compare(relation, amount, threshold.at or ZERO), amount, ZERO)


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


def apply_all(amount: Node, adjustments: tuple[Adjustment, ...], name_it: Callable[[Node, int], Node]) -> Node:
    """The amount after all adjustments.

    ``name_it(amount, position)`` gives an amount that is mentioned twice a name, so that formulas stay small and no
    amount is ever worked out by two copies of its formula.
    """
    for position, adjustment in enumerate(adjustments):
        if adjustment.repeats():
            amount = name_it(amount, position)
        amount = adjustment.apply(amount)
    return amount
