"""The periods in which a clause has rules of its own: the first of each year or stage, and those after others.

What a formula makes of the calendar alone is worked out for every period; periods of which it comes to the same are
one regime. A clause that looks back has one more: a period after another, all of them with the middling values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeAlias

from pyoutcome.decimals import ONE
from pyoutcome.errors import FormulaError
from pyoutcome.formula import syntax as s
from pyoutcome.formula.evaluate import evaluate, start_state
from pyoutcome.formula.folding import Folding
from pyoutcome.formula.rule import Item, Rule
from pyoutcome.formula.state import State

_MOST: Final = 6
"""Regimes that are shown of one clause: the first ones, and the last."""

_ROWS: Final = (s.StepRow, s.PickRow, s.BandRow, s.Point)
"""Parts of tables, which have no value by themselves."""

Signature: TypeAlias = tuple[int | None, ...]


@dataclass(frozen=True)
class Regime:
    """A period whose rules are shown."""

    period: int = 1
    state: State | None = None
    """What the periods before it left, all with the middling values; None in the first."""


FIRST: Final = Regime()


class Regimes:
    """Of a rule over so many periods; ``values`` are the middling ones."""

    def __init__(self, rule: Rule, values: tuple[int, ...], periods: int, unit_decimals: int) -> None:
        self.rule = rule
        self.values = values
        self.periods = periods
        self.unit_decimals = unit_decimals

    def of(self, items: Iterable[Item]) -> list[Regime]:
        """The regimes of what these items come to."""
        asked = {(item.kind, item.name) for item in items}
        found: dict[Signature, int] = {}
        places = [
            at for at, item in enumerate(self._items) if item.kind != "calendar" and (item.kind, item.name) in asked
        ]
        for period, told in enumerate(self._signatures, 1):
            found.setdefault(tuple(each for at in places for each in told[at]), period)
        periods = set(found.values())
        if self.periods > 1 and any(self._looks_back(self._items[at]) for at in places):
            periods.add(2)
        shown = sorted(periods)
        if len(shown) > _MOST:
            shown = [*shown[: _MOST - 1], shown[-1]]
        return [Regime(period, self._states[period - 1]) for period in shown if period <= len(self._states)]

    @cached_property
    def _items(self) -> list[Item]:
        return [item for item in self.rule.order if item.kind not in ("start", "opening")]

    def _looks_back(self, item: Item) -> bool:
        nodes = list(s.walk(item.formula))
        back = any(isinstance(node, s.Lag | s.SumLast) for node in nodes)
        return back or any(isinstance(node, s.Name) and node.name in self.rule.readings for node in nodes)

    @cached_property
    def _signatures(self) -> list[list[Signature]]:
        """For every period and item what its formula makes of the calendar."""
        mentioned = {name for item in self._items for name in s.names(item.formula)}
        if not mentioned & {"period", "year", "period_of_year"}:
            return [[()] * len(self._items)]
        return [list(self._told(period)) for period in range(1, self.periods + 1)]

    def _told(self, period: int) -> Iterator[Signature]:
        folding = Folding(self.rule, dict(self.rule.parameters))
        dated = {"period"}
        folding.learn("period", period * ONE)
        for item in self._items:
            if folding.is_constant(item.formula) and item.kind != "payee":
                if dated & set(s.names(item.formula)):
                    dated.add(item.name)
                folding.learn(item.name, self._value(folding, item.formula) or 0)
            yield tuple(self._parts(folding, item.formula, dated))

    def _parts(self, folding: Folding, node: s.Node, dated: set[str]) -> Iterator[int | None]:
        """The values of the widest parts of a formula that follow from the calendar."""
        if isinstance(node, _ROWS) or not folding.is_constant(node):
            for child in s.children(node):
                yield from self._parts(folding, child, dated)
        elif dated & set(s.names(node)):
            yield self._value(folding, node)

    @staticmethod
    def _value(folding: Folding, node: s.Node) -> int | None:
        try:
            return folding.value(node)
        except FormulaError:
            return None

    @cached_property
    def _states(self) -> list[State | None]:
        """What stands at the start of each period, as far as the periods before it have amounts."""
        if not self.rule.sequential:
            return [None] * self.periods
        found: list[State | None] = [None]
        state = start_state(self.rule, self.unit_decimals)
        while len(found) < self.periods:
            try:
                state = evaluate(self.rule, self.values, period=len(found), state=state).state or state
            except FormulaError:
                break  # the middling values were chosen for the first period
            found.append(state)
        return found
