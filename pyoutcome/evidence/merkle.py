"""A tree of hashes over records: one root stands for all of them, and a short path shows that one is among them.

The tree is that of Certificate Transparency (RFC 9162, section 2.1): SHA-256, a leaf hashed behind the byte 0 and a
node behind the byte 1, so that no node can be passed off as a leaf; the left half is the greatest power of two below
the number of leaves.

A record has few possible contents, so a bare hash of one could be guessed. Each leaf is hashed together with a salt of
its own, which is worked out from one secret: who is shown a record and its salt learns nothing about the others.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from typing import Final

SIZE: Final = 32
"""Bytes of a hash, a salt and a secret."""
_LEAF: Final = b"\0"
_NODE: Final = b"\1"


def salt_of(secret: bytes, key: bytes) -> bytes:
    """The salt of the record that ``key`` names: HMAC-SHA-256 (RFC 2104) gives away neither secret nor other salts."""
    return hmac.digest(secret, key, "sha256")


def hash_leaf(salt: bytes, record: bytes) -> bytes:
    """The leaf of a record. The salt has always 32 bytes, so where it ends is plain."""
    return hashlib.sha256(_LEAF + salt + record).digest()


def hash_plain(entry: bytes) -> bytes:
    """The leaf of an entry without salt, as the standard has it."""
    return hashlib.sha256(_LEAF + entry).digest()


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over leaves in their order; of none, the hash of nothing. Keeps one hash per level, not the leaves."""
    waiting: list[tuple[int, bytes]] = []  # subtrees from left to right: how many leaves, and their root
    for leaf in leaves:
        size, held = 1, leaf
        while waiting and waiting[-1][0] == size:
            held = _join(waiting.pop()[1], held)
            size *= 2
        waiting.append((size, held))
    if not waiting:
        return hashlib.sha256().digest()
    _, held = waiting.pop()
    while waiting:
        held = _join(waiting.pop()[1], held)
    return held


def path_of(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """The hashes that lead from leaf ``index`` (from 0) to the root, the nearest first. IndexError if there is none."""
    if not 0 <= index < len(leaves):
        raise IndexError(f"There is no leaf {index} among {len(leaves)}.")
    path: list[bytes] = []
    low, high = 0, len(leaves)
    while high - low > 1:
        middle = low + _left(high - low)
        if index < middle:
            path.append(root_of(leaves[middle:high]))
            high = middle
        else:
            path.append(root_of(leaves[low:middle]))
            low = middle
    return tuple(reversed(path))


def leads_to(root: bytes, leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bool:
    """Whether ``path`` shows that ``leaf`` stands at ``index`` among the ``size`` leaves of ``root``."""
    if not 0 <= index < size:
        return False
    # From the root to the leaf: on which side of its sibling each part lies.
    sides: list[bool] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _left(high - low)
        sides.append(index < middle)
        low, high = (low, middle) if index < middle else (middle, high)
    if len(sides) != len(path):
        return False
    held = leaf
    for is_left, sibling in zip(reversed(sides), path, strict=True):
        held = _join(held, sibling) if is_left else _join(sibling, held)
    return hmac.compare_digest(held, root)


def _left(size: int) -> int:
    """The greatest power of two below ``size``."""
    return 1 << ((size - 1).bit_length() - 1)


def _join(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(_NODE + left + right).digest()
