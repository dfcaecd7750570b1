"""Ranges of tables and of rounding: evaluated at their ends and corners, so that constant tables are tight."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from math import gcd
from typing import NoReturn

from pyoutcome.decimals import ONE, Rounding
from pyoutcome.errors import FormulaError
from pyoutcome.formula import arithmetic as a
from pyoutcome.formula import intervals as iv
from pyoutcome.formula.intervals import View
from pyoutcome.formula.syntax import Edge

_UPWARD = (Edge.AT_LEAST, Edge.ABOVE)


def round_view(of: View, step: View, mode: Rounding) -> View:
    """Range of ``round``: exact ends for a constant step."""
    if step.low <= 0:
        raise FormulaError(
            "possible-round-step", "A rounding step may be zero or negative.", "Round to a constant step such as 0.01."
        )
    if step.low != step.high:
        return iv.make(of.low - step.high, of.high + step.high, 1, None, 0)
    if of.grain % step.low == 0:
        return of
    try:
        low, high = (a.round_step(end, step.low, mode) for end in (of.low, of.high))
    except FormulaError:
        iv.possible_overflow(of.low - step.low, of.high + step.low)
    if low == high:
        return iv.constant(low)
    slopes: iv.Slopes | None = None
    if of.slopes is not None and not of.error:
        slopes = {
            name: (
                -iv.INFINITE if least.numerator < 0 else iv.FLAT[0],
                iv.INFINITE if most.numerator > 0 else iv.FLAT[1],
            )
            for name, (least, most) in of.slopes.items()
        }
    return View(low, high, step.low, slopes, 0)


def step_view(of: View, edges: Sequence[Edge], pairs: Sequence[tuple[View, View]], otherwise: View) -> View:
    """Range of ``step``: of the rows that some value inside the range can reach."""
    left = of
    low_side: list[View] = []
    high_side: list[View] = []
    causes = [of]
    for edge, (at, value) in zip(edges, pairs, strict=True):
        if left.low > left.high:
            break
        if edge in _UPWARD:
            nudge = 1 if edge is Edge.ABOVE else 0
            if at.low + nudge <= left.high:
                high_side.append(value)
                causes.append(at)
            left = left.within(left.low, at.high + nudge - 1)
        else:
            nudge = 1 if edge is Edge.BELOW else 0
            if at.high - nudge >= left.low:
                low_side.append(value)
                causes.append(at)
            left = left.within(at.low - nudge + 1, left.high)
    middle = [otherwise] if left.low <= left.high else []
    values = [*low_side, *middle, *reversed(high_side)]
    if len(values) == 1:
        return values[0]
    constants = [value.low for value in values if value.low == value.high]
    direction = 0
    if len(constants) == len(values) and all(cause.low == cause.high for cause in causes[1:]):
        direction = 1 if all(x <= y for x, y in pairwise(constants)) else 0
        direction = direction or (-1 if all(x >= y for x, y in pairwise(constants)) else 0)
    return iv.jumped(values, causes, direction)


def curve_view(of: View, xs: Sequence[View], ys: Sequence[View]) -> View:
    """Range of ``curve``: its values at the ends of the range and at the corners between."""
    if any(left.high >= right.low for left, right in pairwise(xs)):
        raise FormulaError(
            "possible-table-disorder",
            "The points of a curve may not rise from left to right.",
            "Choose points whose ranges do not overlap.",
        )
    for views in (xs, ys):
        for left, right in pairwise(views):
            iv.add(right, left, -1)
    low, high = min(y.low for y in ys), max(y.high for y in ys)
    if any(view.low != view.high for view in (*xs, *ys)):
        return View(low, high, 1, None, 0)
    across, up = [x.low for x in xs], [y.low for y in ys]
    corners = [of.low, of.high, *(x for x in across if of.low < x < of.high)]
    found = [a.curve(x, across, up) for x in corners]
    real_low, real_high = of.low - of.error, of.high + of.error
    slopes = [iv.FLAT] if real_low < across[0] or real_high > across[-1] else []
    exact, grain = True, 0
    for (x0, x1), (y0, y1) in zip(pairwise(across), pairwise(up), strict=True):
        if _meets(real_low, real_high, x0, x1):
            slopes.append((Fraction(y1 - y0, x1 - x0),) * 2)
            rise = (y1 - y0) * gcd(of.grain, x0)
            exact = exact and rise % (x1 - x0) == 0
            grain = gcd(grain, rise // (x1 - x0))
    for y in found:
        grain = gcd(grain, y)
    steepest = iv.hull(slopes or [iv.FLAT])
    error = of.error * max(abs(steepest[0]), abs(steepest[1]))
    moved = None
    if of.slopes is not None:
        moved = {name: iv.scale(slope, *steepest) for name, slope in of.slopes.items()}
    return View(
        min(found), max(found), grain if exact else 1, moved, -(-error.numerator // error.denominator) + (not exact)
    )


def bands_view(of: View, edges: Sequence[View], rates: Sequence[View]) -> View:
    """Range of ``bands``: its values at the ends of the range and at the edges between."""
    if any(view.low != view.high for view in (*edges, *rates)):
        return _varying_bands(of, edges, rates)
    limits, prices = [edge.low for edge in edges], [rate.low for rate in rates]
    corners = [of.low, of.high, *(edge for edge in limits if of.low < edge < of.high)]
    for x in corners:
        parts = a.band_parts(x, limits)
        total = 0
        for part, price in zip(parts, prices, strict=True):
            total += part * price // ONE
            iv.make(min(total, part * price // ONE), max(total, part * price // ONE) + 1, 1, None, 0)
    found = [a.bands(x, limits, prices) for x in corners]
    real_low, real_high = of.low - of.error, of.high + of.error
    slopes = [iv.FLAT] if real_low < 0 else []
    exact, grain, at, reached = True, 0, 0, 0
    for edge, price in zip((*limits, None), prices, strict=True):
        if _meets(real_low, real_high, at, edge):
            slopes.append((Fraction(price, ONE),) * 2)
        if real_high >= at:
            reached += 1
            unit = gcd(gcd(of.grain, at), edge or 0) * price
            exact = exact and unit % ONE == 0
            grain = gcd(grain, unit // ONE)
        at = edge if edge is not None else at
    steepest = iv.hull(slopes or [iv.FLAT])
    error = of.error * max(abs(steepest[0]), abs(steepest[1]))
    moved = None
    if of.slopes is not None:
        moved = {name: iv.scale(slope, *steepest) for name, slope in of.slopes.items()}
    rounding = 0 if exact else reached
    return View(
        min(found),
        max(found),
        abs(grain) if exact else 1,
        moved,
        -(-error.numerator // error.denominator) + rounding,
    )


def _varying_bands(of: View, edges: Sequence[View], rates: Sequence[View]) -> View:
    """Bands whose numbers are not all known: each part and each rate at its least and most."""
    total = iv.constant(0)
    before = iv.constant(0)
    for edge, rate in zip((*edges, None), rates, strict=True):
        least = max(0, (of.low if edge is None else min(of.low, edge.low)) - before.high)
        most = max(0, (of.high if edge is None else min(of.high, edge.high)) - before.low)
        part = View(least, most, 1, None, 0)
        total = iv.add(total, iv.multiply_divide(part, View(rate.low, rate.high, 1, None, 0), iv.constant(ONE)))
        before = edge if edge is not None else before
    return total


def _meets(low: int, high: int, start: int, end: int | None) -> bool:
    """Does a range have more than an end in common with a part of a table? A single value needs no more than that."""
    if low == high:
        return start <= low and (end is None or low <= end)
    return high > start and (end is None or low < end)


def refuse_width() -> NoReturn:
    """Raise ``possible-table-disorder`` for bands."""
    raise FormulaError(
        "possible-table-disorder",
        "The edges of bands may fall from one band to the next.",
        "Choose edges whose ranges do not overlap, and widths that cannot be negative.",
    )
