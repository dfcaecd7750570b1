"""Scaled integers as Python code: arithmetic operation by operation, as ``arithmetic.py`` has it.

Each piece of code carries the range its value lies in. Signs and overflows that the range decides are not asked again.
"""

from __future__ import annotations

import ast
from math import gcd
from typing import Final, NamedTuple

from pyoutcome.decimals import INT256_MAX, INT256_MIN, Rounding, divide_trunc
from pyoutcome.formula.generated import Code, Term, choose, joined, term

MOST_WORD: Final = 2**150
"""Terms and values of earlier periods that are larger (in size) are left to the readable evaluator."""


class Whole(NamedTuple):
    """Code for a scaled integer, and the range it lies in."""

    term: Term
    low: int
    high: int

    @property
    def value(self) -> int | None:
        """Its value where that is known already."""
        return self.low if self.low == self.high else None


def fits(*values: Term) -> Term:
    """The condition that values are of a size the code was written for."""
    return joined(ast.And(), [term(-MOST_WORD).compare(ast.LtE(), value, MOST_WORD) for value in values])


def known(value: int) -> Whole:
    """A constant."""
    return Whole(term(value), value, value)


class Wholes:
    """Writes the code of arithmetic; what could fail stands in the body already, so that it is never skipped."""

    def __init__(self, code: Code) -> None:
        self.code = code

    def fit(self, value: Whole) -> Whole:
        """Give up if the value does not fit int256, where its range leaves that open."""
        if value.low >= INT256_MIN and value.high <= INT256_MAX:
            return value
        here = self.code.let(value.term)
        self.code.give_up_unless(term(INT256_MIN).compare(ast.LtE(), here, INT256_MAX))
        return Whole(here, max(value.low, INT256_MIN), min(value.high, INT256_MAX))

    def short(self, value: Whole) -> Whole:
        return Whole(self.code.let(value.term), value.low, value.high)

    def negative(self, x: Whole) -> Whole:
        return self.fit(Whole(-x.term, -x.high, -x.low))

    def absolute(self, x: Whole) -> Whole:
        if x.low >= 0:
            return x
        x = self.short(x)
        return self.fit(Whole(choose(x.term < 0, -x.term, x.term), max(0, -x.high), max(-x.low, x.high)))

    def plus(self, x: Whole, y: Whole) -> Whole:
        return self.fit(Whole(x.term + y.term, x.low + y.low, x.high + y.high))

    def minus(self, x: Whole, y: Whole) -> Whole:
        return self.fit(Whole(x.term - y.term, x.low - y.high, x.high - y.low))

    def multiply_divide(self, x: Whole, y: Whole, z: Whole) -> Whole:
        """``trunc(x*y/z)``; constants among the three are reduced by what they share."""
        if x.value is not None:
            x, y = y, x
        if y.value is not None and z.value:
            common = gcd(y.value, z.value) * (1 if z.value > 0 else -1)
            y, z = known(y.value // common), known(z.value // common)
        if y.value == 1:
            return self.quotient(x, z)
        ends = [left * right for left in (x.low, x.high) for right in (y.low, y.high)]
        return self.quotient(Whole(x.term * y.term, min(ends), max(ends)), z)

    def quotient(self, x: Whole, z: Whole) -> Whole:
        """``trunc(x/z)``; a divisor of zero fails at run time."""
        if z.value == 1:
            return self.fit(x)
        if z.low <= 0:
            x, z = self.short(x), self.short(z)
            ends = (x.low, x.high, -x.low, -x.high)
            x = self.short(Whole(choose(z.term < 0, -x.term, x.term), min(ends), max(ends)))
            most = max(-z.low, z.high)
            z = self.short(Whole(choose(z.term < 0, -z.term, z.term), 1, max(1, most)))
        results = [divide_trunc(end, part) for end in (x.low, x.high) for part in (z.low, z.high)]
        if x.low >= 0:
            value = x.term // z.term
        elif x.high <= 0:
            value = -(-x.term // z.term)
        else:
            x = self.short(x)
            value = choose(x.term >= 0, x.term // z.term, -(-x.term // z.term))
        return self.fit(Whole(self.code.let(value), min(results), max(results)))

    def extreme(self, x: Whole, y: Whole, *, least: bool) -> Whole:
        if (x.high <= y.low) if least else (x.low >= y.high):
            return x
        if (y.high <= x.low) if least else (y.low >= x.high):
            return y
        x, y = self.short(x), self.short(y)
        value = choose(x.term <= y.term if least else x.term >= y.term, x.term, y.term)
        pick = min if least else max
        return Whole(self.code.let(value), pick(x.low, y.low), pick(x.high, y.high))

    def clamp(self, x: Whole, low: Whole, high: Whole) -> Whole:
        if low.high > high.low:
            low, high = self.short(low), self.short(high)
            self.code.give_up_unless(low.term <= high.term)
        return self.extreme(self.extreme(x, low, least=False), high, least=True)

    def rounded(self, x: Whole, step: Whole, mode: Rounding) -> Whole:
        x, step = self.short(x), self.short(step)
        if step.low <= 0:
            self.code.give_up_unless(step.term > 0)
        if mode is Rounding.HALF_EVEN:
            below = self.code.let(x.term // step.term)
            rest = self.code.let((x.term - below * step.term) * 2)
            tie = joined(ast.And(), [rest.equals(step.term), below % 2])
            value = (below + choose(joined(ast.Or(), [rest > step.term, tie]), 1, 0)) * step.term
        else:
            up, down = {
                Rounding.FLOOR: (x.term // step.term, x.term // step.term),
                Rounding.CEIL: (-(-x.term // step.term), -(-x.term // step.term)),
                Rounding.DOWN: (x.term // step.term, -(-x.term // step.term)),
                Rounding.UP: (-(-x.term // step.term), x.term // step.term),
                Rounding.HALF_UP: (
                    (x.term * 2 + step.term) // (step.term * 2),
                    -((step.term - x.term * 2) // (step.term * 2)),
                ),
            }[mode]
            steps = up if x.low >= 0 else down if x.high <= 0 else choose(x.term >= 0, up, down)
            value = steps * step.term
        low = 0 if x.low >= 0 else x.low - step.high
        return self.fit(Whole(self.code.let(value), low, 0 if x.high <= 0 else x.high + step.high))
