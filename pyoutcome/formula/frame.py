"""What stays the same in every period while the bounds of a rule are followed."""

from __future__ import annotations

from collections.abc import Mapping

from pyoutcome.formula import syntax as s
from pyoutcome.formula.linear import Terms, combine
from pyoutcome.formula.rule import Rule
from pyoutcome.formula.state import unit_of


class Frame:
    """A rule, its terms and its token, and what the formulas look back on."""

    def __init__(self, rule: Rule, parameters: Mapping[str, int], unit_decimals: int) -> None:
        self.rule = rule
        self.parameters = parameters
        self.unit_decimals = unit_decimals
        self.unit = unit_of(unit_decimals)
        self.ties = [(at, place, sign) for at, place in _find_ties(rule) for sign in (1, -1)]
        """Line, register it reads, and whether their sum or their difference is followed."""
        self._forms: dict[tuple[tuple[int, s.Node], ...], Terms] = {}
        nodes = [node for item in rule.order for node in s.walk(item.formula)]
        self.counts = any(isinstance(node, s.Name) and node.name == "period" for node in nodes)
        """Does the number of the period matter?"""
        self.looks = [node for node in nodes if isinstance(node, s.Lag | s.SumLast)]
        self.looks += [
            s.Lag(rule.kpis[reading.index].full_name, 1)
            for node in nodes
            if isinstance(node, s.Name)
            and (reading := rule.readings.get(node.name)) is not None
            and reading.kind == "kpi"
        ]

    def form(self, *terms: tuple[int, s.Node]) -> Terms:
        """A sum with what cancels taken out."""
        if terms not in self._forms:
            self._forms[terms] = combine(self.rule, terms)
        return self._forms[terms]

    def earned_name(self, payee: int) -> str:
        """The name of what a payee earned in earlier periods."""
        return f"earned_before.{self.rule.payees[payee].name}" if len(self.rule.payees) > 1 else "earned_before"


def _find_ties(rule: Rule) -> list[tuple[int, int]]:
    """Lines and the registers whose previous values they read, themselves or through what they use."""
    reads: dict[str, set[str]] = {}
    for item in rule.order:
        used = set(s.names(item.formula))
        reads[item.name] = used.union(*(reads[name] for name in used if name in reads))
    return [
        (at, place)
        for at, line in enumerate(rule.lines)
        for place, register in enumerate(rule.registers)
        if f"prev.{register.name}" in reads[line.name] and rule.types[register.name] == "number"
    ]
