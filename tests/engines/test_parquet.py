"""Parquet on every engine: read where it lies, typed as declared, numbered from file to file."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from sqlglot import exp

from pyoutcome.evidence.engines.opening import open_engine
from pyoutcome.evidence.measures.columns import TEXT
from pyoutcome.evidence.measures.conditions import Column, Constant, SecondsBetween
from pyoutcome.evidence.sources.records import stage_records
from pyoutcome.terms.measures import RecordSource
from tests.engines.conftest import declare, plan_of
from tests.engines.trees import BOOLEAN, INSTANT, SECONDS, WALL, decimal

TYPES = {
    "id": decimal(6), "n": decimal(9, 3), "d": decimal(8, 2), "name": TEXT, "at": INSTANT, "local": WALL,
    "done": BOOLEAN,
}  # fmt: skip
FIRST = """
SELECT * FROM (VALUES
    (1::INTEGER, 1.5::DECIMAL(5,2), 0.1::DOUBLE, 'UA', TIMESTAMPTZ '2013-01-01 00:00:00.000001+00',
     TIMESTAMP '1000-01-01 00:00:00', true),
    (2, -999.99, -123456.78, '', TIMESTAMPTZ '1582-10-10 12:00:00+00', TIMESTAMP '9999-12-31 23:59:59.999999', false),
    (3, NULL, NULL, NULL, NULL, NULL, NULL)) AS t(id, n, d, name, "at", local, done)
"""
SECOND = """
SELECT 4::INTEGER AS id, 0::DECIMAL(5,2) AS n, 1e5::DOUBLE AS d, 'NA' AS name,
    TIMESTAMPTZ '1969-12-31 23:59:59+00' AS "at", TIMESTAMP '2013-03-31 02:30:00' AS local, true AS done
"""
EXPECTED = [
    (0, "1", "1.5", "0.1", "UA", "1356998400.000001", "-30610224000", True),
    (1, "2", "-999.99", "-123456.78", None, "-12219681600", "253402300799.999999", False),
    (2, "3", None, None, None, None, None, None),
    (3, "4", "0", "100000", None, "-1", "1364697000", True),
]


def shown(cell: object) -> object:
    """Decimals as short as they can be."""
    if not isinstance(cell, Decimal):
        return cell
    text = f"{cell:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    made = []
    # The second folder would be read as a partition by programs that guess.
    for place, (folder, sql) in enumerate((("one", FIRST), ("id=7", SECOND))):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / f"part-{place}.parquet"
        with duckdb.connect() as connection:
            connection.execute(f"COPY ({sql}) TO '{path}' (FORMAT parquet)")
        made.append(str(path))
    return made


def test_values_and_places_are_those_of_the_files(engine_name: str, files: list[str], tmp_path: Path) -> None:
    columns = {name: declare(type_) for name, type_ in TYPES.items()}
    source = RecordSource(format="parquet", columns=columns, key=("id",), null_words=("NA",))
    folder = tmp_path / "staged"
    folder.mkdir()
    staged = stage_records("raw", files, folder, source)
    plan = plan_of(TYPES, ("NA",))
    epoch = {"at": Constant("1970-01-01T00:00:00Z", INSTANT), "local": Constant("1970-01-01T00:00:00", WALL)}
    with open_engine(staged.files, folder, None, engine_name) as engine:
        assert staged == engine.load(plan, staged)
        read = [
            exp.alias_(
                engine.dialect.lower(
                    SecondsBetween(epoch[name], Column(name, type_), SECONDS) if name in epoch else Column(name, type_),
                    plan.columns,
                ),
                f"e_{name}",
            )
            for name, type_ in TYPES.items()
        ]
        rows = engine.rows(exp.select("position", *read).from_("r_raw").order_by("position"))
    assert EXPECTED == [tuple(map(shown, row)) for row in rows]
    staged.check_unchanged()
