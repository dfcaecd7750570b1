"""``scripts/bench`` compares what pays the same, says what it found, and fails when a limit is broken."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from pyoutcome.decimals import ONE
from pyoutcome.evidence import Recomputation, make_bundle, verify
from pyoutcome.evidence.engines.duckdb import DuckDB
from pyoutcome.formula import evaluate, start_state
from tests.bench import __main__ as bench
from tests.bench import load, measuring
from tests.bench.by_hand import BY_HAND, ByHand
from tests.bench.figures import LIMITS, Figure, draw
from tests.corpus.published import load_agreement
from tests.evidence.deal import KEYS


@pytest.mark.parametrize("hand", BY_HAND, ids=lambda hand: hand.name)
def test_code_by_hand_pays_what_the_agreement_pays(hand: ByHand) -> None:
    rule = load_agreement(hand.name).rule()
    rows = list(zip(*draw(rule, 20 * hand.periods), strict=True))
    for at in range(0, len(rows), hand.periods):
        state, left, many = start_state(rule), hand.start, None
        for period, values in enumerate(rows[at : at + hand.periods], 1):
            outcome = evaluate(rule, values, None, period, state)
            state = outcome.state or state
            amount, left = hand.exact(values, left)
            assert outcome.amounts[0] == amount
            paid, many = hand.arrays([np.array([value / ONE]) for value in values], many)
            assert pytest.approx(outcome.amounts[0] / ONE, rel=1e-9, abs=1e-6) == paid[0]


@pytest.mark.parametrize(("value", "status"), [(6, 0), (6.01, 1)])
def test_the_exit_status_says_whether_all_limits_hold(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: float, status: int
) -> None:
    figures = [Figure("evaluate_scalar", value, "somewhere", 2.0), Figure("code_ms", 1000, "no limit")]
    monkeypatch.setattr(bench, "measure", lambda: (list(figures), {"somewhere": (value, 1.0)}))
    monkeypatch.setattr(bench, "compare", lambda _: {"measure_time": 1.1})
    assert status == bench.main(["--json"])
    found = json.loads(capsys.readouterr().out)
    assert {"evaluate_scalar": value, "code_ms": 1000, "measure_time": 1.1}.items() <= found.items()
    for form in ([], ["--markdown"]):
        assert status == bench.main(form)
        assert "evaluate_scalar" in capsys.readouterr().out


def test_every_figure_asked_for_has_its_limit() -> None:
    assert {"evaluate_scalar": 6, "evaluate_vector": 3, "analyse_ms": 50}.items() <= LIMITS.items()
    assert {"measure_time": 1.2, "measure_memory": 1.5, "verify_time": 1}.items() <= LIMITS.items()
    assert (60, 200) == (LIMITS["program_bytes"], LIMITS["program_bytes_most"])


def test_the_query_by_hand_finds_what_the_agreement_measures(tmp_path: Path) -> None:
    path = measuring.make_flights(tmp_path / "flights.parquet", 40_000)
    counts, copies, *groups = measuring.by_hand(path)
    assert (0, 0) == (counts[1], copies[0])
    on_time = {(month, carrier): n for month, carrier, _, n, _, tied in groups if not tied}
    late95 = {(month, carrier): n for month, carrier, _, _, n, _ in groups}
    found = measuring.by_agreement(path)
    for place, (name, value) in enumerate(found):
        kpi, carrier = name.split(".")
        month = place // (len(found) // 12) + 1
        expected = (on_time if kpi == "on_time" else late95).get((month, carrier), 0)
        assert int(expected or 0) == value, (name, month)


def test_verifying_asks_the_engine_what_measuring_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # scripts/bench takes the time of reading for both sides together, so it must be the same reading.
    path = measuring.make_flights(tmp_path / "flights.parquet", 40_000)
    agreement = measuring.read_agreement()
    asked: list[str] = []
    answer = DuckDB.answer
    folder = re.compile(r"pyoutcome-\w+")

    def note(engine: DuckDB, sql: str) -> list[tuple[object, ...]]:
        asked.append(folder.sub("", sql))
        return answer(engine, sql)

    monkeypatch.setattr(DuckDB, "answer", note)
    own = Recomputation.read(agreement, {"flights": path})
    bundles = [make_bundle(agreement, own.measured(1), name, KEYS["UA"]) for name in agreement.providers]
    measured = list(asked)
    asked.clear()
    assert verify(agreement, bundles, {"flights": path}).values
    assert measured == asked
    assert len(measured) > 5


def test_a_small_load_settles_every_period_of_every_agreement() -> None:
    found = load.measure(agreements=4, periods=2)
    assert (8, 0) == (found.settlements, found.differences)
    assert all(value > 0 for name, value in asdict(found).items() if name != "differences"), found
