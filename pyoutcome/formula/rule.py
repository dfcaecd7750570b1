"""The rule: what an agreement's clauses lower to, and what every reader of amounts starts from.

A rule is data only. Building one checks it whole (``check.py``), so a Rule that exists can be evaluated and encoded.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

from pyoutcome.formula.carried import Carried, find_carried
from pyoutcome.formula.check import check_histories, check_parts, find_types
from pyoutcome.formula.order import evaluation_order
from pyoutcome.formula.parts import Parts
from pyoutcome.formula.shapes import Definition, Item, ItemKind, KpiShape, KpiType, Line, Payee, Register
from pyoutcome.formula.syntax import Formula, Minus, Name, Neg, Node, Number, Plus, Product, names, walk

__all__ = [
    "Definition",
    "Item",
    "ItemKind",
    "KpiShape",
    "KpiType",
    "Line",
    "Payee",
    "Register",
    "Rule",
    "net_of",
    "sums_of_quotients",
    "unused",
]


@dataclass(frozen=True)
class Rule(Parts):
    """A whole payment rule.

    Raises FormulaError on building: ``rule-name`` (impossible or repeated), ``rule-kpi``, ``rule-line``, ``rule-size``,
    ``unknown-name``, ``wrong-type``, ``cycle``, ``row-never-wins``, ``table-order``, ``pick-labels``,
    ``formula-too-deep``, ``register-start``, ``no-opening``, ``no-calendar``, ``no-history``, ``history-too-long``,
    ``payee-needed``.
    """

    types: dict[str, KpiType] = field(init=False, repr=False, compare=False)
    """The type of every name a formula may use."""

    def __post_init__(self) -> None:
        check_parts(self)
        types = find_types(self, self.order)
        check_histories(self.order, types, self.carried)
        object.__setattr__(self, "types", types)

    def __getstate__(self) -> dict[str, object]:
        """What copying and pickling take along: not the functions made of it."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @cached_property
    def order(self) -> tuple[Item, ...]:
        """Every item in the one order of evaluation (``docs/program-format.md``, canonical form)."""
        return evaluation_order(self)

    @cached_property
    def carried(self) -> Carried:
        """What is kept from one period to the next; empty of an independent rule."""
        return find_carried(self, self.order)

    @cached_property
    def made(self) -> dict[str, Any]:
        """What other modules made of the rule, to be used again; each under a name of its own."""
        return {}

    @property
    def sequential(self) -> bool:
        """Does it depend on earlier periods, so that periods must settle in order?"""
        return bool(self.carried)


def net_of(lines: tuple[Line, ...], payee: int) -> Formula:
    """A payee's amount without collar or limit: the sum of its signed lines; 0 when it has none."""
    total: Node | None = None
    for line in lines:
        if line.payee != payee or line.sign == 0:
            continue
        name = Name(line.name)
        if total is None:
            total = name if line.sign > 0 else Neg(name)
        else:
            total = Plus(total, name) if line.sign > 0 else Minus(total, name)
    return total if total is not None else Number(0)


def unused(rule: Rule) -> tuple[str, ...]:
    """Names of KPIs, parameters, definitions and paid lines that no formula mentions.

    Not an error: a KPI may be reported for information; ``check`` shows them as warnings.
    """
    mentioned = {name for item in rule.order for name in names(item.formula)}
    for total, parts in rule.totals.items():
        if total in mentioned:
            mentioned.update(parts)
    mentioned |= {name.partition(".")[2] for name in mentioned if name in rule.readings}
    own = [kpi.full_name for kpi in rule.kpis]
    own += [name for name, _ in rule.parameters]
    own += [each.name for each in rule.definitions] + [each.name for each in rule.registers]
    own += [line.name for line in rule.lines if line.sign]
    return tuple(name for name in own if name not in mentioned)


def sums_of_quotients(rule: Rule) -> tuple[tuple[str, Formula], ...]:
    """Sums and differences of two quotients, each with the item it stands in.

    ``a / 3 + b / 3`` truncates twice where ``(a + b) / 3`` truncates once: better to put the division outside.
    """
    found: list[tuple[str, Formula]] = []
    for item in rule.order:
        for node in walk(item.formula):
            sides = (node.left, node.right) if isinstance(node, Plus | Minus) else ()
            if sides and all(isinstance(side, Product) and side.divisors for side in sides):
                found.append((item.name, node))
    return tuple(found)
