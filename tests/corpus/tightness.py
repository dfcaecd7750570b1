"""How near the proven bounds of the published mechanisms come to what they can really pay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from pyoutcome.decimals import to_units_trunc
from pyoutcome.formula import Rule, evaluate_all
from pyoutcome.terms import Agreement
from tests.corpus.published import load_agreement
from tests.formula.extremes import History, Quantity, Search, Spread, Values


@dataclass(frozen=True)
class Tightness:
    """Of one payee: least and most in base units, as proven and as found by a search."""

    mechanism: str
    payee: str
    periods: int
    monotonic: bool
    """Does each KPI of each period only ever raise, or only ever lower, each amount?"""
    proven: Spread
    """In any period."""
    attained: Spread
    proven_total: Spread
    """Over all periods."""
    attained_total: Spread


def measure(mechanism: str, rounds: int = 100, seed: int = 1) -> list[Tightness]:
    """One row per payee; ``rounds`` attempts to better each end of each amount."""
    agreement = load_agreement(mechanism)
    rule, decimals, periods = agreement.rule(), agreement.token.decimals, len(agreement.periods)
    bounds = agreement.bounds()
    random = Random(seed)
    search = Search(rule, periods, decimals, random, excluded_by(agreement))
    search.run(rounds)
    directions = is_monotonic(search, 400 // periods)
    rows = []
    for at, provider in enumerate(bounds.providers):
        each = [in_units(search.found[Quantity(at, number)], decimals) for number in range(1, periods + 1)]
        rows.append(
            Tightness(
                mechanism,
                provider.provider,
                periods,
                directions[at],
                (provider.least, provider.most),
                (min(low for low, _ in each), max(high for _, high in each)),
                (provider.least_in_total, provider.most_in_total),
                in_units(search.found[Quantity(at, None)], decimals),
            )
        )
    return rows


def in_units(spread: Spread, decimals: int) -> Spread:
    """In base units, cut as settlement cuts."""
    return to_units_trunc(spread[0], decimals), to_units_trunc(spread[1], decimals)


def excluded_by(agreement: Agreement) -> list[frozenset[int]]:
    """Per KPI the values inside its range that may not be reported."""
    return [
        frozenset(kpi.declared.excluded(kpi.kpi)) if kpi.shape.type == "number" else frozenset()
        for kpi in agreement.kpis
    ]


def is_monotonic(search: Search, tries: int) -> list[bool]:
    """Per payee: did no two changes of one KPI upward, in one period, move one amount in opposite directions?"""
    ways: list[dict[tuple[int, int, int], set[int]]] = [{} for _ in search.rule.payees]
    for _ in range(tries):
        below = tuple(search.chance() for _ in range(search.periods))
        for period in range(search.periods):
            for kpi in range(len(search.choices)):
                above = raised(search, below, period, kpi)
                if above is None:
                    continue
                for moved, payee, number in changes(search.rule, below, above, search.unit_decimals):
                    ways[payee].setdefault((kpi, period, number), set()).add(moved)
    return [not any({1, -1} <= found for found in of_payee.values()) for of_payee in ways]


def raised(search: Search, history: History, period: int, kpi: int) -> History | None:
    """The same with one value higher; None if there is no higher one."""
    higher = [value for value in search.choices[kpi] if value > history[period][kpi]]
    if not higher:
        return None
    made = [list(values) for values in history]
    made[period][kpi] = search.random.choice(higher)
    return tuple(map(tuple, made))


def changes(rule: Rule, below: History, above: History, decimals: int) -> list[tuple[int, int, int]]:
    """For each amount that differs: +1 or -1, its payee and period."""
    pairs: Sequence[tuple[Values, Values]] = [
        (before.amounts, after.amounts)
        for before, after in zip(
            evaluate_all(rule, below, unit_decimals=decimals),
            evaluate_all(rule, above, unit_decimals=decimals),
            strict=True,
        )
    ]
    return [
        (1 if y > x else -1, payee, number)
        for number, (before, after) in enumerate(pairs)
        for payee, (x, y) in enumerate(zip(before, after, strict=True))
        if x != y
    ]
