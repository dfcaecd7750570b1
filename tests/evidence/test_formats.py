"""One set of records in every format gives the same values, numerators, denominators and queries."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.bundles.measured import Measured
from pyoutcome.evidence.engines.opening import open_engine
from pyoutcome.evidence.recomputation import Recomputation
from pyoutcome.evidence.staged import Given
from pyoutcome.terms.agreement import Agreement
from tests.evidence import deal
from tests.evidence.deal import agree, write_records

Row = dict[str, str]
ROWS = [
    {"carrier": carrier, "delay": delay, "at": f"2013-{month:02}-{day:02}T{hour:02}:30:00Z", "done": done}
    for carrier in ("UA", "B6", "DL")
    for month in (1, 2, 3, 4)
    for day, hour, delay, done in (
        (1, 4, "14", "true"),
        (1, 5, "15", "false"),
        (14, 12, "NA", "true"),
        (28, 23, "-3", "true"),
    )
]


def as_csv(folder: Path, rows: list[Row]) -> Given:
    del rows
    return folder / "records.csv"


def as_many_csv(folder: Path, rows: list[Row]) -> Given:
    parts = folder / "parts"
    parts.mkdir()
    for place in range(3):
        with (parts / f"{place}.csv").open("w", newline="") as file:
            # The columns of each file in an order of its own.
            names = list(rows[0])[place:] + list(rows[0])[:place]
            writer = csv.DictWriter(file, names, lineterminator="\r\n" if place else "\n")
            writer.writeheader()
            writer.writerows(rows[place::3])
    return parts


def as_json(folder: Path, rows: list[Row]) -> Given:
    typed = [row | {"id": int(row["id"]), "done": row["done"] == "true"} for row in rows]
    (folder / "records.json").write_text(json.dumps(typed, indent=1))
    return folder / "records.json"


def as_json_lines(folder: Path, rows: list[Row]) -> Given:
    (folder / "records.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return [folder / "records.jsonl"]


def as_parquet(folder: Path, rows: list[Row]) -> Given:
    del rows
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for place in (0, 1):
            connection.execute(
                "COPY (SELECT id::INTEGER AS id, carrier, delay::DOUBLE AS delay, departed::SMALLINT AS departed, "
                '"at"::TIMESTAMPTZ AS "at", "local"::TIMESTAMP AS "local", done::BOOLEAN AS done '
                f"FROM read_csv('{folder}/records.csv', all_varchar = true, nullstr = 'NA') "
                f"WHERE id::INTEGER % 2 = {place}) TO '{folder}/{place}.parquet' (FORMAT parquet)"
            )
    return folder / "*.parquet"


def as_prometheus(folder: Path, rows: list[Row]) -> Given:
    result = [
        {
            "metric": {name: row[name] for name in ("id", "carrier", "departed", "local", "done")},
            "values": [[seconds(row), "NaN" if row["delay"] == "NA" else row["delay"]]],
        }
        for row in rows
    ]
    answer = {"status": "success", "data": {"resultType": "matrix", "result": result}}
    (folder / "answer.json").write_text(json.dumps(answer))
    return folder / "answer.json"


def as_opentelemetry(folder: Path, rows: list[Row]) -> Given:
    points = [
        {
            "timeUnixNano": f"{seconds(row)}000000000",
            **({"flags": 1} if row["delay"] == "NA" else {"asInt": row["delay"]}),
            "attributes": [
                {"key": name, "value": {"stringValue": row[name]}}
                for name in ("id", "carrier", "departed", "local", "done")
            ],
        }
        for row in rows
    ]
    metrics = [{"name": "delay", "gauge": {"dataPoints": points}}]
    (folder / "metrics.json").write_text(json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}]}))
    return folder / "metrics.json"


def seconds(row: Row) -> int:
    stamp = datetime.fromisoformat(row["at"])
    assert stamp.microsecond == 0
    return int(stamp.timestamp())


FORMATS: dict[str, tuple[str, Callable[[Path, list[Row]], Given]]] = {
    "csv": ("csv", as_csv),
    "many csv": ("csv", as_many_csv),
    "json": ("json", as_json),
    "json lines": ("json", as_json_lines),
    "parquet": ("parquet", as_parquet),
    "prometheus": ("prometheus", as_prometheus),
    "opentelemetry": ("opentelemetry", as_opentelemetry),
}


def agreement_of(form: str) -> Agreement:
    with pytest.MonkeyPatch.context() as patch:
        text = deal.TEXT.replace("format: csv", f"format: {form}")
        if form in ("prometheus", "opentelemetry"):
            text = text.replace("at: {{type: instant}}", "at: {{type: instant, from: time}}")
            text = text.replace(
                "delay: {{type: decimal, digits: 5}}", "delay: {{type: decimal, digits: 5, from: value}}"
            )
        patch.setattr(deal, "TEXT", text)
        return agree()


def measured(folder: Path, name: str) -> tuple[list[Measured], Recomputation]:
    path = write_records(folder / "records.csv", ROWS)
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    form, write = FORMATS[name]
    agreement = agreement_of(form)
    read = Recomputation.read(agreement, {"flights": write(folder, rows)})
    return [read.measured(period.number) for period in agreement.periods], read


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "csv"])
def test_every_format_gives_what_csv_gives(tmp_path: Path, name: str) -> None:
    for each in ("plain", "other"):
        (tmp_path / each).mkdir()
    expected, _ = measured(tmp_path / "plain", "csv")
    found, read = measured(tmp_path / "other", name)
    assert [month.values for month in expected] == [month.values for month in found]
    [source] = read.sources
    assert len(ROWS) == source.rows == sum(file.rows for file in source.files)
    # 04:30 UTC on the first is the evening before in New York: of February one comes in and one goes out.
    assert [(2, 4), (2, 4)] == [(value.numerator, value.denominator) for value in found[0].values]


def test_a_parquet_file_changed_while_it_is_measured_stops_the_measurement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_records(tmp_path / "records.csv", ROWS)
    given = as_parquet(tmp_path, [])

    def opened(*arguments: object, **named: object) -> object:
        path = tmp_path / "0.parquet"
        path.write_bytes(path.read_bytes())
        return open_engine(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("pyoutcome.evidence.counting.open_engine", opened)
    with pytest.raises(EvidenceError, match="records-changed"):
        Recomputation.read(agreement_of("parquet"), {"flights": given})
