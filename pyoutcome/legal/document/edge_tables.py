"""What comes of the values around every turn of a clause, or of a limit of the settlement.

The other KPIs are as in the middling example. Where nothing comes of the moved one then, such as behind a gate that is
shut, they are as in the good one, or else as in the bad one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from pyoutcome.decimals import to_units_trunc
from pyoutcome.errors import FormulaError
from pyoutcome.formula.rule import Line
from pyoutcome.legal.document.edges import Edges
from pyoutcome.legal.document.regimes import FIRST, Regime
from pyoutcome.legal.document.trials import Trials, Values
from pyoutcome.terms import Agreement

Row: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True)
class EdgeTable:
    """What comes of a KPI's values around every turn, the other KPIs being as in one of the examples."""

    clause: str
    """Id of the clause; empty: about the limits of the settlement."""
    kpi: int
    """The KPI that moves, by its place."""
    providers: tuple[str, ...]
    """Whose account it is about; several, if it is the same for each with its own KPI; none of a line only shown."""
    rows: tuple[Row, ...]
    """Value of the KPI; amount of the clause, scaled and as a change of the provider's net amount (of limits: the net
    amount); what the provider is credited for the period, base units (0 where there is none)."""
    regime: Regime = FIRST
    """The period it is worked out for."""
    grade: str = "middling"
    """The example that has the other KPIs' values."""


def list_edge_tables(trials: Trials, settings: Mapping[str, Values]) -> tuple[EdgeTable, ...]:
    """All tables of an agreement, clause by clause, those of the settlement's limits last.

    ``settings``: KPI values of the good, the middling and the bad example by grade.
    """
    tables = _Tables(trials, settings)
    found = [*tables.of_lines(), *tables.of_limits()]
    return tuple(_merge(found, trials.agreement))


class _Tables:
    """The tables at the examples' settings, in every period that has rules of its own."""

    def __init__(self, trials: Trials, settings: Mapping[str, Values]) -> None:
        self.trials = trials
        self.rule = trials.rule
        self.settings = {grade: settings[grade] for grade in ("middling", "good", "bad")}
        self.regimes = trials.regimes(settings["middling"])
        self._edges: dict[tuple[int, str], Edges | None] = {}

    def edges(self, regime: Regime, grade: str = "middling") -> Edges | None:
        """The turns in a period; None where the example's values have no amounts then."""
        key = regime.period, grade
        if key not in self._edges:
            try:
                self._edges[key] = self.trials.turns_with(self.settings[grade], regime)
            except FormulaError:
                if key == (FIRST.period, "middling"):
                    raise
                self._edges[key] = None
        return self._edges[key]

    def of_lines(self) -> Iterator[EdgeTable]:
        """What a line comes to where something turns; of a later period only where it is something else."""
        first = self.trials.turns_with(self.settings["middling"])
        for line in self.rule.lines:
            providers = () if line.payee is None else (self.trials.agreement.providers[line.payee],)
            regimes = self.regimes.of(first.items_of(line.name))
            for kpi in first.kpis_of(line.name):
                shown: set[tuple[tuple[int, int], ...]] = set()
                for regime in regimes:
                    rows, grade = self._telling_rows(line, kpi, regime)
                    told = tuple((value, amount) for value, amount, _ in rows)
                    if rows and told not in shown:
                        shown.add(told)
                        yield EdgeTable(line.name.partition(".")[0], kpi, providers, rows, regime, grade)

    def _telling_rows(self, line: Line, kpi: int, regime: Regime) -> tuple[tuple[Row, ...], str]:
        """The rows of the first example in which the KPI moves the line; where it never does, of the middling one."""
        for grade in self.settings:
            rows = self._line_rows(line, kpi, regime, grade)
            if len({amount for _, amount, _ in rows}) > 1:
                return rows, grade
        return self._line_rows(line, kpi, regime, "middling"), "middling"

    def _line_rows(self, line: Line, kpi: int, regime: Regime, grade: str) -> tuple[Row, ...]:
        edges = self.edges(regime, grade)
        turns = [] if edges is None else edges.of_line(line.name, kpi)
        if edges is None or not (turns or self.rule.kpis[kpi].type != "number"):
            return ()
        return self._rows((kpi, edges.around(kpi, turns)), line.payee, line, (regime, grade))

    def of_limits(self) -> Iterator[EdgeTable]:
        """Where a limit of the settlement begins to hold, or ends to."""
        regimes = self.regimes.of(self.rule.order)
        shown: set[object] = set()
        for kpi, shape in enumerate(self.rule.kpis):
            for regime in regimes:
                edges = self.edges(regime)
                turns = set() if edges is None else set(edges.of_amounts(kpi)) - edges.of_lines(kpi)
                values = sorted({*turns, *(turn + shape.multiple for turn in turns)})
                for payee, provider in enumerate(self.trials.agreement.providers if turns else ()):
                    rows = self._rows((kpi, values), payee, None, (regime, "middling"))
                    if len({(net, units) for _, net, units in rows}) > 1 and (kpi, payee, rows) not in shown:
                        shown.add((kpi, payee, rows))
                        yield EdgeTable("", kpi, (provider,), rows, regime)

    def _rows(
        self, moved: tuple[int, Sequence[int]], payee: int | None, line: Line | None, where: tuple[Regime, str]
    ) -> tuple[Row, ...]:
        """A row for each value of the KPI that is moved; ``line`` is None for the net amount."""
        (kpi, values), (regime, grade) = moved, where
        others = self.settings[grade]
        rule, decimals = self.rule, self.trials.agreement.token.decimals
        found: list[Row] = []
        for value in values:
            outcome = self.trials.evaluate((*others[:kpi], value, *others[kpi + 1 :]), regime)
            if outcome is None:
                continue
            named = zip(rule.lines, outcome.lines, strict=True)
            if line is None:
                shown = sum(each.sign * amount for each, amount in named if each.payee == payee)
            else:
                shown = sum(amount * (line.sign or 1) for each, amount in named if each is line)
            found.append((value, shown, 0 if payee is None else to_units_trunc(outcome.amounts[payee], decimals)))
        return tuple(found)


def _merge(tables: Sequence[EdgeTable], agreement: Agreement) -> Iterator[EdgeTable]:
    """Tables that say the same of several providers, each with its own KPI or all with the agreement's, as one."""
    kpis = agreement.kpis
    groups: dict[object, list[EdgeTable]] = {}
    for each in tables:
        own = each.providers and kpis[each.kpi].provider in (None, each.providers[0])
        key = (each.clause, kpis[each.kpi].kpi, each.rows, each.regime.period, each.grade) if own else id(each)
        groups.setdefault(key, []).append(each)
    for group in groups.values():
        first = group[0]
        names = tuple(name for each in group for name in each.providers)
        yield replace(first, providers=names)
