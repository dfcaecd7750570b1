"""Working out a statement: the evaluator's steps in the words of the agreement. No amount is computed here."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal

from pyoutcome.decimals import from_units, show, show_grouped, to_units_trunc
from pyoutcome.errors import AgreementError, did_you_mean
from pyoutcome.formula.evaluate import Step, evaluate, start_state
from pyoutcome.formula.state import State
from pyoutcome.terms.calendar import Period
from pyoutcome.terms.kpis import AgreementKpi
from pyoutcome.terms.lowering import Lowered
from pyoutcome.terms.requirements import refuse_broken
from pyoutcome.terms.statement import Input, ProviderStatement, Reason, StatedKpi, StatedLine, StatedValue, Statement

if TYPE_CHECKING:
    from pyoutcome.terms.file import AgreementFile

KpiValue = int | Decimal | str | bool | None
"""A KPI value: scaled integer, exact decimal, text, yes/no; None is missing."""
_PAYS: Final[dict[int, Literal["provider", "client", "nobody"]]] = {1: "provider", -1: "client", 0: "nobody"}


def read_values(
    kpis: tuple[AgreementKpi, ...], values: Mapping[str, KpiValue], before: Mapping[str, KpiValue] | None = None
) -> tuple[int, ...]:
    """The values in program order, with what stands in for missing ones; ``before`` holds those of the period before.

    Raises AgreementError ``unknown-kpi``, ``missing-kpi-value``, ``bad-kpi-value``; NumberError.
    """
    known = [kpi.name for kpi in kpis]
    for name in values:
        if name not in known:
            raise AgreementError(
                "unknown-kpi", f"The agreement has no KPI {name!r}.", did_you_mean(str(name), known), kpi=name
            )
    found: list[int] = []
    for kpi in kpis:
        if kpi.name not in values:
            raise AgreementError(
                "missing-kpi-value",
                f"No value is given for {kpi.name}.",
                "Give every KPI a value, or say that it is missing.",
                kpi=kpi.name,
            )
        value = values[kpi.name]
        found.append(_missing(kpi, before or {}) if value is None else kpi.read(value))
    return tuple(found)


def _missing(kpi: AgreementKpi, before: Mapping[str, KpiValue]) -> int:
    """What stands in for a missing value."""
    if kpi.declared.if_missing == "refuse":
        raise AgreementError(
            "missing-kpi-value",
            f"The agreement refuses reports without a value of {kpi.name}.",
            "Give it a value.",
            kpi=kpi.name,
        )
    last = before.get(kpi.name) if kpi.declared.if_missing == "last" else None
    return kpi.if_missing if last is None else kpi.read(last)


def make_statement(
    file: AgreementFile,
    lowered: Lowered,
    digest: bytes,
    period: Period,
    values: Mapping[str, KpiValue],
    state: State | None = None,
    before: Mapping[str, KpiValue] | None = None,
) -> Statement:
    """The statement of one period; errors as ``read_values``, ``refuse_broken`` and ``formula.evaluate``."""
    enforced = lowered.enforced
    if state is None and period.number == 1:
        state = start_state(enforced.rule, file.token.decimals)
    numbers = read_values(lowered.kpis, values, before if state is None else enforced.last_values(state))
    refuse_broken(lowered.checking, lowered.requirements, numbers, period.number)
    if state is None and enforced.kept and not lowered.rule.sequential:
        last = {kpi.name: _missing(kpi, before or {}) for kpi in lowered.kpis if kpi.takes_last}
        state = enforced.begin_at(start_state(enforced.rule, file.token.decimals), last, period.number)
    given = enforced.given(lowered.kpis, numbers, [values[kpi.name] is None for kpi in lowered.kpis])
    outcome = evaluate(
        enforced.rule, given, period=period.number, state=state, explain=True, percents=_percents(lowered)
    )
    nets = [0] * len(lowered.rule.payees)
    for line, amount in zip(enforced.rule.lines, outcome.lines, strict=True):
        if line.payee is not None:
            nets[line.payee] += line.sign * amount
    writer = _Writer(lowered, {step.name: step for step in outcome.steps})
    lines = [writer.line(at, value) for at, value in enumerate(outcome.lines)]
    providers = tuple(
        writer.provider(
            at,
            (provider, party.name),
            tuple(line for line, origin in zip(lines, lowered.origins, strict=True) if origin.provider == provider),
            (nets[at], outcome.amounts[at], file.token.decimals),
        )
        for at, (provider, party) in enumerate(file.parties.providers.items())
    )
    return Statement(
        file.agreement,
        file.title or file.agreement,
        digest,
        period,
        file.token.symbol,
        tuple(
            StatedKpi(kpi.name, kpi.title, kpi.provider, number, kpi.show(number), values[kpi.name] is None)
            for kpi, number in zip(lowered.kpis, numbers, strict=True)
        ),
        tuple(
            writer.value(step)
            for step in outcome.steps
            if step.kind in ("definition", "register") and step.name not in enforced.unsaid
        ),
        tuple(line for line, origin in zip(lines, lowered.origins, strict=True) if origin.provider is None),
        providers,
        outcome.state,
    )


class _Writer:
    def __init__(self, lowered: Lowered, steps: Mapping[str, Step]) -> None:
        self.lowered = lowered
        self.steps = steps
        self.kpis = {kpi.name: kpi for kpi in lowered.kpis}

    def shown(self, name: str, value: int) -> str:
        """A value as its type shows it."""
        if name in self.kpis:
            return self.kpis[name].show(value)
        if self.lowered.enforced.rule.types.get(name) == "yes_no":
            return "yes" if value else "no"
        return show(value)

    def line(self, at: int, value: int) -> StatedLine:
        line, origin = self.lowered.rule.lines[at], self.lowered.origins[at]
        step = self.steps[line.name]
        return StatedLine(
            line.name,
            origin.clause,
            line.title,
            _PAYS[line.sign],
            value,
            line.sign * value,
            step.formula,
            tuple(Input(name, self.shown(name, read)) for name, read in step.inputs),
            _sentence(step),
            _reasons(step),
        )

    def value(self, step: Step) -> StatedValue:
        return StatedValue(step.name, self.shown(step.name, step.value), step.formula, _sentence(step), _reasons(step))

    def provider(
        self, at: int, who: tuple[str, str], lines: tuple[StatedLine, ...], figures: tuple[int, int, int]
    ) -> ProviderStatement:
        net, amount, decimals = figures
        payee = self.lowered.rule.payees[at]
        step = self.steps[f"amount of {payee.name}"]
        units = to_units_trunc(amount, decimals)
        said = _change(step, net, amount, units, decimals)
        return ProviderStatement(*who, lines, net, amount, units, decimals, step.formula, said, _reasons(step))


def _percents(lowered: Lowered) -> frozenset[str]:
    """Names whose values people read as percents."""
    return frozenset(kpi.name for kpi in lowered.kpis if kpi.declared.shown_as == "percent")


def _sentence(step: Step) -> str:
    """Why a figure is what it is: what decided it, and how it follows from that."""
    said = [note.said for note in step.notes]
    return " ".join([*said, step.closing] if step.closing else said)


def _reasons(step: Step) -> tuple[Reason, ...]:
    return tuple(Reason(note.kind, note.formula, note.said, note.before, note.after) for note in step.notes)


def _change(step: Step, net: int, amount: int, units: int, decimals: int) -> str:
    """How the amount comes from the net amount: each limit of the settlement, and what was cut at the end."""
    if not step.notes and amount == net:
        said = f"The settlement leaves the net amount {show_grouped(net)} as it is."
    else:
        said = _sentence(step)
    paid = from_units(units, decimals)
    if paid != amount:
        said += f" Cut toward zero to {decimals} decimals: {show_grouped(amount)} becomes {show_grouped(paid)}."
    return said
