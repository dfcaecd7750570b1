"""Reading a node's JSON answers strictly: the right shape, or ``BadAnswer`` with the reason."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final, TypeVar

from eth_utils.address import to_checksum_address

from pyoutcome.chain.blocks import Block, Landing, Log, Receipt

_NUMBER: Final = re.compile(r"0x[0-9a-fA-F]{1,64}")
_BYTES: Final = re.compile(r"0x(?:[0-9a-fA-F]{2})*")
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")
_HASH: Final = re.compile(r"0x[0-9a-fA-F]{64}")
MOST_TOPICS: Final = 4
MOST_COUNTED: Final = 2**63
"""What a database's whole numbers end before, and no chain will ever reach."""
Answer = TypeVar("Answer")


class BadAnswer(Exception):  # noqa: N818 - internal: the network turns it into a ChainError
    """An answer of the wrong shape."""


def _match(pattern: re.Pattern[str], value: object, what: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise BadAnswer(f"no {what}")
    return value


def read_number(value: object) -> int:
    """A quantity: ``0x`` and up to 64 hexadecimal digits."""
    return int(_match(_NUMBER, value, "number"), 16)


def read_count(value: object) -> int:
    """A quantity that counts blocks, transactions, units of gas or seconds: less than 2**63."""
    count = read_number(value)
    if count >= MOST_COUNTED:
        raise BadAnswer("no possible number")
    return count


def read_bytes(value: object) -> bytes:
    """Data: ``0x`` and whole bytes."""
    return bytes.fromhex(_match(_BYTES, value, "bytes")[2:])


def read_hash(value: object) -> bytes:
    """32 bytes."""
    return bytes.fromhex(_match(_HASH, value, "hash")[2:])


def read_address(value: object) -> str:
    """An address, as checksum text."""
    return _with_checksum(_match(_ADDRESS, value, "address"))


@lru_cache(maxsize=8192)  # logs repeat few addresses, and each checksum costs a tenth of a millisecond
def _with_checksum(address: str) -> str:
    return to_checksum_address(address)


def read_text(value: object) -> str:
    """A text."""
    if not isinstance(value, str):
        raise BadAnswer("no text")
    return value


def read_object(value: object) -> dict[str, Any]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise BadAnswer("no object")
    return value


def read_list(value: object) -> list[Any]:
    """A JSON array."""
    if not isinstance(value, list):
        raise BadAnswer("no list")
    return value


def read_log(value: object) -> Log:
    """A log entry of a mined block; its timestamp is 0 where the node does not tell."""
    content = read_object(value)
    if content.get("removed") not in (None, False):
        raise BadAnswer("a log that was removed")
    topics = tuple(read_hash(topic) for topic in read_list(content.get("topics")))
    if len(topics) > MOST_TOPICS:
        raise BadAnswer("a log with too many topics")
    timestamp = content.get("blockTimestamp")
    return Log(
        address=read_address(content.get("address")),
        topics=topics,
        data=read_bytes(content.get("data")),
        block=read_count(content.get("blockNumber")),
        index=read_count(content.get("logIndex")),
        transaction=read_hash(content.get("transactionHash")),
        timestamp=read_count(timestamp) if timestamp is not None else 0,
        block_hash=read_hash(content.get("blockHash")),
    )


def read_block(value: object) -> Block | None:
    """A block's header; None where there is none."""
    if value is None:
        return None
    content = read_object(value)
    number, timestamp = (read_count(content.get(name)) for name in ("number", "timestamp"))
    return Block(number, read_hash(content.get("hash")), timestamp)


def read_landing(value: object) -> Landing | None:
    """Where a transaction stands, from its receipt; None while it is in no block."""
    if value is None:
        return None
    content = read_object(value)
    return Landing(
        transaction=read_hash(content.get("transactionHash")),
        block=read_count(content.get("blockNumber")),
        block_hash=read_hash(content.get("blockHash")),
        succeeded=read_number(content.get("status")) == 1,
    )


def read_receipt(value: object) -> Receipt | None:
    """A receipt with its logs; None while the transaction is in no block."""
    landing = read_landing(value)
    if landing is None:
        return None
    content = read_object(value)
    created = content.get("contractAddress")
    return Receipt(
        transaction=landing.transaction,
        block=landing.block,
        block_hash=landing.block_hash,
        succeeded=landing.succeeded,
        gas_used=read_count(content.get("gasUsed")),
        gas_price=read_number(content.get("effectiveGasPrice")),
        created=read_address(created) if created else None,
        logs=tuple(read_log(log) for log in read_list(content.get("logs"))),
    )
