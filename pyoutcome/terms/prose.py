"""The whole deal in plain English. Formulas speak through ``formula.words``; no rule is written twice."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from pyoutcome.decimals import Rounding, show, show_units
from pyoutcome.formula.syntax import Node
from pyoutcome.formula.words import to_words
from pyoutcome.terms.calendar import zones_version
from pyoutcome.terms.clause_prose import ClauseWriter
from pyoutcome.terms.file import AgreementFile
from pyoutcome.terms.kpis import Kpi, show_value
from pyoutcome.terms.measures import EVERYTHING, Count, Ratio, RecordSource
from pyoutcome.terms.naming import Naming
from pyoutcome.terms.scalars import SECONDS

if TYPE_CHECKING:
    from pyoutcome.terms.agreement import Agreement

_ROUNDED: Final = {
    Rounding.DOWN: "toward zero",
    Rounding.UP: "away from zero",
    Rounding.HALF_UP: "to the nearest, ties away from zero",
    Rounding.HALF_EVEN: "to the nearest, ties to the even digit",
    Rounding.FLOOR: "downward",
    Rounding.CEIL: "upward",
}


def write_words(agreement: Agreement) -> str:
    """The agreement as numbered sections of plain text."""
    writer = _Writer(agreement)
    sections = (
        ("Parties", writer.parties()),
        ("Term", writer.term()),
        ("Money", writer.money()),
        ("Records", [_source_words(name, source) for name, source in agreement.records.items()]),
        ("KPIs", writer.kpis()),
        ("Requirements", writer.requirements()),
        (
            "Fixed terms",
            [f'"{writer.naming.title(name)}" is {show(value)}.' for name, value in agreement.file.terms.items()],
        ),
        ("Definitions", writer.definitions()),
        ("Carried state", writer.state()),
        ("Clauses", writer.clauses.say_all()),
        ("Settlement of a period", writer.settlement()),
        ("Evidence, default and escrow", writer.escrow()),
        ("Order of precedence", writer.precedence()),
    )
    text = [agreement.title, "=" * len(agreement.title)]
    number = 0
    for heading, lines in sections:
        if lines:
            number += 1
            text += ["", f"{number}. {heading}", ""]
            text += [line if line.startswith("  ") else f"- {line}" for line in lines]
    return "\n".join(text) + "\n"


def show_instant(seconds: int) -> str:
    """Unix seconds as UTC text."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def show_duration(seconds: int) -> str:
    """A length of time in the largest unit that fits it."""
    unit = next(name for name, size in sorted(SECONDS.items(), key=lambda item: -item[1]) if seconds % size == 0)
    if unit == "week":
        unit = "day"
    count = seconds // SECONDS[unit]
    return f"{count} {unit}" + ("" if count == 1 else "s")


def _percent(share: int) -> str:
    return f"{show(share * 100)}%"


def _source_words(name: str, source: RecordSource) -> str:
    columns = []
    for column, form in source.columns.items():
        digits = f" of {form.digits} digits, {form.scale} behind the point" if form.type == "decimal" else ""
        columns.append(f"{column} ({form.type}{digits})")
    missing = f"an empty field or {', '.join(source.null_words)}" if source.null_words else "an empty field"
    return (
        f"{name}: a {source.format.upper()} file. One row is one record. Columns: {', '.join(columns)}. "
        f"A value is missing if it is {missing}. Records are told apart by {', '.join(source.key)}; a second record "
        "with the same key is refused."
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
        base += f" and for which `{measure.where}` holds"
    match measure:
        case Count():
            return f"It is the number of {base}."
        case Ratio():
            below = (
                "all of them" if measure.denominator == EVERYTHING else f"those for which `{measure.denominator}` holds"
            )
            return (
                f"Of {base}: the number for which `{measure.numerator}` holds, divided by the number of {below}, "
                f"rounded to {kpi.decimals} decimals {_ROUNDED[measure.rounding]}. A condition on a missing value does "
                "not hold, unless it asks whether the value is missing. With nothing to divide by, the value is "
                "missing."
            )


def _missing_words(kpi: Kpi, value: str, *, deployed: bool) -> str:
    if kpi.stands_in:
        return f"If it is missing, {value} stands in."
    if kpi.if_missing == "last":
        return f"If it is missing, the value of the period before stands in; in a period without evidence {value}."
    settled = f"; in a period without evidence {value} stands in" if deployed else ""
    return f"A report without it is refused{settled}."


class _Writer:
    def __init__(self, agreement: Agreement) -> None:
        self.agreement = agreement
        self.file = agreement.file
        self.naming = Naming(agreement.file)
        self.clauses = ClauseWriter(agreement.file, self.naming)

    def words(self, node: Node) -> str:
        """A formula in words, with the titles of what it names."""
        return to_words(node, self.naming.say)

    def parties(self) -> list[str]:
        parties = self.file.parties
        lines = [f"Client (client): {parties.client.name}."]
        lines += [f"Provider ({party}): {one.name}." for party, one in parties.providers.items()]
        if not self.agreement.deployable:
            return [*lines, "This is a rule by itself: it says what is owed, not who verifies and holds the money."]
        lines += [f"Verifier ({party}): {one.name}." for party, one in parties.verifiers.items()]
        lines.append(f"A report stands when {parties.quorum} of {len(parties.verifiers)} verifiers have signed it.")
        lines.append(f"Arbitrator (arbitrator): {parties.arbitrator.name}.")
        return lines

    def term(self) -> list[str]:
        periods = self.agreement.periods
        said = (
            f"The agreement has {len(periods)} {'period' if len(periods) == 1 else 'periods'}. A period includes its "
            f"start and excludes its end. Days start at midnight in {self.file.term.zone}; the times below were "
            f"computed with version {zones_version()} of the IANA time zone database and are what counts."
        )
        times = (
            f"  Period {period.number}: from {show_instant(period.start)} to {show_instant(period.end)}."
            for period in periods
        )
        return [said, *times]

    def money(self) -> list[str]:
        token = self.file.token
        smallest = show_units(1, token.decimals)
        said = (
            f"Amounts are in {token.name} ({token.symbol}), which has {token.decimals} decimals. At the very end of a "
            f"calculation an amount is cut toward zero to a multiple of {smallest} {token.symbol}."
        )
        return [said]

    def kpis(self) -> list[str]:
        lines: list[str] = []
        for name, kpi in self.file.kpis.items():
            shape = kpi.shape(name, None)
            percent = kpi.shown_as == "percent"
            missing = show_value(shape, kpi.value_of_missing(name), percent=percent)
            whose = "for each provider" if kpi.per == "provider" else "for the whole agreement"
            if shape.type == "choice":
                values = f"one of {', '.join(shape.labels)}"
            elif shape.type == "yes_no":
                values = "yes or no"
            else:
                low, high = (show_value(shape, end, percent=percent) for end in (shape.low, shape.high))
                values = f"a number from {low} to {high} with {kpi.decimals} decimals"
            better = f" {kpi.better.capitalize()} is better." if kpi.better else ""
            if kpi.except_:
                values += f", but not {' or '.join(kpi.except_)}"
            counted = measure_words(kpi, self.file)
            opening = "" if shape.opening is None else f" Before the first period it counts as {kpi.opening}."
            lines.append(
                f"{self.naming.say(name)} ({kpi.unit}), {whose}: {values}.{better} {counted} "
                f"{_missing_words(kpi, missing, deployed=self.agreement.deployable)}{opening}"
            )
        return lines

    def definitions(self) -> list[str]:
        return [
            f"{self.naming.say(name)} means {self.words(formula)}. It is not paid by itself."
            for name, formula in self.file.define.items()
        ]

    def requirements(self) -> list[str]:
        return [f"A report is signed only if {self.words(formula)}." for formula in self.file.require]

    def state(self) -> list[str]:
        return [
            f"{self.naming.say(name)} is carried from period to period and not paid by itself: it starts as "
            f"{self.words(state.start)}, and after each period it is {self.words(state.next)}."
            for name, state in self.file.state.items()
        ]

    def settlement(self) -> list[str]:
        net = (
            "A provider's net amount of a period is what the clauses owe it less what they let it owe. A positive "
            "amount is owed by the client, a negative one by the provider."
        )
        lines = [net]
        if self.file.settlement:
            lines.append(
                "The net amount of each provider is then changed, in this order: "
                f"{self.clauses.adjustments('settlement', self.file.settlement)}"
            )
        for each in self.agreement.bounds().providers:
            least, most = (show_units(units, self.file.token.decimals) for units in (each.least, each.most))
            lines.append(f"It follows that {each.provider} can be owed from {least} to {most} in a period.")
        return lines

    def escrow(self) -> list[str]:
        escrow = self.file.escrow
        if escrow is None:
            return []
        terms = self.agreement.escrow
        due = (
            f"Evidence must arrive within {show_duration(escrow.evidence_within)} after a period's end. Then anyone "
            "may propose the default, in which every KPI has the value that stands in for a missing one."
        )
        replaced = (
            f"For {show_duration(escrow.default_window)} a report still replaces a proposed default; afterwards anyone "
            "may settle it."
        )
        lines = [due, replaced]
        if escrow.holdback is not None:
            lines.append(
                f"{_percent(escrow.holdback.share)} of every credit is held back and released "
                f"{show_duration(escrow.holdback.release)} after the last period's end."
            )
        proven = " (the most that one period can cost)" if escrow.reserve == "proven" else ""
        cover = f"{show_units(terms.reserve, self.file.token.decimals)} {self.file.token.symbol}{proven}"
        lines.append(f"For every period that has started and is not settled, {cover} must lie ready in the escrow.")
        return lines

    def precedence(self) -> list[str]:
        order = (
            "If they differ, the agreement file with this digest stands before the program worked out from it, and "
            "both stand before this text, which is written from the same file."
        )
        return [f"The agreement has the digest 0x{self.agreement.digest().hex()}.", order]
