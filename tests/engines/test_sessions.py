"""What an engine is, whatever its defaults are: its settings, its limits, its secrets."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.engines.engine import Limits
from pyoutcome.evidence.engines.opening import open_engine
from pyoutcome.evidence.measures.columns import TEXT
from tests.engines.conftest import loaded, plan_of

SECRET = "hunter2"
SETTINGS = {
    "duckdb": [("SELECT current_setting('TimeZone')", "UTC")],
    "postgresql": [
        ("SELECT current_setting('TimeZone')", "UTC"),
        ("SELECT current_setting('DateStyle')", "ISO, YMD"),
        ("SELECT current_setting('standard_conforming_strings')", "on"),
        ("SELECT current_setting('transform_null_equals')", "off"),
        ("SELECT current_setting('search_path')", "pg_catalog, pg_temp"),
        ("SELECT current_setting('transaction_read_only')", "on"),
        ("SELECT current_setting('transaction_isolation')", "repeatable read"),
        ("SELECT current_setting('row_security')", "off"),
        ("SELECT current_setting('statement_timeout')", "10min"),
    ],
    "spark": [
        ("SELECT current_timezone()", "UTC"),
        ("SELECT '${spark.app.name} ${env:HOME}'", "${spark.app.name} ${env:HOME}"),
        ("SELECT 'a\\\\b'", "a\\b"),
        ("SELECT typeof(CAST('2013-01-01' AS TIMESTAMP))", "timestamp"),
    ],
}
ENDLESS = {
    "duckdb": "SELECT count(*) FROM range(10000000) a, range(1000000) b WHERE a.range * b.range = 7",
    "postgresql": "SELECT count(*) FROM generate_series(1, 100000000000)",
    "spark": "SELECT count(*) FROM range(0, 100000000000) WHERE hash(id) = 7",
}
WRITING = {
    "postgresql": [
        "CREATE TABLE public.made (a int)", "DROP SCHEMA public", "SET SESSION AUTHORIZATION DEFAULT; DROP TABLE x",
    ],
    "spark": ["SELECT * FROM csv.`/etc/hostname`", "SELECT CAST('x' AS INT)", "SELECT 9223372036854775807 + 1"],
    "duckdb": ["COPY (SELECT 1) TO 'made.csv'", "SELECT * FROM read_text('/etc/hostname')"],
}  # fmt: skip


def kind(engine_name: str) -> str:
    return engine_name.partition(":")[0]


def test_settings_do_not_depend_on_defaults(engine_name: str, tmp_path: Path) -> None:
    with open_engine([], tmp_path, None, engine_name) as engine:
        for sql, expected in SETTINGS[kind(engine_name)]:
            assert [(expected,)] == engine.answer(sql)


def test_a_setting_that_does_not_hold_is_refused(
    engine_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A value that means the same, but is not what is read back.
    name = {"duckdb": "TimeZone", "postgresql": "TimeZone", "spark": "spark.sql.session.timeZone"}[kind(engine_name)]
    module = "pyoutcome.evidence.engines." + kind(engine_name).replace("spark", "spark_session")
    with open_engine([], tmp_path, None, engine_name):
        asserted = sys.modules[module]._ASSERTED
    monkeypatch.setattr(f"{module}._ASSERTED", {**asserted, name: "Neverland/Nowhere"})
    with pytest.raises(EvidenceError, match="engine-settings"), open_engine([], tmp_path, None, engine_name):
        pass


def test_a_query_stops_when_its_time_is_over(engine_name: str, tmp_path: Path) -> None:
    with (
        open_engine([], tmp_path, Limits(seconds=2), engine_name) as engine,
        pytest.raises(EvidenceError, match="engine-limit"),
    ):
        engine.answer(ENDLESS[kind(engine_name)])


def test_an_engine_that_failed_once_goes_on(engine_name: str, tmp_path: Path) -> None:
    with loaded(engine_name, tmp_path, plan_of({"a": TEXT}), b"a\nx\n") as engine:
        for sql in WRITING[kind(engine_name)]:
            with pytest.raises(EvidenceError, match="engine-failed"):
                engine.answer(sql)
        assert [("x",)] == engine.rows("SELECT c_a FROM r_raw")
    assert not (tmp_path / "made.csv").exists()


def test_two_sessions_do_not_see_one_another(engine_name: str, tmp_path: Path) -> None:
    plan = plan_of({"a": TEXT})
    for side in ("one", "two"):
        (tmp_path / side).mkdir()
    with (
        loaded(engine_name, tmp_path / "one", plan, b"a\nx\n") as first,
        loaded(engine_name, tmp_path / "two", plan, b"a\ny\nz\n") as second,
    ):
        assert [("x",)] == first.rows("SELECT c_a FROM r_raw")
        assert [("y",), ("z",)] == second.rows("SELECT c_a FROM r_raw ORDER BY position")


@pytest.mark.parametrize(
    "option",
    [
        f"postgresql://user:{SECRET}@127.0.0.1:1/db",
        f"postgresql://user:{SECRET}@127.0.0.1:1/db?sslmode={SECRET}",
        f"postgresql://user:{SECRET}@[::1",
        f"postgresql://{SECRET}%zz",
        f"postgresql://127.0.0.1:1/db?password={SECRET}",
        f"mysql://user:{SECRET}@host/db",
        f"{SECRET}",
        f"duckdb://{SECRET}",
    ],
)
def test_secrets_stand_in_no_message(option: str, tmp_path: Path) -> None:
    with (
        pytest.raises(EvidenceError, match=r"engine-(unreachable|unknown)") as caught,
        open_engine([], tmp_path, None, option),
    ):
        pass
    error: BaseException | None = caught.value
    assert SECRET not in repr(caught.value.details)
    while error is not None:
        if option != SECRET:
            assert SECRET not in str(error)
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize(
    ("module", "option", "package"), [("postgresql", "postgresql://h/d", "psycopg"), ("spark", "spark", "pyspark")]
)
def test_an_engine_that_is_not_installed_says_how(
    module: str, option: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (module, f"{module}_session"):
        monkeypatch.delitem(sys.modules, f"pyoutcome.evidence.engines.{name}", raising=False)
    for name in [name for name in sys.modules if name.partition(".")[0] in {package, "py4j"}]:
        monkeypatch.delitem(sys.modules, name)
    for name in (package, "py4j", "py4j.protocol"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(EvidenceError, match="engine-not-installed") as caught, open_engine([], tmp_path, None, option):
        pass
    assert f"pyoutcome[{module}]" in caught.value.fix
