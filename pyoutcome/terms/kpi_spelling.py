"""Which keys of a KPI go together, for JSON Schema: those of a number, of a yes/no and of a choice, and the measure."""

from __future__ import annotations

from typing import Final

from pyoutcome.terms.spelling import MARK, NUMBER_TEXT, Json

_OTHERS: Final[Json] = {"required": ["type"], "properties": {"type": {"const": "yes_no"}}}
_PER_PROVIDER: Final[Json] = {"required": ["per"], "properties": {"per": {"const": "provider"}}}
_RULES: Final = "last|refuse"
KPI_SHAPE: Final[Json] = {
    "if": {"anyOf": [{"required": ["choices"]}, _OTHERS]},
    "then": {
        "not": {"required": ["choices", "type"], "properties": _OTHERS["properties"]},
        "properties": {"range": False, "outside": {"const": "refuse"}, "measure": False},
    },
    "else": {
        "required": ["range"],
        "properties": {
            "if_missing": {
                "description": "A number, 'refuse' or 'last'.",
                "type": ["number", "string"],
                "pattern": rf"^\s*(?:{_RULES}|{NUMBER_TEXT})\s*$",
            },
            "opening": {MARK: "Number"},
            "except": {"items": {MARK: "Number"}},
        },
    },
    "allOf": [
        {
            "if": {"required": ["if_missing"], "properties": {"if_missing": {"const": "last"}}},
            "then": {"required": ["opening"]},
        },
        {
            "if": _PER_PROVIDER,
            "then": {"properties": {"measure": {"type": "object", "required": ["provider"]}}},
            "else": {"properties": {"measure": {"properties": {"provider": False}}}},
        },
    ],
}
"""What no list of its keys can say."""
