"""What a keeper takes is measured on keepers that settle, on a small scale."""

from __future__ import annotations

from dataclasses import asdict

from tests.bench.keeping import measure


def test_keepers_settle_and_tell_what_they_took() -> None:
    found = measure(few=1, many=2, steady=1, periods=2)
    assert all(value > 0 for value in asdict(found).values()), found
    assert found.memory_few_mb < 500
    assert 0.8 < found.memory_growth < 1.25
    # Less than one question to the node for each settlement would mean that nothing was counted.
    assert 5 < found.keeper_calls < 100
