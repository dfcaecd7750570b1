"""The agreement file as a tree of texts, each with its place: no number, date or boolean is made here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from pyoutcome.errors import Where

Plain: TypeAlias = "str | list[Plain] | dict[str, Plain]"
"""A tree without its places: what the models read."""


@dataclass(frozen=True)
class Place:
    """A position in the file, both counted from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Text:
    """One value, exactly as written."""

    place: Place
    value: str
    style: str = ""
    """How it is written: plainly, in ``'`` or ``"``, or as a block after ``|`` or ``>``."""


@dataclass(frozen=True)
class Items:
    """A list."""

    place: Place
    items: list[Branch] = field(default_factory=list)


@dataclass(frozen=True)
class Table:
    """Keys with their values, in the order of the file."""

    place: Place
    keys: dict[str, Place] = field(default_factory=dict)
    values: dict[str, Branch] = field(default_factory=dict)


Branch: TypeAlias = Text | Items | Table


@dataclass(frozen=True)
class Tree:
    """A whole file."""

    file: str
    root: Branch
    source: str = ""
    """The text of the file."""

    def where(self, path: Sequence[str | int], *, key: bool = False) -> Where:
        """The place of the deepest part of ``path`` that the file has; with ``key``, of its key instead of its value.

        Parts that are not in the file (a missing field, a tag that a model adds) are passed over.
        """
        branch: Branch = self.root
        place = branch.place
        seen: list[str] = []
        for part in path:
            step = _step(branch, part)
            if step is None:
                continue
            name, key_place, branch = step
            place = key_place if key else branch.place
            seen.append(name)
        return Where(self.file, place.line, place.column, ".".join(seen))

    def find(self, path: Sequence[str | int]) -> Branch | None:
        """The branch at exactly this path, or None."""
        branch: Branch = self.root
        for part in path:
            step = _step(branch, part)
            if step is None:
                return None
            branch = step[2]
        return branch

    def plain(self) -> Plain:
        """The tree without its places."""
        return _plain(self.root)


def _step(branch: Branch, part: str | int) -> tuple[str, Place, Branch] | None:
    """One step down: the step's name, the place of its key and what is there. A number counts list items or keys."""
    if isinstance(branch, Table):
        if isinstance(part, int):
            keys = list(branch.keys)
            if not 0 <= part < len(keys):
                return None
            part = keys[part]
        if part in branch.values:
            return part, branch.keys[part], branch.values[part]
    elif isinstance(branch, Items) and isinstance(part, int) and 0 <= part < len(branch.items):
        return str(part), branch.items[part].place, branch.items[part]
    return None


def _plain(branch: Branch) -> Plain:
    # Recursion is safe: the loader refuses files nested deeper than 32.
    match branch:
        case Text(value=value):
            return value
        case Items(items=items):
            return [_plain(item) for item in items]
        case Table(values=values):
            return {key: _plain(value) for key, value in values.items()}
