"""Tables of an agreement file: step rows, graduated bands and the points of a curve."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, InstanceOf, PlainSerializer

from pyoutcome.decimals import ONE
from pyoutcome.errors import AgreementError
from pyoutcome.formula.parser import parse
from pyoutcome.formula.syntax import Bands, Node, Number, product
from pyoutcome.terms import spelling, table_spelling, tables
from pyoutcome.terms.part import Part
from pyoutcome.terms.problems import refusing
from pyoutcome.terms.scalars import Expression
from pyoutcome.terms.tables import MOST_ROWS, Head, read_head

_read_head = refusing(read_head)


class Row(Part):
    """One row: its head and the formula it gives."""

    head: Annotated[
        InstanceOf[Head], BeforeValidator(_read_head), PlainSerializer(str, return_type=str), table_spelling.HEAD
    ]
    value: Expression


def _split(value: Any) -> Any:
    """The map as a list of rows, because the order of rows means something."""
    return [{"head": key, "value": each} for key, each in value.items()] if isinstance(value, dict) else value


@refusing
def _check_levels(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    tables.check_levels(tuple(row.head for row in rows))
    return rows


@refusing
def _check_bands(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    tables.check_bands(tuple(row.head for row in rows))
    return rows


Levels = Annotated[
    tuple[Row, ...],
    BeforeValidator(_split),
    Field(min_length=1, max_length=MOST_ROWS),
    AfterValidator(_check_levels),
    table_spelling.LEVELS,
]
"""Step rows, ``{at_least 99: 10%, ..., otherwise: 0}``: the first row that holds gives the value; or one
value for each label of a choice, ``{gold: 10, silver: 5}``."""
BandRows = Annotated[
    tuple[Row, ...],
    BeforeValidator(_split),
    Field(min_length=1, max_length=MOST_ROWS),
    AfterValidator(_check_bands),
    table_spelling.BAND_ROWS,
]
"""Graduated bands, ``{upto 100: 5, next 50: 7, rest: 0}``: each rate applies to its own part."""
Points = Annotated[tuple[tuple[Expression, Expression], ...], Field(min_length=2, max_length=MOST_ROWS)]
"""Points of a curve, ``[[x, y], ...]``, x rising."""


def step_of(of: Node, rows: tuple[Row, ...]) -> Node:
    """The step table of some rows; of labels, the value for each."""
    return tables.step_of(of, tuple((row.head, row.value) for row in rows))


def bands_of(of: Node, rows: tuple[Row, ...]) -> Bands:
    """The graduated table of some rows."""
    return tables.bands_of(of, tuple((row.head, row.value) for row in rows))


def scaled_bands(of: Node, rows: tuple[Row, ...], scale: Node) -> Bands:
    """The graduated table of some rows whose edges are multiples of a scale."""
    if is_one(scale):
        return bands_of(of, rows)
    heads = (row.head if row.head.at is None else Head(row.head.word, product((row.head.at, scale))) for row in rows)
    return tables.bands_of(of, tuple(zip(heads, (row.value for row in rows), strict=True)))


def is_one(node: Node) -> bool:
    """Is it the constant 1, which multiplies and divides nothing?"""
    return isinstance(node, Number) and node.value == ONE


@refusing
def _threshold(value: object) -> Head:
    head = read_head(value)
    if head.word not in ("at_least", "above"):
        raise AgreementError(
            "bad-row", f"{head.word!r} cannot start a threshold.", "Write 'at_least 100' or 'above 100'."
        )
    return head


Threshold = Annotated[
    InstanceOf[Head], BeforeValidator(_threshold), PlainSerializer(str, return_type=str), spelling.THRESHOLD
]
"""``at_least E`` or ``above E``."""


@refusing
def _least(value: object) -> Head:
    text = value.strip() if isinstance(value, str) else ""
    first = text.partition(" ")[0]
    return _threshold(value) if first in ("at_least", "above") or not text else Head("at_least", parse(text))


Least = Annotated[InstanceOf[Head], BeforeValidator(_least), PlainSerializer(str, return_type=str), spelling.LEAST]
"""``E``, which an amount reaches when it is at least that; or ``at_least E`` or ``above E`` in so many words."""
