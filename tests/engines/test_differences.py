"""Two copies of the same records that give two values: on every engine, in every format, the same records are named."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.bundles.bundle import make_bundle
from pyoutcome.evidence.measures.planning import plan_measures
from pyoutcome.evidence.quality.differences import RecordDifference, compare_records
from pyoutcome.evidence.recomputation import Recomputation
from pyoutcome.evidence.verification import verify
from pyoutcome.terms.agreement import Agreement
from tests.engines.test_tables import make, run
from tests.evidence.deal import Key, head

TEXT = (
    head("differing", ("A", "B"))
    + """
term: {zone: America/New_York, first: 2013-02-01, every: month, periods: 2}
records:
  log:
    format: FORMAT
    columns:
      id: {type: text}
      seq: {type: decimal, digits: 4}
      who: {type: text}
      at: {type: instant}
      local: {type: wall}
      size: {type: decimal, digits: 9, scale: 3}
      done: {type: boolean}
    key: [id, seq]
    duplicates: refuse
    late: counts
kpis:
  x: {unit: things, per: provider, decimals: 2, range: [-1000000, 1000000], if_missing: 0, better: higher,
    measure: {records: log, anchor: at, provider: who, MEASURE}}
clauses:
  fee: {kind: formula, to: each, is: 1}
"""
)
NAMES = ("id", "seq", "who", "at", "local", "size", "done")
NATIVE = {
    "postgresql": "id text, seq integer, who text, at timestamptz, local timestamp, size numeric(9,3), done boolean",
    "spark": "id string, seq int, who string, at timestamp, local timestamp_ntz, size decimal(9,3), done boolean",
}
FEBRUARY, MARCH = "2013-02-10T12:00:00Z", "2013-03-10T12:00:00.000001Z"
Row = tuple[str, ...]
MINE: list[Row] = [
    ("Z", "1", "B", MARCH, "2013-03-10T08:00:00", "1.00", "true"),
    ("a", "2", "A", FEBRUARY, "", "2.00", "false"),
    ("b", "1", "A", "2013-02-11T12:00:00Z", "2013-02-11T07:00:00", "3.50", "true"),
    ("b", "2", "A", "2013-02-12T12:00:00Z", "2013-02-12T07:00:00", "4.00", ""),
    ("é", "1", "A", "2013-02-13T12:00:00Z", "2013-02-13T07:00:00", "5.00", "true"),
]
LARGER = (*MINE[3][:5], "100.00", "")
"""A record of A in February that moves every kind of value."""
THEIRS = [(*MINE[0][:4], "2013-03-10T09:00:00", "1.00", ""), *MINE[1:3], LARGER, MINE[4]]
ROUNDED = "rounding: half_up"
VALUED = f"value: size, missing: skip, {ROUNDED}, grain: record"
MEASURES = {
    "ratio": f"kind: ratio, numerator: size > 50, denominator: everything, {ROUNDED}, grain: record",
    "count": "kind: count, where: size > 50, grain: record",
    "sum": f"kind: sum, {VALUED}",
    "mean": f"kind: mean, {VALUED}",
    "weighted_mean": f"kind: weighted_mean, weight: seq, {VALUED}",
    "min": f"kind: min, {VALUED.replace('value: size', 'value: 0 - size')}",
    "max": f"kind: max, {VALUED}",
    "percentile": f"kind: percentile, percent: 100, {VALUED}",
    "distinct_count": "kind: distinct_count, of: size, where: size < 50, grain: record",
    "time_share": f"kind: time_share, item: [id], state: size > 50, {ROUNDED}",
    "versions": f"kind: sum, {VALUED.replace('grain: record', 'grain: {item: [id], version: latest, by: [seq]}')}",
}
LATER = RecordDifference(
    (("id", "Z"), ("seq", "1")),
    {"local": "2013-03-10T08:00:00", "done": "true"},
    {"local": "2013-03-10T09:00:00", "done": None},
)
DIFFERENCES = (
    RecordDifference((("id", "b"), ("seq", "2")), {"size": "4.000"}, {"size": "100.000"}),
    LATER,
)


def agree(measure: str, format_: str = "csv") -> Agreement:
    return Agreement.parse(TEXT.replace("MEASURE", measure).replace("FORMAT", format_))


def write(path: Path, rows: Sequence[Row], format_: str) -> Path:
    """The records in a file of a format."""
    path = path.with_suffix(f".{format_}")
    if format_ == "csv":
        path.write_text("\n".join([",".join(NAMES), *(",".join(row) for row in rows), ""]), encoding="utf-8")
    elif format_ == "json":
        numbers = {"seq", "size"}
        lines = []
        for row in rows:
            told = {name: cell for name, cell in zip(NAMES, row, strict=True) if cell}
            parts = [f"{json.dumps(name)}: {cell if name in numbers or name == 'done' else json.dumps(cell)}"
                     for name, cell in told.items()]  # fmt: skip
            lines.append("{" + ", ".join(parts) + "}")
        path.write_text("\n".join(lines), encoding="utf-8")
    else:
        types = ("VARCHAR", "INTEGER", "VARCHAR", "TIMESTAMPTZ", "TIMESTAMP", "DECIMAL(6,2)", "BOOLEAN")
        chosen = [
            "SELECT " + ", ".join(f"CAST({_quote(cell)} AS {type_}) AS {name}"
                                  for cell, name, type_ in zip(row, NAMES, types, strict=True))
            for row in rows
        ]  # fmt: skip
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(f"COPY ({' UNION ALL '.join(chosen)}) TO '{path}' (FORMAT parquet)")
    return path


def _quote(cell: str) -> str:
    return f"'{cell}'" if cell else "NULL"


def table(engine_name: str, name: str, rows: Sequence[Row]) -> str:
    """The records in a table of the engine."""
    return make(engine_name, name, NATIVE[engine_name.partition(":")[0]], rows)


def compare(engine_name: str, agreement: Agreement, mine: Any, theirs: Any) -> tuple[Any, ...]:
    """What is found by KPI x of A in February."""
    own = Recomputation.read(agreement, {"log": mine}, engine=engine_name)
    value = own.measured(1).values[0]
    assert "x.A" == value.name
    found = own.compare("log", theirs, value, 1)
    return found.count, found.of_part, found.first


@pytest.mark.parametrize("format_", ["csv", "json", "parquet"])
@pytest.mark.parametrize("kind", MEASURES)
def test_a_mismatch_names_kpi_both_values_and_the_records_in_every_format(
    engine_name: str, kind: str, format_: str, tmp_path: Path
) -> None:
    if engine_name == "spark" and format_ != "csv" and kind not in {"ratio", "versions"}:
        format_ = "csv"  # seconds each; the other formats are one for all kinds
    agreement = agree(MEASURES[kind], format_)
    mine, theirs = (write(tmp_path / name, rows, format_) for name, rows in (("mine", MINE), ("theirs", THEIRS)))
    keys = {"A": Key(1), "B": Key(2)}
    told = Recomputation.read(agreement, {"log": theirs}).measured(1)
    bundles = [make_bundle(agreement, told, name, key) for name, key in keys.items()]
    own = Recomputation.read(agreement, {"log": mine}, engine=engine_name)
    with pytest.raises(EvidenceError, match="evidence-value-differs") as caught:
        verify(agreement, bundles, own, {"log": theirs})
    yours, supplied = own.measured(1).values[0], told.values[0]
    assert yours.value != supplied.value
    assert ("x.A", yours.value, supplied.value) == tuple(
        caught.value.details[name] for name in ("kpi", "recomputed", "claimed")
    )
    assert DIFFERENCES == caught.value.details["records"]
    said = caught.value.why
    assert said.startswith("x.A in period 1 is ")
    assert (
        "2 records differ, 1 of them of its period and provider, the first: record (id b, seq 2): size is 4.00" in said
    )


def test_a_version_that_counts_elsewhere_is_named_with_its_item(engine_name: str, tmp_path: Path) -> None:
    """Theirs lacks the version of b that moved it out of February, so an earlier one counts there."""
    moved = (*MINE[3][:3], MARCH, *MINE[3][4:])
    mine = write(tmp_path / "mine", [*MINE[:3], moved, MINE[4]], "csv")
    theirs = write(tmp_path / "theirs", [THEIRS[0], *MINE[1:3], MINE[4]], "csv")
    alone = RecordDifference(
        DIFFERENCES[0].key,
        {"who": "A", "at": MARCH, "local": "2013-02-12T07:00:00", "size": "4.000", "done": None},
        None,
    )
    assert (2, 1, (alone, LATER)) == compare(engine_name, agree(MEASURES["versions"]), mine, theirs)
    assert (2, 0, (LATER, alone)) == compare(engine_name, agree(MEASURES["sum"]), mine, theirs)


def test_tables_are_compared_with_tables_and_with_files(engine_name: str, tmp_path: Path) -> None:
    if engine_name == "duckdb":
        [plan] = plan_measures(agree(MEASURES["sum"], "table"))
        with pytest.raises(EvidenceError, match="engine-holds-no-tables"):
            compare_records(plan, "public.mine", write(tmp_path / "theirs", THEIRS, "csv"))
        return
    agreement = agree(MEASURES["sum"], "table")
    mine, theirs = table(engine_name, "d_mine", MINE), table(engine_name, "d_theirs", THEIRS[::-1])
    expected = (2, 1, DIFFERENCES)
    assert expected == compare(engine_name, agreement, mine, theirs)
    for format_ in ("csv", "json", "parquet"):
        file = write(tmp_path / "theirs", THEIRS, format_)
        assert expected == compare(engine_name, agreement, mine, file)
    file = write(tmp_path / "mine", MINE, "csv")
    assert expected == compare(engine_name, agree(MEASURES["sum"]), file, theirs)
    # The supplier measured from a table; its copy in a file is recognised.
    [plan] = plan_measures(agreement)
    held = compare_records(plan, mine, theirs, engine=engine_name).theirs
    assert held is not None
    assert held == compare_records(plan, mine, write(tmp_path / "theirs", THEIRS, "csv"), engine=engine_name).theirs
    [plan] = plan_measures(agree(MEASURES["sum"]))
    assert compare_records(plan, file, theirs, engine=engine_name).theirs is None
    run(engine_name, "DROP TABLE d_mine", "DROP TABLE d_theirs")


def test_copies_without_a_difference_differ_in_nothing(engine_name: str, tmp_path: Path) -> None:
    mine, theirs = (write(tmp_path / name, rows, "csv") for name, rows in (("mine", MINE), ("theirs", MINE[::-1])))
    assert (0, 0, ()) == compare(engine_name, agree(MEASURES["sum"]), mine, theirs)


def test_no_more_records_than_asked_for_are_named(engine_name: str, tmp_path: Path) -> None:
    mine = write(tmp_path / "mine", MINE, "csv")
    theirs = write(tmp_path / "theirs", [(*row[:5], "99.00", "") for row in MINE], "csv")
    [plan] = plan_measures(agree(MEASURES["sum"]))
    found = compare_records(plan, mine, theirs, limit=3, engine=engine_name)
    assert (5, None, [("Z", "1"), ("a", "2"), ("b", "1")]) == (
        found.count,
        found.of_part,
        [tuple(value for _, value in each.key) for each in found.first],
    )
