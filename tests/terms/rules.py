"""Rule files: agreements without parties, term, token and escrow, to show what a clause does."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from pyoutcome.decimals import ONE
from pyoutcome.formula import to_text
from pyoutcome.formula.syntax import names
from pyoutcome.terms import Agreement, Statement
from pyoutcome.terms.form import substitute
from pyoutcome.terms.stating import KpiValue
from tests.terms.deals import section

KPIS = """\
x: {decimals: 6, range: [-1_000_000, 1_000_000]}
y: {decimals: 6, range: [-1_000_000, 1_000_000]}
"""


def rule_file(clauses: str, kpis: str = KPIS, *, top: str = "", **sections: str) -> str:
    """The text of a rule file around some clauses; ``top`` holds whole lines, other keywords sections."""
    parts = ["agreement: rule\n", top, section("kpis", kpis)]
    parts += [section(name, body) for name, body in sections.items()]
    return "".join([*parts, section("clauses", clauses)])


def rule_of(clauses: str, kpis: str = KPIS, *, top: str = "", periods: int = 12, **sections: str) -> Agreement:
    """The agreement of a rule file with some periods."""
    return Agreement.parse(
        rule_file(clauses, kpis, top=f"{top}term: {{periods: {periods}}}\n", **sections), "rule.yaml"
    )


def formula_of(agreement: Agreement, name: str = "line") -> str:
    """The formula of a line or carried value, with all named parts put in."""
    rule = agreement.rule()
    known = {each.name: each.formula for each in rule.definitions}
    formulas = {line.name: line.formula for line in rule.lines} | {each.name: each.next for each in rule.registers}
    formula = formulas[name]
    while set(known) & set(names(formula)):
        formula = substitute(formula, known)
    return to_text(formula)


def settle(agreement: Agreement, *periods: Mapping[str, str]) -> tuple[Statement, ...]:
    """The statements of successive periods; KPIs that are not named are 0 or missing."""
    told: list[dict[str, KpiValue]] = []
    for period in periods:
        values: dict[str, KpiValue] = {
            kpi.name: None if kpi.may_be_missing or kpi.declared.if_missing == "last" else "0" for kpi in agreement.kpis
        }
        values.update(period)
        told.append(values)
    return agreement.statements(told)


def paid(agreement: Agreement, *periods: Mapping[str, str]) -> list[Fraction]:
    """The amount of the only provider in each period, exactly."""
    return [Fraction(each.providers[0].amount, ONE) for each in settle(agreement, *periods)]


def values_of(statement: Statement) -> dict[str, str]:
    """The named values of a statement, as shown."""
    return {each.name: each.shown for each in statement.values}
