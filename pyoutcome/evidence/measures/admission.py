"""The first gate of expressions: their characters and words must be on a list, which leaves nothing to quote out of or
comment away, and one function to call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from pyoutcome.errors import EvidenceError, did_you_mean
from pyoutcome.evidence.measures.columns import ColumnType

LONGEST: Final = 2000
"""Characters an expression may have."""
MOST_WORDS: Final = 300
"""Words, numbers and signs an expression may have."""
DEEPEST: Final = 24
"""Brackets and ``not`` that may stand inside one another."""

_WORD = re.compile(
    r"(?P<space>[ \t\r\n]+)"
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?(?![0-9A-Za-z_.]))"
    r"|(?P<text>'(?:[^']|'')*')"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*+(?!['\"]))"
    r"|(?P<sign><=|>=|<>|!=|-(?!-)|[+*<>=(),])"
)
_KEYWORDS: Final = frozenset({"and", "or", "not", "is", "null", "in", "between", "case", "when", "then", "else", "end"})
SECONDS_BETWEEN: Final = "seconds_between"
ADMITTED: Final = (
    "Use columns, plain numbers, texts in single quotes, comparisons, + - *, and, or, not, is null, in, between, case, "
    "seconds_between(start, end) and brackets."
)


def prepare(text: str, columns: Mapping[str, ColumnType], place: str) -> tuple[str, list[int]]:
    """The first gate: only known words and signs, each in a bounded number.

    Returns the text with every column in double quotes, so that no name is taken for a word of SQL, and for each of its
    characters the place it comes from.
    """
    if len(text) > LONGEST:
        raise _too_long(text, place)
    parts: list[str] = []
    origin: list[int] = []
    at = words = depth = run = 0
    while at < len(text):
        found = _WORD.match(text, at)
        kind, word = (found.lastgroup, found[0]) if found else (None, "")
        if kind is None or not (word.isprintable() or kind == "space"):
            raise EvidenceError(
                "expression-refused",
                f"The expression {shorten(text)} in {place} has something at character {at + 1} that is not admitted: "
                f"{text[at : at + 12]!a}.",
                ADMITTED,
                expression=text,
                character=at + 1,
            )
        if kind != "space":
            words += 1
            depth += (word == "(") + (word.lower() == "case") - (word == ")") - (word.lower() == "end")
            run = run + 1 if word.lower() in {"not", "-", "+"} else 0
        if words > MOST_WORDS or depth + run > DEEPEST:
            raise _too_long(text, place)
        called = word.lower() == SECONDS_BETWEEN and text[at + len(word) :].lstrip(" \t\r\n").startswith("(")
        if kind == "word" and word.lower() not in _KEYWORDS and not called:
            if word not in columns:
                raise unknown_column(text, word, at, columns, place)
            parts.append(f'"{word}"')
        else:
            parts.append(" " * len(word) if kind == "space" else word)
        origin += [at] * (len(parts[-1]) - len(word)) + list(range(at, at + len(word)))
        at += len(word)
    return "".join(parts), origin


def shorten(text: str) -> str:
    """A text for a message."""
    return ascii(text if len(text) <= 80 else text[:77] + "...")


def unknown_column(text: str, name: str, at: int, columns: Mapping[str, ColumnType], place: str) -> EvidenceError:
    """The error for a name that no column has."""
    called = text[at + len(name) :].lstrip().startswith("(")
    why = "is called as a function, and none is admitted" if called else "is not a column of the records"
    return EvidenceError(
        "expression-unknown-column",
        f"In the expression {shorten(text)} in {place}, {shorten(name)} at character {at + 1} {why}.",
        did_you_mean(name, columns),
        expression=text,
        character=at + 1,
    )


def _too_long(text: str, place: str) -> EvidenceError:
    return EvidenceError(
        "expression-too-long",
        f"The expression {shorten(text)} in {place} is too long or too deeply nested: at most {LONGEST} characters, "
        f"{MOST_WORDS} words and signs, and {DEEPEST} levels.",
        "Write it shorter.",
        expression=text,
    )
