"""A real story of two escrows, and a chain that tells it in blocks of one's choosing and can be reorganised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING

from eth_utils.crypto import keccak

from pyoutcome.chain.blocks import Block, Call, Head, Identity, Log
from pyoutcome.chain.escrow import EscrowClient
from pyoutcome.chain.network import Network
from tests.chain.scene import RELEASE, UNIT, Scene

if TYPE_CHECKING:
    from web3 import Web3

GENESIS = keccak(b"genesis")


class Story:
    """What two escrows logged, by transaction. No dataclass: Hypothesis would show all of it."""

    def __init__(self, scene: Scene, *escrows: EscrowClient) -> None:
        self.scene, self.escrows = scene, escrows
        self.told = tuple(told_by(escrow) for escrow in escrows)


def live(scene: Scene) -> Story:
    """One escrow goes through shortage, debt, arrears and closing; a later one is only funded and settled."""
    first = scene.network.head().number + 1
    deal = replace(scene.deal, nonce=1)
    escrow, _ = scene.factory.create(scene.outsider, deal)
    other = replace(scene, deal=deal, escrow=escrow)
    other.start()
    scene.fund(3_500 * UNIT)
    scene.accept()
    scene.escrow.activate(scene.outsider)
    for period, shares in ((1, ("0.3333", "0.7777")), (2, ("0.9999", "0.9999"))):
        scene.settle(period, scene.values(*shares))
        other.settle(period, scene.values(*shares))
    scene.fund(300 * UNIT)
    scene.escrow.pay_arrears(scene.outsider, 1)
    scene.settle(3, scene.values("-0.5555", "0.1234"))
    scene.token.mint(scene.outsider, scene.escrow.address, 7)
    scene.fund(5_000 * UNIT)
    scene.network.advance_to(RELEASE)
    scene.escrow.close(scene.outsider, 100)
    return Story(scene, scene.escrow, EscrowClient(scene.network, escrow.address, first))


def told_by(escrow: EscrowClient) -> list[list[Log]]:
    found = escrow.network.logs((escrow.address,), 0, escrow.network.head().number)
    return [list(each) for _, each in groupby(found, lambda log: log.transaction)]


@dataclass
class Mined:
    """One block of a told chain."""

    block: Block
    logs: list[Log]
    told: tuple[int, int]
    """How many transactions of each escrow stand in it and before it."""


@dataclass(eq=False)
class ToldChain(Network):
    """A network that has as much of a story as was mined on it. What contracts answer is asked where they are."""

    story: Story
    chain: list[Mined] = field(default_factory=list)
    mined: int = 0
    """Blocks ever mined, also those that no longer count: no hash comes twice."""
    asked: int = 0
    """Questions for logs so far."""

    def __post_init__(self) -> None:
        self.name, self.chain_id, self.local = "told", 1, False
        self.chain.append(Mined(Block(0, GENESIS, 0), [], (0, 0)))

    def mine(self, *more: int) -> None:
        """A block with the next transactions of each escrow."""
        number, before = len(self.chain), self.chain[-1].told
        self.mined += 1
        block = Block(number, keccak(self.mined.to_bytes(8)), 60 * number)
        told = [
            min(had + add, len(told)) for had, add, told in zip(before, more or (0, 0), self.story.told, strict=True)
        ]
        logs = [
            log
            for had, has, transactions in zip(before, told, self.story.told, strict=True)
            for transaction in transactions[had:has]
            for log in transaction
        ]
        placed = [
            replace(log, block=number, index=at, timestamp=block.timestamp, block_hash=block.hash)
            for at, log in enumerate(logs)
        ]
        self.chain.append(Mined(block, placed, (told[0], told[1])))

    def drop(self, blocks: int) -> None:
        """The last blocks no longer count."""
        self.chain = self.chain[: max(1, len(self.chain) - blocks)]

    def identity(self) -> Identity:
        return Identity(self.chain_id, GENESIS)

    def head(self) -> Head:
        newest = self.chain[-1].block
        return Head(newest.number, newest.timestamp, 0)

    def block(self, number: int) -> Block | None:
        return self.chain[number].block if 0 <= number < len(self.chain) else None

    def logs(self, addresses: tuple[str, ...], first: int, last: int) -> list[Log]:
        self.asked += 1
        inside = self.chain[max(first, 0) : last + 1]
        return [log for mined in inside for log in mined.logs if log.address in addresses]

    def call(self, call: Call, block: int | None = None) -> bytes:
        assert block is None
        return self.story.scene.network.call(call)

    def code(self, address: str) -> bytes:
        return self.story.scene.network.code(address)

    def balance(self, address: str, block: int | None = None) -> int:
        raise AssertionError((address, block))

    def nonce(self, address: str) -> int:
        raise AssertionError(address)

    def nonce_at(self, address: str, block: int | None = None) -> int:
        raise AssertionError((address, block))

    def final_block(self) -> int | None:
        raise AssertionError

    def knows(self, transactions: Sequence[bytes]) -> list[bool]:
        raise AssertionError(transactions)

    def estimate_gas(self, call: Call) -> int:
        raise AssertionError(call)

    def allow_gas(self, call: Call) -> int:
        raise AssertionError(call)

    def priority_fee(self) -> int:
        raise AssertionError

    def send(self, raw: bytes) -> bytes:
        raise AssertionError(raw)

    def receipt(self, transaction: bytes) -> None:
        raise AssertionError(transaction)

    @property
    def web3(self) -> Web3:
        raise AssertionError

    def _mine_at(self, timestamp: int) -> None:
        raise AssertionError(timestamp)

    def close(self) -> None:
        pass
