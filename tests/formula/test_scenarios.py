"""Many scenarios at once give what each gives by itself: within 1e-9 of the exact figure, relative to it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyoutcome.decimals import INT256_MAX, ONE
from pyoutcome.decimals import parse as n
from pyoutcome.errors import FormulaError
from pyoutcome.formula import KpiShape, Line, Outcome, Payee, Rule, State, evaluate, parse, start_state
from pyoutcome.formula.machine import RUN_ERRORS
from pyoutcome.formula.scenarios import Scenarios, evaluate_many
from tests.corpus.published import NAMES, load_agreement
from tests.formula import small
from tests.formula.strategies import rules, values_for

Words = tuple[int, ...]
ROOT = Path(__file__).parents[2]
WITHIN = Fraction(1, 10**9)


def natural(kpi: KpiShape, word: int) -> float:
    return word / 1 if kpi.type == "yes_no" else word / ONE


def representable(kpi: KpiShape, word: int) -> int:
    """The same word, or one near it that a float holds exactly."""
    if kpi.type == "yes_no" or max(abs(kpi.low), abs(kpi.high)) // kpi.multiple < 2**50:
        return word
    return word // (ONE // 4) * (ONE // 4)


def is_close(exact: Fraction, found: float) -> bool:
    return abs(Fraction(found) - exact) <= WITHIN * abs(exact)


def attempt(rule: Rule, words: Words, period: int, state: State) -> tuple[Outcome | None, int]:
    """The exact outcome, or the number of the error."""
    try:
        return evaluate(rule, words, None, period, state, explain=True), 0
    except FormulaError as problem:
        return None, RUN_ERRORS[problem.code]


def compare(
    rule: Rule, stories: Sequence[Sequence[Words]], unit_decimals: int = 18, first: int = 1, state: State | None = None
) -> Scenarios:
    """Scenarios, each with the words of successive periods, in one go and by the exact evaluator."""
    stories = [
        [tuple(representable(kpi, word) for kpi, word in zip(rule.kpis, period, strict=True)) for period in story]
        for story in stories
    ]
    values = {
        kpi.full_name: [[natural(kpi, story[at][place]) for story in stories] for at in range(len(stories[0]))]
        for place, kpi in enumerate(rule.kpis)
    }
    found = evaluate_many(rule, values, None, first, state, unit_decimals=unit_decimals, definitions=True)
    for place, story in enumerate(stories):
        left = state or start_state(rule, unit_decimals)
        for at, words in enumerate(story):
            outcome, error = attempt(rule, words, first + at, left)
            assert error == found.errors[at, place]
            if outcome is None:
                assert all(np.isnan(each[at, place]) for each in (*found.lines.values(), *found.amounts.values()))
                continue
            left = outcome.state or left
            for line, exact in zip(rule.lines, outcome.lines, strict=True):
                assert is_close(Fraction(exact, ONE), found.lines[line.name][at, place]), (line.name, words)
            for payee, exact in zip(rule.payees, outcome.amounts, strict=True):
                assert is_close(Fraction(exact, ONE), found.amounts[payee.name][at, place]), (payee.name, words)
            for each, exact in zip(rule.definitions, outcome.definitions, strict=True):
                scale = 1 if rule.types[each.name] == "yes_no" else ONE
                assert is_close(Fraction(exact, scale), found.definitions[each.name][at, place]), (each.name, words)
    return found


def one_line(text: str, *kpis: KpiShape) -> Rule:
    return Rule(kpis, (), (), (Line("pay", 0, 1, parse(text)),), (Payee("A", parse("pay")),))


def number(name: str, low: str = "-1000", high: str = "1000", decimals: int = 2) -> KpiShape:
    return KpiShape(name, n(low), n(high), decimals)


BIG = number("x", "-1_000_000_000_000_000_000", "1_000_000_000_000_000_000")
"""Has more values than floats tell apart."""


@settings(max_examples=60)
@given(rules(), st.data())
def test_random_rules_give_the_same(rule: Rule, data: Any) -> None:
    compare(rule, [[words] for words in data.draw(st.lists(values_for(rule), min_size=1, max_size=8))])


@settings(max_examples=30)
@given(rules(tame=True))
def test_ordinary_rules_give_the_same_on_every_edge(rule: Rule) -> None:
    """All values of their small KPIs, so that every edge, tie and crossing is met."""
    grid = [(k0 * ONE, k1 * ONE // 10, flag) for k0 in range(-3, 6) for k1 in range(0, 21, 4) for flag in (0, 1)]
    compare(rule, [[words] for words in grid])


@pytest.mark.parametrize("formula", [row[0] for row in small.ROWS])
def test_every_kind_of_formula_gives_the_same(formula: str) -> None:
    compare(small.rule(formula), [[words] for words in small.grid_of(formula, most=5)])


@settings(max_examples=50)
@given(
    st.one_of(rules(size=2, state=True), rules(size=2, state=True, tame=True)), st.sampled_from((0, 2, 18)), st.data()
)
def test_carried_state_is_the_same(rule: Rule, unit_decimals: int, data: Any) -> None:
    periods = data.draw(st.integers(1, 5))
    story = st.lists(values_for(rule), min_size=periods, max_size=periods)
    compare(rule, data.draw(st.lists(story, min_size=1, max_size=4)), unit_decimals)


@settings(max_examples=20)
@given(rules(size=2, state=True, tame=True), st.data())
def test_scenarios_go_on_from_what_was_settled(rule: Rule, data: Any) -> None:
    state = start_state(rule, 2)
    for words in data.draw(st.lists(values_for(rule), max_size=4)):
        try:
            state = evaluate(rule, words, None, state.periods + 1, state).state or state
        except FormulaError:
            break
    story = st.lists(values_for(rule), min_size=2, max_size=2)
    compare(rule, data.draw(st.lists(story, min_size=1, max_size=4)), 2, state.periods + 1, state)


@pytest.mark.parametrize("name", NAMES)
def test_a_published_mechanism_gives_the_same(name: str) -> None:
    """With values on and one step beside the numbers that its formulas mention, too."""
    agreement = load_agreement(name)
    rule = agreement.rule()
    random = np.random.default_rng(5)
    columns = []
    for kpi in rule.kpis:
        low, high = kpi.low // kpi.multiple, kpi.high // kpi.multiple
        ends = [low, low + 1, high - 1, high, *((low + high) // part for part in (2, 3, 7))]
        drawn = random.integers(low, high, size=40 - len(ends), endpoint=True)
        columns.append([int(each) * kpi.multiple for each in (*ends, *drawn)])
        random.shuffle(columns[-1])
    stories = list(zip(*columns, strict=True)) if columns else []
    periods = min(3, len(agreement.periods)) if rule.sequential else 1
    found = compare(rule, [stories[at : at + periods] for at in range(len(stories) - periods + 1)], 2)
    assert found.exactly.mean() < 0.2, "floats decide almost everything"


EDGES = [
    "step(x, [at_least 0.3 gives 10, above 0.1 gives 5, otherwise 0])",
    "step(x * y, [at_least 0.3 gives 10, above 0.1 gives 5, otherwise 0])",
    "1 if x / 3 * 3 >= 0.3 else 0",
    "1 if x / 3 >= 0.1 else 0",
    "1 if x / y > 1 else 0",
    "1 if x / y == y / x else 0",
    "round(x * y, 0.05, half_up)",
    "round(x * y / 3, 0.05, half_even)",
    "round(x / y, 0.1, down)",
    "round(x / y, 0.1, up)",
    "round(-x / 7 * y, 0.1, floor)",
    "round(x - 0.1, 0.2, ceil)",
    "round(x, 0.03, half_up)",
    "round(x, y, half_up)",
    "x / 3 - y / 3",
    "x / 3 + 0.1 - y / 3",
    "(x - 0.3) / 1_000_000_000 / 7 * 1_000_000_000_000",
    "x * 0.000000001 * y * 0.000000001",
    "curve(x, [-1 gives 3, 0.1 gives 0.1, 0.3 gives -7, 2 gives 0])",
    "curve(x / y, [0 gives 0, 1 gives 1, 3 gives 7])",
    "curve(x, [0 gives 0, 0.3 gives 1, 1 gives 1])",
    "bands(x, [upto 0.1 at 5, next 0.2 at -7, rest at 1])",
    "bands(x / y, [upto 1 at 0, rest at 1_000])",
    "bands(x, [upto y at 0, rest at 1_000])",
    "min(x / 3, y / 3, x * y)",
    "clamp(x, y, 1)",
    "clamp(x / 3, 0.1, 0.2)",
    "outside(x / 3, 0.1, 0.2)",
    "abs(x / 3 - 0.1)",
    "1 / (x - y)",
    "1 / (x / 3 - 0.1)",
    "x / y if y > 0 else 0",
    "x / (y - 0.3) if y > 0.3 or x > 1 / (y - 0.1) else 1",
    "1 if x > 0.1 and 1 / (x - 0.1) > 2 else 0",
    "curve(x, [0 gives 1, y gives 2])",
    "round(x, 0, up) if x > 0 else 1",
    *(f"1 if {sign}x {relation} 0.25 else 0" for sign in ("", "-") for relation in ("<", "<=", "==", "!=", ">", ">=")),
    *(f"1 if {sign}x {relation} 0.3 else 0" for sign in ("", "-") for relation in ("<", "<=", "==", "!=", ">", ">=")),
    "1_000_000_000_000 * x * 1_000_000_000 * y - 300_000_000_000_000_000_000",
]


@pytest.mark.parametrize("text", EDGES)
def test_on_an_edge_and_beside_it(text: str) -> None:
    rule = one_line(text, number("x", "-1", "2", 1), number("y", "-1", "2", 1))
    step = n("0.1")
    compare(rule, [[(x * step, y * step)] for x in range(-10, 21) for y in range(-10, 21)])


@pytest.mark.parametrize(
    "text",
    [
        "x * x",
        "x + x",
        "abs(-x - x)",
        "1 if x > 1 else x * x * x",
        f"curve(x, [0 gives -{'9' * 58}, 1 gives {'5' * 58}])",
        f"x * {'9' * 40} * {'9' * 20}",
        f"max(x * {'9' * 40}, 0)",
        f"curve(x, [-{'5' * 59} gives 0, {'5' * 59} gives 1])",
        f"curve(x, [0 gives -{'5' * 59}, 4 gives {'5' * 59}])",
        f"curve(x, [-{'5' * 59} gives -{'5' * 59}, 0 gives 0, {'5' * 59} gives {'5' * 59}])",
    ],
)
def test_overflow_is_found_by_the_exact_evaluator(text: str) -> None:
    rule = one_line(text, KpiShape("x", -(INT256_MAX // ONE * ONE), INT256_MAX // ONE * ONE, 0))
    compare(rule, [[(word * ONE,)] for word in (0, 1, -(2**120), 2**100, 2**187, -(2**190))])


def test_a_value_just_too_large_is_told_from_one_that_just_fits() -> None:
    """Nearer to each other than the error of a result may be."""
    rule = one_line(f"x * {INT256_MAX // ONE // 1_000_000_000}", number("x", "0", "2_000_000_000"))
    found = compare(rule, [[(n(x),)] for x in ("1_000_000_000", "1_000_000_000.01", "999_999_999", "999_999_000")])
    assert [0, RUN_ERRORS["overflow"], 0, 0] == found.errors[0].tolist()
    assert not found.exactly[3]


def test_a_total_over_providers_is_the_same() -> None:
    parts = tuple(KpiShape("sold", n("-9"), n("9"), 1, provider) for provider in ("UA", "B6", "DL"))
    rule = one_line("total.sold * 2 + sold.B6", *parts)
    compare(rule, [[(n(str(x)), n(str(y)), n(str(z)))] for x in (-9, 0.5, 9) for y in (-1, 0, 3) for z in (0, 8.1)])


def test_what_cannot_be_told_apart_by_floats_is_worked_out_exactly() -> None:
    rule = one_line("1 if x / 3 >= 0.1 else 0", number("x"))
    found = evaluate_many(rule, {"x": [0.29, 0.3, 0.31, 5]})
    assert [False, True, False, False] == found.exactly.tolist()
    assert [0, 1, 1, 1] == found.amounts["A"].tolist()


def test_a_branch_that_does_not_apply_casts_no_doubt() -> None:
    rule = one_line("x / y if y > 0 and 1 / y < 5 else 0", number("x"), number("y"))
    found = evaluate_many(rule, {"x": [1, 1, 1], "y": [0, 0.5, 0.1]})
    assert not found.exactly.any()
    assert [0, 2, 0] == found.amounts["A"].tolist()


def test_a_scenario_that_fails_says_why_and_leaves_the_others_alone() -> None:
    rule = one_line("1 / x", number("x"))
    found = evaluate_many(rule, {"x": [4, 0, -2]})
    assert [0, RUN_ERRORS["division-by-zero"], 0] == found.errors.tolist()
    assert [0.25, -0.5] == found.amounts["A"][[0, 2]].tolist()
    assert np.isnan(found.amounts["A"][1])


def test_values_outside_their_range_are_worked_out_exactly() -> None:
    rule = one_line("x * 2", number("x", "10", "20"))
    found = evaluate_many(rule, {"x": np.array([15, 20, 20.01, -1e30, 10, 9.99, 7, 30])})
    assert [False, False, True, True, False, True, True, True] == found.exactly.tolist()
    assert pytest.approx([30, 40, 40.02, -2e30, 20, 19.98, 14, 60], rel=1e-9) == found.lines["pay"].tolist()


@pytest.mark.parametrize(("low", "high", "outside"), [("10", "20", 7.0), ("-20", "-10", -7.0)])
def test_a_value_between_a_range_and_zero_is_outside_it(low: str, high: str, outside: float) -> None:
    assert evaluate_many(one_line("x", number("x", low, high)), {"x": [outside]}).exactly.all()


def test_values_beyond_what_floats_tell_apart_need_not_be_worked_out_exactly() -> None:
    rule = one_line("(x * 2 if x > 500_000_000_000_000 else 1) * 3", BIG)
    found = compare(rule, [[(n(x),)] for x in ("400_000_000_000_000", "600_000_000_000_000.25", "-7", "0")])
    assert not found.exactly.any()


def test_whole_numbers_that_floats_do_not_tell_apart_are_compared_exactly() -> None:
    rule = one_line("1 if x > y else 0", BIG, replace(BIG, name="y"))
    found = evaluate_many(rule, {"x": [2**53 + 1, 5], "y": [2**53, 5]})
    assert [1, 0] == found.amounts["A"].tolist()
    assert [True, True] == found.exactly.tolist()


def test_squares_of_great_negative_values_are_not_taken_for_exact() -> None:
    rule = one_line("x * x - y * y", number("x", "-1_000_000_000", "0"), number("y", "-1_000_000_000", "0"))
    compare(rule, [[(n("-999_999_999.99"), n("-999_999_999.98"))], [(n("-5"), n("-7"))], [(0, 0)]])


def test_values_count_as_the_nearest_multiple_of_their_decimals() -> None:
    rule = one_line("1 if x >= 0.3 else 0", number("x", decimals=1))
    assert [1, 1, 0] == evaluate_many(rule, {"x": [0.1 + 0.2, 0.2501, 0.2499]}).amounts["A"].tolist()


def test_values_come_as_floats_whole_numbers_answers_or_one_number_for_all() -> None:
    kpis = (number("x"), KpiShape.yes_no("met"), KpiShape.choice("tier", ("gold", "silver")))
    rule = one_line("x * pick(tier, [gold gives 2, silver gives 3]) if met else 0", *kpis)
    ways: list[dict[str, Any]] = [
        {"x": [1.0, 2.0, 3.0], "met": [1.0, 0.0, 1.0], "tier": [1.0, 1.0, 2.0]},
        {"x": np.array([1, 2, 3], dtype=np.uint8), "met": [True, False, True], "tier": [1, 1, 2]},
        {"x": [1, 2, 3], "met": np.array([1, 0, 1], dtype=np.int64), "tier": np.array([1, 1, 2], dtype=np.float32)},
    ]
    for values in ways:
        found = evaluate_many(rule, values)
        assert [2, 0, 9] == found.amounts["A"].tolist()
        assert not found.exactly.any()
    assert [2, 4] == evaluate_many(rule, {"x": [1, 2], "met": 1, "tier": 1}).amounts["A"].tolist()
    assert [2, 0, 9] == evaluate_many(rule, [[1, 2, 3], [1, 0, 1], [1, 1, 2]]).amounts["A"].tolist()
    assert (1, 3) == evaluate_many(rule, [[[1, 2, 3], [1, 0, 1], [1, 1, 2]]]).amounts["A"].shape
    assert [6] == evaluate_many(rule, {"x": 3, "met": 1, "tier": 1}).amounts["A"].tolist()


@pytest.mark.parametrize(
    "values",
    [
        {"x": [1, float("nan")]},
        {"x": [float("inf")]},
        {"x": ["1"]},
        {"x": [1], "y": [2]},
        {},
        [1, 2],
        [[1], [2]],
        np.zeros((0, 1, 3)),
        {"x": np.zeros((2, 2, 2))},
        {"x": [10.0**70]},
    ],
)
def test_values_that_are_no_numbers_or_too_many_are_refused(values: Any) -> None:
    with pytest.raises(FormulaError) as caught:
        evaluate_many(one_line("x", number("x")), values)
    assert "inputs-do-not-fit" == caught.value.code


def test_shapes_that_do_not_match_are_refused() -> None:
    with pytest.raises(FormulaError) as caught:
        evaluate_many(one_line("x + y", number("x"), number("y")), {"x": [1, 2], "y": [1, 2, 3]})
    assert "inputs-do-not-fit" == caught.value.code


def test_other_terms_are_exact() -> None:
    rule = Rule(
        (number("x"),), (("rate", n("2")),), (), (Line("pay", 0, 1, parse("x * rate")),), (Payee("A", parse("pay")),)
    )
    assert [6.0] == evaluate_many(rule, {"x": [3]}).amounts["A"].tolist()
    assert [0.3] == evaluate_many(rule, {"x": [3]}, {"rate": n("0.1")}).amounts["A"].tolist()
    outside = evaluate_many(rule, {"x": [3, 2_000]}, {"rate": n("0.1")})
    assert [False, True] == outside.exactly.tolist()
    assert pytest.approx([0.3, 200], rel=1e-9) == outside.amounts["A"].tolist()
    assert [4_000] == evaluate_many(rule, {"x": [2_000]}).amounts["A"].tolist()
    with pytest.raises(FormulaError, match="no term"):
        evaluate_many(rule, {"x": [3]}, {"price": 1})


def test_a_later_period_of_a_rule_that_looks_back_needs_its_state() -> None:
    rule = one_line("x + to_date.pay", number("x"))
    with pytest.raises(FormulaError) as caught:
        evaluate_many(rule, {"x": [3]}, first=2)
    assert "state-needed" == caught.value.code


def test_the_example_of_the_page_prints_what_it_says() -> None:
    page = (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")
    code = page.split("```python")[1].split("```")[0]
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    said = [line.partition(")  # ")[2] for line in code.splitlines() if line.startswith("print(")]
    assert said == done.stdout.splitlines()


def test_an_agreement_works_out_scenarios_in_its_token() -> None:
    agreement = load_agreement("rebate-cumulative-units")
    found = agreement.scenarios({"sold": [[2, 6], [2, 0], [2, 0]], "returned": [[0, 0], [0, 2], [0, 0]]})
    assert [[-20, -120], [-40, 60], [-60, 0]] == found.amounts["Provider"].tolist()


def test_more_scenarios_than_fit_one_block_are_all_worked_out() -> None:
    rule = one_line("x * 2 if x != 7 else 1 / (x - 7)", number("x", "0", "100_000", 0))
    many = np.arange(40_000)
    found = evaluate_many(rule, {"x": many})
    assert [7] == np.flatnonzero(found.exactly).tolist() == np.flatnonzero(found.errors).tolist()
    assert (many[8:] * 2 == found.amounts["A"][8:]).all()


def test_nothing_of_it_is_loaded_before_it_is_used() -> None:
    code = "import sys, pyoutcome.formula, pyoutcome.terms; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "False" == done.stdout.strip()
