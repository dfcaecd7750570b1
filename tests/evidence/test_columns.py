"""Column types: the form a value must be written in, and that Python and the engine read the form alike."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyoutcome.evidence.engines.engine import Engine
from pyoutcome.evidence.engines.opening import open_engine
from pyoutcome.evidence.measures.columns import ColumnType, Kind, common_type
from tests.evidence.deal import quote

WHOLE = ColumnType(Kind.DECIMAL, 5, 0)
MONEY = ColumnType(Kind.DECIMAL, 7, 2)
SHARE = ColumnType(Kind.DECIMAL, 3, 3)
INSTANT = ColumnType(Kind.INSTANT)
WALL = ColumnType(Kind.WALL)
BOOLEAN = ColumnType(Kind.BOOLEAN)
TYPES = [WHOLE, MONEY, SHARE, INSTANT, WALL, BOOLEAN]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with open_engine([], tmp_path_factory.mktemp("engine")) as opened:
        yield opened


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (WHOLE, "0"),
        (WHOLE, "-0"),
        (WHOLE, "00015"),
        (WHOLE, "-99999"),
        (MONEY, "12345"),
        (MONEY, "12345.6"),
        (MONEY, "-0.05"),
        (SHARE, "0"),
        (SHARE, "0.999"),
        (INSTANT, "2013-01-01T10:00:00Z"),
        (INSTANT, "2013-01-01 10:00:00.123456+14:00"),
        (INSTANT, "2013-01-01T10:00:00-05:30"),
        (WALL, "2013-01-01T10:00:00"),
        (WALL, "2013-01-01 10:00:00.5"),
        (BOOLEAN, "true"),
        (BOOLEAN, "FALSE"),
    ],
)
def test_a_form_admits_its_plain_spellings_and_the_engine_casts_them(
    engine: Engine, kind: ColumnType, text: str
) -> None:
    assert kind.accepts(text)
    assert [(True,)] == engine.rows(f"SELECT regexp_full_match({quote(text)}, {quote(kind.form)})")
    assert [(True,)] == engine.rows(f"SELECT TRY_CAST({quote(text)} AS {kind.sql}) IS NOT NULL")


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (WHOLE, ""),
        (WHOLE, "1_000"),
        (WHOLE, "1,000"),
        (WHOLE, "+5"),
        (WHOLE, " 5"),
        (WHOLE, "5\n"),
        (WHOLE, "5.0"),
        (WHOLE, "5e0"),
        (WHOLE, "\uff15"),
        (WHOLE, "123456"),
        (WHOLE, "nan"),
        (MONEY, "1.005"),
        (MONEY, ".5"),
        (MONEY, "5."),
        (SHARE, "1.000"),
        (INSTANT, "2013-01-01T10:00:00"),
        (INSTANT, "2013-01-01T10:00Z"),
        (INSTANT, "2013-01-01T24:00:00Z"),
        (INSTANT, "2013-01-01T10:00:60Z"),
        (INSTANT, "2013-01-01T10:00:00.1234567Z"),
        (INSTANT, "2013-13-01T10:00:00Z"),
        (INSTANT, "1/2/2016"),
        (INSTANT, "2013-01-01T10:00:00+15:00"),
        (INSTANT, "2013-01-01T10:00:00 America/New_York"),
        (WALL, "2013-01-01T10:00:00Z"),
        (WALL, "2013-01-01"),
        (BOOLEAN, "yes"),
        (BOOLEAN, "1"),
    ],
)
def test_a_form_refuses_what_engines_read_differently(engine: Engine, kind: ColumnType, text: str) -> None:
    assert not kind.accepts(text)
    assert [(False,)] == engine.rows(f"SELECT regexp_full_match({quote(text)}, {quote(kind.form)})")


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(TYPES),
    st.one_of(
        st.text(alphabet="0123456789-.", max_size=9),
        st.from_regex(
            r"[0-9]{4}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{1,7})?Z?", fullmatch=True
        ),
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6),
    ),
)
def test_python_and_the_engine_agree_on_every_form(engine: Engine, kind: ColumnType, text: str) -> None:
    assert [(kind.accepts(text),)] == engine.rows(f"SELECT regexp_full_match({quote(text)}, {quote(kind.form)})")


@pytest.mark.parametrize("day", ["2013-02-29", "2013-04-31", "1900-02-29"])
def test_a_day_that_does_not_exist_has_the_form_and_no_value(engine: Engine, day: str) -> None:
    text = f"{day}T00:00:00Z"
    assert INSTANT.accepts(text)
    assert [(True,)] == engine.rows(f"SELECT TRY_CAST({quote(text)} AS TIMESTAMPTZ) IS NULL")


def test_types_compare_only_with_their_own_kind_and_within_38_digits() -> None:
    assert ColumnType(Kind.DECIMAL, 7, 2) == common_type(WHOLE, MONEY)
    assert ColumnType(Kind.DECIMAL, 38, 30) == common_type(
        ColumnType(Kind.DECIMAL, 38, 30), ColumnType(Kind.DECIMAL, 8, 0)
    )
    assert None is common_type(ColumnType(Kind.DECIMAL, 38, 30), ColumnType(Kind.DECIMAL, 9, 0))
    assert None is common_type(INSTANT, WALL)
    assert INSTANT == common_type(INSTANT, INSTANT)
