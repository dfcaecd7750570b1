"""The conformance matrix: every admitted operation, on every type, at its edges, means on each engine what it means in
plain Python.

The engines of a run are hostile on purpose where scripts/test starts them: PostgreSQL with German ICU order and Berlin
time, Spark with a session in Berlin time.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from pyoutcome.evidence.engines.engine import Engine
from pyoutcome.evidence.measures.columns import TEXT, ColumnType, Kind
from pyoutcome.evidence.measures.conditions import (
    Column,
    Condition,
    Connective,
    Constant,
    Flag,
    Missing,
    Negation,
    SecondsBetween,
    Value,
)
from tests.engines.conftest import loaded, plan_of
from tests.engines.trees import (
    BOOLEAN,
    INSTANT,
    SECONDS,
    SIGNS,
    WALL,
    Cell,
    Grower,
    among,
    calculate,
    choose,
    compare,
    decimal,
    evaluate,
    number,
    read,
)

TYPES: Final[dict[str, ColumnType]] = {
    "id": decimal(6),
    "n": decimal(5, 2),
    "m": decimal(9),
    "w": decimal(18),
    "v": decimal(18, 18),
    "x": decimal(19, 4),
    "big": decimal(37, 2),
    "name": TEXT,
    "other": TEXT,
    "at": INSTANT,
    "until": INSTANT,
    "local": WALL,
    "later": WALL,
    "done": BOOLEAN,
    "flag": BOOLEAN,
}
EDGES: Final[Mapping[str, Sequence[str]]] = {
    "n": ["0", "-0.00", "0.01", "-0.01", "1.5", "1.50", "999.99", "-999.99", "001", "", "14.5"],
    "m": ["0", "1", "-1", "999999999", "-999999999", "", "7", "000000007"],
    "w": ["0", "999999999999999999", "-999999999999999999", "1", "", "100000000000000000"],
    "v": ["0", "0.999999999999999999", "-0.999999999999999999", "0.000000000000000001", "", "-0.5"],
    "x": ["0", "999999999999999.9999", "-999999999999999.9999", "0.0001", "", "2.5"],
    "big": ["0", "9" * 35 + ".99", "-" + "9" * 35 + ".99", "0.01", "", "123456789012345678901234567890.5"],
    "name": ["UA", "ua", "Ua", "é", "e\u0301", "z", "Z", "ß", "ss", " UA", "UA ", "it's", "a\\b", "a\\", "%", "_", "",
             "${env:HOME}", "\U0001f600", "\ufb01", "\uffff", "NaN", "null", "\t", "#1", "--", "/*", "İ",
             "ı", "10", "9", "a b", "a-b", "ab"],
    "other": ["ua", "UA", "", "é", "z", "a\\b", "ss", "Z"],
    "at": ["2013-01-01T00:00:00Z", "2013-01-01 01:00:00+01:00", "2012-12-31T18:59:59.999999-05:00",
           "2013-03-31T02:30:00+01:00", "2013-03-31T01:30:00.5Z", "", "1000-01-01T00:00:00Z",
           "9999-12-31T23:59:59.999999Z", "1582-10-10T12:00:00Z", "1969-12-31T23:59:59.999999Z",
           "2012-02-29T23:59:59+14:00", "2000-02-29T00:00:00-14:59", "1999-12-31T23:59:59.1Z"],
    "until": ["2013-01-01T00:00:00.000001Z", "", "2013-10-27T02:30:00+01:00", "1000-01-01T00:00:00+00:00",
              "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z"],
    "local": ["2013-01-01T00:00:00", "2013-01-01 00:00:00.000001", "2013-03-31T02:30:00", "", "1000-01-01T00:00:00",
              "9999-12-31T23:59:59.999999", "1582-10-10T12:00:00", "2012-02-29T12:00:00.5", "1893-04-01T00:03:00"],
    "later": ["2013-01-01T00:00:00.000001", "2013-10-27T02:30:00", "", "1969-12-31T23:59:59", "9999-12-31T00:00:00"],
    "done": ["true", "false", "", "True", "FALSE"],
    "flag": ["false", "", "true"],
}  # fmt: skip
COLUMNS: Final[dict[str, Column]] = {name: Column(name, type_) for name, type_ in TYPES.items()}
NUMBERS: Final[list[Value]] = [COLUMNS[name] for name in ("n", "m", "w", "v", "x", "big")]
CONSTANTS: Final = [
    *(number(text) for text in ("0", "0.01", "14.50", "-1", "999.99", "1000", "0.5", "123456789012345678", "-0.0001")),
    *(Constant(text, TEXT) for text in EDGES["name"]),
    *(Constant(text, INSTANT) for text in EDGES["at"] if text),
    *(Constant(text, WALL) for text in EDGES["local"] if text),
]
ROWS: Final = max(len(values) for values in EDGES.values()) * 2
BATCH: Final = 60


def texts() -> list[dict[str, str]]:
    """Records in which every edge of a column stands beside many of another."""
    chance = random.Random(5)
    rows = []
    for place in range(ROWS):
        row = {"id": str(place)}
        for step, (name, values) in enumerate(EDGES.items()):
            row[name] = values[(place + step * (place // len(values))) % len(values)] if chance.random() < 0.9 else ""
        rows.append(row)
    return rows


RECORDS: Final = texts()
CELLS: Final[list[dict[str, Cell]]] = [
    {name: read(text, TYPES[name]) if text else None for name, text in row.items()} for row in RECORDS
]


def csv_of(rows: Sequence[Mapping[str, str]]) -> bytes:
    def field(text: str) -> str:
        return text and '"' + text.replace('"', '""') + '"' if '"' not in text and not text.endswith("\\") else text

    return "\n".join([",".join(TYPES), *(",".join(field(row[name]) for name in TYPES) for row in rows), ""]).encode()


@pytest.fixture(scope="session")
def held(engine_name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with loaded(engine_name, tmp_path_factory.mktemp("conformance"), plan_of(TYPES), csv_of(RECORDS)) as engine:
        yield engine


def plain(cell: object) -> Cell:
    """An engine's answer: decimals are fractions, texts bytes."""
    assert cell is None or isinstance(cell, bool | int | Decimal | str), type(cell)
    if isinstance(cell, bool | None):
        return cell
    return cell.encode() if isinstance(cell, str) else Fraction(cell)


def check(engine: Engine, trees: Sequence[Value | Condition]) -> None:
    """Each tree gives for each record what Python says it means."""
    own = plan_of(TYPES).columns
    for batch in pieces(trees):
        lowered = [exp.alias_(engine.dialect.lower(tree, own), f"e_{place}") for place, tree in enumerate(batch)]
        rows = engine.rows(exp.select("c_id", *lowered).from_("r_raw").order_by("c_id"))
        assert ROWS == len(rows)
        for record, (identity, *cells) in zip(CELLS, rows, strict=True):
            assert record["id"] == plain(identity)
            for tree, cell in zip(batch, cells, strict=True):
                assert evaluate(tree, record) == plain(cell), (
                    engine.dialect.sql(engine.dialect.lower(tree, own)),
                    record,
                )


def pieces(trees: Sequence[Value | Condition]) -> Iterator[Sequence[Value | Condition]]:
    for start in range(0, len(trees), BATCH):
        yield trees[start : start + BATCH]


def of_kind(*kinds: Kind) -> list[Value]:
    every: list[Value] = [*COLUMNS.values(), *CONSTANTS]
    return [each for each in every if each.type.kind in kinds]


def test_columns_keep_their_values(held: Engine) -> None:
    # Times as microseconds: no engine's way to show one is compared.
    trees: list[Value | Condition] = [
        each for each in COLUMNS.values() if each.type.kind not in {Kind.INSTANT, Kind.WALL}
    ]
    zero = {Kind.INSTANT: Constant("1970-01-01T00:00:00Z", INSTANT), Kind.WALL: Constant("1970-01-01T00:00:00", WALL)}
    trees += [
        SecondsBetween(zero[each.type.kind], each, SECONDS) for each in COLUMNS.values() if each.type.kind in zero
    ]
    check(held, trees)


def test_comparisons(held: Engine) -> None:
    trees: list[Value | Condition] = []
    for kind, sides in ((Kind.DECIMAL, 5), (Kind.TEXT, 4), (Kind.INSTANT, 5), (Kind.WALL, 5)):
        values = of_kind(kind)
        chance = random.Random(kind)
        for column in [each for each in values if isinstance(each, Column)]:
            for other in chance.sample(values, sides):
                trees += [made for sign in SIGNS[chance.randrange(2) :: 2] if (made := compare(sign, column, other))]
                trees += [made for sign in SIGNS[::3] if (made := compare(sign, other, column))]
    check(held, trees)


def test_texts_are_compared_by_their_bytes(held: Engine) -> None:
    trees = [
        made
        for text in EDGES["name"]
        for sign in ("=", "<")
        if (made := compare(sign, COLUMNS["name"], Constant(text, TEXT)))
    ]
    check(held, trees)


def test_memberships(held: Engine) -> None:
    chance = random.Random(7)
    trees: list[Value | Condition] = []
    for column in COLUMNS.values():
        constants = [each for each in CONSTANTS if each.type.kind is column.type.kind]
        if constants:
            trees += [
                made
                for size in (1, 2, 5)
                if (made := among(column, chance.sample(constants, min(size, len(constants)))))
            ]
    check(held, [*trees, *(Negation(tree) for tree in trees if not isinstance(tree, Column))])  # type: ignore[arg-type]


def test_what_is_missing_and_the_three_truths(held: Engine) -> None:
    conditions: list[Condition] = [
        Flag(COLUMNS["done"]), Flag(COLUMNS["flag"]), Missing(COLUMNS["done"]),
        *(made for name in ("n", "name", "at", "local") if (made := compare("<", COLUMNS[name], CONSTANTS_OF[name]))),
    ]  # fmt: skip
    trees: list[Value | Condition] = [Missing(column) for column in COLUMNS.values()]
    trees += [Negation(each) for each in conditions]
    trees += [
        Connective(word, first, second)
        for word in ("AND", "OR")
        for first, second in itertools.product(conditions, repeat=2)
    ]
    check(held, trees)


CONSTANTS_OF: Final = {
    "n": number("14.50"),
    "name": Constant("a", TEXT),
    "at": Constant("2013-01-01T00:00:00Z", INSTANT),
    "local": Constant("2013-01-01T00:00:00", WALL),
}


def test_arithmetic_at_every_width(held: Engine) -> None:
    operands: list[Value] = [*NUMBERS, number("0.5"), number("-1"), number("123456789012345678")]
    trees = [
        made
        for sign in "+-*"
        for left, right in itertools.product(operands, repeat=2)
        if (made := calculate(sign, left, right))
    ]
    widths = {tree.type.digits for tree in trees}
    assert {18, 19, 20, 37, 38} & widths >= {19, 20, 37, 38}
    deeper = [made for left in trees[::5] for sign in "+-*" if (made := calculate(sign, left, COLUMNS["n"]))]
    check(held, [*trees, *deeper])


VALUES: Final[list[Value]] = [*NUMBERS[:5], number("0.5"), number("-1")]


def test_cases(held: Engine) -> None:
    conditions: list[Condition] = [Flag(COLUMNS["done"]), Missing(COLUMNS["n"]), Negation(Flag(COLUMNS["flag"]))]
    trees = [
        made
        for condition in conditions
        for value in VALUES
        for other in (None, *VALUES)
        if (made := choose([(condition, value), (Flag(COLUMNS["flag"]), COLUMNS["m"])], other))
    ]
    check(held, trees)


def test_seconds_between(held: Engine) -> None:
    trees: list[Value | Condition] = []
    for kind in (Kind.INSTANT, Kind.WALL):
        columns = [each for each in COLUMNS.values() if each.type.kind is kind]
        constants = [each for each in CONSTANTS if each.type.kind is kind]
        others: list[Value] = [*columns, *constants]
        trees += [SecondsBetween(a, b, SECONDS) for a in columns for b in others]
        trees += [SecondsBetween(b, a, SECONDS) for a in columns for b in constants[:3]]
    check(held, trees)


@settings(max_examples=4)
@given(seed=st.integers(0, 2**32 - 1))
def test_random_trees(held: Engine, seed: int) -> None:
    grower = Grower(list(COLUMNS.values()), CONSTANTS, random.Random(seed))
    trees: list[Value | Condition] = [grower.condition(3) for _ in range(BATCH // 2)]
    trees += [grower.number(3) for _ in range(BATCH // 2)]
    check(held, trees)
