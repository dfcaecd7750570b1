from __future__ import annotations

from collections.abc import Collection
from typing import Protocol


class Updated(Protocol):
    """What an update found."""

    @property
    def grown(self) -> Collection[str]:
        """Escrows with new logs."""

    @property
    def lost(self) -> Collection[str]:
        """Escrows some of whose logs are no longer on the chain."""


class EventIndex(Protocol):
    """The index of one chain."""

    def watch(self, escrow: str, first_block: int) -> None:
        """Has an escrow followed."""

    def update(self) -> Updated:
        """Brings the index up to the newest block."""
