"""What stays the same in every period while the bounds of a rule are followed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pyoutcome.formula import syntax as s
from pyoutcome.formula.linear import Terms, combine
from pyoutcome.formula.rule import Rule
from pyoutcome.formula.state import unit_of

_MOST_PAIRS: Final = 64
"""Pairs of a line and a register that are looked at: more would cost time, and fewer only precision."""


class Frame:
    """A rule, its terms and its token, and what the formulas look back on."""

    def __init__(self, rule: Rule, parameters: Mapping[str, int], unit_decimals: int) -> None:
        self.rule = rule
        self.parameters = parameters
        self.unit_decimals = unit_decimals
        self.unit = unit_of(unit_decimals)
        self._forms: dict[tuple[tuple[int, s.Node], ...], Terms] = {}
        pairs = [(at, place, sign) for at, place in _find_pairs(rule) for sign in (1, -1)][:_MOST_PAIRS]
        self.ties = [pair for pair in pairs if self._cancels(*pair)]
        """Line, register it reads, and whether their sum or their difference is followed."""
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

    def tie(self, line: int, register: int, sign: int) -> Terms:
        """A line plus (or less) what a register grows by."""
        name = self.rule.registers[register].name
        grown = ((sign, s.Name(name)), (-sign, s.Name(f"prev.{name}")))
        return self.form((1, s.Name(self.rule.lines[line].name)), *grown)

    def _cancels(self, line: int, register: int, sign: int) -> bool:
        """Is there less in a line and a register together than in each by itself?"""
        name = self.rule.registers[register].name
        apart = len(self.form((1, s.Name(self.rule.lines[line].name))))
        apart += len(self.form((sign, s.Name(name)), (-sign, s.Name(f"prev.{name}"))))
        return len(self.tie(line, register, sign)) < apart

    def earned_name(self, payee: int) -> str:
        """The name of what a payee earned in earlier periods."""
        return f"earned_before.{self.rule.payees[payee].name}" if len(self.rule.payees) > 1 else "earned_before"


def _find_pairs(rule: Rule) -> list[tuple[int, int]]:
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
