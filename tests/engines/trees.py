"""Typed trees and what they mean, told a second time in plain Python: fractions, bytes of texts, microseconds."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final

from pyoutcome.evidence.measures.columns import MAX_DIGITS, ColumnType, Kind, common_type
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

Cell = Fraction | bytes | bool | int | None
INSTANT: Final = ColumnType(Kind.INSTANT)
WALL: Final = ColumnType(Kind.WALL)
BOOLEAN: Final = ColumnType(Kind.BOOLEAN)
SECONDS: Final = ColumnType(Kind.DECIMAL, 25, 6)
SIGNS: Final = ("=", "<>", "!=", "<", "<=", ">", ">=")
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 (a clock without zone)


def decimal(digits: int, scale: int = 0) -> ColumnType:
    return ColumnType(Kind.DECIMAL, digits, scale)


def number(text: str) -> Constant:
    bare = text.lstrip("-")
    whole, _, part = bare.partition(".")
    return Constant(text, decimal(len(whole) + len(part), len(part)))


def read(text: str, type_: ColumnType) -> Cell:
    """What a written value means."""
    match type_.kind:
        case Kind.DECIMAL:
            return Fraction(text)
        case Kind.BOOLEAN:
            return text.lower() == "true"
        case Kind.TEXT:
            return text.encode()
        case Kind.WALL:
            return _microseconds(text)
        case Kind.INSTANT:
            if text.endswith("Z"):
                return _microseconds(text[:-1])
            sign, hours, minutes = text[-6], int(text[-5:-3]), int(text[-2:])
            offset = (hours * 60 + minutes) * 60_000_000
            return _microseconds(text[:-6]) + (offset if sign == "-" else -offset)


def _microseconds(text: str) -> int:
    moment = datetime.fromisoformat(text[:19].replace(" ", "T"))
    part = text[20:]
    return (moment - _EPOCH) // timedelta(microseconds=1) + int(f"{part:0<6}" if part else "0")


def calculate(sign: str, left: Value, right: Value) -> Arithmetic | None:
    """None if the result may have more digits than engines keep."""
    if sign == "*":
        digits, scale = left.type.digits + right.type.digits + 1, left.type.scale + right.type.scale
    else:
        scale = max(left.type.scale, right.type.scale)
        digits = max(left.type.whole, right.type.whole) + scale + 1
    return Arithmetic(sign, left, right, decimal(digits, scale)) if digits <= MAX_DIGITS else None


def compare(sign: str, left: Value, right: Value) -> Comparison | None:
    common = common_type(left.type, right.type)
    return None if common is None else Comparison(sign, left, right, common)


def among(value: Value, choices: Sequence[Constant]) -> Membership | None:
    common: ColumnType | None = value.type
    for choice in choices:
        common = None if common is None else common_type(common, choice.type)
    return None if common is None else Membership(value, tuple(choices), common)


def choose(branches: Sequence[tuple[Condition, Value]], otherwise: Value | None) -> Case | None:
    held = [value for _, value in branches] + ([otherwise] if otherwise is not None else [])
    common: ColumnType | None = held[0].type
    for value in held[1:]:
        common = None if common is None else common_type(common, value.type)
    return None if common is None else Case(tuple(branches), otherwise, common)


def evaluate(tree: Value | Condition, row: Mapping[str, Cell]) -> Cell:  # noqa: C901 (one case per node)
    """The value of a tree for one record; None is missing or unknown."""
    match tree:
        case Column(name, _):
            return row[name]
        case Constant(text, type_):
            return read(text, type_)
        case Arithmetic(sign, left, right, _):
            a, b = evaluate(left, row), evaluate(right, row)
            if a is None or b is None:
                return None
            assert isinstance(a, Fraction)
            assert isinstance(b, Fraction)
            return a + b if sign == "+" else a - b if sign == "-" else a * b
        case SecondsBetween(start, end, _):
            a, b = evaluate(start, row), evaluate(end, row)
            if a is None or b is None:
                return None
            assert isinstance(a, int)
            assert isinstance(b, int)
            return Fraction(b - a, 1_000_000)
        case Case(branches, otherwise, _):
            for condition, value in branches:
                if evaluate(condition, row) is True:
                    return evaluate(value, row)
            return None if otherwise is None else evaluate(otherwise, row)
        case Comparison(sign, left, right, _):
            return _compare(sign, evaluate(left, row), evaluate(right, row))
        case Membership(value, choices, _):
            held = evaluate(value, row)
            return None if held is None else held in [evaluate(choice, row) for choice in choices]
        case Missing(value):
            return evaluate(value, row) is None
        case Flag(column):
            return evaluate(column, row)
        case Negation(inner):
            said = evaluate(inner, row)
            return None if said is None else not said
        case Connective(word, first, second):
            said, also = evaluate(first, row), evaluate(second, row)
            decisive = word == "OR"
            if decisive in (said, also):
                return decisive
            return None if said is None or also is None else not decisive


def _compare(sign: str, a: Cell, b: Cell) -> bool | None:
    if a is None or b is None:
        return None
    less, equal = a < b, a == b  # type: ignore[operator]
    return {"=": equal, "<>": not equal, "!=": not equal, "<": less, "<=": less or equal}.get(
        sign, not less and not equal if sign == ">" else not less
    )


class Grower:
    """Random typed trees over given columns and constants."""

    def __init__(self, columns: Sequence[Column], constants: Sequence[Constant], chance: random.Random) -> None:
        self.chance = chance
        self.held: dict[Kind, list[Value]] = {kind: [] for kind in Kind}
        self.constants: dict[Kind, list[Constant]] = {kind: [] for kind in Kind}
        for column in columns:
            self.held[column.type.kind].append(column)
        for constant in constants:
            self.held[constant.type.kind].append(constant)
            self.constants[constant.type.kind].append(constant)

    def number(self, depth: int) -> Value:
        grown: Value | None = None
        if depth:
            kind = self.chance.random()
            if kind < 0.6:
                grown = calculate(self.chance.choice("+-*"), self.number(depth - 1), self.number(depth - 1))
            elif kind < 0.75:
                times = self.held[self.chance.choice([Kind.INSTANT, Kind.WALL])]
                grown = SecondsBetween(self.chance.choice(times), self.chance.choice(times), SECONDS)
            elif kind < 0.9:
                branches = [
                    (self.condition(depth - 1), self.number(depth - 1)) for _ in range(self.chance.randint(1, 2))
                ]
                grown = choose(branches, self.chance.choice([None, self.number(depth - 1)]))
        return grown or self.chance.choice(self.held[Kind.DECIMAL])

    def value(self, depth: int) -> Value:
        kind = self.chance.choice([Kind.DECIMAL, Kind.DECIMAL, Kind.DECIMAL, Kind.TEXT, Kind.INSTANT, Kind.WALL])
        return self.number(depth) if kind is Kind.DECIMAL else self.chance.choice(self.held[kind])

    def condition(self, depth: int) -> Condition:
        chosen = self.chance.random()
        grown: Condition | None = None
        if depth and chosen < 0.35:
            return Connective(self.chance.choice(["AND", "OR"]), self.condition(depth - 1), self.condition(depth - 1))
        if depth and chosen < 0.45:
            return Negation(self.condition(depth - 1))
        value = self.value(max(depth - 1, 0))
        if chosen < 0.55:
            return Missing(value)
        if chosen < 0.7:
            constants = self.constants[value.type.kind]
            grown = among(value, self.chance.sample(constants, min(3, len(constants))))
        elif chosen < 0.78:
            flag = self.chance.choice(self.held[Kind.BOOLEAN])
            assert isinstance(flag, Column)
            return Flag(flag)
        if grown is None:
            others = [self.number(max(depth - 1, 0))] if value.type.kind is Kind.DECIMAL else self.held[value.type.kind]
            grown = compare(self.chance.choice(SIGNS), value, self.chance.choice(others))
        return grown or Missing(value)
