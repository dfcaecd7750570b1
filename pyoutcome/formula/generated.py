"""Python functions written as syntax trees, never as text: expressions, statements, and what compiles them.

Names of locals are made up here; nothing that a person wrote becomes part of the code.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

Given: TypeAlias = "Term | int | float"
"""An expression, or a constant."""
RETURN_NOTHING: Final = ast.Return(ast.Constant(None))


class Term:
    """An expression; operators make larger ones."""

    __slots__ = ("node",)

    def __init__(self, node: ast.expr) -> None:
        self.node = node

    @property
    def is_short(self) -> bool:
        """Is it a name or a constant, so that writing it twice costs nothing?"""
        return isinstance(self.node, ast.Name | ast.Constant)

    def _with(self, operator: ast.operator, other: Given) -> Term:
        return Term(ast.BinOp(self.node, operator, term(other).node))

    def __add__(self, other: Given) -> Term:
        return self._with(ast.Add(), other)

    def __sub__(self, other: Given) -> Term:
        return self._with(ast.Sub(), other)

    def __mul__(self, other: Given) -> Term:
        return self._with(ast.Mult(), other)

    def __floordiv__(self, other: Given) -> Term:
        return self._with(ast.FloorDiv(), other)

    def __truediv__(self, other: Given) -> Term:
        return self._with(ast.Div(), other)

    def __and__(self, other: Given) -> Term:
        return self._with(ast.BitAnd(), other)

    def __or__(self, other: Given) -> Term:
        return self._with(ast.BitOr(), other)

    def __invert__(self) -> Term:
        return Term(ast.UnaryOp(ast.Invert(), self.node))

    def __mod__(self, other: Given) -> Term:
        return self._with(ast.Mod(), other)

    def __neg__(self) -> Term:
        return Term(ast.UnaryOp(ast.USub(), self.node))

    def __lt__(self, other: Given) -> Term:
        return self.compare(ast.Lt(), other)

    def __le__(self, other: Given) -> Term:
        return self.compare(ast.LtE(), other)

    def __gt__(self, other: Given) -> Term:
        return self.compare(ast.Gt(), other)

    def __ge__(self, other: Given) -> Term:
        return self.compare(ast.GtE(), other)

    def equals(self, other: Given) -> Term:
        return self.compare(ast.Eq(), other)

    def compare(self, operator: ast.cmpop, *others: Given) -> Term:
        """``self < other``; with more others a chain: ``self <= a <= b``."""
        return Term(ast.Compare(self.node, [operator] * len(others), [term(each).node for each in others]))

    def __getitem__(self, index: int | slice) -> Term:
        if isinstance(index, slice):
            parts = [ast.Constant(each) for each in (index.start, index.stop)]
            return Term(ast.Subscript(self.node, ast.Slice(*parts), ast.Load()))
        return Term(ast.Subscript(self.node, ast.Constant(index), ast.Load()))


def term(value: Given) -> Term:
    """A constant as an expression; an expression as it is."""
    return value if isinstance(value, Term) else Term(ast.Constant(value))


def name(text: str) -> Term:
    """A local or a constant of the namespace."""
    return Term(ast.Name(text, ast.Load()))


def choose(condition: Term, then: Given, otherwise: Given) -> Term:
    """``then if condition else otherwise``."""
    return Term(ast.IfExp(condition.node, term(then).node, term(otherwise).node))


def joined(operator: ast.boolop, parts: Sequence[Term]) -> Term:
    """``a and b and ...`` or ``a or b or ...``."""
    return Term(ast.BoolOp(operator, [part.node for part in parts])) if len(parts) > 1 else parts[0]


def opposite(condition: Term) -> Term:
    """``not condition``."""
    return Term(ast.UnaryOp(ast.Not(), condition.node))


def row(parts: Sequence[Given]) -> Term:
    """A tuple."""
    return Term(ast.Tuple([term(part).node for part in parts], ast.Load()))


class Code:
    """The body of a function being written."""

    def __init__(self) -> None:
        self.body: list[ast.stmt] = []
        self._names: dict[str, object] = {}
        self._count = 0

    def fresh(self) -> str:
        self._count += 1
        return f"v{self._count}"

    def constant(self, value: object) -> Term:
        """A value from outside that the code uses."""
        known = f"c{len(self._names)}"
        self._names[known] = value
        return name(known)

    def call(self, function: Callable[..., object], *given: Given) -> Term:
        return Term(ast.Call(self.constant(function).node, [term(each).node for each in given], []))

    def set(self, target: str, value: Given) -> Term:
        """``target = value``."""
        self.body.append(ast.Assign([ast.Name(target, ast.Store())], term(value).node))
        return name(target)

    def set_again(self, local: Term, value: Given) -> None:
        """Another value for a local."""
        assert isinstance(local.node, ast.Name)  # noqa: S101 - an expression is no local
        self.set(local.node.id, value)

    def let(self, value: Given) -> Term:
        """A local with the value, which is worked out here; what is short stays as it is."""
        value = term(value)
        return value if value.is_short else self.set(self.fresh(), value)

    def run(self, call: Term) -> None:
        """A call for what it does."""
        self.body.append(ast.Expr(call.node))

    def unpack(self, value: Term, count: int) -> list[Term]:
        """``a, b, c = value``: fails at run time unless there are exactly ``count``."""
        targets = [self.fresh() for _ in range(count)]
        stored: list[ast.expr] = [ast.Name(each, ast.Store()) for each in targets]
        self.body.append(ast.Assign([ast.Tuple(stored, ast.Store())], value.node))
        return [name(each) for each in targets]

    def give_up_unless(self, *conditions: Term) -> None:
        """Return None unless all conditions hold."""
        if conditions:
            self.branch(opposite(joined(ast.And(), conditions)), [RETURN_NOTHING], [])

    def branch(self, condition: Term, then: list[ast.stmt], otherwise: list[ast.stmt]) -> None:
        self.body.append(ast.If(condition.node, then or [ast.Pass()], otherwise))

    @contextmanager
    def aside(self) -> Iterator[list[ast.stmt]]:
        """Statements are collected apart, to be put into a branch."""
        kept, self.body = self.body, []
        try:
            yield self.body
        finally:
            self.body = kept

    def drop_unused(self) -> None:
        """Leave out values that nothing needs; for a body without branches, whose values cannot fail."""
        needed: set[str] = set()
        kept: list[ast.stmt] = []
        for statement in reversed(self.body):
            if isinstance(statement, ast.Assign) and needed.isdisjoint(
                each.id for each in ast.walk(statement.targets[0]) if isinstance(each, ast.Name)
            ):
                continue
            needed.update(each.id for each in ast.walk(statement) if isinstance(each, ast.Name))
            kept.append(statement)
        self.body = kept[::-1]

    def compile(self, parameters: Sequence[str], result: Term) -> Callable[..., Any]:
        """The function that runs the body and returns the result."""
        taken = ast.arguments([], [ast.arg(each) for each in parameters], None, [], [], None, [])
        body = [*self.body, ast.Return(result.node)]
        made = ast.FunctionDef("evaluated", taken, body, [])
        module = ast.fix_missing_locations(ast.Module([made], []))
        namespace = dict(self._names)
        exec(compile(module, "<rule>", "exec"), namespace)  # noqa: S102 - a tree made here, holding no text of others
        found: Callable[..., Any] = namespace["evaluated"]  # type: ignore[assignment]
        return found
