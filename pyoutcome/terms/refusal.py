"""Why an agreement that could fail is refused: which formula, and KPI values with which it does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pyoutcome.errors import FormulaError
from pyoutcome.formula import to_text
from pyoutcome.formula.rule import Item, Rule
from pyoutcome.formula.witness import Witness, find_witness
from pyoutcome.terms.kpis import AgreementKpi
from pyoutcome.terms.problems import Path, place
from pyoutcome.terms.tree import Tree

_LONGEST_FORMULA: Final = 160
_LONGEST_HISTORY: Final = 36
"""Periods that are tried with a rule that looks back."""


def explain_refusal(
    problem: FormulaError, rule: Rule, kpis: Sequence[AgreementKpi], periods: int, tree: Tree
) -> FormulaError:
    """The refusal with the formula, its place and, where some were found, the KPI values that make it fail.

    Its details then hold the ``formula`` and, by period, the KPI values as ``values``.
    """
    name = str(problem.details.get("item", ""))
    found = find_witness(rule, min(periods, _LONGEST_HISTORY))
    items = {item.name: item for item in rule.order}
    item = items.get(found.item if found is not None else name, items.get(name))
    if item is None:
        return problem
    formula = to_text(item.formula)
    shown = formula if len(formula) <= _LONGEST_FORMULA else f"{formula[:_LONGEST_FORMULA]}..."
    problem.details |= {"item": item.name, "formula": formula}
    problem.why = f"{problem.why} It is {item.name} = {shown}; {_example(problem, found, kpis)}"
    problem.args = (problem.why,)
    place(problem, tree, _path(item, tree))
    return problem


def _example(problem: FormulaError, found: Witness | None, kpis: Sequence[AgreementKpi]) -> str:
    if found is None:
        return "no KPI values that do it were found, but they cannot be ruled out."
    values = [{kpi.name: kpi.show(value) for kpi, value in zip(kpis, each, strict=True)} for each in found.periods]
    problem.details["values"] = tuple(values)
    last = ", ".join(f"{name} = {value}" for name, value in values[-1].items())
    if len(values) == 1:
        return f"it fails with {last}." if last else "it fails in period 1."
    return f"it fails in period {len(values)} with {last}, after other values before."


def _path(item: Item, tree: Tree) -> Path:
    """Where the file says what an item is; the root if it does not say."""
    root = item.name.removeprefix("start of ").partition(".")[0]
    for section in ("clauses", "define", "state"):
        for end in (("is",), ("next",), ()):
            if tree.find((section, root, *end)) is not None:
                return (section, root, *end)
    return ("settlement",)
