"""Choices that look small and change the number: the agreement's words decide, and each gives its own known value."""

from __future__ import annotations

import csv
import io
import math
import random
import zipfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pyoutcome.evidence.recomputation import Recomputation
from pyoutcome.terms.agreement import Agreement
from tests.evidence.deal import flight_records, head

DATA = Path(__file__).parent / "data"
HEAD = head("trap", ("P",)) + "clauses: {fee: {kind: fixed_fee, amount: 1}}\n"


def measure(body: str, path: Path, kpis: Mapping[str, str], period: int = 1) -> dict[str, Fraction]:
    """The exact value of each KPI in one period; a KPI is told by its measure."""
    listed = "".join(
        f"\n  {name}: {{unit: x, decimals: 6, range: [-10000000, 10000000], if_missing: 0, better: higher, "
        f"measure: {{{told}}}}}"
        for name, told in kpis.items()
    )
    agreement = Agreement.parse(f"{HEAD}{body}\nkpis:{listed}\n")
    [source] = agreement.records
    held = Recomputation.read(agreement, {source: path}).measured(period).values
    return {value.name: Fraction(value.numerator, value.denominator or 1) for value in held}


FLIGHTS = flight_records({"dep_time": "decimal, digits: 4", "landed": "wall"})


@pytest.fixture(scope="module")
def flights(flights_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, str]]]:
    """The flights, and when each had landed at the earliest: scheduled departure, delay and time in the air."""
    zone = ZoneInfo("America/New_York")
    target = tmp_path_factory.mktemp("landed") / "flights.csv"
    rows = []
    with flights_csv.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            landed = "NA"
            if row["air_time"] != "NA":
                start = datetime.fromisoformat(row["time_hour"])
                passed = timedelta(minutes=sum(int(row[name]) for name in ("minute", "dep_delay", "air_time")))
                landed = f"{(start + passed).astimezone(zone):%Y-%m-%dT%H:%M:%S}"
            rows.append({**row, "landed": landed})
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return target, rows


def share(counted: int, total: int) -> Fraction:
    return Fraction(counted, total)


def test_flights_scheduled_flown_and_landed(flights: tuple[Path, list[dict[str, str]]]) -> None:
    """Per flight scheduled, per flight that arrived, and by the month of the landing."""
    path, rows = flights
    common = "kind: ratio, records: flights, grain: record, numerator: arr_delay < 15, rounding: half_up"
    ours = "where: carrier = 'EV'"
    found = measure(
        FLIGHTS,
        path,
        {
            "scheduled": f"{common}, {ours}, anchor: time_hour, denominator: everything",
            "flown": f"{common}, {ours}, anchor: time_hour, denominator: arr_delay is not null",
            "by_landing": f"{common}, {ours}, anchor: landed, denominator: arr_delay is not null",
        },
        period=2,
    )
    mine = [row for row in rows if row["carrier"] == "EV"]
    february = [row for row in mine if row["month"] == "2"]  # of the local schedule, as time_hour in New York
    on_time = sum(row["arr_delay"] != "NA" and int(row["arr_delay"]) < 15 for row in february)
    arrived = sum(row["arr_delay"] != "NA" for row in february)
    landed = [row for row in mine if row["landed"].startswith("2013-02") and row["arr_delay"] != "NA"]
    expected = {
        "scheduled": share(on_time, len(february)),
        "flown": share(on_time, arrived),
        "by_landing": share(sum(int(row["arr_delay"]) < 15 for row in landed), len(landed)),
    }
    assert expected == found
    assert 3 == len(set(found.values()))


def test_nearest_rank_and_interpolated(flights: tuple[Path, list[dict[str, str]]]) -> None:
    """Both P95 of every carrier's delays in March; for some carriers they differ."""
    path, rows = flights
    late: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        if row["month"] == "3" and row["arr_delay"] != "NA":
            late[row["carrier"]].append(int(row["arr_delay"]))
    common = "kind: percentile, records: flights, grain: record, anchor: time_hour, value: arr_delay, percent: 95"
    expected: dict[str, Fraction] = {}
    kpis = {}
    for carrier, values in late.items():
        values.sort()
        place = Fraction(95, 100) * (len(values) - 1)
        low = math.floor(place)
        high = values[min(low + 1, len(values) - 1)]
        expected[f"near_{carrier}"] = Fraction(values[math.ceil(Fraction(95, 100) * len(values)) - 1])
        expected[f"between_{carrier}"] = values[low] + (place - low) * (high - values[low])
        for name, method in (("near", "nearest_rank"), ("between", "interpolated")):
            kpis[f"{name}_{carrier}"] = (
                f"{common}, where: carrier = '{carrier}', missing: skip, method: {method}, rounding: half_up"
            )
    found = measure(FLIGHTS, path, kpis, period=3)
    assert expected == found
    assert 3 <= sum(found[f"near_{carrier}"] != found[f"between_{carrier}"] for carrier in late)


SERVICES = """
term: {zone: UTC, first: 2026-01-01, every: year, periods: 1}
records:
  checks:
    format: csv
    columns: {row: {type: decimal, digits: 6}, at: {type: instant}, service: {type: text}, status: {type: text}}
    key: [row]
    duplicates: refuse
    late: counts
"""


def test_rows_and_time() -> None:
    """A log of states read by rows, and by the time each state held."""
    path = DATA / "uptime.csv.zip"
    where = "where: service = 'Gossembrot_Bibliothek'"
    found = measure(
        SERVICES,
        path,
        {
            "rows": f"kind: ratio, records: checks, anchor: at, {where}, numerator: status = 'up', "
            "denominator: everything, rounding: half_up",
            "hours": f"kind: time_share, records: checks, anchor: at, {where}, item: [service], state: status = 'up', "
            "ties: row, rounding: half_up",
        },
    )
    with zipfile.ZipFile(path) as archive, archive.open("uptime.csv") as packed:
        reader = csv.DictReader(io.TextIOWrapper(packed, encoding="utf-8", newline=""))
        rows = [row for row in reader if row["service"] == "Gossembrot_Bibliothek"]
    states = sorted((datetime.fromisoformat(row["at"]), int(row["row"]), row["status"] == "up") for row in rows)
    ends = [*(start for start, *_ in states[1:]), datetime(2027, 1, 1, tzinfo=UTC)]
    spans = [(end - start, up) for (start, _, up), end in zip(states, ends, strict=True)]
    known = sum((length for length, _ in spans), timedelta())
    up_time = sum((length for length, up in spans if up), timedelta())
    tick = timedelta(microseconds=1)
    expected = {
        "rows": share(sum(up for *_, up in states), len(states)),
        "hours": Fraction(up_time // tick, known // tick),
    }
    assert expected == found
    assert found["rows"] != found["hours"]


TICKETS = """
term: {zone: Europe/Berlin, first: 2026-01-01, every: month, periods: 3}
records:
  log:
    format: csv
    columns:
      ticket: {type: text}
      change: {type: decimal, digits: 4}
      seen: {type: instant}
      state: {type: text}
      opened: {type: instant}
      resolved: {type: instant}
      closed: {type: instant}
      in_time: {type: boolean}
      moved: {type: decimal, digits: 3}
    key: [ticket, change]
    duplicates: refuse
    late: counts
"""


def ticket_log() -> list[dict[str, str]]:
    """Changes of 400 tickets; a third of them is re-opened, once or twice, and resolved again, mostly too late."""
    chance = random.Random(20260122)
    rows: list[dict[str, str]] = []
    for number in range(400):
        opened = datetime(2025, 12, 20, tzinfo=UTC) + timedelta(minutes=chance.randrange(80 * 24 * 60))
        seen, resolved, closed = opened, None, None
        states = ["new", "active"] + ["resolved"] + ["active", "resolved"] * chance.choice([0, 0, 1, 2])
        states += chance.choice([[], ["closed"], ["closed"]])
        in_time, moved = True, 0
        for change, state in enumerate(states):
            seen += timedelta(minutes=chance.randrange(1, 3 * 24 * 60))
            moved += state == "active"
            if state == "resolved":
                resolved = seen
                in_time = seen - opened < timedelta(days=4)
            elif state == "closed":
                closed = seen
            row = {"ticket": f"T{number}", "change": str(change), "seen": _stamp(seen), "state": state}
            row |= {"opened": _stamp(opened), "resolved": _stamp(resolved), "closed": _stamp(closed)}
            rows.append(row | {"in_time": str(in_time).lower(), "moved": str(moved)})
    chance.shuffle(rows)
    return rows


def _stamp(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def in_february(stamp: str) -> bool:
    if not stamp:
        return False
    local = datetime.fromisoformat(stamp).astimezone(ZoneInfo("Europe/Berlin"))
    return (local.year, local.month) == (2026, 2)


def latest_of(rows: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    last: dict[str, Mapping[str, str]] = {}
    for row in rows:
        if row["ticket"] not in last or int(last[row["ticket"]]["change"]) < int(row["change"]):
            last[row["ticket"]] = row
    return list(last.values())


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, str]]]:
    rows = ticket_log()
    path = tmp_path_factory.mktemp("tickets") / "log.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path, rows


def test_events_tickets_and_three_anchors(log: tuple[Path, list[dict[str, str]]]) -> None:
    """The share solved in time, per change and per ticket, by the month of opening, resolution and closing."""
    path, rows = log
    common = "kind: ratio, records: log, numerator: in_time, denominator: everything, rounding: half_up"
    items = "grain: {item: [ticket], version: latest, by: [change]}"
    kpis = {"changes": f"{common}, grain: record, anchor: opened"}
    kpis |= {anchor: f"{common}, {items}, anchor: {anchor}" for anchor in ("opened", "resolved", "closed")}
    kpis["first_seen"] = f"{common}, grain: {{item: [ticket], version: earliest, by: [seen]}}, anchor: opened"
    found = measure(TICKETS, path, kpis, period=2)
    expected = {}
    changes = [row["in_time"] == "true" for row in rows if in_february(row["opened"])]
    expected["changes"] = share(sum(changes), len(changes))
    for anchor in ("opened", "resolved", "closed"):
        last = [row["in_time"] == "true" for row in latest_of(rows) if in_february(row[anchor])]
        expected[anchor] = share(sum(last), len(last))
    expected["first_seen"] = Fraction(1)  # at first every ticket is still in time
    assert expected == found
    assert 5 == len(set(found.values()))


def test_a_reopened_ticket_counts_once_where_it_stands_at_the_end(log: tuple[Path, list[dict[str, str]]]) -> None:
    """Resolutions counted by change, and tickets that are resolved by their last change."""
    path, rows = log
    found = measure(
        TICKETS,
        path,
        {
            "events": "kind: count, records: log, grain: record, anchor: seen, where: state = 'resolved'",
            "tickets": "kind: count, records: log, grain: {item: [ticket], version: latest, by: [change]}, "
            "anchor: resolved, where: \"state in ('resolved', 'closed')\"",
            "reopened": "kind: sum, records: log, grain: {item: [ticket], version: latest, by: [change]}, "
            "anchor: resolved, value: moved - 1, missing: refuse, rounding: half_up",
        },
        period=2,
    )
    last = [row for row in latest_of(rows) if in_february(row["resolved"])]
    expected = {
        "events": Fraction(sum(row["state"] == "resolved" and in_february(row["seen"]) for row in rows)),
        "tickets": Fraction(sum(row["state"] in {"resolved", "closed"} for row in last)),
        "reopened": Fraction(sum(int(row["moved"]) - 1 for row in last)),
    }
    assert expected == found
    assert found["events"] > found["tickets"]
    states = Counter(row["state"] for row in latest_of(rows))
    assert {"resolved", "closed"} == set(states)
