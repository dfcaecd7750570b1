"""From a character of a value to its place in the file, however the value is written there: plain, in quotation marks,
or as a block that YAML folds into one line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pyoutcome.terms.tree import Place, Text

_ESCAPED: Final = {"x": 2, "u": 4, "U": 8}
"""Hexadecimal digits after each of these in double quotation marks."""


def locate_character(source: str, text: Text, at: int) -> Place:
    """The place in ``source`` of character ``at`` of a value; one past the end is the place after its last character.

    White space is folded in many ways, so what is counted is the visible characters before it.
    """
    wanted = sum(not character.isspace() for character in text.value[:at])
    lines = source.split("\n")
    place = text.place
    for passed, found in enumerate(_visible(lines, text)):
        if passed == wanted:
            return found
        place = Place(found.line, found.column + 1)
    return place


def _visible(lines: list[str], text: Text) -> Iterator[Place]:
    """The places of the visible characters of a value, from its start to the end of the file."""
    line, column = text.place.line, text.place.column
    if text.style in ("|", ">"):
        line, column = line + 1, 1  # what stands beside the sign is no part of the value
    elif text.style in ("'", '"'):
        column += 1
    while line <= len(lines):
        row = lines[line - 1]
        while column <= len(row):
            width = _width(row[column - 1 :], text.style)
            if width and not _is_space(row[column - 1 :], text.style):
                yield Place(line, column)
            column += max(1, width)
        line, column = line + 1, 1


def _is_space(rest: str, style: str) -> bool:
    """Is the next character of the value white space?"""
    return rest[0].isspace() or (style == '"' and rest[0] == "\\" and rest[1:2] in "ntrv_NLP ")


def _width(rest: str, style: str) -> int:
    """How many characters of the file make the next one of the value; 0 if this one makes none."""
    if style == "'" and rest.startswith("''"):
        return 2
    if style == '"' and rest.startswith("\\"):
        return 2 + _ESCAPED.get(rest[1:2], 0) if rest[1:] else 0
    return 1


def excerpt(line: str, column: int) -> str:
    """A line and, under it, a caret at a column (from 1); of a long line what is around it."""
    left = max(0, column - 51)
    shown = line[left : left + 100].replace("\t", " ").replace("\r", " ")
    return f"\n    {shown}\n    {' ' * (column - 1 - left)}^"
