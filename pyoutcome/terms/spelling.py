"""How values and maps are spelled, for JSON Schema: in the agreement file, and in the canonical form that is hashed.

The file is described as an editor's YAML 1.2 reader sees it: ``12`` is a number, ``95%``, ``12_000``, ``10 days``,
``2026-01-31`` and ``yes`` are texts. A value that people may write plainly as a number may be either.
``schema.py`` makes the whole schema of the models; this module is what they say about themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

from pydantic import GetJsonSchemaHandler
from pydantic_core import CoreSchema

from pyoutcome.decimals import Rounding
from pyoutcome.formula.tokens import LONGEST, RESERVED

Json: TypeAlias = dict[str, Any]
"""A JSON Schema, or a part of one."""
REF: Final = "#/$defs/"
MARK: Final = "$spelled"
"""Stands in a schema under construction for the reference to a spelling; ``schema.py`` puts it in."""

_DIGITS: Final = "[0-9]+(?:_[0-9]+)*"
_UNSIGNED: Final = rf"{_DIGITS}(?:\.(?:[0-9]{{1,18}}|[0-9]{{1,16}}%)|%)?"
NUMBER_TEXT: Final = f"-?{_UNSIGNED}"
_DATE: Final = "[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_TIME: Final = "T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_FILLED: Final = r"\S"
FORMULA_TEXT: Final = r"^\s*[-A-Za-z0-9(][-A-Za-z0-9_.%+*/<>=!()\[\],\s]*$"
"""The characters that a formula is made of; what they mean together is read by the loader alone."""
_MODES: Final = "|".join(Rounding)
_DECIMAL: Final = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]{0,17}[1-9])?"
"""A number in the canonical form: no needless zeros."""


@dataclass(frozen=True, eq=False)
class Spelled:
    """Annotates a type with how its values are spelled."""

    name: str
    """What the schema calls it."""
    file: Json
    canonical: Json | None = None
    """Without it the model's own schema of what it writes."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> Json:
        """The place of a reference, which ``schema.py`` puts in."""
        if handler.mode == "serialization" and self.canonical is None:
            return handler(core)
        limits = {} if "minimum" not in self.file or handler.mode == "serialization" else _limits(core)
        return {MARK: self.name, **limits}


def _limits(core: Any) -> Json:
    """The limits that a field sets to a whole number: pydantic checks them one after another around what reads it."""
    found: Json = {}
    while "schema" in core:
        check = core.get("function", {}).get("function")
        set_here = {**core, **(check.keywords if isinstance(check, partial) else {})}
        found |= {word: set_here[limit] for limit, word in (("ge", "minimum"), ("le", "maximum")) if limit in set_here}
        core = core["schema"]
    return found


def spelled(name: str) -> Json:
    """The reference to another spelling."""
    return {"$ref": f"{REF}{name}"}


def text_or_number(pattern: str, description: str, **limits: Any) -> Json:
    """A value that YAML reads as a number where it is written as one, and as a text otherwise."""
    return {"description": description, "type": ["number", "string"], "pattern": f"^(?:{pattern})$", **limits}


def text(pattern: str, description: str, **more: Any) -> Json:
    """A text of one form."""
    return {"description": description, "type": "string", "pattern": f"^(?:{pattern})$", **more}


_WORDS = {"type": ["string", "number", "boolean"], "minLength": 1, "pattern": _FILLED}
_CANONICAL_TEXT = {"type": "string", "minLength": 1, "pattern": _FILLED}
LINE: Final = Spelled("Line", {"description": "Words for people.", **_WORDS}, _CANONICAL_TEXT)
EXACT: Final = Spelled(
    "Exact", {"description": "A condition on records, or a word in them.", **_WORDS}, _CANONICAL_TEXT
)
_WORD_FORM: Final = "[A-Za-z][A-Za-z0-9_]{0,39}"
_WORD: Final = text(_WORD_FORM, "A letter, then letters, digits and underscores; at most 40 in all.")
WORD: Final = Spelled("Word", _WORD, _WORD)
_NAME: Final = text(
    rf"(?!(?:{'|'.join(sorted(RESERVED))})$){_WORD_FORM}",
    "A name that formulas may use: a letter, then letters, digits and underscores; no word of the payment language.",
)
NAME: Final = Spelled("Name", _NAME, _NAME)
_SLUG_FORM: Final = "(?=.{1,80}$)[a-z0-9]+(?:[-_][a-z0-9]+)*"
SLUG: Final = Spelled(
    "Slug",
    {**text(_SLUG_FORM, "Small letters and digits, with single hyphens between."), "type": ["string", "integer"]},
    text(_SLUG_FORM, "Small letters and digits, with single hyphens between."),
)
_EXACT_DECIMAL: Final = "An exact decimal: 1_250.50, -5 or 12.5% (the same as 0.125), at most 18 decimals."
_CANONICAL_DECIMAL: Final = text(_DECIMAL, "An exact decimal.")
NUMBER: Final = Spelled("Number", text_or_number(NUMBER_TEXT, _EXACT_DECIMAL, maxLength=120), _CANONICAL_DECIMAL)
AMOUNT: Final = Spelled(
    "Amount",
    text_or_number(_UNSIGNED, "Money from 0, such as 12_000 or 0.50.", minimum=0, maxLength=120),
    text(_DECIMAL.removeprefix("-?"), "Money from 0."),
)
RESERVE: Final = Spelled(
    "Reserve",
    text_or_number(f"proven|{_UNSIGNED}", "'proven', or money from 0.", minimum=0, maxLength=120),
    text(f"proven|{_DECIMAL.removeprefix('-?')}", "'proven', or money from 0."),
)
SHARE: Final = Spelled(
    "Share",
    text_or_number(
        r"0*(?:100(?:\.0{1,16})?|[0-9]{1,2}(?:\.[0-9]{1,16})?)%|0*(?:1(?:\.0{1,18})?|0(?:\.[0-9]{1,18})?)",
        "A share from 0% to 100%, such as 5% or 0.05.",
        minimum=0,
        maximum=1,
    ),
    text(r"0(?:\.[0-9]{0,17}[1-9])?|1", "A share from 0 to 1."),
)
POSITIVE: Final = Spelled(
    "Positive",
    text_or_number(f"(?=.*[1-9]){_UNSIGNED}", "An exact decimal above 0.", exclusiveMinimum=0, maxLength=120),
    text(f"(?=.*[1-9]){_DECIMAL.removeprefix('-?')}", "An exact decimal above 0."),
)
PERCENT: Final = Spelled(
    "Percent",
    text_or_number(
        r"(?=.*[1-9])0*(?:100(?:\.0{1,18})?|[0-9]{1,2}(?:\.[0-9]{1,6}0{0,12})?)",
        "A percentile above 0 and up to 100, such as 95, with at most 6 decimals.",
        exclusiveMinimum=0,
        maximum=100,
    ),
    text(r"(?=.*[1-9])(?:100|[1-9]?[0-9](?:\.[0-9]{0,5}[1-9])?)", "A percentile above 0 and up to 100."),
)
MISSING: Final = Spelled(
    "Missing",
    text_or_number(f"skip|refuse|{NUMBER_TEXT}", "'skip', 'refuse', or the number that stands in.", maxLength=120),
    text(f"skip|refuse|{_DECIMAL}", "'skip', 'refuse', or the number that stands in."),
)
WHOLE: Final = Spelled(
    "Whole",
    {
        "description": "A whole number, digits only.",
        "type": ["integer", "string"],
        "pattern": "^[0-9]{1,9}$",
        "minimum": 0,
        "maximum": 999_999_999,
    },
    text("0|[1-9][0-9]{0,8}", "A whole number."),
)
DURATION: Final = Spelled(
    "Duration",
    text(
        "[0-9]{1,7} (?:second|minute|hour|day|week)s?",
        "A length of time: a whole number and seconds, minutes, hours, days or weeks, such as 10 days.",
    ),
    text("0|[1-9][0-9]{0,9}", "A length of time in seconds."),
)
DAY: Final = Spelled(
    "Day",
    text(f"{_DATE}(?:{_TIME}Z)?", "A date such as 2026-01-31, or an exact UTC time such as 2026-01-31T23:00:00Z."),
    text(f"{_DATE}(?:{_TIME}Z)?", "A date, or an exact time in UTC."),
)
MOMENT: Final = Spelled(
    "Moment",
    text(
        f"{_DATE}(?:{_TIME}Z?)?",
        "A date such as 2026-01-31, a time by the clocks of the agreement's zone such as 2026-01-31T22:00:00, or an "
        "exact UTC time such as 2026-01-31T21:00:00Z.",
    ),
    text(f"{_DATE}(?:{_TIME}Z?)?", "A date, a time by the clocks of the agreement's zone, or an exact time in UTC."),
)
YES_NO: Final = Spelled("YesNo", {"enum": ["yes", "no"]}, {"enum": ["yes", "no"]})
ROUNDING: Final = Spelled(
    "StepAndMode",
    text(
        rf"\s*\S[\s\S]* (?:{_MODES})\s*",
        f"A step and how it is rounded to ({', '.join(Rounding)}), such as 0.01 half_up.",
    ),
    text(rf"\S[\s\S]* (?:{_MODES})", "A step and how it is rounded to."),
)
THRESHOLD: Final = Spelled(
    "Threshold",
    text(r"\s*(?:at_least|above) [\s\S]*\S[\s\S]*", "'at_least' or 'above' and a formula, such as at_least 25."),
    text(r"(?:at_least|above) [\s\S]*\S", "'at_least' or 'above' and a formula."),
)
_PLAIN_FORMULA: Final = {
    "description": "A formula of the payment language: a number, a name, or a calculation.",
    "type": ["number", "string"],
    "maxLength": LONGEST,
    "pattern": FORMULA_TEXT,
}
LEAST: Final = Spelled(
    "LeastAmount",
    {**_PLAIN_FORMULA, "description": "A formula; or 'at_least' or 'above' and a formula."},
    text(r"(?:at_least|above) [\s\S]*\S", "'at_least' or 'above' and a formula."),
)
EXPRESSION: Final = Spelled(
    "Expression",
    {
        "description": "A formula as text, or a table.",
        "anyOf": [_PLAIN_FORMULA, spelled("Table")],
    },
    {"description": "A formula as text.", "type": "string", "minLength": 1},
)


def one_way(ways: Sequence[Sequence[str]], given_elsewhere: Sequence[str] = ()) -> Json:
    """A map holds exactly one of some sets of keys, whole; keys ``given_elsewhere`` may be left out."""
    if all(len(way) == 1 for way in ways) and not given_elsewhere:
        return {"oneOf": [{"required": list(way)} for way in ways]}
    every = list(dict.fromkeys(key for way in ways for key in way))
    told = []
    for way in ways:
        needed = [key for key in way if key not in given_elsewhere]
        others = {key: False for key in every if key not in way}
        told.append(({"required": needed} if needed else {}) | ({"properties": others} if others else {}))
    return {"oneOf": told}
