"""The payment rule as an escrow runs it: with what holds a report to the agreement worked into it.

Two things that the file says of reports are no amounts, and are lowered here to what a program has already:

- ``if_missing: last``. The program gets a value that no report can give, one step below the least, where the KPI is
  missing; a register under the KPI's name keeps the value of the period before and goes on from it.
- ``require`` and ``except``. One more value divides by zero where they do not hold, so that the program fails. A report
  on which it fails is refused, as are a version, a ruling and an agreement (docs/protocol.md, section 4).

Words, bounds and examples are those of the rule without these: what it pays for the values that count is the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Final

from pyoutcome.decimals import ONE
from pyoutcome.formula.rule import Definition, KpiShape, Line, Payee, Register, Rule
from pyoutcome.formula.state import State
from pyoutcome.formula.syntax import (
    And,
    Compare,
    Edge,
    If,
    Name,
    Node,
    Not,
    Number,
    Pick,
    Plus,
    Relation,
    Step,
    StepRow,
    Truth,
    names,
    product,
    rename,
)
from pyoutcome.terms.form import ZERO
from pyoutcome.terms.kpis import AgreementKpi

if TYPE_CHECKING:
    from pyoutcome.terms.requirements import Requirement

DEMANDED: Final = "require.met"
"""The value that fails where a report is not what the agreement lets it be."""
_ONE: Final = Number(ONE, "1")


@dataclass(frozen=True)
class Enforced:
    """The rule that an escrow runs."""

    rule: Rule
    refuses: bool
    """Are there values within the KPIs' ranges on which it fails, so that no report may hold them?"""
    kept: Mapping[str, int]
    """Which register keeps the last value of a KPI, by its full name."""
    unsaid: frozenset[str]
    """Values that no statement shows, because they say what the values of the report say."""

    def last_values(self, state: State | None) -> dict[str, int]:
        """The values of the period before that stand in for missing ones; none before the first period."""
        if state is None or not state.periods:
            return {}
        return {name: state.registers[at] for name, at in self.kept.items() if at < len(state.registers)}

    def begin_at(self, start: State, last: Mapping[str, int], period: int) -> State:
        """The state of a later period where nothing but last values is carried."""
        return start._replace(periods=period - 1, registers=tuple(last[name] for name in self.kept))

    def given(self, kpis: Sequence[AgreementKpi], values: Sequence[int], missing: Sequence[bool]) -> tuple[int, ...]:
        """What the program gets for the values that count, of which some were missing."""
        return tuple(
            kpi.given_if_missing if absent else value for kpi, value, absent in zip(kpis, values, missing, strict=True)
        )


def enforce(rule: Rule, kpis: Sequence[AgreementKpi], requirements: Sequence[Requirement]) -> Enforced:
    """The rule with what holds reports to the agreement. FormulaError where a rule cannot be so large."""
    known = _values_of(rule)
    lasting = [at for at, kpi in enumerate(kpis) if kpi.takes_last]
    demands = [*_exclusions(kpis), *(each.formula for each in requirements)]
    if lasting:
        rule, demands = _keep_last(rule, kpis, lasting, demands)
    if demands:
        met = product((_ONE,), (If(_all(demands), _ONE, ZERO),))
        rule = replace(rule, definitions=(*rule.definitions, Definition(DEMANDED, met)))
    first = len(rule.registers) - len(lasting)
    kept = {kpis[at].name: first + place for place, at in enumerate(lasting)}
    return Enforced(rule, bool(demands), kept, frozenset(_values_of(rule) - known))


def _values_of(rule: Rule) -> set[str]:
    """Names of what a statement shows besides lines and amounts."""
    return {each.name for each in rule.definitions} | {each.name for each in rule.registers}


def _exclusions(kpis: Sequence[AgreementKpi]) -> Iterator[Node]:
    """For every value of ``except``: that the report does not give it."""
    for kpi in kpis:
        name = Name(_given_name(kpi) if kpi.takes_last else kpi.name)
        for value in kpi.declared.excluded(kpi.kpi):
            if kpi.shape.type == "number" or kpi.takes_last:
                yield Compare(Relation.NE, name, Number(value))
            elif kpi.shape.type == "yes_no":
                yield Not(name) if value else name
            else:
                yield Compare(Relation.NE, name, Name(kpi.shape.labels[value // ONE - 1]))


def _all(conditions: Sequence[Node]) -> Node:
    """That all of them hold, halved again and again so that no tree is deep."""
    if len(conditions) == 1:
        return conditions[0]
    half = len(conditions) // 2
    return And(_all(conditions[:half]), _all(conditions[half:]))


# --- last values ------------------------------------------------------------------------------------------------------


def _given_name(kpi: AgreementKpi) -> str:
    """What formulas call the value that the program gets; the KPI's own name is that of the value that counts."""
    return f"{kpi.kpi}.given" + (f".{kpi.provider}" if kpi.provider else "")


def _keep_last(
    rule: Rule, kpis: Sequence[AgreementKpi], lasting: Sequence[int], demands: Sequence[Node]
) -> tuple[Rule, list[Node]]:
    """The rule and the demands, with registers in the place of these KPIs."""
    shapes, registers = list(rule.kpis), []
    labels: dict[str, tuple[str, ...]] = {}
    for at in lasting:
        kpi = kpis[at]
        shapes[at] = KpiShape(f"{kpi.kpi}.given", kpi.given_if_missing, kpi.high, kpi.decimals, kpi.provider)
        registers.append(_register(kpi))
        if kpi.shape.type == "choice":
            labels |= {kpi.name: kpi.shape.labels, f"prev.{kpi.name}": kpi.shape.labels}
    own = {kpis[at].name for at in lasting}
    sums = {total: parts for total, parts in rule.totals.items() if own & set(parts)}

    def said(node: Node) -> Node:
        return rename(_as_numbers(node, labels), lambda name: _sum_name(name) if name in sums else name)

    definitions = [Definition(each.name, said(each.formula)) for each in rule.definitions]
    carried = [Register(each.name, said(each.start), said(each.next)) for each in rule.registers]
    lines = [replace(each, formula=said(each.formula)) for each in rule.lines]
    payees = [Payee(each.name, said(each.amount)) for each in rule.payees]
    demanded = [said(each) for each in demands]
    read = {name for each in _formulas(definitions, carried, lines, payees) for name in names(each)}
    read |= {name for each in demanded for name in names(each)}
    definitions += [
        Definition(_sum_name(total), _sum(parts)) for total, parts in sums.items() if _sum_name(total) in read
    ]
    changed = replace(
        rule,
        kpis=tuple(shapes),
        definitions=tuple(definitions),
        registers=(*carried, *registers),
        lines=tuple(lines),
        payees=tuple(payees),
    )
    return changed, demanded


def _sum_name(total: str) -> str:
    """What ``total.k`` is called where the values that count are registers."""
    return f"{total.removeprefix('total.')}.sum"


def _sum(parts: Sequence[str]) -> Node:
    """The values of all providers, added in their order."""
    added: Node = Name(parts[0])
    for part in parts[1:]:
        added = Plus(added, Name(part))
    return added


def _register(kpi: AgreementKpi) -> Register:
    """The value that counts: the one given, or the one of the period before."""
    given = Name(_given_name(kpi))
    is_absent = Compare(Relation.LT, given, Number(kpi.low))
    if kpi.shape.type == "yes_no":
        return Register(
            kpi.name,
            Truth(bool(kpi.if_missing)),
            If(is_absent, Name(f"prev.{kpi.name}"), Compare(Relation.GT, given, ZERO)),
        )
    return Register(kpi.name, Number(kpi.if_missing), If(is_absent, Name(f"prev.{kpi.name}"), given))


def _formulas(
    definitions: Sequence[Definition], registers: Sequence[Register], lines: Sequence[Line], payees: Sequence[Payee]
) -> Iterator[Node]:
    yield from (each.formula for each in definitions)
    yield from (each.formula for each in lines)
    yield from (each.next for each in registers)
    yield from (each.amount for each in payees)


def _as_numbers(node: Node, labels: Mapping[str, tuple[str, ...]]) -> Node:
    """The formula with these choices as the positions of their labels, because a register keeps no labels."""
    if not labels:
        return node
    if isinstance(node, Pick) and node.choice.name in labels:
        return _step_of(node, labels)
    if isinstance(node, Compare):
        for choice, label in ((node.left, node.right), (node.right, node.left)):
            if isinstance(choice, Name) and choice.name in labels and isinstance(label, Name):
                return Compare(node.relation, choice, _position(labels[choice.name], label.name))
    changed: dict[str, object] = {}
    for each in fields(node):
        value = getattr(node, each.name)
        if isinstance(value, Node):
            changed[each.name] = _as_numbers(value, labels)
        elif isinstance(value, tuple) and value and isinstance(value[0], Node):
            changed[each.name] = tuple(_as_numbers(item, labels) for item in value)
    return replace(node, **changed) if changed else node  # type: ignore[arg-type]


def _step_of(node: Pick, labels: Mapping[str, tuple[str, ...]]) -> Node:
    """A table over positions that gives for each label what ``pick`` gives."""
    told = {row.label: _as_numbers(row.value, labels) for row in node.rows}
    own = labels[node.choice.name]
    otherwise = None if node.otherwise is None else _as_numbers(node.otherwise, labels)
    values = [value for label in own if (value := told.get(label, otherwise)) is not None]
    if len(values) == 1:
        return values[0]
    rows = tuple(
        StepRow(Edge.AT_MOST, _position(own, label), value) for label, value in zip(own, values[:-1], strict=False)
    )
    return Step(node.choice, rows, values[-1])


def _position(labels: Sequence[str], label: str) -> Number:
    return Number((labels.index(label) + 1) * ONE, str(labels.index(label) + 1))
