"""The shape of an agreement's payments: how they move with each KPI, at settings of the others chosen here.

The settings are the same for every agreement: each KPI at its middle, at its best, its worst, its greatest, its least,
and at the value that stands in for a missing one, where these differ. A KPI that moves nothing there is tried at all
combinations of the least and greatest values of a few KPIs. ``docs/shape.md`` says what follows from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from pyoutcome.errors import AgreementError, FormulaError
from pyoutcome.formula.evaluate import evaluate, start_state
from pyoutcome.formula.rule import Rule
from pyoutcome.formula.shape import Influence, Setting, find_influences
from pyoutcome.formula.state import State
from pyoutcome.formula.syntax import names
from pyoutcome.terms.kpis import AgreementKpi
from pyoutcome.terms.lowering import Lowered
from pyoutcome.terms.requirements import refuse_broken

_MOST_CORNERS: Final = 5
"""KPIs whose ends are combined."""


@dataclass(frozen=True)
class PaymentShape:
    """How every payment moves with every KPI."""

    settings: tuple[Setting, ...]
    """Where the other KPIs are held, in period 1."""
    influences: tuple[Influence, ...]
    """KPIs in the program's order, payees inside them; KPIs that no payment depends on are absent."""
    later: tuple[Influence, ...] = ()
    """The same in period 2 after a first period with every KPI at its middle, all tried there; only where periods
    depend on earlier ones."""

    def of(self, kpi: int, payee: int | None) -> Influence | None:
        """How one payee's amount (None: the sum of all) moves with a KPI in period 1."""
        return next((each for each in self.influences if (each.kpi, each.payee) == (kpi, payee)), None)


def find_shape_at(lowered: Lowered, values: Sequence[int]) -> tuple[Influence, ...]:
    """How payments move with each KPI where the others have these values, in the first period."""
    reported = _Reported(lowered)
    return find_influences(
        lowered.rule,
        [Setting("", tuple(values))],
        admits=reported.admits if reported.limited else None,
    )


def find_shape(lowered: Lowered, unit_decimals: int, periods: int) -> PaymentShape:
    """The shape of an agreement's payments; sequential rules also in period 2."""
    settings, corners = list_settings(lowered)
    reported = _Reported(lowered)
    also = {at: (kpi.if_missing,) for at, kpi in enumerate(lowered.kpis)}
    influences = find_influences(
        lowered.rule,
        settings,
        corners=corners,
        also=also,
        admits=reported.admits if reported.limited else None,
    )
    later: tuple[Influence, ...] = ()
    if lowered.rule.sequential and periods > 1:
        left = state_after(lowered.rule, settings[0].values, unit_decimals)
        if left is not None:
            second = Setting("middle", settings[0].values, 2, left)
            later = find_influences(lowered.rule, [second], admits=reported.admits if reported.limited else None)
    return PaymentShape(tuple(settings), influences, later)


def state_after(rule: Rule, values: Sequence[int], unit_decimals: int) -> State | None:
    """What a first period with these values leaves; None if it has no amounts."""
    try:
        return evaluate(rule, values, state=start_state(rule, unit_decimals)).state
    except FormulaError:
        return None


def list_settings(lowered: Lowered) -> tuple[list[Setting], int]:
    """Where the other KPIs are held, and how many of these, at the end, are for KPIs that move nothing before."""
    kpis = lowered.kpis
    chosen = {
        "middle": [middle(kpi) for kpi in kpis],
        "best": [possible(kpi, kpi.low if kpi.declared.better == "lower" else kpi.high) for kpi in kpis],
        "worst": [possible(kpi, kpi.high if kpi.declared.better == "lower" else kpi.low) for kpi in kpis],
        "greatest": [possible(kpi, kpi.high) for kpi in kpis],
        "least": [possible(kpi, kpi.low) for kpi in kpis],
        "value when missing": [kpi.if_missing for kpi in kpis],
    }
    if not any(kpi.declared.better for kpi in kpis):
        del chosen["best"], chosen["worst"]
    found: dict[tuple[int, ...], Setting] = {}
    for name, values in chosen.items():
        found.setdefault(tuple(values), Setting(name, tuple(values)))
    usual = len(found)
    if 1 < len(kpis) <= _MOST_CORNERS:
        for ends in product(*((possible(kpi, kpi.high), possible(kpi, kpi.low)) for kpi in kpis)):
            found.setdefault(ends, Setting("", ends))
    return list(found.values()), len(found) - usual


def possible(kpi: AgreementKpi, value: int) -> int:
    """The value, or the next one towards the middle that the KPI does not exclude."""
    excluded = kpi.declared.excluded(kpi.kpi)
    unit = 1 if kpi.shape.type == "yes_no" else kpi.shape.multiple
    step = unit if value < (kpi.low + kpi.high) // 2 else -unit
    while value in excluded and kpi.low <= value + step <= kpi.high:
        value += step
    return value


def middle(kpi: AgreementKpi) -> int:
    """A possible value in the middle of a range; of a choice or yes/no the first."""
    if kpi.shape.type != "number":
        return possible(kpi, kpi.low)
    half = (kpi.high - kpi.low) // 2
    return possible(kpi, kpi.low + half - half % kpi.shape.multiple)


class _Reported:
    """Which KPI values a report may hold: not those excluded, nor those that break a requirement."""

    def __init__(self, lowered: Lowered) -> None:
        self.lowered = lowered
        self.excluded = [frozenset(kpi.declared.excluded(kpi.kpi)) for kpi in lowered.kpis]
        self.limited = any(self.excluded) or bool(lowered.requirements)

    def admits(self, values: Sequence[int]) -> bool:
        if any(value in excluded for value, excluded in zip(values, self.excluded, strict=True)):
            return False
        try:
            refuse_broken(self.lowered.checking, self.lowered.requirements, values, 1)
        except (AgreementError, FormulaError):
            return False
        return True


def is_priced(rule: Rule, kpi: str) -> bool:
    """Does any formula of the rule mention the KPI?"""
    mentioned = {name for item in rule.order for name in names(item.formula)}
    own = {kpi, *(total for total, parts in rule.totals.items() if kpi in parts)}
    return bool(own & mentioned)
