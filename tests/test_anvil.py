"""The node that tests start is gone afterwards, with everything it wrote."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from tests.anvil import connected, running_anvil


def test_a_node_that_is_killed_leaves_no_states_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    for folder in (home, temporary):
        folder.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with running_anvil() as url, connected(url) as line:
        for _ in range(600):
            line.ask("evm_mine")
        assert list(temporary.rglob("anvil-state*")), "it wrote nothing, so nothing is shown"
    assert [] == list(temporary.iterdir())
    assert [] == list(home.rglob("anvil*"))
