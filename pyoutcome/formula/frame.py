"""What stays the same in every period while the bounds of a rule are followed."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, TypeAlias

from pyoutcome.formula import syntax as s
from pyoutcome.formula.linear import Terms, combine, find_formulas
from pyoutcome.formula.points import Points
from pyoutcome.formula.printer import to_text
from pyoutcome.formula.rule import Rule
from pyoutcome.formula.state import unit_of
from pyoutcome.formula.timed import Timed
from pyoutcome.formula.walk import Box, Range

_MOST_PIECES: Final = 1_000
"""Pieces of boxes that are looked at for one rule over all its periods: more would cost time, fewer only precision."""
_MOST_PAIRS: Final = 64
"""Pairs of a line and a register that are looked at: more would cost time, and fewer only precision."""


Depends: TypeAlias = tuple[tuple[int, ...], tuple[str, ...], tuple[Range, ...]]
"""All that a sum depends on: what it takes from the number of the period, and its variables with their ranges."""


@dataclass(frozen=True, slots=True)
class Share:
    """A line that may be ``factor`` times what a register grows by, or a payee's amount so many times its lines."""

    factor: Fraction
    line: int | None = None
    register: int | None = None
    payee: int | None = None

    @property
    def place(self) -> tuple[int | None, int | None, int | None]:
        """What it is a share of."""
        return self.line, self.register, self.payee


class Frame:
    """A rule, its terms and its token, and what the formulas look back on."""

    def __init__(self, rule: Rule, parameters: Mapping[str, int], unit_decimals: int) -> None:
        self.rule = rule
        self.parameters = parameters
        self.unit_decimals = unit_decimals
        self.unit = unit_of(unit_decimals)
        self.pieces = _MOST_PIECES
        """Pieces of boxes that may still be looked at."""
        self._forms: dict[tuple[tuple[int, s.Node], ...], Terms] = {}
        self._cones: dict[Terms, tuple[int, ...]] = {}
        self._variables: dict[Terms, tuple[str, ...]] = {}
        self._places = _find_places(rule)
        self.formulas = find_formulas(rule)
        self._needs = [_uses(item.formula, self._places) for item in rule.order]
        self._reached: dict[tuple[Terms, frozenset[str]], tuple[int, ...]] = {}
        self._readers: dict[str, frozenset[int]] = {}
        self.points = Points(rule, parameters, self.cone)
        """Sums at single points."""
        self.ends: dict[tuple[Terms, bool, Depends], Range] = {}
        """Where sums lie that were looked at, in whatever period."""
        self.opened: dict[tuple[Share, Depends], tuple[Fraction, Fraction]] = {}
        """What shares differ by, the same."""
        self._timed = Timed(rule, parameters)
        self._timed_parts: dict[Terms, tuple[s.Node, ...]] = {}
        self.shares: tuple[Share, ...] | None = None
        """Sums that may be a fixed part of another one; None until a period has been looked at."""
        self.register_pairs = _find_pairs(rule)[:_MOST_PAIRS]
        pairs = [(at, place, sign) for at, place in self.register_pairs for sign in (1, -1)][:_MOST_PAIRS]
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

    def cone(self, form: Terms) -> tuple[int, ...]:
        """The places in the rule's order of all items that a sum needs, in that order."""
        if form not in self._cones:
            waiting = [place for _, node in form for place in _uses(node, self._places)]
            found: set[int] = set()
            while waiting:
                place = waiting.pop()
                if place not in found:
                    found.add(place)
                    waiting += self._needs[place]
            self._cones[form] = tuple(sorted(found))
        return self._cones[form]

    def variables(self, form: Terms, box: Container[str]) -> tuple[str, ...]:
        """The KPIs and values of earlier periods that a sum depends on, of those a box knows."""
        if form not in self._variables:
            nodes = [node for _, node in form]
            nodes += [self.rule.order[place].formula for place in self.cone(form)]
            found = {name: None for node in nodes for name in self._reads(node)}
            self._variables[form] = tuple(found)
        return tuple(name for name in self._variables[form] if name in box)

    def depends(self, form: Terms, box: Box, period: int) -> Depends:
        """All that a sum depends on: where this is the same in another period, so is the sum."""
        if form not in self._timed_parts:
            formulas = [node for _, node in form] + [self.rule.order[place].formula for place in self.cone(form)]
            found = [part for formula in formulas for part in self._timed.parts(formula)] if self.counts else []
            self._timed_parts[form] = tuple(dict.fromkeys(found))
        variables = self.variables(form, box)
        ranges = tuple(box[name] for name in variables)
        return self._timed.values(self._timed_parts[form], period), variables, ranges

    def reached(self, form: Terms, changed: Iterable[str]) -> tuple[int, ...]:
        """Of the items that a sum needs those that depend on some KPIs or values of earlier periods, in their order."""
        names = frozenset(changed)
        key = form, names
        if key not in self._reached:
            found = frozenset().union(*map(self._find_readers, names))
            self._reached[key] = tuple(place for place in self.cone(form) if place in found)
        return self._reached[key]

    def _find_readers(self, name: str) -> frozenset[int]:
        """The places of all items that depend on a KPI or a value of earlier periods."""
        if name not in self._readers:
            found: set[int] = set()
            for place, item in enumerate(self.rule.order):
                # a start or opening gives way to a value of the period before
                if name in self._reads(item.formula) or not found.isdisjoint(self._needs[place]):
                    found.add(place)
            self._readers[name] = frozenset(found)
        return self._readers[name]

    def _reads(self, node: s.Node) -> Iterator[str]:
        for each in s.walk(node):
            if isinstance(each, s.Lag | s.SumLast):
                yield to_text(each)
            elif isinstance(each, s.Name):
                yield from self.rule.totals.get(each.name, (each.name,))
                if each.name in self.rule.readings and each.name.startswith("earned_before"):
                    yield "earned_before"

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


def _find_places(rule: Rule) -> dict[str, int]:
    """Places of the items that formulas can name, in the rule's order."""
    places: dict[str, int] = {}
    for place, item in enumerate(rule.order):
        if item.kind in ("start", "opening"):
            source = item.name.removeprefix(f"{item.kind} of ")
            places[f"prev.{source}"] = places[f"lag of {source}"] = place
        elif item.kind != "payee":
            places[item.name] = place
    return places


def _uses(node: s.Node, places: Mapping[str, int]) -> list[int]:
    """Places of the items that a formula uses."""
    named = (f"lag of {each.name}" if isinstance(each, s.Lag) else each.name
             for each in s.walk(node) if isinstance(each, s.Name | s.Lag))  # fmt: skip
    return [places[name] for name in named if name in places]


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
