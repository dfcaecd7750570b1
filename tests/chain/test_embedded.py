"""The embedded chain survives between processes, is used by one at a time, and cannot be left half-written."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from eth.abc import BlockHeaderAPI, StateAPI

from pyoutcome.chain import store
from pyoutcome.chain.blocks import Call, Reverted
from pyoutcome.chain.embedded import EmbeddedNetwork
from pyoutcome.chain.fees import Fees
from pyoutcome.chain.localchain import CHAIN_ID, FILE
from pyoutcome.chain.networks import connect, start_chain
from pyoutcome.chain.sender import Sender
from pyoutcome.chain.signing import sign_call
from tests.anvil import STARTS_AT
from tests.chain.conftest import ROOT, refused
from tests.chain.echo import CREATION

DEPLOY_AND_WRITE = f"""
import sys
from pathlib import Path
from pyoutcome.chain.networks import connect
from pyoutcome.chain.network import Call
from pyoutcome.chain.sender import Sender
with connect("embedded", Path(sys.argv[1])) as network:
    signer = network.test_accounts()[0]
    echo = Sender(network).send(Call(signer.address, None, bytes.fromhex("{CREATION.hex()}")), signer).created
    Sender(network).send(Call(signer.address, echo, b"from another process"), signer)
    print(echo, flush=True)
"""
WRITE_FOR_EVER = f"""
import sys
from pathlib import Path
from pyoutcome.chain.networks import connect
from pyoutcome.chain.network import Call
from pyoutcome.chain.sender import Sender
with connect("embedded", Path(sys.argv[1])) as network:
    signer = network.test_accounts()[0]
    echo = Sender(network).send(Call(signer.address, None, bytes.fromhex("{CREATION.hex()}")), signer).created
    print(echo, flush=True)
    number = 0
    while True:
        number += 1
        Sender(network).send(Call(signer.address, echo, number.to_bytes(4)), signer)
        print(number, flush=True)
"""
HOLD = """
import sys, time
from pathlib import Path
from pyoutcome.chain.networks import connect
network = connect("embedded", Path(sys.argv[1]))
print("held", flush=True)
time.sleep(float(sys.argv[2]))
network.close()
"""


def interrupt(*_: object, **__: object) -> None:
    """Stands for a person who presses Ctrl-C."""
    raise KeyboardInterrupt


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    start_chain(tmp_path, STARTS_AT)
    return tmp_path


def test_what_one_process_did_the_next_one_finds(folder: Path) -> None:
    run = subprocess.run(python(DEPLOY_AND_WRITE, str(folder)), capture_output=True, text=True, check=True, cwd=ROOT)
    echo = run.stdout.strip()
    with connect("embedded", folder) as network:
        assert [b"from another process"] == [log.data for log in network.logs((echo,), 0, 10)]
        assert 2 == network.head().number
        assert 2 == network.nonce(network.test_accounts()[0].address)
        assert b"still here" == network.call(Call(echo, echo, b"still here"))


def test_what_is_mined_through_web3_is_kept(folder: Path) -> None:
    with EmbeddedNetwork(folder) as network:
        signer = network.test_accounts()[0]
        fees = Fees(0, 2 * network.head().base_fee)
        raw = sign_call(Call(signer.address, None, CREATION), network.chain_id, 0, fees, 200_000, signer)
        network.web3.eth.send_raw_transaction(raw)
        head = network.head()
    with EmbeddedNetwork(folder) as network:
        assert head == network.head()
        assert 1 == network.nonce(signer.address)


CLOCK = bytes.fromhex("715f354210600e57425f5260205ff35b5f5ffd5f526012600ef3")
"""Creates a contract that refuses before the second it is given, and else tells the time."""


def test_what_a_block_answers_is_worked_out_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with EmbeddedNetwork(folder) as network:
        signer = network.test_accounts()[0]
        clock = Sender(network).send(Call(signer.address, None, CLOCK), signer).created
        assert clock is not None
        worked_out: list[int] = []
        state_at = network._state_at

        def noted(timestamp: int, header: BlockHeaderAPI | None = None) -> StateAPI:
            worked_out.append(timestamp)
            return state_at(timestamp, header)

        monkeypatch.setattr(network, "_state_at", noted)
        tell, refuse = Call(signer.address, clock, bytes(32)), Call(signer.address, clock, b"\xff" * 32)
        first, then = network.head().number, network.now()
        for later in (0, 500, 700):
            now = network.advance_to(STARTS_AT + later) if later else then
            worked_out.clear()
            for _ in range(3):
                assert now == int.from_bytes(network.call(tell))
                assert now == int.from_bytes(network.call(tell, network.head().number))
                assert then == int.from_bytes(network.call(tell, first))
                with pytest.raises(Reverted):
                    network.call(refuse)
            assert 2 == len(worked_out)


def test_calls_run_at_the_newest_block_s_time_and_estimates_at_the_next_one_s(folder: Path) -> None:
    with EmbeddedNetwork(folder) as network:
        signer = network.test_accounts()[0]
        address = Sender(network).send(Call(signer.address, None, CLOCK), signer).created
        assert address is not None

        def at(second: int) -> Call:
            return Call(signer.address, address, second.to_bytes(32))

        now = network.advance_to(STARTS_AT + 500)
        assert now == int.from_bytes(network.call(at(now)))
        with pytest.raises(Reverted):
            network.call(at(now + 1))
        assert network.estimate_gas(at(now + 1)) > 21_000
        with pytest.raises(Reverted):
            network.estimate_gas(at(now + 2))
        assert Sender(network).send(at(now + 1), signer).succeeded
        assert now + 1 == network.now()


def test_a_call_asked_again_after_the_same_block_is_not_run_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A contract that tells the time, and refuses before the second it is given, is asked again and again."""
    runtime = bytes.fromhex("5f354210600e57425f5260205ff35b5f5ffd")
    monkeypatch.setattr("pyoutcome.chain.embedded.MOST_ANSWERS", 3)
    with EmbeddedNetwork(folder) as network:
        signer = network.test_accounts()[0]
        creation = b"\x71" + runtime + bytes.fromhex("5f526012600ef3")
        address = Sender(network).send(Call(signer.address, None, creation), signer).created
        first = network.head()
        runs = []
        state_at = network._state_at

        def watched(*arguments: Any) -> Any:
            runs.append(arguments)
            return state_at(*arguments)

        monkeypatch.setattr(network, "_state_at", watched)

        def ask(second: int, block: int | None = None) -> int:
            return int.from_bytes(network.call(Call(signer.address, address, second.to_bytes(32)), block))

        assert [first.timestamp] * 3 == [ask(0), ask(0), ask(0, first.number)]
        assert 1 == len(runs)
        for _ in range(2):
            with pytest.raises(Reverted):
                ask(first.timestamp + 1)
        assert 2 == len(runs)
        later = network.advance_to(first.timestamp + 100)
        assert [later, later, first.timestamp] == [ask(0), ask(first.timestamp + 1), ask(0, first.number)]
        assert 5 == len(runs)  # three answers are kept; the fourth began anew
        for second in (1, 2, 3):
            assert later == ask(second)
        assert len(network._answers) <= 3


def test_opening_and_closing_changes_nothing(folder: Path) -> None:
    with EmbeddedNetwork(folder) as network:
        network.advance_to(STARTS_AT + 50)
        before = (network.head(), network.identity())
    with EmbeddedNetwork(folder) as network:
        assert before == (network.head(), network.identity())
        network.close()
    assert [FILE] == [path.name for path in folder.iterdir()]


def test_the_same_story_gives_the_same_chain(tmp_path: Path) -> None:
    hashes = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        start_chain(tmp_path / name, STARTS_AT)
        with EmbeddedNetwork(tmp_path / name) as network:
            signer = network.test_accounts()[0]
            network.advance_to(STARTS_AT + 50)
            receipt = Sender(network).send(Call(signer.address, None, CREATION), signer)
            hashes.append((network.identity(), network.head(), receipt))
    assert hashes[0] == hashes[1]


def test_a_second_process_waits_for_the_first_and_then_has_its_turn(folder: Path) -> None:
    with subprocess.Popen(python(HOLD, str(folder), "0.7"), stdout=subprocess.PIPE, text=True, cwd=ROOT) as other:
        assert other.stdout is not None
        assert "held" == other.stdout.readline().strip()
        began = time.monotonic()
        with EmbeddedNetwork(folder, wait=20) as network:
            assert time.monotonic() - began > 0.3
            network.advance_to(STARTS_AT + 50)


def test_a_second_process_that_waits_too_long_is_told_so(folder: Path) -> None:
    with EmbeddedNetwork(folder) as network:
        began = time.monotonic()
        with refused("chain-busy"):
            EmbeddedNetwork(folder, wait=0.2)
        assert time.monotonic() - began < 5
        network.advance_to(STARTS_AT + 50)
    EmbeddedNetwork(folder, wait=0.2).close()


def test_a_process_killed_at_any_moment_leaves_a_whole_chain(folder: Path) -> None:
    """Killed (SIGKILL) while it writes without pause; every transaction it told of is there, and the chain goes on."""
    for pause in (0.0, 0.013, 0.05):
        command = python(WRITE_FOR_EVER, str(folder))
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as victim:
            assert victim.stdout is not None
            echo = victim.stdout.readline().strip()
            for _ in range(3):
                victim.stdout.readline()
            time.sleep(pause)
            victim.send_signal(signal.SIGKILL)
            told = [3, *map(int, victim.stdout.read().split())]
        with EmbeddedNetwork(folder) as network:
            logs = network.logs((echo,), 0, network.head().number)
            assert list(range(1, len(logs) + 1)) == [int.from_bytes(log.data) for log in logs]
            assert len(logs) in (max(told), max(told) + 1)
            signer = network.test_accounts()[0]
            receipt = Sender(network).send(Call(signer.address, echo, b"after"), signer)
            assert receipt.block == network.head().number
            assert b"after" == network.logs((echo,), receipt.block, receipt.block)[0].data


def test_a_block_that_cannot_be_written_is_not_half_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with EmbeddedNetwork(folder) as network:
        signer = network.test_accounts()[0]
        call = Call(signer.address, None, CREATION)
        before = (network.head(), network.nonce(signer.address))

        class Full:
            """A connection whose disk is full once half of the block is written."""

            def __init__(self, real: sqlite3.Connection) -> None:
                self.real = real

            def __getattr__(self, name: str) -> object:
                return getattr(self.real, name)

            def execute(self, statement: str, *rest: object) -> object:
                if statement == "COMMIT":
                    raise sqlite3.OperationalError("database or disk is full")
                return self.real.execute(statement, *rest)  # type: ignore[arg-type]

        real = network._store._connection
        monkeypatch.setattr(network._store, "_connection", Full(real))
        with refused("chain-file-unwritable"):
            Sender(network).send(call, signer)
        monkeypatch.setattr(network._store, "_connection", real)
        assert before == (network.head(), network.nonce(signer.address))
        assert 1 == Sender(network).send(call, signer).block
    with EmbeddedNetwork(folder) as network:
        assert 1 == network.head().number


def test_an_interrupted_step_leaves_no_trace(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with EmbeddedNetwork(folder) as network:
        signer = network.test_accounts()[0]
        with monkeypatch.context() as patch:
            patch.setattr(store.ChainStore, "commit", interrupt)
            with pytest.raises(KeyboardInterrupt):
                Sender(network).send(Call(signer.address, None, CREATION), signer)
        assert (0, 0) == (network.head().number, network.nonce(signer.address))
        assert 1 == Sender(network).send(Call(signer.address, None, CREATION), signer).block


def test_a_transaction_of_another_chain_or_from_the_past_is_refused(folder: Path) -> None:
    with EmbeddedNetwork(folder) as network:
        signer = network.test_accounts()[0]
        call, fees = Call(signer.address, None, CREATION), Fees(0, 2 * network.head().base_fee)
        raw = sign_call(call, CHAIN_ID, 0, fees, 200_000, signer)
        network.send(raw)
        with refused("transaction-refused"):
            network.send(raw)
        foreign = sign_call(call, 31337, 1, fees, 200_000, signer)
        with refused("transaction-refused"):
            network.send(foreign)
        with refused("transaction-refused"):
            network.send(b"\x02 not a transaction")
        assert 1 == network.head().number


def test_calls_nested_as_deep_as_gas_allows_do_not_exhaust_python(folder: Path) -> None:
    """A contract that calls itself with all its gas, again and again."""
    itself = bytes.fromhex("5f5f5f5f5f305af15f5260205ff3")
    with EmbeddedNetwork(folder) as network:
        signer = network.test_accounts()[0]
        creation = b"\x6d" + itself + bytes.fromhex("5f52600e6012f3")
        address = Sender(network).send(Call(signer.address, None, creation), signer).created
        assert address is not None
        assert (1).to_bytes(32) == network.call(Call(signer.address, address, b""))
        assert sys.getrecursionlimit() <= 10_000


def test_a_missing_chain_an_existing_one_and_a_bad_start_are_refused(folder: Path, tmp_path: Path) -> None:
    with refused("chain-exists"):
        start_chain(folder, STARTS_AT)
    with refused("no-local-chain"):
        connect("embedded", folder / "elsewhere")
    with refused("bad-chain-start"):
        start_chain(tmp_path / "new", 0)
    with refused("bad-chain-start"):
        start_chain(tmp_path / "new", 2**40)


@pytest.mark.parametrize("damage", ["text", "cut", "empty", "another database"])
def test_a_damaged_file_is_named_and_not_touched(folder: Path, damage: str) -> None:
    file = folder / FILE
    whole = file.read_bytes()
    match damage:
        case "text":
            file.write_bytes(b"this is not a database, not even nearly" * 100)
        case "cut":
            file.write_bytes(whole[:5000])
        case "empty":
            file.write_bytes(b"")
        case _:
            file.unlink()
            with sqlite3.connect(file) as connection:
                connection.execute("CREATE TABLE pairs (something TEXT)")
            connection.close()
    damaged = file.read_bytes()
    with refused("no-local-chain" if damage == "empty" else "chain-file-damaged"):
        EmbeddedNetwork(folder)
    assert damaged == file.read_bytes()


def test_a_chain_whose_making_was_interrupted_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(store.ChainStore, "commit", interrupt)
        with pytest.raises(KeyboardInterrupt):
            start_chain(tmp_path, STARTS_AT)
    with refused("no-local-chain"):
        EmbeddedNetwork(tmp_path)
    start_chain(tmp_path, STARTS_AT)
    EmbeddedNetwork(tmp_path).close()


def test_a_copied_folder_is_the_same_chain(folder: Path, tmp_path: Path) -> None:
    with EmbeddedNetwork(folder) as network:
        network.advance_to(STARTS_AT + 50)
        recorded = network.identity()
    shutil.copytree(folder, tmp_path / "copy", ignore=shutil.ignore_patterns("copy"))
    with connect("embedded", tmp_path / "copy", recorded=recorded) as network:
        assert STARTS_AT + 50 == network.now()
