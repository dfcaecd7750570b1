"""A whole rule in plain English: what each KPI may be, what each term is, and what every item means."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from pyoutcome.decimals import ONE, show_grouped
from pyoutcome.formula import syntax as s
from pyoutcome.formula.rule import KpiShape, Line, Rule
from pyoutcome.formula.words import list_words, to_words

SentenceKind: TypeAlias = Literal["kpi", "opening", "term", "definition", "register", "line", "payee", "calendar"]
_NOTHING_BEFORE: Final = (
    "A period before the first counts as 0, unless a value is said to be another before the first period."
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """What one KPI, term, definition, register, line or payee amount means."""

    kind: SentenceKind
    name: str
    text: str


def rule_to_words(rule: Rule, say: Callable[[str], str] = str) -> tuple[Sentence, ...]:
    """One sentence per KPI, term, definition, register, line and payee amount, and what they take for granted.

    Together they say the whole rule: rules that differ read differently, as long as ``say`` has different words for
    different names (see ``to_words``).
    """
    return tuple(_sentences(rule, say))


def _sentences(rule: Rule, say: Callable[[str], str]) -> Iterator[Sentence]:
    for kpi in rule.kpis:
        yield Sentence("kpi", kpi.full_name, f"{say(kpi.full_name)} is {kpi_words(kpi)}.")
        if kpi.opening is not None:
            said = f"Before the first period, {say(kpi.full_name)} counts as {kpi_value_words(kpi, kpi.opening)}."
            yield Sentence("opening", kpi.full_name, said)
    for name, value in rule.parameters:
        yield Sentence("term", name, f"{say(name)} is {show_grouped(value)}.")
    for each in rule.definitions:
        yield Sentence("definition", each.name, f"{say(each.name)} means {to_words(each.formula, say)}.")
    for register in rule.registers:
        yield Sentence(
            "register",
            register.name,
            f"{say(register.name)} is carried from period to period: before the first period it is "
            f"{to_words(register.start, say)}; at the end of each period it becomes {to_words(register.next, say)}.",
        )
    for line in rule.lines:
        named = f"{line.title} ({say(line.name)})" if line.title else say(line.name)
        amount = to_words(line.formula, say)
        yield Sentence("line", line.name, f"{named} is {amount}{_owed(line, rule)}.")
    for payee in rule.payees:
        text = f"The amount of {payee.name} for the period is {to_words(payee.amount, say)}."
        yield Sentence("payee", payee.name, text)
    if rule.periods_per_year is not None:
        periods = f"{rule.periods_per_year} period{'s' if rule.periods_per_year > 1 else ''}"
        yield Sentence("calendar", "year", f"A contract year has {periods}, the first beginning with period 1.")
    if any(isinstance(node, s.SumLast | s.Lag) for item in rule.order for node in s.walk(item.formula)):
        yield Sentence("opening", "", _NOTHING_BEFORE)


def _owed(line: Line, rule: Rule) -> str:
    who = rule.payees[line.payee].name if line.payee is not None else ""
    if line.sign == 0:
        return f", shown only, of {who}" if who else ", shown only"
    return f", owed {'to' if line.sign > 0 else 'by'} {who}"


def kpi_words(kpi: KpiShape, *, percent: bool = False) -> str:
    """What a KPI may be: ``a number from 0 to 1,000 with 2 decimals``."""
    if kpi.type == "choice":
        return f"one of {list_words(kpi.labels, 'or')}"
    if kpi.type == "yes_no":
        return "yes or no"
    low, high = (show_grouped(end, percent=percent) for end in (kpi.low, kpi.high))
    if percent:
        return f"a share from {low} to {high} in steps of {show_grouped(kpi.multiple, percent=True)}"
    if kpi.decimals == 0:
        return f"a whole number from {low} to {high}"
    return f"a number from {low} to {high} with {kpi.decimals} decimal{'' if kpi.decimals == 1 else 's'}"


def kpi_value_words(kpi: KpiShape, value: int, *, percent: bool = False) -> str:
    """A value of a KPI for people."""
    if kpi.type == "choice":
        return kpi.labels[value // ONE - 1]
    return ("yes" if value else "no") if kpi.type == "yes_no" else show_grouped(value, percent=percent)
