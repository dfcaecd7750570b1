"""Each party a process of its own, with its own encrypted key and its own records, on a network that is not local."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest
from eth_keyfile.keyfile import decode_keyfile_json

from pyoutcome.chain import keys
from pyoutcome.chain.factory import deploy_factory
from pyoutcome.chain.keys import derive_test_accounts
from pyoutcome.chain.networks import connect
from pyoutcome.chain.tokens import deploy_test_token
from pyoutcome.protocol.events import Settled
from pyoutcome.workspace import Workspace
from tests.anvil import connected, running_anvil
from tests.service.deals import ENDS, write_agreement, write_keeper, write_parcels
from tests.service.processes import log_of, running, stop, wait_for

TAKERS = {"client": (), "P1": ("V1", "V2", "client"), "V1": ("client",), "V2": ("client",), "arbitrator": ()}
"""All parties, and whose inbox a party's bundles and reports go to. The arbitrator runs no keeper."""
KEEPERS = ("client", "P1", "V1", "V2")
WITH_RECORDS = ("P1", "V1", "V2")
UNIT = 10**6


def password(party: str) -> str:
    return f"only {party} knows this password"


def move_in(folder: Path, url: str, factory: str, token: str) -> dict[str, str]:
    """A workspace for each party, with a key that nobody else has; the addresses."""
    agreement = write_agreement(folder / "agreement.yaml", "own-keys", periods=2)
    addresses = {}
    for party in TAKERS:
        records = {"parcels": write_parcels(folder / f"{party}.csv")} if party in WITH_RECORDS else {}
        made = Workspace.create(
            folder / party, agreement, network=url, factory=factory, token=token, records=records, password=password
        )
        with made as workspace:
            addresses[party] = workspace.parties.create_key(party)
    for party in TAKERS:
        with Workspace.open(folder / party, password=password) as workspace:
            for other, address in addresses.items():
                workspace.parties.trust(other, address)
    return addresses


@contextmanager
def active_deal(folder: Path, url: str) -> Iterator[Workspace]:
    """The client's workspace once the escrow is funded; the other parties have theirs beside it."""
    with connect(url, folder) as network:
        deployer = derive_test_accounts()[0]
        factory = deploy_factory(network, deployer).address
        token = deploy_test_token(network, deployer, "Test dollar", "TUSD")
        addresses = move_in(folder, url, factory, token.address)
        token.mint(deployer, addresses["client"], 20_000 * UNIT)
    with connected(url) as line:
        for address in addresses.values():
            line.ask("anvil_setBalance", address, hex(10**20))
    with Workspace.open(folder / "client", password=password, confirm=lambda _: None) as client:
        client.sign("client")
        for party in KEEPERS[1:]:
            shutil.copyfile(folder / "client" / "offer.json", folder / party / "offer.json")
        with Workspace.open(folder / "P1", password=password, confirm=lambda _: None) as provider:
            provider.sign("P1")
        shutil.copyfile(folder / "P1" / "signatures" / "P1.json", folder / "client" / "signatures" / "P1.json")
        client.deploy()
        assert client.fund("20_000").activated
        yield client


def configure(folder: Path, party: str) -> Path:
    duties = {"pays": "client", "close": True} if party == "client" else {}
    targets = [{"to": str(folder / taker / "inbox" / "deal")} for taker in TAKERS[party]]
    agreements = {"deal": {"workspace": ".", "as": [party], "exchange": targets, **duties}}
    given = {"inbox": "inbox", "poll": "1 second", "look_again": "5 seconds", "confirmations": 1}
    return write_keeper(folder / party, {**given, "agreements": agreements})


def has_settled(workspace: Workspace, periods: int) -> bool:
    """Whether the first periods are settled, each once, and no other."""
    told = [each.event.period for each in workspace.desk.escrow.history() if isinstance(each.event, Settled)]
    return list(range(1, periods + 1)) == told


def move_clock(url: str, to: int) -> None:
    with connected(url) as line:
        line.ask("evm_setNextBlockTimestamp", to)
        line.ask("evm_mine")


def secrets_of(folder: Path) -> Mapping[str, str]:
    """Every password and every private key, by whose it is."""
    found = {}
    for party in TAKERS:
        [path] = (folder / party / "keys").iterdir()
        found[f"password of {party}"] = password(party)
        found[f"key of {party}"] = decode_keyfile_json(
            json.loads(path.read_text("utf-8")), password(party).encode()
        ).hex()
    return found


def test_verifiers_in_processes_with_keystores_and_records_of_their_own_settle_two_periods(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "STRONG", keys.LIGHT)  # real keystores, quick to make and to open
    with running_anvil("--chain-id", "4242") as url, active_deal(tmp_path, url) as client, ExitStack() as stack:
        assert not client.network.local
        with connected(url) as line:
            line.ask("evm_setIntervalMining", 1)
        configs = {party: configure(tmp_path, party) for party in KEEPERS}
        keepers = [
            stack.enter_context(running(config, **{f"PYOUTCOME_PASSWORD_{party.upper()}": password(party)}))
            for party, config in configs.items()
        ]
        for number, end in enumerate(ENDS[:2], 1):
            move_clock(url, end)
            wait_for(partial(has_settled, client, number), f"period {number}")
        wait_for(lambda: client.status().stage == "closed", "the closing")
        assert [0] * 4 == [stop(keeper) for keeper in keepers]

        addresses = client.parties.addresses
        assert len(TAKERS) == len(set(addresses.values()))
        reports = {
            party: sorted(path.name for path in (tmp_path / party / "reports").iterdir()) for party in KEEPERS[2:]
        }
        assert {party: [f"period-0{n}.{party}.json" for n in (1, 2)] for party in KEEPERS[2:]} == reports
        handed_in = {party: sum(each["event"] == "handed-in" for each in log_of(configs[party])) for party in KEEPERS}
        assert {"client": 3, "P1": 0, "V1": 0, "V2": 0} == handed_in
        with Workspace.open(tmp_path / "V1") as auditor:
            audit = auditor.audit()
        assert (2, 0) == (audit.settled, audit.differences)

    # No process has another's key, and none wrote down a secret: not in a log, a database, or any other file.
    for party in TAKERS:
        assert [f"{party}.json"] == [path.name for path in (tmp_path / party / "keys").iterdir()]
    secrets = secrets_of(tmp_path)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {config.parent / "log.jsonl" for config in configs.values()} <= set(files)
    told = {(whose, path) for path in files for whose, secret in secrets.items() if holds(path, secret)}
    assert set() == told


def holds(path: Path, secret: str) -> bool:
    """Whether a file holds a secret as text, or a key as its bytes."""
    content = path.read_bytes().lower()
    is_key = len(secret) == 64
    return secret.lower().encode() in content or (is_key and bytes.fromhex(secret) in path.read_bytes())
