"""The least and the most a rule can pay, proven: sound for every KPI value inside its range, in every period.

Ranges are computed item by item (``walk.py``). Where a value only rises or only falls with a KPI, or with a value of
earlier periods (by its slopes), that is set to the end that matters and the ranges are computed again, which removes
the slack that comes from one value standing in several places. What periods leave to later ones is bounded period by
period (``recurrence.py``). A rule for which an overflow or a division by zero cannot be excluded is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyoutcome.errors import FormulaError
from pyoutcome.formula.period_ranges import Spread
from pyoutcome.formula.recurrence import Recurrence
from pyoutcome.formula.rule import Rule


@dataclass(frozen=True, slots=True)
class TermBounds:
    """What every payee can get over a number of periods; amounts scaled by 10**18, negative: it owes."""

    periods: tuple[tuple[Spread, ...], ...]
    """Per period, per payee: least and greatest amount, as the formulas give it."""
    totals: tuple[Spread, ...]
    """Per payee: least and greatest sum over all periods, each amount cut toward zero to whole base units."""
    lines: tuple[Spread, ...]
    """Per line: the same, of the line's amounts, unsigned."""


def bounds(rule: Rule, parameters: Mapping[str, int] | None = None, period: int = 1) -> tuple[Spread, ...]:
    """Per payee the least and the greatest amount of a period, scaled by 10**18.

    ``parameters`` replace some of the rule's own terms. A rule that looks back is followed from period 1 on, with
    amounts of 18 decimals. Raises FormulaError ``possible-overflow``, ``possible-division-by-zero``,
    ``possible-clamp-crossing``, ``possible-round-step``, ``possible-table-disorder``.
    """
    follow = Recurrence(rule, parameters or {}, 18)
    if rule.sequential:
        for number in range(1, period):
            _step(follow, number)
    return follow.amounts(period)


def bounds_over(
    rule: Rule, periods: int, parameters: Mapping[str, int] | None = None, unit_decimals: int = 18
) -> TermBounds:
    """The bounds of ``periods`` periods from the first, one by one and in total, for a token of ``unit_decimals``.

    Raises what ``bounds`` raises, with the ``period`` among the details.
    """
    follow = Recurrence(rule, parameters or {}, unit_decimals)
    found = tuple(_step(follow, number) for number in range(1, periods + 1))
    return TermBounds(found, follow.totals(), follow.line_totals())


def _step(follow: Recurrence, period: int) -> tuple[Spread, ...]:
    try:
        return follow.step(period)
    except FormulaError as problem:
        problem.details.setdefault("period", period)
        raise
