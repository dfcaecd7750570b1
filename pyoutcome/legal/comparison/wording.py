"""Two wordings side by side: which words went, which came, and which numbers became which."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

_WRITTEN: Final = r"(?<![\w)])-?[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?%?"
"""A number as the words write it."""
_NUMBER: Final = re.compile(rf"{_WRITTEN}(?!\w)")
_WORD: Final = re.compile(rf"\s+|{_WRITTEN}(?!\w)|\w+|[^\w\s]")


@dataclass(frozen=True)
class Stretch:
    """A part of two wordings; empty where one has nothing there."""

    before: str
    after: str

    @property
    def same(self) -> bool:
        """Whether both say it."""
        return self.before == self.after


@dataclass(frozen=True)
class NumberChange:
    """A number as people read it, and what became of it; None where there is none."""

    before: str | None
    after: str | None

    def to_dict(self) -> dict[str, object]:
        """For machines."""
        return {"before": self.before, "after": self.after}


def compare_words(before: str, after: str) -> tuple[Stretch, ...]:
    """The two texts as parts that are the same and parts that differ, word by word; joined they are the texts."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    found: list[Stretch] = []
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        was, now = "".join(old[a:b]), "".join(new[c:d])
        # A space between two changed words is no island of sameness.
        island = tag == "equal" and not was.strip() and b < len(old) and d < len(new)
        if found and (island or (tag != "equal" and not found[-1].same)):
            found[-1] = Stretch(found[-1].before + was, found[-1].after + now)
        else:
            found.append(Stretch(was, now))
    return tuple(found)


def compare_numbers(before: str, after: str) -> tuple[NumberChange, ...]:
    """The numbers that differ, in the order in which they stand."""
    return tuple(each for stretch in compare_words(before, after) if not stretch.same for each in _numbers(stretch))


def _numbers(stretch: Stretch) -> Iterator[NumberChange]:
    old, new = _NUMBER.findall(stretch.before), _NUMBER.findall(stretch.after)
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        both = min(b - a, d - c)
        yield from (NumberChange(old[a + at], new[c + at]) for at in range(both))
        yield from (NumberChange(each, None) for each in old[a + both : b])
        yield from (NumberChange(None, each) for each in new[c + both : d])
