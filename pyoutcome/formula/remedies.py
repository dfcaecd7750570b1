"""What to write instead: the usual form of every operation, and remedies for words people expect to work."""

from __future__ import annotations

from typing import Final

from pyoutcome.formula.tokens import Token

FORMS: Final = {
    "min": "min(a, b)",
    "max": "max(a, b)",
    "clamp": "clamp(a, low, high)",
    "outside": "outside(a, low, high)",
    "abs": "abs(a)",
    "round": "round(a, 0.01, half_up)",
    "sum_last": "sum_last(fee, 12)",
    "lag": "lag(sold, 3)",
    "step": "step(a, [at_least 99 gives 10, above 95 gives 5, otherwise 0])",
    "pick": "pick(tier, [gold gives 200, otherwise 100])",
    "bands": "bands(a, [upto 100 at 5, next 50 at 7, rest at 9])",
    "curve": "curve(a, [80 gives -100, 90 gives 0, 95 gives 50])",
}
"""How each operation and table is written; the examples of ``docs/language.md``."""
_WORDS: Final = {
    "percent": "Write 5% for 5 percent.",
    "pct": "Write 5% for 5 percent.",
    "times": "Write '*' to multiply.",
    "x": "Write '*' to multiply.",
    "of": "Write '*' to multiply: 5% * fee.",
    "plus": "Write '+' to add.",
    "minus": "Write '-' to subtract.",
    "less": "Write '-' to subtract, or '<' to compare.",
    "over": "Write '/' to divide, or '>' to compare.",
    "per": "Write '/' to divide.",
    "divided": "Write '/' to divide.",
    "mod": "There is no remainder; round(a, step, floor) gives the whole steps of a.",
    "is": "Write '==' to ask whether two values are equal.",
    "equals": "Write '==' to ask whether two values are equal.",
    "when": "Write 'a if condition else b'.",
    "unless": "Write 'a if not condition else b'.",
    "then": "Write the value first: 'a if condition else b'.",
    "otherwise": "Write 'a if condition else b'.",
    "but": "Write 'and'.",
}


def misplaced_word(before: Token, here: Token) -> str:
    """A remedy for what follows a finished formula; empty if there is none better than the usual one."""
    if here.text in _WORDS:
        return _WORDS[here.text]
    if before.kind == "number" and here.text == ",":
        return "Write large numbers without commas, such as 1_000 or 1000, and the decimal point as '.'."
    if before.kind == "number" and here.start == before.end and here.text[:1] in ("e", "E"):
        return "Write the number out in digits; there are no exponents."
    if here.text == ")":
        return "There is no bracket open that this closes: remove it, or open one before."
    if here.text == "[":
        return "Square brackets stand around the rows of a table only."
    if before.kind == "number" and here.kind == "name":
        return "Write '*' between them to multiply."
    return ""
