"""Where a clause turns: for every KPI it depends on, the values between which one of its decisions changes.

The turns are found in the rule's own tree (``formula.cut``), at one setting of the other KPIs; what stands in the
document is worked out anew by the evaluator.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from pyoutcome.formula.cut import Cut, Scene, Setting, find_dependents
from pyoutcome.formula.rule import Item, Rule
from pyoutcome.formula.syntax import names
from pyoutcome.legal.document.regimes import FIRST, Regime

Admits: TypeAlias = Callable[[Sequence[int]], bool]


class Edges:
    """The turns of a rule's lines and amounts, the KPIs being at given values. FormulaError if it has no amounts."""

    def __init__(
        self, rule: Rule, values: Sequence[int], admits: Admits | None = None, regime: Regime = FIRST
    ) -> None:  # fmt: skip
        self.rule = rule
        self._scene = Scene(rule, Setting("", tuple(values), regime.period, regime.state))
        self._admits = admits
        self._dependents = find_dependents(rule)
        self._needs = _closures(rule)

    def kpis_of(self, line: str) -> list[int]:
        """The KPIs that a line depends on, by their place."""
        places = range(len(self.rule.kpis))
        return [at for at in places if any((each.kind, each.name) == ("line", line) for each in self._of(at))]

    def items_of(self, line: str) -> list[Item]:
        """A line, and everything of the same period that it reads."""
        needed = self._needs["line", line] | {("line", line)}
        return [item for item in self.rule.order if (item.kind, item.name) in needed]

    def of_line(self, line: str, kpi: int) -> list[int]:
        """The values of a KPI after which the next one is decided otherwise in a line; rising."""
        needed = self._needs["line", line] | {("line", line)}
        return self._turns(kpi, [item for item in self._of(kpi) if (item.kind, item.name) in needed])

    def of_lines(self, kpi: int) -> set[int]:
        """The same, in any line."""
        lines = (line.name for line in self.rule.lines if kpi in self.kpis_of(line.name))
        return {turn for line in lines for turn in self.of_line(line, kpi)}

    def of_amounts(self, kpi: int) -> list[int]:
        """The same, in any line or in what the settlement does to a provider's net amount."""
        return self._turns(kpi, self._of(kpi))

    def around(self, kpi: int, turns: Sequence[int]) -> tuple[int, ...]:
        """Both sides of every turn and the ends of the range, rising; of yes/no and choices every value."""
        shape = self.rule.kpis[kpi]
        if shape.type != "number":
            return tuple(range(shape.low, shape.high + 1, shape.multiple))
        sides = {shape.low, shape.high, *turns, *(turn + shape.multiple for turn in turns)}
        return tuple(sorted(sides))

    def _of(self, kpi: int) -> tuple[Item, ...]:
        return self._dependents[self.rule.kpis[kpi].full_name]

    def _turns(self, kpi: int, items: Sequence[Item]) -> list[int]:
        if not items or self.rule.kpis[kpi].type != "number":
            return []
        return Cut(self._scene, kpi, items, self._admits).turns


def _closures(rule: Rule) -> dict[tuple[str, str], set[tuple[str, str]]]:
    """For every item the items of the same period that it reads, directly or not."""
    owner: dict[str, tuple[str, str]] = {}
    found: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for item in rule.order:
        key = (item.kind, item.name)
        read = {owner[name] for name in names(item.formula) if name in owner}
        found[key] = read.union(*(found[each] for each in read))
        if item.kind != "payee":
            owner[item.name] = key
    return found
