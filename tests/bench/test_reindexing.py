"""The measurement of indexing and auditing does what it says, on a small scale."""

from __future__ import annotations

from pathlib import Path

from tests.bench.load import VALUES, playing
from tests.bench.reindexing import reindex


def test_every_settlement_is_audited_and_a_wrong_one_shows(tmp_path: Path) -> None:
    with playing(3, 2) as field:
        found = reindex(field.network, field.running, {1: VALUES, 2: VALUES}, tmp_path / "index.sqlite")
        other = reindex(field.network, field.running, {1: VALUES, 2: (8 * 10**17,)}, tmp_path / "other.sqlite")
    assert (6, 0) == (found.settlements, found.differences)
    # Of each agreement's second period the value and the amount.
    assert (6, 3 * 2) == (other.settlements, other.differences)
