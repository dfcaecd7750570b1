"""Where records are counted, and where they lie, as a command says it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pyoutcome.cli.options import read_records
from pyoutcome.errors import WorkspaceError
from pyoutcome.evidence.recomputation import Recomputation
from pyoutcome.settlement.progress import silent
from pyoutcome.workspace.evidencing import Readings, records_of


def desk(folder: Path, format_: str = "csv") -> Any:
    files = SimpleNamespace(records=folder, name=str)
    source = SimpleNamespace(format=format_)
    return SimpleNamespace(agreement=SimpleNamespace(records={"flights": source}, digest=lambda: b""), files=files)


def test_every_reading_is_made_on_the_engine_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(Recomputation, "read", lambda _agreement, records, **options: told.append((records, options)))
    Readings(silent, "spark").of(desk(tmp_path), "UA", {"flights": ["a.csv", "b.csv"]})
    assert [({"flights": ["a.csv", "b.csv"]}, {"engine": "spark"})] == told


def test_records_named_are_taken_as_they_are_and_others_from_the_workspace(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="records-missing"):
        records_of(desk(tmp_path))
    (tmp_path / "flights.csv").write_text("a\n")
    assert {"flights": tmp_path / "flights.csv"} == records_of(desk(tmp_path))
    assert {"flights": ["public.flights"]} == records_of(desk(tmp_path, "table"), {"flights": ["public.flights"]})


def test_a_table_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="records-missing") as caught:
        records_of(desk(tmp_path, "table"))
    assert "--engine" in caught.value.fix


def test_one_name_may_have_several_places() -> None:
    assert {"a": ["x.csv", "y=z.csv"], "b": ["public.t"]} == read_records(["a=x.csv", "b=public.t", "a=y=z.csv"])


@pytest.mark.parametrize("given", ["", "a", "a=", "=x"])
def test_what_names_no_records_is_refused(given: str) -> None:
    with pytest.raises(WorkspaceError, match="bad-records-option"):
        read_records([given])
