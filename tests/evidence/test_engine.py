"""The engine: exact settings, and no way out of it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.engines import duckdb as engines
from pyoutcome.evidence.engines.engine import Limits
from pyoutcome.evidence.engines.opening import open_engine
from tests.evidence.deal import quote

READ = "header = false, auto_detect = false, columns = {'a': 'VARCHAR'}"


def test_it_reads_the_named_file_and_no_other(tmp_path: Path) -> None:
    named, other = tmp_path / "named.csv", tmp_path / "other.csv"
    named.write_text("open\n")
    other.write_text("secret\n")
    with open_engine([named], tmp_path) as engine:
        assert [("open",)] == engine.rows(f"SELECT a FROM read_csv({quote(str(named))}, {READ})")
        with pytest.raises(EvidenceError) as caught:
            engine.rows(f"SELECT a FROM read_csv({quote(str(other))}, {READ})")
        assert "engine-failed" == caught.value.code
        assert "Permission" in caught.value.why


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM read_blob('{folder}/*')",
        "SELECT * FROM glob('{folder}/*')",
        "SELECT * FROM '{folder}/named.parquet'",
        "COPY (SELECT 1) TO '{folder}/out.csv'",
        "COPY (SELECT 1) TO '{folder}/named.csv'",
        "ATTACH '{folder}/other.db'",
        "EXPORT DATABASE '{folder}/all'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SELECT * FROM read_csv('https://example.org/x.csv')",
        "SET enable_external_access = true",
        "SET allowed_paths = ['/']",
        "SET lock_configuration = false",
        "SET TimeZone = 'Europe/Berlin'",
        "RESET memory_limit",
        "SELECT getenv('HOME')",
    ],
)
def test_nothing_reaches_files_network_or_settings(tmp_path: Path, sql: str) -> None:
    named = tmp_path / "named.csv"
    named.write_text("open\n")
    before = sorted(tmp_path.iterdir())
    with open_engine([named], tmp_path) as engine, pytest.raises(EvidenceError, match="engine-failed"):
        engine.rows(sql.format(folder=tmp_path))
    assert before == sorted(tmp_path.iterdir())
    assert "open\n" == named.read_text()


def test_python_variables_are_not_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "secrets", duckdb.values([1]), raising=False)
    with open_engine([], tmp_path) as engine, pytest.raises(EvidenceError, match="engine-failed"):
        engine.rows("SELECT * FROM secrets")


def test_it_stops_when_time_runs_out(tmp_path: Path) -> None:
    with open_engine([], tmp_path, Limits(seconds=1)) as engine, pytest.raises(EvidenceError, match="engine-limit"):
        engine.rows("SELECT count(*) FROM range(10000000) a, range(1000000) b WHERE a.range * b.range = 7")


def test_it_stops_when_memory_and_disk_run_out(tmp_path: Path) -> None:
    limits = Limits(memory_mib=16, disk_mib=0)
    with open_engine([], tmp_path, limits) as engine, pytest.raises(EvidenceError, match="engine-limit"):
        engine.rows("SELECT count(*) FROM (SELECT DISTINCT md5(CAST(range AS VARCHAR)) FROM range(3000000))")


def test_a_setting_that_does_not_hold_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "pyoutcome.evidence.engines.duckdb._ASSERTED", {"TimeZone": "utc+0", "default_null_order": "sometimes"}
    )
    with pytest.raises(EvidenceError, match="engine-settings"), open_engine([], tmp_path):
        pass


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TimeZone", "UTC"),
        ("default_null_order", "NULLS_LAST"),
        ("default_collation", ""),
        ("enable_external_access", False),
        ("python_enable_replacements", False),
        ("autoload_known_extensions", False),
        ("autoinstall_known_extensions", False),
        ("allow_community_extensions", False),
        ("lock_configuration", True),
        ("threads", 2),
        ("memory_limit", "2.0 GiB"),
        ("max_execution_time", 600_000),
    ],
)
def test_settings_are_the_same_on_every_machine(tmp_path: Path, name: str, value: object) -> None:
    with open_engine([], tmp_path) as engine:
        [(found,)] = engine.rows(f"SELECT current_setting('{name}')")
    assert str(value).lower() == str(found).lower()


def test_it_speaks_utc_whatever_the_machine_speaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    with open_engine([], tmp_path) as engine:
        assert [("2013-01-01 05:00:00+00",)] == engine.rows(
            "SELECT CAST(CAST('2013-01-01T00:00:00-05:00' AS TIMESTAMPTZ) AS VARCHAR)"
        )


@pytest.mark.parametrize("answer", ["0.5", "CAST(1 AS DOUBLE)", "NULL", "'1'", "CAST(1.5 AS DECIMAL(3,1))"])
def test_anything_but_a_whole_number_is_no_count(tmp_path: Path, answer: str) -> None:
    with open_engine([], tmp_path) as engine:
        assert [(7, 2)] == engine.counts("SELECT 7, 2")
        with pytest.raises(EvidenceError, match="engine-not-exact"):
            engine.counts(f"SELECT 7, {answer}")
