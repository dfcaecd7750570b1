"""Keepers as processes: four parties who share nothing but files, and one that is killed again and again."""

from __future__ import annotations

import resource
import shutil
import time
from pathlib import Path

from pyoutcome.protocol.events import Settled
from pyoutcome.workspace import Workspace
from tests.anvil import running_anvil
from tests.service.chaos import run_chaos
from tests.service.counts import Plan
from tests.service.deals import ENDS, make_deal, write_keeper
from tests.service.processes import log_of, running, start, stop, wait_for

TAKERS = {"P1": ("V1", "V2", "client"), "V1": ("client",), "V2": ("client",), "client": ()}
"""Whose inbox a party's bundles and reports go to."""


def settled(workspace: Workspace) -> list[int]:
    """The periods for which the chain says that they settled, as often as it says so."""
    return sorted(each.event.period for each in workspace.desk.escrow.history() if isinstance(each.event, Settled))


def configure(folder: Path, party: str) -> Path:
    """A keeper of one party, in a folder that is its workspace too."""
    duties = {"pays": "client", "close": True} if party == "client" else {}
    targets = [{"to": str(folder / taker / "inbox" / "four")} for taker in TAKERS[party]]
    return write_keeper(
        folder / party,
        {
            "inbox": "inbox",
            "poll": "1 second",
            "look_again": "5 seconds",
            "agreements": {"four": {"workspace": ".", "as": [party], "exchange": targets, **duties}},
        },
    )


def test_four_parties_with_records_of_their_own_settle_by_files_alone(tmp_path: Path) -> None:
    with running_anvil() as url:
        client = make_deal(tmp_path / "client", url, name="four", periods=2)
        for party in ("P1", "V1", "V2"):
            shutil.copytree(tmp_path / "client", tmp_path / party)
        configs = {party: configure(tmp_path, party) for party in TAKERS}
        keepers = [start(config) for config in configs.values()]
        try:
            client.network.advance_to(ENDS[0])
            wait_for(lambda: settled(client) == [1], "the first period")
            client.network.advance_to(ENDS[1])
            wait_for(lambda: client.status().stage == "closed", "the closing")
            assert [0] * 4 == [stop(keeper) for keeper in keepers]
        finally:
            for keeper in keepers:
                keeper.kill()
                keeper.wait()
        assert [1, 2] == settled(client)
        audit = client.audit()
        assert (2, 0) == (audit.settled, audit.differences)
        acts = {
            party: sum(line["event"] == "handed-in" for line in log_of(config)) for party, config in configs.items()
        }
        assert {"client": 3, "P1": 0, "V1": 0, "V2": 0} == acts
        client.close()


def test_killed_at_random_instants_every_period_settles_exactly_once(tmp_path: Path) -> None:
    """Ten kills over three agreements of four periods each; scripts/chaos does the same for longer."""
    counts = run_chaos(tmp_path, Plan(agreements=3, periods=4, kills=10, seed=7, faults=("kills",)))
    assert counts.is_right, counts
    assert (10, 12, 12, 12) == (counts.kills, counts.periods, counts.settled, counts.transactions)


def test_a_full_disk_stops_nothing_for_good(tmp_path: Path) -> None:
    """No file may grow, as on a full disk, from before the month ends until somebody makes room."""
    with running_anvil() as url, make_deal(tmp_path / "deal", url, periods=1) as deal:
        duties = {"workspace": "deal", "as": ["P1", "V1", "V2"], "pays": "client"}
        config = write_keeper(tmp_path, {"agreements": {"parcels": duties}, "poll": "1 second"})
        with running(config) as keeper:
            wait_for(lambda: any(line["event"] == "look" for line in log_of(config)), "the first look")
            resource.prlimit(keeper.pid, resource.RLIMIT_FSIZE, (64, resource.RLIM_INFINITY))
            deal.network.advance_to(ENDS[0])
            time.sleep(5)
            assert [] == settled(deal)
            assert keeper.poll() is None
            resource.prlimit(keeper.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            wait_for(lambda: settled(deal) == [1], "the settlement after there was room again")
            assert 0 == stop(keeper)
        assert (1, 0) == (deal.audit().settled, deal.audit().differences)
