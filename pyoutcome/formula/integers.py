"""Formulas as Python code over scaled integers: tables, choices and conditions over the arithmetic of ``wholes.py``."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from itertools import pairwise
from math import gcd
from typing import TYPE_CHECKING, Final

from pyoutcome.decimals import INT256_MAX, INT256_MIN, ONE, divide_trunc
from pyoutcome.errors import FormulaError
from pyoutcome.formula import arithmetic as a
from pyoutcome.formula import syntax as s
from pyoutcome.formula.folding import Folding
from pyoutcome.formula.generated import Code, Term, choose, joined, opposite, term
from pyoutcome.formula.wholes import MOST_WORD, Whole, Wholes, known

if TYPE_CHECKING:
    from pyoutcome.formula.rule import Rule

_RELATIONS: Final[dict[s.Relation, ast.cmpop]] = {
    s.Relation.LT: ast.Lt(),
    s.Relation.LE: ast.LtE(),
    s.Relation.EQ: ast.Eq(),
    s.Relation.GT: ast.Gt(),
    s.Relation.GE: ast.GtE(),
    s.Relation.NE: ast.NotEq(),
}
_EDGES: Final[dict[s.Edge, ast.cmpop]] = {
    s.Edge.AT_LEAST: ast.GtE(),
    s.Edge.ABOVE: ast.Gt(),
    s.Edge.AT_MOST: ast.LtE(),
    s.Edge.BELOW: ast.Lt(),
}


class Integers(Wholes):
    """Writes the code of formulas; ``known`` holds what every name stands for so far."""

    def __init__(self, rule: Rule, code: Code, own: dict[str, int]) -> None:
        super().__init__(code)
        self.rule = rule
        self.known: dict[str, Whole] = {each: known(value) for each, value in own.items()}
        self.past: dict[str, Term] = {}
        self.openings: dict[str, Whole] = {}
        self.periods: Term | None = None
        self._folding = Folding(rule, own)

    def fold(self, node: s.Node) -> int | None:
        """The value of what consists of numbers and terms only; None if it is anything else, or fails."""
        if not self._folding.is_constant(node):
            return None
        try:
            return self._folding.value(node)
        except FormulaError:
            return None

    def flag(self, node: s.Node) -> Whole:
        """A yes/no as 1 or 0."""
        if isinstance(node, s.Name):
            return self.known[node.name]
        return Whole(choose(self.truth(node), 1, 0), 0, 1)

    def number(self, node: s.Node) -> Whole:  # noqa: C901 - one case per kind of node
        """The code of a number. What could fail stands in the body already, so that it is never skipped."""
        if not isinstance(node, s.Name):
            constant = self.fold(node)
            if constant is not None:
                return known(constant)
        match node:
            case s.Name():
                return self.name(node.name)
            case s.Lag():
                return self.look_back(node.name, node.periods)
            case s.SumLast():
                total = self.code.let(self.code.call(sum, self.past[node.name][: node.periods]))
                return Whole(total, -MOST_WORD * node.periods, MOST_WORD * node.periods)
            case s.Neg():
                return self.negative(self.number(node.operand))
            case s.Abs():
                return self.absolute(self.number(node.operand))
            case s.Plus():
                return self.plus(self.number(node.left), self.number(node.right))
            case s.Minus():
                return self.minus(self.number(node.left), self.number(node.right))
            case s.Product():
                return self.product(node)
            case s.Min() | s.Max():
                first, *others = [self.number(operand) for operand in node.operands]
                for other in others:
                    first = self.extreme(first, other, least=isinstance(node, s.Min))
                return first
            case s.Clamp():
                return self.clamp(self.number(node.of), self.number(node.low), self.number(node.high))
            case s.Outside():
                of, low, high = self.number(node.of), self.number(node.low), self.number(node.high)
                of = self.short(of)
                below, above = self.minus(low, of), self.minus(of, high)
                return self.extreme(self.extreme(below, above, least=False), known(0), least=False)
            case s.Round():
                return self.rounded(self.number(node.of), self.number(node.step), node.mode)
            case s.If():
                return self.branch(node)
            case s.Step():
                return self.step(node)
            case s.Pick():
                return self.pick(node)
            case s.Bands():
                return self.bands(node)
            case s.Curve():
                xs = [self.number(point.x) for point in node.points]
                return self.curve(self.number(node.of), xs, [self.number(point.y) for point in node.points])
            case _:
                raise TypeError(f"{type(node).__name__} is no number")

    def name(self, of: str) -> Whole:
        found = self.known.get(of)
        if found is None:
            parts = [self.known[part] for part in self.rule.totals[of]]
            found = parts[0]
            for part in parts[1:]:
                found = self.plus(found, part)
        return found

    def look_back(self, of: str, periods: int) -> Whole:
        opening = self.openings.get(of, known(0))
        assert self.periods is not None  # noqa: S101 - whoever looks back carries state
        value = choose(self.periods >= periods, self.past[of][periods - 1], opening.term)
        return Whole(self.code.let(value), min(-MOST_WORD, opening.low), max(MOST_WORD, opening.high))

    def product(self, node: s.Product) -> Whole:
        """The chain rule, as ``Calculation.product`` has it."""
        result = self.number(node.factors[0])
        for factor in node.factors[1:-1]:
            result = self.multiply_divide(result, self.number(factor), known(ONE))
        divisors = list(node.divisors)
        if len(node.factors) > 1:
            last = self.number(node.factors[-1])
            first = self.number(divisors.pop(0)) if divisors else known(ONE)
            result = self.multiply_divide(result, last, first)
        for divisor in divisors:
            result = self.multiply_divide(result, known(ONE), self.number(divisor))
        return result

    def branch(self, node: s.If) -> Whole:
        """Only what the condition chooses is worked out."""
        condition = self.truth(node.condition)
        target = self.code.fresh()
        with self.code.aside() as then:
            first = self.number(node.then)
            self.code.set(target, first.term)
        with self.code.aside() as otherwise:
            second = self.number(node.otherwise)
            value = self.code.set(target, second.term)
        low, high = min(first.low, second.low), max(first.high, second.high)
        if len(then) == len(otherwise) == 1:
            return Whole(self.code.let(choose(condition, first.term, second.term)), low, high)
        self.code.branch(condition, then, otherwise)
        return Whole(value, low, high)

    def step(self, node: s.Step) -> Whole:
        x = self.short(self.number(node.of))
        rows = [(row.edge, self.number(row.at), self.number(row.value)) for row in node.rows]
        found = self.number(node.otherwise)
        value, low, high = found.term, found.low, found.high
        for edge, at, result in reversed(rows):
            value = choose(x.term.compare(_EDGES[edge], at.term), result.term, value)
            low, high = min(low, result.low), max(high, result.high)
        return Whole(self.code.let(value), low, high)

    def pick(self, node: s.Pick) -> Whole:
        x = self.short(self.name(node.choice.name))
        given = {row.label: self.number(row.value) for row in node.rows}
        other = self.number(node.otherwise) if node.otherwise is not None else known(0)
        results = [given.get(label, other) for label in self.rule.labels[node.choice.name]]
        value = Term(ast.Constant(None))
        for at, result in reversed(list(enumerate(results, 1))):
            value = choose(x.term.equals(at * ONE), result.term, value)
        found = self.code.let(value)
        self.code.give_up_unless(found.compare(ast.IsNot(), Term(ast.Constant(None))))
        return Whole(found, min(each.low for each in results), max(each.high for each in results))

    def bands(self, node: s.Bands) -> Whole:
        x = self.short(self.number(node.of))
        edges: list[Whole] = []
        for row in node.rows:
            to = self.number(row.to)
            edges.append(self.plus(edges[-1], to) if row.is_width and edges else to)
        rates = [*(self.number(row.rate) for row in node.rows), self.number(node.rest)]
        limits = [edge.value for edge in edges if edge.value is not None]
        prices = [rate.value for rate in rates if rate.value is not None]
        if len(limits) < len(edges) or len(prices) < len(rates) or any(v < u for u, v in pairwise((0, *limits))):
            return self.ask(a.bands, x, edges, rates)
        before, total = 0, known(0)
        found: list[Whole] = []
        for limit, price in zip((*limits, None), prices, strict=True):
            top = max(before, x.high if limit is None else limit)
            part = Whole(x.term - before if before else x.term, 0, top - before)
            more = self.multiply_divide(part, known(price), known(ONE)) if price else known(0)
            found.append(self.plus(total, more) if total.value else more)
            if limit is not None:
                total = known((total.value or 0) + divide_trunc((limit - before) * price, ONE))
                before = limit
        value = found[-1].term
        for limit, each in zip(reversed(limits), reversed(found[:-1]), strict=True):
            value = choose(x.term <= limit, each.term, value)
        if x.low < 0:
            value = choose(x.term <= 0, 0, value)
        low, high = min(each.low for each in found), max(each.high for each in found)
        return Whole(self.code.let(value), low, high)

    def curve(self, x: Whole, xs: list[Whole], ys: list[Whole]) -> Whole:
        x = self.short(x)
        across = [each.value for each in xs if each.value is not None]
        up = [each.value for each in ys if each.value is not None]
        differences = [later - earlier for points in (across, up) for earlier, later in pairwise(points)]
        plain = len(across) == len(up) == len(xs) and all(u < v for u, v in pairwise(across))
        if not plain or max(map(abs, differences)) > INT256_MAX:
            return self.ask(a.curve, x, xs, ys)
        value = term(up[-1])
        for (x0, x1), (y0, y1) in reversed(list(zip(pairwise(across), pairwise(up), strict=True))):
            common = gcd(y1 - y0, x1 - x0)
            part = (x.term - x0) * abs((y1 - y0) // common)
            if common != x1 - x0:
                part //= (x1 - x0) // common
            value = choose(x.term < x1, term(y0) + part if y1 >= y0 else term(y0) - part, value)
        if x.low < across[0]:
            value = choose(x.term <= across[0], up[0], value)
        return Whole(self.code.let(value), min(up), max(up))

    def ask(self, function: object, x: Whole, columns: list[Whole], results: Sequence[Whole]) -> Whole:
        """A table whose numbers are not all known, by the evaluator's own function."""
        call = self.code.call(function, x.term, _row(columns), _row(results))  # type: ignore[arg-type]
        return Whole(self.code.let(call), INT256_MIN, INT256_MAX)

    def truth(self, node: s.Node) -> Term:
        """The code of a condition."""
        match node:
            case s.Truth():
                return Term(ast.Constant(node.value))
            case s.Name():
                return self.known[node.name].term
            case s.Not():
                return opposite(self.truth(node.operand))
            case s.Compare():
                return self.compare(node)
            case s.And() | s.Or():
                return self.both(node)
            case s.If():
                return self.branch_of_truths(node)
            case _:
                raise TypeError(f"{type(node).__name__} is no condition")

    def compare(self, node: s.Compare) -> Term:
        relation = _RELATIONS[node.relation]
        for choice, label in ((node.left, node.right), (node.right, node.left)):
            if isinstance(choice, s.Name) and isinstance(label, s.Name) and choice.name in self.rule.labels:
                at = self.rule.labels[choice.name].index(label.name) + 1
                return self.known[choice.name].term.compare(relation, at * ONE)
        return self.number(node.left).term.compare(relation, self.number(node.right).term)

    def both(self, node: s.And | s.Or) -> Term:
        stops = isinstance(node, s.Or)
        left = self.truth(node.left)
        target = self.code.fresh()
        with self.code.aside() as after:
            right = self.truth(node.right)
            self.code.set(target, right)
        if len(after) == 1:
            return self.code.let(joined(ast.Or() if stops else ast.And(), [left, right]))
        self.code.set(target, left)
        found = Term(ast.Name(target, ast.Load()))
        self.code.branch(opposite(found) if stops else found, after, [])
        return found

    def branch_of_truths(self, node: s.If) -> Term:
        condition = self.truth(node.condition)
        target = self.code.fresh()
        with self.code.aside() as then:
            self.code.set(target, self.truth(node.then))
        with self.code.aside() as otherwise:
            found = self.code.set(target, self.truth(node.otherwise))
        self.code.branch(condition, then, otherwise)
        return found


def _row(values: Sequence[Whole]) -> Term:
    return Term(ast.Tuple([each.term.node for each in values], ast.Load()))
