"""Sums of values with what cancels taken out: ``to_date + (entitlement - to_date)`` is the entitlement."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol, TypeAlias

from pyoutcome.formula import intervals as iv
from pyoutcome.formula import syntax as s
from pyoutcome.formula.intervals import View
from pyoutcome.formula.rule import Rule

Terms: TypeAlias = tuple[tuple[int, s.Node], ...]
"""How often each value is added; below zero it is subtracted."""
_MOST_TERMS: Final = 200
"""Sums and names opened up: names of names could double with each."""


def combine(rule: Rule, terms: Iterable[tuple[int, s.Node]]) -> Terms:
    """The same sum over values that are no sums themselves, each of them once and none zero times.

    Plus, minus, totals and names of sums are opened up: they are exact, so nothing is lost or gained.
    """
    sums = find_formulas(rule)
    counts: dict[s.Node, int] = {}
    waiting = list(terms)
    opened = 0
    while waiting:
        count, node = waiting.pop()
        opened += 1
        if opened <= _MOST_TERMS:
            if isinstance(node, s.Plus | s.Minus):
                waiting += [(count if isinstance(node, s.Plus) else -count, node.right), (count, node.left)]
                continue
            if isinstance(node, s.Neg):
                waiting.append((-count, node.operand))
                continue
            if isinstance(node, s.Name) and isinstance(sums.get(node.name), s.Plus | s.Minus | s.Neg | s.Name):
                waiting.append((count, sums[node.name]))
                continue
            if isinstance(node, s.Name) and node.name in rule.totals:
                waiting += [(count, s.Name(part)) for part in rule.totals[node.name]]
                continue
        counts[node] = counts.get(node, 0) + count
    return tuple((count, node) for node, count in counts.items() if count)


def find_formulas(rule: Rule) -> dict[str, s.Node]:
    """The formulas of all numbers that others can name."""
    return {
        item.name: item.formula
        for item in rule.order
        if item.kind in ("definition", "register", "line") and rule.types[item.name] == "number"
    }


def rests_of(rule: Rule) -> dict[int, Terms]:
    """By identity of each quotient that is a share, as ``pool * x / (x + y)``: what else the divisor holds (``y``)."""
    found: dict[int, Terms] | None = rule.made.get("rests")
    if found is None:
        found = rule.made["rests"] = _find_rests(rule)
    return found


def _find_rests(rule: Rule) -> dict[int, Terms]:
    found: dict[int, Terms] = {}
    for item in rule.order:
        for node in s.walk(item.formula):
            if isinstance(node, s.Product) and node.divisors:
                part, whole = combine(rule, [(1, node.factors[-1])]), combine(rule, [(1, node.divisors[0])])
                rest = combine(rule, [(1, node.divisors[0]), (-1, node.factors[-1])])
                if len(rest) == len(whole) - len(part) and all(count > 0 for count, _ in rest):
                    found[id(node)] = rest
    return found


class Views(Protocol):
    """Whoever knows what a value can be, such as a ``Walk``."""

    def view(self, node: s.Node) -> View:
        """Of any node."""
        ...


def view_of(terms: Terms, walk: Views) -> View:
    """What the sum can be."""
    total = iv.constant(0)
    for count, node in terms:
        part = walk.view(node)
        for _ in range(abs(count)):
            total = iv.add(total, part, 1 if count > 0 else -1, fits=False)
    return total
