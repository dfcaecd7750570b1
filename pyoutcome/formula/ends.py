"""The least and the most of a value over a box: at corners where it only rises or falls, by halving where it turns.

Where the value only rises, or only falls, with a variable, that variable is set to the end that matters, and the ranges
are computed again. Where ranges still leave slack, because one variable stands in several places or decides a row of
a table, the box is cut in two, and the part that promises most again, until a promise is kept at some point of the box
or the pieces run out. Every number on the way is a proven bound; running out costs precision only.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import Final

from pyoutcome.formula.frame import Depends, Frame
from pyoutcome.formula.intervals import JUMP, View
from pyoutcome.formula.linear import Terms, view_of
from pyoutcome.formula.pulled import find_rounding, round_sum
from pyoutcome.formula.walk import Box, Range, Walk

_MOST_PIECES: Final = 96
"""Pieces looked at for one end of one value."""
_MOST_IN_VAIN: Final = 8
"""Pieces looked at while nothing at all is gained."""
_MOST_CORNERS: Final = (6, 2)
"""Variables set to all combinations of their ends when looking for a point that keeps the promise: first, and later."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the box, and what the value can be there at most (or at least)."""

    box: Box
    """The variables that differ from the whole box."""
    end: int
    turning: tuple[str, ...]
    """Variables that it neither only rises nor only falls with, widest first; none: the end is exact."""
    corner: Box
    """The others, each at the end that matters."""
    walk: Walk
    """What is known of the items there."""


class Ends:
    """Values over one box."""

    def __init__(self, frame: Frame, box: Box, whole: Walk) -> None:
        self.frame = frame
        self.box = box
        self.whole = whole
        """Has seen every item."""
        self._period = whole.views["period"].low

    def of(self, form: Terms, *, halving: bool = False) -> Range:
        """Where a sum of values lies; with ``halving`` as closely as the pieces allow."""
        key = form, halving, self.depends(form)
        known = self.frame.ends.get(key)
        if known is None:
            view = view_of(form, self.whole)
            low, high = view.low, view.high
            if low < high:
                low, high = (self._end(form, view, upper, halving) for upper in (False, True))
                for least, most in self._pulled(form):
                    low, high = max(low, least), min(high, most)
            known = self.frame.ends[key] = range_of(low, high, view.grain)
        return known

    def _pulled(self, form: Terms) -> Iterator[tuple[int, int]]:
        """Where a sum of a rounded value and multiples of the step lies, seen without the rounding."""
        for at, (times, node) in enumerate(form if len(form) > 1 else ()):
            how = find_rounding(node, self.frame.formulas, self.whole) if abs(times) == 1 else None
            others = (*form[:at], *form[at + 1 :])
            if how is not None and not any(self.whole.view(each).grain % how.step for _, each in others):
                whole = self.of(self.frame.form((times, how.of), *others))
                yield round_sum(whole, self.of(others), self.of(self.frame.form((1, how.of))), times, how)

    def depends(self, form: Terms) -> Depends:
        """All that a sum depends on: where this is the same in another period, so is the sum."""
        return self.frame.depends(form, self.box, self._period)

    @cached_property
    def _ranges(self) -> Walk:
        """The whole box without slopes, which is all that a corner needs."""
        walk = self.whole.inside_box(self.box, slopes=False)
        walk.see_again(range(len(self.frame.rule.order)))
        return walk

    def _end(self, form: Terms, view: View, upper: bool, halving: bool) -> int:
        first = self._piece(form, {}, self.whole, view, upper)
        if not halving or not first.turning or self._keeps(form, first):
            return first.end
        return self._halve(form, first, upper)

    def _halve(self, form: Terms, first: Piece, upper: bool) -> int:
        """Cut the piece that promises most until its promise is kept."""
        sign = -1 if upper else 1
        number = count()
        heap = [(sign * first.end, next(number), first)]
        in_vain = 0
        while self.frame.pieces > 0:
            _, made, piece = heap[0]
            if not piece.turning or made > _MOST_PIECES or in_vain > _MOST_IN_VAIN or self._keeps(form, piece):
                break
            heapq.heappop(heap)
            for part in self._cut(piece):
                self.frame.pieces -= 1
                walk = self._look(form, piece.walk, part, slopes=True)
                found = self._piece(form, piece.box | part, walk, view_of(form, walk), upper)
                # a part cannot promise more than the whole did
                end = min(found.end, piece.end) if upper else max(found.end, piece.end)
                kept = Piece(found.box, end, found.turning, found.corner, walk)
                heapq.heappush(heap, (sign * end, next(number), kept))
            in_vain = in_vain + 1 if heap[0][0] == sign * first.end else 0
        return sign * heap[0][0]

    def _cut(self, piece: Piece) -> tuple[Box, Box]:
        """Two ranges for the variable that turns most."""
        name = piece.turning[0]
        low, high, grain = piece.box.get(name, self.box[name])
        unit = max(grain, 1)
        middle = (low + high) // 2 // unit * unit
        middle = min(max(middle, low), high - unit)
        return {name: range_of(low, middle, grain)}, {name: range_of(middle + unit, high, grain)}

    def _piece(self, form: Terms, box: Box, walk: Walk, view: View, upper: bool) -> Piece:
        """A part of the box, the variables that the value only rises or falls with set to the ends that matter."""
        variables = self.frame.variables(form, self.box)
        slopes = view.slopes if view.slopes is not None else dict.fromkeys(variables, JUMP)
        ranges = {name: box.get(name, self.box[name]) for name in slopes}
        corner: dict[str, int] = {}
        turning: list[str] = []
        for name, (least, most) in slopes.items():
            low, high, _ = ranges[name]
            if low == high:
                continue
            if least.numerator >= 0:
                corner[name] = high if upper else low
            elif most.numerator <= 0:
                corner[name] = low if upper else high
            else:
                turning.append(name)
        end = view.high if upper else view.low
        if corner:
            low, high = self._look_at_corner(form, box | _points(corner), variables)
            slack = 2 * view.error
            end = min(end, high + slack) if upper else max(end, low - slack)
            end = _inward(end, view.grain, upper)
        turning.sort(key=lambda name: self._width(name, ranges[name]), reverse=True)
        return Piece(box, end, tuple(turning), _points(corner), walk)

    def _look_at_corner(self, form: Terms, box: Box, variables: tuple[str, ...]) -> tuple[int, int]:
        """Where the value lies in a part of the box; quickly, if that is a point."""
        ranges = {name: box.get(name, self.box[name]) for name in variables}
        if all(low == high for low, high, _ in ranges.values()):
            return (self._value(form, {name: low for name, (low, _, _) in ranges.items()}),) * 2
        changed = {name: within for name, within in ranges.items() if within != self.box[name]}
        view = view_of(form, self._look(form, self._ranges, changed, slopes=False))
        return view.low, view.high

    def _width(self, name: str, within: Range) -> int:
        """A piece's share of the whole range of a variable, in 2**-64."""
        low, high, _ = self.box[name]
        return ((within.high - within.low) << 64) // max(1, high - low)

    def _keeps(self, form: Terms, piece: Piece) -> bool:
        """Is the end reached at a point where the variables that turn are at their ends, too?

        Asked only of the piece that promises most, and only until a point answers.
        """
        most = _MOST_CORNERS[bool(piece.box)]
        known = piece.box | piece.corner
        point = {name: known.get(name, self.box[name]).low for name in self.frame.variables(form, self.box)}
        tried = [(name, piece.box.get(name, self.box[name])) for name in piece.turning[:most]]
        for number in range(2 ** len(tried)):
            for at, (name, within) in enumerate(tried):
                point[name] = within[number >> at & 1]
            if self._value(form, point) == piece.end:
                return True
        return False

    def _value(self, form: Terms, point: Mapping[str, int]) -> int:
        """The value at a point of all variables that matter."""
        value = self.frame.points.value(form, point, self._period)
        if value is None:
            value = view_of(form, self._look(form, self._ranges, _points(point), slopes=False)).low
        return value

    def _look(self, form: Terms, known: Walk, box: Box, *, slopes: bool) -> Walk:
        """What is known of the items that a sum needs where some variables have other ranges than before."""
        walk = known.inside_box(box, slopes=slopes)
        walk.see_again(self.frame.reached(form, box))
        return walk


def _points(values: Mapping[str, int]) -> Box:
    return {name: Range(value, value, abs(value)) for name, value in values.items()}


def _inward(end: int, grain: int, upper: bool) -> int:
    """The nearest multiple of a grain that an end leaves possible."""
    if grain <= 1:
        return end
    return end // grain * grain if upper else -(-end // grain) * grain


def range_of(low: int, high: int, grain: int) -> Range:
    """A range whose ends are moved inward to multiples of its grain."""
    low, high = _inward(low, grain, upper=False), _inward(high, grain, upper=True)
    return Range(low, high, grain if low < high else abs(low))
