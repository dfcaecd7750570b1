"""The least and the most that a search finds a rule to pay: what proven bounds are measured against.

A search proves nothing; it shows what can happen. It tries KPI values where something changes (the ends of a range, the
numbers of the formulas and their neighbours), all of them at one end, and then alters one value at a time for as long
as that gives more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

from pyoutcome.decimals import ONE
from pyoutcome.formula import KpiShape, Rule, TermBounds, evaluate_all
from pyoutcome.formula import syntax as s
from pyoutcome.formula.state import cut_to_units

Values: TypeAlias = tuple[int, ...]
History: TypeAlias = tuple[Values, ...]
"""The KPI values of successive periods."""
Spread: TypeAlias = tuple[int, int]
_MOST_CHOICES = 60


@dataclass(frozen=True)
class Quantity:
    """Something that bounds speak of: a payee's amount in a period, or the sum over all periods."""

    payee: int
    period: int | None
    """From 1; None: all together."""


class Search:
    """Looks for histories of ``periods`` periods in which a rule pays much or little."""

    def __init__(
        self,
        rule: Rule,
        periods: int,
        unit_decimals: int,
        random: Random,
        excluded: Sequence[frozenset[int]] | None = None,
    ) -> None:
        self.rule = rule
        self.periods = periods
        self.unit_decimals = unit_decimals
        self.random = random
        self.excluded = excluded or [frozenset[int]()] * len(rule.kpis)
        self.choices = [
            [value for value in interesting_values(rule, kpi) if value not in never]
            for kpi, never in zip(rule.kpis, self.excluded, strict=True)
        ]
        self.found: dict[Quantity, Spread] = {}
        self.best: dict[tuple[Quantity, int], History] = {}

    def run(self, rounds: int) -> dict[Quantity, Spread]:
        """What was found after all corners, some chances, and ``rounds`` attempts to better each end."""
        for history in self.starts():
            self.look(history)
        for quantity in list(self.found):
            for end in (0, 1):
                for _ in range(rounds):
                    self.look(self.altered(self.best[quantity, end]))
        return self.found

    def starts(self) -> list[History]:
        """All KPIs at their ends in every combination, if these are few: in all periods, or up to one; some chances."""
        kpis = self.rule.kpis
        found: list[History] = []
        many = 2 ** len(kpis) if len(kpis) <= 6 else 0
        corners = [tuple(each[-(number >> at & 1)] for at, each in enumerate(self.choices)) for number in range(many)]
        for corner in corners:
            found.append((corner,) * self.periods)
            for split in range(1, self.periods):
                other = self.random.choice(corners)
                found.append((corner,) * split + (other,) * (self.periods - split))
        found += [tuple(self.chance() for _ in range(self.periods)) for _ in range(60)]
        return found

    def chance(self) -> Values:
        """Some KPI values."""
        return tuple(self.value(at) for at in range(len(self.choices)))

    def value(self, kpi: int) -> int:
        """Some value of a KPI: mostly one where something changes."""
        shape = self.rule.kpis[kpi]
        if self.random.random() < 0.7:
            return self.random.choice(self.choices[kpi])
        value = self.random.randrange(shape.low, shape.high + 1, shape.multiple)
        return self.random.choice(self.choices[kpi]) if value in self.excluded[kpi] else value

    def altered(self, history: History) -> History:
        """The same with one or two values changed, in one period or from it on."""
        made = [list(values) for values in history]
        for _ in range(self.random.choice((1, 1, 2, 3))):
            kpi, period = self.random.randrange(len(self.choices)), self.random.randrange(len(made))
            value = self.value(kpi)
            if self.random.random() < 0.4:
                shape = self.rule.kpis[kpi]
                far = self.random.choice((1, 1, 2, 10, 1000)) * shape.multiple * self.random.choice((-1, 1))
                near = min(max(made[period][kpi] + far, shape.low), shape.high)
                value = value if near in self.excluded[kpi] else near
            last = self.random.choice((period + 1, period + 1, len(made)))
            for number in range(period, last):
                made[number][kpi] = value
        return tuple(map(tuple, made))

    def look(self, history: History) -> None:
        """Evaluate a history and keep what is more, or less, than anything before."""
        for quantity, amount in self.amounts(history):
            low, high = self.found.get(quantity, (amount, amount))
            if amount <= low:
                self.best[quantity, 0] = history
            if amount >= high:
                self.best[quantity, 1] = history
            self.found[quantity] = (min(low, amount), max(high, amount))

    def amounts(self, history: History) -> list[tuple[Quantity, int]]:
        """All amounts of a history, and their sums."""
        outcomes = evaluate_all(self.rule, history, unit_decimals=self.unit_decimals)
        found: list[tuple[Quantity, int]] = []
        for payee in range(len(self.rule.payees)):
            amounts = [outcome.amounts[payee] for outcome in outcomes]
            found += [(Quantity(payee, number), amount) for number, amount in enumerate(amounts, 1)]
            found.append((Quantity(payee, None), sum(cut_to_units(amount, self.unit_decimals) for amount in amounts)))
        return found


def interesting_values(rule: Rule, kpi: KpiShape) -> list[int]:
    """Values of a KPI where a formula may turn: ends, the numbers of the rule, and their neighbours."""
    numbers = {0, ONE} | {value for _, value in rule.parameters}
    for item in rule.order:
        numbers |= {node.value for node in s.walk(item.formula) if isinstance(node, s.Number)}
    found = {kpi.low, kpi.high, (kpi.low + kpi.high) // 2 // kpi.multiple * kpi.multiple}
    for number in sorted(numbers):
        for near in (-1, 0, 1):
            value = number // kpi.multiple * kpi.multiple + near * kpi.multiple
            if kpi.low < value < kpi.high:
                found.add(value)
    return sorted(found)[:_MOST_CHOICES]


def proven(found: TermBounds, quantity: Quantity) -> Spread:
    """The bounds of a quantity."""
    return (found.totals if quantity.period is None else found.periods[quantity.period - 1])[quantity.payee]
