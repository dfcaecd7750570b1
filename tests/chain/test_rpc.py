"""A node may be broken, slow or hostile: whatever it answers, it is believed only if it makes sense."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from eth_utils.crypto import keccak
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyoutcome.chain import jsonrpc
from pyoutcome.chain.answers import BadAnswer, read_address, read_bytes, read_count, read_hash, read_log, read_number
from pyoutcome.chain.blocks import Call, Reverted
from pyoutcome.chain.jsonrpc import Node
from pyoutcome.chain.network import Network
from pyoutcome.chain.networks import connect
from pyoutcome.chain.rpc import RpcNetwork
from pyoutcome.chain.sender import Sender
from pyoutcome.errors import ChainError
from tests.anvil import running_anvil
from tests.chain.conftest import ROOT, refused
from tests.chain.echo import CREATION

HASH = "0x" + "ab" * 32
ADDRESS = "0x" + "11" * 20
Reply = Callable[[str, list[Any]], Any]


class Raw:
    """An HTTP answer that is not a well-formed JSON-RPC one."""

    def __init__(self, body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.body, self.status, self.headers = body, status, headers or {}


class Refusal:
    """A JSON-RPC error."""

    def __init__(self, code: object, message: object, data: object = None) -> None:
        self.content = {"code": code, "message": message, "data": data}


@contextmanager
def node_that(reply: Reply) -> Iterator[str]:
    """A node on this machine that answers as ``reply`` says; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet

        def do_POST(self) -> None:
            question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if isinstance(question, list):
                question = {"method": "list", "params": question, "id": None}
            answer = reply(question["method"], question["params"])
            if not isinstance(answer, Raw):
                part = {"error": answer.content} if isinstance(answer, Refusal) else {"result": answer}
                answer = Raw(json.dumps({"jsonrpc": "2.0", "id": question["id"], **part}).encode())
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def answers(**by_method: Any) -> Reply:
    """Answers by method; what is not named gets a refusal."""
    known = {"eth_chainId": "0x1", **by_method}

    def reply(method: str, params: list[Any]) -> Any:
        found = known.get(method, Refusal(-32601, "method not found"))
        return found(params) if callable(found) else found

    return reply


@pytest.mark.parametrize("address", ["", "ftp://node", "node:8545", "http://", "http://[", "http://h:port", "embedde"])
def test_what_is_no_address_is_refused(address: str, tmp_path: Path) -> None:
    with refused("bad-network-address"):
        connect(address, tmp_path)


def test_nobody_there(tmp_path: Path) -> None:
    with node_that(answers()) as url:
        pass
    with refused("network-unreachable"):
        connect(url, tmp_path)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Raw(b"<html>welcome</html>"), "bad-network-answer"),
        (Raw(b""), "bad-network-answer"),
        (Raw(b"\xff\xfe\x00"), "bad-network-answer"),
        (Raw(b"[" * 200_000), "bad-network-answer"),
        (Raw(b"[]"), "bad-network-answer"),
        (Raw(b"null"), "bad-network-answer"),
        (Raw(b'{"jsonrpc": "2.0", "id": 1}'), "bad-network-answer"),
        (Raw(b'{"jsonrpc": "2.0", "id": 1, "error": "no"}'), "bad-network-answer"),
        (Raw(b'{"jsonrpc": "2.0", "id": 2, "result": "0x1"}'), "bad-network-answer"),
        (Raw(b'{"jsonrpc": "2.0", "id": null, "result": "0x1"}'), "bad-network-answer"),
        (Raw(b'{"jsonrpc": "2.0", "id": null, "error": {"code": -32700, "message": "?"}}'), "network-error"),
        (Raw(b"later", 503), "network-refused"),
        (Raw(b"who are you", 401), "network-refused"),
        (Raw(b"", 302, {"Location": "http://169.254.169.254/"}), "network-refused"),
        (Refusal(-32000, "out of order"), "network-error"),
        (Refusal("x", {"a": 1}), "network-error"),
        (None, "bad-network-answer"),
        ("31337", "bad-network-answer"),
        (31337, "bad-network-answer"),
        ("0x", "bad-network-answer"),
        ("0x" + "f" * 65, "bad-network-answer"),
        ({"a": 1}, "bad-network-answer"),
    ],
)
def test_a_first_answer_that_makes_no_sense(reply: Any, code: str, tmp_path: Path) -> None:
    with node_that(answers(eth_chainId=reply)) as url, refused(code):
        connect(url, tmp_path)


def test_a_slow_node_is_given_up() -> None:
    gate = threading.Event()

    def wait(_: object) -> str:
        gate.wait(20)
        return "0x1"

    with node_that(answers(eth_chainId=wait)) as url:
        node = Node(url, seconds=0.2)
        try:
            with refused("network-timeout"):
                node.ask("eth_chainId", [], read_number)
        finally:
            gate.set()
            node.close()


def test_an_answer_that_drips_is_given_up() -> None:
    """Every byte comes in time, and the whole never would."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
                while True:
                    connection.sendall(b" ")
                    time.sleep(0.02)

        thread = threading.Thread(target=drip)
        thread.start()
        node = Node(f"http://127.0.0.1:{server.getsockname()[1]}", seconds=0.3)
        with refused("network-timeout"):
            node.ask("eth_chainId", [], read_number)
        node.close()
        thread.join(5)
        assert not thread.is_alive()


def test_an_answer_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonrpc, "MOST_BYTES", 1000)
    with node_that(answers(eth_chainId="0x" + "1" * 2000)) as url, refused("bad-network-answer") as info:
        RpcNetwork(url)
    assert "without end" in info.value.why


def test_deep_nesting_cannot_crash_the_process_whatever_was_imported() -> None:
    """py_ecc and py-evm raise the recursion limit so far that reading this would overflow the C stack."""
    with node_that(answers(eth_chainId=Raw(b"[" * 200_000))) as url:
        code = f"""
import py_ecc, sys
assert sys.getrecursionlimit() >= 100_000
from pyoutcome.chain.rpc import RpcNetwork
from pyoutcome.errors import ChainError
try:
    RpcNetwork("{url}")
except ChainError as error:
    print(error.code)
"""
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (0, "bad-network-answer") == (run.returncode, run.stdout.strip()), run.stderr


def test_no_message_shows_the_access_key_in_an_address(tmp_path: Path) -> None:
    for reply in (Raw(b"no", 403), Raw(b"no"), Refusal(-1, "no")):
        with node_that(answers(eth_chainId=reply)) as url:
            secret = url.replace("http://", "http://user:pa55word@") + "/v3/k3y?token=k3y"
            with pytest.raises(ChainError) as info:
                connect(secret, tmp_path)
            assert not any(word in str(info.value) for word in ("k3y", "pa55word", "user"))
            assert info.value.__cause__ is None
    with pytest.raises(ChainError) as info:
        connect(secret, tmp_path)  # nobody there
    assert not any(word in str(info.value) for word in ("k3y", "pa55word", "user"))


def test_test_accounts_and_the_clock_are_for_local_chains_only(tmp_path: Path) -> None:
    public = answers(web3_clientVersion="anvil/v1.7.1")  # a node may claim to be anvil; the chain number decides too
    other = answers(eth_chainId=hex(31337), web3_clientVersion="Geth/v1.17")
    for reply in (public, other):
        with node_that(reply) as url, connect(url, tmp_path) as network:
            assert not network.local
            with refused("test-keys-on-public-network"):
                network.test_accounts()
            with refused("time-not-ours"):
                network.advance_to(2**33)


def test_anvil_with_another_chain_number_is_not_local(tmp_path: Path) -> None:
    with (
        running_anvil("--chain-id", "1") as url,
        connect(url, tmp_path) as network,
        refused("test-keys-on-public-network"),
    ):
        network.test_accounts()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10) | st.sampled_from(["0x1", HASH, ADDRESS, "0x"]),
    lambda inside: st.lists(inside, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["number", "timestamp", "baseFeePerGas", "hash", "logs", "status", "transactionHash", "blockNumber",
             "gasUsed", "effectiveGasPrice", "contractAddress", "address", "topics", "data", "logIndex"]
        ),
        inside,
        max_size=15,
    ),
    max_leaves=20,
)  # fmt: skip
QUESTIONS: list[Callable[[Network], object]] = [
    lambda network: network.head(),
    lambda network: network.identity(),
    lambda network: network.balance(ADDRESS),
    lambda network: network.nonce(ADDRESS),
    lambda network: network.code(ADDRESS),
    lambda network: network.call(Call(ADDRESS, ADDRESS, b"")),
    lambda network: network.estimate_gas(Call(ADDRESS, ADDRESS, b"")),
    lambda network: network.priority_fee(),
    lambda network: network.send(b"\x02"),
    lambda network: network.receipt(bytes.fromhex(HASH[2:])),
    lambda network: network.receipts([bytes.fromhex(HASH[2:])] * 2),
    lambda network: network.landings([bytes.fromhex(HASH[2:])] * 2),
    lambda network: network.knows([bytes.fromhex(HASH[2:])]),
    lambda network: network.rehearse([Call(ADDRESS, ADDRESS, b"")]),
    lambda network: network.send_many([b"\x02"]),
    lambda network: network.block_hash(3),
    lambda network: network.final_block(),
    lambda network: network.nonce_at(ADDRESS, 3),
    lambda network: network.logs((ADDRESS,), 0, 3),
]


@pytest.fixture(scope="module")
def puppet() -> Iterator[tuple[dict[str, Any], Network]]:
    """A node whose next answer is put into a box, and a network connected to it."""
    box: dict[str, Any] = {}

    def reply(method: str, _: list[Any]) -> Any:
        return "0x1" if method == "eth_chainId" else box["answer"]

    with node_that(reply) as url:
        network = RpcNetwork(url)
        yield box, network
        network.close()


@given(answer=JSON | st.builds(Refusal, JSON, JSON, JSON), question=st.sampled_from(QUESTIONS))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_answer_whatever_breaks_out_of_our_errors(
    puppet: tuple[dict[str, Any], Network], answer: Any, question: Callable[[Network], object]
) -> None:
    box, network = puppet
    box["answer"] = answer
    with suppress(ChainError, Reverted):
        question(network)


@pytest.mark.parametrize("answer", [hex(2**63), "0x" + "f" * 64])
def test_a_count_beyond_all_counting_is_not_taken(puppet: tuple[dict[str, Any], Network], answer: str) -> None:
    box, network = puppet
    box["answer"] = answer
    for question in (network.nonce, network.nonce_at):
        with refused("bad-network-answer"):
            question(ADDRESS)
    box["answer"] = {"number": answer, "timestamp": "0x1", "baseFeePerGas": "0x1"}
    for ask in (network.head, network.final_block):
        with refused("bad-network-answer"):
            ask()


def test_a_transaction_hash_is_computed_and_not_believed(puppet: tuple[dict[str, Any], Network]) -> None:
    box, network = puppet
    box["answer"] = "0x" + keccak(b"\x02").hex()
    assert keccak(b"\x02") == network.send(b"\x02")
    box["answer"] = HASH
    with refused("bad-network-answer"):
        network.send(b"\x02")


def test_a_node_that_told_what_is_final_and_refuses_to_now_does_not_know_it_no_more(tmp_path: Path) -> None:
    """Else fewer blocks would do, because of one refusal."""
    told: list[Any] = [Refusal(-32602, "unknown block"), {"number": "0x7"}, Refusal(-32005, "too many requests")]

    def reply(method: str, params: list[Any]) -> Any:
        return told.pop(0) if params == ["finalized", False] else answers()(method, params)

    with node_that(reply) as url, connect(url, tmp_path) as network:
        assert [None, 7] == [network.final_block(), network.final_block()]
        with refused("network-error"):
            network.final_block()


@pytest.mark.parametrize(
    "reply",
    [
        [],
        [{"id": 1, "result": "0x1"}],
        [{"id": 1, "result": "0x1"}, {"id": 1, "result": "0x1"}],
        [{"id": 1, "result": "0x1"}, {"id": 3, "result": "0x1"}],
        [{"id": 1, "result": "0x1"}, {"id": {}, "result": "0x1"}],
        [{"id": 1, "result": "0x1"}, 5],
        [{"id": number, "result": "0x1"} for number in range(1, 4)],
        {"result": "0x1"},
        "0x1",
    ],
)
def test_a_list_of_other_answers_than_were_asked_for_is_not_taken(reply: Any) -> None:
    with node_that(lambda *_: Raw(json.dumps(reply).encode())) as url:
        node = Node(url)
        with refused("bad-network-answer"):
            node.ask_many("eth_x", [[], []], read_number)
        node.close()


def test_a_list_is_answered_in_any_order_and_refused_one_by_one() -> None:
    reply = [
        {"id": 3, "result": "0x2"}, {"id": 1, "result": "0x0"},
        {"id": 2, "error": {"code": 3, "message": "execution reverted", "data": "0xabcd"}},
    ]  # fmt: skip
    with node_that(lambda *_: Raw(json.dumps(reply).encode())) as url:
        node = Node(url)
        first, second, third = node.ask_many("eth_call", [[], [], []], read_number)
        node.close()
    assert (0, 2) == (first, third)
    assert isinstance(second, Reverted)
    assert b"\xab\xcd" == second.data


def test_a_node_that_takes_no_lists_is_asked_one_by_one() -> None:
    asked: list[Any] = []

    def reply(method: str, params: list[Any]) -> Any:
        asked.append(params)
        return Refusal(-32600, "no lists here") if method == "list" else params[0]

    with node_that(reply) as url:
        node = Node(url)
        assert [1, 2, 3] == node.ask_many("eth_x", [["0x1"], ["0x2"], ["0x3"]], read_number)
        node.close()
    assert 4 == len(asked)


def a_log(block: int, index: int, address: str = ADDRESS) -> dict[str, Any]:
    return {
        "address": address, "topics": [HASH], "data": "0x", "blockNumber": hex(block), "logIndex": hex(index),
        "transactionHash": HASH, "blockHash": HASH,
    }  # fmt: skip


@pytest.mark.parametrize(
    "logs",
    [
        [a_log(9, 0)],
        [a_log(1, 0, "0x" + "22" * 20)],
        [a_log(2, 0), a_log(1, 0)],
        [a_log(1, 0), a_log(1, 0)],
        [{**a_log(1, 0), "removed": True}],
        [{**a_log(1, 0), "topics": [HASH] * 5}],
        [{**a_log(1, 0), "data": "0x1"}],
    ],
    ids=["other block", "other address", "out of order", "twice", "removed", "too many topics", "half a byte"],
)
def test_logs_nobody_asked_for_are_not_taken(logs: list[Any], tmp_path: Path) -> None:
    with node_that(answers(eth_getLogs=logs)) as url, connect(url, tmp_path) as network, refused("bad-network-answer"):
        network.logs((ADDRESS,), 0, 3)


def test_logs_are_asked_for_in_portions_that_the_node_can_bear(tmp_path: Path) -> None:
    asked = []

    def logs(params: list[Any]) -> Any:
        first, last = int(params[0]["fromBlock"], 16), int(params[0]["toBlock"], 16)
        asked.append((first, last))
        if last - first >= 3_000:
            return Refusal(-32005, "query returned more than 10000 results")
        return [a_log(block, 0) for block in range(first, last + 1) if block % 1_000 == 0]

    reply = answers(eth_getLogs=logs, eth_getBlockByNumber=lambda params: {"timestamp": params[0]})
    with node_that(reply) as url, connect(url, tmp_path) as network:
        found = network.logs((ADDRESS,), 0, 20_500)
    assert list(range(0, 20_501, 1_000)) == [log.block for log in found]
    assert all(log.block == log.timestamp for log in found)
    taken = [(first, last) for first, last in asked if last - first < 3_000]
    assert [first for first, _ in taken[1:]] == [last + 1 for _, last in taken[:-1]]


def test_a_node_that_never_finds_the_portion_small_enough_is_given_up(tmp_path: Path) -> None:
    with node_that(answers()) as url, connect(url, tmp_path) as network, refused("network-error"):
        network.logs((ADDRESS,), 0, 100_000)


@pytest.mark.parametrize("ask", [RpcNetwork.receipts, RpcNetwork.landings], ids=["receipts", "landings"])
def test_another_transaction_s_receipt_is_not_taken(
    tmp_path: Path, ask: Callable[[RpcNetwork, list[bytes]], object]
) -> None:
    receipt: dict[str, Any] = {
        "transactionHash": "0x" + "cd" * 32, "blockNumber": "0x1", "status": "0x1", "gasUsed": "0x1",
        "effectiveGasPrice": "0x1", "contractAddress": None, "logs": [], "blockHash": HASH,
    }  # fmt: skip
    with (
        node_that(answers(eth_getTransactionReceipt=receipt)) as url,
        connect(url, tmp_path) as network,
        refused("bad-network-answer"),
    ):
        assert isinstance(network, RpcNetwork)
        ask(network, [bytes.fromhex(HASH[2:])])


def test_a_network_without_a_base_fee_is_refused(tmp_path: Path) -> None:
    block = {"number": "0x1", "timestamp": "0x1"}
    with (
        node_that(answers(eth_getBlockByNumber=block)) as url,
        connect(url, tmp_path) as network,
        refused("no-base-fee"),
    ):
        network.head()


def test_a_transaction_that_no_block_takes_is_reported_with_its_hash(tmp_path: Path) -> None:
    with running_anvil("--no-mining") as url, connect(url, tmp_path) as network:
        signer = network.test_accounts()[0]
        with refused("transaction-not-mined") as info:
            Sender(network, wait=0.1).send(Call(signer.address, None, CREATION), signer)
        assert 66 == len(str(info.value.details["transaction"]))


def test_the_fee_market_is_obeyed_on_a_public_network(tmp_path: Path) -> None:
    """On a chain that is not local, gas is estimated and the tip is the node's."""
    with running_anvil("--chain-id", "9999") as url, connect(url, tmp_path) as network, running_anvil() as local_url:
        with connect(local_url, tmp_path) as local:
            signer = local.test_accounts()[0]
        receipt = Sender(network).send(Call(signer.address, None, CREATION), signer)
        assert network.priority_fee() > 0
        assert receipt.gas_used <= Sender(network).preview(Call(signer.address, None, CREATION)).gas < 200_000


@pytest.mark.parametrize("value", [None, 5, "", "1", "0x", "0xg", "0X1", " 0x1", "0x1 ", "0x1\n", [], {}])
def test_numbers_hashes_addresses_and_bytes_are_read_strictly(value: object) -> None:
    for read in (read_number, read_count, read_hash, read_address, read_log):
        with pytest.raises(BadAnswer):
            read(value)
    if value != "0x":
        with pytest.raises(BadAnswer):
            read_bytes(value)
