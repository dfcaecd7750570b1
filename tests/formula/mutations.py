"""One small change to a formula or rule that makes it another one. Import ``mutants`` from here in any test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

from pyoutcome.decimals import ONE, Rounding
from pyoutcome.formula import syntax as s
from pyoutcome.formula.rule import KpiShape, Line, Rule

_OTHER = {
    s.Plus: s.Minus, s.Minus: s.Plus, s.And: s.Or, s.Or: s.And, s.Min: s.Max, s.Max: s.Min, s.Clamp: s.Outside,
    s.Outside: s.Clamp, s.SumLast: s.Lag, s.Lag: s.SumLast,
}  # fmt: skip
_LISTS = {
    s.Product: ("factors", "divisors"), s.Min: ("operands",), s.Max: ("operands",), s.Step: ("rows",),
    s.Pick: ("rows",), s.Bands: ("rows",), s.Curve: ("points",),
}  # fmt: skip


def mutants(node: s.Node, names: tuple[str, ...] = ()) -> Iterator[s.Node]:
    """Every formula that differs from this one in one place; each has as its names only those given."""
    yield from _own(node, names)
    for each in fields(node):
        value = getattr(node, each.name)
        if isinstance(value, s.Node) and not (isinstance(node, s.Pick) and each.name == "choice"):
            for other in mutants(value, names):
                yield _rebuilt(node, each.name, other)
        elif isinstance(value, tuple):
            for at, item in enumerate(value):
                if isinstance(item, s.Node):
                    for other in mutants(item, names):
                        yield _rebuilt(node, each.name, (*value[:at], other, *value[at + 1 :]))


def _rebuilt(node: s.Node, name: str, value: Any) -> s.Node:
    """The node with another part; a product stays flat."""
    if isinstance(node, s.Product):
        parts = {"factors": node.factors, "divisors": node.divisors} | {name: value}
        return s.product(parts["factors"], parts["divisors"])
    return replace(node, **{name: value})


def _own(node: s.Node, names: tuple[str, ...]) -> Iterator[s.Node]:  # noqa: C901 - one case per kind of node
    """Changes at the very top."""
    other = _OTHER.get(type(node))
    if other is not None:
        yield other(*(getattr(node, each.name) for each in fields(node) if each.name != "span"))
    match node:
        case s.Number():
            yield from (s.Number(value) for value in (node.value + 1, node.value * 10 or 7, -node.value or ONE))
        case s.Truth():
            yield s.Truth(not node.value)
        case s.Name() | s.SumLast() | s.Lag():
            yield from (replace(node, name=name) for name in names if name != node.name)
        case s.Neg() | s.Not() | s.Abs():
            yield node.operand
            yield type(node)(node)  # twice
        case s.Plus() | s.Minus() | s.And() | s.Or() | s.Compare():
            yield replace(node, left=node.right, right=node.left)
            yield from _regrouped(node)
        case s.If():
            yield replace(node, then=node.otherwise, otherwise=node.then)
            yield s.If(s.Not(node.condition), node.then, node.otherwise)
            if isinstance(node.otherwise, s.If):
                inner = node.otherwise
                yield s.If(inner.condition, s.If(node.condition, node.then, inner.then), inner.otherwise)
            if isinstance(node.condition, s.If):
                yield s.If(node.condition.condition, node.condition.then, node.otherwise)
        case s.Clamp() | s.Outside():
            yield replace(node, low=node.high, high=node.low)
            yield replace(node, of=node.low, low=node.of)
    if isinstance(node, s.Compare):
        yield from (replace(node, relation=each) for each in s.Relation if each != node.relation)
    if isinstance(node, s.Round):
        yield from (replace(node, mode=each) for each in Rounding if each != node.mode)
    if isinstance(node, s.SumLast | s.Lag):
        yield replace(node, periods=node.periods + 1)
    if isinstance(node, s.StepRow):
        yield from (replace(node, edge=each) for each in s.Edge if each != node.edge)
    if isinstance(node, s.BandRow):
        yield replace(node, is_width=not node.is_width)
    if isinstance(node, s.Point):
        yield s.Point(node.y, node.x)
    if isinstance(node, s.Product):
        yield from _products(node)
    if isinstance(node, s.Pick | s.Step) and node.otherwise is not None:
        yield replace(node, otherwise=s.Plus(node.otherwise, s.Number(ONE)))
    for name in _LISTS.get(type(node), ()):
        items = getattr(node, name)
        for at in range(len(items) - 1):
            yield replace(node, **{name: (*items[:at], items[at + 1], items[at], *items[at + 2 :])})
        if len(items) > (0 if name == "divisors" else 2):
            yield replace(node, **{name: items[1:]})


def _regrouped(node: Any) -> Iterator[s.Node]:
    """``(a . b) . c`` as ``a . (b . c)`` and back, whatever the signs are."""
    left, right = node.left, node.right
    pairs = (s.Plus, s.Minus) if isinstance(node, s.Plus | s.Minus) else (s.And, s.Or)
    if isinstance(left, pairs):
        yield type(left)(left.left, type(node)(left.right, right))
    if isinstance(right, pairs):
        yield type(right)(type(node)(left, right.left), right.right)
    if isinstance(node, s.Plus | s.Minus) and isinstance(left, s.Product):
        yield s.product((*left.factors[:-1], type(node)(left.factors[-1], right)), left.divisors)


def _products(node: s.Product) -> Iterator[s.Node]:
    """A factor as divisor, divisors as one product below the line, and products of a first part."""
    if len(node.factors) > 1:
        yield s.product(node.factors[:-1], (*node.divisors, node.factors[-1]))
        yield s.Plus(s.product(node.factors[:-1], node.divisors), node.factors[-1])
    if len(node.divisors) > 1:
        yield s.Product(node.factors, (s.product(node.divisors),))
        yield s.Product(node.factors, (s.product(node.divisors[:1], node.divisors[1:]),))


def rule_mutants(rule: Rule) -> Iterator[dict[str, Any]]:
    """The parts of rules that differ from this one in one place; not all of them make a rule."""
    known = tuple(sorted(name for name, kind in rule.types.items() if kind == "number"))[:3]
    for section in ("definitions", "registers", "lines", "payees"):
        parts = getattr(rule, section)
        for at, part in enumerate(parts):
            for other in _part_mutants(part, known):
                yield {section: (*parts[:at], other, *parts[at + 1 :])}
    for at, (name, value) in enumerate(rule.parameters):
        yield {"parameters": (*rule.parameters[:at], (name, value + 1), *rule.parameters[at + 1 :])}
    yield {"parameters": rule.parameters[::-1]}
    for at, kpi in enumerate(rule.kpis):
        for other in _kpi_mutants(kpi):
            yield {"kpis": (*rule.kpis[:at], other, *rule.kpis[at + 1 :])}
    if rule.periods_per_year is not None:
        yield {"periods_per_year": rule.periods_per_year + 1}


def _part_mutants(part: Any, known: tuple[str, ...]) -> Iterator[Any]:
    """A definition, register, line or payee with another formula; a line also with another side or payee."""
    for key in ("formula", "start", "next", "amount"):
        if hasattr(part, key):
            for other in mutants(getattr(part, key), known):
                yield replace(part, **{key: other})
    if isinstance(part, Line) and part.payee is not None:
        for sign in {-1, 0, 1} - {part.sign}:
            yield replace(part, sign=sign)
        yield replace(part, payee=(part.payee + 1) % 3)


def _kpi_mutants(kpi: KpiShape) -> Iterator[KpiShape]:
    yield replace(kpi, name=f"{kpi.name}x")
    yield replace(kpi, provider="EV")
    if kpi.type == "number":
        yield replace(kpi, low=kpi.low - kpi.multiple)
        yield replace(kpi, high=kpi.high + 5 * kpi.multiple)
        yield replace(kpi, decimals=18 - kpi.decimals)
        yield replace(kpi, opening=None if kpi.opening is not None else kpi.low)
    if kpi.type == "choice":
        yield replace(kpi, labels=kpi.labels[::-1])
