"""Worked examples: KPI values chosen from where the rule turns, amounts worked out by its evaluator.

The values are the document's; every amount is the evaluator's, which is what the escrow pays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isqrt
from typing import Final

from pyoutcome.decimals import to_units_trunc
from pyoutcome.errors import AgreementError, FormulaError
from pyoutcome.formula.evaluate import evaluate, start_state
from pyoutcome.legal.document.edge_tables import EdgeTable, list_edge_tables
from pyoutcome.legal.document.edges import Edges
from pyoutcome.legal.document.plausible import Plausible, Wish
from pyoutcome.legal.document.trials import Trials, Values
from pyoutcome.terms import Statement
from pyoutcome.terms.kpis import AgreementKpi

GRADES: Final = ("good", "middling", "bad")


@dataclass(frozen=True)
class Example:
    """One period with made-up KPI values, settled by the agreement."""

    grade: str
    """``good``, ``middling`` or ``bad``."""
    values: Values
    statement: Statement


class Examples(Trials):
    """All worked examples of an agreement."""

    @cached_property
    def periods(self) -> tuple[Example, ...]:
        """A good, a middling and a bad period, as far as values for them can be found; one, if there are no KPIs."""
        found = []
        for grade in GRADES if self.agreement.kpis else ("middling",):
            values = self._values[grade] if self._values else None
            statement = None if values is None else self.settle(values)
            if values is not None and statement is not None:
                found.append(Example(grade, values, statement))
        return tuple(found)

    @cached_property
    def row_of_periods(self) -> tuple[Statement, ...]:
        """Bad, middling and good periods one after another, each after what the one before left; of a rule that does
        not look back none."""
        if not self.rule.sequential or len(self.periods) < len(GRADES):
            return ()
        names = [kpi.name for kpi in self.agreement.kpis]
        told = [dict(zip(names, each.values, strict=True)) for each in reversed(self.periods)]
        try:
            return self.agreement.statements(told[: len(self.agreement.periods)])
        except (AgreementError, FormulaError):
            return ()  # the values were tried in the first period only; later ones may refuse them

    @cached_property
    def over_time(self) -> tuple[tuple[int, int, tuple[int, ...]], ...]:
        """What the middling values come to in every period: first and last period, base units per provider.

        Neighbours that pay the same are one row; there is only one where the number of the period does not matter.
        """
        middling = self._values.get("middling")
        if middling is None:
            return ()
        decimals = self.agreement.token.decimals
        state = start_state(self.rule, decimals)
        rows: list[tuple[int, int, tuple[int, ...]]] = []
        for period in range(1, len(self.agreement.periods) + 1):
            try:
                outcome = evaluate(self.rule, middling, period=period, state=state)
            except FormulaError:
                break  # the values were chosen for the first period; the table ends where they have no amounts
            state = outcome.state or state
            units = tuple(to_units_trunc(amount, decimals) for amount in outcome.amounts)
            if rows and rows[-1][2] == units:
                rows[-1] = (rows[-1][0], period, units)
            else:
                rows.append((period, period, units))
        return tuple(rows)

    @cached_property
    def _edges(self) -> Edges | None:
        """The turns at a middling setting."""
        base = self._base
        return None if base is None else self.turns_with(base)

    @cached_property
    def _base(self) -> Values | None:
        """A first setting that can be settled: the middle of every range, what stands in, or an end of the ranges."""
        kpis = self.agreement.kpis
        settings = (
            [_snap(kpi.low, kpi.high, kpi.shape.multiple) for kpi in kpis],
            [kpi.if_missing for kpi in kpis],
            [kpi.high for kpi in kpis],
            [kpi.low for kpi in kpis],
        )
        return next((tuple(each) for each in settings if self.admits(each)), None)

    @cached_property
    def _values(self) -> dict[str, Values]:
        """KPI values by grade; nothing where no setting can be settled."""
        base = self._base
        if base is None or self._edges is None:
            return {}
        choices = [self._choices(at) for at in range(len(base))]
        middling = self._nearest(base, self._together(choices, 1, base))
        good, bad = (self._nearest(middling, self._together(choices, grade, middling)) for grade in (0, 2))
        return {"good": good, "middling": middling, "bad": bad}

    def _together(self, choices: Sequence[tuple[int, int, int]], grade: int, middling: Values) -> tuple[int, ...]:
        """The values of a grade (0 good, 2 bad), moved where they contradict one another."""
        wishes = []
        for kpi, values, middle in zip(self.agreement.kpis, choices, middling, strict=True):
            way = (1 - grade) * ((values[0] > values[2]) - (values[0] < values[2]))
            ends = {1: (middle, kpi.high), 0: (kpi.low, kpi.high), -1: (kpi.low, middle)}[way]
            wishes.append(Wish(values[grade], _snap(*ends, kpi.shape.multiple, kpi.low), way))
        found = Plausible(self.agreement).settle(wishes)
        return found if self.admits(found) else tuple(each.value for each in wishes)

    def _nearest(self, base: Values, wanted: Sequence[int]) -> Values:
        """The wanted values; where they cannot be together, as many of them as can, the others as in ``base``."""
        if self.admits(wanted):
            return tuple(wanted)
        values = list(base)
        for at, value in enumerate(wanted):
            kept, values[at] = values[at], value
            if not self.admits(values):
                values[at] = kept
        return tuple(values)

    def _choices(self, at: int) -> tuple[int, int, int]:
        """A good, a middling and a bad value of a KPI."""
        kpi = self.agreement.kpis[at]
        low, high, unit = kpi.low, kpi.high, kpi.shape.multiple
        if kpi.shape.type != "number":
            labels = sorted(range(low, high + 1, unit), key=self._worth(at), reverse=True)
            if kpi.declared.better == "lower":
                labels.sort()
            elif kpi.declared.better == "higher":
                labels.sort(reverse=True)
            return labels[0], labels[(len(labels) - 1) // 2], labels[-1]
        turns = self._turns_in_lines(at)
        first, last = (turns[0], turns[-1] + unit) if turns else (low, high)
        if len(turns) < 2:  # nothing lies between: half the way to each end of the range
            first, last = _snap(low, first, unit, low), _snap(last, high, unit, low)
        middle = turns[0] + unit if len(turns) == 1 else _snap((turns or [first])[0] + unit, last, unit, low)
        if not turns:
            first, middle, last = _spread(low, high, unit, counted=_counts_records(kpi))
        first, middle, last = (self._possible(at, each) for each in (first, middle, last))
        rising = kpi.declared.better == "higher" or (
            kpi.declared.better is None and self._worth(at)(last) >= self._worth(at)(first)
        )
        return (last, middle, first) if rising else (first, middle, last)

    def _possible(self, at: int, value: int) -> int:
        """The value, or the nearest one above or below it that the agreement does not exclude."""
        kpi = self.agreement.kpis[at]
        excluded, unit = kpi.declared.excluded(kpi.kpi), kpi.shape.multiple
        for away in range(len(excluded) + 1):
            for each in (value + away * unit, value - away * unit):
                if kpi.low <= each <= kpi.high and each not in excluded:
                    return each
        return value

    def _worth(self, at: int) -> Callable[[int], int]:
        """What all providers get together with a value of one KPI, the others being as in the base."""

        def worth(value: int) -> int:
            base = list(self._base or ())
            base[at] = value
            outcome = self.evaluate(base)
            return 0 if outcome is None else sum(outcome.amounts)

        return worth

    def _turns_in_lines(self, at: int) -> list[int]:
        edges = self._edges
        if edges is None:
            return []
        return sorted(edges.of_lines(at))

    @cached_property
    def edges(self) -> tuple[EdgeTable, ...]:
        """Every clause at every turn, the other KPIs being as in one of the examples; what is the same for several
        providers stands once."""
        return list_edge_tables(self, self._values) if self._values else ()


def _counts_records(kpi: AgreementKpi) -> bool:
    return kpi.declared.measure is not None and kpi.declared.measure.kind == "count"


def _spread(low: int, high: int, unit: int, *, counted: bool) -> tuple[int, int, int]:
    """Three values of a range in which nothing turns: its quarters; of a count its quarters in powers, since the
    greatest number that a count may be is far from what it usually is."""
    if counted:
        many = (high - low) // unit
        return low + unit * isqrt(isqrt(many)), low + unit * isqrt(many), low + unit * isqrt(isqrt(many**3))
    half = _snap(low, high, unit, low)
    return _snap(low, half, unit, low), half, _snap(half, high, unit, low)


def _snap(low: int, high: int, unit: int, start: int | None = None) -> int:
    """The middle between two values, on the grid of ``unit`` from ``start`` (else from ``low``)."""
    start = low if start is None else start
    return start + ((low + high) // 2 - start) // unit * unit
