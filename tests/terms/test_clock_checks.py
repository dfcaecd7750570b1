"""Hours that clocks strike twice: what a record's clock shows must say on which side of every boundary it lies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyoutcome import Agreement
from pyoutcome.errors import PyoutcomeError
from pyoutcome.terms.calendar import order_is_clear, read_zone

TEXT = """
agreement: hours
term: {zone: <TERM_ZONE>, first: <FIRST>, ends: [<ENDS>]}
records:
  log:
    format: csv
    columns: {id: {type: text}, at: {type: <AT>}, got: {type: <GOT>}}
    key: [id]
    duplicates: refuse
    late: <LATE>
windows:
  upkeep: [{from: <FROM>, to: <TO>, reason: Upkeep}]
kpis:
  x: {unit: things, range: [0, 10], if_missing: 0,
    measure: {kind: count, records: log, anchor: at, except: {windows: [upkeep]}}}
clauses:
  fee: {kind: formula, is: x}
"""
QUIET = {
    "TERM_ZONE": "UTC",
    "FIRST": "2026-01-01",
    "ENDS": "2027-01-01",
    "AT": "wall, zone: Europe/Berlin",
    "GOT": "instant",
    "LATE": "counts",
    "FROM": "2026-02-01T00:00:00Z",
    "TO": "2026-02-02T00:00:00Z",
}
# Berlin strikes 02:00 to 03:00 twice from 00:00 to 02:00 UTC, New York 01:00 to 02:00 from 05:00 to 07:00 UTC.
BERLIN, NEW_YORK = "2026-10-25T0{}Z", "2026-11-01T0{}Z"


def read(**chosen: str) -> Agreement:
    text = TEXT
    for name, value in (QUIET | chosen).items():
        text = text.replace(f"<{name}>", value)
    return Agreement.parse(text)


def refusal(**chosen: str) -> PyoutcomeError:
    with pytest.raises(PyoutcomeError) as caught:
        read(**chosen)
    return caught.value


@pytest.mark.parametrize(
    ("zone", "ends"),
    [
        ("Europe/Berlin", [BERLIN.format("0:30:00")]),
        ("Europe/Berlin", [BERLIN.format("0:00:01")]),
        ("Europe/Berlin", [BERLIN.format("1:00:00")]),
        ("Europe/Berlin", [BERLIN.format("1:59:59")]),
        # 02:15 to 02:15 by the clock: no record could ever lie in this period
        ("Europe/Berlin", [BERLIN.format("0:15:00"), BERLIN.format("1:15:00")]),
        # 02:45 to 02:15: it would even end before it begins
        ("Europe/Berlin", [BERLIN.format("0:45:00"), BERLIN.format("1:15:00")]),
        ("America/New_York", [NEW_YORK.format("5:30:00")]),
        ("America/New_York", [NEW_YORK.format("6:00:00")]),
        ("America/New_York", [NEW_YORK.format("6:59:59"), "2027-01-01"]),
        ("Australia/Lord_Howe", ["2026-04-04T15:15:00Z"]),
    ],
)
def test_a_period_may_not_end_in_an_hour_that_is_struck_twice(zone: str, ends: list[str]) -> None:
    error = refusal(AT=f"wall, zone: {zone}", ENDS=", ".join(ends))
    assert ("measure-ambiguous", "anchor") == (error.code, error.details["key"])
    assert "Is a record before or after the" in error.why
    assert f"in {zone}, which clocks there strike twice" in error.why
    assert error.where is not None
    assert "kpis.x.measure.anchor" in str(error.where)


def test_a_period_may_not_begin_in_such_an_hour() -> None:
    assert "before or after the start of period 1, 2026-10-25T00:30:00Z, if its time is about 2026-10-25 02:30:00" in (
        refusal(FIRST=BERLIN.format("0:30:00")).why
    )


@pytest.mark.parametrize(
    ("zone", "ends"),
    [
        ("Europe/Berlin", [BERLIN.format("0:00:00"), BERLIN.format("2:00:00")]),
        ("America/New_York", [NEW_YORK.format("5:00:00"), NEW_YORK.format("7:00:00")]),
        ("Europe/Berlin", [NEW_YORK.format("5:30:00")]),
        ("America/New_York", [BERLIN.format("0:30:00")]),
        # in spring clocks skip an hour, and show more after it than before
        ("Europe/Berlin", ["2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z", "2026-03-29T01:00:01Z"]),
        ("America/New_York", ["2026-03-08T07:00:00Z", "2026-03-08T07:30:00Z"]),
        ("UTC", [BERLIN.format("0:30:00")]),
    ],
)
def test_any_other_end_is_clear(zone: str, ends: list[str]) -> None:
    assert len(ends) == len(read(AT=f"wall, zone: {zone}", ENDS=", ".join(ends)).periods)


def test_instants_are_clear_always() -> None:
    assert read(AT="instant", ENDS=BERLIN.format("0:30:00")).words()


def test_the_agreements_zone_is_that_of_a_clock_without_its_own() -> None:
    assert "measure-ambiguous" == refusal(AT="wall", TERM_ZONE="Europe/Berlin", ENDS=BERLIN.format("0:30:00")).code
    assert read(AT="wall", TERM_ZONE="America/New_York", ENDS=BERLIN.format("0:30:00")).words()


def test_days_that_begin_with_an_hour_struck_twice_are_clear_where_clocks_go_back_to_midnight() -> None:
    # Havana goes back from 01:00 to 00:00: the day begins with the first of them.
    assert read(TERM_ZONE="America/Havana", AT="wall", FIRST="2026-10-31", ENDS="2026-11-01, 2026-11-02").words()
    # St John's went back from 00:01 to 23:01: midnight struck in between, and the day before went on.
    error = refusal(TERM_ZONE="America/St_Johns", AT="wall", FIRST="2010-11-06", ENDS="2010-11-07, 2010-11-08")
    assert "measure-ambiguous" == error.code


def test_a_window_may_not_have_an_edge_in_such_an_hour() -> None:
    error = refusal(FROM=BERLIN.format("0:30:00"), TO=BERLIN.format("3:00:00"))
    assert ("measure-ambiguous", "anchor") == (error.code, error.details["key"])
    assert "an edge of the window 'upkeep'" in error.why
    assert "measure-ambiguous" == refusal(FROM=BERLIN.format("0:00:00"), TO=BERLIN.format("1:30:00")).code
    assert read(FROM=BERLIN.format("0:00:00"), TO=BERLIN.format("2:00:00")).words()


def test_a_deadline_for_late_records_may_not_lie_in_such_an_hour() -> None:
    late = "{column: got, within: 2 days}"
    clocks = "wall, zone: Europe/Berlin"
    error = refusal(GOT=clocks, LATE=late, ENDS="2026-10-23T00:30:00Z")
    assert ("measure-ambiguous", "column") == (error.code, error.details["key"])
    assert "the deadline for records of period 1, 2026-10-25T00:30:00Z" in error.why
    assert "records.log.late.column" in str(error.where)
    # A record may come at the deadline itself, and clocks strike this one twice.
    assert "measure-ambiguous" == refusal(GOT=clocks, LATE=late, ENDS="2026-10-23T00:00:00Z").code
    assert read(GOT=clocks, LATE=late, ENDS="2026-10-23T02:00:00Z").words()
    assert read(GOT="instant", LATE=late, ENDS="2026-10-23T00:30:00Z").words()


@pytest.mark.parametrize("change", [{"ENDS": "2026-01-01"}, {"FROM": "2026-03-01T00:00:00"}, {"AT": "text"}])
def test_what_other_checks_refuse_is_not_asked_about(change: dict[str, str]) -> None:
    assert "measure-ambiguous" != refusal(**change).code


ZONES = [
    "Europe/Berlin", "America/New_York", "America/Havana", "America/St_Johns", "Australia/Lord_Howe",
    "Africa/Casablanca", "Atlantic/Azores", "America/Asuncion", "Asia/Tehran", "Pacific/Apia", "UTC",
]  # fmt: skip


@given(
    st.sampled_from(ZONES).flatmap(
        lambda zone: st.tuples(st.just(zone), st.integers(0, 30_000), st.sampled_from([-2, -1, -0.5, 0, 0.5, 1, 2]))
    ),
    st.booleans(),
)
def test_an_order_is_clear_if_no_minute_around_says_otherwise(
    at: tuple[str, int, float],
    inclusive: bool,
) -> None:
    name, days, hours = at
    zone = read_zone(name)
    moment = near_change(datetime(1975, 1, 1, tzinfo=UTC) + timedelta(days=days % 22_000), name)
    moment += timedelta(hours=hours, minutes=days % 2)
    shown = moment.astimezone(zone).replace(tzinfo=None)
    around = [moment + timedelta(minutes=count) for count in range(-300, 300)]
    sides = [((each > moment if inclusive else each >= moment), each.astimezone(zone)) for each in around]
    expected = all(
        (clock.replace(tzinfo=None) > shown if inclusive else clock.replace(tzinfo=None) >= shown) == after
        for after, clock in sides
    )
    assert expected == order_is_clear(int(moment.timestamp()), zone, inclusive=inclusive)


def near_change(moment: datetime, name: str) -> datetime:
    """The next moment, within a year, at which the zone's clocks are set otherwise; else the moment itself."""
    zone = read_zone(name)
    for days in range(366):
        early, late = moment + timedelta(days=days), moment + timedelta(days=days + 1)
        if early.astimezone(zone).utcoffset() == late.astimezone(zone).utcoffset():
            continue
        offset = early.astimezone(zone).utcoffset()
        while late - early > timedelta(minutes=1):
            middle = early + timedelta(minutes=(late - early) // timedelta(minutes=2))
            if middle.astimezone(zone).utcoffset() == offset:
                early = middle
            else:
                late = middle
        return late
    return moment
