"""Sums of a rule's values at single points, as Python functions: what ranges say of a point, in a fiftieth of the time.

The functions are written by the same translator as the quick evaluator (``integers.py``), over the items that a sum
needs. Values of earlier periods are given like those of KPIs.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from pyoutcome.decimals import ONE
from pyoutcome.errors import FormulaError
from pyoutcome.formula import syntax as s
from pyoutcome.formula.generated import Code, Term, name, term
from pyoutcome.formula.integers import Integers
from pyoutcome.formula.linear import Terms
from pyoutcome.formula.printer import to_text
from pyoutcome.formula.rule import Rule
from pyoutcome.formula.wholes import MOST_WORD, Whole, fits

_ENOUGH: Final = 8
"""Points after which a sum is worth translating."""
_LAST_PERIOD: Final = (2**32 - 1) * ONE
_FAILURES: Final = (ArithmeticError, FormulaError, LookupError, TypeError, ValueError)
Function: TypeAlias = Callable[[tuple[int, ...], int], int | None]


class Points:
    """The functions of one rule's sums."""

    def __init__(self, rule: Rule, parameters: Mapping[str, int], cone: Callable[[Terms], tuple[int, ...]]) -> None:
        self.rule = rule
        self.parameters = dict(rule.parameters) | dict(parameters)
        self.cone = cone
        """The places of all items that a sum needs."""
        self._functions: dict[tuple[Terms, tuple[str, ...]], Function] = {}
        self._asked: dict[tuple[Terms, tuple[str, ...]], int] = {}

    def value(self, form: Terms, point: Mapping[str, int], period: int) -> int | None:
        """The sum where every variable that it depends on has a value; ``period`` is scaled.

        None where it is not known: as long as the function is not worth writing, and where the rule has no value.
        """
        key = form, tuple(point)
        function = self._functions.get(key)
        if function is None:
            self._asked[key] = self._asked.get(key, 0) + 1
            if self._asked[key] <= _ENOUGH:
                return None
            function = self._functions[key] = self._translated(form, key[1])
        try:
            return function(tuple(point.values()), period)
        except _FAILURES:
            return None

    def _translated(self, form: Terms, variables: tuple[str, ...]) -> Function:
        try:
            return _translate(self.rule, self.parameters, self.cone(form), form, variables)
        except RecursionError:  # nested too deep for Python's compiler
            return lambda *_: None


class _Values(Integers):
    """Integers that read what earlier periods left from what was given."""

    def number(self, node: s.Node) -> Whole:
        """As ``Integers`` has it, but for looking back."""
        if isinstance(node, s.Lag | s.SumLast):
            before = self.openings.get(node.name) if isinstance(node, s.Lag) else None
            return self.known.get(to_text(node)) or before or Whole(term(0), 0, 0)
        return super().number(node)


def _translate(
    rule: Rule, parameters: dict[str, int], cone: tuple[int, ...], form: Terms, variables: tuple[str, ...]
) -> Function:
    code = Code()
    numbers = _Values(rule, code, parameters)
    known = numbers.known
    known["period"] = Whole(name("period"), ONE, _LAST_PERIOD)
    _read(rule, code, known, variables)
    for place in cone:
        item = rule.order[place]
        if item.kind == "payee":
            continue
        before = item.kind in ("start", "opening")
        of = item.name.removeprefix(f"{item.kind} of ") if before else item.name
        target = f"prev.{of}" if before else of
        is_truth = rule.types[target] == "yes_no"
        value = numbers.flag(item.formula) if is_truth else numbers.number(item.formula)
        value = Whole(code.let(value.term), value.low, value.high)
        if before and not is_truth:
            numbers.openings[of] = value
        if not before or target not in known:
            known[target] = value
    total = term(0)
    for count, node in form:
        total = total + numbers.number(node).term * count
    return code.compile(["values", "period"], total)


def _read(rule: Rule, code: Code, known: dict[str, Whole], variables: tuple[str, ...]) -> None:
    """Every variable: a KPI inside its range, anything else no larger than the code is written for."""
    kpis = {kpi.full_name: kpi for kpi in rule.kpis}
    conditions: list[Term] = []
    for each, value in zip(variables, code.unpack(name("values"), len(variables)), strict=True):
        if each in kpis:
            low, high = kpis[each].low, kpis[each].high
            conditions.append(term(low).compare(ast.LtE(), value, high))
        else:
            low, high = -MOST_WORD, MOST_WORD
            conditions.append(fits(value))
        known[each] = Whole(value, low, high)
    if "earned_before" in known:  # the only payee, named although it need not be
        known[f"earned_before.{rule.payees[0].name}"] = known["earned_before"]
    code.give_up_unless(*conditions)
