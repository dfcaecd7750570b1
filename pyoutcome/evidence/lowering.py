"""Typed expressions to DuckDB SQL: every operation bracketed, every constant a typed cast.

No text of the agreement reaches the engine except inside a quoted constant. Rules of width: an operand of ``+ - *``
is cast to at least 19 digits when the result has more than 18, so that the engine calculates in 128 bits; the result is
cast to the static type, so that the engine's type and ours are one.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyoutcome.evidence.columns import ColumnType, Kind
from pyoutcome.evidence.conditions import (
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


def lower_condition(condition: Condition, names: Mapping[str, str]) -> str:
    """SQL of a condition; ``names`` gives our own name for each source column."""
    match condition:
        case Comparison(sign, left, right, common):
            return f"({_cast(left, common, names)} {sign} {_cast(right, common, names)})"
        case Membership(value, choices, common):
            listed = ", ".join(_cast(choice, common, names) for choice in choices)
            return f"({_cast(value, common, names)} IN ({listed}))"
        case Missing(value):
            return f"({lower_value(value, names)} IS NULL)"
        case Flag(column):
            return f"({lower_value(column, names)})"
        case Negation(inner):
            return f"(NOT {lower_condition(inner, names)})"
        case Connective(word, first, second):
            return f"({lower_condition(first, names)} {word} {lower_condition(second, names)})"


def lower_value(value: Value, names: Mapping[str, str]) -> str:
    """SQL of a value."""
    match value:
        case Column(name, _):
            return names[name]
        case Constant(text, type_):
            return constant(text, type_)
        case Arithmetic(sign, left, right, type_):
            first, second = (_operand(side, type_, names) for side in (left, right))
            return f"CAST(({first} {sign} {second}) AS {type_.sql})"
        case SecondsBetween(start, end, type_):
            first, second = (f"CAST(epoch_us({lower_value(side, names)}) AS DECIMAL(19,0))" for side in (start, end))
            return f"CAST((({second} - {first}) * CAST('0.000001' AS DECIMAL(7,6))) AS {type_.sql})"
        case Case(branches, otherwise, type_):
            listed = " ".join(
                f"WHEN {lower_condition(condition, names)} THEN {_cast(held, type_, names)}"
                for condition, held in branches
            )
            ending = "NULL" if otherwise is None else _cast(otherwise, type_, names)
            return f"CAST((CASE {listed} ELSE {ending} END) AS {type_.sql})"


def constant(text: str, type_: ColumnType) -> str:
    """A typed constant: ``CAST('14.50' AS DECIMAL(4,2))``."""
    return f"CAST({quote(text)} AS {type_.sql})"


def quote(text: str) -> str:
    """A text constant of SQL."""
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def _operand(value: Value, result: ColumnType, names: Mapping[str, str]) -> str:
    sql = lower_value(value, names)
    if result.digits <= 18:
        return sql
    wide = ColumnType(Kind.DECIMAL, max(value.type.digits, 19), value.type.scale)
    return f"CAST({sql} AS {wide.sql})"


def _cast(value: Value, common: ColumnType, names: Mapping[str, str]) -> str:
    """A value as the type both sides are compared in."""
    if isinstance(value, Constant):
        return constant(value.text, common)
    sql = lower_value(value, names)
    return sql if value.type == common else f"CAST({sql} AS {common.sql})"
