"""What each engine must be told so that one typed tree means one thing on all of them.

A tree becomes a tree of SQL, never pasted text: brackets around every operation, every constant a typed cast, every
result cast to its static type, so that the engine's type and ours are one. What differs between engines stands in
the three objects at the end: names of types, text order, how a time becomes microseconds, and when an operand must be
widened before it is calculated with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, assert_never

from sqlglot import ErrorLevel, exp

from pyoutcome.evidence.measures.columns import ColumnType, Kind
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

_SIGNS: Final[Mapping[str, type[exp.Expr]]] = {
    "+": exp.Add,
    "-": exp.Sub,
    "*": exp.Mul,
    "=": exp.EQ,
    "<>": exp.NEQ,
    "!=": exp.NEQ,
    "<": exp.LT,
    "<=": exp.LTE,
    ">": exp.GT,
    ">=": exp.GTE,
    "AND": exp.And,
    "OR": exp.Or,
}
_MICRO: Final = Constant("0.000001", ColumnType(Kind.DECIMAL, 7, 6))
_MICROSECONDS: Final = ColumnType(Kind.DECIMAL, 19)
_NARROW: Final = 18
"""Digits up to which DuckDB calculates in 64 bits."""


@dataclass(frozen=True)
class Dialect:
    """One engine's way to say what typed trees mean."""

    name: Literal["duckdb", "postgres", "spark"]
    """As sqlglot calls it."""
    rank: Literal["quantile", "window"]
    """How the value at a place is found: only DuckDB's ``quantile_disc`` takes an exact share."""
    collation: str | None
    """What makes text compare byte by byte; None where it does by itself."""
    widens: bool
    """Whether operands of a wide result must be wide themselves."""
    types: Mapping[Kind, exp.DType]
    epoch: Callable[[exp.Expr], exp.Expr] = field(repr=False)
    whole: Callable[[exp.Expr, str], exp.Expr] = field(repr=False)

    def data_type(self, type_: ColumnType) -> exp.DataType:
        """The engine's type that holds every value of ``type_`` and nothing wider."""
        if type_.kind is not Kind.DECIMAL:
            return exp.DataType(this=self.types[type_.kind])
        parts = [exp.DataTypeParam(this=exp.Literal.number(part)) for part in (type_.digits, type_.scale)]
        return exp.DataType(this=exp.DType.DECIMAL, expressions=parts)

    def constant(self, constant: Constant) -> exp.Expr:
        """A typed constant: ``CAST('14.50' AS DECIMAL(4, 2))``."""
        return self.cast(exp.Literal.string(_in_full(constant)), constant.type)

    def cast(self, tree: exp.Expr, type_: ColumnType) -> exp.Expr:
        """``tree`` as the engine's type of ``type_``; a text with its order by bytes."""
        made = exp.Cast(this=tree, to=self.data_type(type_))
        return self.text_key(made) if type_.kind is Kind.TEXT else made

    def text_key(self, tree: exp.Expr) -> exp.Expr:
        """A text to compare, group or order by its bytes."""
        if self.collation is None:
            return tree
        named = exp.Identifier(this=self.collation, quoted=True)
        return exp.Paren(this=exp.Collate(this=tree, expression=named))

    def microseconds(self, tree: exp.Expr) -> exp.Expr:
        """A time as whole microseconds since 1970: of an instant in UTC, of a wall-clock time as the clock shows it."""
        return self.epoch(tree)

    def matches(self, tree: exp.Expr, pattern: str) -> exp.Expr:
        """Whether a text matches a regular expression from its first character to its last."""
        return _bracket(self.whole(tree, pattern))

    def lower(self, tree: Value | Condition, columns: Mapping[str, str]) -> exp.Expr:
        """SQL of a value or condition; ``columns`` gives our own name for each source column."""
        match tree:
            case Column(name, type_):
                held = exp.column(columns[name])
                return self.text_key(held) if type_.kind is Kind.TEXT else held
            case Constant():
                return self.constant(tree)
            case Arithmetic(sign, left, right, type_):
                first, second = (self._operand(side, type_, columns) for side in (left, right))
                return self.cast(_bracket(_SIGNS[sign](this=first, expression=second)), type_)
            case SecondsBetween(start, end, type_):
                return self._seconds(self.lower(start, columns), self.lower(end, columns), type_)
            case Case(branches, otherwise, type_):
                ifs = [
                    exp.If(this=self.lower(condition, columns), true=self._as(held, type_, columns))
                    for condition, held in branches
                ]
                default = exp.Null() if otherwise is None else self._as(otherwise, type_, columns)
                return self.cast(_bracket(exp.Case(ifs=ifs, default=default)), type_)
            case _:
                return self._condition(tree, columns)

    def sql(self, tree: exp.Expr) -> str:
        """The text the engine is sent; what it has no words for is an error, not a warning."""
        return tree.sql(dialect=self.name, unsupported_level=ErrorLevel.RAISE, normalize_functions=False)

    def _condition(self, tree: Condition, columns: Mapping[str, str]) -> exp.Expr:
        match tree:
            case Comparison(sign, left, right, common):
                first, second = (self._as(side, common, columns) for side in (left, right))
                return _bracket(_SIGNS[sign](this=first, expression=second))
            case Membership(value, choices, common):
                listed = [self._as(choice, common, columns) for choice in choices]
                return _bracket(exp.In(this=self._as(value, common, columns), expressions=listed))
            case Missing(value):
                return _bracket(exp.Is(this=self.lower(value, columns), expression=exp.Null()))
            case Flag(column):
                return _bracket(self.lower(column, columns))
            case Negation(inner):
                return _bracket(exp.Not(this=self.lower(inner, columns)))
            case Connective(word, first_part, second_part):
                parts = (self.lower(part, columns) for part in (first_part, second_part))
                return _bracket(_SIGNS[word](this=next(parts), expression=next(parts)))
            case _:
                assert_never(tree)

    def _operand(self, value: Value, result: ColumnType, columns: Mapping[str, str]) -> exp.Expr:
        """One side of ``+ - *``; DuckDB calculates as wide as its operands are, and overflows."""
        held = self.lower(value, columns)
        if not self.widens or result.digits <= _NARROW:
            return held
        digits = max(value.type.digits, _NARROW + 1)
        return self.cast(held, ColumnType(Kind.DECIMAL, digits, value.type.scale))

    def _as(self, value: Value, common: ColumnType, columns: Mapping[str, str]) -> exp.Expr:
        """A value as the type both sides of a comparison, or all branches, are taken as."""
        if isinstance(value, Constant):
            return self.constant(Constant(value.text, common))
        held = self.lower(value, columns)
        return held if value.type == common else self.cast(held, common)

    def _seconds(self, start: exp.Expr, end: exp.Expr, type_: ColumnType) -> exp.Expr:
        between = _bracket(exp.Sub(this=self.microseconds(end), expression=self.microseconds(start)))
        whole = self.cast(between, _MICROSECONDS)
        return self.cast(_bracket(exp.Mul(this=whole, expression=self.constant(_MICRO))), type_)


def _bracket(tree: exp.Expr) -> exp.Expr:
    """sqlglot adds no brackets to a tree made by hand."""
    return exp.Paren(this=tree)


def _in_full(constant: Constant) -> str:
    """A time as ``2013-01-31T23:59:59.000000+00:00``, which no engine reads in two ways; anything else as it is."""
    text = constant.text
    if constant.type.kind not in {Kind.INSTANT, Kind.WALL}:
        return text
    clock, rest = text[:10] + "T" + text[11:19], text[19:].replace("Z", "+00:00")
    part = ""
    if rest.startswith("."):
        ending = next((at for at, sign in enumerate(rest) if sign in "+-"), len(rest))
        part, rest = rest[1:ending], rest[ending:]
    return f"{clock}.{part:0<6}{rest}"


def _call(name: str, *given: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=list(given))


def _duckdb_epoch(tree: exp.Expr) -> exp.Expr:
    return _call("epoch_us", tree)


def _postgres_epoch(tree: exp.Expr) -> exp.Expr:
    # Since version 14 numeric, so exact.
    seconds = exp.Extract(this=exp.var("epoch"), expression=tree)
    whole = _bracket(exp.Mul(this=seconds, expression=exp.Literal.number(1_000_000)))
    return exp.Cast(this=whole, to=exp.DataType(this=exp.DType.BIGINT))


def _spark_epoch(tree: exp.Expr) -> exp.Expr:
    # The session speaks UTC, so a wall-clock time becomes the instant at which clocks of UTC show it.
    return _call("unix_micros", exp.Cast(this=tree, to=exp.DataType(this=exp.DType.TIMESTAMPLTZ)))


def _duckdb_whole(tree: exp.Expr, pattern: str) -> exp.Expr:
    return _call("regexp_full_match", tree, exp.Literal.string(pattern))


def _postgres_whole(tree: exp.Expr, pattern: str) -> exp.Expr:
    return exp.RegexpLike(this=tree, expression=exp.Literal.string(f"^(?:{pattern})$"))


def _spark_whole(tree: exp.Expr, pattern: str) -> exp.Expr:
    # There a dollar sign would match before a last line break too.
    return exp.RegexpLike(this=tree, expression=exp.Literal.string(rf"\A(?:{pattern})\z"))


DUCKDB: Final = Dialect(
    name="duckdb",
    rank="quantile",
    collation=None,
    widens=True,
    types={
        Kind.TEXT: exp.DType.TEXT,
        Kind.INSTANT: exp.DType.TIMESTAMPTZ,
        Kind.WALL: exp.DType.TIMESTAMP,
        Kind.BOOLEAN: exp.DType.BOOLEAN,
    },
    epoch=_duckdb_epoch,
    whole=_duckdb_whole,
)
POSTGRES: Final = Dialect(
    name="postgres",
    rank="window",
    collation="C",
    widens=False,
    types={
        Kind.TEXT: exp.DType.TEXT,
        Kind.INSTANT: exp.DType.TIMESTAMPTZ,
        Kind.WALL: exp.DType.TIMESTAMP,
        Kind.BOOLEAN: exp.DType.BOOLEAN,
    },
    epoch=_postgres_epoch,
    whole=_postgres_whole,
)
SPARK: Final = Dialect(
    name="spark",
    rank="window",
    collation=None,
    widens=False,
    types={
        Kind.TEXT: exp.DType.TEXT,
        Kind.INSTANT: exp.DType.TIMESTAMPLTZ,
        Kind.WALL: exp.DType.TIMESTAMPNTZ,
        Kind.BOOLEAN: exp.DType.BOOLEAN,
    },
    epoch=_spark_epoch,
    whole=_spark_whole,
)
