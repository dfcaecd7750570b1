"""KPI values with which a rule fails: what turns "may divide by zero" into something that can be looked at.

The ranges of the KPIs are cut in two again and again, and a part is followed while its ranges do not rule the failure
out. A part that is a single point is tried. Of a rule that looks back, some histories are tried as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from pyoutcome.errors import FormulaError
from pyoutcome.formula.ends import range_of
from pyoutcome.formula.evaluate import evaluate_all
from pyoutcome.formula.rule import Rule
from pyoutcome.formula.walk import Box, Range, Walk

_MOST_PARTS: Final = 400
"""Parts of the ranges that are looked at."""
_MOST_HISTORIES: Final = 24
"""Histories that are tried."""


@dataclass(frozen=True, slots=True)
class Witness:
    """What makes a rule fail; all values scaled."""

    periods: tuple[tuple[int, ...], ...]
    """The KPI values of every period up to the one that fails."""
    item: str
    """The item that cannot be worked out."""
    code: str
    """The run-time error."""


def find_witness(rule: Rule, periods: int = 1, parameters: Mapping[str, int] | None = None) -> Witness | None:
    """Values with which the rule fails within some periods; None if none were found, which proves nothing."""
    terms = parameters or {}
    point = _find_point(rule, terms)
    found = _try(rule, (point,), terms) if point is not None else None
    if found is None and rule.sequential:
        for history in _histories(rule, periods):
            found = found or _try(rule, history, terms)
    return found


def _try(rule: Rule, history: Sequence[tuple[int, ...]], parameters: Mapping[str, int]) -> Witness | None:
    try:
        evaluate_all(rule, history, parameters)
    except FormulaError as problem:
        period = problem.details["period"]
        if isinstance(period, int):
            return Witness(tuple(history[:period]), str(problem.details.get("item", "")), problem.code)
    return None


def _find_point(rule: Rule, parameters: Mapping[str, int]) -> tuple[int, ...] | None:
    """Values of the first period with which the ranges, each of them one value, still fail."""
    box = {kpi.full_name: range_of(kpi.low, kpi.high, kpi.multiple) for kpi in rule.kpis}
    waiting = [box]
    for _ in range(_MOST_PARTS):
        if not waiting:
            break
        part = waiting.pop()
        if _is_safe(rule, part, parameters):
            continue
        name = max(part, key=lambda each: _width(part[each], box[each]), default=None)
        if name is None or part[name].low == part[name].high:
            return tuple(within.low for within in part.values())
        low, high, grain = part[name]
        middle = (low + high) // 2 // grain * grain
        middle = min(max(middle, low), high - grain)
        waiting.append(part | {name: range_of(middle + grain, high, grain)})
        waiting.append(part | {name: range_of(low, middle, grain)})
    return None


def _width(part: Range, whole: Range) -> int:
    """A part's share of a range, in 2**-64."""
    return ((part.high - part.low) << 64) // max(1, whole.high - whole.low)


def _is_safe(rule: Rule, box: Box, parameters: Mapping[str, int]) -> bool:
    sums = [f"to_date.{line.name}" for line in rule.lines] + [f"earned_before.{payee.name}" for payee in rule.payees]
    nothing = {name: Range(0, 0, 0) for name in (*sums, "earned_before") if name in rule.readings}
    walk = Walk(rule, box | nothing, parameters, 1, slopes=False)
    try:
        walk.see(range(len(rule.order)))
    except FormulaError:
        return False
    return True


def _histories(rule: Rule, periods: int) -> Iterator[tuple[tuple[int, ...], ...]]:
    """All KPIs at one end or the other in every period, or by turns; as many as are affordable."""
    ends = [(kpi.high, kpi.low) for kpi in rule.kpis]
    for at, corner in enumerate(product(*ends)):
        if at >= _MOST_HISTORIES // 2:
            break
        other = tuple(low if value == high else high for value, (high, low) in zip(corner, ends, strict=True))
        yield (corner,) * periods
        yield tuple(corner if number % 2 else other for number in range(periods))
