"""The legal text in parts, each with the place in the agreement file that it says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Passage:
    """One sentence or more about one thing of the file."""

    key: str
    """What it says: ``clauses.fee``, ``escrow.holdback``; ``bounds.UA`` and ``digest`` follow from the whole file."""
    text: str
    listed: bool = True
    """Whether it stands by itself; otherwise it belongs to the passage before, such as a period's times."""


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it; never empty."""

    heading: str
    passages: tuple[Passage, ...]
