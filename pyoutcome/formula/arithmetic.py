"""The operations of the payment language on scaled integers, each to the letter of ``docs/program-format.md``.

The evaluator, the machine and the bounds all call these, so that an operation exists once. Products are exact before
the division that follows; every result must fit int256, otherwise FormulaError ``overflow``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from pyoutcome.decimals import INT256_MAX, INT256_MIN, ONE, Rounding, divide_trunc, round_to, show
from pyoutcome.errors import FormulaError
from pyoutcome.formula.syntax import Edge, Relation


def fit_word(value: int) -> int:
    """The value itself if it fits int256; FormulaError ``overflow`` otherwise."""
    if INT256_MIN <= value <= INT256_MAX:
        return value
    raise FormulaError(
        "overflow", "A result does not fit a signed 256-bit value.", "Use larger units, or limit the values before."
    )


def _refuse_zero(divisor: int) -> None:
    if divisor == 0:
        raise FormulaError(
            "division-by-zero",
            "A divisor is zero.",
            "Guard the division with 'if', or exclude zero from the KPI's range.",
        )


def multiply(x: int, y: int) -> int:
    """``trunc(x*y / 10**18)``."""
    return fit_word(divide_trunc(x * y, ONE))


def divide(x: int, y: int) -> int:
    """``trunc(x*10**18 / y)``."""
    _refuse_zero(y)
    return fit_word(divide_trunc(x * ONE, y))


def multiply_divide(x: int, y: int, z: int) -> int:
    """``trunc(x*y / z)``: a product and a division with one truncation."""
    _refuse_zero(z)
    return fit_word(divide_trunc(x * y, z))


def clamp(x: int, low: int, high: int) -> int:
    """``min(max(x, low), high)``; FormulaError ``clamp-low-above-high`` when low > high."""
    if low > high:
        raise FormulaError(
            "clamp-low-above-high",
            f"The lower limit {show(low)} is above the upper limit {show(high)}.",
            "Order the limits, or keep the values that make them from crossing.",
        )
    return min(max(x, low), high)


def outside(x: int, low: int, high: int) -> int:
    """``max(low - x, x - high, 0)``."""
    return max(fit_word(low - x), fit_word(x - high), 0)


def round_step(x: int, step: int, mode: Rounding) -> int:
    """The multiple of ``step`` that ``mode`` chooses; FormulaError ``round-step-not-positive`` when step <= 0."""
    if step <= 0:
        raise FormulaError(
            "round-step-not-positive",
            f"The rounding step is {show(step)}.",
            "Round to a step above zero, such as 0.01.",
        )
    return fit_word(round_to(x, step, mode))


def holds(relation: Relation, x: int, y: int) -> bool:
    """Does the comparison hold?"""
    match relation:
        case Relation.LT:
            return x < y
        case Relation.LE:
            return x <= y
        case Relation.EQ:
            return x == y
        case Relation.GT:
            return x > y
        case Relation.GE:
            return x >= y
        case Relation.NE:
            return x != y


def row_holds(edge: Edge, x: int, at: int) -> bool:
    """Does a step row hold for x?"""
    match edge:
        case Edge.AT_LEAST:
            return x >= at
        case Edge.ABOVE:
            return x > at
        case Edge.AT_MOST:
            return x <= at
        case Edge.BELOW:
            return x < at


def first_row(x: int, edges: Sequence[Edge], positions: Sequence[int]) -> int:
    """Index of the first step row that holds; the number of rows when none does."""
    for row, (edge, at) in enumerate(zip(edges, positions, strict=True)):
        if row_holds(edge, x, at):
            return row
    return len(edges)


def refuse_points(xs: Sequence[int]) -> None:
    """FormulaError ``curve-points-not-increasing`` unless x1 < x2 < ... ."""
    if any(later <= earlier for earlier, later in pairwise(xs)):
        raise FormulaError(
            "curve-points-not-increasing",
            "The points of a curve do not rise from left to right.",
            "Order the points by x.",
        )


def segment(x: int, xs: Sequence[int]) -> int:
    """Where x lies on a curve's axis: i when in [x_i, x_i+1), -1 at or left of the first point, the last beyond."""
    if x <= xs[0]:
        return -1
    return next((i for i in range(len(xs) - 1) if x < xs[i + 1]), len(xs) - 1)


def curve(x: int, xs: Sequence[int], ys: Sequence[int]) -> int:
    """Linear between the points, flat outside; the segment's rise is truncated toward zero."""
    refuse_points(xs)
    at = segment(x, xs)
    if at == -1:
        return ys[0]
    if at == len(xs) - 1:
        return ys[-1]
    rise, run, part = fit_word(ys[at + 1] - ys[at]), fit_word(xs[at + 1] - xs[at]), fit_word(x - xs[at])
    return fit_word(ys[at] + divide_trunc(rise * part, run))


def band_parts(x: int, edges: Sequence[int]) -> list[int]:
    """The part of x inside each band, the rest last; FormulaError ``bands-edges-decreasing``."""
    if any(later < earlier for earlier, later in pairwise((0, *edges))):
        raise FormulaError(
            "bands-edges-decreasing",
            "The edges of bands fall from left to right, or start below zero.",
            "Order the bands by their upper edge, and give no band a negative width.",
        )
    parts: list[int] = []
    before = 0
    for edge in edges:
        parts.append(max(0, min(x, edge) - before))
        before = edge
    return [*parts, max(0, x - before)]


def bands(x: int, edges: Sequence[int], rates: Sequence[int]) -> int:
    """Each band's part times its rate, truncated on its own, then summed in order; 0 for x <= 0."""
    total = 0
    for part, rate in zip(band_parts(x, edges), rates, strict=True):
        if part:
            total = fit_word(total + multiply(part, rate))
    return total


def pick_row(x: int, labels: int) -> int:
    """Index of the value a scaled choice picks; FormulaError ``choice-out-of-range``."""
    row, rest = divmod(x, ONE)
    if rest or not 1 <= row <= labels:
        raise FormulaError(
            "choice-out-of-range", f"{show(x)} is not one of {labels} choices.", "Report one of the choices of the KPI."
        )
    return row - 1
