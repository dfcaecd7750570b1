"""What every kind of measure means, told a second time in plain Python: rows, fractions and datetimes, no SQL."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

Row = Mapping[str, Any]
"""Numbers are fractions, instants aware datetimes, wall-clock times naive ones; None is missing."""
Result = dict[tuple[int, str | None], Fraction | str | None]
"""Value by period and provider; a text is the code of the error that stops it."""
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Terms:
    """What the agreement says beside the measure."""

    bounds: Sequence[datetime]
    """Start of each period and the end of the last, UTC."""
    providers: Sequence[str]
    windows: Mapping[str, Sequence[tuple[datetime, datetime]]]
    late: timedelta | None
    """A record must be received within this time after its period's end, by its column ``got``."""
    zones: Mapping[str, str]
    """Zone of each wall-clock column."""


@dataclass(frozen=True)
class Told:
    """A measure whose expressions are functions of a row."""

    kind: str
    anchor: str
    provider: str | None = None
    where: Callable[[Row], bool | None] | None = None
    item: tuple[str, ...] = ()
    version: str = ""
    by: tuple[str, ...] = ()
    windows: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    numerator: Callable[[Row], bool | None] | None = None
    denominator: Callable[[Row], bool | None] | None = None
    value: Callable[[Row], Fraction | None] | None = None
    weight: Callable[[Row], Fraction | None] | None = None
    missing: str | Fraction = "skip"
    divide_by: Fraction = Fraction(1)
    percent: Fraction = Fraction(50)
    method: str = "nearest_rank"
    of: str = ""
    ties: str | None = None


class RefusedError(Exception):
    """The records do not hold; the text is the code."""


def compute(rows: Sequence[Row], told: Told, terms: Terms) -> Result:
    """The value of every period and provider before it is rounded. Raises RefusedError."""
    kept = [row for row in rows if not _late(row, told, terms)]
    if told.kind == "time_share":
        return _time_share(kept, told, terms)
    if told.version:
        kept = _versions(kept, told)
    whose = terms.providers if told.provider else [None]
    return {
        (number, provider): _value([row for row in kept if _counts(row, told, terms, number, provider)], told)
        for number in range(1, len(terms.bounds))
        for provider in whose
    }


def _seen(column: str, moment: datetime, terms: Terms) -> datetime:
    """A moment as the column would show it."""
    zone = terms.zones.get(column)
    return moment if zone is None else moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def period_of(row: Row, column: str, terms: Terms) -> int | None:
    """Number of the period, 0 for none, None without a time."""
    held = row[column]
    if held is None:
        return None
    for number in range(1, len(terms.bounds)):
        start, end = (_seen(column, terms.bounds[place], terms) for place in (number - 1, number))
        if start <= held < end:
            return number
    return 0


def _late(row: Row, told: Told, terms: Terms) -> bool:
    number = period_of(row, told.anchor, terms)
    if terms.late is None or not number:
        return False
    got = row["got"]
    return got is None or got > terms.bounds[number] + terms.late


def _versions(rows: Sequence[Row], told: Told) -> list[Row]:
    items: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        if all(row[name] is not None for name in (*told.item, *told.by)):
            items.setdefault(tuple(row[name] for name in told.item), []).append(row)
    chosen = []
    for held in items.values():
        order = [tuple(_key(row[name]) for name in told.by) for row in held]
        first = max(order) if told.version == "latest" else min(order)
        if order.count(first) > 1:
            raise RefusedError("versions-tied")
        chosen.append(held[order.index(first)])
    return chosen


def _key(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value


def _counts(row: Row, told: Told, terms: Terms, number: int, provider: str | None) -> bool:
    if period_of(row, told.anchor, terms) != number or (told.provider and row[told.provider] != provider):
        return False
    if told.where is not None and told.where(row) is not True:
        return False
    if any(row[flag] is True for flag in told.flags):
        return False
    return not any(
        _seen(told.anchor, start, terms) <= row[told.anchor] < _seen(told.anchor, end, terms)
        for name in told.windows
        for start, end in terms.windows[name]
    )


def _value(rows: Sequence[Row], told: Told) -> Fraction | str | None:
    if told.kind == "count":
        return Fraction(len(rows))
    if told.kind == "distinct_count":
        return Fraction(len({row[told.of] for row in rows} - {None}))
    if told.kind == "ratio":
        assert told.numerator is not None
        below = [row for row in rows if told.denominator is None or told.denominator(row) is True]
        return Fraction(sum(told.numerator(row) is True for row in below), len(below)) if below else None
    assert told.value is not None
    pairs = [(told.value(row), Fraction(1) if told.weight is None else told.weight(row)) for row in rows]
    if isinstance(told.missing, Fraction):
        pairs = [(told.missing if value is None else value, weight) for value, weight in pairs]
    full = [(value, weight) for value, weight in pairs if value is not None and weight is not None]
    if told.missing != "skip" and len(full) < len(pairs):
        return "values-lacking"
    if any(weight is not None and weight < 0 for _, weight in pairs):
        return "weights-negative"
    found = _of_values(full, told)
    return None if found is None else found / told.divide_by


def _of_values(pairs: Sequence[tuple[Fraction, Fraction]], told: Told) -> Fraction | None:
    values = sorted(value for value, _ in pairs)
    total = sum((value * weight for value, weight in pairs), Fraction(0))
    if told.kind == "sum":
        return total
    weights = sum((weight for _, weight in pairs), Fraction(0))
    if not values or not weights:
        return None
    share = told.percent / 100
    if told.kind in {"mean", "weighted_mean"}:
        return total / weights
    if told.kind == "percentile" and told.method == "interpolated":
        place = share * (len(values) - 1)
        low = math.floor(place)
        high = min(low + 1, len(values) - 1)
        return values[low] + (place - low) * (values[high] - values[low])
    places = {"min": 0, "max": -1, "percentile": math.ceil(share * len(values)) - 1}
    return values[places[told.kind]]


def _time_share(rows: Sequence[Row], told: Told, terms: Terms) -> Result:
    items: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        known = row[told.anchor] is not None and all(row[name] is not None for name in told.item)
        if known and (told.where is None or told.where(row) is True):
            items.setdefault(tuple(row[name] for name in told.item), []).append(row)
    spans: list[tuple[datetime, datetime, Row]] = []
    for held in items.values():
        for row in held:
            later = [other for other in held if other is not row and _follows(other, row, told)]
            end = min((other[told.anchor] for other in later), default=terms.bounds[-1])
            spans.append((row[told.anchor], end, row))
    result: Result = {}
    for number in range(1, len(terms.bounds)):
        for provider in terms.providers if told.provider else [None]:
            state = known_time = 0
            for start, end, row in spans:
                if (told.provider and row[told.provider] != provider) or any(row[flag] is True for flag in told.flags):
                    continue
                length = _cut(start, end, terms, number, told.windows)
                known_time += length
                assert told.numerator is not None
                state += length if told.numerator(row) is True else 0
            result[number, provider] = Fraction(state, known_time) if known_time else None
    return result


def _follows(other: Row, row: Row, told: Told) -> bool:
    if other[told.anchor] != row[told.anchor]:
        return bool(other[told.anchor] > row[told.anchor])
    if told.ties is None or other[told.ties] is None or row[told.ties] is None or other[told.ties] == row[told.ties]:
        raise RefusedError("states-tied")
    return bool(_key(other[told.ties]) > _key(row[told.ties]))


def _cut(start: datetime, end: datetime, terms: Terms, number: int, windows: Sequence[str]) -> int:
    """Microseconds of an interval inside a period and outside the windows, found by cutting at every edge."""
    low, high = max(start, terms.bounds[number - 1]), min(end, terms.bounds[number])
    out = [span for name in windows for span in terms.windows[name]]
    edges = sorted({low, high, *(edge for span in out for edge in span if low < edge < high)})
    return sum(
        (later - early) // MICROSECOND
        for early, later in pairwise(edges)
        if low < high and not any(first <= early < last for first, last in out)
    )


def month_starts(year: int, months: Sequence[int], zone: str) -> list[datetime]:
    """Local midnights as UTC."""
    return [datetime(year, month, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC) for month in months]
