"""The value of a formula: one walk over its tree, which serves plain evaluation and explanation alike."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from pyoutcome.decimals import ONE
from pyoutcome.formula import arithmetic as a
from pyoutcome.formula import syntax as s
from pyoutcome.formula.printer import to_text
from pyoutcome.formula.state import lag, sum_last

if TYPE_CHECKING:
    from pyoutcome.formula.rule import Rule
    from pyoutcome.formula.telling import Teller


class Calculation:
    """One evaluation: the values known so far and, if there is a ``teller``, its notes of the item at hand.

    ``names`` holds the value of every name, ``past`` the histories that ``lag`` and ``sum_last`` read, newest first.
    """

    __slots__ = ("names", "openings", "past", "rule", "teller")

    def __init__(self, rule: Rule, names: dict[str, int], teller: Teller | None = None) -> None:
        self.rule = rule
        self.names = names
        self.past: dict[str, tuple[int, ...]] = {}
        self.openings: dict[str, int] = {}
        self.teller = teller

    def value(self, node: s.Node) -> int:
        """The scaled value of a node; 1 or 0 of a yes/no."""
        found: int = _READERS[type(node)](self, node)
        if self.teller is not None:
            self.teller.value(node, found)
        return found

    def lost(self, node: s.Node, top: int, divisor: int, used: int) -> int:
        """Take note of a truncation of a quotient, if there was one."""
        if self.teller is not None and top != used * divisor:
            self.teller.lost(node, Fraction(top, divisor), used)
        return used

    def number(self, node: s.Number) -> int:
        return node.value

    def truth(self, node: s.Truth) -> int:
        return int(node.value)

    def name(self, node: s.Name) -> int:
        value = self.names.get(node.name)
        if value is None:
            value = 0
            for part in self.rule.totals[node.name]:
                value = a.fit_word(value + self.names[part])
        if self.teller is not None:
            self.teller.read.setdefault(node.name, value)
        return value

    def sum_last(self, node: s.SumLast) -> int:
        return self.looked_back(node, sum_last(self.past[node.name], node.periods))

    def lag(self, node: s.Lag) -> int:
        return self.looked_back(node, lag(self.past[node.name], node.periods, self.openings.get(node.name, 0)))

    def looked_back(self, node: s.Node, value: int) -> int:
        if self.teller is not None:
            self.teller.read.setdefault(to_text(node), value)
        return value

    def neg(self, node: s.Neg) -> int:
        return a.fit_word(-self.value(node.operand))

    def absolute(self, node: s.Abs) -> int:
        return a.fit_word(abs(self.value(node.operand)))

    def plus(self, node: s.Plus) -> int:
        return a.fit_word(self.value(node.left) + self.value(node.right))

    def minus(self, node: s.Minus) -> int:
        return a.fit_word(self.value(node.left) - self.value(node.right))

    def product(self, node: s.Product) -> int:
        """The chain rule: all factors but the last from the left, then the last and the first divisor as one."""
        values = [self.value(node.factors[0])]
        last = len(node.factors) - 1
        for at, factor in enumerate(node.factors[1:], 1):
            values.append(self.value(factor))
            if at < last or not node.divisors:
                x, y = values
                values = [self.lost(node, x * y, ONE, a.multiply(x, y))]
        result = values[0]
        for at, divisor in enumerate(node.divisors):
            z = self.value(divisor)
            if at == 0 and len(values) == 2:
                x, y = values
                result = a.multiply_divide(x, y, z)
                self.lost(node, x * y, z, result)
            else:
                before, result = result, a.divide(result, z)
                self.lost(node, before * ONE, z, result)
        return result

    def compare(self, node: s.Compare) -> int:
        for choice, label in ((node.left, node.right), (node.right, node.left)):
            if isinstance(choice, s.Name) and isinstance(label, s.Name):
                labels = self.rule.labels.get(choice.name)
                if labels is not None:
                    return int(a.holds(node.relation, self.name(choice), (labels.index(label.name) + 1) * ONE))
        return int(a.holds(node.relation, self.value(node.left), self.value(node.right)))

    def negation(self, node: s.Not) -> int:
        return int(not self.value(node.operand))

    def both(self, node: s.And) -> int:
        return self.value(node.right) if self.value(node.left) else 0

    def either(self, node: s.Or) -> int:
        return 1 if self.value(node.left) else self.value(node.right)

    def branch(self, node: s.If) -> int:
        met = self.value(node.condition)
        if self.teller is not None:
            self.teller.branch(node, met)
        return self.value(node.then if met else node.otherwise)

    def extreme(self, node: s.Min | s.Max) -> int:
        values = list(map(self.value, node.operands))
        result = min(values) if isinstance(node, s.Min) else max(values)
        if self.teller is not None:
            self.teller.extreme(node, values, result)
        return result

    def clamp(self, node: s.Clamp) -> int:
        x, low, high = self.value(node.of), self.value(node.low), self.value(node.high)
        result = a.clamp(x, low, high)
        if self.teller is not None:
            self.teller.clamp(node, x, low, high, result)
        return result

    def outside(self, node: s.Outside) -> int:
        x, low, high = self.value(node.of), self.value(node.low), self.value(node.high)
        result = a.outside(x, low, high)
        if self.teller is not None:
            self.teller.outside(node, x, low, high, result)
        return result

    def rounded(self, node: s.Round) -> int:
        x, step = self.value(node.of), self.value(node.step)
        result = a.round_step(x, step, node.mode)
        if self.teller is not None:
            self.teller.rounded(node, x, step, result)
        return result

    def step(self, node: s.Step) -> int:
        x = self.value(node.of)
        edges: list[int] = []
        results: list[int] = []
        for row in node.rows:
            edges.append(self.value(row.at))
            results.append(self.value(row.value))
        results.append(self.value(node.otherwise))
        at = a.first_row(x, [row.edge for row in node.rows], edges)
        if self.teller is not None:
            self.teller.row(node, x, edges, at, results[at])
        return results[at]

    def pick(self, node: s.Pick) -> int:
        x = self.value(node.choice)
        labels = self.rule.labels[node.choice.name]
        given = {row.label: row.value for row in node.rows}
        results: list[int] = []
        other: int | None = None
        for label in labels:
            if label in given:
                results.append(self.value(given[label]))
                continue
            if other is None and node.otherwise is not None:
                other = self.value(node.otherwise)
            results.append(other or 0)
        at = a.pick_row(x, len(labels))
        if self.teller is not None:
            self.teller.choice(node, labels[at], results[at])
        return results[at]

    def bands(self, node: s.Bands) -> int:
        x = self.value(node.of)
        edges: list[int] = []
        rates: list[int] = []
        for row in node.rows:
            to = self.value(row.to)
            edges.append(a.fit_word(edges[-1] + to) if row.is_width and edges else to)
            rates.append(self.value(row.rate))
        rates.append(self.value(node.rest))
        result = a.bands(x, edges, rates)
        if self.teller is not None:
            self.teller.bands(node, x, edges, rates)
        return result

    def curve(self, node: s.Curve) -> int:
        x = self.value(node.of)
        xs: list[int] = []
        ys: list[int] = []
        for point in node.points:
            xs.append(self.value(point.x))
            ys.append(self.value(point.y))
        result = a.curve(x, xs, ys)
        if self.teller is not None:
            self.teller.segment(node, x, xs, ys, result)
        return result


_READERS: Final[dict[type[s.Node], Callable[..., int]]] = {
    s.Number: Calculation.number,
    s.Truth: Calculation.truth,
    s.Name: Calculation.name,
    s.SumLast: Calculation.sum_last,
    s.Lag: Calculation.lag,
    s.Neg: Calculation.neg,
    s.Not: Calculation.negation,
    s.Abs: Calculation.absolute,
    s.Plus: Calculation.plus,
    s.Minus: Calculation.minus,
    s.Product: Calculation.product,
    s.Compare: Calculation.compare,
    s.And: Calculation.both,
    s.Or: Calculation.either,
    s.If: Calculation.branch,
    s.Min: Calculation.extreme,
    s.Max: Calculation.extreme,
    s.Clamp: Calculation.clamp,
    s.Outside: Calculation.outside,
    s.Round: Calculation.rounded,
    s.Step: Calculation.step,
    s.Pick: Calculation.pick,
    s.Bands: Calculation.bands,
    s.Curve: Calculation.curve,
}
