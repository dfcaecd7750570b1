"""Every kind of measure over random records: what each engine makes of it is what plain Python makes of it."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pyoutcome.decimals import ONE, show
from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.counting import open_records
from pyoutcome.evidence.planning import plan_measures
from pyoutcome.evidence.recomputation import Recomputation
from pyoutcome.evidence.values import divide, read_figure
from pyoutcome.terms.agreement import Agreement
from tests.engines.conftest import ENGINES
from tests.evidence.reference import RefusedError, Row, Terms, Told, compute, month_starts

EXAMPLES = 6 if "spark" in ENGINES else 60
"""Spark takes seconds for each, however few records it has."""
PHASES = [Phase.explicit, Phase.generate] if "spark" in ENGINES else list(Phase)
ZONE = "America/New_York"
PROVIDERS = ("A", "B")
TEXT = """
agreement: kinds
parties:
  client: {name: Client}
  providers: {A: {name: A}, B: {name: B}}
  verifiers: {V: {name: V}}
  quorum: 1
  arbitrator: {name: Judge}
term: {zone: America/New_York, first: 2013-02-01, every: month, periods: 3}
token: {name: Dollar, symbol: USD, decimals: 6}
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
  x: {unit: things, per: PER, decimals: 6, range: [-1000000000000, 1000000000000], if_missing: 0, better: higher,
    measure: MEASURE}
clauses:
  fee: {kind: formula, to: each, is: 1}
"""
EXAMPLES = 6 if "spark" in ENGINES else 60
"""Spark needs seconds for each."""
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
    make_rows, st.integers(0, 2**32), st.sampled_from([0, 1, 5, 40, 40, 120]), st.sampled_from([0, 0.02, 0.3])
)
KINDS = (
    "ratio", "count", "sum", "mean", "weighted_mean", "min", "max", "percentile", "distinct_count", "time_share",
)  # fmt: skip

PERCENTS = [Fraction(95), Fraction(50), Fraction(100), Fraction(1, 1000), Fraction(999, 10)]


@st.composite
def measures(draw: st.DrawFn) -> tuple[dict[str, Any], Told]:
    """A measure as the file writes it, and as the reference reads it."""
    kind = draw(
        st.sampled_from(
            [
                "ratio",
                "count",
                "sum",
                "mean",
                "weighted_mean",
                "min",
                "max",
                "percentile",
                "distinct_count",
                "time_share",
            ]
        )
    )
    anchor = draw(st.sampled_from(["at", "closed"] if kind == "time_share" else ["at", "closed", "local", "own"]))
    written: dict[str, Any] = {"kind": kind, "records": "log", "anchor": anchor}
    told = Told(kind, anchor)
    if draw(st.booleans()):
        written["provider"] = "who"
        told = replace(told, provider="who")
    if draw(st.booleans()):
        text, where = draw(st.sampled_from(CONDITIONS))
        written["where"] = text
        told = replace(told, where=where)
    windows = draw(st.sampled_from([(), (), ("upkeep",), ("upkeep", "strike")]))
    flags = draw(st.sampled_from([(), ("flag",), ("flag", "done")]))
    if windows or flags:
        written["except"] = {key: list(held) for key, held in (("windows", windows), ("flags", flags)) if held}
        told = replace(told, windows=windows, flags=flags)
    if kind not in {"count", "distinct_count"}:
        written["rounding"] = "floor"
    if kind == "time_share":
        text, state = draw(st.sampled_from(CONDITIONS))
        ties = draw(st.sampled_from([None, "seq", "kind"]))
        written |= {"item": ["id"], "state": text} | ({"ties": ties} if ties else {})
        return written, replace(told, item=("id",), numerator=state, ties=ties)
    if draw(st.booleans()):
        item, by, version = (
            draw(st.sampled_from([("id",), ("id", "kind")])),
            draw(st.sampled_from([("seq",), ("at", "seq"), ("kind",), ("local", "size")])),
            draw(st.sampled_from(["latest", "earliest"])),
        )
        written["grain"] = {"item": list(item), "version": version, "by": list(by)}
        told = replace(told, item=item, version=version, by=by)
    else:
        written["grain"] = "record"
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


def agree(measure: dict[str, Any], late: str = "counts") -> Agreement:
    per = "provider" if "provider" in measure else "agreement"
    text = TEXT.replace("MEASURE", json.dumps(measure, ensure_ascii=False)).replace("PER", per).replace("LATE", late)
    return Agreement.parse(text)


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


def measured(agreement: Agreement, path: Path, engine: str | None = None) -> dict[tuple[int, str | None], Any]:
    """The exact value of every period and provider, or the code of what stops it."""
    whole = Recomputation.read(agreement, {"log": path}, engine=engine)
    found: dict[tuple[int, str | None], Any] = {}
    for period in agreement.periods:
        for provider in agreement.providers:
            try:
                values = whole.measured(period.number, [provider]).values
            except EvidenceError as error:
                found[period.number, provider] = found[period.number, None] = error.code
                continue
            for held in values:
                if held.denominator == 0:
                    assert held.value is None
                    exact = None
                else:
                    exact = Fraction(held.numerator, held.denominator or 1)
                    assert int((exact * 10**6).__floor__()) * 10**12 == held.value
                found[period.number, held.provider] = exact
    names = {kpi.provider for kpi in agreement.kpis}
    return {place: value for place, value in found.items() if place[1] in names}


@settings(max_examples=EXAMPLES, deadline=None, phases=PHASES, suppress_health_check=list(HealthCheck))
@given(measures(), ROWS, st.booleans())
def test_every_measure_is_what_plain_python_computes(
    engine_name: str, tmp_path: Path, pair: tuple[dict[str, Any], Told], rows: list[dict[str, Any]], late: bool
) -> None:
    written, told = pair
    numbered: list[Row] = [*rows]
    agreement = agree(written, "{column: got, within: 5 days}" if late else "counts")
    terms = replace(TERMS, late=timedelta(days=5) if late else None)
    path = write(tmp_path / "log.csv", numbered)
    expected = refused_or(lambda: compute(numbered, told, terms), RefusedError)
    found = refused_or(lambda: measured(agreement, path, engine_name), EvidenceError)
    assert expected == found
    if engine_name == "duckdb" and not isinstance(found, str):
        check_queries(agreement, path)


def refused_or(call: Callable[[], Any], error: type[Exception]) -> Any:
    """What a call gives, or the code of its refusal."""
    try:
        return call()
    except error as refused:
        return getattr(refused, "code", str(refused))


def check_queries(agreement: Agreement, path: Path) -> None:
    """The query that stands beside a value gives its figures."""
    [plan] = plan_measures(agreement)
    [scan] = plan.scans
    [measure] = scan.measures
    whole = Recomputation.read(agreement, {"log": path})
    with open_records(plan, path) as (engine, *_):
        for period in agreement.periods:
            try:
                values = whole.measured(period.number).values
            except EvidenceError:
                continue
            for held in values:
                [row] = engine.rows(held.query)
                cells = zip(measure.aggregates.items(), row, strict=True)
                quotient = divide(measure, {name: read_figure(each, aggregate) for (name, aggregate), each in cells})
                assert (held.numerator, held.denominator) == (quotient.numerator, quotient.denominator)
