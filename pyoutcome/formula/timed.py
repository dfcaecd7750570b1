"""What a sum takes from the number of the period: ``period <= 6`` is the same in the first six of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pyoutcome.errors import FormulaError
from pyoutcome.formula import syntax as s
from pyoutcome.formula.calculation import Calculation
from pyoutcome.formula.rule import Item, Rule

_ROWS: Final = s.StepRow | s.PickRow | s.BandRow | s.Point


class Timed:
    """The parts of a rule's formulas that depend on the period and on nothing else that changes."""

    def __init__(self, rule: Rule, parameters: Mapping[str, int]) -> None:
        self.rule = rule
        self.fixed = dict(rule.parameters) | dict(parameters)
        self.names = {"period"}
        self.items: list[Item] = []
        """Those that depend on nothing else, in their order."""
        for item in rule.order:
            if item.kind in ("calendar", "definition", "line") and self.is_timed(item.formula):
                self.names.add(item.name)
                self.items.append(item)
        self._known: dict[int, Calculation | None] = {}

    def is_timed(self, node: s.Node) -> bool:
        """Does a formula depend on the period and on nothing else that changes?"""
        used = [each for each in s.walk(node) if isinstance(each, s.Name | s.Lag | s.SumLast)]
        named = {each.name for each in used if isinstance(each, s.Name)}
        alone = len(used) == sum(isinstance(each, s.Name) for each in used)
        return alone and not named.isdisjoint(self.names) and named <= self.names | self.fixed.keys()

    def parts(self, node: s.Node) -> Iterator[s.Node]:
        """The largest parts of a formula that depend on the period only."""
        if not isinstance(node, _ROWS) and self.is_timed(node):
            yield node
            return
        for child in s.children(node):
            yield from self.parts(child)

    def values(self, nodes: Sequence[s.Node], period: int) -> tuple[int, ...]:
        """What such parts are in a period, scaled as that is; the period itself where one has no value."""
        if not nodes:
            return ()
        if period not in self._known:
            self._known[period] = self._calculate(period)
        known = self._known[period]
        try:
            return (period,) if known is None else tuple(map(known.value, nodes))
        except FormulaError:
            return (period,)

    def _calculate(self, period: int) -> Calculation | None:
        names = self.fixed | {"period": period}
        found = Calculation(self.rule, names)
        try:
            for item in self.items:
                names[item.name] = found.value(item.formula)
        except FormulaError:
            return None
        return found
