"""Tables of an agreement file: step rows, graduated bands and the points of a curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, InstanceOf, PlainSerializer

from pyoutcome.decimals import ONE
from pyoutcome.errors import AgreementError, did_you_mean
from pyoutcome.formula.parser import parse
from pyoutcome.formula.printer import to_text
from pyoutcome.formula.syntax import BandRow, Bands, Curve, Edge, Node, Number, Point, Step, StepRow
from pyoutcome.terms.problems import refusing
from pyoutcome.terms.scalars import Expression, Part

_EDGES: Final = tuple(edge.value for edge in Edge)
_LAST: Final = {"otherwise", "rest"}
MOST_ROWS: Final = 255


@dataclass(frozen=True)
class Head:
    """What stands before the colon of a row: a word, and a formula unless the row is the last."""

    word: str
    """``at_least above at_most below``, ``upto next``, or ``otherwise``, ``rest``."""
    at: Node | None = None

    def __str__(self) -> str:
        return self.word if self.at is None else f"{self.word} {to_text(self.at)}"


@refusing
def _head(value: object) -> Head:
    text = str(value)
    word, _, rest = text.strip().partition(" ")
    if word in _LAST and not rest.strip():
        return Head(word)
    if word in (*_EDGES, "upto", "next") and rest.strip():
        return Head(word, parse(rest))
    raise AgreementError(
        "bad-row",
        f"{text[:60]!r} cannot start a row.",
        "Start it with at_least, above, at_most or below (in a graduated table upto or next) and a number, such as "
        "'at_least 99%'.",
    )


class Row(Part):
    """One row: its head and the formula it gives."""

    head: Annotated[InstanceOf[Head], BeforeValidator(_head), PlainSerializer(str, return_type=str)]
    value: Expression


def _split(value: Any) -> Any:
    """The map as a list of rows, because the order of rows means something."""
    return [{"head": key, "value": each} for key, each in value.items()] if isinstance(value, dict) else value


def _check(rows: tuple[Row, ...], words: tuple[str, ...], last: str) -> tuple[Row, ...]:
    if rows[-1].head.word != last or any(row.head.word == last for row in rows[:-1]):
        raise AgreementError(
            "bad-row",
            f"The last row must be '{last}', once.",
            f"End the table with '{last}: ...' for all that remains.",
        )
    for row in rows[:-1]:
        if row.head.word not in words:
            raise AgreementError(
                "bad-row",
                f"A row of this table cannot start with {row.head.word!r}.",
                did_you_mean(row.head.word, words),
            )
    return rows


@refusing
def _check_levels(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    if len(rows) < 2:
        raise AgreementError(
            "bad-row", "The table has one row only.", "Add a row such as 'at_least 99%: 0' before 'otherwise'."
        )
    return _check(rows, _EDGES, "otherwise")


@refusing
def _check_bands(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    return _check(rows, ("upto", "next"), "rest")


Levels = Annotated[
    tuple[Row, ...],
    BeforeValidator(_split),
    Field(min_length=1, max_length=MOST_ROWS),
    AfterValidator(_check_levels),
]
"""Step rows, ``{at_least 99: 10%, ..., otherwise: 0}``: the first row that holds gives the value."""
BandRows = Annotated[
    tuple[Row, ...],
    BeforeValidator(_split),
    Field(min_length=1, max_length=MOST_ROWS),
    AfterValidator(_check_bands),
]
"""Graduated bands, ``{upto 100: 5, next 50: 7, rest: 0}``: each rate applies to its own part."""
Points = Annotated[tuple[tuple[Expression, Expression], ...], Field(min_length=2, max_length=MOST_ROWS)]
"""Points of a curve, ``[[x, y], ...]``, x rising."""


def step_of(of: Node, rows: tuple[Row, ...]) -> Step:
    """The step table of some rows."""
    steps = tuple(StepRow(Edge(row.head.word), row.head.at, row.value) for row in rows[:-1] if row.head.at is not None)
    return Step(of, steps, rows[-1].value)


def bands_of(of: Node, rows: tuple[Row, ...]) -> Bands:
    """The graduated table of some rows."""
    bands = tuple(
        BandRow(row.head.word == "next", row.head.at, row.value) for row in rows[:-1] if row.head.at is not None
    )
    return Bands(of, bands, rows[-1].value)


def curve_of(of: Node, points: tuple[tuple[Node, Node], ...]) -> Curve:
    """The curve through some points."""
    return Curve(of, tuple(Point(x, y) for x, y in points))


def is_one(node: Node) -> bool:
    """Is it the constant 1, which multiplies and divides nothing?"""
    return isinstance(node, Number) and node.value == ONE


@refusing
def _threshold(value: object) -> Head:
    head = _head(value)
    if head.word not in ("at_least", "above"):
        raise AgreementError(
            "bad-row", f"{head.word!r} cannot start a threshold.", "Write 'at_least 100' or 'above 100'."
        )
    return head


Threshold = Annotated[InstanceOf[Head], BeforeValidator(_threshold), PlainSerializer(str, return_type=str)]
"""``at_least E`` or ``above E``."""


@refusing
def _least(value: object) -> Head:
    text = value.strip() if isinstance(value, str) else ""
    first = text.partition(" ")[0]
    return _threshold(value) if first in ("at_least", "above") or not text else Head("at_least", parse(text))


Least = Annotated[InstanceOf[Head], BeforeValidator(_least), PlainSerializer(str, return_type=str)]
"""``E``, which an amount reaches when it is at least that; or ``at_least E`` or ``above E`` in so many words."""
