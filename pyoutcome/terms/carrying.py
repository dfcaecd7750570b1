"""Values that one period leaves to the next: any formula, or in plain words a count, streak, sum, mean or extreme."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field, model_validator

from pyoutcome.decimals import ONE
from pyoutcome.errors import AgreementError
from pyoutcome.formula.syntax import (
    And,
    Compare,
    If,
    Lag,
    Max,
    Min,
    Name,
    Node,
    Number,
    Plus,
    Relation,
    SumLast,
    product,
)  # fmt: skip
from pyoutcome.terms.part import Part
from pyoutcome.terms.problems import demand_one, refusing
from pyoutcome.terms.scalars import Expression, Whole
from pyoutcome.terms.spelling import Json

ZERO: Final = Number(0)
_ONE: Final = Number(ONE, "1")
_PERIOD: Final = Name("period")
_PERIOD_OF_YEAR: Final = Name("period_of_year")
_WAYS: Final = ("next", "each_year", "count", "streak", "sum", "mean", "highest", "lowest")
_STARTED: Final = ("next", "each_year")
"""These need a start; a mean has none, the others start at nothing unless it is given."""
MOST_READINGS: Final = 24
"""Periods that a highest or lowest value can look back."""


@dataclass(frozen=True)
class StateForm:
    """What a carried value comes to in the payment rule; every name as formulas of the file write it."""

    values: tuple[tuple[str, Node], ...]
    """Definitions by name."""
    registers: tuple[tuple[str, Node, Node], ...]
    """Name, start, next value."""


class CarriedState(Part):
    """A value carried from period to period."""

    WAYS = (tuple((way,) for way in _WAYS),)
    SHAPE: ClassVar[Json] = {"dependentRequired": {way: ["start"] for way in _STARTED}}

    start: Expression | None = None
    """Before the first period, from terms and numbers only."""
    next: Expression | None = None
    """After each period; or one of the following."""
    each_year: Expression | None = None
    """The value from the first period of each later contract year on."""
    count: Expression | None = None
    """The number of periods in which this holds."""
    streak: Expression | None = None
    """The number of periods in a row, up to this one, in which this holds."""
    sum: Expression | None = None
    mean: Expression | None = None
    highest: Expression | None = None
    lowest: Expression | None = None
    last: Annotated[Whole, Field(ge=1, le=127)] | None = None
    """Only of so many periods, this one included."""
    per: Literal["year"] | None = None
    """Only of this contract year."""

    @model_validator(mode="after")
    @refusing
    def _one_way(self) -> CarriedState:
        demand_one(
            self, self.WAYS[0], "A carried value", "Keep the one that says how the value goes on from period to period."
        )
        if self.way in _STARTED and self.start is None:
            raise AgreementError(
                "missing-key", "'start' is missing here.", "Add 'start: ...', the value before period 1.", key="start"
            )
        limited = self.last is not None or self.per is not None
        needless = {
            "last": self.last is not None and (self.per is not None or self.way in (*_STARTED, "streak")),
            "per": self.per is not None and self.way in _STARTED,
            "start": self.start is not None and (self.way == "mean" or (limited and self.way not in _STARTED)),
        }
        for key, wrong in needless.items():
            if wrong:
                raise AgreementError(
                    "needless-key",
                    f"{key!r} means nothing beside {self.way!r}{' of a limited time' if limited else ''}.",
                    "Delete it, or write the value with 'start' and 'next'.",
                    key=key,
                )
        if self.way in ("highest", "lowest") and (self.last or 0) > MOST_READINGS:
            raise AgreementError(
                "out-of-limits",
                f"A {self.way} value looks back at most {MOST_READINGS} periods.",
                "Write fewer periods, or 'per: year'.",
            )
        return self

    @property
    def way(self) -> str:
        """The key that says how the value goes on."""
        return next(name for name in _WAYS if getattr(self, name) is not None)

    @property
    def of(self) -> Node:
        """The formula behind that key."""
        found: Node = getattr(self, self.way)
        return found

    @property
    def is_register(self) -> bool:
        """Is it carried itself, rather than worked out each period from values of earlier ones?"""
        return self.last is None and self.way != "mean"

    def form(self, name: str) -> StateForm:
        """What it comes to under its name."""
        now = Name(f"{name}.now")
        if self.last is not None:
            of: Node = If(self.of, _ONE, ZERO) if self.way == "count" else self.of
            return StateForm(((now.name, of), (name, self._of_last(now, self.last))), ())
        first = Compare(Relation.EQ, _PERIOD_OF_YEAR if self.per else _PERIOD, _ONE)
        if self.way == "mean":
            total = f"{name}.sum"
            counted = _PERIOD_OF_YEAR if self.per else _PERIOD
            summed = Plus(self._since(Name(f"prev.{total}")), self.of)
            return StateForm(((name, product((Name(total),), (counted,))),), ((total, ZERO, summed),))
        before = self._since(Name(f"prev.{name}"))
        start = self.start if self.start is not None else ZERO
        if self.way in ("highest", "lowest"):
            extreme = _extreme(self.way)((before, now))
            following = extreme if self.start is not None else If(first, now, extreme)
            return StateForm(((now.name, self.of),), ((name, start, following),))
        return StateForm((), ((name, start, self._following(before)),))

    def _since(self, before: Name) -> Node:
        """The value before this period, or nothing at the start of a contract year."""
        if self.per is None or self.way in ("highest", "lowest"):
            return before
        return If(Compare(Relation.EQ, _PERIOD_OF_YEAR, _ONE), ZERO, before)

    def _following(self, before: Node) -> Node:
        match self.way:
            case "each_year":
                later = Compare(Relation.GT, _PERIOD, _ONE)
                return If(And(Compare(Relation.EQ, _PERIOD_OF_YEAR, _ONE), later), self.of, before)
            case "count":
                return Plus(before, If(self.of, _ONE, ZERO))
            case "streak":
                return If(self.of, Plus(before, _ONE), ZERO)
            case "sum":
                return Plus(before, self.of)
            case _:
                return self.of

    def _of_last(self, now: Name, periods: int) -> Node:
        if self.way in ("highest", "lowest"):
            earlier = (
                If(Compare(Relation.GT, _PERIOD, Number(ago * ONE, str(ago))), Lag(now.name, ago), now)
                for ago in range(1, periods)
            )
            operands = (now, *earlier)
            return _extreme(self.way)(operands) if len(operands) > 1 else now
        total: Node = Plus(now, SumLast(now.name, periods - 1)) if periods > 1 else now
        if self.way != "mean":
            return total
        return product((total,), (Min((_PERIOD, Number(periods * ONE, str(periods)))),))


def _extreme(way: str) -> Callable[[tuple[Node, ...]], Node]:
    return Max if way == "highest" else Min


def state_words(said: str, state: CarriedState, words: Callable[[Node], str]) -> str:
    """How a carried value goes on, as a sentence; ``said`` is its name and ``words`` says formulas."""
    if state.way in _STARTED:
        when = "at the start of each later contract year" if state.way == "each_year" else "after each period"
        start = words(state.start if state.start is not None else ZERO)
        return (
            f"{said} is carried from period to period and not paid by itself: it starts as {start}, and {when} it is "
            f"{words(state.of)}."
        )
    what = {
        "count": f"the number of periods in which {words(state.of)}",
        "streak": f"the number of periods in a row, the last being this one, in which {words(state.of)}",
        "sum": f"the sum of {words(state.of)}",
        "mean": f"the mean of {words(state.of)}",
        "highest": f"the highest value of {words(state.of)}",
        "lowest": f"the lowest value of {words(state.of)}",
    }[state.way]
    if state.last is not None:
        over = f"over the last {state.last} periods, this one included (before the term there is nothing)"
    else:
        over = f"over all periods of {'the contract year' if state.per else 'the term'} up to this one"
    if state.way == "streak":
        over = "within the contract year" if state.per else "since the start of the term"
    begun = f", counted on from {words(state.start)}" if state.start is not None else ""
    if begun and state.way in ("highest", "lowest"):
        begun = f", or {words(state.start or ZERO)} where no value is {'higher' if state.way == 'highest' else 'lower'}"
    return f"{said} is {what} {over}{begun}. It is not paid by itself."
