"""Bounds over many periods: they hold every history, and are tight where carried state means a plain deal."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from pyoutcome.decimals import parse as n
from pyoutcome.errors import FormulaError
from pyoutcome.formula import (
    Line,
    Payee,
    Rule,
    TermBounds,
    bounds,
    bounds_over,
    evaluate,
    evaluate_all,
    parse,
    start_state,
)
from pyoutcome.formula.period_ranges import PeriodRanges
from pyoutcome.formula.recurrence import Recurrence
from pyoutcome.formula.state import cut_to_units
from pyoutcome.formula.syntax import Name
from tests.formula.state_deals import DEALS, SIGNED, Deal, X, chances
from tests.formula.strategies import rules, values_for


@pytest.mark.parametrize("name", DEALS)
def test_a_deal_with_carried_state_has_these_bounds(name: str) -> None:
    deal, decimals, (low, high), (least, most) = DEALS[name]
    found = bounds_over(deal.rule(), 6, unit_decimals=decimals)
    assert (((n(low), n(high)),), ((n(least), n(most)),)) == (found.periods[-1], found.totals)
    if deal.amount == "pay" and len(deal.lines) == 1:
        assert found.totals == found.lines


@pytest.mark.parametrize("name", DEALS)
def test_a_period_by_itself_has_the_same_bounds(name: str) -> None:
    rule = DEALS[name][0].rule()
    assert bounds(rule, period=6) == bounds_over(rule, 6, unit_decimals=18).periods[-1]
    assert bounds_over(rule, 6).totals == bounds_over(rule, 6, unit_decimals=18).totals


def test_every_payee_has_its_own_lines() -> None:
    lines = (
        Line("fee", 0, 1, parse("3 * x - to_date.fee")),
        Line("credit", 0, -1, parse("max(1, y) - to_date.credit")),
        Line("share", 1, 1, parse("x - to_date.share")),
        Line("memo", 0, 0, parse("x * y")),
    )
    payees = (Payee("fee", parse("fee - credit")), Payee("pool", parse("min(share, 50 - earned_before.pool)")))
    found = bounds_over(Rule((X, SIGNED), (), (), lines, payees), 6, unit_decimals=6)
    assert ((n("-304"), n("304")), (n("-100"), n("100"))) == found.periods[-1]
    assert ((n("-5"), n("299")), (n("-250"), n("50"))) == found.totals  # -50 in truth: the cap is not followed


def test_a_sum_that_no_formula_computes_may_be_larger_than_any_value() -> None:
    half = "4" + "0" * 58
    large = replace(SIGNED, low=-n(half), high=n(half))
    made = Rule((large,), (), (), (Line("pay", 0, 1, parse("y")),), (Payee("UA", parse("max(pay, 0)")),))
    assert ((0, n(half)),) == bounds_over(made, 1).totals


def test_a_failure_names_the_period_it_may_happen_in() -> None:
    failing = Deal({"pay": "1 / (5 - prev.count)"}, registers={"count": ("0", "prev.count + 1")}).rule()
    with pytest.raises(FormulaError) as caught:
        bounds_over(failing, 8)
    assert ("possible-division-by-zero", 6) == (caught.value.code, caught.value.details["period"])
    with pytest.raises(FormulaError) as caught:
        bounds(failing, period=8)
    assert 6 == caught.value.details["period"]


def test_names_of_names_that_double_are_not_all_written_out() -> None:
    define = {"part_0": "x"} | {f"part_{at}": f"part_{at - 1} + part_{at - 1}" for at in range(1, 60)}
    found = bounds_over(Deal({"pay": "part_59 - to_date.pay"}, define=define).rule(), 2)
    assert (0, n("100") * 2**59) == found.periods[0][0]


def assert_inside(rule: Rule, found: TermBounds, periods: list[tuple[int, ...]], decimals: int) -> None:
    """No amount, and no sum of amounts, outside."""
    outcomes = evaluate_all(rule, periods, unit_decimals=decimals)
    for outcome, spreads in zip(outcomes, found.periods, strict=True):
        for amount, (low, high) in zip(outcome.amounts, spreads, strict=True):
            assert low <= amount <= high
    for at, (low, high) in enumerate(found.totals):
        assert low <= sum(cut_to_units(outcome.amounts[at], decimals) for outcome in outcomes) <= high
    for at, (low, high) in enumerate(found.lines):
        assert low <= sum(cut_to_units(outcome.lines[at], decimals) for outcome in outcomes) <= high


def assert_values_inside(rule: Rule, periods: list[tuple[int, ...]], decimals: int) -> None:
    """No definition, register or line of any period outside what is known of it before that period."""
    follow = Recurrence(rule, {}, decimals)
    state = start_state(rule, decimals)
    for number, values in enumerate(periods, 1):
        ranges = PeriodRanges(follow.frame, follow.past, number).ends
        told = evaluate(rule, values, period=number, state=state, explain=True)
        for step in told.steps:
            if step.kind in ("definition", "register", "line") and rule.types[step.name] == "number":
                for halving in (False, True):
                    low, high, grain = ranges.of(((1, Name(step.name)),), halving=halving)
                    assert low <= step.value <= high
                    assert step.value == 0 if grain == 0 else step.value % grain == 0
        assert told.state is not None
        state = told.state
        follow.step(number)


@pytest.mark.parametrize("name", DEALS)
def test_no_history_of_a_deal_leaves_its_bounds(name: str) -> None:
    deal, decimals, _, _ = DEALS[name]
    rule = deal.rule()
    for count in (1, 2, 6):
        found = bounds_over(rule, count, unit_decimals=decimals)
        for seed in range(40):
            assert_inside(rule, found, chances(rule, count, seed), decimals)


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(rules(3, state=True, tame=True), st.integers(1, 6), st.sampled_from([0, 1, 6, 18]), st.data())
def test_no_history_of_any_rule_leaves_its_bounds(made: Rule, count: int, decimals: int, data: st.DataObject) -> None:
    try:
        found = bounds_over(made, count, unit_decimals=decimals)
    except FormulaError as problem:
        assume(problem.code.startswith("possible-"))
        event(problem.code)
        return
    for _ in range(6):
        periods = [data.draw(values_for(made)) for _ in range(count)]
        assert_inside(made, found, periods, decimals)
    if decimals == 18:
        assert bounds(made, period=count) == found.periods[-1]
    elif decimals == 6:
        assert_values_inside(made, periods[:3], decimals)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(rules(3, state=True), st.sampled_from([0, 6, 18]), st.integers(0, 10**6))
def test_no_corner_of_the_ranges_leaves_its_bounds(made: Rule, decimals: int, seed: int) -> None:
    """Large numbers and every kind of table; each KPI at an end, beside one, or anywhere."""
    try:
        found = bounds_over(made, 3, unit_decimals=decimals)
    except FormulaError as problem:
        assume(problem.code.startswith("possible-"))
        event(problem.code)
        return
    for at in range(8):
        periods = chances(made, 3, seed + at)
        assert_inside(made, found, periods, decimals)
    assert_values_inside(made, periods, decimals)
