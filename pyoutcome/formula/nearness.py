"""Which decisions of a rule lie next to a KPI's value: edges of tables, corners of curves, limits, comparisons.

The decisions are those that the evaluator meets (``cut.py``), also behind defined names. Each is looked at with the
KPI one unit of its last decimal lower and higher. What depends on something that is not known is passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pyoutcome.decimals import ONE
from pyoutcome.errors import FormulaError
from pyoutcome.formula import syntax as s
from pyoutcome.formula.cut import WATCHES, GapKey, Watched, find_dependents
from pyoutcome.formula.folding import Folding
from pyoutcome.formula.printer import to_text
from pyoutcome.formula.rule import Item, Rule
from pyoutcome.formula.shapes import KpiShape


@dataclass(frozen=True)
class Turn:
    """A decision that turns where ``of`` is ``at``."""

    of: str
    """What is decided about: the KPI itself, or what follows from it; as formulas write it."""
    at: int
    """Scaled."""


_Wanted = Callable[[list[int], bool], bool]
"""Whether a decision with these gaps is meant; the second says on which side of its edge the edge itself lies."""


class Nearness:
    """The decisions of one period, as far as KPI values are known."""

    def __init__(
        self,
        rule: Rule,
        known: Mapping[str, int],
        period: int,
        dependents: Mapping[str, tuple[Item, ...]] | None = None,
    ) -> None:
        """``known``: values of KPIs by full name, scaled; ``dependents``: ``find_dependents(rule)``, if at hand."""
        self.rule = rule
        self.known = known
        self.base = _Look(rule, dict(rule.parameters) | dict(known) | {"period": period * ONE})
        self.base.see(rule.order)
        self.dependents = find_dependents(rule) if dependents is None else dependents

    def turns(self, kpi: KpiShape) -> tuple[Turn, ...]:
        """The decisions within one unit of the last decimal of a known KPI, but for those at the ends of its range."""
        value = self.known[kpi.full_name]
        places = sorted({max(kpi.low, value - kpi.multiple), value, min(kpi.high, value + kpi.multiple)})
        ends = (kpi.low, kpi.high)
        return self._turns(kpi, places, lambda met, below: _turns(met, below=below) and not _at_end(met, places, ends))

    def passed(self, kpi: KpiShape, former: int) -> tuple[Turn, ...]:
        """The decisions that fall otherwise at a known KPI's value than at a ``former`` one."""
        places = sorted({former, self.known[kpi.full_name]})
        return self._turns(kpi, places, lambda met, below: _differ(met, below=below))

    def _turns(
        self, kpi: KpiShape, places: Sequence[int], wanted: Callable[[list[int], bool], bool]
    ) -> tuple[Turn, ...]:
        """The decisions met at all places whose gaps there are ``wanted``."""
        name, items = kpi.full_name, self.dependents[kpi.full_name]
        own = {item.name for item in items}
        rest = {known: held for known, held in self.base.run.names.items() if known not in own}
        looks = []
        for place in places:
            looks.append(_Look(self.rule, rest | {name: place}))
            looks[-1].see(items)
        turns: dict[Turn, None] = {}
        for key in looks[0].run.gaps:
            gaps = [look.run.gaps.get(key) for look in looks]
            met = [gap for gap in gaps if gap is not None]
            if len(met) == len(gaps) and wanted(met, key[2]):
                turns[_turn(key, looks, places.index(self.known[name]))] = None
        return tuple(sorted(turns, key=lambda turn: (turn.of != name, turn.of, turn.at)))


def _turns(gaps: Sequence[int], *, below: bool) -> bool:
    """Whether the decision falls otherwise at one of the places, or its edge is one of them."""
    return _differ(gaps, below=below) or (gaps.count(0) == 1 and len(gaps) > 1)


def _differ(gaps: Sequence[int], *, below: bool) -> bool:
    """Whether the decision falls otherwise at one of the places."""
    return len({gap > 0 or (gap == 0 and not below) for gap in gaps}) > 1


def _at_end(gaps: Sequence[int], places: Sequence[int], ends: Sequence[int]) -> bool:
    """Whether the edge is an end of the KPI's range."""
    return any(place in ends and gap == 0 for place, gap in zip(places, gaps, strict=True))


def _turn(key: GapKey, looks: Sequence[_Look], at: int) -> Turn:
    node = looks[at].nodes[key[0]]
    gap = looks[at].run.gaps[key]
    for of, other in _sides(node, key[1]):
        values = [look.run.value(of) for look in looks]
        # The side that stands still is the edge.
        if other is None or len({look.run.value(other) for look in looks}) == 1:
            return Turn(to_text(of), values[at] - gap if other is None else looks[at].run.value(other))
    of, other = _sides(node, key[1])[0]
    assert other is not None  # noqa: S101 (otherwise it was taken above)
    return Turn(f"{to_text(of)} - {to_text(other)}", 0)


def _sides(node: s.Node, edge: int) -> list[tuple[s.Node, s.Node | None]]:
    """What is compared with what, both ways round; None: with an edge that is no formula of its own."""
    match node:
        case s.Compare(left=left, right=right):
            return [(left, right), (right, left)]
        case s.Min(operands=operands) | s.Max(operands=operands):
            pairs = [(x, y) for at, x in enumerate(operands) for y in operands[at + 1 :]]
            x, y = pairs[edge]
            return [(x, y), (y, x)]
        case s.Abs(operand=operand):
            return [(operand, None)]
        case s.Clamp() | s.Outside() | s.Step() | s.Curve() | s.Bands():
            return [(node.of, None)]
    raise AssertionError(type(node).__name__)


class _Look:
    """The decisions at one setting, as far as it is known."""

    def __init__(self, rule: Rule, names: dict[str, int]) -> None:
        self.run = Watched(rule, names)
        labels = {label: 0 for held in rule.labels.values() for label in held}
        self.folding = Folding(rule, labels | names)
        self.nodes: dict[int, s.Node] = {}

    def see(self, items: Sequence[Item]) -> None:
        """Look at items in the order of evaluation."""
        for item in items:
            if item.kind not in ("start", "opening"):  # what an earlier period left is not known
                self.nodes |= {id(node): node for node in s.walk(item.formula)}
                self.look(item)

    def look(self, item: Item) -> None:
        if not self.folding.is_constant(item.formula):
            for node in self.partly(item.formula):
                self.value(node)
            return
        found = self.value(item.formula)
        if found is not None and item.kind != "payee":
            self.run.names[item.name] = found
            self.folding.learn(item.name, found)

    def value(self, node: s.Node) -> int | None:
        """The value of what is known; None where it has none."""
        try:
            return self.run.value(node)
        except FormulaError:
            return None

    def partly(self, node: s.Node) -> Iterator[s.Node]:
        """The known parts of what is not known as a whole; a decision may be known although what it leads to is not."""
        if isinstance(node, s.Number | s.Truth | s.Name):
            return
        if self.folding.is_constant(node) and not isinstance(node, s.StepRow | s.PickRow | s.BandRow | s.Point):
            yield node
            return
        watch = WATCHES.get(type(node))
        if watch is not None and not isinstance(node, s.Round) and all(map(self.folding.is_constant, _parts(node))):
            try:
                watch(self.run, node)
            except FormulaError:
                return
        for child in s.children(node):
            yield from self.partly(child)


def _parts(node: s.Node) -> list[s.Node]:
    """What a decision is made from."""
    match node:
        case s.Step():
            return [node.of, *(row.at for row in node.rows)]
        case s.Curve():
            return [node.of, *(point.x for point in node.points)]
        case s.Bands():
            return [node.of, *(row.to for row in node.rows)]
    return list(s.children(node))
