"""A network behind a node's JSON-RPC address: anvil, or any chain by URL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, TypeVar

from eth_utils.crypto import keccak

from pyoutcome.chain.answers import (
    Answer,
    BadAnswer,
    read_block,
    read_bytes,
    read_count,
    read_hash,
    read_landing,
    read_list,
    read_log,
    read_number,
    read_object,
    read_receipt,
    read_text,
)
from pyoutcome.chain.blocks import Block, Call, Head, Identity, Landing, Log, Receipt, Reverted
from pyoutcome.chain.jsonrpc import Node
from pyoutcome.chain.network import Network
from pyoutcome.errors import ChainError

if TYPE_CHECKING:
    from web3 import Web3

    from pyoutcome.chain.proofs import Proof

Landed = TypeVar("Landed", bound=Landing)
BLOCKS_AT_ONCE: Final = 10_000
"""Blocks per log query; halved where a node finds that too many."""
LOCAL_CHAINS: Final = frozenset({1337, 31337})
"""Numbers of local test chains. Every signature names its chain, so one made there is worth nothing elsewhere."""
LOCAL_NODES: Final = ("anvil/", "HardhatNetwork/")
LOCAL_GAS_LIMIT: Final = 16_000_000
"""More than any act needs; gas costs nothing on a local chain."""
DEFAULT_TIP: Final = 10**9
"""Wei per gas where the node recommends nothing."""


class RpcNetwork(Network):
    """A chain reached through one node."""

    def __init__(self, url: str) -> None:
        """Connects and asks which chain it is. Raises ChainError as ``Node`` does."""
        self._node = Node(url)
        self._tells_final = False
        self.name = self._node.name
        try:
            self.chain_id = self._node.ask("eth_chainId", [], read_number)
            self.local = self.chain_id in LOCAL_CHAINS and self._client().startswith(LOCAL_NODES)
        except BaseException:
            self.close()
            raise

    def _client(self) -> str:
        return self._node.ask("web3_clientVersion", [], read_text)

    def identity(self) -> Identity:
        """The chain's number and first block."""
        return Identity(self.chain_id, self._block("0x0", lambda block: read_hash(block.get("hash"))))

    def _block(self, tag: str, read: Callable[[dict[str, Any]], Answer]) -> Answer:
        return self._node.ask("eth_getBlockByNumber", [tag, False], lambda result: read(read_object(result)))

    def head(self) -> Head:
        """The newest block. Raises ChainError ``no-base-fee`` on a network without EIP-1559."""
        block = self._block("latest", lambda block: block)
        if block.get("baseFeePerGas") is None:
            raise ChainError(
                "no-base-fee",
                f"{self.name} does not have the fee rules of EIP-1559.",
                "Use a network that does; nearly all have had them since 2021.",
            )
        try:
            number, timestamp = (read_count(block.get(name)) for name in ("number", "timestamp"))
            return Head(number, timestamp, read_number(block.get("baseFeePerGas")))
        except BadAnswer as error:
            raise self._node.bad_answer("eth_getBlockByNumber", str(error)) from None

    def block(self, number: int) -> Block | None:
        """The block with that number, or None."""
        method = "eth_getBlockByNumber"
        found = self._node.ask(method, [hex(number), False], read_block)
        if found is not None and found.number != number:
            raise self._node.bad_answer(method, "another block")
        return found

    def balance(self, address: str, block: int | None = None) -> int:
        """Native coin of an address, wei."""
        return self._node.ask("eth_getBalance", [address, _tag(block)], read_number)

    def nonce(self, address: str) -> int:
        """Number of the address's next transaction, pending ones counted."""
        return self._node.ask("eth_getTransactionCount", [address, "pending"], read_count)

    def nonce_at(self, address: str, block: int | None = None) -> int:
        """How many transactions of the address stand in blocks, up to ``block`` or the newest."""
        return self._node.ask("eth_getTransactionCount", [address, _tag(block)], read_count)

    def final_block(self) -> int | None:
        """The node's ``finalized`` block; None where it has none, or does not know the word.

        One that knew it once and refuses now is out of order for a while: ChainError ``network-error``.
        """

        def read(result: object) -> int | None:
            return None if result is None else read_count(read_object(result).get("number"))

        try:
            told = self._node.ask("eth_getBlockByNumber", ["finalized", False], read)
        except ChainError as error:
            if error.code != "network-error" or self._tells_final:
                raise
            return None
        self._tells_final = self._tells_final or told is not None
        return told

    def code(self, address: str) -> bytes:
        """Runtime code at an address."""
        return self._node.ask("eth_getCode", [address, "latest"], read_bytes)

    def call(self, call: Call, block: int | None = None) -> bytes:
        """What the call would return after a block. Raises Reverted."""
        return self._node.ask("eth_call", [_params(call), _tag(block)], read_bytes)

    def call_many(self, calls: Sequence[Call], block: int | None = None) -> list[bytes | Reverted | ChainError]:
        """For each call what ``call`` gives or raises."""
        return self._node.ask_many("eth_call", [[_params(call), _tag(block)] for call in calls], read_bytes)

    def estimate_gas(self, call: Call) -> int:
        """Gas the call would need now. Raises Reverted."""
        return self._node.ask("eth_estimateGas", [_params(call)], read_count)

    def allow_gas(self, call: Call) -> int:
        """A quarter more than the estimate; on a local chain a fixed limit, after trying the call."""
        if self.local:
            self._node.ask("eth_call", [_params(call), "pending"], read_bytes)
            return LOCAL_GAS_LIMIT
        return self.estimate_gas(call) * 5 // 4

    def rehearse(self, calls: Sequence[Call]) -> list[int | Reverted | ChainError]:
        """What ``allow_gas`` gives for each, asked in lists."""
        params = [_params(call) for call in calls]
        if self.local:
            tried = self._node.ask_many("eth_call", [[one, "pending"] for one in params], read_bytes)
            return [LOCAL_GAS_LIMIT if isinstance(one, bytes) else one for one in tried]
        return self._node.ask_many(
            "eth_estimateGas", [[one] for one in params], lambda result: read_count(result) * 5 // 4
        )

    def priority_fee(self) -> int:
        """The tip the node recommends, wei."""
        try:
            return self._node.ask("eth_maxPriorityFeePerGas", [], read_number)
        except ChainError as error:
            if error.code != "network-error":
                raise
            return DEFAULT_TIP  # not every node has the method

    def send(self, raw: bytes) -> bytes:
        """Hands in a signed transaction; its hash is computed here, not believed."""
        expected = keccak(raw)
        if self._node.ask("eth_sendRawTransaction", ["0x" + raw.hex()], read_hash) != expected:
            raise self._node.bad_answer("eth_sendRawTransaction", "the hash of another transaction")
        return expected

    def send_many(self, raws: Sequence[bytes]) -> list[bytes | Reverted | ChainError]:
        """Hands in signed transactions in few requests; their hashes are computed here, not believed."""
        method = "eth_sendRawTransaction"
        answers = self._node.ask_many(method, [["0x" + raw.hex()] for raw in raws], read_hash)
        return [self._check_hash(raw, answer) for raw, answer in zip(raws, answers, strict=True)]

    def _check_hash(self, raw: bytes, answer: bytes | Reverted | ChainError) -> bytes | Reverted | ChainError:
        if isinstance(answer, bytes) and answer != keccak(raw):
            return self._node.bad_answer("eth_sendRawTransaction", "the hash of another transaction")
        return answer

    def knows(self, transactions: Sequence[bytes]) -> list[bool]:
        """Whether the node has each transaction, in a block or waiting."""

        def read(result: object) -> bytes | None:
            return None if result is None else read_hash(read_object(result).get("hash"))

        method = "eth_getTransactionByHash"
        found = self._node.ask_many(method, [["0x" + one.hex()] for one in transactions], read)
        if any(isinstance(one, bytes) and one != asked for one, asked in zip(found, transactions, strict=True)):
            raise self._node.bad_answer(method, "another transaction")
        return [one is not None for one in _all_answered(found)]

    def receipt(self, transaction: bytes) -> Receipt | None:
        """The receipt of a transaction, or None while it is in no block."""
        return self.receipts([transaction])[0]

    def receipts(self, transactions: Sequence[bytes]) -> list[Receipt | None]:
        """The receipts of transactions, asked in lists."""
        found = self._landed(transactions, read_receipt)
        return [None if receipt is None else self._check_logs(receipt) for receipt in found]

    def landings(self, transactions: Sequence[bytes]) -> list[Landing | None]:
        """Where each stands: the same answers, of which the logs are not read."""
        return self._landed(transactions, read_landing)

    def _landed(self, transactions: Sequence[bytes], read: Callable[[object], Landed | None]) -> list[Landed | None]:
        method = "eth_getTransactionReceipt"
        answers = self._node.ask_many(method, [["0x" + one.hex()] for one in transactions], read)
        found = _all_answered(answers)
        if any(one is not None and one.transaction != asked for one, asked in zip(found, transactions, strict=True)):
            raise self._node.bad_answer(method, "the receipt of another transaction")
        return found

    def _check_logs(self, receipt: Receipt) -> Receipt:
        place = (receipt.transaction, receipt.block, receipt.block_hash)
        if any((log.transaction, log.block, log.block_hash) != place for log in receipt.logs):
            raise self._node.bad_answer("eth_getTransactionReceipt", "the receipt of another transaction")
        logs = self._with_times(receipt.logs)
        return receipt if logs is receipt.logs else replace(receipt, logs=logs)

    def logs(self, addresses: tuple[str, ...], first: int, last: int) -> list[Log]:
        """Logs of the addresses, asked for in portions the node can bear."""
        found: list[Log] = []
        at_once = BLOCKS_AT_ONCE
        start = first
        while start <= last:
            end = min(last, start + at_once - 1)
            try:
                found.extend(self._portion(addresses, start, end))
            except ChainError as error:
                # Nodes say "too many" in many ways; a portion of one block is the end of it.
                if error.code not in ("network-error", "network-timeout") or start == end:
                    raise
                at_once = max(1, (end - start + 1) // 2)
            else:
                start = end + 1
        return list(self._with_times(tuple(found)))

    def _portion(self, addresses: tuple[str, ...], first: int, last: int) -> list[Log]:
        method = "eth_getLogs"
        query = {"address": list(addresses), "fromBlock": hex(first), "toBlock": hex(last)}
        logs = self._node.ask(method, [query], lambda result: [read_log(log) for log in read_list(result)])
        if any(not first <= log.block <= last or log.address not in addresses for log in logs):
            raise self._node.bad_answer(method, "logs nobody asked for")
        if any(earlier >= later for earlier, later in pairwise((log.block, log.index) for log in logs)):
            raise self._node.bad_answer(method, "logs out of order")
        return logs

    def _with_times(self, logs: tuple[Log, ...]) -> tuple[Log, ...]:
        """The logs with the time of their block, which many nodes leave out."""
        if all(log.timestamp for log in logs):
            return logs
        times = {log.block: log.timestamp for log in logs}
        for block, known in times.items():
            if not known:
                times[block] = self._block(hex(block), lambda found: read_number(found.get("timestamp")))
        return tuple(replace(log, timestamp=times[log.block]) for log in logs)

    def proof(self, number: int) -> Proof | None:
        """What proves the logs of a block; None from a node that does not give all receipts of one."""
        from pyoutcome.chain.proofs import make_proof

        try:
            receipts = self._node.ask("eth_getBlockReceipts", [hex(number)], read_list)
        except ChainError as error:
            if error.code != "network-error":
                raise
            return None
        return self._node.ask("eth_getBlockByNumber", [hex(number), False], lambda block: make_proof(block, receipts))

    def _mine_at(self, timestamp: int) -> None:
        self._node.ask("evm_setNextBlockTimestamp", [timestamp], lambda _: None)
        self._node.ask("evm_mine", [], lambda _: None)

    @property
    def web3(self) -> Web3:
        """The node through web3.py."""
        from web3 import HTTPProvider, Web3

        return Web3(HTTPProvider(self._node.url))

    def close(self) -> None:
        """Ends the HTTP session."""
        self._node.close()


def _all_answered(answers: list[Answer | Reverted | ChainError]) -> list[Answer]:
    """The answers, if none is a refusal."""
    good: list[Answer] = []
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
        good.append(answer)
    return good


def _tag(block: int | None) -> str:
    """How a block is named in a question about its state."""
    return "latest" if block is None else hex(block)


def _params(call: Call) -> dict[str, str]:
    params = {"from": call.sender, "data": "0x" + call.data.hex(), "value": hex(call.value)}
    return {**params, "to": call.to} if call.to else params
