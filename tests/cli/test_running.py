"""`run` and `status --config`: the keeper from the command line, and what it remembers."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_commands import run
from tests.service.deals import ENDS, make_deal, write_keeper


@pytest.fixture(autouse=True)
def untouched_log() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    duties = {"workspace": "deal", "as": ["P1", "V1", "V2"], "pays": "client"}
    return write_keeper(tmp_path, {"agreements": {"parcels": duties}})


def test_a_period_settles_and_status_says_so(tmp_path: Path, config: Path) -> None:
    with make_deal(tmp_path / "deal", "embedded", periods=2) as deal:
        deal.network.advance_to(ENDS[0])
    status, _, log = run(["run", "--config", str(config), "--once", "--json"])
    assert 0 == status
    events = [json.loads(line)["event"] for line in log.splitlines()]
    assert ["started", "agreement-taken-in"] == events[:2]
    assert "stopped" == events[-1]
    status, out, _ = run(["status", "--config", str(config), "--json"])
    told = {each["period"]: each for each in json.loads(out)["periods"]}
    assert (("nothing", "done"), ("period-end", "waiting")) == tuple((told[n]["needs"], told[n]["how"]) for n in (1, 2))
    _, table, _ = run(["status", "--config", str(config)])
    assert "The period has not ended on the chain's clock." in table or "Not looked at yet." in table


def test_status_shows_a_failure_with_its_attempts_and_why(tmp_path: Path, config: Path) -> None:
    with make_deal(tmp_path / "deal", "embedded", periods=1) as deal:
        deal.network.advance_to(ENDS[0])
        (deal.files.records / "parcels.csv").write_text("parcel,courier,due\n", encoding="utf-8")
    run(["run", "--config", str(config), "--once", "--json"])
    _, out, _ = run(["status", "--config", str(config), "--json"])
    [period] = [each for each in json.loads(out)["periods"] if each["period"] == 1]
    assert ("failed 1x", "records-lack-column", 1) == (period["how"], period["error"]["code"], period["attempts"])
    _, table, _ = run(["status", "--config", str(config)])
    assert "records-lack-column" in table


def test_before_the_first_run_there_is_nothing_to_tell(config: Path) -> None:
    status, _, error = run(["status", "--config", str(config), "--json"])
    assert (1, "no-keeper-yet") == (status, json.loads(error)["error"]["code"])


def test_a_mistake_in_the_configuration_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "keeper.yaml"
    path.write_text("poll: 2 seconds\nagreement: {}\n", encoding="utf-8")
    status, _, error = run(["run", "--config", str(path), "--json"])
    told = json.loads(error)["error"]
    assert (1, "unknown-key", 2) == (status, told["code"], told["where"]["line"])
    assert "agreements" in told["fix"]
