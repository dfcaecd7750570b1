"""Records that an engine holds: read where they lie, only if no cast changes them, with a digest of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlglot import exp

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.engines.engine import Engine
from pyoutcome.evidence.engines.opening import open_engine
from pyoutcome.evidence.measures.columns import TEXT, ColumnType
from pyoutcome.evidence.measures.conditions import Column
from pyoutcome.evidence.sources.records import stage_records
from pyoutcome.evidence.staged import SourceDigest
from pyoutcome.terms.measures import RecordSource
from tests.engines.conftest import declare, loaded, plan_of
from tests.engines.trees import BOOLEAN, INSTANT, WALL, decimal

TYPES = {"id": decimal(6), "n": decimal(9, 3), "name": TEXT, "at": INSTANT, "local": WALL, "done": BOOLEAN}
NATIVE = {
    "postgresql": "id integer, n numeric(9,3), name varchar(40), at timestamptz, local timestamp, done boolean",
    "spark": "id int, n decimal(9,3), name string, at timestamp, local timestamp_ntz, done boolean",
}
ROWS = [
    ("1", "1.5", "UA", "2013-01-01T00:00:00Z", "2013-01-01T00:00:00", "true"),
    ("2", "-999999.999", "ua,~1", "2013-03-31T02:30:00.000001+01:00", "2013-03-31T02:30:00", "false"),
    ("3", "", "", "", "", ""),
    ("4", "0", "é\\", "9999-12-31T23:59:59.999999Z", "1000-01-01T00:00:00", "true"),
]
HEADER = "id,n,name,at,local,done"


def run(engine_name: str, *statements: str) -> None:
    """As the engine's owner does, beside us."""
    if engine_name.startswith("postgresql"):
        import psycopg

        with psycopg.connect(engine_name, autocommit=True) as connection:
            for statement in ("SET standard_conforming_strings = on", "SET datestyle = 'ISO, YMD'", *statements):
                connection.execute(statement.encode())
    else:
        from pyoutcome.evidence.engines.engine import Limits
        from pyoutcome.evidence.engines.spark_session import connect

        session: Any = connect("spark", Limits()).newSession()
        session.conf.set("spark.sql.session.timeZone", "UTC")
        session.conf.set("spark.sql.parser.escapedStringLiterals", "false")
        session.conf.set("spark.sql.timestampType", "TIMESTAMP_LTZ")
        for statement in statements:
            session.sql(statement)


def make(engine_name: str, table: str, native: str, rows: Sequence[Sequence[str]]) -> str:
    """A table with these values; its name."""
    kind = engine_name.partition(":")[0]
    names = [part.split()[0] for part in native.replace("(9,3)", "").split(", ")]
    types = [part.split(maxsplit=1)[1].replace(";", ",") for part in native.replace("(9,3)", "(9;3)").split(", ")]
    types = [type_.replace(",", ", ") for type_ in types]
    quote = (lambda text: "'" + text.replace("\\", "\\\\") + "'") if kind == "spark" else lambda text: f"'{text}'"
    lines = [
        "SELECT "
        + ", ".join(
            f"CAST({quote(cell) if cell else 'NULL'} AS {type_}) AS {name}"
            for cell, name, type_ in zip(row, names, types, strict=True)
        )
        for row in rows
    ]
    run(engine_name, f"DROP TABLE IF EXISTS {table}", f"CREATE TABLE {table} AS {' UNION ALL '.join(lines)}")
    return f"public.{table}" if kind == "postgresql" else f"default.{table}"


def read(engine_name: str, folder: Path, table: str, types: dict[str, ColumnType]) -> tuple[Engine, SourceDigest]:
    source = RecordSource(
        format="table", columns={name: declare(type_) for name, type_ in types.items()}, key=(next(iter(types)),)
    )
    staged = stage_records("raw", table, folder, source)
    with open_engine(staged.files, folder, None, engine_name) as engine:
        return engine, engine.load(plan_of(types), staged).digest


@pytest.fixture
def holder(engine_name: str) -> str:
    """An engine that can hold tables."""
    return engine_name


def test_a_table_is_read_where_it_lies(engine_name: str, tmp_path: Path) -> None:
    kind = engine_name.partition(":")[0]
    if kind == "duckdb":
        with pytest.raises(EvidenceError, match="engine-holds-no-tables"):
            read(engine_name, tmp_path, "public.flights", TYPES)
        return
    table = make(engine_name, "flights_held", NATIVE[kind], ROWS)
    _, digest = read(engine_name, tmp_path, table, TYPES)
    # The same records in a file, in another order and on DuckDB, have the same digest.
    from pyoutcome.evidence.engines.tables import with_digest

    lines = [HEADER, *(",".join(f'"{cell}"' if "," in cell else cell for cell in row) for row in reversed(ROWS)), ""]
    plan = plan_of(TYPES)
    with loaded("duckdb", tmp_path, plan, "\n".join(lines).encode()) as engine:
        [(count,)] = engine.integers(exp.select(exp.Count(this=exp.Star())).from_("r_raw"))
        staged = stage_records(
            "raw", "x.y", tmp_path, RecordSource(format="table", columns={"id": declare(TYPES["id"])}, key=("id",))
        )
        assert with_digest(engine, plan, staged).digest == digest
    assert (count, 4) == (4, digest.rows)
    changed = [*ROWS[:3], (*ROWS[3][:2], "é", *ROWS[3][3:])]
    assert (
        digest.sha256
        != read(engine_name, tmp_path, make(engine_name, "flights_held", NATIVE[kind], changed), TYPES)[1].sha256
    )
    run(engine_name, "DROP TABLE flights_held")


WRONG = [
    ("integer", "1", decimal(5), None),
    ("integer", "100000", decimal(5), "records-malformed-value"),
    ("bigint", "-100000", decimal(5), "records-malformed-value"),
    ("decimal(9,3)", "1.500", decimal(9, 2), "records-table-type"),
    ("decimal(9,3)", "1000.5", decimal(6, 3), "records-malformed-value"),
    ("double precision", "0.1", decimal(15, 3), None),
    ("double precision", "0.30000000000000004", decimal(15, 3), "records-malformed-value"),
    ("double precision", "1e300", decimal(15, 3), "records-malformed-value"),
    ("double precision", "NaN", decimal(15, 3), "records-malformed-value"),
    ("double precision", "0.1", decimal(16, 3), "records-table-type"),
    ("real", "0.5", decimal(9, 3), "records-table-type"),
    ("date", "2013-01-01", WALL, "records-table-type"),
    ("timestamp", "2013-01-01 00:00:00", BOOLEAN, "records-table-type"),
    ("boolean", "true", TEXT, "records-table-type"),
]


@pytest.mark.parametrize(("native", "value", "declared", "code"), WRONG)
def test_a_column_that_a_cast_would_change_is_refused(
    engine_name: str, tmp_path: Path, native: str, value: str, declared: ColumnType, code: str | None
) -> None:
    kind = engine_name.partition(":")[0]
    if kind == "duckdb":
        with pytest.raises(EvidenceError, match="engine-holds-no-tables"):
            read(engine_name, tmp_path, "t", {"id": declared})
        return
    table = make(
        engine_name,
        "held",
        f"id {native.replace('double precision', 'double') if kind == 'spark' else native}",
        [(value,)],
    )
    if code is None:
        assert 1 == read(engine_name, tmp_path, table, {"id": declared})[1].rows
    else:
        with pytest.raises(EvidenceError, match=code):
            read(engine_name, tmp_path, table, {"id": declared})


@pytest.mark.parametrize("name", ["", "a;b", 'a"b', "a.b.c.d", "csv.`/etc/hostname`", "a b", "(select 1)", "a--", "é"])
def test_only_a_name_is_a_table(name: str, tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="records-table-name"):
        stage_records("raw", name, tmp_path, RecordSource(format="table", columns={"id": declare(TEXT)}, key=("id",)))


def test_texts_of_a_table_are_compared_by_their_bytes(engine_name: str, tmp_path: Path) -> None:
    names = ["Z", "a", "é", "_", "ß", "ss", "A", "e", "z"]
    kind = engine_name.partition(":")[0]
    if kind == "duckdb":
        with pytest.raises(EvidenceError, match="engine-holds-no-tables"):
            read(engine_name, tmp_path, "t", {"id": TEXT})
        return
    table = make(
        engine_name, "named", "id varchar(9)" if kind == "postgresql" else "id string", [(name,) for name in names]
    )
    source = RecordSource(format="table", columns={"id": declare(TEXT)}, key=("id",))
    staged = stage_records("raw", table, tmp_path, source)
    plan = plan_of({"id": TEXT})
    with open_engine(staged.files, tmp_path, None, engine_name) as engine:
        engine.load(plan, staged)
        column = engine.dialect.lower(Column("id", TEXT), plan.columns)
        ordered = engine.rows(exp.select("c_id").from_("r_raw").order_by(column))
        assert sorted(names, key=str.encode) == [name for (name,) in ordered]
        less = (
            exp.select("c_id").from_("r_raw").where(exp.LT(this=exp.column("c_id"), expression=exp.Literal.string("a")))
        )
        assert {"Z", "_", "A"} == {name for (name,) in engine.rows(less)}
