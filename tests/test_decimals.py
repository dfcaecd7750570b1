"""Exact numbers: what is read, what is refused, and every rounding against fractions."""

from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Decimal,
    localcontext,
)

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyoutcome import decimals
from pyoutcome.decimals import INT256_MAX, INT256_MIN, ONE, Rounding
from pyoutcome.errors import NumberError

PYTHON_MODES = {
    Rounding.DOWN: ROUND_DOWN,
    Rounding.UP: ROUND_UP,
    Rounding.HALF_UP: ROUND_HALF_UP,
    Rounding.HALF_EVEN: ROUND_HALF_EVEN,
    Rounding.FLOOR: ROUND_FLOOR,
    Rounding.CEIL: ROUND_CEILING,
}


@pytest.mark.parametrize(
    ("text", "scaled"),
    [
        ("0", 0),
        ("-0", 0),
        ("99.95", 99_950_000_000_000_000_000),
        ("1_250.50", 1_250_500_000_000_000_000_000),
        ("10%", ONE // 10),
        ("0.0000000000000001%", 1),
        ("-5", -5 * ONE),
        ("0.000000000000000001", 1),
    ],
)
def test_text_is_read_exactly(text: str, scaled: int) -> None:
    assert scaled == decimals.parse(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (".nan", "not-a-number"),
        ("nan", "not-a-number"),
        (".inf", "not-a-number"),
        ("1e400", "not-a-number"),
        ("1e3", "not-a-number"),
        ("", "not-a-number"),
        ("--1", "not-a-number"),
        ("1__0", "not-a-number"),
        ("_1", "not-a-number"),
        ("1.", "not-a-number"),
        (".5", "not-a-number"),
        ("1,5", "not-a-number"),
        (" 1", "not-a-number"),
        ("1\n", "not-a-number"),
        ("١", "not-a-number"),
        ("9" * 10_000, "not-a-number"),
        ("0.1234567890123456789", "too-many-decimals"),
        ("0.1000000000000000000", "too-many-decimals"),
        ("0.12345678901234567%", "too-many-decimals"),
        ("9" * 60, "number-too-large"),
    ],
)
def test_bad_text_is_refused_with_its_code(text: str, code: str) -> None:
    with pytest.raises(NumberError) as refused:
        decimals.parse(text)
    assert code == refused.value.code


@given(st.integers(INT256_MIN, INT256_MAX))
def test_showing_and_reading_is_the_identity(scaled: int) -> None:
    assert scaled == decimals.parse(decimals.show(scaled))
    with localcontext(prec=100):
        assert scaled == int(decimals.to_decimal(scaled).scaleb(18))


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_never_crashes(text: str) -> None:
    try:
        scaled = decimals.parse(text)
    except NumberError:
        return
    assert INT256_MIN <= scaled <= INT256_MAX


@given(st.decimals())
def test_a_decimal_is_read_exactly_or_refused(value: Decimal) -> None:
    try:
        scaled = decimals.from_decimal(value)
    except NumberError:
        return
    with localcontext(prec=200):
        assert value == Decimal(scaled).scaleb(-18)


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**24), st.sampled_from(list(Rounding)))
def test_rounding_agrees_with_decimal_arithmetic(value: int, step: int, mode: Rounding) -> None:
    with localcontext(prec=200):
        multiple = (Decimal(value) / Decimal(step)).to_integral_value(PYTHON_MODES[mode])
    assert int(multiple) * step == decimals.round_to(value, step, mode)


@given(st.integers(-20, 20), st.sampled_from(list(Rounding)))
def test_ties_are_rounded_as_named(halves: int, mode: Rounding) -> None:
    expected = (Decimal(halves) / 2).to_integral_value(PYTHON_MODES[mode])
    assert int(expected) == decimals.round_to(halves * 5, 10, mode) // 10


@given(st.integers(-(10**40), 10**40), st.integers(0, 18))
def test_base_units_lose_less_than_one_toward_zero(scaled: int, unit_decimals: int) -> None:
    units = decimals.to_units_trunc(scaled, unit_decimals)
    back = decimals.from_units(units, unit_decimals)
    assert abs(back) <= abs(scaled) < abs(back) + 10 ** (18 - unit_decimals)
    assert back * scaled >= 0


def test_units_are_shown_with_their_decimals() -> None:
    assert "520000.00" == decimals.show_units(520_000_000_000, 6, 2)
    assert "-0.000001" == decimals.show_units(-1, 6)
    assert "7" == decimals.show_units(7, 0)
