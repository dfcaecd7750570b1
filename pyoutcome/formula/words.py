"""Formula to plain English: the same tree that is evaluated, read aloud.

Two formulas that differ never read the same. Every phrase of more than one word stands in brackets wherever it is part
of another, but for products inside sums and comparisons, and sums at the left end of sums: so each phrase can be taken
apart in one way only. Every number of the formula appears in its words, with thousands separators, and with a percent
sign where it was written with one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from pyoutcome.decimals import ONE, Rounding, show_grouped
from pyoutcome.formula import syntax as s

_RELATIONS: Final = {
    s.Relation.LT: "is less than",
    s.Relation.LE: "is at most",
    s.Relation.EQ: "is equal to",
    s.Relation.GT: "is more than",
    s.Relation.GE: "is at least",
    s.Relation.NE: "is not equal to",
}
_EDGES: Final = {
    s.Edge.AT_LEAST: "is at least",
    s.Edge.ABOVE: "is more than",
    s.Edge.AT_MOST: "is at most",
    s.Edge.BELOW: "is less than",
}
ROUNDED: Final = {
    Rounding.DOWN: "rounded toward zero to a multiple of {}",
    Rounding.UP: "rounded away from zero to a multiple of {}",
    Rounding.HALF_UP: "rounded to the nearest multiple of {}, ties away from zero",
    Rounding.HALF_EVEN: "rounded to the nearest multiple of {}, ties to the even multiple",
    Rounding.FLOOR: "rounded down to a multiple of {}",
    Rounding.CEIL: "rounded up to a multiple of {}",
}
_CALENDAR: Final = {
    "period": "the number of the period",
    "year": "the number of the contract year",
    "period_of_year": "the number of the period within its contract year",
}
_EARLIER: Final = {
    "total": "the total of {} over all providers",
    "prev": "{} at the end of the period before",
    "to_date": "the sum of {} in all earlier periods",
    "earned_before": "what {} has earned in all earlier periods",
}
_SERIES: Final = {"year": "contract year", "period": "period"}
_SIMPLE: Final = (s.Number, s.Truth, s.Name)


def to_words(node: s.Node, say: Callable[[str], str] = str) -> str:
    """A formula as an English phrase; ``say`` gives the words for a name (the name itself unless told otherwise).

    Different names must have different words, and words of which no other phrase of this module is made.
    """
    return _Speaker(say).phrase(node)


def number_words(node: s.Number) -> str:
    """A constant for people: exact, with thousands separators, as percent if it was written so."""
    return show_grouped(node.value, percent=node.text.endswith("%"))


def list_words(parts: Iterable[str], last: str = "and") -> str:
    """Words as a list in English: ``a``, ``a and b``, ``a, b and c``; no words for none.

    ``last`` is what stands before the last one.
    """
    *others, end = tuple(parts) or ("",)
    return f"{', '.join(others)} {last} {end}" if others else end


def _counts_up(node: s.Step) -> bool:
    """Is it one value for 1, one for 2, and so on?"""
    wanted = [(s.Edge.AT_MOST, s.Number(at * ONE)) for at in range(1, len(node.rows) + 1)]
    return wanted == [(row.edge, row.at) for row in node.rows]


class _Speaker:
    def __init__(self, say: Callable[[str], str]) -> None:
        self.say = say

    def inner(self, node: s.Node) -> str:
        """The phrase, in brackets unless it is one word."""
        simple = isinstance(node, _SIMPLE) and not (isinstance(node, s.Name) and _is_earlier(node.name))
        return self.phrase(node) if simple else f"({self.phrase(node)})"

    def phrase(self, node: s.Node) -> str:  # noqa: C901 - one case per kind of node
        match node:
            case s.Number():
                return number_words(node)
            case s.Truth():
                return "yes" if node.value else "no"
            case s.Name():
                return self.name(node.name)
            case s.Neg():
                return f"minus {self.inner(node.operand)}"
            case s.Not():
                return f"it is not so that {self.inner(node.operand)}"
            case s.Abs():
                return f"the size of {self.inner(node.operand)} without its sign"
            case s.Plus():
                left = self.phrase(node.left) if isinstance(node.left, s.Plus | s.Minus) else self.term(node.left)
                return f"{left} plus {self.term(node.right)}"
            case s.Minus():
                left = self.phrase(node.left) if isinstance(node.left, s.Plus | s.Minus) else self.term(node.left)
                return f"{left} less {self.term(node.right)}"
            case s.Product():
                return self.product(node)
            case s.Compare():
                return f"{self.term(node.left)} {_RELATIONS[node.relation]} {self.term(node.right)}"
            case s.And():
                return f"{self.inner(node.left)} and {self.inner(node.right)}"
            case s.Or():
                return f"{self.inner(node.left)} or {self.inner(node.right)}"
            case s.If():
                condition = (
                    self.inner(node.condition) if isinstance(node.condition, s.If) else self.phrase(node.condition)
                )
                return f"{self.inner(node.then)} if {condition}, otherwise {self.inner(node.otherwise)}"
            case s.Min() | s.Max():
                words = ("lesser", "least") if isinstance(node, s.Min) else ("greater", "greatest")
                which = words[len(node.operands) > 2]
                return f"the {which} of {list_words([self.inner(operand) for operand in node.operands])}"
            case s.Clamp():
                low, high = self.inner(node.low), self.inner(node.high)
                return f"{self.inner(node.of)}, but not less than {low} and not more than {high}"
            case s.Outside():
                low, high = self.inner(node.low), self.inner(node.high)
                return f"how far {self.inner(node.of)} lies outside the range from {low} to {high}"
            case s.Round():
                return f"{self.inner(node.of)} {ROUNDED[node.mode].format(self.inner(node.step))}"
            case s.SumLast():
                span = "period" if node.periods == 1 else f"last {node.periods} periods"
                return f"the sum of {self.say(node.name)} over the {span} before this one"
            case s.Lag():
                ago = "1 period ago" if node.periods == 1 else f"{node.periods} periods ago"
                return f"{self.say(node.name)} {ago}"
            case _:
                return self.table(node)

    def name(self, name: str) -> str:
        if name in _CALENDAR:
            return _CALENDAR[name]
        first, _, rest = name.partition(".")
        if _is_earlier(name):
            return _EARLIER[first].format(self.say(rest) if rest else "the provider")
        return self.say(name)

    def product(self, node: s.Product) -> str:
        first, *others = node.factors
        above = self.inner(first)
        if others and isinstance(first, s.Number) and first.text.endswith("%"):
            above += f" of {' times '.join(self.inner(factor) for factor in others)}"
        else:
            above = " times ".join([above, *(self.inner(factor) for factor in others)])
        return " divided by ".join([above, *(self.inner(divisor) for divisor in node.divisors)])

    def term(self, node: s.Node) -> str:
        """Part of a sum or comparison: products need no brackets there."""
        return self.phrase(node) if isinstance(node, s.Product) else self.inner(node)

    def table(self, node: s.Node) -> str:
        match node:
            case s.Step(of=s.Name(name)) if name in _SERIES and _counts_up(node):
                rows = [f"{self.inner(row.value)} in {_SERIES[name]} {self.inner(row.at)}" for row in node.rows]
                return f"{'; '.join(rows)}; {self.inner(node.otherwise)} in every later {_SERIES[name]}"
            case s.Step():
                of = self.inner(node.of)
                rows = [f"{self.inner(row.value)} if {of} {_EDGES[row.edge]} {self.inner(row.at)}" for row in node.rows]
                return f"the first that holds of: {'; '.join(rows)}; otherwise {self.inner(node.otherwise)}"
            case s.Pick():
                choice = self.inner(node.choice)
                rows = [f"{self.inner(row.value)} if {choice} is {row.label}" for row in node.rows]
                if node.otherwise is not None:
                    rows.append(f"otherwise {self.inner(node.otherwise)}")
                return "; ".join(rows)
            case s.Bands():
                parts: list[str] = []
                for row in node.rows:
                    width = "next" if parts else "first"
                    part = width if row.is_width else "part from there up to" if parts else "part up to"
                    parts.append(f"{self.inner(row.rate)} per unit of the {part} {self.inner(row.to)}")
                parts.append(f"{self.inner(node.rest)} per unit of the {'rest' if node.rows else 'whole'}")
                return f"the sum over {self.inner(node.of)} in bands: {'; '.join(parts)}; nothing below zero"
            case s.Curve():
                points = [f"{self.inner(point.y)} at {self.inner(point.x)}" for point in node.points]
                line = f"the value on straight lines through {list_words(points)}"
                return f"{line}, read at {self.inner(node.of)} and flat outside them"
            case _:
                raise TypeError(f"{type(node).__name__} is not a formula by itself")


def _is_earlier(name: str) -> bool:
    """Is it said in several words: a total, or a value of earlier periods?"""
    first, _, rest = name.partition(".")
    return first in _EARLIER and (bool(rest) or first == "earned_before")
