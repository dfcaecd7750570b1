"""The text of a formula cut into words, numbers and signs; every mistake points at its character."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, NoReturn

from pyoutcome.errors import FormulaError, Where

LONGEST: Final = 10_000
"""Characters a formula may have."""

OPERATORS: Final = frozenset(
    {
        "if",
        "else",
        "or",
        "and",
        "not",
        "yes",
        "no",
        "min",
        "max",
        "clamp",
        "outside",
        "abs",
        "round",
        "sum_last",
        "lag",
        "step",
        "pick",
        "bands",
        "curve",
    }
)
TABLE_WORDS: Final = frozenset(
    {"gives", "otherwise", "at_least", "above", "at_most", "below", "upto", "next", "at", "rest"}
)
MODES: Final = frozenset({"down", "up", "half_up", "half_even", "floor", "ceil"})
STATE_WORDS: Final = frozenset({"prev", "to_date", "total", "period", "year", "period_of_year", "earned_before"})
RESERVED: Final = OPERATORS | TABLE_WORDS | MODES | STATE_WORDS
"""Words that cannot be names of an agreement's own things."""

_INSTEAD: Final = {
    "=>": "Write '>=' for 'at least'.",
    "=<": "Write '<=' for 'at most'.",
    "=": "Write '==' to ask whether two values are equal.",
    "≥": "Write '>=' for 'at least'.",
    "≤": "Write '<=' for 'at most'.",
    "≠": "Write '!=' for 'not equal to'.",
    "!": "Write 'not' for the opposite of a condition, and '!=' for 'not equal to'.",
    "&": "Write 'and'.",
    "|": "Write 'or'.",
    "×": "Write '*' to multiply.",
    "·": "Write '*' to multiply.",
    "÷": "Write '/' to divide.",
    ":": "Write '/' to divide; in a table write 'gives' or 'at'.",
    "–": "Write '-', the minus of the keyboard.",
    "—": "Write '-', the minus of the keyboard.",
    "−": "Write '-', the minus of the keyboard.",
    "^": "There are no powers: write the product, such as x * x.",
    ";": "Write ',' between values.",
    "%": "Write the percent sign once, directly after its number: 5%.",
    ".": "A decimal point stands between digits: 0.5.",
    "$": "Write amounts without a currency sign; all are in the token of the agreement.",
    "€": "Write amounts without a currency sign; all are in the token of the agreement.",
    "£": "Write amounts without a currency sign; all are in the token of the agreement.",
    "{": "A formula has round brackets, and square ones around the rows of a table.",
    "}": "A formula has round brackets, and square ones around the rows of a table.",
} | dict.fromkeys("'\"`“”„‘’", "Names and labels stand without quotation marks.")

_WORD = r"[A-Za-z][A-Za-z0-9_]*"
_NAME: Final = re.compile(rf"{_WORD}(?:\.{_WORD})*")
_TOKEN: Final = re.compile(
    rf"(?P<space>[ \t\r\n]+)|(?P<number>[0-9][0-9_]*(?:\.[0-9]+)?%?)|(?P<name>{_WORD}(?:\.{_WORD})*)"
    r"|(?P<sign><=|>=|==|!=|[-+*/<>()\[\],])"
)


@dataclass(frozen=True, slots=True)
class Token:
    """One word, number or sign; ``kind`` is ``number``, ``name``, ``sign`` or ``end``."""

    kind: str
    text: str
    start: int
    end: int


def is_name(text: str) -> bool:
    """May an agreement call something this? One or more words joined by dots, the first of them not reserved."""
    return len(text) <= 200 and _NAME.fullmatch(text) is not None and text.split(".")[0] not in RESERVED


def refuse(
    text: str, start: int, why: str, fix: str, where: Where | None, code: Literal["formula-number"] | None = None
) -> NoReturn:
    """Raise ``formula-syntax`` (or ``code``) with the place shown by a caret under the line."""
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", start)
    line = text[line_start : line_end if line_end >= 0 else len(text)].replace("\t", " ").replace("\r", " ")
    left = max(0, start - line_start - 50)
    shown = f"{why}\n    {line[left : left + 100]}\n    {' ' * (start - line_start - left)}^"
    details = {"formula": text[:200], "at": start, "said": why}
    if code is not None:
        raise FormulaError("formula-number", shown, fix, where=where, **details)
    raise FormulaError("formula-syntax", shown, fix, where=where, **details)


def remedy_for(text: str, at: int) -> str:
    """What to write instead of a character that no formula has."""
    for sign, remedy in _INSTEAD.items():
        if text.startswith(sign, at):
            return remedy
    return "Remove or replace this character."


def tokenize(text: str, where: Where | None = None) -> list[Token]:
    """The tokens of a formula, closed by one of kind ``end``.

    Raises FormulaError ``formula-syntax`` (a character that no formula has) and ``formula-too-long``.
    """
    if len(text) > LONGEST:
        raise FormulaError(
            "formula-too-long",
            f"The formula has {len(text)} characters; {LONGEST} is the most.",
            "Give its parts names with 'define' and use the names.",
            where=where,
            length=len(text),
        )
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            refuse(text, at, f"A formula cannot have {text[at]!r} here.", remedy_for(text, at), where)
        if found.lastgroup != "space":
            tokens.append(Token(found.lastgroup, found.group(), at, found.end()))
        at = found.end()
    tokens.append(Token("end", "", len(text), len(text)))
    return tokens
