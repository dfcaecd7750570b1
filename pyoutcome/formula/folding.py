"""Parts of a formula that are the same in every period and scenario: worked out once, when a rule is translated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyoutcome.formula import syntax as s
from pyoutcome.formula.calculation import Calculation

if TYPE_CHECKING:
    from pyoutcome.formula.rule import Rule


class Folding:
    """The names whose values are known, and what follows from them."""

    def __init__(self, rule: Rule, known: dict[str, int]) -> None:
        self._known = dict(known)
        self._calculation = Calculation(rule, self._known)
        self._seen: dict[int, bool] = {}

    def learn(self, name: str, value: int) -> None:
        """One more name with a known value."""
        self._known[name] = value
        self._seen.clear()

    def is_constant(self, node: s.Node) -> bool:
        """Does it consist of numbers and known names only?"""
        found = self._seen.get(id(node))
        if found is None:
            if isinstance(node, s.Lag | s.SumLast):
                found = False
            elif isinstance(node, s.Name):
                found = node.name in self._known
            else:
                found = all(map(self.is_constant, s.children(node)))
            self._seen[id(node)] = found
        return found

    def value(self, node: s.Node) -> int:
        """The value of what is constant; FormulaError if it has none."""
        return self._calculation.value(node)
