"""Whatever befalls a keeper, each period settles once: each fault by itself, and all at once for seconds.

scripts/chaos does the same for longer, with 300 kills.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from pyoutcome.chain import rpc
from pyoutcome.chain.jsonrpc import Node
from pyoutcome.chain.networks import connect
from pyoutcome.protocol.events import Settled
from pyoutcome.service.configuration import Setup
from pyoutcome.service.running import open_keeper
from pyoutcome.workspace import Workspace
from tests.anvil import connected
from tests.service.chaos import run_chaos
from tests.service.counts import Counts, Plan
from tests.service.deals import ENDS, make_deal, write_keeper
from tests.service.keeping import needs, password
from tests.service.ledgers import count_book_differences, count_index_differences
from tests.service.processes import wait_for
from tests.service.proxy import BadLine, Fault, bad_line
from tests.service.weather import Reorganisations

POSTGRESQL = os.environ.get("PYOUTCOME_POSTGRESQL")
DATABASES = ("keeper.sqlite", POSTGRESQL) if POSTGRESQL else ("keeper.sqlite",)
DUTIES = {"workspace": "deal", "as": ["client", "P1", "V1", "V2"], "pays": "client"}


@pytest.fixture
def line(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[BadLine]:
    """A line to a node; whoever uses it waits half a second for an answer."""
    monkeypatch.setattr(rpc, "Node", partial(Node, seconds=0.5))
    with bad_line(url, random.Random(1)) as made:
        made.late = 1.0
        yield made


def settled(deal: Workspace) -> list[int]:
    return [each.event.period for each in deal.desk.escrow.history() if isinstance(each.event, Settled)]


@pytest.mark.parametrize("fault", list(Fault))
def test_a_transaction_lands_once_whatever_becomes_of_the_request_and_the_answer(
    tmp_path: Path, url: str, line: BadLine, fault: Fault
) -> None:
    """Every request that hands it in meets the fault, until the line is good again."""
    make_deal(tmp_path / "deal", line.url, periods=1).close()
    config = write_keeper(tmp_path, {"agreements": {"parcels": DUTIES}, "poll": "1 second"})
    with connect(url, tmp_path) as network, Workspace.open(tmp_path / "deal", network=network) as deal:
        payer = deal.parties.addresses["client"]
        before = network.nonce(payer)
        network.advance_to(ENDS[0])
        with open_keeper(Setup.load(config), password) as (keeper, _):
            line.faults, line.methods, line.rate = (fault,), ("eth_sendRawTransaction",), 1.0
            for _ in range(2):
                keeper.round()
            assert line.counts[fault]
            line.rate = 0.0
            wait_for(lambda: keeper.round() is not None and needs(config) == ["nothing"], "the settlement", 30)
        assert ([1], before + 1) == (settled(deal), network.nonce(payer))
        assert (1, 0) == (deal.audit().settled, deal.audit().differences)


@pytest.mark.parametrize("confirmations", [0, 2])
def test_what_reorganisations_take_back_lands_again_and_the_books_follow(
    tmp_path: Path, url: str, confirmations: int
) -> None:
    given = {"agreements": {"parcels": DUTIES}, "confirmations": confirmations, "poll": "1 second"}
    config = write_keeper(tmp_path, given)
    with (
        make_deal(tmp_path / "deal", url, periods=3) as deal,
        connected(url) as node,
        open_keeper(Setup.load(config), password) as (keeper, _),
    ):
        node.ask("anvil_mine", "0x8")
        weather = Reorganisations(node, deal.network, random.Random(2))
        for end in ENDS[:3]:
            deal.network.advance_to(end)
            for depth in (1, 2, 3):
                keeper.round()
                weather.reorganise(depth)
                deal.network.advance_to(max(end, deal.network.now()))

        def is_over() -> bool:
            keeper.round()
            node.ask("evm_mine")
            return needs(config) == ["nothing"] * 3

        wait_for(is_over, "the settlements", 30)
        assert weather.counts["transaction taken back"]
        assert [1, 2, 3] == sorted(settled(deal))
        assert (3, 0) == (deal.audit().settled, deal.audit().differences)
        assert (0, 0) == (
            count_index_differences(tmp_path / "keeper.sqlite", [deal]),
            count_book_differences(tmp_path / "keeper.sqlite", [deal]),
        )


def require_right(counts: Counts) -> None:
    assert counts.is_right, counts
    assert counts.transactions >= counts.settled


def test_everything_at_once(tmp_path: Path) -> None:
    counts = run_chaos(tmp_path, Plan(agreements=2, periods=2, kills=4, seed=1))
    require_right(counts)
    assert 4 == counts.settled
    assert counts.faults["evidence sent"] == 2 + 2 * 4


@pytest.mark.parametrize("database", DATABASES)
def test_two_keepers_share_a_database_and_a_bad_line(tmp_path: Path, database: str) -> None:
    plan = Plan(agreements=2, periods=1, kills=3, seed=2, keepers=2, database=database, faults=("kills", "rpc"))
    require_right(run_chaos(tmp_path, plan))
