"""KPIs in plain English: whose they are, what a value may be, how it is counted, what stands in for it."""

from __future__ import annotations

from pyoutcome.formula.rule_words import kpi_value_words, kpi_words
from pyoutcome.formula.words import list_words
from pyoutcome.terms.file import AgreementFile
from pyoutcome.terms.kpis import Kpi
from pyoutcome.terms.measure_prose import measure_words
from pyoutcome.terms.naming import Naming, quoted


def say_kpi(name: str, kpi: Kpi, file: AgreementFile, naming: Naming) -> tuple[str, ...]:
    """One KPI: its values and whose it is; how it is counted, in a part or more; what stands in for a missing one."""
    shape = kpi.shape(name, None)
    percent = kpi.shown_as == "percent"

    def value(scaled: int) -> str:
        return kpi_value_words(shape, scaled, percent=percent)

    said = f"{naming.say(name)} ({quoted(kpi.unit)}) is {kpi_words(shape, percent=percent)}"
    if kpi.except_:
        said += f", but not {list_words(map(value, kpi.excluded(name)), 'or')}"
    whose = "each provider" if kpi.per == "provider" else "the whole agreement"
    whole = [f"{said}. There is one value for {whose}."]
    if kpi.better:
        whole.append(f"{kpi.better.capitalize()} is better.")
    if kpi.supplied_by is not None:
        supplier = "The client" if kpi.supplied_by == "client" else kpi.supplied_by
        whole.append(f"{supplier} supplies the evidence for it.")
    lacking = []
    if kpi.outside == "clamp":
        lacking.append("A measured value outside the KPI's range counts as the nearer of its ends.")
    elif kpi.outside == "missing":
        lacking.append("A measured value outside the KPI's range counts as missing.")
    lacking.append(_missing_words(kpi, value(kpi.value_of_missing(name)), deployed=file.escrow is not None))
    if kpi.silence_may_pay:
        lacking.append(
            "The parties accept that a provider may get more when the value is missing than it would get with its "
            "worst value."
        )
    if shape.opening is not None:
        lacking.append(f"Before the first period the value counts as {value(shape.opening)}.")
    return " ".join(whole), *measure_words(kpi, file), " ".join(lacking)


def _missing_words(kpi: Kpi, value: str, *, deployed: bool) -> str:
    if kpi.stands_in:
        return f"If the value is missing, {value} stands in for it."
    if kpi.if_missing == "last":
        where = ", also in a period without evidence" if deployed else ""
        return (
            f"If the value is missing{where}, that of the period before stands in for it; in the first period it is "
            f"{value}."
        )
    settled = f"; in a period without evidence {value} stands in for it" if deployed else ""
    return f"A report without a value is refused{settled}."
