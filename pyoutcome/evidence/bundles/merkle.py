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
from dataclasses import dataclass
from typing import Final

SIZE: Final = 32
"""Bytes of a hash, a salt and a secret."""
_LEAF: Final = b"\0"
_NODE: Final = b"\1"


@dataclass(frozen=True)
class RecordTree:
    """What a bundle says of the records of one source that its KPIs look at."""

    source: str
    root: bytes
    leaves: int
    """How many records there are."""


@dataclass(frozen=True)
class RecordTrees:
    """The trees of a bundle: who was given the secret can work out every salt."""

    secret_digest: bytes
    """SHA-256 of the secret."""
    trees: tuple[RecordTree, ...]
    """In the order of the agreement's records."""


def digest_of_secret(secret: bytes) -> bytes:
    """What is signed in place of the secret."""
    return hashlib.sha256(secret).digest()


def salt_of(secret: bytes, key: bytes) -> bytes:
    """The salt of the record that ``key`` names: HMAC-SHA-256 (RFC 2104) gives away neither secret nor other salts."""
    return hmac.digest(secret, key, "sha256")


def hash_leaf(salt: bytes, record: bytes) -> bytes:
    """The leaf of a record. The salt has always 32 bytes, so where it ends is plain."""
    return hashlib.sha256(_LEAF + salt + record).digest()


def hash_plain(entry: bytes) -> bytes:
    """The leaf of an entry without salt, as the standard has it."""
    return hashlib.sha256(_LEAF + entry).digest()


@dataclass
class _Subtree:
    """A finished part of the tree: how many leaves, and their root."""

    size: int
    root: bytes
    path: list[bytes] | None = None
    """From the leaf that is followed to this root, if that leaf is in here."""

    def joined(self, right: _Subtree) -> _Subtree:
        path = None
        if self.path is not None:
            path = [*self.path, right.root]
        elif right.path is not None:
            path = [*right.path, self.root]
        return _Subtree(self.size + right.size, _join(self.root, right.root), path)


class TreeHash:
    """The tree over leaves that come one after another. Keeps one hash per level, not the leaves."""

    def __init__(self) -> None:
        self.size = 0
        """Leaves so far."""
        self.followed: int | None = None
        """Place of the leaf that is followed, from 0."""
        self._waiting: list[_Subtree] = []  # from left to right, of falling size

    def add(self, leaf: bytes, *, follow: bool = False) -> None:
        """The next leaf; of the one to ``follow``, of which there may be one, the path is kept."""
        if follow:
            self.followed = self.size
        held = _Subtree(1, leaf, [] if follow else None)
        while self._waiting and self._waiting[-1].size == held.size:
            held = self._waiting.pop().joined(held)
        self._waiting.append(held)
        self.size += 1

    def root(self) -> bytes:
        """The root over all leaves so far; of none, the hash of nothing."""
        whole = self._whole()
        return hashlib.sha256().digest() if whole is None else whole.root

    def path(self) -> tuple[bytes, ...]:
        """The hashes that lead from the followed leaf to the root, the nearest first. IndexError if none is."""
        whole = self._whole()
        if whole is None or whole.path is None:
            raise IndexError("No leaf is followed.")
        return tuple(whole.path)

    def _whole(self) -> _Subtree | None:
        whole: _Subtree | None = None
        for part in reversed(self._waiting):
            whole = part if whole is None else part.joined(whole)
        return whole


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over leaves in their order; of none, the hash of nothing."""
    tree = TreeHash()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root()


def path_of(leaves: Iterable[bytes], index: int) -> tuple[bytes, ...]:
    """The hashes that lead from leaf ``index`` (from 0) to the root, the nearest first. IndexError if there is none."""
    tree = TreeHash()
    for place, leaf in enumerate(leaves):
        tree.add(leaf, follow=place == index)
    return tree.path()


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
