"""Expressions of measures: hostile text in, a typed tree out.

An expression passes three gates. Its characters and words must be on a list (which leaves nothing to quote out of or
comment away, and one function to call). sqlglot then builds the tree. Each node must be of an admitted kind, with
admitted parts, and gets a static type; nothing is converted silently. What is admitted: columns of the records,
numbers, quoted texts, ``= <> < <= > >=``, ``+ - *``, ``and or not``, ``is [not] null``, ``[not] in (...)``,
``[not] between``, ``case when ... then ... else ... end`` of numbers, ``seconds_between(start, end)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.measures.admission import ADMITTED, SECONDS_BETWEEN, prepare, shorten, unknown_column
from pyoutcome.evidence.measures.columns import MAX_DIGITS, SECONDS, TEXT, ColumnType, Kind, common_type
from pyoutcome.evidence.measures.conditions import (
    Arithmetic,
    Case,
    Column,
    Comparison,
    Condition,
    Connective,
    Constant,
    Flag,
    Membership,
    Missing,
    Negation,
    SecondsBetween,
    Value,
)

_COMPARISONS: Final[Mapping[type[exp.Expr], str]] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_ARITHMETIC: Final[Mapping[type[exp.Expr], str]] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*"}
_CONNECTIVES: Final[Mapping[type[exp.Expr], str]] = {exp.And: "AND", exp.Or: "OR"}
_PARTS: Final[Mapping[type[exp.Expr], frozenset[str]]] = {
    exp.Column: frozenset({"this"}),
    exp.Identifier: frozenset({"this", "quoted"}),
    exp.Literal: frozenset({"this", "is_string"}),
    exp.Null: frozenset(),
    exp.Paren: frozenset({"this"}),
    exp.Not: frozenset({"this"}),
    exp.Neg: frozenset({"this"}),
    exp.Is: frozenset({"this", "expression"}),
    exp.In: frozenset({"this", "expressions"}),
    exp.Between: frozenset({"this", "low", "high"}),
    exp.Case: frozenset({"ifs", "default"}),
    exp.If: frozenset({"this", "true"}),
    exp.Anonymous: frozenset({"this", "expressions"}),
    **{kind: frozenset({"this", "expression"}) for kind in (*_COMPARISONS, *_ARITHMETIC, *_CONNECTIVES)},
}


def parse_condition(text: str, columns: Mapping[str, ColumnType], place: str) -> Condition:
    """The typed tree of a filter expression over ``columns``.

    ``place`` says where it stands, for messages: ``kpis.on_time.measure.numerator``. Raises EvidenceError
    ``expression-refused`` (a sign, word or construction that is not admitted), ``expression-unknown-column``,
    ``expression-type`` (operands that do not fit each other), ``expression-too-wide`` (over 38 digits) or
    ``expression-too-long``; each names the character, counted from 1.
    """
    reader, tree = _parse(text, columns, place)
    return reader.condition(tree)


def parse_value(text: str, columns: Mapping[str, ColumnType], place: str) -> Value:
    """The typed tree of an expression that gives a number; errors as of ``parse_condition``."""
    reader, tree = _parse(text, columns, place)
    return reader.number(tree)


def _parse(text: str, columns: Mapping[str, ColumnType], place: str) -> tuple[_Reader, exp.Expr]:
    prepared, origin = prepare(text, columns, place)
    try:
        tree = sqlglot.parse_one(prepared, into=exp.Condition)
    except (SqlglotError, RecursionError) as error:
        found = getattr(error, "errors", None) or [{}]
        at = origin[min(int(found[0].get("col") or len(prepared)), len(prepared)) - 1] + 1 if prepared else 1
        raise EvidenceError(
            "expression-refused",
            f"The expression {shorten(text)} in {place} cannot be read; reading stopped at character {at}.",
            "Write conditions on columns, such as arr_delay < 15 and carrier = 'UA'; check brackets and quotes.",
            expression=text,
            character=at,
        ) from error
    return _Reader(text, columns, place, origin), tree


class _Reader:
    """The second gate: admits nodes one by one and types them."""

    def __init__(self, text: str, columns: Mapping[str, ColumnType], place: str, origin: list[int]) -> None:
        self.text = text
        self.columns = columns
        self.place = place
        self.origin = origin

    def condition(self, node: exp.Expr) -> Condition:
        """A node that must say yes or no."""
        kind = self._admit(node)
        if kind is exp.Paren:
            return self.condition(node.this)
        if kind is exp.Not:
            return Negation(self.condition(node.this))
        if word := _CONNECTIVES.get(kind):
            return Connective(word, self.condition(node.this), self.condition(node.expression))
        if sign := _COMPARISONS.get(kind):
            return self._comparison(sign, node.this, node.expression)
        if kind is exp.Between:
            low = self._comparison(">=", node.this, node.args["low"])
            return Connective("AND", low, self._comparison("<=", node.this, node.args["high"]))
        if kind is exp.In:
            return self._membership(node)
        if kind is exp.Is:
            if self._admit(node.expression) is not exp.Null:
                raise self._refused(node, "'is' is followed by something other than null or not null")
            return Missing(self._value(node.this, None))
        if kind is exp.Column:
            column = self._column(node)
            if column.type.kind is Kind.BOOLEAN:
                return Flag(column)
        raise self._mistyped(node, "a value stands where a condition is needed", "Compare it with something.")

    def number(self, node: exp.Expr) -> Value:
        """A node that must give a number."""
        value = self._value(node, None)
        if value.type.kind is not Kind.DECIMAL:
            raise self._mistyped(node, f"{value.type} stands where a number is needed", "Calculate with numbers only.")
        return value

    def _admit(self, node: exp.Expr) -> type[exp.Expr]:
        kind = type(node)
        allowed = _PARTS.get(kind)
        if allowed is None or any(part not in allowed for part, held in node.args.items() if held):
            raise self._refused(node, f"it uses {kind.__name__.upper()}, which is not admitted")
        if node.comments:
            raise self._refused(node, "it has a comment")
        return kind

    def _value(self, node: exp.Expr, expected: ColumnType | None) -> Value:
        """A node that must be a value; quoted text takes the ``expected`` type."""
        kind = self._admit(node)
        if kind is exp.Paren:
            return self._value(node.this, expected)
        if kind is exp.Column:
            return self._column(node)
        if kind is exp.Literal:
            return self._constant(node, expected)
        if kind is exp.Neg:
            inner = self._value(node.this, None)
            if isinstance(inner, Constant) and inner.type.kind is Kind.DECIMAL and not inner.text.startswith("-"):
                return Constant("-" + inner.text, inner.type)
            return self._arithmetic(node, "-", Constant("0", ColumnType(Kind.DECIMAL, 1, 0)), inner)
        if sign := _ARITHMETIC.get(kind):
            return self._arithmetic(node, sign, self._value(node.this, None), self._value(node.expression, None))
        if kind is exp.Case:
            return self._case(node)
        if kind is exp.Anonymous:
            return self._seconds_between(node)
        if kind is exp.Null:
            raise self._refused(node, "null is compared or listed, which is never true")
        raise self._mistyped(node, "a condition stands where a value is needed", "Join conditions by and, or, not.")

    def _column(self, node: exp.Expr) -> Column:
        identifier = node.this
        if not isinstance(identifier, exp.Identifier):
            raise self._refused(node, "a column is named in a way that is not admitted")
        self._admit(identifier)
        type_ = self.columns.get(identifier.name)
        if type_ is None:
            raise unknown_column(self.text, identifier.name, self._start(node), self.columns, self.place)
        return Column(identifier.name, type_)

    def _constant(self, node: exp.Expr, expected: ColumnType | None) -> Constant:
        text = str(node.this)
        if not node.args["is_string"]:
            whole, _, part = text.partition(".")
            digits = len(whole) + len(part)
            if digits > MAX_DIGITS:
                raise self._too_wide(node, digits)
            return Constant(text, ColumnType(Kind.DECIMAL, digits, len(part)))
        if expected is None or expected.kind not in {Kind.INSTANT, Kind.WALL}:
            return Constant(text, TEXT)
        if not expected.accepts(text) or not _exists(text):
            raise self._mistyped(node, f"{shorten(text)} is not {expected}", f"Write {expected}.")
        return Constant(text, expected)

    def _arithmetic(self, node: exp.Expr, sign: str, left: Value, right: Value) -> Arithmetic:
        if left.type.kind is not Kind.DECIMAL or right.type.kind is not Kind.DECIMAL:
            raise self._mistyped(
                node, f"{sign!r} stands beside something that is not a number", "Calculate with numbers only."
            )
        if sign == "*":
            digits, scale = left.type.digits + right.type.digits + 1, left.type.scale + right.type.scale
        else:
            scale = max(left.type.scale, right.type.scale)
            digits = max(left.type.whole, right.type.whole) + scale + 1
        if digits > MAX_DIGITS:
            raise self._too_wide(node, digits)
        return Arithmetic(sign, left, right, ColumnType(Kind.DECIMAL, digits, scale))

    def _case(self, node: exp.Expr) -> Case:
        branches: list[tuple[Condition, Value]] = []
        for branch in node.args["ifs"]:
            self._admit(branch)
            branches.append((self.condition(branch.this), self.number(branch.args["true"])))
        default = node.args.get("default")
        otherwise = None if default is None or isinstance(default, exp.Null) else self.number(default)
        type_ = branches[0][1].type
        for held in (*(value for _, value in branches), *([] if otherwise is None else [otherwise])):
            wider = common_type(type_, held.type)
            if wider is None:
                raise self._too_wide(node, MAX_DIGITS + 1)
            type_ = wider
        return Case(tuple(branches), otherwise, type_)

    def _seconds_between(self, node: exp.Expr) -> SecondsBetween:
        # Any other call ends at the first gate.
        if node.name.lower() != SECONDS_BETWEEN or not isinstance(node.this, str):
            raise self._refused(node, "it calls a function other than seconds_between")
        if len(node.expressions) != 2:
            raise self._refused(node, "seconds_between needs two times")
        start, end = self._pair(*node.expressions)
        if start.type.kind is not end.type.kind or start.type.kind not in {Kind.INSTANT, Kind.WALL}:
            raise self._mistyped(
                node,
                f"seconds_between is given {start.type.kind} and {end.type.kind}",
                "Give two instants, or two wall-clock times.",
            )
        return SecondsBetween(start, end, SECONDS)

    def _pair(self, left: exp.Expr, right: exp.Expr) -> tuple[Value, Value]:
        """Two sides of a comparison: a quoted text takes the type of the other side."""
        if isinstance(left.unnest(), exp.Literal):
            second = self._value(right, None)
            return self._value(left, second.type), second
        first = self._value(left, None)
        return first, self._value(right, first.type)

    def _comparison(self, sign: str, left: exp.Expr, right: exp.Expr) -> Comparison:
        first, second = self._pair(left, right)
        return Comparison(sign, first, second, self._common(left, first, second))

    def _common(self, node: exp.Expr, first: Value, second: Value) -> ColumnType:
        if first.type.kind is not second.type.kind or first.type.kind is Kind.BOOLEAN:
            raise self._mistyped(
                node,
                f"{first.type.kind} is compared with {second.type.kind}",
                "Compare values of one type: numbers without quotes, texts and times in single quotes; a boolean "
                "column stands alone.",
            )
        common = common_type(first.type, second.type)
        if common is None:
            raise self._too_wide(node, MAX_DIGITS + 1)
        return common

    def _membership(self, node: exp.Expr) -> Membership:
        value = self._value(node.this, None)
        choices: list[Constant] = []
        common = value.type
        for item in node.expressions:
            choice = self._value(item, value.type)
            if not isinstance(choice, Constant):
                raise self._refused(item, "the list of 'in' has something other than numbers and quoted texts")
            wider = common_type(common, self._common(item, value, choice))
            if wider is None:
                raise self._too_wide(item, MAX_DIGITS + 1)
            common = wider
            choices.append(choice)
        if not choices:
            raise self._refused(node, "'in' has no list of values")
        return Membership(value, tuple(choices), common)

    def _start(self, node: exp.Expr) -> int:
        """Where a node begins in the text, from 0: the first of its words that has a place."""
        starts = [inner.meta["start"] for inner in node.walk() if "start" in inner.meta]
        return self.origin[min(starts, default=0)]

    def _refused(self, node: exp.Expr, why: str) -> EvidenceError:
        at = self._start(node) + 1
        return EvidenceError(
            "expression-refused",
            f"The expression {shorten(self.text)} in {self.place} is refused near character {at}: {why}.",
            ADMITTED,
            expression=self.text,
            character=at,
        )

    def _mistyped(self, node: exp.Expr, why: str, fix: str) -> EvidenceError:
        at = self._start(node) + 1
        return EvidenceError(
            "expression-type",
            f"In the expression {shorten(self.text)} in {self.place}, near character {at}, {why}.",
            fix,
            expression=self.text,
            character=at,
        )

    def _too_wide(self, node: exp.Expr, digits: int) -> EvidenceError:
        at = self._start(node) + 1
        return EvidenceError(
            "expression-too-wide",
            f"The expression {shorten(self.text)} in {self.place} needs {digits} or more digits near character {at}; "
            f"exact numbers in records have at most {MAX_DIGITS}.",
            "Declare narrower columns, or calculate with fewer numbers at once.",
            expression=self.text,
            character=at,
        )


def _exists(text: str) -> bool:
    """Whether a time written in the right form names a day of the calendar."""
    year, month, day = (int(part) for part in text[:10].split("-"))
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return day <= (29 if leap else 28) if month == 2 else day <= (30 if month in {4, 6, 9, 11} else 31)
