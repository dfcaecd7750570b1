"""The demo's tables, and what it refuses before it makes anything."""

from __future__ import annotations

import json
from itertools import chain, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from pyoutcome.cli.app import app
from pyoutcome.cli.telling import _split


@given(st.dictionaries(st.text("abc", min_size=1, max_size=5), st.integers(1, 40), max_size=12), st.integers(0, 90))
def test_columns_keep_their_order_and_each_table_fits(widths: dict[str, int], room: int) -> None:
    groups = _split(list(widths), widths, room)
    assert list(widths) == list(chain(*groups))
    for group in groups:
        assert len(group) == 1 or sum(widths[name] + 2 for name in group) <= room
    for group, following in pairwise(groups):
        # No table breaks off while the next column would have fitted.
        assert sum(widths[name] + 2 for name in (*group, following[0])) > room


def test_an_unknown_example_is_refused_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["demo", "logistic", "--json"])
    assert (1, "no-such-agreement") == (result.exit_code, json.loads(result.stderr)["error"]["code"])
    assert [] == list(tmp_path.iterdir())


def test_a_workspace_of_a_ready_agreement_has_its_records(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["init", str(tmp_path / "deal"), "--agreement", "logistics", "--json"])
    assert (0, "logistics") == (result.exit_code, json.loads(result.stdout)["agreement"])
    assert "backup-SOUTH" in json.loads(result.stdout)["parties"]
    assert (tmp_path / "deal" / "records" / "parcels.csv").is_file()
