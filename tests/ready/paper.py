"""What hand calculations share: telling periods, days and roundings, with the standard library alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from fractions import Fraction
from math import floor
from zoneinfo import ZoneInfo

from tests.ready.playing import Row, moment, seconds


def starts(zone: str, year: int, month: int, every: int, periods: int) -> list[datetime]:
    """Midnight of the first day of each period, and of the day after the last."""
    months = [month - 1 + every * number for number in range(periods + 1)]
    return [datetime(year + each // 12, each % 12 + 1, 1, tzinfo=ZoneInfo(zone)) for each in months]


def inside(rows: Iterable[Row], column: str, edges: Sequence[datetime], number: int) -> list[Row]:
    """The rows whose time lies in a period, counted from 0."""
    times = ((row, moment(row[column])) for row in rows)
    return [row for row, at in times if at is not None and edges[number] <= at < edges[number + 1]]


def days(row: Row, start: str, end: str) -> Fraction:
    """Days between two times that are both there."""
    between = seconds(row, start, end)
    assert between is not None
    return between / 86_400


def is_before(row: Row, first: str, second: str) -> bool:
    """Is the one time there, and before the other?"""
    between = seconds(row, first, second)
    return between is not None and between > 0


def half_up(value: Fraction, decimals: int) -> Fraction:
    """Rounded to decimals, a half up; of values that are not negative."""
    return Fraction(floor(value * 10**decimals + Fraction(1, 2)), 10**decimals)


def percent(text: str) -> Fraction:
    """``12.5`` percent."""
    return Fraction(text) / 100


def total(parts: Iterable[Fraction]) -> Fraction:
    """The sum."""
    return sum(parts, Fraction(0))


def cut(amount: Fraction, decimals: int) -> Fraction:
    """Further decimals cut off; of amounts that are not negative."""
    return Fraction(floor(amount * 10**decimals), 10**decimals)
