"""A document as data: what stands on its pages, in order. The renderers know this, and nothing of agreements."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Style: TypeAlias = Literal["plain", "strong", "code", "added", "removed"]
"""``code``: characters that are meant one by one, such as a hash. ``added``, ``removed``: for comparisons."""


def visible(text: str) -> str:
    """The text with a visible name, such as [U+202E], for each character that nobody could see on paper."""
    if text.isprintable():
        return text
    return "".join(_show(each) for each in text)


def _show(character: str) -> str:
    if character.isprintable() or unicodedata.category(character) == "Zs":
        return character
    return " " if character in "\n\t\r\u2028\u2029" else f"[U+{ord(character):04X}]"


@dataclass(frozen=True, slots=True)
class Run:
    """Words in one style; plain text, whatever signs are in it."""

    text: str
    style: Style = "plain"

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", visible(self.text))


Runs: TypeAlias = tuple[Run, ...]


def runs(*parts: str | Run) -> Runs:
    """Texts and runs one after another; a text is plain."""
    return tuple(Run(part) if isinstance(part, str) else part for part in parts)


def strong(text: str) -> Run:
    """Words that stand out."""
    return Run(text, "strong")


def code(text: str) -> Run:
    """Characters that are meant one by one."""
    return Run(text, "code")


def plain_text(given: Runs) -> str:
    """The words without their styles."""
    return "".join(run.text for run in given)


def shorten(text: str, most: int) -> str:
    """A text for the head or foot of a page, cut where it is too long for a line."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


@dataclass(frozen=True, slots=True)
class Heading:
    """The title of a section (level 1) or of a part of one (2)."""

    level: Literal[1, 2]
    number: str
    """Such as ``3`` or ``3.1``; empty of what has none."""
    text: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", visible(self.text))


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph, with its number if it is a rule that can be cited."""

    runs: Runs
    number: str = ""
    small: bool = False
    """A remark, set smaller."""
    leads: bool = False
    """Says what the next block is, and is not parted from it."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    title: str
    align: Literal["left", "right"] = "left"
    wide: bool = False
    """Takes what the others leave."""
    money: bool = False
    """Amounts, told with two decimals at least if any of them has some."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", visible(self.title))


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a header; a row has as many cells as there are columns."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Runs, ...], ...]
    caption: Runs = ()
    totals: int = 0
    """How many of the last rows sum up the others."""


@dataclass(frozen=True, slots=True)
class Fields:
    """Names with values; an empty value is a line to write on."""

    rows: tuple[tuple[str, Runs], ...]
    title: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", visible(self.title))
        object.__setattr__(self, "rows", tuple((visible(name), value) for name, value in self.rows))


@dataclass(frozen=True, slots=True)
class PageBreak:
    """What follows starts on a new page, where there are pages."""


SHORT: Final = 10
"""A table with at most so many rows stays on one page."""
_FEW: Final = 6
"""Sections that need no list."""
Block: TypeAlias = Heading | Paragraph | Table | Fields | PageBreak


def leading(blocks: Sequence[Block]) -> tuple[bool, ...]:
    """Of each block, whether it must not be parted from the next: a heading, what announces a table, and the first of
    the only two paragraphs under a heading."""
    return tuple(_leads(blocks, at) for at in range(len(blocks)))


def _leads(blocks: Sequence[Block], at: int) -> bool:
    before, each, then, later = (blocks[i] if 0 <= i < len(blocks) else None for i in range(at - 1, at + 3))
    if not isinstance(each, Paragraph) or then is None:
        return isinstance(each, Heading)
    pair = isinstance(before, Heading) and isinstance(then, Paragraph) and isinstance(later, Heading | PageBreak | None)
    return each.leads or pair or isinstance(then, Table | Fields)


@dataclass(frozen=True, slots=True)
class Document:
    """A whole document."""

    kind: str
    """What it is, such as ``Agreement``; stands above the title."""
    title: str
    facts: Fields
    """What it is about, under the title."""
    blocks: tuple[Block, ...]
    running: str
    """Stands at the foot of every page."""

    def __post_init__(self) -> None:
        for name in ("kind", "title", "running"):
            object.__setattr__(self, name, visible(getattr(self, name)))

    @property
    def contents(self) -> tuple[Heading, ...]:
        """The sections that its contents list; none of a document so short that it needs no list."""
        found = tuple(each for each in self.blocks if isinstance(each, Heading) and each.level == 1)
        return found if len(found) > _FEW else ()
