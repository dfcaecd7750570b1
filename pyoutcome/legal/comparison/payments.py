"""What given KPI values pay under both agreements: who gains, how much, in which period and by which clause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pyoutcome.decimals import from_units, show
from pyoutcome.errors import AgreementError, FormulaError, NumberError, did_you_mean
from pyoutcome.formula.evaluate import start_state
from pyoutcome.terms.stating import KpiValue

if TYPE_CHECKING:
    from pyoutcome.formula.state import State
    from pyoutcome.terms.agreement import Agreement
    from pyoutcome.terms.statement import ProviderStatement, Statement

Values = Mapping[int, Mapping[str, KpiValue]]
"""By period: KPI values by full name; None, and what is left out, is missing."""


@dataclass(frozen=True)
class Payment:
    """What one provider is owed for one period; scaled by 10**18, cut as the escrow cuts it, negative: it owes."""

    period: int
    provider: str
    before: int | None
    """None where the old agreement has no such provider or period, or gives no amount."""
    after: int | None

    @property
    def change(self) -> int | None:
        """What the provider gains and the client loses; None if one agreement refuses the values."""
        if self.before is None or self.after is None:
            return None
        return self.after - self.before

    @property
    def gains(self) -> Literal["provider", "client"] | None:
        """Who is better off; None if nobody is, or nobody can tell."""
        return None if not self.change else "provider" if self.change > 0 else "client"

    def to_dict(self) -> dict[str, object]:
        """For machines: exact decimal texts in the token's units."""
        return {
            "period": self.period,
            "provider": self.provider,
            "before": _text(self.before),
            "after": _text(self.after),
            "change": _text(self.change),
            "gains": self.provider if self.gains == "provider" else self.gains,
        }


@dataclass(frozen=True)
class ClausePayment:
    """What one clause adds to one provider's net amounts over the periods that both agreements settle; scaled."""

    clause: str
    """Its name in the file; ``settlement`` for the limits on the sum of the clauses, cutting included."""
    provider: str
    before: int
    after: int

    @property
    def change(self) -> int:
        """What the provider gains by it."""
        return self.after - self.before

    def to_dict(self) -> dict[str, object]:
        """For machines."""
        return {
            "clause": self.clause,
            "provider": self.provider,
            "before": show(self.before),
            "after": show(self.after),
            "change": show(self.change),
        }


@dataclass(frozen=True)
class Refused:
    """A period to which one agreement gives no amounts."""

    period: int
    side: Literal["before", "after"]
    code: str
    why: str

    def to_dict(self) -> dict[str, object]:
        """For machines."""
        return {"period": self.period, "side": self.side, "code": self.code, "why": self.why}


@dataclass(frozen=True)
class Payments:
    """All payments on the given values."""

    periods: tuple[int, ...]
    payments: tuple[Payment, ...]
    """By period, then provider."""
    clauses: tuple[ClausePayment, ...]
    """Those of the clauses that pay another sum than before."""
    refused: tuple[Refused, ...]
    missing: tuple[str, ...]
    """KPIs of either agreement without any value in any period: what stands in for them counted."""

    def totals(self) -> tuple[Payment, ...]:
        """Per provider the sum over the periods that both agreements settle, as ``period`` 0."""
        settled = [each for each in self.payments if each.change is not None]
        names = dict.fromkeys(each.provider for each in self.payments)
        return tuple(
            Payment(
                0,
                name,
                sum(each.before or 0 for each in settled if each.provider == name),
                sum(each.after or 0 for each in settled if each.provider == name),
            )
            for name in names
        )

    def to_dict(self) -> dict[str, object]:
        """For machines."""
        totals = [each.to_dict() for each in self.totals()]
        return {
            "periods": list(self.periods),
            "payments": [each.to_dict() for each in self.payments],
            "totals": [{key: value for key, value in each.items() if key != "period"} for each in totals],
            "clauses": [each.to_dict() for each in self.clauses],
            "refused": [each.to_dict() for each in self.refused],
            "without_values": list(self.missing),
        }


def compare_payments(
    before: Agreement, after: Agreement, values: Values, first: int = 1, *, anew: bool = False
) -> Payments:
    """Both agreements on the same values.

    ``first``: the period from which the new agreement governs; before it, the old one does. From there a rule that
    looks back goes on from what the old one left, or starts ``anew``. A provider that one agreement does not have gets
    nothing under it.

    Raises AgreementError ``unknown-kpi`` for a value of no KPI of either. What an agreement refuses (a value outside a
    range, a missing one that must not be) is part of the answer.
    """
    _demand_known(before, after, values)
    old, new = _Side(before, "before"), _Side(after, "after")
    numbers = sorted(values)
    longest = max(len(before.periods), len(after.periods))
    for number in sorted({*numbers, *range(1, min(max(numbers, default=0), longest) + 1)}):
        left = old.state
        old.settle(number, values)
        if number == first > 1:
            new.begin(None if anew else left)
        if number >= first:
            new.settle(number, values)
    told = [number for number in numbers if number >= first]
    names = list(dict.fromkeys((*after.providers, *before.providers)))
    payments = tuple(
        Payment(number, name, old.amount(number, name), new.amount(number, name)) for number in told for name in names
    )
    both = [number for number in told if number in old.found and number in new.found]
    refused = [each for each in (*old.refused, *new.refused) if each.period in told]
    given = {name for of_period in values.values() for name, value in of_period.items() if value is not None}
    kpis = dict.fromkeys(kpi.name for each in (after, before) for kpi in each.kpis)
    return Payments(
        tuple(told),
        payments,
        _by_clause(old, new, both, names),
        tuple(sorted(refused, key=lambda each: (each.period, each.side))),
        tuple(name for name in kpis if name not in given),
    )


class _Side:
    """One agreement, settled period by period."""

    def __init__(self, agreement: Agreement, side: Literal["before", "after"]) -> None:
        self.agreement = agreement
        self.side = side
        self.state: State | None = None
        self.found: dict[int, Statement] = {}
        self.refused: list[Refused] = []

    def begin(self, left: State | None) -> None:
        """Go on from what another rule left, or anew."""
        rule = self.agreement.enforced_rule()
        self.state = left if left is not None and rule.carried else start_state(rule, self.agreement.token.decimals)

    def settle(self, number: int, values: Values) -> None:
        """Works the period out, as far as the agreement does not refuse it."""
        known = {kpi.name for kpi in self.agreement.kpis}

        def given(period: int) -> dict[str, KpiValue]:
            return dict.fromkeys(known) | {name: text for name, text in values.get(period, {}).items() if name in known}

        if number not in values and not self.agreement.enforced_rule().sequential:
            return
        try:
            statement = self.agreement.statement(number, given(number), self.state, given(number - 1))
        except (AgreementError, FormulaError, NumberError) as refusal:
            self.refused.append(Refused(number, self.side, refusal.code, refusal.why))
            return
        self.state = statement.state
        self.found[number] = statement

    def amount(self, number: int, provider: str) -> int | None:
        """What a provider is owed; nothing where the agreement does not have it, None where it gives no amounts."""
        statement = self.found.get(number)
        if statement is None:
            return None
        found = _part(statement, provider)
        return 0 if found is None else from_units(found.units, found.unit_decimals)


def _part(statement: Statement, provider: str) -> ProviderStatement | None:
    return next((each for each in statement.providers if each.provider == provider), None)


def _by_clause(old: _Side, new: _Side, periods: Sequence[int], providers: Sequence[str]) -> tuple[ClausePayment, ...]:
    sums: dict[tuple[str, str], list[int]] = {}
    for at, side in enumerate((old, new)):
        for number in periods:
            for provider in providers:
                part = _part(side.found[number], provider)
                for line in part.lines if part else ():
                    sums.setdefault((line.clause, provider), [0, 0])[at] += line.amount
                if part:
                    paid = from_units(part.units, part.unit_decimals)
                    sums.setdefault(("settlement", provider), [0, 0])[at] += paid - part.net
    found = (ClausePayment(*key, *both) for key, both in sums.items())
    return tuple(each for each in found if each.change)


def _demand_known(before: Agreement, after: Agreement, values: Values) -> None:
    known = {kpi.name for each in (before, after) for kpi in each.kpis}
    for name in dict.fromkeys(name for of_period in values.values() for name in of_period):
        if name not in known:
            raise AgreementError(
                "unknown-kpi", f"Neither agreement has a KPI {name!r}.", did_you_mean(name, known), kpi=name
            )


def _text(value: int | None) -> str | None:
    return None if value is None else show(value)
