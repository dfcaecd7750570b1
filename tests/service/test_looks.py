"""What a look costs: questions to the node, and readings of the records."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest

from pyoutcome.chain.jsonrpc import Node
from pyoutcome.evidence.recomputation import Recomputation
from tests.service.deals import ENDS, make_deal, write_keeper
from tests.service.keeping import keep, needs

MOST: Final = 80
"""Questions for one settlement, with those that a keeper asks of the chain when it starts and ends."""


def test_a_settlement_takes_few_questions_and_two_readings(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    duties = {"workspace": "deal", "as": ["P1", "V1", "V2"], "pays": "client"}
    config = write_keeper(tmp_path, {"agreements": {"parcels": duties}, "poll": "1 second"})
    asked: Counter[str] = Counter()
    readings: list[object] = []
    post, read = Node._post, Recomputation.read

    def count(node: Node, question: Any) -> bytes:
        for one in question if isinstance(question, list) else [question]:
            asked[one["method"]] += 1
        return post(node, question)

    def note(*arguments: Any, **named: Any) -> Recomputation:
        readings.append(arguments)
        return read(*arguments, **named)

    with make_deal(tmp_path / "deal", url, periods=3) as deal:
        keep(config)
        deal.network.advance_to(ENDS[0])
        monkeypatch.setattr(Node, "_post", count)
        monkeypatch.setattr(Recomputation, "read", note)
        keep(config)
        monkeypatch.undo()
        assert ["nothing", "period-end", "period-end"] == needs(config)
    # One for the provider's measuring, one with which both verifiers recompute it.
    assert 2 == len(readings)
    assert asked.total() < MOST, asked
