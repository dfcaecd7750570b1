"""The quick evaluator gives what the readable one gives: amounts, definitions, state and errors."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyoutcome.decimals import INT256_MAX, INT256_MIN, ONE, Rounding
from pyoutcome.decimals import parse as n
from pyoutcome.errors import FormulaError
from pyoutcome.formula import (
    Definition,
    KpiShape,
    Line,
    Outcome,
    Payee,
    Register,
    Rule,
    State,
    evaluate,
    explain,
    parse,
    start_state,
)
from pyoutcome.formula import syntax as s
from pyoutcome.formula.compiled import Quick, translate
from pyoutcome.formula.generated import Code
from pyoutcome.formula.integers import Integers
from tests.corpus.published import NAMES, load_agreement
from tests.formula import small
from tests.formula.state_deals import DEALS, chances
from tests.formula.strategies import rules, rules_with_periods, rules_with_values, values_for, words

Parameters = Sequence[int] | Mapping[str, int] | None

HUGE = "0" * 58
"""Zeros of a number of which less than six fit a word."""


def readable(rule: Rule, values: Sequence[int], parameters: Parameters, period: int, state: State | None) -> Outcome:
    """What the evaluator says that explains itself."""
    return explain(rule, values, parameters, period, state)._replace(steps=())


def compare(
    rule: Rule, values: Sequence[int], parameters: Parameters = None, period: int = 1, state: State | None = None
) -> Outcome | None:
    """Both evaluators on the same inputs, errors included; the outcome unless it is an error."""
    expected, wanted = attempt(readable, rule, values, parameters, period, state)
    for _ in range(5):  # the first few calls are answered by the readable evaluator
        actual, problem = attempt(evaluate, rule, values, parameters, period, state)
        assert wanted == problem
        assert expected == actual
    assert actual is None or all(type(value) is int for row in actual[:3] for value in row)
    return actual


def attempt(work: Callable[..., Outcome | None], *given: object) -> tuple[Outcome | None, object]:
    """What comes of it: an outcome, or all that an error says."""
    try:
        return work(*given), None
    except FormulaError as problem:
        return None, (problem.code, problem.why, problem.details)


def one_line(text: str, *kpis: KpiShape, terms: tuple[tuple[str, int], ...] = ()) -> Rule:
    return Rule(kpis, terms, (), (Line("pay", 0, 1, parse(text)),), (Payee("A", parse("pay")),))


def number(name: str, low: str = "-1000", high: str = "1000", decimals: int = 2) -> KpiShape:
    return KpiShape(name, n(low), n(high), decimals)


@settings(max_examples=150)
@given(st.one_of(rules_with_values(), rules_with_values(wild=True)), st.integers(1, 40))
def test_random_rules_give_the_same(made: tuple[Rule, tuple[int, ...]], period: int) -> None:
    rule, values = made
    expected = compare(rule, values, period=period)
    found = translate(rule)(values, period, None) if expected is not None else None
    assert found is None or found == expected


@settings(max_examples=60)
@given(rules(tame=True), st.data())
def test_ordinary_rules_do_not_need_the_readable_evaluator(rule: Rule, data: Any) -> None:
    values = data.draw(values_for(rule))
    assert compare(rule, values) == translate(rule)(values, 1, None)


@settings(max_examples=60)
@given(rules_with_values(size=2), st.data())
def test_other_terms_give_the_same(made: tuple[Rule, tuple[int, ...]], data: Any) -> None:
    rule, values = made
    names = [name for name, _ in rule.parameters]
    compare(rule, values, data.draw(st.tuples(*(words for _ in names))))
    compare(rule, values, data.draw(st.dictionaries(st.sampled_from(names), words)) if names else {})


@settings(max_examples=80)
@given(rules_with_periods(), st.sampled_from((0, 2, 6, 18)))
def test_carried_state_is_the_same(made: tuple[Rule, tuple[tuple[int, ...], ...]], unit_decimals: int) -> None:
    rule, periods = made
    state = start_state(rule, unit_decimals)
    for number_of, values in enumerate(periods, 1):
        outcome = compare(rule, values, period=number_of, state=state)
        if outcome is not None and outcome.state is not None:
            state = outcome.state
    if rule.carried:
        compare(rule, periods[0])
        compare(rule, periods[0], period=2)


@pytest.mark.parametrize("name", NAMES)
def test_a_published_mechanism_is_worked_out_quickly_throughout(name: str) -> None:
    """Every value from the least to the greatest; errors only where the readable evaluator has them."""
    rule = load_agreement(name).rule()
    quick = translate(rule)
    state = start_state(rule)
    for step in range(41):
        values = []
        for at, kpi in enumerate(rule.kpis):
            share = (step * (2 * at + 1)) % 41
            values.append(kpi.low + (kpi.high - kpi.low) * share // 40 // kpi.multiple * kpi.multiple)
        outcome = compare(rule, values, period=step + 1, state=state)
        assert outcome == quick(values, step + 1, state)
        if outcome is not None and outcome.state is not None:
            state = outcome.state


@pytest.mark.parametrize(
    "text",
    [
        "1 / x",
        "x / (y - 3)",
        "clamp(x, y, 3)",
        "round(x, y, up)",
        "curve(x, [y gives 1, 3 gives 2])",
        "bands(x, [upto y at 1, upto 3 at 2, rest at 3])",
        "5 if x > 3 else 1 / (x - 3)",
        "5 if x > 3 and 1 / (y - 3) > 0 else 6",
        "5 if x > 3 or 1 / (y - 3) > 0 else 6",
        "5 if (x > 3 if y > 3 else 1 / (x - 3) > 0) else 6",
        "step(x, [at_least y gives 1 / (x - 3), otherwise 2])",
        "min(x, 1 / (y - 3))",
        "x * y * x / 7 / y",
        "x * 3 / -7",
        "-x * 0.35 * y",
        "total.k * k.A - k.B",
    ],
)
def test_what_fails_and_what_is_skipped_is_the_same(text: str) -> None:
    per = tuple(KpiShape("k", n("-5"), n("5"), 0, provider) for provider in "AB")
    rule = one_line(text, number("x"), number("y"), *per)
    for x in ("-3", "0", "2.99", "3", "3.01", "1000"):
        for y in ("-7", "0", "3", "4", "999.99"):
            compare(rule, (n(x), n(y), n("2"), n("-3")))


@pytest.mark.parametrize("formula", [row[0] for row in small.ROWS])
def test_every_kind_of_formula_is_worked_out_quickly(formula: str) -> None:
    made = small.rule(formula)
    quick = translate(made)
    for values in small.grid_of(formula, most=5):
        assert readable(made, values, None, 1, None) == quick(values, 1, None)


@pytest.mark.parametrize(
    "text",
    [
        "min(a, 0.000000000000000001) / 2",
        "round(min(a, 0.000000000000000001), 1, down)",
        "bands(min(a, 0.000000000000000001), [rest at 5])",
        "curve(a, [-1 gives 0, 3 gives 2])",
        "third * b / 0.35",
        "third * b * third / -0.35 / b",
        "clamp(a, b, 1.9)",
        "round(b, max(a, 0) + 0.000000000000000001, up)",
        "pick(tier, [gold gives b / c, silver gives c / b, base gives 1])",
        "b / c if ok else c / b",
        "1 if (b / c > 2 if ok else c / b > 1) else 0",
        "1 if ok and b / c > 2 else 0",
        "1 if ok or b / c > 2 else 0",
    ],
)
def test_what_is_nearly_nothing_and_what_is_worked_out_only_if_needed_is_the_same(text: str) -> None:
    made = small.rule(text)
    quick = translate(made)
    for values in small.grid_of(text, most=8):
        expected, problem = attempt(readable, made, values, None, 1, None)
        assert expected == attempt(quick, values, 1, None)[0]
        assert (expected is None) == (problem is not None) == (text.startswith("clamp") and values[1] > n("1.9"))


def test_answers_are_one_or_zero() -> None:
    numbers = Integers(small.rule("a"), Code(), {})
    assert (0, 1) == numbers.flag(parse("yes"))[1:]


def test_a_total_over_providers_is_the_same() -> None:
    parts = tuple(KpiShape("sold", n("-9"), n("9"), 1, provider) for provider in ("UA", "B6", "DL"))
    rule = one_line("total.sold * 2 + sold.B6", *parts)
    for values in product((n("-9"), n("0.5"), n("9")), repeat=3):
        compare(rule, values)


def test_a_rule_that_carries_nothing_counts_its_periods() -> None:
    rule = one_line("x * t", number("x"), terms=(("t", n("3")),))
    state: State | None = None
    for period in (1, 2, 3):
        outcome = compare(rule, (ONE,), None, period, state)
        assert outcome is not None
        assert outcome == compare(rule, (ONE,), {"t": n("3")}, period, state)
        state = outcome.state
    begun = start_state(rule, 6)
    for number_of_periods in (0, 1, 2):
        outcome = compare(rule, (ONE,), (n("5"),), number_of_periods + 1, begun._replace(periods=number_of_periods))
        assert outcome is not None
        assert begun._replace(periods=number_of_periods + 1) == outcome.state
    wrong: list[dict[str, Any]] = [
        {"registers": (1,)},
        {"histories": ((1,),)},
        {"to_date": (0,)},
        {"earned": (0,)},
        {"unit_decimals": 19},
        {"periods": -1},
    ]
    for change in wrong:
        compare(rule, (ONE,), state=begun._replace(**change))


@pytest.mark.parametrize("deal", DEALS)
def test_a_deal_with_carried_state_is_worked_out_quickly(deal: str) -> None:
    made, decimals = DEALS[deal][0].rule(), DEALS[deal][1]
    quick, given = translate(made), translate(made, with_terms=True)
    state: State | None = start_state(made, decimals)
    for period, values in enumerate(chances(made, 6, 1), 1):
        expected = readable(made, values, None, period, state)
        assert expected == quick(values, period, state)
        assert expected == given(values, period, state, tuple(value for _, value in made.parameters))
        if period == 1:
            assert readable(made, values, None, 1, None) == quick(values, 1, None)
        state = expected.state


def test_after_four_times_the_quick_evaluator_answers_itself() -> None:
    rule = one_line("x * t + u * 2", number("x"), terms=(("t", n("3")), ("u", n("4"))))
    quick = Quick(rule)
    expected = readable(rule, (ONE,), None, 2, None)
    assert [None] * 4 + [expected] * 3 == [quick.run((ONE,), None, 2, None) for _ in range(7)]
    other = readable(rule, (ONE,), (n("3"), n("5")), 2, None)
    for terms in ((n("3"), n("5")), {"u": n("5")}, {"t": n("3"), "u": n("5")}):
        assert other == quick.run((ONE,), terms, 2, None)
    assert expected == quick.run((ONE,), {}, 2, None)
    for wrong in ({"v": ONE}, (ONE,), (INT256_MAX, 0)):
        assert quick.run((ONE,), wrong, 2, None) is None
    assert quick.run((INT256_MAX,), None, 2, None) is None
    for period, answers in ((0, False), (1, True), (2**32 - 1, True), (2**32, False)):
        assert answers == (quick.run((ONE,), None, period, None) is not None)


def test_what_counts_before_the_first_period_is_the_same() -> None:
    kpis = (
        KpiShape("x", n("-9"), n("9"), 0, opening=n("4")),
        replace(KpiShape.yes_no("ok"), opening=1),
        replace(KpiShape.choice("tier", ("gold", "silver", "base")), opening=2 * ONE),
    )
    pays = (
        "x - prev.x + 10 * lag(x, 2) + 100 * lag(x, 3) + sum_last(x, 2) * 1_000"
        " + (10_000 if prev.ok else 20_000) + pick(prev.tier, [gold gives 0.1, silver gives 0.2, base gives 0.3])"
    )
    made = one_line(pays, *kpis)
    quick = translate(made)
    state = start_state(made)
    for number_of, values in enumerate(product((n("-9"), n("3")), (0, 1), (ONE, 3 * ONE)), 1):
        outcome = compare(made, values, period=number_of, state=state)
        assert outcome is not None
        assert outcome == quick(values, number_of, state)
        assert outcome.state is not None
        state = outcome.state
    for bad in ((2, ONE), (-1, ONE), (1, 0), (1, 4 * ONE), (0, 2 * ONE)):
        histories = tuple((bad[at - 1],) if at else past for at, past in enumerate(state.histories))
        compare(made, (0, 1, ONE), period=state.periods + 1, state=state._replace(histories=histories))


def test_sums_to_date_grow_by_whole_base_units_toward_zero() -> None:
    """Whether a line can only be positive, only negative, or either; two decimals in the token."""
    kpis = (
        KpiShape("gain", 0, n("9"), 3),
        KpiShape("loss", n("-9"), 0, 3),
        KpiShape("both", n("-9"), n("9"), 3),
        KpiShape("edge", n("-9"), 1, 18),
    )
    lines = tuple(Line(f"of_{kpi.name}", 0, 1, parse(kpi.name)) for kpi in kpis)
    total = Line("all", 0, 1, parse(" + ".join(f"to_date.{line.name}" for line in lines)))
    made = Rule(kpis, (), (), (*lines, total), (Payee("A", parse("both + 0 * earned_before")),))
    quick = translate(made)
    for both, grown in (("0.019", "0.01"), ("-0.019", "-0.01"), ("0", "0"), ("0.02", "0.02"), ("-0.01", "-0.01")):
        for edge, cut in (("0.000000000000000001", "0"), ("-0.015", "-0.01"), ("-0.02", "-0.02")):
            state = start_state(made, 2)
            for period in (1, 2, 3):
                values = (n("0.019"), n("-0.019"), n(both), n(edge))
                outcome = compare(made, values, period=period, state=state)
                assert outcome is not None
                assert outcome == quick(values, period, state)
                assert outcome.state is not None
                state = outcome.state
                assert tuple(period * n(each) for each in ("0.01", "-0.01", grown, cut)) == state.to_date
                assert (period * n(grown),) == state.earned


def test_what_a_yes_no_was_is_yes_or_no() -> None:
    lines = (Line("pay", 0, 1, parse("1 if prev.met else 2")),)
    register = Register("met", parse("no"), parse("prev.met"))
    made = Rule((number("x"),), (), (), lines, (Payee("A", parse("pay")),), (register,))
    for before, paid in ((0, n("2")), (1, ONE)):
        outcome = compare(made, (ONE,), period=2, state=start_state(made)._replace(periods=1, registers=(before,)))
        assert outcome is not None
        assert (paid, (before,)) == (outcome.lines[0], outcome.state and outcome.state.registers)
    kpis = (*made.kpis, replace(KpiShape.yes_no("ok"), opening=1))
    for carried in ("prev.{}", "prev.{} and x > 0", "x > 0 and prev.{}", "x < 0 or prev.{}", "not prev.{}",
                    "prev.{} if x > 0 else no"):  # fmt: skip
        of_register = replace(made, registers=(Register("met", parse("no"), parse(carried.format("met"))),))
        told = (Line("pay", 0, 1, parse("1 if was else 2")),)
        of_kpi = Rule(kpis, (), (Definition("was", parse(carried.format("ok"))),), told, made.payees)
        for wrong in (-1, 2, 3, ONE):
            state = start_state(of_register)._replace(periods=1, registers=(wrong,))
            compare(of_register, (ONE,), period=2, state=state)
            compare(of_kpi, (ONE, 1), period=2, state=start_state(of_kpi)._replace(periods=1, histories=((wrong,),)))


@pytest.mark.parametrize("mode", ["down", "up", "half_up", "half_even", "floor", "ceil"])
@pytest.mark.parametrize("step", ["1", "0.03", "2"])
@pytest.mark.parametrize(("low", "high"), [("-9", "9"), ("0", "9"), ("-9", "0")])
def test_rounding_is_the_same_on_either_side_and_on_ties(mode: str, step: str, low: str, high: str) -> None:
    rule = one_line(f"round(x, {step}, {mode})", number("x", low, high, 3))
    quick = translate(rule)
    for x in range(n(low), n(high) + 1, n("0.015")):
        assert readable(rule, (x,), None, 1, None) == quick((x,), 1, None)


@pytest.mark.parametrize(
    "text",
    [
        "x + x",
        "x * x",
        "-x",
        "abs(x)",
        "outside(x, -3, 3)",
        "x - 1",
        "bands(x, [rest at 2])",
        f"bands(x, [upto 2{HUGE} at 2, upto 4{HUGE} at 2, rest at -2])",
        f"bands(x, [upto 2{HUGE} at -2, upto 4{HUGE} at -2, rest at 2])",
        f"bands(x, [upto 3{HUGE} at 1, upto 4{HUGE} at 3, rest at -9])",
        f"curve(x, [-4{HUGE} gives 0, 4{HUGE} gives 1])",
        f"curve(x, [0 gives 4{HUGE}, 2 gives -4{HUGE}])",
        f"curve(x, [3{HUGE} gives 0, 4{HUGE} gives 1])",
    ],
)
def test_overflow_is_found_where_ranges_leave_it_open(text: str) -> None:
    rule = one_line(text, KpiShape("x", INT256_MIN, INT256_MAX, 18))
    large = [n(f"{digits}{HUGE[1:]}") for digits in ("19", "20", "29", "30", "35", "39", "40", "41", "45", "57")]
    for x in (INT256_MIN, INT256_MIN + 1, -ONE, 0, ONE, 2**254, INT256_MAX // ONE, INT256_MAX, *large):
        compare(rule, (x,))


def test_a_sum_to_date_that_overflows_is_found() -> None:
    lines = (Line("pay", 0, 1, parse("x")), Line("all", 0, 0, parse("to_date.pay")))
    for low, high in ((INT256_MIN, 0), (0, INT256_MAX)):
        made = Rule((KpiShape("x", low, high, 18),), (), (), lines, (Payee("A", parse("pay")),))
        begun = start_state(made, 18)._replace(periods=1)
        for before in (-1, 0, 1):
            for x in (low, high):
                found = compare(made, (x,), period=2, state=begun._replace(to_date=(before,)))
                assert (found is None) == (not INT256_MIN <= before + x <= INT256_MAX)


def test_points_that_terms_bring_together_are_refused_as_ever() -> None:
    rule = one_line("curve(x, [0 gives 1, t gives 2, 3 gives 4])", number("x"), terms=(("t", n("2")),))
    for t in ("2", "3", "4", "0"):
        for x in ("-1", "1", "2.5", "3", "9"):
            compare(rule, (n(x),), {"t": n(t)})
            compare(replace(rule, parameters=(("t", n(t)),)), (n(x),))


def test_inputs_that_do_not_fit_are_refused_as_ever() -> None:
    rule = one_line("x + t", number("x"), terms=(("t", ONE),))
    for values in ((), (1, 2), (INT256_MAX + 1,), (n("5000"),)):
        compare(rule, values)
    for parameters in ((), (1, 2), {"u": 1}, {"t": INT256_MIN - 1}, {"t": 5}):
        compare(rule, (ONE,), parameters)
    for period in (0, -1, 2**32 - 1, 2**32):
        compare(rule, (ONE,), period=period)


def test_a_state_of_another_rule_is_refused_as_ever() -> None:
    made = Rule(
        (number("x"),),
        (),
        (Definition("moved", parse("x - lag(x, 2)")),),
        (Line("pay", 0, 1, parse("moved + prev.mark + to_date.pay")),),
        (Payee("A", parse("pay")),),
        (Register("mark", parse("1"), parse("max(prev.mark, x)")),),
    )
    good = start_state(made, 2)
    for _ in range(3):
        good = evaluate(made, (n("3.21"),), period=good.periods + 1, state=good).state or good
    assert compare(made, (ONE,), period=4, state=good) is not None
    for bad in (
        good._replace(registers=()),
        good._replace(registers=(1, 2)),
        good._replace(histories=()),
        good._replace(histories=((ONE,),)),
        good._replace(to_date=(1,)),
        good._replace(to_date=()),
        good._replace(unit_decimals=19),
        good._replace(unit_decimals=-1),
        good._replace(periods=-1),
        good._replace(periods=2**32),
        good._replace(periods=0),
        good._replace(registers=(INT256_MAX + 1,)),
        good._replace(registers=(INT256_MAX,)),
        good._replace(histories=((ONE, INT256_MIN),)),
        good._replace(histories=((ONE, INT256_MAX),)),
        good._replace(histories=((ONE, ONE, ONE),)),
        good._replace(to_date=(INT256_MAX // 10**16 * 10**16,)),
        good._replace(to_date=(INT256_MIN // -(10**16) * -(10**16),)),
    ):
        compare(made, (ONE,), period=4, state=bad)
        compare(made, (-ONE,), period=4, state=bad)


def test_what_was_is_either_side_of_zero() -> None:
    made = one_line("abs(lag(x, 1)) + abs(lag(x, 2)) + abs(sum_last(x, 2))", number("x"))
    state = start_state(made)
    for period, x in enumerate(("-3", "4", "-7", "-1", "0"), 1):
        outcome = compare(made, (n(x),), period=period, state=state)
        assert outcome is not None
        assert outcome.state is not None
        state = outcome.state


def test_the_least_step_is_rounded_to_by_the_quick_evaluator_itself() -> None:
    made = one_line("round(x, y, up)", number("x"), KpiShape("y", 0, ONE, 18))
    assert readable(made, (ONE, 1), None, 1, None) == translate(made)((ONE, 1), 1, None)


def test_what_is_nested_too_deep_for_a_function_is_left_to_the_readable_evaluator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def too_deep(*_: object, **__: object) -> None:
        raise RecursionError

    monkeypatch.setattr("pyoutcome.formula.compiled.translate", too_deep)
    assert compare(one_line("x * 2", number("x")), (ONE,)) is not None


def test_many_periods_are_counted() -> None:
    made = one_line("min(period, 4_294_967_294.5) + lag(x, 1)", number("x"))
    quick = translate(made)
    for periods in (63, 64, 100, 2**32 - 2, 2**32 - 1):
        state, period = start_state(made)._replace(periods=periods, histories=((ONE,),)), min(periods + 1, 2**32 - 1)
        outcome = compare(made, (ONE,), period=period, state=state)
        assert outcome is not None
        assert outcome == quick((ONE,), period, state)
    register = Register("mark", parse("1"), parse("max(prev.mark, x)"))
    rule = replace(made, lines=(Line("pay", 0, 1, parse("prev.mark")),), registers=(register,))
    for decimals in (18, 19, -1):
        compare(rule, (ONE,), period=2, state=State(decimals, 1, (ONE,), (), (), ()))


@pytest.mark.parametrize("lazy", [False, True])
def test_the_deepest_formula_is_evaluated(lazy: bool) -> None:
    node: s.Node = s.Name("x")
    for level in range(s.DEEPEST - 2):
        condition = s.Compare(s.Relation.GT, s.Name("x"), s.Number(level * ONE))
        node = s.If(condition, s.Number(level), node) if lazy else s.Abs(s.Round(node, s.Number(3), Rounding.UP))
        if not lazy and level == s.DEEPEST // 2 - 2:
            break
    rule = Rule((number("x"),), (), (), (Line("pay", 0, 1, node),), (Payee("A", parse("pay")),))
    for x in ("0", "77"):
        compare(rule, (n(x),))


def test_a_rule_can_be_copied_and_pickled_after_it_was_translated() -> None:
    rule = one_line("x * 2", number("x"))
    for _ in range(6):
        evaluate(rule, (ONE,))
    for again in (pickle.loads(pickle.dumps(rule)), deepcopy(rule)):  # noqa: S301 - our own bytes
        assert rule == again
        assert evaluate(rule, (ONE,)) == evaluate(again, (ONE,))
