"""From counts to values: one rounding of the exact quotient, by the mode that is named."""

from __future__ import annotations

import decimal
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyoutcome.decimals import ONE, Rounding
from pyoutcome.evidence.values import in_range, round_ratio, scale_count

COUNTS = st.integers(0, 10**12)
PYTHON_MODES = {
    Rounding.DOWN: decimal.ROUND_DOWN,
    Rounding.UP: decimal.ROUND_UP,
    Rounding.HALF_UP: decimal.ROUND_HALF_UP,
    Rounding.HALF_EVEN: decimal.ROUND_HALF_EVEN,
    Rounding.FLOOR: decimal.ROUND_FLOOR,
    Rounding.CEIL: decimal.ROUND_CEILING,
}


@given(COUNTS, st.integers(1, 10**12), st.integers(0, 18), st.sampled_from(Rounding))
def test_a_ratio_is_the_nearest_multiple_the_mode_allows(
    numerator: int, denominator: int, decimals: int, mode: Rounding
) -> None:
    value = round_ratio(numerator, denominator, decimals, mode)
    assert value is not None
    exact, step = Fraction(numerator, denominator), Fraction(1, 10**decimals)
    found = Fraction(value, ONE)
    assert 0 == found % step
    assert abs(found - exact) < step
    if mode in {Rounding.HALF_UP, Rounding.HALF_EVEN}:
        assert abs(found - exact) <= step / 2
    if mode in {Rounding.DOWN, Rounding.FLOOR}:
        assert found <= exact
    if mode in {Rounding.UP, Rounding.CEIL}:
        assert found >= exact


@given(st.integers(0, 10**6), st.sampled_from([1, 2, 4, 5, 8, 16, 40, 125, 2000]), st.sampled_from(Rounding))
def test_ratios_with_a_finite_decimal_form_round_as_python_decimals_do(
    numerator: int, denominator: int, mode: Rounding
) -> None:
    with decimal.localcontext(prec=60):
        expected = (Decimal(numerator) / denominator).quantize(Decimal("0.01"), rounding=PYTHON_MODES[mode])
    assert int(expected * 100) * 10**16 == round_ratio(numerator, denominator, 2, mode)


@pytest.mark.parametrize(
    ("numerator", "denominator", "decimals", "mode", "expected"),
    [
        (3586, 4637, 4, Rounding.HALF_UP, "0.7733"),
        (1, 8, 2, Rounding.HALF_UP, "0.13"),
        (1, 8, 2, Rounding.HALF_EVEN, "0.12"),
        (1, 3, 18, Rounding.DOWN, "0.333333333333333333"),
        (2, 3, 0, Rounding.HALF_UP, "1"),
        (0, 7, 4, Rounding.UP, "0"),
    ],
)
def test_known_ratios(numerator: int, denominator: int, decimals: int, mode: Rounding, expected: str) -> None:
    assert int(Decimal(expected) * ONE) == round_ratio(numerator, denominator, decimals, mode)


@given(st.integers(0, 18), st.sampled_from(Rounding))
def test_nothing_to_count_gives_no_value(decimals: int, mode: Rounding) -> None:
    assert None is round_ratio(0, 0, decimals, mode)


@given(COUNTS)
def test_a_count_is_itself(count: int) -> None:
    assert count == Fraction(scale_count(count), ONE)


def test_range_ends_belong_to_the_range_and_a_missing_value_is_never_outside() -> None:
    assert [False, True, True, False] == [in_range(value, 0, ONE) for value in (-1, 0, ONE, ONE + 1)]
    assert in_range(None, 0, ONE)
