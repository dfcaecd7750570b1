"""The evaluator, quick: a rule translated once into a Python function over integers.

The function gives what ``evaluate`` gives, or None: when a value lies outside the range it was written for, and
whenever the rule fails. Then the readable evaluator is asked, which also says what is wrong. So every check that can be
decided from the KPIs' ranges is left out of the function, and no error is worded twice.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from pyoutcome.decimals import DECIMALS, ONE
from pyoutcome.errors import FormulaError
from pyoutcome.formula.generated import Code, Term, choose, joined, name, opposite, row, term
from pyoutcome.formula.integers import Integers
from pyoutcome.formula.outcome import Outcome
from pyoutcome.formula.state import State, check_state, empty_state, next_state, unit_of
from pyoutcome.formula.wholes import MOST_WORD, Whole, fits

if TYPE_CHECKING:
    from pyoutcome.formula.rule import Rule

_ENOUGH: Final = 4
"""Evaluations after which a rule is worth translating, which costs about as much as fifty of them."""
_FAILURES: Final = (ArithmeticError, FormulaError, LookupError, TypeError, ValueError)
"""What a translated function may end with: the readable evaluator finds the reason too, and explains it."""
_UNITS: Final = tuple(unit_of(decimals) for decimals in range(DECIMALS + 1))


class Quick:
    """The functions of one rule: with its own terms built in, and with terms given."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._calls = 0
        self._own: Callable[..., Outcome | None] | None = None
        self._given: Callable[..., Outcome | None] | None = None

    def run(
        self,
        values: Sequence[int],
        parameters: Sequence[int] | Mapping[str, int] | None,
        period: int,
        state: State | None,
    ) -> Outcome | None:
        """The outcome of a period without explanation; None: ask the readable evaluator."""
        if parameters is None and self._own is not None:
            try:
                return self._own(values, period, state)
            except _FAILURES:
                return None
        if self._calls < _ENOUGH:
            self._calls += 1
            return None
        if parameters is None:
            self._own = _translated(self.rule, with_terms=False)
            return self.run(values, None, period, state)
        if self._given is None:
            self._given = _translated(self.rule, with_terms=True)
        if isinstance(parameters, Mapping):
            own = dict(self.rule.parameters)
            if not parameters.keys() <= own.keys():
                return None
            parameters = tuple((own | dict(parameters)).values())
        try:
            return self._given(values, period, state, parameters)
        except _FAILURES:
            return None


def quick_of(rule: Rule) -> Quick:
    """The functions of a rule, the same each time."""
    found: Quick | None = rule.made.get("quick")
    if found is None:
        found = rule.made["quick"] = Quick(rule)
    return found


def translate(rule: Rule, *, with_terms: bool = False) -> Callable[..., Outcome | None]:
    """The function ``(values, period, state) -> Outcome | None`` of a rule; with terms, a fourth argument."""
    return _Translation(rule, with_terms).function()


def _translated(rule: Rule, *, with_terms: bool) -> Callable[..., Outcome | None]:
    """``translate``, or what always gives None for a rule whose formulas are nested too deep for Python's compiler."""
    try:
        return translate(rule, with_terms=with_terms)
    except RecursionError:
        return lambda *_: None


class _Translation:
    """One function being written."""

    def __init__(self, rule: Rule, with_terms: bool) -> None:
        self.rule = rule
        self.code = Code()
        own = {} if with_terms else dict(rule.parameters)
        self.numbers = Integers(rule, self.code, own)
        self.with_terms = with_terms

    def function(self) -> Callable[..., Outcome | None]:
        known, code, rule = self.numbers.known, self.code, self.rule
        self.read_inputs()
        after = self.read_state()
        results: dict[str, dict[int, Whole]] = {"definition": {}, "register": {}, "line": {}, "payee": {}}
        for item in rule.order:
            of = item.name.removeprefix("start of ").removeprefix("opening of ")
            is_truth = item.kind != "payee" and rule.types[of] == "yes_no"
            value = self.numbers.flag(item.formula) if is_truth else self.numbers.number(item.formula)
            value = Whole(code.let(value.term), value.low, value.high)
            if item.kind == "start":
                self.start(rule.registers[item.index].name, item.index, value)
            elif item.kind == "opening":
                self.open(rule.kpis[item.index].full_name, value)
            elif item.kind != "payee":
                known[item.name] = value
            if item.kind in results:
                results[item.kind][item.index] = value
        rows = {kind: row([found[at].term for at in sorted(found)]) for kind, found in results.items()}
        left = self.leave(results, rows["register"]) if rule.carried else after
        outcome = row([rows["line"], rows["payee"], rows["definition"], left, row([])])
        parameters = ["values", "period", "state", *(["terms"] if self.with_terms else [])]
        return code.compile(parameters, code.call(tuple.__new__, code.constant(Outcome), outcome))

    def read_inputs(self) -> None:
        """KPI values inside their ranges, terms and the period: what has other values is not for this function."""
        known, code, rule = self.numbers.known, self.code, self.rule
        conditions: list[Term] = []
        for kpi, value in zip(rule.kpis, code.unpack(name("values"), len(rule.kpis)), strict=True):
            conditions.append(term(kpi.low).compare(ast.LtE(), value, kpi.high))
            known[kpi.full_name] = Whole(value, kpi.low, kpi.high)
        if self.with_terms:
            given = code.unpack(name("terms"), len(rule.parameters))
            for (each, _), value in zip(rule.parameters, given, strict=True):
                conditions.append(fits(value))
                known[each] = Whole(value, -MOST_WORD, MOST_WORD)
        conditions.append(term(1).compare(ast.LtE(), name("period"), 2**32 - 1))
        code.give_up_unless(*conditions)
        known["period"] = Whole(name("period") * ONE, ONE, (2**32 - 1) * ONE)

    def read_state(self) -> Term:
        """Put earlier periods where formulas read them. Of a rule without any: the next state as it is."""
        code, rule, kept = self.code, self.rule, self.rule.carried
        state = name("state")
        if not kept:
            return choose(_is_none(state), Term(ast.Constant(None)), code.call(_advance, state))
        first = empty_state([each.depth for each in kept.histories], len(kept.to_date), len(kept.earned), DECIMALS)
        with code.aside() as absent:
            code.give_up_unless(name("period").equals(1))
            code.set("state", code.constant(first))
        code.branch(_is_none(state), absent, [])
        decimals, periods, registers, histories, to_date, earned = code.unpack(state, 6)
        self.decimals, self.periods = decimals, periods
        code.give_up_unless(
            term(0).compare(ast.LtE(), decimals, DECIMALS),
            term(0).compare(ast.LtE(), periods, 2**32 - 1),
        )
        with code.aside() as later:
            self.registers = code.unpack(registers, len(rule.registers))
        with code.aside() as at_first:
            code.give_up_unless(registers.equals(row([])))
        code.branch(periods, later, at_first)
        if kept.to_date or kept.earned:
            self.unit = code.let(Term(ast.Subscript(code.constant(_UNITS).node, decimals.node, ast.Load())))
        self.histories = code.unpack(histories, len(kept.histories))
        for history, past in zip(kept.histories, self.histories, strict=True):
            code.give_up_unless(
                code.call(len, past).equals(choose(periods < history.depth, periods, history.depth)),
                joined(ast.Or(), [periods.equals(0), fits(code.call(min, past), code.call(max, past))]),
            )
            self.numbers.past[history.name] = past
        self.numbers.periods = periods
        self.to_date, self.earned = code.unpack(to_date, len(kept.to_date)), code.unpack(earned, len(kept.earned))
        for value in (*self.to_date, *self.earned):
            code.give_up_unless(fits(value), (value % self.unit).equals(0))
        for at, value in zip(kept.to_date, self.to_date, strict=True):
            self.remember(f"to_date.{rule.lines[at].name}", value)
        for at, value in zip(kept.earned, self.earned, strict=True):
            self.remember(f"earned_before.{rule.payees[at].name}", value)
            if len(rule.payees) == 1:
                self.remember("earned_before", value)
        return state

    def remember(self, known_as: str, value: Term) -> None:
        self.numbers.known[known_as] = Whole(value, -MOST_WORD, MOST_WORD)

    def start(self, register: str, index: int, value: Whole) -> None:
        """The value of a register before this period: its start in the first."""
        code = self.code
        before = self.registers[index]
        with code.aside() as at_first:
            code.set_again(before, value.term)
        code.branch(opposite(self.periods), at_first, [])
        low, high = (0, 1) if self.rule.types[register] == "yes_no" else (-MOST_WORD, MOST_WORD)
        code.give_up_unless(term(low).compare(ast.LtE(), before, high))
        self.numbers.known[f"prev.{register}"] = Whole(before, low, high)
        self.numbers.openings[register] = value

    def open(self, kpi: str, value: Whole) -> None:
        self.numbers.openings[kpi] = value
        before = self.numbers.look_back(kpi, 1)
        before = Whole(self.code.let(before.term), before.low, before.high)
        if self.rule.types[kpi] == "yes_no":
            self.code.give_up_unless(term(0).compare(ast.LtE(), before.term, 1))
        self.numbers.known[f"prev.{kpi}"] = before

    def leave(self, results: Mapping[str, Mapping[int, Whole]], registers: Term) -> Term:
        """The state after the period."""
        kept, code = self.rule.carried, self.code
        histories: list[Term] = []
        for history, past in zip(kept.histories, self.histories, strict=True):
            now = row([self.numbers.known[history.name].term])
            histories.append(now + past[: history.depth - 1])
        to_date = [self.grown(v, results["line"][at]) for at, v in zip(kept.to_date, self.to_date, strict=True)]
        earned = [self.grown(v, results["payee"][at]) for at, v in zip(kept.earned, self.earned, strict=True)]
        words = row([self.decimals, self.periods + 1, registers, row(histories), row(to_date), row(earned)])
        return code.call(tuple.__new__, code.constant(State), words)

    def grown(self, before: Term, value: Whole) -> Term:
        """A sum to date with this period's whole base units."""
        now, unit = value.term, self.unit
        up, down = now - now % unit, now + (-now) % unit
        cut = up if value.low >= 0 else down if value.high <= 0 else choose(now >= 0, up, down)
        return self.numbers.fit(Whole(before + cut, value.low - MOST_WORD, value.high + MOST_WORD)).term


def _is_none(value: Term) -> Term:
    return value.compare(ast.Is(), Term(ast.Constant(None)))


def _advance(state: State) -> State:
    """The next state of a rule that carries nothing."""
    check_state(state, 0, (), 0, 0)
    return next_state(state, (), (), (), ())
