"""Terms: calendar periods become UTC instants, whatever clocks do on the way."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pyoutcome.errors import AgreementError
from pyoutcome.terms.calendar import Term, compute_periods, day_start, read_zone, zone_names, zones_version


def instants(**fields: object) -> list[str]:
    """Start of the first period and all ends, in UTC."""
    periods = compute_periods(Term.model_validate(fields))
    seconds = [periods[0].start, *(period.end for period in periods)]
    return [datetime.fromtimestamp(each, UTC).strftime("%Y-%m-%d %H:%M") for each in seconds]


def refused(**fields: object) -> str:
    with pytest.raises(AgreementError) as caught:
        compute_periods(Term.model_validate(fields))
    return caught.value.code


def test_months_in_a_zone_with_summer_time() -> None:
    expected = ["2024-03-01 05:00", "2024-04-01 04:00", "2024-05-01 04:00"]
    assert expected == instants(zone="America/New_York", first="2024-03-01", every="month", periods="2")


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        ("day", ["2024-02-28 00:00", "2024-02-29 00:00", "2024-03-01 00:00"]),
        ("week", ["2024-02-28 00:00", "2024-03-06 00:00", "2024-03-13 00:00"]),
        ("month", ["2024-02-28 00:00", "2024-03-28 00:00", "2024-04-28 00:00"]),
        ("quarter", ["2024-02-28 00:00", "2024-05-28 00:00", "2024-08-28 00:00"]),
        ("year", ["2024-02-28 00:00", "2025-02-28 00:00", "2026-02-28 00:00"]),
    ],
)
def test_every(every: str, expected: list[str]) -> None:
    assert expected == instants(zone="UTC", first="2024-02-28", every=every, periods="2")


def test_a_day_the_month_does_not_have_is_its_last_and_later_months_are_not_shifted() -> None:
    expected = ["2023-01-31 00:00", "2023-02-28 00:00", "2023-03-31 00:00", "2023-04-30 00:00"]
    assert expected == instants(zone="UTC", first="2023-01-31", every="month", periods="3")


def test_a_day_whose_midnight_is_skipped_starts_when_it_starts() -> None:
    # In Sao Paulo clocks went from 23:59:59 to 01:00 on 4 November 2018 (UTC-3 to UTC-2).
    assert "2018-11-04 03:00" == instants(zone="America/Sao_Paulo", first="2018-11-04", every="day", periods="1")[0]


def test_a_day_whose_midnight_comes_twice_starts_the_first_time() -> None:
    # In Havana clocks went from 01:00 back to 00:00 on 3 November 2013 (UTC-4 to UTC-5).
    assert "2013-11-03 04:00" == instants(zone="America/Havana", first="2013-11-03", every="day", periods="1")[0]


def test_a_day_that_clocks_jump_into_starts_at_the_jump() -> None:
    # On the Azores clocks went from 00:00 to 01:00 on 31 March 2019 (UTC-1 to UTC).
    assert "2019-03-31 01:00" == instants(zone="Atlantic/Azores", first="2019-03-31", every="day", periods="1")[0]
    # In Toronto clocks went from 23:30 on 30 March 1919 to 00:30 on the 31st (UTC-5 to UTC-4).
    assert datetime(1919, 3, 31, 4, 30, tzinfo=UTC).timestamp() == day_start(
        date(1919, 3, 31), read_zone("America/Toronto")
    )


def test_a_day_that_a_zone_skipped_makes_an_empty_period() -> None:
    # Samoa had no 30 December 2011.
    assert "periods-not-rising" == refused(zone="Pacific/Apia", first="2011-12-29", every="day", periods="3")


def test_ends_can_be_listed_as_days_or_exact_times() -> None:
    listed = instants(zone="Europe/Berlin", first="2024-01-15", ends=["2024-02-01", "2024-03-31T22:00:00Z"])
    assert ["2024-01-14 23:00", "2024-01-31 23:00", "2024-03-31 22:00"] == listed


def test_an_exact_first_instant_that_starts_a_local_day_starts_calendar_periods() -> None:
    expected = instants(zone="America/New_York", first="2013-01-01", every="month", periods="4")
    assert expected == instants(zone="America/New_York", first="2013-01-01T05:00:00Z", every="month", periods="4")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"first": "2024-01-01"}, "term-incomplete"),
        ({"first": "2024-01-01", "every": "month"}, "term-incomplete"),
        ({"first": "2024-01-01", "periods": "3"}, "term-incomplete"),
        ({"first": "2024-01-01", "every": "month", "periods": "3", "ends": ["2024-02-01"]}, "term-incomplete"),
        ({"first": "2024-01-01T05:00:00Z", "every": "month", "periods": "1"}, "term-incomplete"),
        ({"first": "2024-01-01", "ends": ["2024-03-01", "2024-02-01"]}, "periods-not-rising"),
        ({"first": "2024-01-01", "ends": ["2024-01-01"]}, "periods-not-rising"),
        ({"first": "1970-01-01", "every": "day", "periods": "1"}, "date-out-of-range"),
        ({"first": "2299-12-31", "every": "day", "periods": "1"}, "date-out-of-range"),
        ({"first": "9999-12-31", "every": "year", "periods": "1024"}, "date-out-of-range"),
    ],
)
def test_terms_that_cannot_be(fields: dict[str, object], code: str) -> None:
    assert code == refused(zone="UTC", **fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"zone": "Mars/Base", "first": "2024-01-01"},
        {"zone": "../../../etc/passwd", "first": "2024-01-01"},
        {"zone": "UTC", "first": "2024-02-30"},
        {"zone": "UTC", "first": "1/2/2024"},
        {"zone": "UTC", "first": "2024-01-01", "every": "fortnight", "periods": "1"},
        {"zone": "UTC", "first": "2024-01-01", "every": "day", "periods": "0"},
        {"zone": "UTC", "first": "2024-01-01", "every": "day", "periods": "1025"},
        {"zone": "UTC", "first": "2024-01-01", "every": "day", "periods": "1.5"},
    ],
)
def test_values_that_no_term_has(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Term.model_validate(fields)


@given(
    st.sampled_from(sorted(zone_names())),
    st.dates(date(1972, 1, 1), date(2200, 1, 1)),
)
@settings(max_examples=300, deadline=None)
def test_a_period_starts_at_the_first_second_of_its_local_day(zone: str, day: date) -> None:
    start = start_of(zone, day)
    assume(start is not None)
    assert start is not None
    at = datetime.fromtimestamp(start, UTC).astimezone(read_zone(zone))
    before = datetime.fromtimestamp(start - 1, UTC).astimezone(read_zone(zone))
    assert day == at.date()
    assert before.date() < day


def start_of(zone: str, day: date) -> int | None:
    """Start of the day, or None where the zone skipped it."""
    try:
        after = (day + timedelta(days=1)).isoformat()
        fields = {"zone": zone, "first": day.isoformat(), "ends": [after]}
        return compute_periods(Term.model_validate(fields))[0].start
    except AgreementError:
        return None


def test_the_database_says_its_version() -> None:
    assert zones_version()[:2] == "20"
    assert "America/New_York" in zone_names()
