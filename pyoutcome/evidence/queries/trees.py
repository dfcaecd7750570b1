"""Small pieces of query trees, and what typed trees read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, is_dataclass

from sqlglot import exp

from pyoutcome.evidence.measures.columns import ColumnType
from pyoutcome.evidence.measures.conditions import Column


def count(condition: exp.Expr | None = None) -> exp.Expr:
    """How many rows there are, or for how many a condition holds."""
    return only(exp.Count(this=exp.Star(), big_int=True), condition)


def only(aggregate: exp.Expr, condition: exp.Expr | None) -> exp.Expr:
    """An aggregate over the rows for which a condition holds."""
    return aggregate if condition is None else exp.Filter(this=aggregate, expression=exp.Where(this=condition))


def conjunction(conditions: Iterable[exp.Expr]) -> exp.Expr | None:
    """All conditions, each in brackets; None if there are none."""
    held: exp.Expr | None = None
    for condition in conditions:
        held = condition if held is None else exp.Paren(this=exp.And(this=held, expression=condition))
    return held


def disjunction(conditions: Iterable[exp.Expr]) -> exp.Expr:
    """Any of the conditions, each in brackets; false if there are none."""
    held: exp.Expr | None = None
    for condition in conditions:
        held = condition if held is None else exp.Paren(this=exp.Or(this=held, expression=condition))
    return held or exp.false()


def paren(tree: exp.Expr) -> exp.Expr:
    """sqlglot adds no brackets to a tree made by hand."""
    return exp.Paren(this=tree)


def is_null(tree: exp.Expr) -> exp.Expr:
    """Whether it is missing."""
    return paren(exp.Is(this=tree, expression=exp.Null()))


def search(bounds: Sequence[exp.Expr], below: Callable[[exp.Expr], exp.Expr], results: Sequence[int]) -> exp.Expr:
    """``results[n]`` where n counts the bounds that a value is not below: a search by halves, so that many cost little.

    ``below`` makes the condition that the value is below a bound.
    """

    def find(low: int, high: int) -> exp.Expr:
        if low == high:
            return exp.Literal.number(results[low])
        middle = (low + high) // 2
        test = exp.If(this=below(bounds[middle].copy()), true=find(low, middle))
        return paren(exp.Case(ifs=[test], default=find(middle + 1, high)))

    return find(0, len(bounds))


def columns_in(trees: Iterable[object]) -> list[str]:
    """Names of the columns that typed trees and aggregates read, each once."""
    found: dict[str, None] = {}

    def walk(node: object) -> None:
        if isinstance(node, Column):
            found[node.name] = None
        elif isinstance(node, tuple | list):
            for each in node:
                walk(each)
        elif is_dataclass(node) and not isinstance(node, ColumnType):
            for field in fields(node):
                walk(getattr(node, field.name))

    walk(list(trees))
    return list(found)
