"""A rule as a function over arrays, for some successive periods."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from fractions import Fraction

import numpy as np

from pyoutcome.decimals import ONE, Rounding
from pyoutcome.formula import syntax as s
from pyoutcome.formula.arrays import FINEST, WHOLE, Many, constant
from pyoutcome.formula.floats import Floats
from pyoutcome.formula.generated import Code, Term, name
from pyoutcome.formula.rule import Item, Rule
from pyoutcome.formula.scenario_values import ends_of, power_of, take_numbers
from pyoutcome.formula.state import State, unit_of


def own_amounts(rule: Rule) -> list[int]:
    """The payees whose amount is not just a line."""
    lines = {line.name for line in rule.lines}
    return [
        at
        for at, payee in enumerate(rule.payees)
        if not (isinstance(payee.amount, s.Name) and payee.amount.name in lines)
    ]


class Plan:
    """The function of a rule for some successive periods: ``(columns, found, doubts)``, for one block of scenarios."""

    def __init__(
        self, rule: Rule, terms: Mapping[str, int], first: int, periods: int, state: State, definitions: bool
    ) -> None:
        self.rule = rule
        self.terms = terms
        self.periods = range(first, first + periods)
        self.state = state
        self.definitions = definitions
        self.code = Code()
        self.past: dict[str, list[Many]] = {}
        self.past_flags: dict[str, Term] = {}
        self.registers: dict[str, Many | Term] = {}
        self.sums: dict[str, Many] = {}
        self.numbers: list[Term] = []
        """Of each KPI: periods x scenarios, in units of its last decimal."""

    def function(self) -> Callable[..., None]:
        self.recall()
        self.take_kpis()
        for row, period in enumerate(self.periods):
            self.period(row, period)
        self.code.drop_unused()
        return self.code.compile(["columns", "found", "doubts"], self.code.constant(None))

    def recall(self) -> None:
        """What the state holds: the same in all scenarios."""
        rule, kept, state = self.rule, self.rule.carried, self.state
        plain = Floats(rule, self.code, {})
        for register, value in zip(rule.registers, state.registers, strict=False):
            is_flag = rule.types[register.name] == "yes_no"
            self.registers[register.name] = self.flag(value) if is_flag else plain.unknown(value)
        for history, past in zip(kept.histories, state.histories, strict=True):
            if rule.types[history.name] == "yes_no":
                if past:
                    self.past_flags[history.name] = self.flag(past[0])
                continue
            self.past[history.name] = [plain.unknown(value) for value in past]
        self.sums = {
            f"to_date.{rule.lines[at].name}": plain.unknown(v)
            for at, v in zip(kept.to_date, state.to_date, strict=True)
        }
        for at, value in zip(kept.earned, state.earned, strict=True):
            self.sums[f"earned_before.{rule.payees[at].name}"] = plain.unknown(value)

    def flag(self, value: int) -> Term:
        return self.code.constant(np.bool_(value))

    def period(self, row: int, period: int) -> None:
        rule, code = self.rule, self.code
        here = Floats(rule, code, {**self.terms, "period": period * ONE})
        here.past = self.past
        self.read_kpis(here, row)
        here.known |= self.sums
        if len(rule.payees) == 1 and f"earned_before.{rule.payees[0].name}" in self.sums:
            here.known["earned_before"] = self.sums[f"earned_before.{rule.payees[0].name}"]
        amounts: dict[int, Many] = {}
        for item in rule.order:
            of = item.name.removeprefix("start of ").removeprefix("opening of ")
            if item.kind != "payee" and rule.types[of] == "yes_no":
                self.settle_flag(here, item, of)
                continue
            value = here.number(item.formula)
            if item.kind == "payee":
                amounts[item.index] = value
            elif item.kind == "start":
                here.openings[of] = value
                before = self.registers.get(of, value)
                assert isinstance(before, Many)  # noqa: S101 - its type is a number
                here.known[f"prev.{of}"] = before
            elif item.kind == "opening":
                here.openings[of] = value
                here.known[f"prev.{of}"] = self.past[of][0] if self.past[of] else value
            else:
                here.known[item.name] = value
                if value.value is not None:
                    here.folding.learn(item.name, value.value)
        self.write(here, row, amounts)
        self.carry(here, amounts)

    def settle_flag(self, here: Floats, item: Item, of: str) -> None:
        """A definition, register or opening value that is a yes/no."""
        value = here.truth(item.formula)
        if item.kind == "start":
            before = self.registers.get(of, value)
            assert isinstance(before, Term)  # noqa: S101 - its type is a yes/no
            here.flags[f"prev.{of}"] = before
        elif item.kind == "opening":
            here.flags[f"prev.{of}"] = self.past_flags.get(of, value)
        else:
            here.flags[item.name] = value

    def take_kpis(self) -> None:
        """All periods of a KPI at once: a call costs as much as thousands of numbers."""
        for at, kpi in enumerate(self.rule.kpis):
            low, high = ends_of(kpi)
            given = name("columns")[at]
            self.numbers.append(
                self.code.let(self.code.call(take_numbers, given, power_of(kpi), low, high, name("doubts")))
            )

    def read_kpis(self, here: Floats, row: int) -> None:
        code = self.code
        for at, kpi in enumerate(self.rule.kpis):
            multiple = kpi.multiple
            low, high = ends_of(kpi)
            numbers = code.let(self.numbers[at][row])
            if kpi.type == "yes_no":
                here.flags[kpi.full_name] = code.let(numbers > 0)
                continue
            exact = max(abs(low), abs(high)) <= WHOLE
            here.known[kpi.full_name] = Many(
                numbers,
                Fraction(multiple),
                Fraction(low * multiple),
                Fraction(high * multiple),
                Fraction(0 if exact else 1, 2**52),
                Fraction(multiple),
            )

    def write(self, here: Floats, row: int, amounts: Mapping[int, Many]) -> None:
        rule, code = self.rule, self.code
        results: list[Many | Term] = [here.known[line.name] for line in rule.lines]
        results += [amounts[at] for at in own_amounts(rule)]
        if self.definitions:
            results += [
                here.flags[each.name] if rule.types[each.name] == "yes_no" else here.known[each.name]
                for each in rule.definitions
            ]
        written: dict[tuple[str, Fraction], Term] = {}
        for at, value in enumerate(results):
            place = code.let(name("found")[row][at])
            if isinstance(value, Term):
                code.run(code.call(np.copyto, place, value))
                continue
            if value.off > FINEST * Fraction(9, 10):
                here.give_up()
            numbers = ast.dump(value.term.node)
            if (numbers, value.grain) in written:
                code.run(code.call(np.copyto, place, written[numbers, value.grain]))
                continue
            if (numbers, -value.grain) in written:
                code.run(code.call(np.subtract, 0 / 1, written[numbers, -value.grain], place))  # 0 - 0 is not -0
                continue
            size = value.grain / ONE
            code.run(code.call(np.multiply, value.term, size.numerator / size.denominator, place))
            if value.grain < 0 or value.low < 0:
                code.run(code.call(np.add, place, 0 / 1, place))  # no -0.0
            written[numbers, value.grain] = place

    def carry(self, here: Floats, amounts: Mapping[int, Many]) -> None:
        """What the period leaves to the next."""
        rule, kept = self.rule, self.rule.carried
        for register in rule.registers:
            is_flag = rule.types[register.name] == "yes_no"
            self.registers[register.name] = here.flags[register.name] if is_flag else here.known[register.name]
        for history in kept.histories:
            if rule.types[history.name] == "yes_no":
                self.past_flags[history.name] = here.flags[history.name]
            else:
                self.past[history.name] = [here.known[history.name], *self.past[history.name]][: history.depth]
        unit = constant(unit_of(self.state.unit_decimals))
        paid = {f"to_date.{rule.lines[at].name}": here.known[rule.lines[at].name] for at in kept.to_date}
        paid |= {f"earned_before.{rule.payees[at].name}": amounts[at] for at in kept.earned}
        for each, value in paid.items():
            cut = value if unit.value == 1 else here.rounded(value, unit, Rounding.DOWN)
            self.sums[each] = here.plus(self.sums[each], cut)
