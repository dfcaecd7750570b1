"""Parquet files: what an engine casts later is proven exact first, and a file that changes meanwhile is noticed."""

from __future__ import annotations

import hashlib
import os
import zipfile
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.engines.opening import open_engine
from pyoutcome.evidence.measures.columns import ColumnType, Kind
from pyoutcome.evidence.measures.plan import SourcePlan
from pyoutcome.evidence.sources.records import StagedRecords, stage_records
from pyoutcome.terms.measures import RecordSource

SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def declare(**columns: str) -> RecordSource:
    """``text``, ``wall``, ``instant``, ``boolean``, or digits and scale of a number: ``9.2``."""
    declared: dict[str, dict[str, str]] = {}
    for name, form in columns.items():
        digits, dot, scale = form.partition(".")
        declared[name] = {"type": "decimal", "digits": digits, "scale": scale} if dot else {"type": form}
    return RecordSource.model_validate({"format": "parquet", "columns": declared, "key": [next(iter(declared))]})


def write(path: Path, select: str) -> Path:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"COPY ({select}) TO '{str(path).replace(chr(39), chr(39) * 2)}' (FORMAT parquet)")
    return path


def stage(tmp_path: Path, source: RecordSource, *paths: Path) -> StagedRecords:
    folder = tmp_path / f"copy-{len(list(tmp_path.iterdir()))}"
    folder.mkdir()
    return stage_records("raw", list(paths), folder, source)


def refusal(tmp_path: Path, source: RecordSource, *paths: Path) -> EvidenceError:
    with pytest.raises(EvidenceError) as caught:
        stage(tmp_path, source, *paths)
    assert caught.value.fix
    return caught.value


@pytest.mark.parametrize(
    ("form", "good"),
    [
        ("3.0", ["(-128)::TINYINT", "127::TINYINT", "NULL::TINYINT", "255::UTINYINT", "-999", "999::UBIGINT"]),
        ("20.0", ["18446744073709551615::UBIGINT", "(-9223372036854775808)::BIGINT"]),
        ("5.2", ["999::INTEGER", "1.5::DECIMAL(38,1)", "-999.99::DECIMAL(18,2)", "7::DECIMAL(4,0)"]),
        ("5.2", ["0.1::DOUBLE", "-999.99::DOUBLE", "2.68::DOUBLE", "-0.0::DOUBLE", "NULL::DOUBLE", "999::DOUBLE"]),
        ("15.1", ["0.3::DOUBLE", "99999999999999.9::DOUBLE"]),
        ("38.38", ["0.12345678901234567890123456789012345678::DECIMAL(38,38)"]),
        ("text", ["'é'", "''", "'NA'", "NULL::VARCHAR"]),
        ("boolean", ["true", "NULL::BOOLEAN"]),
        ("wall", ["TIMESTAMP '2013-01-01 00:00:00.000001'", "TIMESTAMP '9999-12-31 23:59:59'"]),
        ("wall", ["'2013-01-01'::TIMESTAMP_MS"]),
        ("instant", ["TIMESTAMPTZ '2013-01-01 00:00:00+00'", "TIMESTAMPTZ '1000-01-01 00:00:00+00'"]),
    ],
)  # fmt: skip
def test_values_that_fit_are_taken(tmp_path: Path, form: str, good: list[str]) -> None:
    for place, value in enumerate(good):
        path = write(tmp_path / f"{place}.parquet", f"SELECT 1::INTEGER AS id, {value} AS x, [1] AS other")
        staged = stage(tmp_path, declare(id="1.0", x=form), path)
        assert ("parquet", ("id", "x"), 1) == (staged.format, staged.header, staged.digest.rows)


@pytest.mark.parametrize(
    ("form", "bad"),
    [
        ("3.0", ["1000", "-1000::BIGINT", "18446744073709551615::UBIGINT", "1000::DECIMAL(5,0)"]),
        ("5.2", ["1000", "1000::DECIMAL(38,0)", "-1000.01::DECIMAL(18,2)"]),
        ("2.2", ["1", "-1::TINYINT"]),
        ("5.2", ["0.101::DOUBLE", "1000::DOUBLE", "1.005::DOUBLE", "'nan'::DOUBLE", "'-inf'::DOUBLE", "1e300::DOUBLE"]),
        ("15.1", ["(0.1::DOUBLE + 0.2::DOUBLE)", "999999999999999::DOUBLE"]),
        ("text", ["'a' || chr(0)"]),
        ("wall", ["'infinity'::TIMESTAMP", "TIMESTAMP '0999-12-31 23:59:59'", "TIMESTAMP '10000-01-01 00:00:00'"]),
        ("instant", ["'-infinity'::TIMESTAMPTZ", "TIMESTAMPTZ '10000-01-01 00:00:00+00'"]),
    ],
)
def test_values_that_a_cast_would_change_are_refused_by_column_count_and_place(
    tmp_path: Path, form: str, bad: list[str]
) -> None:
    for place, value in enumerate(bad):
        select = f"SELECT unnest([1, 2, 3]) AS id, unnest([NULL, {value}, {value}]) AS x"
        error = refusal(tmp_path, declare(id="1.0", x=form), write(tmp_path / f"{place}.parquet", select))
        assert ("records-malformed-value", "x", 2) == (error.code, error.details["column"], error.details["count"])
        assert "record 2" in error.why


@pytest.mark.parametrize(
    ("form", "stored"),
    [
        ("text", ["1", "true", "'x'::BLOB", "DATE '2013-01-01'", "uuid()", "['x']", "{'a': 'x'}", "NULL"]),
        ("boolean", ["1", "'true'", "0.5::DOUBLE"]),
        ("9.2", ["'1'", "true", "1::HUGEINT * 0.5::FLOAT", "0.5::FLOAT", "1.005::DECIMAL(9,3)", "TIME '10:00:00'"]),
        ("16.2", ["0.5::DOUBLE"]),
        ("wall", ["DATE '2013-01-01'", "'2013-01-01T00:00:00'", "TIMESTAMPTZ '2013-01-01 00:00:00+00'", "1"]),
        ("wall", ["'2013-01-01'::TIMESTAMP_NS"]),
        ("instant", ["TIMESTAMP '2013-01-01 00:00:00'", "'2013-01-01'::TIMESTAMP_NS", "1"]),
    ],
)  # fmt: skip
def test_types_that_cannot_be_taken_over_exactly_are_refused(tmp_path: Path, form: str, stored: list[str]) -> None:
    for place, value in enumerate(stored):
        path = write(tmp_path / f"{place}.parquet", f"SELECT 1 AS id, {value} AS x")
        error = refusal(tmp_path, declare(id="1.0", x=form), path)
        assert "records-parquet-type" == error.code
        assert "'x'" in error.why


@SLOW
@example(Decimal("0.01"), 2)
@given(st.decimals("-9999999999999", "9999999999999", places=2, allow_nan=False), st.integers(0, 4))
def test_a_double_is_taken_only_if_it_is_a_decimal_of_the_scale(tmp_path: Path, value: Decimal, scale: int) -> None:
    path = write(tmp_path / f"{len(list(tmp_path.iterdir()))}.parquet", f"SELECT 1 AS id, {value}::DOUBLE AS x")
    fits = value == round(value, scale) and abs(value) < Decimal(10) ** (15 - scale)
    source = declare(id="1.0", x=f"15.{scale}")
    if fits:
        assert 1 == stage(tmp_path, source, path).digest.rows
    else:
        assert "records-malformed-value" == refusal(tmp_path, source, path).code


def test_digests_rows_and_places_of_several_files(tmp_path: Path) -> None:
    sizes = {"b": 2, "a": 3}
    paths = [write(tmp_path / f"{name}.parquet", f"SELECT unnest(range({n})) AS id") for name, n in sizes.items()]
    staged = stage(tmp_path, declare(id="3.0"), *paths)
    assert [("a.parquet", 3), ("b.parquet", 2)] == [(each.name, each.rows) for each in staged.digest.files]
    digests = sorted(hashlib.sha256(path.read_bytes()).digest() for path in paths)
    assert hashlib.sha256(b"".join(digests)).digest() == staged.digest.sha256
    assert "record 2 of b.parquet" == staged.place_of(4)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(paths[1], "a.parquet")
    assert staged.digest == stage(tmp_path, declare(id="3.0"), paths[0], tmp_path / "a.zip").digest


def test_files_of_one_source_have_the_same_types(tmp_path: Path) -> None:
    first = write(tmp_path / "a.parquet", "SELECT 1::INTEGER AS id")
    other = write(tmp_path / "b.parquet", "SELECT 1.5::DECIMAL(3,1) AS id")
    error = refusal(tmp_path, declare(id="5.1"), first, other)
    assert "records-parquet-type" == error.code
    assert "b.parquet" in error.why


def test_files_with_other_columns_besides_are_a_finding(tmp_path: Path) -> None:
    first, second = (write(tmp_path / f"{place}.parquet", f"SELECT 1 AS id, 2 AS x{more}")
                     for place, more in enumerate(("", ", 3 AS z")))  # fmt: skip
    [finding] = stage(tmp_path, declare(id="1.0", x="1.0"), first, second).findings
    assert ("records-columns-differ", 2) == (finding.code, finding.count)
    assert () == stage(tmp_path, declare(id="1.0", x="1.0"), second).findings


def test_from_names_the_column_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", 'SELECT 1 AS "Order ""No"""')
    columns = {"id": {"type": "decimal", "digits": "3", "from": 'Order "No"'}}
    source = RecordSource.model_validate({"format": "parquet", "columns": columns, "key": ["id"]})
    assert 1 == stage(tmp_path, source, path).digest.rows
    path = write(tmp_path / "b.parquet", "SELECT 1 AS id, 2 AS nested")
    error = refusal(tmp_path, declare(id="3.0", nestd="3.0"), path)
    assert ("records-lack-column", "Did you mean 'nested'?") == (error.code, error.fix)


def test_names_that_engines_expand_are_only_names(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.parquet", "b.parquet"):
        write(folder / name, "SELECT 1 AS id")
    (folder / "a.parquet").rename(folder / "*.parquet")
    assert 1 == stage(tmp_path, declare(id="3.0"), folder / "*.parquet").digest.rows


def test_a_change_while_it_is_measured_is_noticed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", "SELECT 1 AS id")
    source = declare(id="3.0")
    staged = stage(tmp_path, source, path)
    staged.check_unchanged()
    os.utime(path, ns=(1, 1))
    with pytest.raises(EvidenceError, match="records-changed"):
        staged.check_unchanged()
    staged = stage(tmp_path, source, path)
    state = path.stat()
    other = tmp_path / "other.parquet"
    other.write_bytes(path.read_bytes())
    os.utime(other, ns=(state.st_atime_ns, state.st_mtime_ns))
    other.replace(path)
    with pytest.raises(EvidenceError, match="records-changed"):
        staged.check_unchanged()
    staged = stage(tmp_path, source, path)
    path.unlink()
    with pytest.raises(EvidenceError, match="records-changed"):
        staged.check_unchanged()


def test_what_is_no_parquet_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    good = write(tmp_path / "good.parquet", "SELECT range AS id, 'x' AS t FROM range(9)").read_bytes()
    for data in (b"", b"PAR1", b"id\n1\n", good[:-1], good[: len(good) // 2], b"PAR1" + good[-40:]):
        path.write_bytes(data)
        assert "records-malformed-parquet" == refusal(tmp_path, declare(id="3.0", t="text"), path).code
    assert "records-unreadable" == refusal(tmp_path, declare(id="3.0"), tmp_path / "absent.parquet").code


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_damaged_file_is_read_or_refused_but_never_more(tmp_path: Path, place: int, change: int) -> None:
    good = tmp_path / "good.parquet"
    if not good.exists():
        write(good, "SELECT range AS id, 'x' || range AS t, range * 0.25::DOUBLE AS d FROM range(99)")
    data = bytearray(good.read_bytes())
    data[place % len(data)] ^= change
    path = tmp_path / "bad.parquet"
    path.write_bytes(data)
    try:
        staged = stage(tmp_path, declare(id="3.0", t="text", d="9.2"), path)
    except EvidenceError as error:
        assert error.code.startswith("records-")  # noqa: PT017 - damage may also lie where nothing reads
    else:
        assert hashlib.sha256(good.read_bytes()).digest() != staged.digest.sha256


def load(tmp_path: Path, source: RecordSource, path: Path, *queries: str) -> list[list[tuple[object, ...]]]:
    """What the engine answers over the typed records."""
    staged = stage(tmp_path, source, path)
    types = {
        name: ColumnType(Kind(column.type), column.digits or 0, column.scale) for name, column in source.columns.items()
    }
    columns = {name: f"c_{name}" for name in types}
    plan = SourcePlan("raw", source, "r_raw", types, columns, tuple(source.key), source.null_words, ())
    with open_engine(staged.files, tmp_path) as engine:
        engine.load(plan, staged)
        return [engine.rows(query) for query in queries]


def test_the_engine_has_the_declared_types_and_empty_texts_and_null_words_are_missing(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.parquet",
        "SELECT unnest([1::TINYINT, 2, 3]) AS id, unnest(['NA', '', 'x']) AS t, "
        "unnest([0.1::DOUBLE, NULL, -2.5]) AS d, TIMESTAMPTZ '2013-01-01 05:00:00.5+00' AS i",
    )
    source = declare(id="3.0", t="text", d="9.2", i="instant").model_copy(update={"null_words": ("NA",)})
    [rows, [types]] = load(
        tmp_path,
        source,
        path,
        "SELECT position, c_t, CAST(c_d AS VARCHAR), CAST(c_i AS VARCHAR) FROM r_raw ORDER BY position",
        "SELECT typeof(c_id), typeof(c_t), typeof(c_d), typeof(c_i) FROM r_raw LIMIT 1",
    )
    at = "2013-01-01 05:00:00.5+00"
    assert [(0, None, "0.10", at), (1, None, None, at), (2, "x", "-2.50", at)] == rows
    assert ("DECIMAL(3,0)", "VARCHAR", "DECIMAL(9,2)", "TIMESTAMP WITH TIME ZONE") == types


def test_statistics_of_a_file_are_not_believed(tmp_path: Path) -> None:
    data = write(tmp_path / "good.parquet", "SELECT range AS id FROM range(99)").read_bytes()
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    # The greatest value, 98, becomes 40 in the statistics; the values stay.
    path = tmp_path / "lying.parquet"
    path.write_bytes(data[:footer] + data[footer:].replace((98).to_bytes(8, "little"), (40).to_bytes(8, "little")))
    queries = (
        "SELECT count(*) FROM {} WHERE {} >= 50",
        "SELECT count(*) FILTER (WHERE {1} >= 50) FROM {0}",
        "SELECT CAST(max({1}) AS INTEGER) FROM {0}",
    )
    with duckdb.connect() as believing:
        believed = [believing.execute(query.format(f"'{path}'", "id")).fetchall() for query in queries]
    assert [[(0,)], [(49,)], [(40,)]] == believed
    found = load(tmp_path, declare(id="2.0"), path, *(query.format("r_raw", "c_id") for query in queries))
    assert [[(49,)], [(49,)], [(98,)]] == found


def test_a_change_while_it_is_checked_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.parquet", "SELECT 1 AS id")

    def opened(*arguments: object) -> object:
        path.write_bytes(path.read_bytes())
        return open_engine(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("pyoutcome.evidence.sources.parquet.open_engine", opened)
    assert "records-changed" == refusal(tmp_path, declare(id="3.0"), path).code
