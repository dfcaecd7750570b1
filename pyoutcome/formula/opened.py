"""Sums opened up as far as they are linear, so that what cancels does, across factors and through ``min`` and ``max``.

``fee - 0.25 * (mark - prev.mark)`` is zero where the fee is 20 % of what a value exceeds the mark by and the mark rises
by what is left; no range of the parts shows that. Here a sum is opened into its terms: names, sums, products with
constants. A ``max`` that is subtracted may be replaced by any of its operands, where the most is looked for: that can
only make the sum greater. One that is added is each of its operands in turn. For ``min`` and for the least it is the
other way round.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Final, TypeAlias

from pyoutcome.decimals import ONE
from pyoutcome.formula import syntax as s
from pyoutcome.formula.intervals import View
from pyoutcome.formula.linear import find_formulas
from pyoutcome.formula.rule import Rule
from pyoutcome.formula.walk import Walk

Weighted: TypeAlias = Iterable[tuple[Fraction, s.Node]]
"""A sum of values, each times a factor."""
_MOST_LEAVES: Final = 64
_MOST_NODES: Final = 400


class OpenedSum:
    """The least or the most of a sum, over the box of a walk that has seen every item."""

    def __init__(self, rule: Rule, walk: Walk, *, upper: bool) -> None:
        self.walk = walk
        self.upper = upper
        self.leaves = _MOST_LEAVES
        self.nodes = _MOST_NODES
        self.formulas = find_formulas(rule)
        self._same: dict[s.Node, s.Node] = {}
        self._firsts: dict[int, tuple[s.Node, s.Node]] = {}
        self._views: dict[int, View] = {}
        self._scaled: dict[int, tuple[Fraction, s.Node] | None] = {}

    def end(self, terms: Weighted) -> Fraction:
        """The proven end, in units of 10**-18."""
        return self._end(((count, self._first(node)) for count, node in terms), {})

    def _first(self, node: s.Node) -> s.Node:
        """Of all nodes that are equal the first one met, so that from there on they are told apart by identity."""
        known = self._firsts.get(id(node))
        if known is None:
            known = self._firsts[id(node)] = (
                node,
                self._same.setdefault(node, node),
            )  # kept, so that the id stays its own
        return known[1]

    def _end(self, terms: Weighted, chosen: Mapping[int, s.Node]) -> Fraction:
        counts, constant, lost = self._open(terms, chosen)
        limits = [(count, node) for count, node in counts.values() if isinstance(node, s.Min | s.Max)]
        # those that must be taken case by case first: the choice holds wherever the same limit stands
        limits.sort(key=lambda each: self._is_free(*each))
        if not limits or self.leaves <= 0 or self.nodes <= 0:
            self.leaves -= 1
            return constant + self._ranges(counts) + (lost if self.upper else -lost)
        count, node = limits[0]
        ends: list[Fraction] = []
        free = self._is_free(count, node)
        for operand in map(self._first, node.operands):
            put = {**counts}
            put.pop(id(node))
            known = chosen if free else {**chosen, id(node): operand}
            found = self._end([*put.values(), (count, operand)], known)
            ends.append(found + constant + (lost if self.upper else -lost))
        return max(ends) if self.upper != free else min(ends)

    def _is_free(self, count: Fraction, node: s.Node) -> bool:
        """May the limit be replaced by any of its operands, whichever gives the closest end?"""
        return (isinstance(node, s.Max) == (count < 0)) == self.upper

    def _open(
        self, terms: Weighted, chosen: Mapping[int, s.Node]
    ) -> tuple[dict[int, tuple[Fraction, s.Node]], Fraction, Fraction]:
        """Terms that cannot be opened and their factors, the constant, and the most that truncation takes."""
        counts: dict[int, tuple[Fraction, s.Node]] = {}
        constant = lost = Fraction(0)
        waiting = list(terms)
        while waiting:
            count, each = waiting.pop()
            node = self._first(each)
            self.nodes -= 1
            scaled = self._as_scaled(node) if self.nodes > 0 else None
            if self.nodes > 0 and isinstance(node, s.Number):
                constant += count * node.value
            elif self.nodes > 0 and isinstance(node, s.Plus | s.Minus):
                waiting += [(count, node.left), (count if isinstance(node, s.Plus) else -count, node.right)]
            elif self.nodes > 0 and isinstance(node, s.Neg):
                waiting.append((-count, node.operand))
            elif self.nodes > 0 and isinstance(node, s.Name) and node.name in self.formulas:
                waiting.append((count, self.formulas[node.name]))
            elif self.nodes > 0 and id(node) in chosen:
                waiting.append((count, chosen[id(node)]))
            elif scaled is not None:
                factor, other = scaled
                lost += abs(count) if (self._view(other).grain * factor).denominator != 1 else 0
                waiting.append((count * factor, other))
            else:
                before = counts.get(id(node))
                counts[id(node)] = (count if before is None else before[0] + count), node
        return {key: each for key, each in counts.items() if each[0]}, constant, lost

    def _ranges(self, counts: Mapping[int, tuple[Fraction, s.Node]]) -> Fraction:
        total = Fraction(0)
        for count, node in counts.values():
            view = self._view(node)
            total += count * (view.high if (count > 0) == self.upper else view.low)
        return total

    def _view(self, node: s.Node) -> View:
        node = self._first(node)
        if id(node) not in self._views:
            self._views[id(node)] = self.walk.view(node)
        return self._views[id(node)]

    def _as_scaled(self, node: s.Node) -> tuple[Fraction, s.Node] | None:
        """A product of one value with constants, one division at most: its factor and the value."""
        if not isinstance(node, s.Product):
            return None
        if id(node) not in self._scaled:
            self._scaled[id(node)] = self._scale(node)
        return self._scaled[id(node)]

    def _scale(self, node: s.Product) -> tuple[Fraction, s.Node] | None:
        if len(node.divisors) > 1 or len(node.factors) > 2:
            return None
        factor = Fraction(1)
        others: list[s.Node] = []
        for each in node.factors:
            known = self._constant(each)
            if known is None:
                others.append(each)
            else:
                factor *= Fraction(known, ONE)
        for divisor in node.divisors:
            known = self._constant(divisor)
            if not known:
                return None
            factor /= Fraction(known, ONE)
        return (factor, others[0]) if len(others) == 1 else None

    def _constant(self, node: s.Node) -> int | None:
        """The value of a number or of a term of the agreement."""
        if isinstance(node, s.Number | s.Name):
            view = self._view(node)
            return view.low if view.low == view.high else None
        return None
