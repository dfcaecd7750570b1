"""KPI values tried on an agreement: whether a report may hold them, and what they come to."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TypeAlias

from pyoutcome.errors import AgreementError, FormulaError
from pyoutcome.formula.evaluate import Outcome, evaluate, start_state
from pyoutcome.legal.document.edges import Edges
from pyoutcome.legal.document.regimes import FIRST, Regime, Regimes
from pyoutcome.terms import Agreement, Statement

Values: TypeAlias = tuple[int, ...]
"""One value for every KPI, in the program's order."""


class Trials:
    """Settings of an agreement's KPIs, each worked out by its evaluator."""

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

    def evaluate(self, values: Sequence[int], regime: Regime = FIRST) -> Outcome | None:
        """The same in numbers only, and quicker; of a later period too."""
        if self._limited and self.settle(values) is None:
            return None
        state = regime.state or start_state(self.rule, self.agreement.token.decimals)
        try:
            return evaluate(self.rule, values, period=regime.period, state=state)
        except FormulaError:
            return None

    def turns_with(self, values: Values, regime: Regime = FIRST) -> Edges:
        """The turns at a setting; every value is asked for only where some may not be reported."""
        return Edges(self.rule, values, self.admits if self._limited else None, regime)

    def regimes(self, values: Values) -> Regimes:
        """The periods whose rules differ; only the first where what may be reported is asked of a first period."""
        periods = 1 if self.agreement.file.require else len(self.agreement.periods)
        return Regimes(self.rule, values, periods, self.agreement.token.decimals)

    def admits(self, values: Sequence[int]) -> bool:
        """Whether a first period's report may hold these values."""
        return self.settle(values) is not None

    @cached_property
    def _limited(self) -> bool:
        """Are there values inside the KPIs' ranges that no report may hold?"""
        return bool(self.agreement.file.require) or any(kpi.declared.except_ for kpi in self.agreement.kpis)
