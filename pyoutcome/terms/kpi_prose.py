"""Records and KPIs in plain English: what is counted, and what a value may be."""

from __future__ import annotations

from typing import Final

from pyoutcome.decimals import Rounding
from pyoutcome.formula.rule_words import kpi_value_words, kpi_words
from pyoutcome.terms.file import AgreementFile
from pyoutcome.terms.kpis import Kpi
from pyoutcome.terms.measures import EVERYTHING, Count, Ratio, RecordSource
from pyoutcome.terms.naming import Naming, quoted

_ROUNDED: Final = {
    Rounding.DOWN: "toward zero",
    Rounding.UP: "away from zero",
    Rounding.HALF_UP: "to the nearest, ties away from zero",
    Rounding.HALF_EVEN: "to the nearest, ties to the even digit",
    Rounding.FLOOR: "downward",
    Rounding.CEIL: "upward",
}


def say_kpi(name: str, kpi: Kpi, file: AgreementFile, naming: Naming) -> str:
    """One KPI: whose it is, its values, how it is counted, and what stands in for a missing one."""
    shape = kpi.shape(name, None)
    percent = kpi.shown_as == "percent"

    def value(scaled: int) -> str:
        return kpi_value_words(shape, scaled, percent=percent)

    whose = "for each provider" if kpi.per == "provider" else "for the whole agreement"
    said = f"{naming.say(name)} ({quoted(kpi.unit)}), {whose}: {kpi_words(shape, percent=percent)}"
    if kpi.except_:
        said += f", but not {' or '.join(map(value, kpi.excluded(name)))}"
    sentences = [f"{said}."]
    if kpi.better:
        sentences.append(f"{kpi.better.capitalize()} is better.")
    if kpi.supplied_by is not None:
        sentences.append(f"Its evidence is supplied by {kpi.supplied_by}.")
    sentences.append(measure_words(kpi, file))
    sentences.append(_missing_words(kpi, value(kpi.value_of_missing(name)), deployed=file.escrow is not None))
    if kpi.silence_may_pay:
        sentences.append(
            "The parties accept that a provider may get more when it is missing than it would get with its worst value."
        )
    if shape.opening is not None:
        sentences.append(f"Before the first period it counts as {value(shape.opening)}.")
    return " ".join(sentences)


def source_words(name: str, source: RecordSource) -> str:
    """The file that a KPI is counted from."""
    columns = []
    for column, form in source.columns.items():
        digits = f" of {form.digits} digits, {form.scale} behind the point" if form.type == "decimal" else ""
        columns.append(f"{column} ({form.type}{digits})")
    words = "".join(f" or {quoted(word)}" for word in sorted(source.null_words))
    return (
        f"{name}: a {source.format.upper()} file. One row is one record. Columns: {', '.join(columns)}. "
        f"A value is missing if it is an empty field{words}. Records are told apart by {', '.join(source.key)}; a "
        "second record with the same key is refused."
    )


def measure_words(kpi: Kpi, file: AgreementFile) -> str:
    """How a KPI is counted: what one thing is, which time puts it into a period, what is left out, the rounding."""
    measure = kpi.measure
    if measure is None:
        return "The records do not say how it is counted; the verifiers report it."
    wall = file.records[measure.records].columns[measure.anchor].type == "wall"
    clock = f"read as local time in {file.term.zone}" if wall else "an exact time"
    base = f"the records of {measure.records} whose {measure.anchor} ({clock}) lies in the period"
    if measure.provider is not None:
        base += f", whose {measure.provider} is the provider's id"
    if measure.where is not None:
        base += f" and for which {_code(measure.where)} holds"
    match measure:
        case Count():
            return f"It is the number of {base}."
        case Ratio():
            below = "all of them"
            if measure.denominator != EVERYTHING:
                below = f"those for which {_code(measure.denominator)} holds"
            decimals = f"{kpi.decimals} decimal{'' if kpi.decimals == 1 else 's'}"
            return (
                f"Of {base}: the number for which {_code(measure.numerator)} holds, divided by the number of {below}, "
                f"rounded to {decimals} {_ROUNDED[measure.rounding]}. A condition on a missing value does not hold, "
                "unless it asks whether the value is missing. With nothing to divide by, the value is missing."
            )


def _missing_words(kpi: Kpi, value: str, *, deployed: bool) -> str:
    if kpi.stands_in:
        return f"If it is missing, {value} stands in."
    if kpi.if_missing == "last":
        return f"If it is missing, the value of the period before stands in; in a period without evidence {value}."
    settled = f"; in a period without evidence {value} stands in" if deployed else ""
    return f"A report without it is refused{settled}."


def _code(condition: str) -> str:
    """A condition on records as the file writes it, set apart from the words around it."""
    return f"`{condition.replace('`', '``')}`"
