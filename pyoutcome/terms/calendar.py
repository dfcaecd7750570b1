"""The term: calendar periods in a time zone, made into UTC instants once, the same for everybody.

Zones come from the ``tzdata`` package alone, never from the operating system, so that two parties with the same
package compute the same instants. A day starts at the first instant whose local date is that day, also where clocks
skip midnight or strike it twice.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from pyoutcome.errors import AgreementError, did_you_mean
from pyoutcome.terms.part import Part
from pyoutcome.terms.problems import refusing
from pyoutcome.terms.scalars import Day, Line, Whole

MOST_PERIODS: Final = 1024
_YEARS: Final = (1971, 2299)
Every = Literal["day", "week", "month", "quarter", "year"]
_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}
_DAYS: Final = {"day": 1, "week": 7}


@dataclass(frozen=True)
class Period:
    """One settlement interval, from ``start`` up to but not including ``end``; unix seconds UTC."""

    number: int
    """From 1."""
    start: int
    end: int


@cache
def zones_version() -> str:
    """Version of the IANA time zone database that period ends are computed from, such as 2026a."""
    with files("tzdata").joinpath("zoneinfo", "tzdata.zi").open("r", encoding="utf-8") as file:
        return file.readline().split()[-1]


@cache
def zone_names() -> frozenset[str]:
    """All zones of the database."""
    return frozenset(files("tzdata").joinpath("zones").read_text("utf-8").split())


@cache
def read_zone(name: str) -> ZoneInfo:
    """A zone of the ``tzdata`` package. AgreementError ``unknown-zone`` otherwise."""
    if name not in zone_names():
        raise AgreementError(
            "unknown-zone",
            f"{name[:60]!r} is not a time zone of the IANA database.",
            _nearest_zone(name),
        )
    *folders, last = name.split("/")
    with files("tzdata").joinpath("zoneinfo", *folders, last).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def _nearest_zone(name: str) -> str:
    near = did_you_mean(name, zone_names())
    return near if near.startswith("Did") else "Write a zone such as Europe/Berlin, America/New_York or UTC."


@refusing
def _known_zone(name: str) -> str:
    read_zone(name)
    return name


Zone = Annotated[Line, AfterValidator(_known_zone)]
"""Name of a time zone of the ``tzdata`` package."""


class Term(Part):
    """When the agreement runs: equal calendar periods, or the days on which periods end."""

    WAYS = ((("every", "periods"), ("ends",)),)

    zone: Zone
    first: Day
    """The first day of period 1 (or its exact first instant)."""
    every: Every | None = None
    periods: Annotated[Whole, Field(ge=1, le=MOST_PERIODS)] | None = None
    ends: Annotated[tuple[Day, ...], Field(min_length=1, max_length=MOST_PERIODS)] | None = None
    """Instead of ``every`` and ``periods``: the first day after each period, which starts the next one."""
    periods_per_year: Annotated[Whole, Field(ge=1, le=366)] | None = None
    """Periods of a contract year; 12 months, 4 quarters and 1 year say it themselves."""

    @property
    def year_length(self) -> int | None:
        """Periods of a contract year; None where the term does not say."""
        months = _MONTHS.get(self.every or "")
        return self.periods_per_year or (12 // months if months else None)


def compute_periods(term: Term) -> tuple[Period, ...]:
    """The periods of a term.

    Raises AgreementError: ``term-incomplete`` (neither or both ways of writing it), ``date-out-of-range``,
    ``periods-not-rising``.
    """
    zone = read_zone(term.zone)
    if term.ends is not None and term.every is None and term.periods is None:
        days = [term.first, *term.ends]
    elif term.ends is None and term.every is not None and term.periods is not None:
        days = [_later(term.first, term.every, count, zone) for count in range(term.periods + 1)]
    else:
        raise AgreementError(
            "term-incomplete",
            "The term does not say in one way when its periods end.",
            "Write either 'every' and 'periods', or 'ends' with one day for each period.",
        )
    instants = [_instant(day, zone) for day in days]
    for number, (start, end) in enumerate(pairwise(instants), 1):
        if end <= start:
            raise AgreementError(
                "periods-not-rising",
                f"Period {number} would end before it starts, or be empty.",
                "Order the ends from first to last; note that a zone may have skipped a day.",
                period=number,
            )
    return tuple(Period(number, start, end) for number, (start, end) in enumerate(pairwise(instants), 1))


def read_moment(moment: date | datetime, zone: str) -> int:
    """Unix seconds of an exact time, of the start of a day in the zone, or of what clocks in the zone show once.

    Raises AgreementError ``date-out-of-range``; ``clock-time-unclear`` where clocks show it twice or never.
    """
    if not isinstance(moment, datetime) or moment.tzinfo is not None:
        return _instant(moment, read_zone(zone))
    if not _YEARS[0] <= moment.year <= _YEARS[1]:
        raise _out_of_range()
    local = moment.replace(tzinfo=read_zone(zone))
    first, second = local.timestamp(), local.replace(fold=1).timestamp()
    if first != second:
        raise AgreementError(
            "clock-time-unclear",
            f"Clocks in {zone} show {moment.isoformat()} {'twice' if first < second else 'never'}.",
            "Write the exact time in UTC, such as 2013-03-31T01:30:00Z.",
        )
    return int(first)


def order_is_clear(seconds: int, zone: ZoneInfo, *, inclusive: bool) -> bool:
    """Whether clocks in the zone show less before an instant than from it on.

    With ``inclusive``: less or the same up to it, and more after it. An hour that is struck twice is unclear, but for
    its very beginning, before which clocks show less and after which never less again.
    """
    shown = datetime.fromtimestamp(seconds, UTC).astimezone(zone).replace(tzinfo=None, fold=0)
    if not _struck_twice(shown, zone):
        return True
    first = shown.replace(tzinfo=zone).timestamp()
    return not inclusive and first == seconds and not _struck_twice(shown - timedelta(seconds=1), zone)


def _struck_twice(shown: datetime, zone: ZoneInfo) -> bool:
    first = shown.replace(tzinfo=zone)
    return first.timestamp() < first.replace(fold=1).timestamp()


def _later(first: date, every: Every, count: int, zone: ZoneInfo) -> date:
    """The day ``count`` periods after ``first``; a day the month does not have becomes its last."""
    if isinstance(first, datetime):
        local = first.astimezone(zone)
        if local.time() != time() or _instant(local.date(), zone) != int(first.timestamp()):
            raise AgreementError(
                "term-incomplete",
                "Calendar periods start at the start of a day in the agreement's zone.",
                "Write 'first' as a date, or give the exact 'ends'.",
            )
        first = local.date()
    try:
        if every in _DAYS:
            return first + timedelta(days=_DAYS[every] * count)
        years, month = divmod(first.month - 1 + _MONTHS[every] * count, 12)
        year, month = first.year + years, month + 1
        return date(year, month, min(first.day, calendar.monthrange(year, month)[1]))
    except (OverflowError, ValueError) as error:
        raise _out_of_range() from error


def _out_of_range() -> AgreementError:
    return AgreementError(
        "date-out-of-range",
        f"The term leaves the years {_YEARS[0]} to {_YEARS[1]}.",
        "Use dates inside these years.",
    )


def _instant(day: date, zone: ZoneInfo) -> int:
    """Unix seconds of an exact time, or at which a day starts in the zone."""
    if not _YEARS[0] <= day.year <= _YEARS[1]:
        raise _out_of_range()
    return int(day.timestamp()) if isinstance(day, datetime) else day_start(day, zone)


def day_start(day: date, zone: ZoneInfo) -> int:
    """Unix seconds of the first instant at which calendars in the zone show the day, or a later one."""
    before = datetime.combine(day, time(), zone)
    after = before.replace(fold=1)
    early, late = sorted(int(moment.timestamp()) for moment in (before, after))
    if datetime.fromtimestamp(early, UTC).astimezone(zone).date() >= day:
        return early
    # Clocks skip this midnight: the jump lies between its two readings, and the day starts there.
    while late - early > 1:
        middle = (early + late) // 2
        if datetime.fromtimestamp(middle, UTC).astimezone(zone).date() >= day:
            late = middle
        else:
            early = middle
    return late
