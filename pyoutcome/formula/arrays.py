"""Operations on many scenarios at once, as NumPy code; with ``scenarios.py`` the only place where amounts are floats.

Every value is an array of numbers times one exact ``grain``. As long as numbers are whole and below 2**52 nothing is
lost, and comparing, rounding and looking up are exact; a KPI starts so, and most agreements stay so to the end. From
where numbers are no longer whole, each value carries how far it may be off, relative to itself. What that leaves open
(a comparison of nearly equal values, a rounding near a tie, a difference that cancels, a result near the last decimal,
any possible error) is marked as doubtful for the scenarios it happens in; those are worked out again exactly.
So of every scenario that is not doubtful: the sign is right, zero is zero, and the error is below ``FINEST``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor, gcd
from typing import TYPE_CHECKING, Final

import numpy as np

from pyoutcome.decimals import INT256_MAX, ONE, Rounding
from pyoutcome.errors import FormulaError
from pyoutcome.formula import arithmetic as a
from pyoutcome.formula import syntax as s
from pyoutcome.formula.generated import Code, Term, name, term

if TYPE_CHECKING:
    pass

FINEST: Final = Fraction(1, 2**30)
"""Greatest relative error of a result; below 1e-9."""
UNIT: Final = Fraction(1, 2**53)
"""Relative error of one operation on floats."""
WHOLE: Final = 2**52
"""Whole numbers up to here are exact, and so is what is done with them."""
_SMALL: Final = 2**40
"""Results smaller than this many units of the eighteenth decimal are left to the exact evaluator."""
_TARGETS: Final = tuple(Fraction(1, 2**power) for power in (41, 35, 32, 31))
"""Relative errors that a difference may come to: the first one with which few scenarios become doubtful."""
_FEW: Final = Fraction(1, 2**8)
_MIRROR: Final = {
    s.Relation.LT: s.Relation.GT,
    s.Relation.LE: s.Relation.GE,
    s.Relation.GT: s.Relation.LT,
    s.Relation.GE: s.Relation.LE,
    s.Relation.EQ: s.Relation.EQ,
    s.Relation.NE: s.Relation.NE,
}
_OPERATORS: Final[dict[s.Relation, ast.cmpop]] = {
    s.Relation.LT: ast.Lt(),
    s.Relation.LE: ast.LtE(),
    s.Relation.EQ: ast.Eq(),
    s.Relation.GT: ast.Gt(),
    s.Relation.GE: ast.GtE(),
    s.Relation.NE: ast.NotEq(),
}


@dataclass(frozen=True, slots=True)
class Many:
    """Code for the values of many scenarios, and what is known of them all."""

    term: Term
    """Numbers; the scaled value is number x grain."""
    grain: Fraction
    low: Fraction
    """Least scaled value."""
    high: Fraction
    off: Fraction = Fraction(0)
    """Greatest error relative to the value; 0: numbers are whole and exact."""
    least: Fraction = Fraction(0)
    """Least size of a value that is not zero."""
    value: int | None = None
    """The scaled value where it is the same in all scenarios."""

    @property
    def most(self) -> Fraction:
        return max(abs(self.low), abs(self.high))


def constant(value: int) -> Many:
    """The same scaled value in all scenarios."""
    size = Fraction(abs(value) or ONE)
    number = (value > 0) - (value < 0)
    return Many(term(number / 1), size, Fraction(value), Fraction(value), Fraction(0), size, value)


def _shared(x: Fraction, y: Fraction) -> Fraction:
    """The greatest grain of which both are multiples; of 0 and another, the other."""
    return Fraction(gcd(x.numerator * y.denominator, y.numerator * x.denominator), x.denominator * y.denominator)


def _number(value: Fraction) -> Term:
    return term(value.numerator / value.denominator)


class Arrays:
    """Writes the code of operations on arrays; ``doubts`` is the array of marks."""

    def __init__(self, code: Code) -> None:
        self.code = code
        self.mask: Term | None = None
        """The scenarios that the branch at hand applies to; None: all."""
        self.doubts = name("doubts")

    def doubt(self, condition: Term) -> None:
        """Mark the scenarios in which the condition holds, as far as this branch applies to them."""
        if self.mask is not None:
            condition = condition & self.mask
        self.code.run(self.code.call(np.logical_or, self.doubts, condition, self.doubts))

    def give_up(self) -> Many:
        """Mark all scenarios of this branch."""
        self.doubt(self.code.constant(np.True_))
        return self.unknown(0)

    @contextmanager
    def where(self, condition: Term) -> Iterator[None]:
        """Within, only scenarios in which the condition holds matter."""
        kept = self.mask
        self.mask = condition if kept is None else self.code.let(condition & kept)
        try:
            yield
        finally:
            self.mask = kept

    def size(self, value: Term) -> Term:
        return self.code.call(np.abs, value)

    def kept(self, x: Many) -> Many:
        """Numbers in a local; what may overflow is doubtful."""
        x = replace(x, term=self.code.let(x.term))
        if x.most > INT256_MAX:
            limit = Fraction(INT256_MAX) * (1 - FINEST)
            self.doubt(self.size(x.term) >= _number(limit / abs(x.grain)))
            return replace(x, low=max(x.low, Fraction(-INT256_MAX)), high=min(x.high, Fraction(INT256_MAX)))
        return x

    def cut(self, x: Many) -> Many:
        """What the exact evaluator cuts to 18 decimals: a value so small that it matters is doubtful."""
        x = self.kept(x)
        if x.least >= _SMALL:
            return replace(x, off=x.off + 1 / x.least + UNIT)
        limit = _number(_SMALL / abs(x.grain))
        self.doubt((self.size(x.term) < limit) & x.term.compare(ast.NotEq(), term(0)))
        return replace(x, off=x.off + Fraction(1, _SMALL) + UNIT, least=Fraction(_SMALL))

    def unknown(self, value: int) -> Many:
        """A constant that is worked with like any other value."""
        plain = constant(value)
        return replace(plain, term=self.code.constant(np.float64((value > 0) - (value < 0))), value=None)

    def negative(self, x: Many) -> Many:
        value = None if x.value is None else -x.value
        return self.kept(replace(x, grain=-x.grain, low=-x.high, high=-x.low, value=value))

    def aligned(self, x: Many, grain: Fraction) -> Term:
        """Numbers of another grain."""
        if x.value is not None:
            return _number(x.value / grain)
        factor = x.grain / grain
        return x.term if factor == 1 else x.term * _number(factor)

    def common(self, *values: Many) -> tuple[Fraction, bool]:
        """A positive grain for all of them, and whether all are whole and exact with it."""
        if all(not each.off for each in values):
            grain = Fraction(0)
            for each in values:
                if each.most:
                    grain = _shared(grain, abs(each.grain))
            grain = grain or Fraction(ONE)
            if sum(each.most for each in values) <= WHOLE * grain:
                return grain, True
        return abs(next((each for each in values if each.value is None), values[0]).grain), False

    def plus(self, x: Many, y: Many) -> Many:
        if x.value == 0 or y.value == 0:
            return y if x.value == 0 else x
        if x.value is not None and y.value is not None:
            return self.kept(constant(x.value + y.value))
        grain, exact = self.common(x, y)
        left, right = self.aligned(x, grain), self.aligned(y, grain)
        low, high = x.low + y.low, x.high + y.high
        if exact:
            if y.value is None and y.grain < 0:
                total = left - self.aligned(y, -grain)
            elif x.value is None and x.grain < 0:
                total = right - self.aligned(x, -grain)
            else:
                total = left + right
            return self.kept(Many(total, grain, low, high, least=grain))
        least = min(x.least, y.least)
        off = max(x.off, y.off) + 4 * UNIT
        if (x.low >= 0 and y.low >= 0) or (x.high <= 0 and y.high <= 0):
            return self.kept(Many(left + right, grain, low, high, off, least))
        target = next((each for each in _TARGETS if off <= each * _FEW), _TARGETS[-1])
        share = min(off / target, Fraction(1))
        left, right = self.code.let(left), self.code.let(right)
        total = self.code.let(left + right)
        self.doubt(self.size(total) < (self.size(left) + self.size(right)) * _number(share * Fraction(999, 1000)))
        return self.kept(Many(total, grain, low, high, off / share * Fraction(11, 10), least * share / 2))

    def multiply_divide(self, x: Many, y: Many, z: Many) -> Many:
        """``trunc(x*y/z)``; constants only change the grain."""
        if x.value is not None and y.value is not None and z.value is not None:
            try:
                return constant(a.multiply_divide(x.value, y.value, z.value))
            except FormulaError:
                return self.give_up()
        if z.value == 0:
            return self.give_up()
        ends = [left * right for left in (x.low, x.high) for right in (y.low, y.high)]
        numbers: Term | None = None
        grain = Fraction(1)
        for each in (x, y):
            if each.value is None:
                numbers = each.term if numbers is None else numbers * each.term
                grain *= each.grain
            else:
                grain *= each.value
        off = x.off + y.off
        exact = not off and max(map(abs, ends)) <= WHOLE * abs(grain)
        least = x.least * y.least
        if z.value is not None:
            grain /= z.value
            ends = [end / z.value for end in ends]
            least /= abs(z.value)
        else:
            if z.low <= 0 <= z.high:
                self.doubt(z.term.equals(0))
            numbers = (numbers if numbers is not None else term(1 / 1)) / z.term
            grain /= z.grain
            off += z.off
            least /= z.most or 1
            nearest = z.least if z.low <= 0 <= z.high else min(abs(z.low), abs(z.high))
            most = max(map(abs, ends)) / nearest
            ends = [
                -most if min(ends) < 0 or z.low < 0 else Fraction(0),
                most if max(ends) > 0 or z.low < 0 else Fraction(0),
            ]
            exact = False
        if grain == 0:
            return constant(0)
        assert numbers is not None  # noqa: S101 - not all three are constant
        found = Many(numbers, grain, min(ends), max(ends), Fraction(0), least)
        if exact and grain.denominator == 1:
            return self.kept(found)
        whole = not x.off and not y.off and z.value is not None and grain.denominator == 1
        found = replace(found, off=(off + 3 * UNIT) * Fraction(101, 100))
        return self.kept(found) if whole else self.cut(found)

    def extreme(self, x: Many, y: Many, *, least: bool) -> Many:
        if (x.high <= y.low) if least else (x.low >= y.high):
            return x
        if (y.high <= x.low) if least else (y.low >= x.high):
            return y
        grain, exact = self.common(x, y)
        pick = min if least else max
        numbers = self.code.call(np.minimum if least else np.maximum, self.aligned(x, grain), self.aligned(y, grain))
        off = Fraction(0) if exact else (max(x.off, y.off) + 2 * UNIT) * Fraction(101, 100)
        return self.kept(Many(numbers, grain, pick(x.low, y.low), pick(x.high, y.high), off, min(x.least, y.least)))

    def clamp(self, x: Many, low: Many, high: Many) -> Many:
        if low.high > high.low:
            self.doubt(self.compare(low, s.Relation.GT, high))
        return self.extreme(self.extreme(x, low, least=False), high, least=True)

    def rounded(self, x: Many, step: Many, mode: Rounding) -> Many:
        if step.low <= 0:
            self.doubt(self.compare(step, s.Relation.LE, constant(0)))
        if step.value is not None and step.value <= 0:
            return self.give_up()
        if step.value is not None and not x.off and x.grain % step.value == 0:
            return x
        grain, exact = self.common(x, step)
        size = self.aligned(step, grain)
        steps = self.code.let(self.aligned(x, grain) / size)
        half = mode in (Rounding.HALF_UP, Rounding.HALF_EVEN)
        if not exact:
            nearest = (
                self.code.call(np.floor, steps) + _number(Fraction(1, 2)) if half else self.code.call(np.rint, steps)
            )
            off = (x.off + step.off + 6 * UNIT) * Fraction(11, 10)
            self.doubt(self.size(steps - nearest) < self.size(steps) * _number(off))
        counted = self.whole_steps(steps, mode, x)
        low, high = (
            (Fraction(0) if x.low >= 0 else x.low - step.high),
            (Fraction(0) if x.high <= 0 else x.high + step.high),
        )
        if step.value is not None:
            found = Many(counted, Fraction(step.value), low, high, least=Fraction(step.value))
            if not exact and max(abs(low), abs(high)) > WHOLE * step.value:
                found = replace(found, off=2 * UNIT)
            return self.kept(found)
        return self.kept(
            Many(counted * size, grain, low, high, Fraction(0) if exact else step.off + 4 * UNIT, step.least)
        )

    def whole_steps(self, steps: Term, mode: Rounding, x: Many) -> Term:
        call, half = self.code.call, _number(Fraction(1, 2))
        if mode is Rounding.HALF_EVEN:
            return call(np.rint, steps)
        if mode is Rounding.HALF_UP:
            if x.low >= 0:
                return call(np.floor, steps + half)
            return call(np.copysign, call(np.floor, self.size(steps) + half), steps)
        if mode is Rounding.UP and x.low < 0:
            return call(np.copysign, call(np.ceil, self.size(steps)), steps)
        plain = {Rounding.FLOOR: np.floor, Rounding.CEIL: np.ceil, Rounding.DOWN: np.trunc, Rounding.UP: np.ceil}
        return call(plain[mode], steps)

    def merge(self, condition: Term, x: Many, y: Many) -> Many:
        """One value where the condition holds, the other elsewhere."""
        if x.value is not None and x.value == y.value:
            return x
        grain, exact = self.common(x, y)
        numbers = self.code.call(np.where, condition, self.aligned(x, grain), self.aligned(y, grain))
        off = Fraction(0) if exact else max(x.off, y.off) + UNIT
        least = min(x.least, y.least)
        return self.kept(Many(numbers, grain, min(x.low, y.low), max(x.high, y.high), off, least))

    def between(self, x: Many, low: Many | None, high: Many | None) -> Many:
        """The part of x above ``low`` and not above ``high``."""
        x = x if high is None else self.extreme(x, high, least=True)
        x = x if low is None else self.plus(x, self.negative(low))
        return self.extreme(x, constant(0), least=False)

    def compare(self, x: Many, relation: s.Relation, y: Many) -> Term:
        """Where the comparison holds."""
        if x.value is not None and y.value is not None:
            return self.code.constant(np.bool_(a.holds(relation, x.value, y.value)))
        if x.value is not None:
            x, y, relation = y, x, _MIRROR[relation]
        if y.value is not None and not x.off:
            return self.code.let(self.compare_whole(x, relation, y.value / x.grain))
        grain, exact = self.common(x, y)
        left, right = self.code.let(self.aligned(x, grain)), self.code.let(self.aligned(y, grain))
        if not exact and y.value != 0:
            near = _number((max(x.off, y.off) + 4 * UNIT) * Fraction(11, 10))
            self.doubt(self.size(left - right) < (self.size(left) + self.size(right)) * near)
        return self.code.let(left.compare(_OPERATORS[relation], right))

    def compare_whole(self, x: Many, relation: s.Relation, at: Fraction) -> Term:
        """Compare whole numbers with a constant that may lie between two of them."""
        if x.grain < 0:
            relation = _MIRROR[relation]
        if at.denominator != 1 and relation in (s.Relation.EQ, s.Relation.NE):
            return self.code.constant(np.bool_(relation is s.Relation.NE))
        edge = ceil(at) if relation in (s.Relation.GE, s.Relation.LT) else floor(at)
        return x.term.compare(_OPERATORS[relation], _number(Fraction(max(-2 * WHOLE, min(edge, 2 * WHOLE)))))
