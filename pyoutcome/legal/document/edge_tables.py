"""What comes of the values around every turn of a clause, or of a limit of the settlement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pyoutcome.decimals import to_units_trunc
from pyoutcome.formula.rule import Line
from pyoutcome.legal.document.edges import Edges
from pyoutcome.legal.document.trials import Trials, Values
from pyoutcome.terms import Agreement

Row: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True)
class EdgeTable:
    """What comes of a KPI's values around every turn, the other KPIs being as in the middling period."""

    clause: str
    """Id of the clause; empty: about the limits of the settlement."""
    kpi: int
    """The KPI that moves, by its place."""
    providers: tuple[str, ...]
    """Whose account it is about; several, if it is the same for each with its own KPI; none of a line only shown."""
    rows: tuple[Row, ...]
    """Value of the KPI; amount of the clause, scaled and as a change of the provider's net amount (of limits: the net
    amount); what the provider is credited for the period, base units (0 where there is none)."""


def list_edge_tables(trials: Trials, middling: Values) -> tuple[EdgeTable, ...]:
    """All tables of an agreement, clause by clause, those of the settlement's limits last."""
    edges = trials.turns_with(middling)
    found = [*_of_lines(trials, edges, middling), *_of_limits(trials, edges, middling)]
    return tuple(_merge(found, trials.agreement))


def _of_lines(trials: Trials, edges: Edges, middling: Values) -> Iterator[EdgeTable]:
    for line in trials.rule.lines:
        providers = () if line.payee is None else (trials.agreement.providers[line.payee],)
        for kpi in edges.kpis_of(line.name):
            turns = edges.of_line(line.name, kpi)
            if turns or trials.rule.kpis[kpi].type != "number":
                rows = _rows(trials, (middling, kpi, edges.around(kpi, turns)), line.payee, line)
                yield EdgeTable(line.name.partition(".")[0], kpi, providers, rows)


def _of_limits(trials: Trials, edges: Edges, middling: Values) -> Iterator[EdgeTable]:
    """Where a limit of the settlement begins to hold, or ends to."""
    for kpi, shape in enumerate(trials.rule.kpis):
        turns = set(edges.of_amounts(kpi)) - edges.of_lines(kpi)
        values = sorted({*turns, *(turn + shape.multiple for turn in turns)})
        for payee, provider in enumerate(trials.agreement.providers if turns else ()):
            rows = _rows(trials, (middling, kpi, values), payee, None)
            if len({(net, units) for _, net, units in rows}) > 1:
                yield EdgeTable("", kpi, (provider,), rows)


def _rows(
    trials: Trials, moved: tuple[Values, int, Sequence[int]], payee: int | None, line: Line | None
) -> tuple[Row, ...]:
    """A row for each value; ``moved`` is the setting, the KPI that moves and its values, ``line`` None for the net."""
    middling, kpi, values = moved
    rule, decimals = trials.rule, trials.agreement.token.decimals
    found: list[Row] = []
    for value in values:
        outcome = trials.evaluate((*middling[:kpi], value, *middling[kpi + 1 :]))
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
