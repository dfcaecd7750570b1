"""Keepers as processes: four parties who share nothing but files, and one that is killed again and again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyoutcome.protocol.events import Settled
from pyoutcome.workspace import Workspace
from tests.anvil import running_anvil
from tests.service.deals import ENDS, make_deal, write_keeper
from tests.service.processes import log_of, start, stop, wait_for

PARTIES = ("client", "P1", "V1", "V2")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running_anvil() as address:
        yield address


def settled(workspace: Workspace) -> list[int]:
    """The periods for which the chain says that they settled, as often as it says so."""
    return sorted(each.event.period for each in workspace.desk.escrow.history() if isinstance(each.event, Settled))


def test_four_parties_with_keys_and_records_of_their_own_settle_the_term(tmp_path: Path, url: str) -> None:
    client = make_deal(tmp_path / "client", url, name="four")
    for party in PARTIES[1:]:
        shutil.copytree(tmp_path / "client", tmp_path / party)
    inbox = {party: str(tmp_path / party / "inbox" / "four") for party in PARTIES}
    to = {"P1": ("V1", "V2", "client"), "V1": ("client",), "V2": ("client",), "client": ()}
    configs = {
        party: write_keeper(
            tmp_path / party,
            {
                "inbox": "inbox",
                "poll": "1 second",
                "look_again": "5 seconds",
                "agreements": {
                    "four": {
                        "workspace": ".",
                        "as": [party],
                        **({"pays": "client", "close": True} if party == "client" else {}),
                        "exchange": [{"to": inbox[taker]} for taker in to[party]],
                    }
                },
            },
        )
        for party in PARTIES
    }
    keepers = {party: start(config) for party, config in configs.items()}
    try:
        for number, end in enumerate(ENDS, 1):
            client.network.advance_to(end)
            wait_for(lambda number=number: number in settled(client), f"period {number}")
        client.network.advance_to(client.desk.deal.arguments.holdback_release)
        wait_for(lambda: client.status().stage == "closed", "the closing")
        assert [0] * 4 == [stop(keeper) for keeper in keepers.values()]
    finally:
        for keeper in keepers.values():
            keeper.kill()
            keeper.wait()
    assert [1, 2, 3, 4] == settled(client)
    audit = client.audit()
    assert (4, 0) == (audit.settled, audit.differences)
    handed_in = {
        party: sum(line["event"] == "handed-in" for line in log_of(config)) for party, config in configs.items()
    }
    assert {"client": 5, "P1": 0, "V1": 0, "V2": 0} == handed_in
    client.close()


def test_killed_at_random_instants_every_period_settles_exactly_once(tmp_path: Path, url: str) -> None:
    """Ten kills over three agreements of four periods each; scripts/chaos does the same for longer."""
    from tests.service.chaos import chaos

    counts = chaos(tmp_path, url, agreements=3, periods=4, kills=10, seed=7)
    assert (12, 12, 0) == (counts.settled, counts.periods, counts.differences)
    assert 10 == counts.kills
