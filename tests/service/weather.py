"""What befalls keepers while they work: a bad line to the node, reorganisations, full disks, clocks that jump.

Each kind has a ``befall`` that does what it does now and then, counts it, and a ``clear`` that ends it.
"""

from __future__ import annotations

import random
import resource
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from pyoutcome.chain.network import Network
from tests.anvil import Line
from tests.service.nursery import set_clock
from tests.service.proxy import BadLine

HOUR = 3600
DAY = 24 * HOUR


class Weather(Protocol):
    """One kind of fault."""

    counts: Counter[str]
    """What has happened, in words."""

    def befall(self) -> None:
        """Does something, or nothing, by chance. Called a few times a second."""
        ...

    def clear(self) -> None:
        """Ends it."""
        ...


class Storms:
    """The line to the node is bad now and then."""

    RATES = (0.0, 0.0, 0.0, 0.003, 0.01, 0.1)

    def __init__(self, line: BadLine, chance: random.Random) -> None:
        self._line = line
        self._chance = chance
        self.counts = line.counts

    def befall(self) -> None:
        if self._chance.random() < 0.3:
            self._line.rate = self._chance.choice(self.RATES)

    def clear(self) -> None:
        self._line.rate = 0.0


class Reorganisations:
    """The last blocks give way to others, in which some of their transactions are missing."""

    OFTEN = 0.04
    OFTEN_AFTER = 0.3
    """Where transactions stand in blocks that may give way."""

    def __init__(self, node: Line, network: Network, chance: random.Random) -> None:
        self._node = node
        self._network = network
        self._chance = chance
        self.counts: Counter[str] = Counter()

    def befall(self) -> None:
        if self._chance.random() < 0.2:
            self._node.ask("anvil_mine", "0x1")
        head = self._network.head().number
        recent = any(self._transactions(block) for block in range(head - 2, head + 1))
        if self._chance.random() < (self.OFTEN_AFTER if recent else self.OFTEN):
            self.reorganise(self._chance.randint(1, 3))

    def reorganise(self, depth: int) -> None:
        """Replaces so many blocks; each of their transactions is lost, or stands in the first of the new ones."""
        head = self._network.head().number
        lost = [raw for block in range(head - depth + 1, head + 1) for raw in self._transactions(block)]
        kept = [raw for raw in lost if self._chance.random() < 0.3]
        # Without those before it a later one of the same sender cannot stand in a block.
        again = lost[: len(kept)]
        self._node.ask("anvil_reorg", depth, [[raw, 0] for raw in again])
        self.counts["reorganisation"] += 1
        self.counts["transaction taken back"] += len(lost) - len(again)
        self.counts["transaction moved"] += len(again)

    def _transactions(self, block: int) -> list[str]:
        found = self._node.ask("eth_getBlockByNumber", hex(block), False)
        return [self._node.ask("eth_getRawTransactionByHash", each) for each in found["transactions"]]

    def clear(self) -> None:
        self._node.ask("anvil_mine", "0x8")


class FullDisks:
    """No file may grow beyond a size, so that writes fail or end in the middle, as on a disk without room."""

    SIZES = (0, 64, 700, 4096, 20_000, 70_000, 400_000)

    def __init__(self, chance: random.Random, living: Callable[[], Iterable[int]]) -> None:
        """``living``: the process numbers of the keepers there are."""
        self._chance = chance
        self._living = living
        self._size: int | None = None
        self.counts: Counter[str] = Counter()

    def befall(self) -> None:
        if self._size is None and self._chance.random() < 0.08:
            self._size = self._chance.choice(self.SIZES)
            self.counts["disk full"] += 1
        elif self._size is not None and self._chance.random() < 0.3:
            self._size = None
        self._limit()

    def _limit(self) -> None:
        size = resource.RLIM_INFINITY if self._size is None else self._size
        for number in self._living():
            with suppress(ProcessLookupError):
                resource.prlimit(number, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def clear(self) -> None:
        self._size = None
        self._limit()


class WrongClocks:
    """The machine's clock and the chain's jump ahead and back."""

    JUMPS = (-40 * DAY, -3 * HOUR, -1800, -90, -5, 0, 0, 5, 90, 1800, 3 * HOUR, 40 * DAY)

    def __init__(self, node: Line, network: Network, configs: Iterable[Path], chance: random.Random) -> None:
        self._node = node
        self._network = network
        self._configs = tuple(configs)
        self._chance = chance
        self.counts: Counter[str] = Counter()

    def befall(self) -> None:
        if self._chance.random() < 0.15:
            set_clock(self._chance.choice(self._configs), self._chance.choice(self.JUMPS))
            self.counts["machine's clock set"] += 1
        if self._chance.random() < 0.03:
            self._node.ask("evm_increaseTime", self._chance.choice((60, HOUR, 2 * DAY)))
            self._node.ask("evm_mine")
            self.counts["chain's clock ahead"] += 1
        if self._chance.random() < 0.03:
            # No chain has a block that is older than the one before: its clock goes back where blocks are taken back.
            now = self._network.now()
            if not self._node.ask("eth_getBlockByNumber", "latest", False)["transactions"]:
                self._node.ask("anvil_reorg", 1, [])
            self.counts["chain's clock back"] += self._network.now() < now

    def clear(self) -> None:
        for config in self._configs:
            set_clock(config, 0)
