"""Which of many escrows have something new, asked of the chain itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyoutcome.chain.network import Network


@dataclass(frozen=True)
class Seen:
    """What a glance found."""

    grown: frozenset[str]
    """Escrows with new logs."""
    lost: frozenset[str] = frozenset()
    """Escrows some of whose logs are no longer on the chain."""


class Glance:
    """Looks at the logs since the last look, from now on."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._escrows: set[str] = set()
        self._next = network.head().number + 1
        self._last = b""

    def watch(self, escrow: str, first_block: int) -> None:  # noqa: ARG002 - as an index has it
        """Has an escrow followed."""
        self._escrows.add(escrow)

    def update(self) -> Seen:
        """Looks at the blocks since the last time; after a reorganisation everything counts as lost."""
        head = self._network.head().number
        if self._last and self._network.block_hash(self._next - 1) != self._last:
            self._next, self._last = head + 1, self._network.block_hash(head) or b""
            return Seen(frozenset(), frozenset(self._escrows))
        if head < self._next or not self._escrows:
            return Seen(frozenset())
        logs = self._network.logs(tuple(sorted(self._escrows)), self._next, head)
        self._next, self._last = head + 1, self._network.block_hash(head) or b""
        return Seen(frozenset(log.address for log in logs))
