"""One KPI and one payee, studied at several settings of the other KPIs."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TypeAlias

from pyoutcome.errors import FormulaError
from pyoutcome.formula.cut import Cut, Trace
from pyoutcome.formula.influence import NOISE, SLIGHT, Cliff, Dead, Direction, Influence, Move, Piece
from pyoutcome.formula.intervals import FLAT, View, add, constant
from pyoutcome.formula.rule import Item, Rule
from pyoutcome.formula.walk import Range, Walk

Walks: TypeAlias = dict[tuple[int, int], Walk | None]
"""What is known where a KPI is in a part of its range, whichever payee it was looked at for; None: nothing is."""


class Study:
    """One KPI and one payee."""

    def __init__(
        self,
        rule: Rule,
        whole: Walk | None,
        kpi: int,
        payee: int | None,
        cuts: list[tuple[int, Cut]],
        items: tuple[Item, ...],
        places: list[int],
        walks: Walks,
    ) -> None:
        self.shape = rule.kpis[kpi]
        self.kpi = kpi
        self.payee = payee
        self.rule = rule
        self.whole = whole
        self.items = items
        self.places = places
        self.walks = walks
        self.cuts = cuts
        self.paid = [(at, cut, [(x, self.amount(trace)) for x, trace in cut.points()]) for at, cut in cuts]
        self.ranges = [max(y for _, y in paid) - min(y for _, y in paid) for _, _, paid in self.paid]
        self.noise = NOISE + (2 * self.view(self.whole).error if self.whole is not None else 0)

    def amount(self, trace: Trace) -> int:
        """The payee's, or the sum of all."""
        return sum(trace.amounts) if self.payee is None else trace.amounts[self.payee]

    def view(self, walk: Walk) -> View:
        """What a walk knows of the amount."""
        if self.payee is not None:
            return walk.amounts[self.payee]
        reached = [item.index for item in self.items if item.kind == "payee"]
        views = [walk.amounts[payee] for payee in reached]
        total = constant(0)
        for view in views:
            total = add(total, view, fits=False)
        return total

    @property
    def moves(self) -> bool:
        """Does the amount move at any setting?"""
        return max(self.ranges) > self.noise

    def influence(self) -> Influence:
        """All there is to say."""
        rise, fall = self.extremes(1), self.extremes(-1)
        ranges = self.ranges
        shown = ranges.index(max(ranges))
        at = self.paid[shown][0]
        cliffs = self.cliffs(max(ranges))
        number = self.shape.type == "number"
        pieces = self.pieces(shown, {cliff.first for cliff in cliffs}) if number else ()
        direction, proven = self.direction(rise, fall)
        stair = self.stair()
        return Influence(
            kpi=self.kpi,
            payee=self.payee,
            direction=direction,
            proven=proven,
            slack=self.noise,
            setting=at,
            moves=ranges[shown],
            points=tuple((each, tuple(paid)) for each, _, paid in self.paid),
            pieces=tuple(self.prove(piece) for piece in pieces),
            cliffs=cliffs,
            dead=self.dead() if number else (),
            stair=stair if stair * SLIGHT > max(ranges) else 0,
            rise=rise,
            fall=fall,
        )

    def extremes(self, sign: int) -> Move | None:
        """The greatest rise (or fall) between any two values, over all settings."""
        best: Move | None = None
        for at, _, paid in self.paid:
            low: tuple[int, int] | None = None
            for x, y in paid:
                if low is None or sign * y <= sign * low[1]:
                    low = (x, y)
                elif sign * (y - low[1]) > (sign * best.change if best else self.noise):
                    best = Move(low[0], x, low[1], y, at)
        return best

    def direction(self, rise: Move | None, fall: Move | None) -> tuple[Direction, bool]:
        """Over the whole range, and whether that is certain."""
        if rise and fall:
            return Direction.MIXED, True
        seen = Direction.RISES if rise else Direction.FALLS if fall else Direction.FLAT
        return seen, self.whole is not None and _allows(self.view(self.whole), self.shape.full_name, seen)

    def cliffs(self, moves: int) -> tuple[Cliff, ...]:
        """Turns at which the amount changes by more than around them, each at its highest."""
        found: dict[int, Cliff] = {}
        for at, cut, paid in self.paid:
            known = dict(paid)
            values = [x for x, _ in paid]
            place = {x: number for number, x in enumerate(values)}
            turns = set(cut.turns)
            for low in cut.turns:
                high = low + cut.unit
                if low not in known or high not in known:
                    continue
                jump = abs(known[high] - known[low])
                if jump * SLIGHT < moves or (low in found and abs(found[low].change) >= jump):
                    continue
                before = values[place[low] - 1] if place[low] else None
                after = values[place[high] + 1] if place[high] + 1 < len(values) else None
                slopes = [
                    abs(known[x1] - known[x0]) * cut.unit // (x1 - x0)
                    for x0, x1 in ((before, low), (high, after))
                    if x0 is not None and x1 is not None and x0 not in turns
                ]
                if jump > 2 * max(slopes, default=0) + self.noise and self.stands_out(cut, low, jump):
                    found[low] = Cliff(low, high, known[low], known[high], at, self.cause(cut, low))
        return tuple(found[low] for low in sorted(found))

    def stands_out(self, cut: Cut, low: int, jump: int) -> bool:
        """Do the nearest steps without a turn, before and after it, change the amount by less than half?"""
        if cut.high - cut.low <= cut.unit:
            return False
        for way in (-cut.unit, cut.unit):
            x = low + way
            while x in cut.turns:  # of two turns one step apart the slope is seen only beyond both
                x += way
            if cut.low <= x and x + cut.unit <= cut.high:
                first, last = cut.at(x), cut.at(x + cut.unit)
                if first and last and 2 * abs(self.amount(last) - self.amount(first)) >= jump:
                    return False
        return True

    def cause(self, cut: Cut, low: int) -> int | None:
        """The line of this payee that jumps most."""
        first, last = cut.at(low), cut.at(low + cut.unit)
        if first is None or last is None:
            return None
        jumps = {
            at: abs(last.lines[at] - first.lines[at])
            for at, line in enumerate(self.rule.lines)
            if line.sign and (self.payee is None or line.payee == self.payee)
        }
        most = max(jumps, key=lambda at: jumps[at], default=None)
        return most if most is not None and jumps[most] else None

    def pieces(self, place: int, edges: set[int]) -> tuple[Piece, ...]:
        """The parts between turns at one setting; those that go on in a straight line are one."""
        at, cut, paid = self.paid[place]
        known = dict(paid)
        turns, stairs = set(cut.turns), {*cut.stairs, *(low + cut.unit for low in cut.stairs)}
        groups: list[list[int]] = [[]]
        for x, _ in paid:
            if x in stairs and x not in turns and x - cut.unit not in turns:
                continue
            groups[-1].append(x)
            if x in turns:
                groups += self.meet(groups[-1], known, cut.unit) if x not in edges and x + cut.unit in known else [[]]
        made: list[Piece] = []
        for xs in groups:
            if not xs:
                continue
            steps = [known[high] - known[low] for low, high in pairwise(xs)]
            piece = Piece(xs[0], xs[-1], known[xs[0]], known[xs[-1]], at, self.seen(steps), proven=False)
            if made and made[-1].first == made[-1].last == piece.first:
                made.pop()
            elif made and made[-1].last == piece.first == piece.last:
                continue
            if made and made[-1].last == piece.first and self.straight(made[-1], piece):
                piece = replace(made.pop(), last=piece.last, after=piece.after)
            made.append(piece)
        return tuple(made)

    @staticmethod
    def meet(xs: list[int], known: dict[int, int], unit: int) -> list[list[int]]:
        """The beginnings of what follows a turn without a cliff, where the line so far ends at the turn.

        The step over the turn belongs to the line before it, to the one after it, or to neither.
        """
        x, after = xs[-1], xs[-1] + unit
        step = known[after] - known[x]
        if len(xs) > 1:
            wide = x - xs[-2]
            if abs(step * wide - (known[x] - known[xs[-2]]) * unit) <= NOISE * wide:
                xs.append(after)
                return [[]]
        beyond = min((each for each in known if each > after), default=None)
        if beyond is not None:
            wide = beyond - after
            if abs(step * wide - (known[beyond] - known[after]) * unit) > NOISE * wide:
                return [[x, after], []]
        return [[x]]

    @staticmethod
    def seen(steps: list[int]) -> Direction:
        """What a row of changes shows."""
        up, down = any(step > NOISE for step in steps), any(step < -NOISE for step in steps)
        return (
            Direction.MIXED if up and down else Direction.RISES if up else Direction.FALLS if down else Direction.FLAT
        )

    @staticmethod
    def straight(one: Piece, two: Piece) -> bool:
        """Do two neighbouring pieces have one slope, but for truncation?"""
        if one.direction is not two.direction or one.direction is Direction.MIXED:
            return False
        left, right = one.change * (two.last - two.first), two.change * (one.last - one.first)
        return abs(left - right) <= NOISE * (two.last - one.first)

    def prove(self, piece: Piece) -> Piece:
        """The piece, and whether its direction is certain."""
        return replace(
            piece, proven=piece.direction is Direction.MIXED or self.proves(piece.first, piece.last, piece.direction)
        )

    def proves(self, first: int, last: int, direction: Direction) -> bool:
        """Is the direction certain in a part of the range, wherever the other KPIs are?"""
        if self.whole is None or first == last:
            return False
        name = self.shape.full_name
        if _allows(self.view(self.whole), name, direction):
            return True
        if (first, last) not in self.walks:
            self.walks[first, last] = self.walk(self.whole, first, last)
        walk = self.walks[first, last]
        return walk is not None and _allows(self.view(walk), name, direction)

    def walk(self, whole: Walk, first: int, last: int) -> Walk | None:
        """What the items that depend on the KPI can be in a part of its range."""
        walk = whole.inside_box({self.shape.full_name: Range(first, last, self.shape.multiple)}, slopes=True)
        try:
            walk.see(self.places)
        except FormulaError:
            return None
        return walk

    def dead(self) -> tuple[Dead, ...]:
        """Parts in which nothing moves at any setting."""
        common: list[tuple[int, int]] | None = None
        for _, _, paid in self.paid:
            flat: list[tuple[int, int]] = []
            for (x0, y0), (x1, y1) in pairwise(paid):
                if abs(y1 - y0) <= NOISE:
                    if flat and flat[-1][1] == x0:
                        flat[-1] = (flat[-1][0], x1)
                    else:
                        flat.append((x0, x1))
            common = (
                flat
                if common is None
                else [(max(a, c), min(b, d)) for a, b in common for c, d in flat if max(a, c) < min(b, d)]
            )
        least = max(max(cut.unit, 2 * cut.stair) for _, cut in self.cuts)
        return tuple(
            Dead(low, high, self.proves(low, high, Direction.FLAT)) for low, high in common or () if high - low > least
        )

    def stair(self) -> int:
        """The highest of the stairs looked at."""
        jumps = [0]
        for _, cut in self.cuts:
            for low in set(cut.stairs).difference(cut.turns):  # what jumps there as well is no stair
                first, last = cut.at(low), cut.at(low + cut.unit)
                if first is not None and last is not None:
                    jumps.append(abs(self.amount(last) - self.amount(first)))
        return max(jumps)


def _allows(view: View, name: str, direction: Direction) -> bool:
    """Do the slopes leave no other direction?"""
    if view.slopes is None:
        return False
    low, high = view.slopes.get(name, FLAT)
    if direction is Direction.RISES:
        return low >= 0
    if direction is Direction.FALLS:
        return high <= 0
    return direction is Direction.FLAT and low == high == 0
