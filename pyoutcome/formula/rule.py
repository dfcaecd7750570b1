"""The rule: what an agreement's clauses lower to, and what every reader of amounts starts from.

A rule is data only. Building one checks it whole (``check.py``), so a Rule that exists can be evaluated and encoded.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cached_property

from pyoutcome.formula.carried import Carried, Reading, find_carried, state_readings
from pyoutcome.formula.check import check_rule
from pyoutcome.formula.compiled import Quick
from pyoutcome.formula.linear import Terms, find_rests
from pyoutcome.formula.order import evaluation_order
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
class Rule:
    """A whole payment rule.

    Raises FormulaError on building: ``rule-name`` (impossible or repeated), ``rule-kpi``, ``rule-line``, ``rule-size``,
    ``unknown-name``, ``wrong-type``, ``cycle``, ``row-never-wins``, ``table-order``, ``pick-labels``,
    ``formula-too-deep``, ``register-start``, ``no-opening``, ``no-calendar``, ``no-history``, ``history-too-long``,
    ``payee-needed``.
    """

    kpis: tuple[KpiShape, ...]
    parameters: tuple[tuple[str, int], ...]
    """Name and scaled value of each term of the agreement; on chain a vector beside the program."""
    definitions: tuple[Definition, ...]
    lines: tuple[Line, ...]
    payees: tuple[Payee, ...]
    registers: tuple[Register, ...] = ()
    """Values carried from period to period; all are updated together, from the values of the period before."""
    periods_per_year: int | None = None
    """Makes ``year`` (from 1) and ``period_of_year`` known; None: they are refused."""
    types: dict[str, KpiType] = field(init=False, repr=False, compare=False)
    """The type of every name a formula may use."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "types", check_rule(self))

    def __getstate__(self) -> dict[str, object]:
        """What copying and pickling take along: not the functions made of it."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @cached_property
    def labels(self) -> dict[str, tuple[str, ...]]:
        """The labels of every choice, by its full name."""
        found = {kpi.full_name: kpi.labels for kpi in self.kpis if kpi.type == "choice"}
        return found | {f"prev.{name}": labels for name, labels in found.items()}

    @cached_property
    def order(self) -> tuple[Item, ...]:
        """Every item in the one order of evaluation (``docs/program-format.md``, canonical form)."""
        return evaluation_order(self)

    @cached_property
    def readings(self) -> dict[str, Reading]:
        """Every name of a value of earlier periods that formulas may use, and what it stands for."""
        return state_readings(self)

    @cached_property
    def carried(self) -> Carried:
        """What is kept from one period to the next; empty of an independent rule."""
        return find_carried(self, self.order)

    @cached_property
    def quick(self) -> Quick:
        """The same amounts without their reasons, in less time."""
        return Quick(self)

    @cached_property
    def translations(self) -> dict[object, object]:
        """What ``scenarios.py`` made of the rule, to be used again."""
        return {}

    @cached_property
    def rests(self) -> dict[int, Terms]:
        """Of each quotient that is a share of a sum what else the sum holds; by identity of the node."""
        return find_rests(self)

    @property
    def sequential(self) -> bool:
        """Does it depend on earlier periods, so that periods must settle in order?"""
        return bool(self.carried)

    @cached_property
    def totals(self) -> dict[str, tuple[str, ...]]:
        """For each ``total.k``: the full names of the KPIs it adds, in KPI order."""
        found: dict[str, list[str]] = {}
        for kpi in self.kpis:
            if kpi.provider is not None and kpi.type == "number":
                found.setdefault(f"total.{kpi.name}", []).append(kpi.full_name)
        return {name: tuple(parts) for name, parts in found.items()}


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
