"""Relations between KPIs without which a report is refused: ``require`` of the agreement file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pyoutcome.decimals import show
from pyoutcome.errors import AgreementError
from pyoutcome.formula.evaluate import evaluate
from pyoutcome.formula.printer import to_text
from pyoutcome.formula.rule import Definition, Payee, Rule
from pyoutcome.formula.syntax import Node, names
from pyoutcome.formula.typecheck import refuse_type
from pyoutcome.terms.form import ZERO


@dataclass(frozen=True)
class Requirement:
    """One relation, for one provider where it reads what every provider has."""

    position: int
    """Among those of the file."""
    provider: str | None
    formula: Node
    """Under full names."""

    @property
    def item(self) -> str:
        """What the checking rule calls it."""
        return f"requirement{self.position}" + (f".{self.provider}" if self.provider else "")


def make_checking(rule: Rule, requirements: Sequence[Requirement]) -> Rule:
    """A rule that works out the requirements and the definitions they need, and nothing else.

    Raises AgreementError ``requirement-looks-back`` for what no report says; FormulaError ``wrong-type``.
    """
    given = {definition.name: definition for definition in rule.definitions}
    beyond = {line.name for line in rule.lines} | {each.name for each in rule.registers} | set(rule.readings)
    needed: dict[str, Definition] = {}
    for requirement in requirements:
        waiting = [requirement.formula]
        while waiting:
            for name in names(waiting.pop()):
                if name in beyond:
                    raise AgreementError(
                        "requirement-looks-back",
                        f"The requirement reads {name!r}, which is no fact of this period's report.",
                        "Use KPIs, terms, and definitions made of them.",
                        item=requirement.item,
                    )
                if name in given and name not in needed:
                    needed[name] = given[name]
                    waiting.append(given[name].formula)
    own = tuple(Definition(each.item, each.formula) for each in requirements)
    definitions = (*own, *needed.values())
    checking = replace(rule, definitions=definitions, lines=(), registers=(), payees=(Payee("nobody", ZERO),))
    for item in checking.order:
        if item.kind == "definition" and item.index < len(own) and checking.types[item.name] != "yes_no":
            refuse_type(item, item.formula, "a yes/no", checking.types[item.name])
    return checking


def refuse_broken(checking: Rule, requirements: Sequence[Requirement], values: Sequence[int], period: int) -> None:
    """AgreementError ``requirement-broken`` for KPI values, in program order, between which a relation fails."""
    if not requirements:
        return
    outcome = evaluate(checking, values, period=period)
    told = {kpi.full_name: value for kpi, value in zip(checking.kpis, values, strict=True)}
    for requirement, holds in zip(requirements, outcome.definitions, strict=False):
        if not holds:
            mentioned = dict.fromkeys(names(requirement.formula))
            read = [f"{name} = {show(told[name])}" for name in mentioned if name in told]
            raise AgreementError(
                "requirement-broken",
                f"The agreement requires '{to_text(requirement.formula)}', which does not hold"
                + (f" with {', '.join(read)}." if read else "."),
                "Correct the values; a report like this is not signed.",
                requirement=requirement.position,
            )
