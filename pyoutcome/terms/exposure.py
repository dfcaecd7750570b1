"""The most and the least an agreement can pay, in base units, from the proven bounds of its rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import Final

from pyoutcome.decimals import to_units_trunc
from pyoutcome.errors import FormulaError
from pyoutcome.formula.bounds import TermBounds, bounds_over
from pyoutcome.formula.rule import KpiShape, Rule
from pyoutcome.terms.kpis import AgreementKpi
from pyoutcome.terms.refusal import explain_refusal
from pyoutcome.terms.tree import Tree

_MOST_PIECES: Final = 64
"""Combinations of parts of ranges that are looked at; beyond, excluded values count as possible."""


@dataclass(frozen=True)
class ProviderBounds:
    """What one provider can be owed, in base units; negative: it owes."""

    provider: str
    least: int
    """In the cheapest period."""
    most: int
    """In the dearest period."""
    least_in_total: int
    """Over the whole term."""
    most_in_total: int
    """Over the whole term."""
    periods: tuple[tuple[int, int], ...]
    """The least and the most in each period."""


@dataclass(frozen=True)
class AmountBounds:
    """What the agreement can cost, in base units."""

    providers: tuple[ProviderBounds, ...]
    most_per_period: int
    """The most the client can owe for one period; what one provider owes never lowers what another is owed."""
    least_per_period: int
    """The least the client can owe for one period; negative: the providers owe it."""

    @property
    def most_in_total(self) -> int:
        """The most the client can owe over the whole term."""
        return sum(each.most_in_total for each in self.providers)

    @property
    def least_in_total(self) -> int:
        """The least the client can owe over the whole term."""
        return sum(each.least_in_total for each in self.providers)


def bound_amounts(
    rule: Rule, kpis: Sequence[AgreementKpi], unit_decimals: int, periods: int, tree: Tree
) -> AmountBounds:
    """The bounds of a rule's amounts over ``periods`` periods, truncated as settlement truncates them.

    Values that a KPI excludes split its range where the rule does not look back; a rule that does is bounded as if they
    were possible, which is safe but may refuse a division that only an excluded value makes impossible.

    Raises what ``formula.bounds`` raises, with the formula, its place in the file and KPI values that make it fail.
    """
    found: list[TermBounds] = []
    for each in _without_excluded(rule, kpis):
        try:
            found.append(bounds_over(each, periods, unit_decimals=unit_decimals))
        except FormulaError as problem:
            raise explain_refusal(problem, each, kpis, periods, tree) from None
    per_period = [
        [_hull([of_piece.periods[number][at] for of_piece in found]) for at, _ in enumerate(rule.payees)]
        for number in range(periods)
    ]
    units = [[(to_units_trunc(low, unit_decimals), to_units_trunc(high, unit_decimals)) for low, high in each]
             for each in per_period]  # fmt: skip
    if len(found) == 1:
        totals = [
            (to_units_trunc(low, unit_decimals), to_units_trunc(high, unit_decimals)) for low, high in found[0].totals
        ]
    else:
        totals = [
            (sum(each[at][0] for each in units), sum(each[at][1] for each in units)) for at in range(len(units[0]))
        ]
    providers = tuple(
        ProviderBounds(
            payee.name,
            min(of_period[at][0] for of_period in units),
            max(of_period[at][1] for of_period in units),
            *totals[at],
            tuple(of_period[at] for of_period in units),
        )
        for at, payee in enumerate(rule.payees)
    )
    return AmountBounds(
        providers,
        max(sum(max(0, high) for _, high in of_period) for of_period in units),
        min(sum(low for low, _ in of_period) for of_period in units),
    )


def _hull(spreads: Iterable[tuple[int, int]]) -> tuple[int, int]:
    lows, highs = zip(*spreads, strict=True)
    return min(lows), max(highs)


def _without_excluded(rule: Rule, kpis: Sequence[AgreementKpi]) -> list[Rule]:
    """The rule for every combination of the parts of the KPIs' ranges between their excluded values."""
    pieces = [_pieces(kpi) for kpi in kpis]
    many = prod(len(each) for each in pieces) > _MOST_PIECES
    if rule.sequential or many:
        pieces = [each if len(each) == 1 else [(kpi.low, kpi.high)] for each, kpi in zip(pieces, kpis, strict=True)]
    return [
        replace(
            rule,
            kpis=tuple(_between(kpi, low, high, rule) for kpi, (low, high) in zip(kpis, ends, strict=True)),
        )
        for ends in product(*pieces)
    ]


def _between(kpi: AgreementKpi, low: int, high: int, rule: Rule) -> KpiShape:
    """The KPI with a part of its range; what does not look back has no use for an opening value."""
    if kpi.shape.type != "number":
        return kpi.shape
    return replace(kpi.shape, low=low, high=high, opening=kpi.shape.opening if rule.sequential else None)


def _pieces(kpi: AgreementKpi) -> list[tuple[int, int]]:
    """The parts of a number's range between the values it excludes."""
    low, unit = kpi.low, kpi.shape.multiple
    found: list[tuple[int, int]] = []
    for value in sorted(kpi.declared.excluded(kpi.kpi)) if kpi.shape.type == "number" else ():
        if low <= value - unit:
            found.append((low, value - unit))
        low = value + unit
    return [*found, (low, kpi.high)] if low <= kpi.high else found or [(kpi.low, kpi.high)]
