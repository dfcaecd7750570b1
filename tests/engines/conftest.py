"""The engines this run has: DuckDB always, others as PYOUTCOME_ENGINES names them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from pyoutcome.evidence.engines.engine import Engine, Limits
from pyoutcome.evidence.engines.opening import open_engine
from pyoutcome.evidence.measures.columns import ColumnType
from pyoutcome.evidence.measures.plan import SourcePlan
from pyoutcome.evidence.sources.records import stage_records
from pyoutcome.terms.measures import Column, RecordSource

ENGINES = os.environ.get("PYOUTCOME_ENGINES", "duckdb").split()
"""Names as the option ``--engine`` takes them."""

Load = Callable[..., AbstractContextManager[Engine]]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that asks for an engine runs on each."""
    if "engine_name" in metafunc.fixturenames:
        called = [name.partition(":")[0] for name in ENGINES]
        metafunc.parametrize("engine_name", ENGINES, ids=called, scope="session")


def declare(type_: ColumnType) -> Column:
    digits = {"digits": str(type_.digits), "scale": str(type_.scale)} if type_.digits else {}
    return Column.model_validate({"type": type_.kind.value, **digits})


def plan_of(types: dict[str, ColumnType], null_words: tuple[str, ...] = (), table: str = "r_raw") -> SourcePlan:
    declared = {name: declare(type_) for name, type_ in types.items()}
    source = RecordSource(format="csv", columns=declared, key=(next(iter(types)),), null_words=null_words)
    columns = {name: f"c_{name}" for name in types}
    return SourcePlan("raw", source, table, types, columns, (next(iter(types)),), null_words, ())


@contextmanager
def loaded(
    engine_name: str, folder: Path, plan: SourcePlan, data: bytes, limits: Limits | None = None
) -> Iterator[Engine]:
    """An engine that holds one CSV file of records."""
    origin, copy = folder / "in.csv", folder / "copy"
    origin.write_bytes(data)
    copy.mkdir()
    staged = stage_records("raw", origin, copy)
    with open_engine(staged.files, folder, limits, engine_name) as engine:
        engine.load(plan, staged)
        yield engine
