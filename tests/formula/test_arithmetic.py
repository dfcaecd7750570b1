"""The operations where they turn: at an edge, at a limit, at the first and last row."""

from __future__ import annotations

import pytest

from pyoutcome.decimals import INT256_MAX, INT256_MIN, ONE
from pyoutcome.errors import FormulaError
from pyoutcome.formula import arithmetic as a
from pyoutcome.formula.syntax import Edge, Relation


@pytest.mark.parametrize(
    ("relation", "less", "same", "more"),
    [
        (Relation.LT, True, False, False),
        (Relation.LE, True, True, False),
        (Relation.EQ, False, True, False),
        (Relation.GE, False, True, True),
        (Relation.GT, False, False, True),
        (Relation.NE, True, False, True),
    ],
)
def test_a_comparison_below_at_and_above(relation: Relation, less: bool, same: bool, more: bool) -> None:
    assert (less, same, more) == tuple(a.holds(relation, x, 5) for x in (4, 5, 6))


@pytest.mark.parametrize(
    ("edge", "below", "at", "above"),
    [
        (Edge.AT_LEAST, False, True, True),
        (Edge.ABOVE, False, False, True),
        (Edge.AT_MOST, True, True, False),
        (Edge.BELOW, True, False, False),
    ],
)
def test_a_row_below_at_and_above_its_edge(edge: Edge, below: bool, at: bool, above: bool) -> None:
    assert (below, at, above) == tuple(a.row_holds(edge, x, 5) for x in (4, 5, 6))


def test_the_first_row_that_holds_wins_and_none_is_beyond_the_last() -> None:
    edges, positions = (Edge.AT_LEAST, Edge.AT_LEAST, Edge.BELOW), (9, 5, 0)
    assert [2, 3, 3, 1, 1, 0] == [a.first_row(x, edges, positions) for x in (-1, 0, 4, 5, 8, 9)]


def test_a_band_may_be_empty_and_the_first_may_start_and_end_at_zero() -> None:
    assert [0, 3, 0, 2] == a.band_parts(5, (0, 3, 3))
    assert [1, 4] == a.band_parts(5, (1,))
    for edges in ((-1,), (2, 1)):
        with pytest.raises(FormulaError) as caught:
            a.band_parts(5, edges)
        assert "bands-edges-decreasing" == caught.value.code


def test_the_points_of_a_curve_may_not_even_share_their_place() -> None:
    a.refuse_points((1, 2))
    with pytest.raises(FormulaError) as caught:
        a.refuse_points((1, 1))
    assert "curve-points-not-increasing" == caught.value.code


def test_the_least_and_the_greatest_word_fit_and_their_neighbours_do_not() -> None:
    assert (INT256_MIN, INT256_MAX) == (a.fit_word(INT256_MIN), a.fit_word(INT256_MAX))
    for value in (INT256_MIN - 1, INT256_MAX + 1):
        with pytest.raises(FormulaError) as caught:
            a.fit_word(value)
        assert "overflow" == caught.value.code


def test_a_choice_is_one_of_the_first_whole_numbers() -> None:
    assert [0, 2] == [a.pick_row(x * ONE, 3) for x in (1, 3)]
    for x in (0, ONE - 1, ONE + 1, 4 * ONE, -ONE):
        with pytest.raises(FormulaError) as caught:
            a.pick_row(x, 3)
        assert "choice-out-of-range" == caught.value.code
