"""KPIs in plain English: whose they are, what a value may be, how it is counted, what stands in for it."""

from __future__ import annotations

from pyoutcome.formula.rule_words import kpi_value_words, kpi_words
from pyoutcome.terms.file import AgreementFile
from pyoutcome.terms.kpis import Kpi
from pyoutcome.terms.measure_prose import measure_words
from pyoutcome.terms.naming import Naming, quoted


def say_kpi(name: str, kpi: Kpi, file: AgreementFile, naming: Naming) -> tuple[str, ...]:
    """One KPI: whose it is and its values; how it is counted; what stands in for a missing one."""
    shape = kpi.shape(name, None)
    percent = kpi.shown_as == "percent"

    def value(scaled: int) -> str:
        return kpi_value_words(shape, scaled, percent=percent)

    whose = "for each provider" if kpi.per == "provider" else "for the whole agreement"
    said = f"{naming.say(name)} ({quoted(kpi.unit)}), {whose}: {kpi_words(shape, percent=percent)}"
    if kpi.except_:
        said += f", but not {' or '.join(map(value, kpi.excluded(name)))}"
    whole = [f"{said}."]
    if kpi.better:
        whole.append(f"{kpi.better.capitalize()} is better.")
    if kpi.supplied_by is not None:
        whole.append(f"Its evidence is supplied by {kpi.supplied_by}.")
    lacking = []
    if kpi.outside == "clamp":
        lacking.append("A measured value outside this range counts as the nearer of its ends.")
    elif kpi.outside == "missing":
        lacking.append("A measured value outside this range counts as missing.")
    lacking.append(_missing_words(kpi, value(kpi.value_of_missing(name)), deployed=file.escrow is not None))
    if kpi.silence_may_pay:
        lacking.append(
            "The parties accept that a provider may get more when it is missing than it would get with its worst value."
        )
    if shape.opening is not None:
        lacking.append(f"Before the first period it counts as {value(shape.opening)}.")
    return " ".join(whole), measure_words(kpi, file), " ".join(lacking)


def _missing_words(kpi: Kpi, value: str, *, deployed: bool) -> str:
    if kpi.stands_in:
        return f"If it is missing, {value} stands in."
    if kpi.if_missing == "last":
        where = ", also in a period without evidence" if deployed else ""
        return f"If it is missing{where}, the value of the period before stands in; in the first period {value}."
    settled = f"; in a period without evidence {value} stands in" if deployed else ""
    return f"A report without it is refused{settled}."
