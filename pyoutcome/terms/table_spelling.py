"""How tables are spelled in the agreement file, for JSON Schema: rows, bands, points, cases and series."""

from __future__ import annotations

from typing import Final

from pyoutcome.formula.tokens import RESERVED
from pyoutcome.terms.spelling import FORMULA_TEXT, Json, Spelled, spelled, text
from pyoutcome.terms.tables import CASES, EDGES, MOST_CASES, MOST_ROWS, SERIES, WIDTHS

_EDGE: Final = rf"(?:{'|'.join(EDGES)}) [\s\S]*\S[\s\S]*"
_WIDTH: Final = rf"(?:{'|'.join(WIDTHS)}) [\s\S]*\S[\s\S]*"
_LABEL: Final = "[A-Za-z][A-Za-z0-9_]*"
_VALUE: Final = spelled("Expression")
_PAIR: Final[Json] = {"type": "array", "prefixItems": [_VALUE, _VALUE], "minItems": 2, "maxItems": 2}
_LEVELS: Final[Json] = {
    "description": "Rows such as {at_least 99%: 10%, otherwise: 0}, of which the first that holds gives the value; or "
    "one value for each label of a choice, such as {gold: 10, silver: 5}.",
    "type": "object",
    "minProperties": 1,
    "maxProperties": MOST_ROWS,
    "propertyNames": {
        "description": "at_least, above, at_most or below and a number, such as 'at_least 99%'; a label; or otherwise.",
        "pattern": rf"^\s*(?:{_EDGE}|{_LABEL})\s*$",
        "not": {"enum": sorted(RESERVED - {"otherwise"})},
    },
    "additionalProperties": _VALUE,
    "if": {"propertyNames": {"pattern": rf"^\s*{_LABEL}\s*$"}},
    "then": {"not": {"required": ["otherwise"], "maxProperties": 1}},
    "else": {
        "required": ["otherwise"],
        "minProperties": 2,
        "propertyNames": {
            "description": "at_least, above, at_most or below and a number, such as 'at_least 99%'; or otherwise.",
            "pattern": rf"^\s*(?:{_EDGE}|otherwise)\s*$",
        },
    },
}
_BANDS: Final[Json] = {
    "description": "Bands such as {upto 100: 5, next 50: 7, rest: 0}: each rate applies to its own part.",
    "type": "object",
    "minProperties": 1,
    "maxProperties": MOST_ROWS,
    "required": ["rest"],
    "propertyNames": {
        "description": "upto or next and a number, such as 'upto 100'; or rest.",
        "pattern": rf"^\s*(?:{_WIDTH}|rest)\s*$",
    },
    "additionalProperties": _VALUE,
}
_CASES: Final[Json] = {
    "description": "The value of the first condition that holds; 'otherwise' is the last.",
    "type": "object",
    "minProperties": 2,
    "maxProperties": MOST_CASES,
    "required": ["otherwise"],
    "propertyNames": {"pattern": FORMULA_TEXT},
    "additionalProperties": _VALUE,
}
_POINTS: Final[Json] = {
    "description": "Points of a curve, [[x, y], ...], x rising.",
    "type": "array",
    "items": _PAIR,
    "minItems": 2,
    "maxItems": MOST_ROWS,
}
_VALUES: Final[Json] = {
    "description": "One value for each, the last for all later ones.",
    "type": "array",
    "items": _VALUE,
    "minItems": 1,
    "maxItems": MOST_ROWS,
}


def _map(**keys: Json) -> Json:
    return {"type": "object", "properties": keys, "required": sorted(keys), "additionalProperties": False}


LEVELS: Final = Spelled("Levels", _LEVELS)
BAND_ROWS: Final = Spelled("BandRows", _BANDS)
HEAD: Final = Spelled(
    "Head",
    {"type": "string"},
    text(rf"{_EDGE}|{_WIDTH}|otherwise|rest|{_LABEL}", "What stands before the colon of a row."),
)
TABLE: Final[Json] = {
    "description": "A formula as a table.",
    "oneOf": [
        _map(of=_VALUE, rows=spelled("Levels")),
        _map(of=_VALUE, bands=spelled("BandRows")),
        _map(of=_VALUE, points=_POINTS),
        *(_map(**{key: _VALUES}) for key in SERIES),
        _map(**{CASES: _CASES}),
    ],
}
NAMED: Final[dict[str, Json]] = {"Levels": _LEVELS, "BandRows": _BANDS, "Table": TABLE}
"""What spellings of the file refer to without a model saying so."""
