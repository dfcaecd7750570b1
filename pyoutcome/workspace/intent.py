"""What an irreversible step is about to do, said before it is signed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Intent:
    """One step: what it does, what it moves, what it costs."""

    party: str
    """Who signs it."""
    does: str
    """The step in words, such as ``creates the escrow at 0x...``."""
    moves: str
    """The money it moves, or ``no money``."""
    costs: str
    """The network's fee in its native coin, at most; ``nothing`` on local chains."""
    local: bool
    """On a local chain nothing of value moves, so nobody is asked."""

    def __str__(self) -> str:
        return f"{self.party} {self.does}: moves {self.moves}, costs {self.costs}."


Confirm = Callable[[Intent], None]
"""Called before a step is signed; raises to refuse it."""


def agree_to_all(intent: Intent) -> None:
    """The confirmation of a program that has decided already."""
