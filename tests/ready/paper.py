"""What the hand calculations share: reading sample records and telling periods, with the standard library alone."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from functools import cache
from math import floor
from pathlib import Path
from zoneinfo import ZoneInfo

from pyoutcome import Agreement
from pyoutcome.evidence import Recomputation

EXAMPLES = Path(__file__).parents[2] / "examples"
Row = dict[str, str]


@cache
def agreement_of(name: str) -> Agreement:
    """The ready agreement."""
    return Agreement.load(EXAMPLES / name / "agreement.yaml")


@cache
def units_of(name: str) -> tuple[dict[str, int], ...]:
    """What pyoutcome pays, in base units, by period and provider: measured from the sample records and evaluated."""
    agreement = agreement_of(name)
    folder = EXAMPLES / name / "records"
    reading = Recomputation.read(agreement, {source: folder / f"{source}.csv" for source in agreement.records})
    measured = [reading.measured(period.number) for period in agreement.periods]
    statements = agreement.statements([{each.name: each.value for each in found.values} for found in measured])
    return tuple({each.provider: each.units for each in statement.providers} for statement in statements)


def rows_of(name: str, source: str) -> list[Row]:
    """The records of a source, as texts."""
    with (EXAMPLES / name / "records" / f"{source}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def at(text: str) -> datetime:
    """A time in UTC."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def starts(zone: str, year: int, month: int, every: int, periods: int) -> list[datetime]:
    """Midnight of the first day of each period, and of the day after the last."""
    months = [month - 1 + every * number for number in range(periods + 1)]
    return [datetime(year + each // 12, each % 12 + 1, 1, tzinfo=ZoneInfo(zone)) for each in months]


def within(rows: Iterable[Row], column: str, edges: Sequence[datetime], number: int) -> list[Row]:
    """The rows whose time lies in a period, counted from 0."""
    return [row for row in rows if row[column] and edges[number] <= at(row[column]) < edges[number + 1]]


def days(start: str, end: str) -> Fraction:
    """Days between two times."""
    return Fraction(int((at(end) - at(start)).total_seconds()), 86_400)


def half_up(value: Fraction, decimals: int) -> Fraction:
    """Rounded to decimals, a half away from zero; of values that are not negative."""
    return Fraction(floor(value * 10**decimals + Fraction(1, 2)), 10**decimals)


def share(part: int, whole: int) -> Fraction:
    """A share in steps of a hundredth of a percent."""
    return half_up(Fraction(part, whole), 4)


def percent(text: str) -> Fraction:
    """``12.5`` percent."""
    return Fraction(text) / 100


def total(parts: Iterable[Fraction]) -> Fraction:
    """The sum."""
    return sum(parts, Fraction(0))


def cut(amount: Fraction, decimals: int) -> int:
    """In base units of six decimals, the further ones than ``decimals`` cut off."""
    return int(floor(amount * 10**decimals) * 10 ** (6 - decimals))
