"""The ranges by which the quick evaluator leaves checks out hold every value."""

from __future__ import annotations

import pytest

from pyoutcome.decimals import ONE
from pyoutcome.decimals import parse as n
from pyoutcome.formula import (
    evaluate,
)
from pyoutcome.formula.generated import Code, name
from pyoutcome.formula.integers import Integers
from pyoutcome.formula.wholes import Whole, known
from tests.formula import small

RANGES = """
a + b -> -2 to 7
a - b -> -6 to 3
abs(a) -> 0 to 4
abs(b) -> 1 to 3
abs(-b) -> 1 to 3
abs(a + 3) -> 0 to 7
abs(a - 4) -> 0 to 7
a * b -> -9 to 12
a / b -> -3 to 4
a / -b -> -4000000000000000000 to 4000000000000000000
-a / -b -> -4000000000000000000 to 4000000000000000000
a / -2 -> -2 to 1.5
b / 0.000000000000000001 -> 1000000000000000000 to 3000000000000000000
b / max(a, 0.000000000000000001) -> 0.25 to 3000000000000000000
b / (b - 2) -> -3000000000000000000 to 3000000000000000000
b / (a * 0.25) -> -3000000000000000000 to 3000000000000000000
-b / 3 -> -1 to -0.333333333333333333
a * -2 -> -8 to 6
-2 / b -> -2 to -0.666666666666666666
min(a, b) -> -3 to 3
max(a, b) -> 1 to 4
min(a, -3) -> -3 to -3
min(4, a) -> -3 to 4
max(a, 4) -> 4 to 4
max(-3, a) -> -3 to 4
max(b, c) -> 1 to 3
clamp(a, 0, 2) -> 0 to 2
clamp(a, -9, b) -> -3 to 3
outside(a, 0, 2) -> 0 to 3
outside(a, -3, 4) -> 0 to 0
round(a, 2, down) -> -5 to 6
round(b, 1, half_up) -> 0 to 4
round(-b, 1, up) -> -4 to 0
round(a - 4, 1, up) -> -8 to 0
round(a + 3, 1, up) -> 0 to 8
round(-a, 2, floor) -> -6 to 5
round(min(a, 0.000000000000000001), 1, up) -> -4 to 1.000000000000000001
step(a, [at_least 2 gives 5, at_most 0 gives -1, otherwise 3]) -> -1 to 5
pick(tier, [gold gives 5, silver gives 7, base gives 9]) -> 5 to 9
pick(tier, [gold gives a, otherwise 9]) -> -3 to 9
b if ok else c -> 0.5 to 3
(1 if ok else 0) * 2 -> 0 to 2
bands(a, [upto 2 at 5, rest at 1]) -> 0 to 12
bands(a, [upto 2 at -5, next 1 at 1.5, rest at 0]) -> -10 to 0
bands(a, [rest at 2]) -> 0 to 8
bands(a, [upto 0 at 5, rest at 1]) -> 0 to 4
bands(b, [upto 1 at 5, rest at 0.25]) -> 0 to 5.5
bands(b, [upto 2 at 5, upto 2 at 7, rest at 1]) -> 0 to 11
bands(-b, [upto 2 at 5, rest at 100]) -> 0 to 10
bands(a, [upto 2 at 0, rest at 3]) -> 0 to 6
curve(a, [-3 gives 10, 1 gives 2, 4 gives 5]) -> 2 to 10
"""


def range_in_code(formula: str) -> tuple[int, int]:
    """Where the quick evaluator takes a formula to lie: what that leaves open, it checks."""
    made = small.rule(formula)
    numbers = Integers(made, Code(), dict(made.parameters))
    numbers.known |= {kpi.full_name: Whole(name(kpi.full_name), kpi.low, kpi.high) for kpi in made.kpis}
    third, well = (each.formula for each in made.definitions)
    numbers.known |= {"third": numbers.number(third), "well": numbers.flag(well), "period": known(ONE)}
    found = numbers.number(made.lines[0].formula)
    return found.low, found.high


@pytest.mark.parametrize("row", RANGES.strip().splitlines())
def test_the_range_that_the_code_goes_by(row: str) -> None:
    formula, ends = row.split(" -> ")
    low, high = ends.split(" to ")
    assert (n(low), n(high)) == range_in_code(formula)


@pytest.mark.parametrize("formula", [row[0] for row in small.ROWS])
def test_no_value_leaves_the_range_that_the_code_goes_by(formula: str) -> None:
    low, high = range_in_code(formula)
    made = small.rule(formula)
    for values in small.grid_of(formula, most=5):
        assert low <= evaluate(made, values).amounts[0] <= high
