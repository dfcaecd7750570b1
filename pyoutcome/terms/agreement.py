"""The agreement: one file, checked whole, and everything that follows from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from pyoutcome.errors import AgreementError
from pyoutcome.formula.influence import Influence
from pyoutcome.formula.state import State
from pyoutcome.terms.contents import Contents
from pyoutcome.terms.defaults import find_broken_default
from pyoutcome.terms.finding import Finding
from pyoutcome.terms.findings import find_warnings
from pyoutcome.terms.prose import Passage, write_passages, write_words
from pyoutcome.terms.requirements import refuse_broken
from pyoutcome.terms.shaping import PaymentShape, find_shape, find_shape_at
from pyoutcome.terms.statement import Statement
from pyoutcome.terms.stating import KpiValue, make_statement, read_values

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from pyoutcome.formula.scenarios import Scenarios


class Agreement(Contents):
    """One deal. Made by ``load`` or ``parse``, which refuse a file that cannot be carried out; never changes.

    ``problems_of(error)`` lists all problems that were found together.
    """

    def value_of_missing(self, kpi: str) -> int:
        """The value that stands in for a missing one, by full KPI name. AgreementError ``unknown-kpi``."""
        own = {each.name: each.if_missing for each in self.kpis}
        if kpi not in own:
            read_values((), {kpi: None})
        return own[kpi]

    def values_of(
        self, values: Mapping[str, KpiValue], before: Mapping[str, KpiValue] | None = None
    ) -> tuple[int, ...]:
        """KPI values by full name as the program's vector, what stands in for None; errors as ``statement``."""
        return read_values(self.kpis, values, before)

    def demand_default(self) -> None:
        """Refuses an agreement that no escrow could settle a period without evidence by: the values that stand in are
        none that a report could hold. AgreementError ``missing-breaks-requirement``."""
        broken = find_broken_default(self._lowered, len(self.periods))
        if broken is not None:
            path, why = broken
            raise AgreementError(
                "missing-breaks-requirement",
                f"{why} The period would settle with nothing.",
                "Choose other values for 'if_missing', or a requirement that they meet.",
                where=self._tree.where(path),
            )

    def demand_reportable(self, period: int, values: Mapping[str, KpiValue]) -> None:
        """Refuses values that no report of the period may hold, before a verifier signs them.

        AgreementError as ``statement``; it does not look at earlier periods.
        """
        numbers = read_values(self.kpis, values)
        refuse_broken(self._lowered.checking, self._lowered.requirements, numbers, self.period(period).number)

    def check(self) -> list[Finding]:
        """Warnings and notes: what the agreement may say, but perhaps should not.

        Raises FormulaError where an amount cannot be bounded or the program cannot be encoded, AgreementError
        ``silence-pays`` where an escrow would pay more without evidence than with some.
        """
        self.program()
        return find_warnings(self.file, self._lowered, self.bounds(), self.shape(), self._tree)

    def shape(self) -> PaymentShape:
        """How every payment moves with every KPI: direction, cliffs, ranges in which nothing moves."""
        return self._shape

    def shape_at(self, values: Sequence[int]) -> tuple[Influence, ...]:
        """How every payment of the first period moves with each KPI while the others have these values.

        ``values`` are those of all KPIs in the program's order, as ``values_of`` gives them.
        """
        return find_shape_at(self._lowered, values)

    @cached_property
    def _shape(self) -> PaymentShape:
        return find_shape(self._lowered, self.token.decimals, len(self.periods))

    def words(self) -> str:
        """The whole deal in plain English; every number of the agreement is in it. FormulaError as in ``bounds``."""
        return write_words(self, self._tree)

    def passages(self) -> tuple[Passage, ...]:
        """The same, part by part, for those who set it in another way. FormulaError as in ``bounds``."""
        return write_passages(self, self._tree)

    def statement(
        self,
        period: int,
        values: Mapping[str, KpiValue],
        state: State | None = None,
        before: Mapping[str, KpiValue] | None = None,
    ) -> Statement:
        """One period's amounts and how they come about, from KPI values by full name; None is missing.

        ``state`` is what the statement of the period before left (its ``state``); where periods depend on earlier ones
        only period 1 goes without. ``before`` holds the KPI values of the period before, for ``if_missing: last`` where
        no state is given.

        Raises AgreementError ``no-such-period``, ``unknown-kpi``, ``missing-kpi-value``, ``bad-kpi-value``,
        ``requirement-broken``; NumberError; FormulaError ``state-needed``, and where the rule cannot be evaluated
        (which ``check`` excludes).
        """
        return make_statement(self.file, self._lowered, self.digest(), self.period(period), values, state, before)

    def statements(self, periods: Sequence[Mapping[str, KpiValue]]) -> tuple[Statement, ...]:
        """The statements of the first periods one after another, each from the state the one before left.

        Errors as ``statement``.
        """
        found: list[Statement] = []
        for number, values in enumerate(periods, 1):
            state = found[-1].state if found else None
            found.append(self.statement(number, values, state, periods[number - 2] if found else None))
        return tuple(found)

    def scenarios(
        self,
        values: Mapping[str, ArrayLike] | ArrayLike,
        parameters: Mapping[str, int] | None = None,
        first: int = 1,
        state: State | None = None,
        *,
        definitions: bool = False,
    ) -> Scenarios:
        """What many made-up periods come to, for simulation: floats in natural units, within 1e-9 of the exact amounts.

        ``values`` holds an array of numbers for every KPI, none missing; errors as ``formula.scenarios.evaluate_many``,
        which says the rest.
        """
        from pyoutcome.formula.scenarios import evaluate_many  # brings NumPy, which settling does not need

        return evaluate_many(
            self.rule(),
            values,
            parameters,
            first,
            state,
            unit_decimals=self.token.decimals,
            definitions=definitions,
        )
