"""What an expression means, told a second time in plain Python: text and meaning are generated side by side."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from hypothesis import strategies as st

Row = dict[str, Fraction | str | bool | None]
Test = Callable[[Row], bool | None]


def decimal_text(value: Fraction) -> str:
    scaled = value * 10**4
    assert scaled.denominator == 1
    sign, digits = "-" if scaled < 0 else "", f"{abs(int(scaled)):05d}"
    return f"{sign}{digits[:-4]}.{digits[-4:]}"


Number = tuple[str, Callable[[Row], Fraction | None]]
COMPARE: dict[str, Callable[[object, object], bool]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,  # type: ignore[operator]
    "<=": lambda a, b: a <= b,  # type: ignore[operator]
    ">": lambda a, b: a > b,  # type: ignore[operator]
    ">=": lambda a, b: a >= b,  # type: ignore[operator]
}


def column(name: str) -> Number:
    def value(row: Row) -> Fraction | None:
        held = row[name]
        assert held is None or isinstance(held, Fraction)
        return held

    return name, value


def constant(value: Fraction) -> Number:
    return decimal_text(value), lambda _: value


def calculate(sign: str, left: Number, right: Number) -> Number:
    def value(row: Row) -> Fraction | None:
        a, b = left[1](row), right[1](row)
        if a is None or b is None:
            return None
        return a + b if sign == "+" else a - b if sign == "-" else a * b

    return f"({left[0]} {sign} {right[0]})", value


def negate(inner: Number) -> Number:
    def value(row: Row) -> Fraction | None:
        held = inner[1](row)
        return None if held is None else -held

    return f"-({inner[0]})", value


def choose(sign: str, tested: Number, bound: Number, then: Number, otherwise: Number | None) -> Number:
    def value(row: Row) -> Fraction | None:
        a, b = tested[1](row), bound[1](row)
        if a is not None and b is not None and COMPARE[sign](a, b):
            return then[1](row)
        return None if otherwise is None else otherwise[1](row)

    ending = "" if otherwise is None else f" else {otherwise[0]}"
    return f"case when {tested[0]} {sign} {bound[0]} then {then[0]}{ending} end", value


def moment(value: object) -> Fraction:
    """A time of a row in microseconds since 1970."""
    passed = datetime.fromisoformat(str(value)).replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return Fraction(passed // timedelta(microseconds=1))


def since(name: str, start: str) -> Number:
    def value(row: Row) -> Fraction | None:
        return None if row[name] is None else (moment(row[name]) - moment(start)) / 10**6

    return f"seconds_between('{start}', {name})", value


numbers = st.recursive(
    st.sampled_from(["n", "m", "big"]).map(column)
    | st.integers(-(10**7), 10**7).map(lambda value: constant(Fraction(value, 10**4)))
    | st.builds(since, st.just("at"), st.sampled_from(["2013-01-01T05:00:00Z", "1999-12-31T23:59:59.999999Z"]))
    | st.builds(since, st.just("local"), st.sampled_from(["2013-01-01T05:00:00", "9999-12-31T23:59:59.5"])),
    lambda inner: (
        st.builds(calculate, st.sampled_from("+-*"), inner, inner)
        | inner.map(negate)
        | st.builds(choose, st.sampled_from(sorted(COMPARE)), inner, inner, inner, st.none() | inner)
    ),
    max_leaves=4,
)
texts = st.sampled_from([("'UA'", "UA"), ("'ua'", "ua"), ("''", ""), ("'it''s'", "it's"), ("'é'", "é"), ("'Z'", "Z")])


def compare(sign: str, left: Number, right: Number) -> tuple[str, Test]:
    def test(row: Row) -> bool | None:
        a, b = left[1](row), right[1](row)
        return None if a is None or b is None else COMPARE[sign](a, b)

    return f"{left[0]} {sign} {right[0]}", test


def compare_text(sign: str, text: tuple[str, str]) -> tuple[str, Test]:
    def test(row: Row) -> bool | None:
        return None if row["name"] is None else COMPARE[sign](str(row["name"]).encode(), text[1].encode())

    return f"name {sign} {text[0]}", test


def among(value: Number, choices: list[Number], word: str) -> tuple[str, Test]:
    def test(row: Row) -> bool | None:
        held = value[1](row)
        return None if held is None else (held in [choice[1](row) for choice in choices]) == (word == "in")

    return f"{value[0]} {word} ({', '.join(choice[0] for choice in choices)})", test


def between(value: Number, low: Number, high: Number) -> tuple[str, Test]:
    def test(row: Row) -> bool | None:
        held, least, most = value[1](row), low[1](row), high[1](row)
        return both(compare_null(least, held), compare_null(held, most))

    return f"{value[0]} between {low[0]} and {high[0]}", test


def compare_null(a: Fraction | None, b: Fraction | None) -> bool | None:
    return None if a is None or b is None else a <= b


def both(a: bool | None, b: bool | None) -> bool | None:
    return False if a is False or b is False else None if a is None or b is None else True


def missing(value: Number, word: str) -> tuple[str, Test]:
    return f"{value[0]} {word}", lambda row: (value[1](row) is None) == (word == "is null")


def done(row: Row) -> bool | None:
    held = row["done"]
    assert held is None or isinstance(held, bool)
    return held


def invert(inner: tuple[str, Test]) -> tuple[str, Test]:
    def test(row: Row) -> bool | None:
        held = inner[1](row)
        return None if held is None else not held

    return f"not ({inner[0]})", test


def join(word: str, left: tuple[str, Test], right: tuple[str, Test]) -> tuple[str, Test]:
    def test(row: Row) -> bool | None:
        a, b = left[1](row), right[1](row)
        if word == "and":
            return both(a, b)
        return True if a is True or b is True else None if a is None or b is None else False

    return f"({left[0]}) {word} ({right[0]})", test


conditions = st.recursive(
    st.builds(compare, st.sampled_from(sorted(COMPARE)), numbers, numbers)
    | st.builds(compare_text, st.sampled_from(sorted(COMPARE)), texts)
    | st.builds(
        among,
        numbers,
        st.lists(st.integers(-20, 20).map(lambda value: constant(Fraction(value))), min_size=1, max_size=3),
        st.sampled_from(["in", "not in"]),
    )
    | st.builds(between, numbers, numbers, numbers)
    | st.builds(missing, numbers, st.sampled_from(["is null", "is not null"]))
    | st.just(("done", done)),
    lambda inner: st.builds(join, st.sampled_from(["and", "or"]), inner, inner) | inner.map(invert),
    max_leaves=5,
)
