"""What is known of a value before any KPI is reported: its range, what it is a multiple of, and how it moves.

Each row says it of one formula: least and most, the multiple, by how much the computed value may differ from the exact
one (``~``, in units of 10**-18), and the slope by each KPI: ``rising`` and ``falling`` where it jumps one way only,
``jumping`` where it may jump both ways. ``nothing`` stands for slopes that are not known. Every row is also tried out:
no value leaves the range, and none moves otherwise.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest

from pyoutcome.decimals import ONE, show
from pyoutcome.formula import Rule, evaluate
from pyoutcome.formula.ends import range_of
from pyoutcome.formula.intervals import INFINITE, ITSELF, Slope, Slopes, View, constant, multiply_divide, scale
from pyoutcome.formula.walk import Walk
from tests.formula.small import KPIS, ROWS, grid_of, rule


def known(made: Rule) -> View:
    walk = Walk(made, {kpi.full_name: range_of(kpi.low, kpi.high, kpi.multiple) for kpi in KPIS}, {}, 1)
    walk.see(range(len(made.order)))
    return walk.amounts[0]


def said(view: View) -> str:
    off = f" ~{view.error}" if view.error else ""
    grain = show(view.grain) if view.grain != 1 else "1e-18"
    return f"{show(view.low)} to {show(view.high)} by {grain}{off}: {moves(view.slopes)}"


def moves(slopes: Slopes | None) -> str:
    if slopes is None:
        return "nothing"
    return ", ".join(f"{name} {slope_said(slopes[name])}" for name in sorted(slopes)) or "fixed"


def slope_said(slope: Slope) -> str:
    near = [end.limit_denominator(10**6) for end in slope]
    ends = ("-inf" if end == -INFINITE else "inf" if end == INFINITE else str(end) for end in near)
    text = " to ".join(dict.fromkeys(ends))
    return {"0 to inf": "rising", "-inf to 0": "falling", "-inf to inf": "jumping"}.get(text, text)


@pytest.mark.parametrize(("formula", "row"), ROWS, ids=[row[0] for row in ROWS])
def test_this_is_known_of_a_formula(formula: str, row: str) -> None:
    assert row == said(known(rule(formula)))


@pytest.mark.parametrize("formula", [row[0] for row in ROWS])
def test_what_is_known_is_true(formula: str) -> None:
    made = rule(formula)
    view = known(made)
    grid = [sorted(set(column)) for column in zip(*grid_of(formula), strict=True)]
    found = {values: evaluate(made, values).amounts[0] for values in grid_of(formula)}

    assert all(view.low <= value <= view.high for value in found.values())
    assert all(value % view.grain == 0 if view.grain else value == 0 for value in found.values())
    for at, kpi in enumerate(KPIS):
        if view.slopes is None or kpi.type != "number":
            continue
        least, most = view.slopes.get(kpi.full_name, (Fraction(0), Fraction(0)))
        for before, after in pairwise(grid[at]):
            for values, value in found.items():
                if values[at] == before:
                    moved = found[(*values[:at], after, *values[at + 1 :])] - value
                    assert least * (after - before) - 2 * view.error <= moved
                    assert moved <= most * (after - before) + 2 * view.error


def test_ends_move_inward_to_multiples() -> None:
    assert (-4, 6) == View(-6, 8, 2, None, 0).within(-5, 7)[:2]
    assert (-5, 7) == View(-6, 8, 1, None, 0).within(-5, 7)[:2]


@pytest.mark.parametrize(
    ("ends", "grain", "inside"),
    [
        ((-5, 7), 3, (-3, 6, 3)),
        ((1, 7), 2, (2, 6, 2)),
        ((-5, 7), 1, (-5, 7, 1)),
        ((4, 5), 2, (4, 4, 4)),
        ((-4, -4), 1, (-4, -4, 4)),
    ],
)
def test_a_range_ends_at_multiples(ends: tuple[int, int], grain: int, inside: tuple[int, int, int]) -> None:
    assert inside == range_of(*ends, grain)


def test_errors_of_factors_widen_a_product() -> None:
    rough = View(-ONE, 2 * ONE, 1, {"a": ITSELF}, ONE)  # exactly, it lies between -2 and 3
    made = multiply_divide(rough, rough, constant(ONE))
    assert (-2 * ONE, 4 * ONE, 6 * ONE + 1) == (made.low, made.high, made.error)
    assert {"a": (Fraction(-4), Fraction(6))} == made.slopes


@pytest.mark.parametrize(("least", "known"), [(1, False), (2, True)])
def test_a_divisor_has_slopes_if_it_is_surely_not_zero(least: int, known: bool) -> None:
    rough = View(least, 5, 1, {"a": ITSELF}, 1)
    assert known == (multiply_divide(constant(ONE), constant(ONE), rough).slopes is not None)


def test_fractions_of_many_digits_are_multiplied_exactly() -> None:
    long = Fraction(2**1000 + 1, 2**1000)
    assert (2 * long, 2 * long) == scale((long, long), Fraction(2), Fraction(2))
