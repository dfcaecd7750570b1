"""Hostile queries never reach an engine, and hostile values never reach a cast."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.engines.gate import admit
from pyoutcome.evidence.engines.loading import _malformed
from pyoutcome.evidence.engines.opening import open_engine
from pyoutcome.evidence.measures.columns import TEXT, ColumnType, Kind
from tests.engines.conftest import loaded, plan_of
from tests.engines.trees import BOOLEAN, INSTANT, WALL, decimal

HOSTILE = {
    "duckdb": [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM read_blob('*')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM 'https://example.org/x.parquet'",
        "SELECT getenv('HOME') FROM r",
        "SELECT current_setting('TimeZone') FROM r",
        "COPY (SELECT 1) TO '/tmp/out.csv'",
        "COPY r TO '/tmp/out.csv'",
        "ATTACH '/tmp/other.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "PRAGMA database_list",
        "CALL pragma_version()",
        "EXPORT DATABASE '/tmp/all'",
        "CREATE TABLE x AS SELECT 1",
        "CREATE VIEW x AS SELECT 1",
        "CREATE MACRO f(a) AS a",
        "DROP TABLE r",
        "ALTER TABLE r ADD COLUMN x INT",
        "INSERT INTO r VALUES (1)",
        "UPDATE r SET a = 1",
        "DELETE FROM r",
        "TRUNCATE r",
        "DESCRIBE r",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM duckdb_settings()",
        "SELECT * FROM other",
        "SELECT * FROM main.r",
        "SELECT * FROM r, other",
        "SELECT * FROM r JOIN other ON true",
        "SELECT (SELECT max(a) FROM other) FROM r",
        "SELECT a FROM r WHERE EXISTS (SELECT 1 FROM other)",
        "WITH x AS (SELECT * FROM other) SELECT * FROM x",
        "SELECT a FROM r UNION ALL SELECT a FROM other",
        "SELECT * FROM range(1000000000)",
        "SELECT * FROM generate_series(1, 1000000000)",
        "SELECT unnest([1, 2]) FROM r",
        "SELECT random() FROM r",
        "SELECT now() FROM r",
        "SELECT current_date FROM r",
        "SELECT avg(a) FROM r",
        "SELECT a / 2, ln(a) FROM r",
        "SELECT quantile_cont(a, 0.5) FROM r",
        "SELECT regexp_extract(a, 'x') FROM r",
        "SELECT ? FROM r",
        "SELECT $1 FROM r",
    ],
    "postgres": [
        "SELECT pg_read_file('/etc/passwd') FROM r",
        "SELECT pg_ls_dir('/') FROM r",
        "SELECT pg_sleep(1000) FROM r",
        "SELECT lo_import('/etc/passwd') FROM r",
        "SELECT lo_export(1, '/tmp/x') FROM r",
        "SELECT pg_terminate_backend(1) FROM r",
        "SELECT set_config('search_path', 'public', false) FROM r",
        "SELECT nextval('s') FROM r",
        "SELECT dblink('host=x', 'SELECT 1') FROM r",
        "SELECT query_to_xml('SELECT 1', true, true, '') FROM r",
        "SELECT * FROM pg_shadow",
        "SELECT * INTO x FROM r",
        "SELECT * FROM r FOR UPDATE",
        "COPY r FROM PROGRAM 'id'",
        "DO $$ BEGIN END $$",
        "SELECT public.f(a) FROM r",
    ],
    "spark": [
        "SELECT reflect('java.lang.System', 'getenv', 'HOME') FROM r",
        "SELECT java_method('java.lang.System', 'exit', 1) FROM r",
        "SELECT * FROM csv.`/etc/passwd`",
        "SELECT * FROM parquet.`s3://bucket/x`",
        "ADD JAR '/tmp/x.jar'",
        "SET spark.sql.ansi.enabled = false",
        "SELECT TRANSFORM (a) USING 'cat' FROM r",
        "CREATE FUNCTION f AS 'x.Y'",
        "REFRESH TABLE r",
        "CACHE TABLE r",
        "INSERT OVERWRITE DIRECTORY '/tmp/x' SELECT * FROM r",
        "SELECT input_file_name() FROM r",
        "SELECT java_method('a', 'b') AS x FROM r",
        "SELECT * FROM r LATERAL VIEW explode(array(1)) t AS x",
    ],
}
CASES = [(dialect, sql) for dialect, held in HOSTILE.items() for sql in held]


def test_the_list_is_long() -> None:
    assert 60 <= len(CASES)


@pytest.mark.parametrize(("dialect", "sql"), CASES)
def test_a_query_that_does_more_than_read_the_records_is_refused(dialect: str, sql: str) -> None:
    try:
        tree = sqlglot.parse_one(sql, read=dialect)
    except sqlglot.errors.ParseError:
        tree = exp.Command(this=sql)
    with pytest.raises(EvidenceError, match="engine-query-refused"):
        admit(tree, {"r"})


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT a, count(*) FILTER (WHERE a > 1) FROM r GROUP BY a ORDER BY a LIMIT 1",
        "WITH x AS (SELECT a FROM r) SELECT max(a) FROM x",
        "SELECT row_number() OVER (PARTITION BY a ORDER BY b) FROM R",
        "SELECT sum(CASE WHEN a IS NULL THEN 0 ELSE a END) FROM (SELECT a FROM r) AS q",
    ],
)
def test_a_query_that_reads_the_records_passes(sql: str) -> None:
    admit(sqlglot.parse_one(sql, read="duckdb"), {"r"})


def test_a_refused_query_does_not_reach_the_engine(
    engine_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_engine([], tmp_path, None, engine_name) as engine:
        sent: list[str] = []
        monkeypatch.setattr(engine, "answer", sent.append)
        for dialect, sql in CASES:
            try:
                tree = sqlglot.parse_one(sql, read=dialect)
            except sqlglot.errors.ParseError:
                continue
            with pytest.raises(EvidenceError, match="engine-query-refused"):
                engine.rows(tree)
        assert [] == sent


VALUES = [
    "1", "-1", "0", "-0.00", "1.5", "001", "12.345", "1_000", "1,5", "1e3", "1E3", "+1", ".5", "1.", "-", "--1",
    " 1", "1 ", "0x1F", "NaN", "nan", "Infinity", "-inf", "\uff11", "\u0661", "1\u00a0", "1\n", "\n1", "\t1",
    "123456", "1.234", "12345.67", "true", "false", "True", "TRUE", "tRUE", "t", "yes", "1", "on", "truE",
    "2013-01-31T23:59:59Z", "2013-01-31 23:59:59.123456+05:30", "2013-01-31T23:59:59",
    "2013-01-31T23:59:59.1234567Z", "2013-01-31T23:59:59.1234567", "2013-01-31T24:00:00Z",
    "2013-01-31T23:59:60Z", "2013-01-31T23:60:00Z", "2013-1-31T23:59:59Z", "2013-02-30T00:00:00Z",
    "2013-02-29T00:00:00", "2012-02-29T00:00:00", "1900-02-29T00:00:00", "2000-02-29T00:00:00",
    "2100-02-29T00:00:00Z", "2400-02-29T00:00:00Z", "2013-04-31T00:00:00", "2013-06-31 00:00:00",
    "2013-09-31T00:00:00Z", "2013-11-31T00:00:00", "2013-12-31T00:00:00", "2013-13-01T00:00:00",
    "2013-00-01T00:00:00", "2013-01-00T00:00:00", "2013-01-32T00:00:00", "0999-01-01T00:00:00",
    "10000-01-01T00:00:00", "-2013-01-01T00:00:00", "2013-01-31", "infinity", "now", "epoch", "today",
    "2013-01-31T23:59:59+15:00", "2013-01-31T23:59:59-14:59", "2013-01-31T23:59:59+5:30",
    "2013-01-31T23:59:59 UTC", "2013-01-31T23:59:59 Europe/Berlin", "2013-01-31t23:59:59z",
    "31.01.2013 23:59:59", "2013-01-31T23:59:59Z\n", "2013-01-31T23:59:59,5Z", "1/2/2016",
]  # fmt: skip
FORMS = {"d": decimal(5, 2), "w": decimal(5), "s": decimal(2, 2), "b": BOOLEAN, "i": INSTANT, "l": WALL}


def is_good(text: str, type_: ColumnType) -> bool:
    if re.fullmatch(type_.form, text) is None:
        return False
    if type_.kind not in {Kind.INSTANT, Kind.WALL}:
        return True
    try:
        datetime.fromisoformat(text[:10])
    except ValueError:
        return False
    return True


def test_every_engine_refuses_the_same_spellings(engine_name: str, tmp_path: Path) -> None:
    lines = ["n,v", *(f'{place},"{text}"' for place, text in enumerate(VALUES)), ""]
    with loaded(engine_name, tmp_path, plan_of({"n": decimal(4), "v": TEXT}), "\n".join(lines).encode()) as engine:
        tested = [exp.alias_(_malformed(engine.dialect, "c_v", type_), f"f_{name}") for name, type_ in FORMS.items()]
        rows = engine.rows(exp.select(*tested).from_("r_raw").order_by("c_n"))
    assert {
        text: [not is_good(text, type_) for type_ in FORMS.values()] for text in VALUES
    } == {text: list(row) for text, row in zip(VALUES, rows, strict=True)}  # fmt: skip


def test_a_bad_value_is_refused_with_its_place(engine_name: str, tmp_path: Path) -> None:
    plan = plan_of({"n": decimal(4), "at": WALL}, ("NA",))
    data = b"n,at\n1,2013-01-31T00:00:00\n2,NA\n3,2013-02-29T00:00:00\n4,2013-02-30T00:00:00\n"
    with pytest.raises(EvidenceError) as caught, loaded(engine_name, tmp_path, plan, data):
        pass
    assert "records-malformed-value" == caught.value.code
    assert 2 == caught.value.details["count"]
    assert "'2013-02-29T00:00:00' in record 3" in caught.value.why
