"""Logs proven by their block: its header, whose hash names it, and all its receipts, whose root stands in the header.

Whoever trusts a block's hash needs to trust nobody for what was logged in it, and for what was not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from pyoutcome.chain.answers import BadAnswer, read_bytes, read_list, read_number, read_object
from pyoutcome.chain.blocks import Log
from pyoutcome.errors import ChainError

HEADER: Final = (
    "parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom", "difficulty",
    "number", "gasLimit", "gasUsed", "timestamp", "extraData", "mixHash", "nonce", "baseFeePerGas", "withdrawalsRoot",
    "blobGasUsed", "excessBlobGas", "parentBeaconBlockRoot", "requestsHash",
)  # fmt: skip
"""Fields of a header in their order; later hard forks added to the end."""
_NUMBERS: Final = frozenset(
    {"difficulty", "number", "gasLimit", "gasUsed", "timestamp", "baseFeePerGas", "blobGasUsed", "excessBlobGas"}
)
_RECEIPTS_ROOT, _NUMBER, _TIMESTAMP = HEADER.index("receiptsRoot"), HEADER.index("number"), HEADER.index("timestamp")
LARGEST_TYPE: Final = 0x7F
"""Transactions with a type begin with a byte up to this; older ones with a list's first byte."""


@dataclass(frozen=True)
class Proof:
    """One block's header and receipts, as they are hashed."""

    header: bytes
    receipts: tuple[bytes, ...]
    """In the order of the block's transactions."""


@dataclass(frozen=True)
class ProvenBlock:
    """What a proof says."""

    number: int
    hash: bytes
    timestamp: int
    logs: tuple[tuple[str, tuple[bytes, ...], bytes], ...]
    """Address, topics and data of every log in the block; their places are the logs' indexes."""

    def agrees(self, logs: Sequence[Log], address: str) -> bool:
        """Whether these are all logs of the address in the block, and each as it was logged, at its time."""
        told = [(log.index, (log.address, log.topics, log.data)) for log in logs]
        own = [(index, log) for index, log in enumerate(self.logs) if log[0] == address]
        placed = all(
            (log.block, log.block_hash, log.timestamp) == (self.number, self.hash, self.timestamp) for log in logs
        )
        return placed and told == own


def make_proof(block: object, receipts: object) -> Proof | None:
    """The proof out of a node's JSON for a block and its receipts; None where the header is of another form than
    Ethereum's, or the receipts are not the block's. Raises BadAnswer."""
    content = read_object(block)
    header = _encode([_field(content, name) for name in HEADER if content.get(name) is not None])
    proof = Proof(header, tuple(_receipt(read_object(each)) for each in read_list(receipts)))
    own = read_bytes(content.get("hash")) == keccak(header)
    return proof if own and _root(proof.receipts) == read_bytes(content.get("receiptsRoot")) else None


def read_proof(proof: Proof) -> ProvenBlock:
    """What a proof says that anybody may have made. Raises ChainError ``bad-proof``."""
    from rlp import decode
    from rlp.exceptions import RLPException

    try:
        header = decode(proof.header)
        if not isinstance(header, list) or len(header) <= _TIMESTAMP or header[_RECEIPTS_ROOT] != _root(proof.receipts):
            raise _bad_proof()
        logs = []
        for receipt in proof.receipts:
            _, _, _, logged = decode(receipt[1:] if receipt[0] <= LARGEST_TYPE else receipt)
            logs += [_log(*each) for each in logged]
        number, timestamp = (int.from_bytes(header[at]) for at in (_NUMBER, _TIMESTAMP))
    except (RLPException, ValueError, TypeError, IndexError) as error:
        raise _bad_proof() from error
    return ProvenBlock(number, keccak(proof.header), timestamp, tuple(logs))


def _log(address: bytes, topics: list[bytes], data: bytes) -> tuple[str, tuple[bytes, ...], bytes]:
    return to_checksum_address(address), tuple(bytes(topic) for topic in topics), bytes(data)


def _field(content: dict[str, Any], name: str) -> bytes:
    return _minimal(read_number(content[name])) if name in _NUMBERS else read_bytes(content[name])


def _receipt(content: dict[str, Any]) -> bytes:
    logs = [
        [
            read_bytes(log.get("address")),
            [read_bytes(topic) for topic in read_list(log.get("topics"))],
            read_bytes(log.get("data")),
        ]
        for log in map(read_object, read_list(content.get("logs")))
    ]
    used = _minimal(read_number(content.get("cumulativeGasUsed")))
    encoded = _encode([_minimal(read_number(content.get("status"))), used, read_bytes(content.get("logsBloom")), logs])
    kind = read_number(content.get("type", "0x0"))
    if kind > LARGEST_TYPE:
        raise BadAnswer("a receipt of an unknown type")
    return (bytes([kind]) if kind else b"") + encoded


def _minimal(number: int) -> bytes:
    """A number as RLP has it: without leading zeros."""
    return number.to_bytes((number.bit_length() + 7) // 8)


def _encode(parts: list[Any]) -> bytes:
    from rlp import encode

    return bytes(encode(parts))


class _Raw:
    """Bytes where py-evm wants something that encodes itself."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def encode(self) -> bytes:
        return self._data


def _root(receipts: Sequence[bytes]) -> bytes:
    """The root of the receipts' trie, as it stands in a header."""
    from eth.db.trie import make_trie_root_and_nodes

    items: Any = [_Raw(each) for each in receipts]
    return bytes(make_trie_root_and_nodes(items)[0])


def _bad_proof() -> ChainError:
    return ChainError(
        "bad-proof",
        "What should prove a block's logs is not its header and receipts.",
        "Ask for it again from whoever made it.",
    )
