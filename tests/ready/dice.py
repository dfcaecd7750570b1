"""Chance that falls alike on every Python: whole numbers from the bits of one seeded generator, and nothing else."""

from __future__ import annotations

import random


class Dice:
    """Thrown in the same order, dice of one seed fall the same."""

    def __init__(self, seed: int) -> None:
        self._bits = random.Random(seed)

    def below(self, count: int) -> int:
        """A whole number from 0 up to, not including, ``count``."""
        return self._bits.getrandbits(64) % count

    def between(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``, both possible."""
        return low + self.below(high - low + 1)

    def chance(self, percent: int) -> bool:
        """Yes in so many of a hundred throws."""
        return self.below(100) < percent
