"""What is known of a value without knowing the KPI values: its range, its granularity and how it moves.

A ``View`` describes both the computed integer and the exact real function behind it: ``low..high`` hold the computed
value, ``slopes`` bound the real function's derivative by each KPI, ``error`` bounds the distance between the two. Where
jumps or unknown errors make slopes useless they are None; the range stays sound.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache
from math import gcd
from typing import Final, NamedTuple, NoReturn, TypeAlias

from pyoutcome.decimals import INT256_MAX, INT256_MIN, ONE, divide_trunc, show
from pyoutcome.errors import FormulaError

INFINITE: Final = Fraction(10**300)
"""Stands for an unbounded slope."""
Slope: TypeAlias = tuple[Fraction, Fraction]
Slopes: TypeAlias = dict[str, Slope]
JUMP: Final[Slope] = (-INFINITE, INFINITE)
_PLAIN_BITS: Final = 990
"""A fraction whose numerator is shorter than this is less than INFINITE."""
_ZERO: Final = Fraction(0)
_ONCE: Final = Fraction(1)
FLAT: Final[Slope] = (_ZERO, _ZERO)
ITSELF: Final[Slope] = (_ONCE, _ONCE)


def possible_overflow(low: int, high: int) -> NoReturn:
    """Raise ``possible-overflow``."""
    raise FormulaError(
        "possible-overflow",
        f"A result may lie between {show(low)[:60]} and {show(high)[:60]}, more than a 256-bit value holds.",
        "Narrow the ranges of the KPIs, or use larger units.",
    )


def possible_zero() -> NoReturn:
    """Raise ``possible-division-by-zero``."""
    raise FormulaError(
        "possible-division-by-zero",
        "A divisor may be zero for KPI values within their ranges.",
        "Guard the division with 'a / b if b > 0 else 0', or exclude zero from the KPI's range.",
    )


class View(NamedTuple):
    """What is known of a number; all integers scaled by 10**18."""

    low: int
    high: int
    grain: int
    """The value is a multiple of it; 0 for a value that is always zero."""
    slopes: Slopes | None
    """By KPI name; a KPI that is absent has no influence."""
    error: int
    """Most by which the computed value differs from the real function, in units of 10**-18."""

    def within(self, low: int, high: int) -> View:
        """The same value, known to lie between low and high as well; its ends moved inward to multiples."""
        low, high = max(self.low, low), min(self.high, high)
        if self.grain > 1:
            low, high = -(-low // self.grain) * self.grain, high // self.grain * self.grain
        return View(low, high, self.grain, self.slopes, self.error)


def make(low: int, high: int, grain: int, slopes: Slopes | None, error: int) -> View:
    """A view whose ends fit int256; ``possible-overflow`` otherwise."""
    if low < INT256_MIN or high > INT256_MAX:
        possible_overflow(low, high)
    return View(low, high, grain, slopes, error)


@lru_cache(4096)
def constant(value: int) -> View:
    """A value that is known."""
    return View(value, value, abs(value), {}, 0)


# Comparing fractions takes most of the time of an analysis: signs are those of numerators, and the two ends of a slope
# that is known are one object.


def shift(a: Slope, b: Slope) -> Slope:
    """Slope of a sum."""
    if a is FLAT or b is FLAT:
        return b if a is FLAT else a
    least = _bounded(a[0] + b[0])
    return least, least if a[0] is a[1] and b[0] is b[1] else _bounded(a[1] + b[1])


def _bounded(value: Fraction) -> Fraction:
    if value.numerator.bit_length() < _PLAIN_BITS:
        return value
    return min(max(value, -INFINITE), INFINITE)


def _times(a: Fraction, b: Fraction) -> Fraction:
    top, other = a.numerator, b.numerator
    if not top or not other:
        return _ZERO
    if top.bit_length() < _PLAIN_BITS and other.bit_length() < _PLAIN_BITS:
        return _bounded(a * b)
    if abs(a) >= INFINITE or abs(b) >= INFINITE:
        return INFINITE if (top > 0) == (other > 0) else -INFINITE
    return _bounded(a * b)


def scale(slope: Slope, low: Fraction, high: Fraction) -> Slope:
    """A slope times a factor between low and high."""
    least, most = slope
    if low is high or low == high:
        first = _times(least, low)
        other = first if least is most else _times(most, low)
        return (first, other) if low.numerator >= 0 else (other, first)
    rises, falls = least.numerator >= 0, most.numerator <= 0
    if low.numerator >= 0:
        return _times(least, low if rises else high), _times(most, low if falls else high)
    if high.numerator <= 0:
        return _times(most, high if falls else low), _times(least, high if rises else low)
    if rises or falls:
        steep = most if rises else least
        return _times(steep, low if rises else high), _times(steep, high if rises else low)
    return _lesser(_times(least, high), _times(most, low)), _greater(_times(least, low), _times(most, high))


def _lesser(a: Fraction, b: Fraction) -> Fraction:
    return a if a is b or a.numerator * b.denominator <= b.numerator * a.denominator else b


def _greater(a: Fraction, b: Fraction) -> Fraction:
    return b if _lesser(a, b) is a else a


def hull(slopes: Iterable[Slope]) -> Slope:
    """The least slope range that holds all."""
    found = iter(slopes)
    least, most = next(found)
    for low, high in found:
        least, most = _lesser(least, low), _greater(high, most)
    return least, most


def merged(views: Iterable[View]) -> Slopes | None:
    """Slopes of a value that is, at each point, one of several, without jumps between them."""
    found: Slopes | None = None
    for view in views:
        if view.slopes is None:
            return None
        if found is None:
            found = dict(view.slopes)
            continue
        for name, slope in found.items():
            found[name] = _both(slope, view.slopes.get(name, FLAT))
        for name, slope in view.slopes.items():
            if name not in found:
                found[name] = _both(slope, FLAT)
    return found


def _both(a: Slope, b: Slope) -> Slope:
    return a if a is b else (_lesser(a[0], b[0]), _greater(a[1], b[1]))


def add(x: View, y: View, sign: int = 1, *, fits: bool = True) -> View:
    """``x + y``, or ``x - y`` with sign -1; ``fits`` is False for a sum that no program computes."""
    low, high = (x.low + y.low, x.high + y.high) if sign > 0 else (x.low - y.high, x.high - y.low)
    slopes: Slopes | None = None
    if x.slopes is not None and y.slopes is not None:
        slopes = dict(x.slopes)
        for name, slope in y.slopes.items():
            added = slope if sign > 0 else (-slope[1], -slope[0])
            slopes[name] = shift(slopes[name], added) if name in slopes else added
    made = make if fits else View
    return made(low, high, gcd(x.grain, y.grain), slopes, x.error + y.error)


def negative(x: View) -> View:
    """``-x``."""
    return add(constant(0), x, -1)


def multiply_divide(x: View, y: View, z: View) -> View:
    """``trunc(x*y / z)``; a plain product has z = 10**18, a plain quotient y = 10**18."""
    if z.low <= 0 <= z.high:
        possible_zero()
    products = [a * b for a in (x.low, x.high) for b in (y.low, y.high)]
    ends = [divide_trunc(p, c) for p in (min(products), max(products)) for c in {z.low, z.high}]
    exact = z.low == z.high and x.grain * y.grain % z.low == 0
    grain = abs(x.grain * y.grain // z.low) if exact else 1
    least = min(abs(z.low), abs(z.high)) - z.error
    if x.slopes is None or y.slopes is None or z.slopes is None or least <= 0:
        return make(min(ends), max(ends), grain, None, 0)
    error = 0 if exact else 1
    if x.error or y.error or z.error:
        x_most, y_most = max(abs(x.low), abs(x.high)) + x.error, max(abs(y.low), abs(y.high)) + y.error
        error -= -((x.error * y_most + y.error * x_most) * least + x_most * y_most * z.error) // (least * least)
    slopes = _quotient_slopes((x, x.slopes), (y, y.slopes), (z, z.slopes))
    return make(min(ends), max(ends), grain, slopes, error)


def share(quotient: View, of: View, x: View, rest: View) -> View:
    """``trunc(of * x / (x + rest))``: no more than the whole of it where neither part is negative."""
    if x.low < 0 or rest.low < 0:
        return quotient
    parts = [(x.low, x.low + rest.high), (x.high, x.high + rest.low)]
    ends = [divide_trunc(each * part, whole) if whole else 0 for each in (of.low, of.high) for part, whole in parts]
    return quotient.within(min(ends), max(ends))


def _quotient_slopes(x: tuple[View, Slopes], y: tuple[View, Slopes], z: tuple[View, Slopes]) -> Slopes:
    """Derivatives of x*y/z: (x'y + xy') / z - xyz' / z^2, each part at its widest."""
    (x0, x1), (y0, y1), (z0, z1) = (_real(view) for view, _ in (x, y, z))
    found: Slopes = {}
    for slopes, low, high in ((x[1], y0, y1), (y[1], x0, x1)):
        if not slopes:
            continue
        if z0 == z1:
            low, high = (low, high) if z0 > 0 else (high, low)
            factor, inverse = (_ratio(low, z0), _ratio(high, z0)), None
        else:
            factor, inverse = (_ratio(low, ONE), _ratio(high, ONE)), (_ratio(ONE, z1), _ratio(ONE, z0))
        for name, slope in slopes.items():
            part = scale(slope, *factor)
            if inverse is not None:
                part = scale(part, *inverse)
            found[name] = shift(found[name], part) if name in found else part
    if z[1]:
        tops = [a * b for a in (x0, x1) for b in (y0, y1)]
        ends = [Fraction(top, c * c) for top in (min(tops), max(tops)) for c in (z0, z1)]
        low_end, high_end = -max(ends), -min(ends)
        for name, slope in z[1].items():
            found[name] = shift(found.get(name, FLAT), scale(slope, low_end, high_end))
    return found


_ratio = lru_cache(4096)(Fraction)


def _real(view: View) -> tuple[int, int]:
    """Where the exact value lies."""
    return view.low - view.error, view.high + view.error


def extreme(x: View, y: View, *, least: bool) -> View:
    """``min(x, y)`` or ``max(x, y)``."""
    if least:
        if x.high + x.error <= y.low - y.error:
            return x
        if y.high + y.error <= x.low - x.error:
            return y
        low, high = min(x.low, y.low), min(x.high, y.high)
    else:
        if x.low - x.error >= y.high + y.error:
            return x
        if y.low - y.error >= x.high + x.error:
            return y
        low, high = max(x.low, y.low), max(x.high, y.high)
    return View(low, high, gcd(x.grain, y.grain), merged((x, y)), max(x.error, y.error))


def absolute(x: View) -> View:
    """``abs(x)``."""
    return extreme(x, negative(x), least=False).within(0, INT256_MAX) if x.low < 0 else x


def jumped(values: list[View], causes: Iterable[View], direction: int = 0) -> View:
    """One of several values, chosen by ``causes``; direction +1 or -1 if it only rises or falls with the one cause."""
    low, high = min(view.low for view in values), max(view.high for view in values)
    grain = 0
    for view in values:
        grain = gcd(grain, view.grain)
    slopes = merged(values)
    for cause in causes:
        if cause.slopes is None or cause.error:
            slopes = None
        if slopes is not None and cause.slopes is not None:
            for name, slope in cause.slopes.items():
                up = slope[0].numerator >= 0 and direction
                down = slope[1].numerator <= 0 and direction
                sign = direction if up else -direction if down else 0
                slopes[name] = (_ZERO, INFINITE) if sign > 0 else (-INFINITE, _ZERO) if sign < 0 else JUMP
    return View(low, high, grain, slopes, max(view.error for view in values))
