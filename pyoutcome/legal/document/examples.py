"""Worked examples: KPI values chosen from where the rule turns, amounts worked out by its evaluator.

The values are the document's; every amount is what ``Agreement.statement`` gives, which is what the escrow pays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from pyoutcome.errors import AgreementError, FormulaError
from pyoutcome.legal.document.edges import Edges
from pyoutcome.terms import Agreement, StatedLine, Statement

Values = tuple[int, ...]
"""One value for every KPI, in the program's order."""
GRADES: Final = ("good", "middling", "bad")


@dataclass(frozen=True)
class Example:
    """One period with made-up KPI values, settled by the agreement."""

    grade: str
    """``good``, ``middling`` or ``bad``."""
    values: Values
    statement: Statement


@dataclass(frozen=True)
class EdgeTable:
    """What comes of a KPI's values around every turn, the other KPIs being as in the middling period."""

    clause: str
    """Id of the clause; empty: about the limits of the settlement."""
    kpi: int
    """The KPI that moves, by its place."""
    providers: tuple[str, ...]
    """Whose account it is about; several, if it is the same for each with its own KPI."""
    rows: tuple[tuple[int, int, int], ...]
    """Value of the KPI; amount of the clause, scaled and as a change of the provider's net amount (of limits: the net
    amount); what the provider is credited for the period, base units."""


class Examples:
    """All worked examples of an agreement."""

    def __init__(self, agreement: Agreement) -> None:
        self.agreement = agreement
        self.rule = agreement.rule()
        self._known: dict[Values, Statement | None] = {}

    def settle(self, values: Sequence[int]) -> Statement | None:
        """The statement of a first period with these values; None where no report may say so."""
        key = tuple(values)
        if key not in self._known:
            named = {kpi.name: value for kpi, value in zip(self.agreement.kpis, key, strict=True)}
            try:
                self._known[key] = self.agreement.statement(1, named)
            except (AgreementError, FormulaError):
                self._known[key] = None
        return self._known[key]

    def _admits(self, values: Sequence[int]) -> bool:
        return self.settle(values) is not None

    def _turns_with(self, values: Values) -> Edges:
        """The turns at a setting; every value is asked for only where some may not be reported."""
        limited = bool(self.agreement.file.require) or any(kpi.declared.except_ for kpi in self.agreement.kpis)
        return Edges(self.rule, values, self._admits if limited else None)

    @cached_property
    def periods(self) -> tuple[Example, ...]:
        """A good, a middling and a bad period, as far as values for them can be found."""
        found = []
        for grade in GRADES:
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
    def _edges(self) -> Edges | None:
        """The turns at a middling setting."""
        base = self._base
        return None if base is None else self._turns_with(base)

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
        return next((tuple(each) for each in settings if self._admits(each)), None)

    @cached_property
    def _values(self) -> dict[str, Values]:
        """KPI values by grade; nothing where no setting can be settled."""
        base = self._base
        if base is None or self._edges is None:
            return {}
        choices = [self._choices(at) for at in range(len(base))]
        middling = self._nearest(base, [each[1] for each in choices])
        good, bad = ([each[at] for each in choices] for at in (0, 2))
        return {"good": self._nearest(middling, good), "middling": middling, "bad": self._nearest(middling, bad)}

    def _nearest(self, base: Values, wanted: Sequence[int]) -> Values:
        """The wanted values; where they cannot be together, as many of them as can, the others as in ``base``."""
        if self._admits(wanted):
            return tuple(wanted)
        values = list(base)
        for at, value in enumerate(wanted):
            kept, values[at] = values[at], value
            if not self._admits(values):
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
            return labels[0], labels[len(labels) // 2], labels[-1]
        turns = self._turns_in_lines(at)
        first, last = (turns[0], turns[-1] + unit) if turns else (low, high)
        if len(turns) < 2:  # nothing lies between: half the way to each end of the range
            first, last = _snap(low, first, unit, low), _snap(last, high, unit, low)
            if not turns:
                first, last = _snap(low, _snap(low, high, unit), unit), _snap(_snap(low, high, unit), high, unit, low)
        middle = turns[0] + unit if len(turns) == 1 else _snap((turns or [first])[0] + unit, last, unit, low)
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
            statement = self.settle(base)
            return 0 if statement is None else sum(statement.amounts)

        return worth

    def _turns_in_lines(self, at: int) -> list[int]:
        edges = self._edges
        if edges is None:
            return []
        return sorted(edges.of_lines(at))

    @cached_property
    def edges(self) -> tuple[EdgeTable, ...]:
        """Every clause at every turn, the other KPIs being as in the middling period; what is the same for several
        providers stands once."""
        middling = self._values.get("middling")
        if middling is None:
            return ()
        edges = self._turns_with(middling)
        found = [*self._line_tables(edges, middling), *self._limit_tables(edges, middling)]
        return tuple(_merge(found, self.agreement))

    def _line_tables(self, edges: Edges, middling: Values) -> Iterator[EdgeTable]:
        statement = self.settle(middling)
        if statement is None:
            return
        stated = {line.name: (each.provider, line) for each in statement.providers for line in each.lines}
        stated |= {line.name: ("", line) for line in statement.shown}
        for line in self.rule.lines:
            provider, told = stated[line.name]
            for kpi in edges.kpis_of(line.name):
                turns = edges.of_line(line.name, kpi)
                if turns or self.rule.kpis[kpi].type != "number":
                    rows = self._rows(middling, kpi, edges.around(kpi, turns), provider, told)
                    yield EdgeTable(told.clause, kpi, (provider,) if provider else (), rows)

    def _limit_tables(self, edges: Edges, middling: Values) -> Iterator[EdgeTable]:
        """Where a limit of the settlement begins to hold, or ends to."""
        for kpi, shape in enumerate(self.rule.kpis):
            if shape.type != "number":
                continue
            turns = set(edges.of_amounts(kpi)) - edges.of_lines(kpi)
            if not turns:
                continue
            values = sorted({*turns, *(turn + shape.multiple for turn in turns)})
            for provider in self.agreement.providers:
                rows = self._rows(middling, kpi, values, provider, None)
                if len({(net, units) for _, net, units in rows}) > 1:
                    yield EdgeTable("", kpi, (provider,), rows)

    def _rows(
        self, middling: Values, kpi: int, values: Sequence[int], provider: str, line: StatedLine | None
    ) -> tuple[tuple[int, int, int], ...]:
        found = []
        for value in values:
            statement = self.settle((*middling[:kpi], value, *middling[kpi + 1 :]))
            if statement is None:
                continue
            if not provider:
                [shown] = [each for each in statement.shown if line is not None and each.name == line.name]
                found.append((value, shown.value, 0))
                continue
            own = statement.of(provider)
            amounts = {each.name: each.amount if each.pays != "nobody" else each.value for each in own.lines}
            found.append((value, own.net if line is None else amounts[line.name], own.units))
        return tuple(found)


def _merge(tables: Sequence[EdgeTable], agreement: Agreement) -> Iterator[EdgeTable]:
    """Tables that say the same of several providers, each with its own KPI, as one."""
    kpis = agreement.kpis
    groups: dict[object, list[EdgeTable]] = {}
    for each in tables:
        own = each.providers and kpis[each.kpi].provider == each.providers[0]
        key = (each.clause, kpis[each.kpi].kpi, each.rows) if own else each
        groups.setdefault(key, []).append(each)
    for group in groups.values():
        first = group[0]
        yield EdgeTable(first.clause, first.kpi, tuple(name for each in group for name in each.providers), first.rows)


def _snap(low: int, high: int, unit: int, start: int | None = None) -> int:
    """The middle between two values, on the grid of ``unit`` from ``start`` (else from ``low``)."""
    start = low if start is None else start
    return start + ((low + high) // 2 - start) // unit * unit
