"""Random measures of all kinds over random records, each written twice: for the agreement file and for plain Python."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from pyoutcome.decimals import ONE, show
from pyoutcome.terms.agreement import Agreement
from tests.evidence.deal import head
from tests.evidence.reference import Row, Terms, Told, month_starts

ZONE = "America/New_York"
PROVIDERS = ("A", "B")
TEXT = (
    head("kinds", PROVIDERS)
    + """
term: {zone: America/New_York, first: 2013-02-01, every: month, periods: 3}
records:
  log:
    format: csv
    columns:
      id: {type: text}
      seq: {type: decimal, digits: 4}
      who: {type: text}
      kind: {type: text}
      at: {type: instant}
      closed: {type: instant}
      local: {type: wall, zone: Europe/Berlin}
      own: {type: wall}
      got: {type: instant}
      size: {type: decimal, digits: 6, scale: 2}
      weight: {type: decimal, digits: 3}
      done: {type: boolean}
      flag: {type: boolean}
    key: [id, seq]
    duplicates: refuse
    late: LATE
windows:
  upkeep: [{from: 2013-03-10T01:00:00, to: 2013-03-10T05:00:00, reason: Upkeep},
    {from: 2013-02-27, to: 2013-03-02, reason: Move}]
  strike: [{from: 2013-03-01T20:00:00Z, to: 2013-03-10T07:30:00Z, reason: Strike}]
kpis:
KPIS
clauses:
  fee: {kind: formula, to: each, is: 1}
"""
)
BOUNDS = month_starts(2013, (2, 3, 4, 5), ZONE)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


TERMS = Terms(
    BOUNDS,
    PROVIDERS,
    {
        "upkeep": [
            (utc("2013-03-10T06:00"), utc("2013-03-10T09:00")),
            (utc("2013-02-27T05:00"), utc("2013-03-02T05:00")),
        ],
        "strike": [(utc("2013-03-01T20:00"), utc("2013-03-10T07:30"))],
    },
    None,
    {"local": "Europe/Berlin", "own": ZONE},
)
Tested = tuple[str, Callable[[Row], Any]]


def unless_missing(read: Callable[..., Any], *names: str) -> Callable[[Row], Any]:
    return lambda row: None if any(row[name] is None for name in names) else read(*(row[name] for name in names))


def is_a_or_weightless(row: Row) -> bool | None:
    if row["weight"] is None:
        return True
    return None if row["kind"] is None else row["kind"] == "a"


def within_an_hour(row: Row) -> bool | None:
    if row["at"] is None or row["closed"] is None:
        return None
    return bool(row["closed"] - row["at"] < timedelta(hours=1, milliseconds=500))


def chosen_is_positive(row: Row) -> bool | None:
    held = row["size"] if row["done"] else row["weight"]
    return None if held is None else held >= 0


def size_or_eighth(row: Row) -> Fraction | None:
    if row["done"]:
        return None if row["size"] is None else Fraction(row["size"])
    return Fraction(1, 8) if row["kind"] == "a" else None


def seconds_open(row: Row) -> Fraction | None:
    if row["at"] is None or row["closed"] is None:
        return None
    return Fraction((row["closed"] - row["at"]) // timedelta(microseconds=1), 10**6)


CONDITIONS: list[Tested] = [
    ("done", lambda row: row["done"]),
    ("size > 1.5", unless_missing(lambda size: size > Fraction(3, 2), "size")),
    ("kind = 'a' or weight is null", is_a_or_weightless),
    ("not done", unless_missing(lambda done: not done, "done")),
    ("seconds_between(at, closed) < 3600.5", within_an_hour),
    ("case when done then size else weight end >= 0", chosen_is_positive),
]
VALUES: list[Tested] = [
    ("size", lambda row: row["size"]),
    ("size * 2 - weight", unless_missing(lambda size, weight: size * 2 - weight, "size", "weight")),
    ("-size", unless_missing(lambda size: -size, "size")),
    ("case when done then size when kind = 'a' then 0.125 end", size_or_eighth),
    ("seconds_between(at, closed)", seconds_open),
]
WEIGHTS: list[Tested] = [
    ("weight", lambda row: row["weight"]),
    ("weight * weight", unless_missing(lambda weight: weight * weight, "weight")),
]
EDGES = [*BOUNDS, utc("2013-03-10T07:00"), utc("2013-03-10T09:00"), utc("2013-03-10T06:00"), utc("2013-03-05T12:00")]
TICK = timedelta(microseconds=1)
Dice = random.Random
LARGE = [Fraction(999999, 100), Fraction(0)]


def moment(dice: Dice) -> datetime:
    """At an edge of a period or window, a tick beside it, or somewhere around."""
    edge = dice.choice(EDGES)
    return edge + (dice.randint(-1, 1) * TICK if dice.random() < 0.3 else timedelta(hours=dice.randint(-800, 800)))


CELLS: dict[str, Callable[[Dice], Any]] = {
    "who": lambda dice: dice.choice("AABBC"),
    "kind": lambda dice: dice.choice(["a", "A", "b'", "é"]),
    "at": moment,
    "closed": moment,
    "local": lambda dice: moment(dice).replace(tzinfo=None),
    "own": lambda dice: moment(dice).replace(tzinfo=None),
    "got": moment,
    "size": lambda dice: dice.choice([Fraction(dice.randint(-500, 500), 100)] * 4 + LARGE),
    "weight": lambda dice: Fraction(dice.choice([0, 1, 2, 3, 999] * 20 + [-1])),
    "done": lambda dice: dice.random() < 0.5,
    "flag": lambda dice: dice.random() < 0.2,
}


def make_rows(seed: int, count: int, missing: float) -> list[dict[str, Any]]:
    """Records of a seed, so that even the first of them are many and unlike each other."""
    dice = Dice(seed)
    return [
        {"id": dice.choice("pqrstuvé"), "seq": Fraction(place)}
        | {name: None if dice.random() < missing else make(dice) for name, make in CELLS.items()}
        for place in range(count)
    ]


ROWS = st.builds(
    make_rows,
    st.integers(0, 2**32),
    st.sampled_from([0, 1, 5, 40, 40, 120, 120]),
    st.sampled_from([0, 0.02, 0.02, 0.3]),
)
OVER_THINGS = (
    "ratio",
    "count",
    "sum",
    "mean",
    "weighted_mean",
    "min",
    "max",
    "percentile",
    "percentile",
    "distinct_count",
)
PERCENTS = [Fraction(95), Fraction(50), Fraction(100), Fraction(1, 1000), Fraction(999, 10)]
Written = dict[str, Any]
"""A measure as the file writes it."""


@st.composite
def passes(draw: st.DrawFn, size: int) -> list[tuple[Written, Told]]:
    """Measures that one pass over the records computes: of the same things, put into periods by the same time."""
    states = draw(st.integers(0, 4)) == 0
    anchor = draw(st.sampled_from(["at", "closed"] if states else ["at", "closed", "local", "own"]))
    written: Written = {"records": "log", "anchor": anchor}
    told = Told("", anchor)
    if draw(st.booleans()):
        written["provider"] = "who"
        told = replace(told, provider="who")
    if states:
        ties = draw(st.sampled_from(["seq", "seq", "seq", "kind", None]))
        written |= {"item": ["id"]} | ({"ties": ties} if ties else {})
        told = replace(told, item=("id",), ties=ties)
        return [draw(time_shares(written, told)) for _ in range(min(size, 3))]
    if draw(st.booleans()):
        item, by, version = (
            draw(st.sampled_from([("id",), ("id", "kind")])),
            draw(st.sampled_from([("seq",), ("seq",), ("at", "seq"), ("size", "seq"), ("kind",), ("local", "size")])),
            draw(st.sampled_from(["latest", "earliest"])),
        )
        written["grain"] = {"item": list(item), "version": version, "by": list(by)}
        told = replace(told, item=item, version=version, by=by)
    else:
        written["grain"] = "record"
    return [draw(measures(written, told)) for _ in range(size)]


@st.composite
def limited(draw: st.DrawFn, written: Written, told: Told) -> tuple[Written, Told]:
    """What of the things counts at all."""
    written = dict(written)
    if draw(st.integers(0, 2)) == 0:
        text, where = draw(st.sampled_from(CONDITIONS))
        written["where"] = text
        told = replace(told, where=where)
    windows = draw(st.sampled_from([(), (), (), ("upkeep",), ("upkeep", "strike")]))
    flags = draw(st.sampled_from([(), (), ("flag",), ("flag", "done")]))
    if windows or flags:
        written["except"] = {key: list(held) for key, held in (("windows", windows), ("flags", flags)) if held}
        told = replace(told, windows=windows, flags=flags)
    return written, told


@st.composite
def time_shares(draw: st.DrawFn, written: Written, told: Told) -> tuple[Written, Told]:
    """A share of time."""
    written, told = draw(limited(written, told))
    text, state = draw(st.sampled_from(CONDITIONS))
    return (
        written | {"kind": "time_share", "state": text, "rounding": "floor"},
        replace(told, kind="time_share", numerator=state),
    )


@st.composite
def measures(draw: st.DrawFn, written: Written, told: Told) -> tuple[Written, Told]:
    """A measure of things, as the file writes it and as the reference reads it."""
    kind = draw(st.sampled_from(OVER_THINGS))
    written, told = draw(limited(written | {"kind": kind}, replace(told, kind=kind)))
    if kind not in {"count", "distinct_count"}:
        written["rounding"] = "floor"
    if kind == "distinct_count":
        written["of"] = draw(st.sampled_from(["kind", "size", "at"]))
        return written, replace(told, of=written["of"])
    if kind == "ratio":
        text, numerator = draw(st.sampled_from(CONDITIONS))
        below, denominator = draw(st.sampled_from([("everything", None), *CONDITIONS]))
        written |= {"numerator": text, "denominator": below}
        return written, replace(told, numerator=numerator, denominator=denominator)
    if kind == "count":
        return written, told
    # Seconds times a weight have too many digits for a sum, and are refused beforehand.
    text, value = draw(st.sampled_from(VALUES[:-1] if kind == "weighted_mean" else VALUES))
    missing: Any = draw(st.sampled_from(["skip", "skip", "refuse", Fraction(5, 2), Fraction(-1)]))
    by_number = draw(st.sampled_from([Fraction(1), Fraction(3600), Fraction(3, 8)]))
    stand_in = missing if isinstance(missing, str) else shown(missing)
    written |= {"value": text, "missing": stand_in, "divide_by": shown(by_number)}
    told = replace(told, value=value, missing=missing, divide_by=by_number)
    if kind == "weighted_mean":
        text, weight = draw(st.sampled_from(WEIGHTS))
        written["weight"] = text
        told = replace(told, weight=weight)
    if kind == "percentile":
        percent = draw(st.sampled_from(PERCENTS))
        method = draw(st.sampled_from(["nearest_rank", "interpolated"]))
        written |= {"percent": shown(percent), "method": method}
        told = replace(told, percent=percent, method=method)
    return written, told


def shown(number: Fraction) -> str:
    scaled = number * ONE
    assert scaled.denominator == 1
    return show(int(scaled))


def agree(measures: Sequence[Mapping[str, Any]], late: str = "counts") -> Agreement:
    """An agreement with a KPI for each measure: ``k0``, ``k1`` and so on."""
    kpis = [
        f"  k{place}: {{unit: things, per: {'provider' if 'provider' in measure else 'agreement'}, decimals: 6, "
        "range: [-1000000000000, 1000000000000], if_missing: 0, better: higher, measure: "
        f"{json.dumps(measure, ensure_ascii=False)}}}"
        for place, measure in enumerate(measures)
    ]
    return Agreement.parse(TEXT.replace("KPIS", "\n".join(kpis)).replace("LATE", late))


def cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Fraction):
        return shown(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def write(path: Path, rows: Sequence[Row]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        names = [line.split(":")[0].strip() for line in TEXT.split("columns:\n")[1].split("    key:")[0].splitlines()]
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([cell(row[name]) for name in names] for row in rows)
    return path
