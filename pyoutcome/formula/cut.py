"""A rule seen along one KPI, everything else held: amounts at its values, and where a decision in a formula turns.

Where a decision turns is found from the tree: every table, limit and comparison says how far it is from turning, and
that distance is followed to zero. Nothing of the language is worked out here; the evaluator's own walk is watched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from typing import Final, TypeAlias

from pyoutcome.decimals import Rounding
from pyoutcome.errors import FormulaError
from pyoutcome.formula import syntax as s
from pyoutcome.formula.calculation import Calculation
from pyoutcome.formula.evaluate import keep_opening, keep_start, read_inputs, recall, start_state
from pyoutcome.formula.rule import Item, Rule
from pyoutcome.formula.state import State

MOST_VALUES: Final = 150
"""Values of a KPI that are looked at in one cut."""
_MOST_STAIRS: Final = 12
"""Edges of a rounding that count as turns; of more, a few are looked at to learn how high the stairs are."""
_GUESSES: Final = 8
"""How often a straight line guesses where a decision turns before the range is halved."""

GapKey: TypeAlias = tuple[int, int, bool]
"""Which decision: its node, which of its edges, and whether the edge itself lies below it."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Values of all KPIs, in one period."""

    name: str
    values: tuple[int, ...]
    period: int = 1
    state: State | None = None
    """What the period before left; None in the first."""


@dataclass(frozen=True, slots=True)
class Trace:
    """One evaluation."""

    amounts: tuple[int, ...]
    """Per payee, scaled."""
    lines: tuple[int, ...]
    """Per line, scaled and without its sign."""
    gaps: dict[GapKey, int]
    """How far each decision is from turning."""
    rounds: dict[int, tuple[int, int, Rounding]] = field(default_factory=dict)
    """Per rounding: the value, the step and the mode."""


class Watched(Calculation):
    """A calculation that takes note of how close its decisions are."""

    __slots__ = ("gaps", "known", "rounds")

    def __init__(self, rule: Rule, names: dict[str, int]) -> None:
        super().__init__(rule, names)
        self.forget()

    def forget(self) -> None:
        self.known: dict[int, int] = {}
        self.gaps: dict[GapKey, int] = {}
        self.rounds: dict[int, tuple[int, int, Rounding]] = {}

    def value(self, node: s.Node) -> int:
        known = self.known.get(id(node))
        if known is None:
            watch = WATCHES.get(type(node))
            if watch is not None:
                watch(self, node)
            known = self.known[id(node)] = super().value(node)
        return known

    def edge(self, node: s.Node, at: int, gap: int, *, below: bool = False) -> None:
        self.gaps[id(node), at, below] = gap

    def limits(self, node: s.Clamp | s.Outside) -> None:
        of = self.value(node.of)
        self.edge(node, 0, of - self.value(node.low))
        self.edge(node, 1, of - self.value(node.high))

    def extremes(self, node: s.Min | s.Max) -> None:
        for at, (x, y) in enumerate(combinations(map(self.value, node.operands), 2)):
            self.edge(node, at, x - y)

    def sign(self, node: s.Abs) -> None:
        self.edge(node, 0, self.value(node.operand))

    def comparison(self, node: s.Compare) -> None:
        if any(isinstance(side, s.Name) and side.name in self.rule.labels for side in (node.left, node.right)):
            return
        gap = self.value(node.left) - self.value(node.right)
        if node.relation in (s.Relation.GE, s.Relation.LT, s.Relation.EQ, s.Relation.NE):
            self.edge(node, 0, gap)
        if node.relation in (s.Relation.GT, s.Relation.LE, s.Relation.EQ, s.Relation.NE):
            self.edge(node, 0, gap, below=True)

    def rows(self, node: s.Step) -> None:
        of = self.value(node.of)
        for at, row in enumerate(node.rows):
            self.edge(node, at, of - self.value(row.at), below=row.edge in (s.Edge.ABOVE, s.Edge.AT_MOST))

    def points(self, node: s.Curve) -> None:
        of = self.value(node.of)
        for at, point in enumerate(node.points):
            self.edge(node, at, of - self.value(point.x))

    def parts(self, node: s.Bands) -> None:
        of = self.value(node.of)
        self.edge(node, 0, of)
        edge = 0
        for at, row in enumerate(node.rows, 1):
            edge = edge + self.value(row.to) if row.is_width else self.value(row.to)
            self.edge(node, at, of - edge)

    def rounding(self, node: s.Round) -> None:
        self.rounds[id(node)] = (self.value(node.of), self.value(node.step), node.mode)


WATCHES: Final[dict[type[s.Node], Callable[..., None]]] = {
    s.Clamp: Watched.limits,
    s.Outside: Watched.limits,
    s.Min: Watched.extremes,
    s.Max: Watched.extremes,
    s.Abs: Watched.sign,
    s.Compare: Watched.comparison,
    s.Step: Watched.rows,
    s.Curve: Watched.points,
    s.Bands: Watched.parts,
    s.Round: Watched.rounding,
}


def find_dependents(rule: Rule) -> dict[str, tuple[Item, ...]]:
    """For every KPI the items of this period that depend on it, in the order of evaluation."""
    totals = {part: total for total, parts in rule.totals.items() for part in parts}
    reads = [(item, set(s.names(item.formula))) for item in rule.order]
    found: dict[str, tuple[Item, ...]] = {}
    for kpi in rule.kpis:
        touched = {kpi.full_name, totals.get(kpi.full_name, kpi.full_name)}
        mine: list[Item] = []
        for item, names in reads:
            if not touched.isdisjoint(names):
                mine.append(item)
                if item.kind != "payee":
                    touched.add(item.name)
        found[kpi.full_name] = tuple(mine)
    return found


class Scene:
    """A rule at one setting, worked out once. Raises what ``evaluate`` raises."""

    def __init__(self, rule: Rule, setting: Setting) -> None:
        self.rule = rule
        self.setting = setting
        self.run = run = Watched(rule, read_inputs(rule, setting.values, None, setting.period))
        state = setting.state
        if rule.carried:
            state = recall(rule, run, state or start_state(rule), setting.period)
        self.amounts = [0] * len(rule.payees)
        for item in rule.order:
            value = run.value(item.formula)
            if item.kind == "start":
                keep_start(run, rule.registers[item.index].name, value, state)
            elif item.kind == "opening":
                keep_opening(run, rule.kpis[item.index].full_name, value)
            else:
                self.keep(item, value, run.names, self.amounts)

    @staticmethod
    def keep(item: Item, value: int, names: dict[str, int], amounts: list[int]) -> None:
        """Put an item's value where others read it."""
        if item.kind == "payee":
            amounts[item.index] = value
        else:
            names[item.name] = value


class Cut:
    """One KPI moved through its range at a setting of the others."""

    def __init__(
        self,
        scene: Scene,
        kpi: int,
        dependents: Sequence[Item],
        admits: Callable[[Sequence[int]], bool] | None = None,
    ) -> None:
        shape = scene.rule.kpis[kpi]
        self.scene = scene
        self.name, self.low, self.high, self.unit = shape.full_name, shape.low, shape.high, shape.multiple
        self.kpi = kpi
        self.dependents = dependents
        self.admits = admits
        self.traces: dict[int, Trace | None] = {}
        self.turns: list[int] = []
        """Values after which the next one is decided otherwise somewhere."""
        self.stairs: list[int] = []
        """The same, of a rounding with many stairs: a few of them."""
        self.stair = 0
        """How wide such stairs are, in the KPI's values."""
        if shape.type == "number":
            self._explore()
        else:
            for value in range(self.low, self.high + 1, self.unit):
                self.at(value)

    def at(self, value: int) -> Trace | None:
        """The evaluation at a value; None where there is none, or no report may say so."""
        if value not in self.traces:
            self.traces[value] = self._evaluate(value)
        return self.traces[value]

    def points(self) -> list[tuple[int, Trace]]:
        """All values looked at, rising."""
        return [(value, trace) for value, trace in sorted(self.traces.items()) if trace is not None]

    def _evaluate(self, value: int) -> Trace | None:
        scene = self.scene
        if self.admits is not None:
            values = list(scene.setting.values)
            values[self.kpi] = value
            if not self.admits(values):
                return None
        run = scene.run
        names, amounts = run.names, list(scene.amounts)
        run.names = names | {self.name: value}
        run.forget()
        try:
            for item in self.dependents:
                scene.keep(item, run.value(item.formula), run.names, amounts)
            lines = tuple(run.names[line.name] for line in scene.rule.lines)
            return Trace(tuple(amounts), lines, run.gaps, run.rounds)
        except FormulaError:
            return None  # what cannot be evaluated is refused by the bounds, or excluded from the range
        finally:
            run.names = names

    def _explore(self) -> None:
        middle = self.snap((self.low + self.high) // 2)
        corners = sorted({self.low, middle, self.high})
        self.turns = self._find_turns(corners, {}, gaps=True)
        few, many = self._find_stairs([trace for _, trace in self.points()])  # of roundings in every branch met so far
        if few:
            self.turns = sorted({*self.turns, *self._find_turns(sorted(self.traces), few, gaps=True)})
        if many:
            self.stairs = self._find_turns(corners, many, gaps=False)
        for low, high in pairwise([self.low, *(at + self.unit for at in self.turns), self.high]):
            if high - low > 2 * self.unit and len(self.traces) < MOST_VALUES:
                self.at(self.snap((low + high) // 2))

    def _find_turns(self, corners: list[int], stairs: dict[int, list[int]], *, gaps: bool) -> list[int]:
        waiting = [(low, high, 0) for low, high in pairwise(corners)]
        turns: set[int] = set()
        while waiting and len(self.traces) < MOST_VALUES:
            low, high, depth = waiting.pop()
            guesses = self._guess(low, high, stairs, gaps=gaps)
            if not guesses:
                continue
            if high - low <= self.unit:
                turns.add(low)
                continue
            inside = {low, high, *(each for guess in guesses for each in (guess, guess + self.unit))}
            if depth > _GUESSES or len(inside) == 2:
                inside.add(self.snap((low + high) // 2))
            waiting += [(x, y, depth + 1) for x, y in pairwise(sorted(inside))]
        return sorted(turns)

    def snap(self, value: int) -> int:
        """The last possible value that is not above a given one."""
        return self.low + (value - self.low) // self.unit * self.unit

    def _find_stairs(self, corners: list[Trace]) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
        """Per rounding the values at which its result changes: all of few, or some of many."""
        few: dict[int, list[int]] = {}
        many: dict[int, list[int]] = {}
        for key in {key for trace in corners for key in trace.rounds}:
            seen = [trace.rounds[key] for trace in corners if key in trace.rounds]
            low, high, step, mode = min(seen)[0], max(seen)[0], seen[0][1], seen[0][2]
            if step <= 0 or any(other != step for _, other, _ in seen):
                continue
            half = step // 2 if mode in (Rounding.HALF_UP, Rounding.HALF_EVEN) else 0
            first, last = -(-(low - half) // step), (high - half) // step
            count = last - first + 1
            if count <= _MOST_STAIRS:
                few[key] = [at * step + half for at in range(first, last + 1)]
            elif count * self.unit * 2 <= self.high - self.low:  # otherwise the stairs are finer than the KPI
                many[key] = [(first + count // 2) * step + half]
                self.stair = max(self.stair, (self.high - self.low) // count)
        return few, many

    def _guess(self, low: int, high: int, stairs: dict[int, list[int]], *, gaps: bool) -> list[int]:
        """Where inside a range decisions turn, if their gaps are straight lines; each the value before the turn."""
        first, last = self.at(low), self.at(high)
        if first is None or last is None:
            return [] if first is last else [self.snap((low + high) // 2)]
        found: set[int] = set()
        for key, start in first.gaps.items() if gaps else ():
            end = last.gaps.get(key)
            if end is not None and (start > 0 or (start == 0 and not key[2])) != (end > 0 or (end == 0 and not key[2])):
                found.add(self._meet(low, high, start, end))
        for node, edges in stairs.items():
            if node in first.rounds and node in last.rounds:
                for edge in edges:
                    start, end = first.rounds[node][0] - edge, last.rounds[node][0] - edge
                    if start != end and (start <= 0 <= end or end <= 0 <= start):
                        found.add(self._meet(low, high, start, end))
        return sorted(found)

    def _meet(self, low: int, high: int, start: int, end: int) -> int:
        # an edge that is a value itself and opens the next part turns between that value and the one before
        at = low + -(-(high - low) * abs(start) // (abs(start) + abs(end)))
        return max(low, self.snap(at - 1))
