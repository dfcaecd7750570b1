"""What is known of conditions, and what a condition tells of the numbers it compares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pyoutcome.decimals import INT256_MAX, INT256_MIN
from pyoutcome.formula import syntax as s
from pyoutcome.formula.intervals import View


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of a yes/no: the answers it may have, and the numbers it depends on."""

    may_hold: bool
    may_fail: bool
    causes: tuple[View, ...]


OPPOSITE: Final = {
    s.Relation.LT: s.Relation.GE,
    s.Relation.LE: s.Relation.GT,
    s.Relation.EQ: s.Relation.NE,
    s.Relation.GT: s.Relation.LE,
    s.Relation.GE: s.Relation.LT,
    s.Relation.NE: s.Relation.EQ,
}
MIRROR: Final = {
    s.Relation.LT: s.Relation.GT,
    s.Relation.LE: s.Relation.GE,
    s.Relation.EQ: s.Relation.EQ,
    s.Relation.GT: s.Relation.LT,
    s.Relation.GE: s.Relation.LE,
    s.Relation.NE: s.Relation.NE,
}


def narrowed(x: View, relation: s.Relation, y: View) -> View:
    """What is left of x where ``x relation y`` holds."""
    match relation:
        case s.Relation.LT:
            return x.within(INT256_MIN, y.high - 1)
        case s.Relation.LE:
            return x.within(INT256_MIN, y.high)
        case s.Relation.GT:
            return x.within(y.low + 1, INT256_MAX)
        case s.Relation.GE:
            return x.within(y.low, INT256_MAX)
        case s.Relation.EQ:
            return x.within(y.low, y.high)
        case s.Relation.NE:
            if y.low != y.high:
                return x
            low = x.low + 1 if x.low == y.low else x.low
            return x.within(low, x.high - 1 if x.high == y.low else x.high)


def compared(x: View, relation: s.Relation, y: View) -> Truth:
    """What is known of ``x relation y``."""
    less, more = x.low < y.high, x.high > y.low
    same = x.low <= y.high and y.low <= x.high
    may = {
        s.Relation.LT: (less, same or more),
        s.Relation.LE: (less or same, more),
        s.Relation.EQ: (same, less or more),
        s.Relation.GT: (more, same or less),
        s.Relation.GE: (more or same, less),
        s.Relation.NE: (less or more, same),
    }[relation]
    return Truth(*may, (x, y) if all(may) else ())
