"""What goes into a network and comes out of it: calls, blocks, logs and what became of transactions."""

from __future__ import annotations

from dataclasses import dataclass

ZERO_ADDRESS = "0x" + "00" * 20
"""Stands for the native coin where a token address is expected."""


@dataclass(frozen=True)
class Call:
    """A message to a contract, or the creation of one."""

    sender: str
    """Checksum address that acts."""
    to: str | None
    """Checksum address of the contract; None creates one."""
    data: bytes
    """Selector and arguments, or the creation code."""
    value: int = 0
    """Native coin sent along, in its smallest unit (wei)."""


@dataclass(frozen=True)
class Head:
    """The newest block of a network."""

    number: int
    timestamp: int
    """Unix seconds: the network's clock."""
    base_fee: int
    """Least price of one unit of gas, wei (EIP-1559)."""


@dataclass(frozen=True)
class Block:
    """One block, as far as telling it from another of the same number needs."""

    number: int
    hash: bytes
    """32 bytes."""
    timestamp: int
    """Unix seconds."""


@dataclass(frozen=True)
class Log:
    """One log entry, not yet decoded."""

    address: str
    topics: tuple[bytes, ...]
    data: bytes
    block: int
    index: int
    """Position of the log within its block."""
    transaction: bytes
    timestamp: int
    """Unix seconds of the block."""
    block_hash: bytes
    """Hash of the block, 32 bytes: another one at the same number is a reorganised chain."""


@dataclass(frozen=True)
class Landing:
    """Where a transaction stands in the chain, and whether it was carried out there."""

    transaction: bytes
    """Transaction hash, 32 bytes."""
    block: int
    block_hash: bytes
    """Hash of the block it stands in, 32 bytes."""
    succeeded: bool


@dataclass(frozen=True)
class Receipt(Landing):
    """What became of a transaction that stands in a block."""

    gas_used: int
    gas_price: int
    """Wei paid per unit of gas."""
    created: str | None
    """Checksum address of the contract it created."""
    logs: tuple[Log, ...]

    @property
    def fee(self) -> int:
        """What the sender paid for it, wei."""
        return self.gas_used * self.gas_price


@dataclass(frozen=True)
class Identity:
    """Which chain this is. Two chains with the same number (two fresh local nodes) differ in their first block."""

    chain_id: int
    genesis: bytes | None = None
    """Hash of block 0, 32 bytes; None if only the number was recorded."""


class Reverted(Exception):  # noqa: N818 - not an error of ours: `reverts.explain` turns it into one
    """A contract refused a call; nothing has changed."""

    def __init__(self, data: bytes, message: str = "") -> None:
        super().__init__(message or data.hex())
        self.data = data
        """What the contract returned: a Solidity error, encoded."""
        self.message = message
        """What the node said where there is no data (out of gas, no code)."""
