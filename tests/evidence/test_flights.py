"""Every KPI value of the example, computed a second time by plain Python from the same public records."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pyoutcome.evidence.counting import open_records
from pyoutcome.evidence.measures.planning import plan_measures
from pyoutcome.evidence.queries.building import Frame
from pyoutcome.evidence.queries.scans import scan_query
from pyoutcome.evidence.recomputation import Recomputation, measure
from pyoutcome.terms.agreement import Agreement
from tests.evidence.conftest import EXAMPLE

AIRLINES = ("UA", "B6", "EV")
Tally = dict[str, Counter[tuple[str, int]]]


@pytest.fixture(scope="session")
def tally(flights_csv: Path) -> Tally:
    """Flights by airline and month of scheduled departure in New York, counted row by row."""
    zone = ZoneInfo("America/New_York")
    months: dict[str, int] = {}
    counts: Tally = {name: Counter() for name in ("scheduled", "on_time", "cancelled", "arrived", "utc", "others")}
    with flights_csv.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            stamp = row["time_hour"]
            if stamp not in months:
                moment = datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
                local = moment.astimezone(zone)
                assert local.year == 2013
                months[stamp] = local.month
            place = (row["carrier"], months[stamp])
            late = row["arr_delay"]
            counts["scheduled"][place] += 1
            counts["utc"][row["carrier"], int(stamp[5:7]) if stamp[:4] == "2013" else 0] += 1
            counts["cancelled"][place] += row["dep_time"] == "NA"
            counts["arrived"][place] += late != "NA"
            counts["on_time"][place] += late != "NA" and int(late) < 15
            counts["others"]["", 0] += row["carrier"] not in AIRLINES
    return counts


def half_up(value: Fraction) -> int:
    """To four decimals, ties up, scaled to 18."""
    return int(value * 10_000 + Fraction(1, 2)) * 10**14


@pytest.mark.parametrize("month", range(1, 13))
def test_every_value_of_every_month_is_what_plain_python_counts(
    recomputation: Recomputation, tally: Tally, month: int
) -> None:
    expected: list[tuple[str, int, int | None, int]] = []
    for airline in AIRLINES:
        place = (airline, month)
        scheduled, on_time = tally["scheduled"][place], tally["on_time"][place]
        expected.append((f"on_time.{airline}", on_time, scheduled, half_up(Fraction(on_time, scheduled))))
    for airline in AIRLINES:
        place = (airline, month)
        scheduled, cancelled = tally["scheduled"][place], tally["cancelled"][place]
        expected.append((f"cancelled.{airline}", cancelled, scheduled, half_up(Fraction(cancelled, scheduled))))
    for airline in AIRLINES:
        on_time = tally["on_time"][airline, month]
        expected.append((f"arrivals.{airline}", on_time, None, on_time * 10**18))
    found = recomputation.measured(month).values
    assert expected == [(held.name, held.numerator, held.denominator, held.value) for held in found]


@pytest.mark.parametrize(
    ("airline", "month", "scheduled", "on_time", "cancelled"),
    [("UA", 1, 4637, 3586, 32), ("EV", 12, 4307, 2277, 398)],
)
def test_known_figures(
    recomputation: Recomputation, airline: str, month: int, scheduled: int, on_time: int, cancelled: int
) -> None:
    values = {held.name: held for held in recomputation.measured(month).values}
    assert (on_time, scheduled) == (values[f"on_time.{airline}"].numerator, values[f"on_time.{airline}"].denominator)
    assert cancelled == values[f"cancelled.{airline}"].numerator
    assert on_time * 10**18 == values[f"arrivals.{airline}"].value


def test_over_flights_flown_the_share_is_another_number(arrivals: Agreement, flights_zip: Path, tally: Tally) -> None:
    text = EXAMPLE.read_text("utf-8")
    assert text.count("denominator: everything") == 2
    flown = Agreement.parse(text.replace("denominator: everything", "denominator: arr_delay is not null"))
    assert flown.digest() != arrivals.digest()
    [december] = measure(flown, {"flights": flights_zip}, [12])
    values = {held.name: held for held in december.values}
    assert tally["arrived"]["EV", 12] == values["on_time.EV"].denominator
    assert half_up(Fraction(2277, tally["arrived"]["EV", 12])) == values["on_time.EV"].value
    assert half_up(Fraction(2277, 4307)) < (values["on_time.EV"].value or 0)


def test_by_utc_months_the_counts_would_be_others(recomputation: Recomputation, tally: Tally) -> None:
    february = {held.name: held for held in recomputation.measured(2).values}
    assert tally["utc"]["B6", 2] != tally["scheduled"]["B6", 2] == february["on_time.B6"].denominator


def test_what_no_kpi_counts_is_found(recomputation: Recomputation, tally: Tally) -> None:
    [others] = recomputation.findings
    assert ("records-of-others", tally["others"]["", 0]) == (others.code, others.count)


def test_the_archive_and_its_file_have_one_digest(recomputation: Recomputation, flights_csv: Path) -> None:
    [source] = recomputation.sources
    assert hashlib.sha256(flights_csv.read_bytes()).digest() == source.sha256
    assert (336_776, flights_csv.stat().st_size) == (source.rows, source.bytes)


def test_the_queries_in_a_bundle_give_the_counts_of_the_one_scan(
    arrivals: Agreement, recomputation: Recomputation, flights_csv: Path
) -> None:
    [plan] = plan_measures(arrivals)
    assert 1 == len(plan.scans)
    with open_records(plan, flights_csv) as (engine, *_):
        for period in (1, 3, 12):
            for held in recomputation.measured(period).values:
                expected = [held.numerator] if held.denominator is None else [held.numerator, held.denominator]
                assert [tuple(expected)] == engine.rows(held.query)
        rows = engine.integers(
            scan_query(Frame(engine.dialect, arrivals.periods, arrivals.providers), plan, plan.scans[0])
        )
        assert 336_776 == sum(total for _, _, total, *_ in rows)
