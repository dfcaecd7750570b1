"""What a network answered, written down, and a network that answers the same again without a connection."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pyoutcome.chain.answers import (
    BadAnswer,
    read_address,
    read_bytes,
    read_count,
    read_hash,
    read_list,
    read_number,
    read_object,
    read_text,
)
from pyoutcome.chain.blocks import Block, Call, Head, Identity, Log, Receipt, Reverted
from pyoutcome.chain.network import Network
from pyoutcome.errors import ChainError

if TYPE_CHECKING:
    from web3 import Web3

Answers = dict[str, Any]
"""JSON by question; whole numbers and bytes are ``0x`` texts."""


class _Reading(Network, ABC):
    """A network that is only read."""

    local = False

    def nonce(self, address: str) -> int:
        raise self._refuse(f"the nonce of {address}")

    def nonce_at(self, address: str, block: int | None = None) -> int:
        raise self._refuse(f"the nonce of {address} after block {block}")

    def final_block(self) -> int | None:
        raise self._refuse("what is final")

    def knows(self, transactions: Sequence[bytes]) -> list[bool]:
        raise self._refuse(f"{len(transactions)} transactions")

    def estimate_gas(self, call: Call) -> int:
        raise self._refuse(f"the gas of a call to {call.to}")

    def allow_gas(self, call: Call) -> int:
        raise self._refuse(f"the gas of a call to {call.to}")

    def priority_fee(self) -> int:
        raise self._refuse("fees")

    def send(self, raw: bytes) -> bytes:
        raise self._refuse(f"a transaction of {len(raw)} bytes")

    def receipt(self, transaction: bytes) -> Receipt | None:
        raise self._refuse(f"transaction 0x{transaction.hex()}")

    @property
    def web3(self) -> Web3:
        raise self._refuse("web3.py")

    def _mine_at(self, timestamp: int) -> None:
        raise self._refuse(f"a block at {timestamp}")

    def _refuse(self, what: str) -> ChainError:
        return ChainError(
            "not-in-transcript",
            f"What was written down of {self.name} does not say anything about {what}.",
            "Use the network itself, or a transcript that was made for this.",
        )


class RecordingNetwork(_Reading):
    """A network in front of another, which writes down what that one answers."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.name, self.chain_id = network.name, network.chain_id
        self.answers: Answers = {"network": network.name, "chain_id": hex(network.chain_id)}

    def identity(self) -> Identity:
        found = self._network.identity()
        self.answers["genesis"] = None if found.genesis is None else _hex(found.genesis)
        return found

    def head(self) -> Head:
        found = self._network.head()
        self.answers["head"] = [hex(found.number), hex(found.timestamp), hex(found.base_fee)]
        return found

    def block(self, number: int) -> Block | None:
        found = self._network.block(number)
        answer = None if found is None else [hex(found.number), _hex(found.hash), hex(found.timestamp)]
        self.answers[f"block {number}"] = answer
        return found

    def balance(self, address: str, block: int | None = None) -> int:
        found = self._network.balance(address, block)
        self.answers[f"balance {_tag(block)} {address}"] = hex(found)
        return found

    def code(self, address: str) -> bytes:
        found = self._network.code(address)
        self.answers[f"code {address}"] = _hex(found)
        return found

    def call(self, call: Call, block: int | None = None) -> bytes:
        found = self._network.call(call, block)
        self.answers[_asked(call, block)] = _hex(found)
        return found

    def call_many(self, calls: Sequence[Call], block: int | None = None) -> list[bytes | Reverted | ChainError]:
        found = self._network.call_many(calls, block)
        for call, answer in zip(calls, found, strict=True):
            if isinstance(answer, bytes):
                self.answers[_asked(call, block)] = _hex(answer)
        return found

    def logs(self, addresses: tuple[str, ...], first: int, last: int) -> list[Log]:
        found = self._network.logs(addresses, first, last)
        self.answers[_logs_asked(addresses, first, last)] = [_written(log) for log in found]
        return found

    def close(self) -> None:
        """The network itself stays open."""


class ToldNetwork(_Reading):
    """A network that answers as was written down. Raises ChainError ``not-in-transcript`` for all else, and
    ``bad-transcript`` for what is no answer."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self._answers = answers
        self.name = self._read("network", read_text)
        self.chain_id = self._read("chain_id", read_number)

    def _read(self, question: str, read: Any) -> Any:
        if question not in self._answers:
            raise self._refuse(question) if question != "network" else _bad("it does not say of which network it is")
        try:
            return read(self._answers[question])
        except BadAnswer as error:
            raise _bad(f"{question[:100]!r} is answered with {error}") from None

    def identity(self) -> Identity:
        return Identity(self.chain_id, self._read("genesis", lambda each: None if each is None else read_hash(each)))

    def head(self) -> Head:
        return Head(*self._read("head", lambda each: _counts(each, 3)))

    def block(self, number: int) -> Block | None:
        return self._read(f"block {number}", _read_block)  # type: ignore[no-any-return]

    def balance(self, address: str, block: int | None = None) -> int:
        return int(self._read(f"balance {_tag(block)} {address}", read_number))

    def code(self, address: str) -> bytes:
        return bytes(self._read(f"code {address}", read_bytes))

    def call(self, call: Call, block: int | None = None) -> bytes:
        return bytes(self._read(_asked(call, block), read_bytes))

    def logs(self, addresses: tuple[str, ...], first: int, last: int) -> list[Log]:
        question = _logs_asked(addresses, first, last)
        return self._read(question, lambda each: [_read_log(log) for log in read_list(each)])  # type: ignore[no-any-return]

    def close(self) -> None:
        """Nothing is open."""


def _bad(why: str) -> ChainError:
    return ChainError(
        "bad-transcript",
        f"What was written down of a network cannot be read: {why}.",
        "Ask for it again from whoever made it.",
    )


def _counts(value: object, many: int) -> list[int]:
    found = [read_number(each) for each in read_list(value)]
    if len(found) != many:
        raise BadAnswer("another number of figures")
    return found


def _read_block(value: object) -> Block | None:
    if value is None:
        return None
    number, block_hash, timestamp, *more = [*read_list(value), None, None, None]
    if more != [None, None, None]:
        raise BadAnswer("another number of figures")
    return Block(read_count(number), read_hash(block_hash), read_count(timestamp))


def _written(log: Log) -> dict[str, Any]:
    return {
        "address": log.address,
        "topics": [_hex(topic) for topic in log.topics],
        "data": _hex(log.data),
        "block": hex(log.block),
        "index": hex(log.index),
        "transaction": _hex(log.transaction),
        "timestamp": hex(log.timestamp),
        "block_hash": _hex(log.block_hash),
    }


def _read_log(value: object) -> Log:
    given = read_object(value)
    return Log(
        read_address(given.get("address")),
        tuple(read_hash(topic) for topic in read_list(given.get("topics"))),
        read_bytes(given.get("data")),
        read_count(given.get("block")),
        read_count(given.get("index")),
        read_hash(given.get("transaction")),
        read_count(given.get("timestamp")),
        read_hash(given.get("block_hash")),
    )


def _asked(call: Call, block: int | None) -> str:
    return f"call {_tag(block)} {call.sender} {call.to} {call.value} {_hex(call.data)}"


def _logs_asked(addresses: tuple[str, ...], first: int, last: int) -> str:
    return f"logs {first} {last} {' '.join(addresses)}"


def _tag(block: int | None) -> str:
    return "latest" if block is None else str(block)


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
