"""Formulas as a file writes them: as text, or as a table over several lines.

``{of: sold, rows: {at_least 100: 5, otherwise: 6}}`` is ``step(sold, [...])``; ``points`` and ``bands`` make ``curve``
and ``bands``; ``{by_year: [90%, 92%]}`` has one value for each contract year, ``{by_period: [...]}`` for each period;
``{cases: {sold > 5 and late: 1, otherwise: 0}}`` gives the value of the first condition that holds.
A table is the node that its text form gives, so nothing that follows knows how it was written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from pyoutcome.decimals import ONE
from pyoutcome.errors import AgreementError, PyoutcomeError, did_you_mean
from pyoutcome.formula.parser import parse
from pyoutcome.formula.printer import to_text
from pyoutcome.formula.syntax import (
    BandRow,
    Bands,
    Compare,
    Curve,
    Edge,
    If,
    Name,
    Node,
    Number,
    Pick,
    PickRow,
    Point,
    Relation,
    Step,
    StepRow,
)  # fmt: skip
from pyoutcome.formula.tokens import is_name

EDGES: Final = tuple(edge.value for edge in Edge)
WIDTHS: Final = ("upto", "next")
MOST_ROWS: Final = 255
CASES: Final = "cases"
MOST_CASES: Final = 40
"""Each is a level of the formula's tree."""
SERIES: Final = {"by_year": "year", "by_period": "period"}
_LAST: Final = ("otherwise", "rest")


@dataclass(frozen=True)
class Head:
    """What stands before the colon of a row: a word, and a formula unless the row is the last."""

    word: str
    """``at_least above at_most below``, ``upto next``, ``is`` (a label of a choice), or ``otherwise``, ``rest``."""
    at: Node | None = None
    label: str = ""

    def __str__(self) -> str:
        if self.label:
            return self.label
        return self.word if self.at is None else f"{self.word} {to_text(self.at)}"


def read_head(value: object) -> Head:
    """The head of a row from its text. AgreementError ``bad-row``; FormulaError."""
    text = str(value).strip()
    word, _, rest = text.partition(" ")
    if word in _LAST and not rest.strip():
        return Head(word)
    if word in (*EDGES, *WIDTHS) and rest.strip():
        return Head(word, parse(rest))
    if not rest and is_name(text) and "." not in text:
        return Head("is", label=text)
    raise AgreementError(
        "bad-row",
        f"{text[:60]!r} cannot start a row.",
        "Start it with at_least, above, at_most or below (in a graduated table upto or next) and a number, such as "
        "'at_least 99%', or with a label of a choice.",
    )


def read_formula(value: object) -> Node:
    """A formula from its text or its table.

    Raises AgreementError ``bad-table``, ``bad-row``, ``wrong-shape``, ``empty-value``; FormulaError; NumberError. The
    detail ``inside`` holds the keys that lead to the place inside the table.
    """
    if isinstance(value, Node):
        return value
    if isinstance(value, dict):
        return _read_table(value)
    if not isinstance(value, str):
        raise AgreementError(
            "wrong-shape",
            "This is a list, but one text belongs here.",
            "Compare the place with the same key in an example.",
        )
    if not value.strip():
        raise AgreementError("empty-value", "The value is empty.", "Write a value, or delete the key.")
    return parse(value)


def _read_table(value: Mapping[str, object]) -> Node:
    keys = set(value)
    for key, name in SERIES.items():
        if keys == {key}:
            with _inside(key):
                return series_of(Name(name), _formulas(value[key]))
    if keys == {CASES}:
        with _inside(CASES):
            return _read_cases(value[CASES])
    table = next((key for key in _READERS if keys == {"of", key}), None)
    if table is None:
        raise AgreementError(
            "bad-table",
            f"A formula cannot be a map of {', '.join(repr(key) for key in value)[:80] or 'nothing'}.",
            "Write its text, or a table: 'of' with one of rows, points and bands; 'by_year: [...]' or "
            "'by_period: [...]'; or 'cases: {condition: value, ..., otherwise: value}'.",
        )
    with _inside("of"):
        of = read_formula(value["of"])
    with _inside(table):
        return _READERS[table](of, value[table])


@contextmanager
def _inside(key: str | int) -> Iterator[None]:
    """Errors of what is read here know the way to it."""
    try:
        yield
    except PyoutcomeError as error:
        deeper = error.details.get("inside", ())
        error.details["inside"] = (key, *deeper) if isinstance(deeper, tuple) else (key,)
        raise


def _formulas(value: object) -> tuple[Node, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_ROWS:
        raise AgreementError("bad-table", "A list of values belongs here.", f"Write 1 to {MOST_ROWS} of them in [...].")
    found: list[Node] = []
    for at, each in enumerate(value):
        with _inside(at):
            found.append(read_formula(each))
    return tuple(found)


def _rows(value: object) -> tuple[tuple[Head, Node], ...]:
    if not isinstance(value, dict) or not 1 <= len(value) <= MOST_ROWS:
        raise AgreementError(
            "bad-table", "A map of rows belongs here.", "Write it such as {at_least 99%: 5, otherwise: 0}."
        )
    found: list[tuple[Head, Node]] = []
    for key, each in value.items():
        with _inside(key):
            found.append((read_head(key), read_formula(each)))
    return tuple(found)


def _read_cases(value: object) -> Node:
    rows = list(value.items()) if isinstance(value, dict) else []
    last = [at for at, (key, _) in enumerate(rows, 1) if key == "otherwise"]
    if not 2 <= len(rows) <= MOST_CASES or last != [len(rows)]:
        raise AgreementError(
            "bad-table",
            f"Cases are 1 to {MOST_CASES - 1} conditions and, last, 'otherwise'.",
            "Write them such as {late > 5 and repeated: 20%, late > 5: 10%, otherwise: 0}.",
        )
    found: list[tuple[Node, Node]] = []
    for key, each in rows[:-1]:
        with _inside(key):
            found.append((parse(key), read_formula(each)))
    with _inside("otherwise"):
        chosen = read_formula(rows[-1][1])
    for condition, each in reversed(found):
        chosen = If(condition, each, chosen)
    return chosen


def _read_rows(of: Node, value: object) -> Node:
    rows = _rows(value)
    check_levels(tuple(head for head, _ in rows))
    return step_of(of, rows)


def _read_bands(of: Node, value: object) -> Node:
    rows = _rows(value)
    check_bands(tuple(head for head, _ in rows))
    return bands_of(of, rows)


def _read_points(of: Node, value: object) -> Node:
    pairs = value if isinstance(value, list) else []
    if not 2 <= len(pairs) <= MOST_ROWS or any(not isinstance(pair, list) or len(pair) != 2 for pair in pairs):
        raise AgreementError(
            "bad-table", f"A curve needs 2 to {MOST_ROWS} points.", "Write them such as [[90, 0], [95, 50]]."
        )
    points: list[tuple[Node, Node]] = []
    for at, pair in enumerate(pairs):
        with _inside(at):
            x, y = _formulas(pair)
            points.append((x, y))
    return curve_of(of, tuple(points))


_READERS: Final[dict[str, Callable[[Node, object], Node]]] = {
    "rows": _read_rows,
    "points": _read_points,
    "bands": _read_bands,
}


def check_levels(heads: tuple[Head, ...]) -> None:
    """Rows over numbers end with ``otherwise``; rows over labels may. AgreementError ``bad-row``."""
    if any(head.word == "is" for head in heads):
        named = [head.label for head in heads[:-1]] if heads[-1].word == "otherwise" else [each.label for each in heads]
        if not named or not all(named) or len(set(named)) < len(named):
            raise AgreementError(
                "bad-row",
                "The rows of a table are all labels of a choice, each once, or all about a number.",
                "Write {gold: 10, silver: 5, otherwise: 0}, or at_least, above, at_most or below and a number.",
            )
        return
    if len(heads) < 2:
        raise AgreementError(
            "bad-row", "The table has one row only.", "Add a row such as 'at_least 99%: 0' before 'otherwise'."
        )
    _check_words(heads, EDGES, "otherwise")


def check_bands(heads: tuple[Head, ...]) -> None:
    """Bands end with ``rest``. AgreementError ``bad-row``."""
    _check_words(heads, WIDTHS, "rest")


def _check_words(heads: tuple[Head, ...], words: tuple[str, ...], last: str) -> None:
    if heads[-1].word != last or any(head.word == last for head in heads[:-1]):
        raise AgreementError(
            "bad-row",
            f"The last row must be '{last}', once.",
            f"End the table with '{last}: ...' for all that remains.",
        )
    for head in heads[:-1]:
        if head.word not in words:
            raise AgreementError(
                "bad-row",
                f"A row of this table cannot start with {str(head)[:60]!r}.",
                did_you_mean(head.word, words),
            )


def step_of(of: Node, rows: tuple[tuple[Head, Node], ...]) -> Node:
    """The step table of some rows; of labels, the value for each."""
    if rows[0][0].word != "is":
        steps = tuple(StepRow(Edge(head.word), head.at, value) for head, value in rows[:-1] if head.at is not None)
        return Step(of, steps, rows[-1][1])
    otherwise = rows[-1][1] if rows[-1][0].word == "otherwise" else None
    named = [(head.label, value) for head, value in rows if head.label]
    if isinstance(of, Name):
        return Pick(of, tuple(PickRow(label, value) for label, value in named), otherwise)
    # Not the name of a choice: the comparison says so where the types are checked.
    chosen = otherwise if otherwise is not None else named[-1][1]
    for label, value in reversed(named):
        chosen = If(Compare(Relation.EQ, of, Name(label)), value, chosen)
    return chosen


def bands_of(of: Node, rows: tuple[tuple[Head, Node], ...]) -> Bands:
    """The graduated table of some rows."""
    bands = tuple(BandRow(head.word == "next", head.at, value) for head, value in rows[:-1] if head.at is not None)
    return Bands(of, bands, rows[-1][1])


def curve_of(of: Node, points: tuple[tuple[Node, Node], ...]) -> Curve:
    """The curve through some points."""
    return Curve(of, tuple(Point(x, y) for x, y in points))


def series_of(counter: Name, values: tuple[Node, ...]) -> Node:
    """One value for each number of a counter from 1; the last holds for all later ones."""
    *first, last = values
    rows = tuple(StepRow(Edge.AT_MOST, Number(at * ONE, str(at)), value) for at, value in enumerate(first, 1))
    return Step(counter, rows, last) if rows else last
