"""The same story on the embedded chain and on a node, and between parties who share nothing but files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pyoutcome.chain import keys
from pyoutcome.chain.factory import deploy_factory
from pyoutcome.chain.jsonrpc import Node
from pyoutcome.chain.keys import derive_test_accounts
from pyoutcome.chain.networks import connect
from pyoutcome.chain.tokens import deploy_test_token
from pyoutcome.errors import ChainError, WorkspaceError
from pyoutcome.settlement.plan import Need
from pyoutcome.workspace import Intent, Workspace
from tests.anvil import running_anvil
from tests.workspace.conftest import AGREEMENT, AIRLINES

JANUARY_END = 1_359_694_800
PARTIES = ("client", *AIRLINES, "V1", "V2", "V3", "arbitrator")


def test_the_year_settles_on_a_node_as_it_does_embedded(tmp_path: Path, flights: Path) -> None:
    settled = {}
    with running_anvil() as url:
        for network in ("embedded", url):
            folder = tmp_path / network.rsplit(":", 1)[-1]
            with Workspace.create(folder, AGREEMENT, network=network, records={"flights": flights}) as workspace:
                for party in ("client", *AIRLINES):
                    workspace.sign(party)
                workspace.deploy()
                workspace.fund("18_720_000")
                assert all(outcome.error is None for outcome in workspace.settle(move_clock=True))
                workspace.network.advance_to(workspace.desk.deal.arguments.holdback_release)
                workspace.close_agreement()
                report = workspace.audit()
                assert (36, 0) == (report.settled, report.differences)
                settled[network] = {
                    (row.period, row.provider): (row.amount, row.held, row.paid) for row in workspace.books.journal.rows
                }
    embedded, node = settled.values()
    assert embedded == node


class Village:
    """Every party has a workspace of its own with its own encrypted key, on a network that is not local."""

    def __init__(self, folder: Path, url: str, flights: Path) -> None:
        self.folder, self.url, self.flights = folder, url, flights
        self.intents: list[Intent] = []
        with connect(url, folder) as network:
            deployer = derive_test_accounts()[0]
            self.factory = deploy_factory(network, deployer).address
            token = deploy_test_token(network, deployer, "Test dollar", "TUSD")
            self.token = token.address
            addresses = {party: self._settle_in(party) for party in PARTIES}
            token.mint(deployer, addresses["client"], 18_720_000 * 10**6)
        for party in PARTIES:
            self.rpc("anvil_setBalance", addresses[party], hex(10**20))
            with self.home(party) as workspace:
                for other in PARTIES:
                    workspace.parties.trust(other, addresses[other])

    def _settle_in(self, party: str) -> str:
        made = Workspace.create(
            self.folder / party,
            AGREEMENT,
            network=self.url,
            factory=self.factory,
            token=self.token,
            records={"flights": self.flights},
            password=self.password,
        )
        with made as workspace:
            return workspace.parties.create_key(party)

    @staticmethod
    def password(party: str) -> str:
        return f"the password of {party}"

    def home(self, party: str) -> Workspace:
        return Workspace.open(self.folder / party, password=self.password, confirm=self.intents.append)

    def send(self, name: str, giver: str, *takers: str) -> None:
        """A file travels from one party's folder to others'."""
        for taker in takers:
            target = self.folder / taker / name
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(self.folder / giver / name, target)

    def rpc(self, method: str, *parameters: object) -> None:
        node = Node(self.url)
        node.ask(method, list(parameters), lambda result: result)
        node.close()


def test_parties_with_keys_of_their_own_settle_by_exchanging_files(
    tmp_path: Path, flights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Real keystores, quick to open: thirty strong ones would take half a minute, and tests/chain has those.
    monkeypatch.setattr(keys, "STRONG", keys.LIGHT)
    with running_anvil("--chain-id", "4242") as url:
        village = Village(tmp_path, url, flights)
        with village.home("client") as client:
            with pytest.raises(ChainError) as refused:
                client.network.test_accounts()
            assert "test-keys-on-public-network" == refused.value.code
            with pytest.raises(WorkspaceError) as elsewhere:
                client.sign("UA")
            assert "key-not-here" == elsewhere.value.code
            client.sign("client")
        village.send("offer.json", "client", *PARTIES[1:])
        for airline in AIRLINES:
            with village.home(airline) as home:
                home.sign(airline)
            village.send(f"signatures/{airline}.json", airline, "client")
        with village.home("client") as client:
            client.deploy()
            assert client.fund("18_720_000").activated
            assert "at most" in str(village.intents[-1])
            assert not village.intents[-1].local
            with pytest.raises(ChainError) as ours:
                client.settle(move_clock=True)
            assert "time-not-ours" == ours.value.code

        village.rpc("evm_setNextBlockTimestamp", JANUARY_END)
        village.rpc("evm_mine")
        for airline in AIRLINES:
            with village.home(airline) as home:
                home.measure(airline, [1])
            village.send(f"evidence/period-01.{airline}.json", airline, "V1", "V3", "client")
        for verifier in ("V1", "V3"):
            with village.home(verifier) as home:
                home.verify(verifier, [1])
            village.send(f"reports/period-01.{verifier}.json", verifier, "EV")
        with village.home("EV") as home:
            home.report(1, by="EV")
        with village.home("client") as client:
            assert Need.NOTHING is client.status().periods[0].need
            [january, february] = client.settle([1, 2])
            assert (Need.NOTHING, Need.PERIOD_END) == (january.decision.need, february.decision.need)
            report = client.audit()
            assert (3, 0) == (report.settled, report.differences)


def test_a_public_network_asks_for_the_contracts(tmp_path: Path) -> None:
    with running_anvil("--chain-id", "4242") as url, pytest.raises(WorkspaceError) as refused:
        Workspace.create(tmp_path / "deal", AGREEMENT, network=url)
    assert "addresses-needed" == refused.value.code
    assert not (tmp_path / "deal").exists()


def test_a_node_started_anew_is_another_network(tmp_path: Path) -> None:
    folder = tmp_path / "deal"
    with running_anvil() as url:
        Workspace.create(folder, AGREEMENT, network=url).close()
    settings = json.loads((folder / "workspace.json").read_text(encoding="utf-8"))
    with running_anvil("--chain-id", "4242") as url:
        (folder / "workspace.json").write_text(json.dumps({**settings, "network": url}), encoding="utf-8")
        with pytest.raises(ChainError) as refused:
            Workspace.open(folder)
    assert "wrong-network" == refused.value.code


def test_a_url_with_a_secret_stays_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "deal"
    with running_anvil() as url:
        monkeypatch.setenv("MY_NODE", url)
        with Workspace.create(folder, AGREEMENT, network="env:MY_NODE") as workspace:
            workspace.sign("client")
        assert all(url not in path.read_text(encoding="utf-8") for path in folder.rglob("*.json"))
        monkeypatch.delenv("MY_NODE")
        with pytest.raises(WorkspaceError) as refused:
            Workspace.open(folder)
    assert "network-variable-unset" == refused.value.code
