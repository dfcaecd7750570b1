"""What a chain says, gathered for one write of the index: where it was reorganised, and the logs of many escrows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from pyoutcome.chain.blocks import Block, Log
from pyoutcome.chain.network import Network
from pyoutcome.errors import ChainError

BLOCKS_AT_ONCE: Final = 10_000
"""Blocks that are gathered for one write."""
ADDRESSES_AT_ONCE: Final = 500
"""Escrows in one question."""
TRIES: Final = 5
LARGEST: Final = 2**40
"""Block numbers and times below this are believed."""


@dataclass(frozen=True)
class Gathered:
    """The logs of some escrows in a range of blocks."""

    reached: Block
    """The last block of the range."""
    addresses: tuple[str, ...]
    """Whose logs of the range were asked for."""
    logs: dict[str, list[Log]] = field(default_factory=dict)
    """By address, in the chain's order."""
    blocks: dict[int, bytes] = field(default_factory=dict)
    """Hash of every block with logs."""


def find_cut(network: Network, known: Sequence[tuple[int, bytes]]) -> int | None:
    """The first block from which nothing can be relied on any more; None if the chain still has the last known one.

    ``known``: numbers and hashes, rising. Where a block is the same, so is every earlier one.
    """
    if not known or _stands(network, known[-1]):
        return None
    low, high = 0, len(known) - 1  # all before low stand, high does not
    while low < high:
        middle = (low + high) // 2
        if _stands(network, known[middle]):
            low = middle + 1
        else:
            high = middle
    return known[low - 1][0] + 1 if low else 0


def still_stand(network: Network, blocks: Sequence[Block]) -> bool:
    """Whether the chain has all of these blocks, also where later ones were seen after it was reorganised."""
    return all(_stands(network, (block.number, block.hash)) for block in blocks)


def _stands(network: Network, known: tuple[int, bytes]) -> bool:
    block = network.block(known[0])
    return block is not None and block.hash == known[1]


def gather(network: Network, next_blocks: Mapping[str, int], head: int) -> Gathered | None:
    """The next portion of logs up to block ``head``; None if there is none.

    ``next_blocks``: the first block whose logs are missing, by address. Those who lag behind the others are brought up
    to them first. Raises ChainError ``chain-unsteady`` where the chain changed under every try.
    """
    if not next_blocks or min(next_blocks.values()) > head:
        return None
    first, front = min(next_blocks.values()), max(next_blocks.values())
    last = min(head, first + BLOCKS_AT_ONCE - 1, *([front - 1] if first < front else []))
    for _ in range(TRIES):
        found = _try_to_gather(network, next_blocks, first, last)
        if found is not None:
            return found
    raise unsteady(network, last)


def unsteady(network: Network, block: int) -> ChainError:
    """The error for a chain that is never twice the same."""
    return ChainError(
        "chain-unsteady",
        f"{network.name} changed its mind about block {block} again and again while its logs were read.",
        "Try again; if it stays so, use another node.",
        block=block,
    )


def _try_to_gather(network: Network, next_blocks: Mapping[str, int], first: int, last: int) -> Gathered | None:
    reached = network.block(last)
    if reached is None:
        return None
    found = Gathered(reached, tuple(address for address, block in next_blocks.items() if block <= last))
    addresses = iter(found.addresses)
    while portion := tuple(islice(addresses, ADDRESSES_AT_ONCE)):
        for log in network.logs(portion, first, last):
            if not (log.block < LARGEST and log.timestamp < LARGEST):
                raise ChainError(
                    "bad-network-answer",
                    f"{network.name} answered with a log of block {log.block}, at {log.timestamp}.",
                    "Use another node; nothing was concluded from the answer.",
                )
            if found.blocks.setdefault(log.block, log.block_hash) != log.block_hash:
                return None
            if log.block >= next_blocks[log.address]:
                found.logs.setdefault(log.address, []).append(log)
    after = network.block(last)
    # Whoever reads while the chain is reorganised may get logs of both branches.
    steady = after == reached and found.blocks.get(last, reached.hash) == reached.hash
    return found if steady else None
