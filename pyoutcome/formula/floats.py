"""Formulas as NumPy code over many scenarios at once, by the operations of ``arrays.py``."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import reduce
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from pyoutcome.decimals import INT256_MAX, ONE
from pyoutcome.errors import FormulaError
from pyoutcome.formula import syntax as s
from pyoutcome.formula.arrays import UNIT, Arrays, Many, constant
from pyoutcome.formula.folding import Folding
from pyoutcome.formula.generated import Code, Term, term

if TYPE_CHECKING:
    from pyoutcome.formula.rule import Rule

_EDGES: Final = {
    s.Edge.AT_LEAST: s.Relation.GE,
    s.Edge.ABOVE: s.Relation.GT,
    s.Edge.AT_MOST: s.Relation.LE,
    s.Edge.BELOW: s.Relation.LT,
}


class Floats(Arrays):
    """Writes the code of formulas for one period; ``known`` and ``flags`` hold what names stand for so far."""

    def __init__(self, rule: Rule, code: Code, own: dict[str, int]) -> None:
        super().__init__(code)
        self.rule = rule
        self.known: dict[str, Many] = {}
        self.flags: dict[str, Term] = {}
        self.past: dict[str, list[Many]] = {}
        """Values of earlier periods, newest first."""
        self.openings: dict[str, Many] = {}
        self.folding = Folding(rule, own)

    def fold(self, node: s.Node) -> Many | None:
        if not self.folding.is_constant(node):
            return None
        try:
            return constant(self.folding.value(node))
        except FormulaError:
            return self.give_up()

    def number(self, node: s.Node) -> Many:  # noqa: C901 - one case per kind of node
        """The code of a number."""
        folded = self.fold(node)
        if folded is not None:
            return folded
        match node:
            case s.Name():
                return self.name(node.name)
            case s.Lag():
                earlier = self.past[node.name]
                if node.periods <= len(earlier):
                    return earlier[node.periods - 1]
                return self.openings.get(node.name, constant(0))
            case s.SumLast():
                total = constant(0)
                for one in self.past[node.name][: node.periods]:
                    total = self.plus(total, one)
                return total
            case s.Neg():
                return self.negative(self.number(node.operand))
            case s.Abs():
                x = self.number(node.operand)
                nearest = Fraction(0) if x.low <= 0 <= x.high else min(abs(x.low), abs(x.high))
                value = None if x.value is None else abs(x.value)
                numbers = self.size(x.term) if value is None else term(1 / 1 if value else 0 / 1)
                return self.kept(replace(x, term=numbers, grain=abs(x.grain), low=nearest, high=x.most, value=value))
            case s.Plus():
                return self.plus(self.number(node.left), self.number(node.right))
            case s.Minus():
                return self.plus(self.number(node.left), self.negative(self.number(node.right)))
            case s.Product():
                return self.product(node)
            case s.Min() | s.Max():
                values = [self.number(operand) for operand in node.operands]
                return reduce(lambda x, y: self.extreme(x, y, least=isinstance(node, s.Min)), values)
            case s.Clamp():
                return self.clamp(self.number(node.of), self.number(node.low), self.number(node.high))
            case s.Outside():
                of, low, high = self.number(node.of), self.number(node.low), self.number(node.high)
                below, above = self.plus(low, self.negative(of)), self.plus(of, self.negative(high))
                return self.extreme(self.extreme(below, above, least=False), constant(0), least=False)
            case s.Round():
                return self.rounded(self.number(node.of), self.number(node.step), node.mode)
            case s.If():
                condition = self.truth(node.condition)
                with self.where(condition):
                    then = self.number(node.then)
                with self.where(~condition):
                    otherwise = self.number(node.otherwise)
                return self.merge(condition, then, otherwise)
            case s.Step():
                x = self.number(node.of)
                rows = [(_EDGES[row.edge], self.number(row.at), self.number(row.value)) for row in node.rows]
                found = self.number(node.otherwise)
                for relation, at, result in reversed(rows):
                    found = self.merge(self.compare(x, relation, at), result, found)
                return found
            case s.Pick():
                return self.pick(node)
            case s.Bands():
                return self.bands(node)
            case s.Curve():
                return self.curve(node)
            case _:
                raise TypeError(f"{type(node).__name__} is no number")

    def name(self, of: str) -> Many:
        if of in self.known:
            return self.known[of]
        first, *others = [self.known[part] for part in self.rule.totals[of]]
        for other in others:
            first = self.plus(first, other)
        return first

    def product(self, node: s.Product) -> Many:
        """The chain rule, as ``Calculation.product`` has it."""
        result = self.number(node.factors[0])
        for factor in node.factors[1:-1]:
            result = self.multiply_divide(result, self.number(factor), constant(ONE))
        divisors = list(node.divisors)
        if len(node.factors) > 1:
            last = self.number(node.factors[-1])
            first = self.number(divisors.pop(0)) if divisors else constant(ONE)
            result = self.multiply_divide(result, last, first)
        for divisor in divisors:
            result = self.multiply_divide(result, constant(ONE), self.number(divisor))
        return result

    def pick(self, node: s.Pick) -> Many:
        x = self.name(node.choice.name)
        given = {row.label: self.number(row.value) for row in node.rows}
        other = self.number(node.otherwise) if node.otherwise is not None else constant(0)
        results = [given.get(label, other) for label in self.rule.labels[node.choice.name]]
        found = results[-1]
        for at, result in reversed(list(enumerate(results[:-1], 1))):
            found = self.merge(self.compare(x, s.Relation.EQ, constant(at * ONE)), result, found)
        return found

    def bands(self, node: s.Bands) -> Many:
        x = self.number(node.of)
        edges: list[Many] = []
        for row in node.rows:
            to = self.number(row.to)
            edges.append(self.plus(edges[-1], to) if row.is_width and edges else to)
        rates = [*(self.number(row.rate) for row in node.rows), self.number(node.rest)]
        for earlier, later in pairwise((constant(0), *edges)):
            if later.low < earlier.high:
                self.doubt(self.compare(later, s.Relation.LT, earlier))
        total = constant(0)
        for low, high, rate in zip((None, *edges), (*edges, None), rates, strict=True):
            part = self.between(x, low, high)
            total = self.plus(total, self.multiply_divide(part, rate, constant(ONE)))
        return total

    def curve(self, node: s.Curve) -> Many:
        x = self.number(node.of)
        xs = [value.value for value in (self.number(point.x) for point in node.points) if value.value is not None]
        ys = [value.value for value in (self.number(point.y) for point in node.points) if value.value is not None]
        if not len(xs) == len(ys) == len(node.points) or any(v <= u for u, v in pairwise(xs)):
            return self.give_up()
        if max(later - earlier for earlier, later in pairwise(xs)) > INT256_MAX or max(ys) - min(ys) > INT256_MAX:
            return self.give_up()
        low, high = Fraction(min(ys)), Fraction(max(ys))
        start = constant(ys[0])
        parts: list[Many] = []
        for (x0, x1), (y0, y1) in zip(pairwise(xs), pairwise(ys), strict=True):
            part = self.between(x, constant(x0), constant(x1))
            slope = Fraction(y1 - y0, x1 - x0)
            if slope and part.value != 0:
                if part.value is not None:
                    start = constant(start.value + int(part.value * slope))  # type: ignore[operator]
                    continue
                ends = (part.low * slope, part.high * slope)
                parts.append(
                    Many(part.term, part.grain * slope, min(ends), max(ends), part.off, part.least * abs(slope))
                )
        # All parts over one grain are exact before they are cut, however uneven the slopes.
        grain, exact = self.common(start, *parts)
        if not parts:
            return start
        if exact:
            numbers = self.aligned(start, grain) if start.value else self.aligned(parts.pop(0), grain)
            for part in parts:
                numbers = numbers + self.aligned(part, grain)
            found = Many(numbers, grain, low, high, Fraction(0), grain)
            return self.kept(found) if grain.denominator == 1 else self.cut(replace(found, off=2 * UNIT))
        found = start
        for part in parts:
            found = self.plus(found, self.cut(replace(part, off=part.off + 2 * UNIT)))
        return replace(found, low=low, high=high)

    def truth(self, node: s.Node) -> Term:
        """The code of a condition: an array of bools."""
        match node:
            case s.Truth():
                return self.code.constant(np.bool_(node.value))
            case s.Name():
                return self.flags[node.name]
            case s.Not():
                return self.code.let(~self.truth(node.operand))
            case s.And() | s.Or():
                left = self.truth(node.left)
                with self.where(~left if isinstance(node, s.Or) else left):
                    right = self.truth(node.right)
                return self.code.let(left | right if isinstance(node, s.Or) else left & right)
            case s.If():
                condition = self.truth(node.condition)
                with self.where(condition):
                    then = self.truth(node.then)
                with self.where(~condition):
                    otherwise = self.truth(node.otherwise)
                return self.code.let((condition & then) | (~condition & otherwise))
            case s.Compare():
                for choice, label in ((node.left, node.right), (node.right, node.left)):
                    if isinstance(choice, s.Name) and isinstance(label, s.Name) and choice.name in self.rule.labels:
                        at = self.rule.labels[choice.name].index(label.name) + 1
                        return self.compare(self.name(choice.name), node.relation, constant(at * ONE))
                return self.compare(self.number(node.left), node.relation, self.number(node.right))
            case _:
                raise TypeError(f"{type(node).__name__} is no condition")
