"""Many scenarios that look back: what is carried from period to period, and going on from what was settled."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pyoutcome.decimals import ONE
from pyoutcome.decimals import parse as n
from pyoutcome.errors import FormulaError
from pyoutcome.formula import (
    Definition,
    KpiShape,
    Line,
    Payee,
    Register,
    Rule,
    State,
    evaluate_all,
    parse,
    start_state,
)
from pyoutcome.formula.scenarios import evaluate_many
from tests.formula.test_scenarios import compare, number, one_line

Words = tuple[int, ...]

KPIS = (
    KpiShape("met", 0, 1, 18, type="yes_no", opening=1),
    KpiShape("x", n("-9"), n("9"), 1, opening=n("2.5")),
    KpiShape("y", n("0"), n("9"), 0),
)
REGISTERS = (
    Register("balance", parse("100"), parse("prev.balance * 0.5 + x")),
    Register("was", parse("yes"), parse("prev.was and x > -1 or prev.met")),
)
LINES = (
    Line("base", 0, 1, parse("x * 0.125 + prev.balance * 0.05")),
    Line("bonus", 0, -1, parse("to_date.base / 2 + lag(x, 2) + sum_last(y, 3) if prev.was else prev.x")),
)


def one_payee() -> Rule:
    """Made anew for each test: a rule keeps what it has been translated to."""
    definitions = (
        Definition("good", parse("prev.met or met")),
        Definition("recent", parse("sum_last(y, 3)")),
        Definition("half", parse("earned_before / rate")),
    )
    payees = (Payee("A", parse("base - bonus + half + (1 if good else 0)")),)
    return Rule(KPIS, (("rate", n("2")),), definitions, LINES, payees, REGISTERS)


def two_payees() -> Rule:
    definitions = (
        Definition("good", parse("prev.met or met")),
        Definition("recent", parse("sum_last(y, 3)")),
        Definition("half", parse("earned_before.B / rate")),
    )
    payees = (Payee("A", parse("base - bonus")), Payee("B", parse("(bonus - base) * 2 + half")))
    return Rule(KPIS, (("rate", n("2")),), definitions, LINES, payees, REGISTERS)


STORIES: list[list[Words]] = [
    [(met, x * ONE // 10, y * ONE) for met, x, y in zip(answers, xs, ys, strict=True)]
    for answers, xs, ys in (
        ((1, 0, 0, 1), (25, -31, 7, 90), (1, 2, 3, 4)),
        ((0, 0, 1, 0), (-90, 1, -1, 0), (9, 0, 5, 7)),
        ((1, 1, 1, 1), (0, 0, 0, 0), (0, 0, 0, 0)),
        ((0, 1, 0, 0), (11, 22, -33, -44), (3, 3, 8, 1)),
    )
]


@pytest.mark.parametrize("unit_decimals", [0, 2, 18])
@pytest.mark.parametrize("make", [one_payee, two_payees])
def test_periods_build_on_one_another(make: Callable[[], Rule], unit_decimals: int) -> None:
    found = compare(make(), STORIES, unit_decimals)
    assert not found.exactly.any()


@pytest.mark.parametrize("settled", [1, 2, 3])
@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("make", [one_payee, two_payees])
def test_scenarios_go_on_from_what_was_settled(make: Callable[[], Rule], story: list[Words], settled: int) -> None:
    rule = make()
    state = evaluate_all(rule, story[:settled], state=start_state(rule, 2))[-1].state
    assert state is not None
    found = compare(rule, [each[:2] for each in STORIES], 2, settled + 1, state)
    assert not found.exactly.any()


def test_a_scenario_that_floats_cannot_decide_carries_its_own_state() -> None:
    rule = one_line("(1 if x / 3 >= 0.1 else 2) + to_date.pay", number("x"))
    found = compare(rule, [[(n("0.3"),)] * 4, [(n("0.4"),), (n("0.3"),), (n("0.2"),), (n("1"),)], [(ONE,)] * 4])
    assert [True, True, False] == found.exactly.tolist()


def test_a_period_that_fails_leaves_the_state_as_it_was() -> None:
    rule = one_line("1 / x + to_date.pay", number("x"))
    compare(rule, [[(ONE,), (0,), (ONE,)], [(0,), (0,), (2 * ONE,)]])


def test_sums_to_date_start_in_units_of_the_token() -> None:
    rule = one_line("x / 3 + to_date.pay", number("x"))
    found = evaluate_many(rule, {"x": [[1.0], [0.0]]}, unit_decimals=2)
    assert [pytest.approx(1 / 3, rel=1e-9), 0.33] == found.amounts["A"][:, 0].tolist()


def test_sums_to_date_are_not_cut_where_a_unit_is_the_last_decimal() -> None:
    """A value that floats do not hold exactly would be doubtful, if it were cut."""
    rule = one_line("x / 3 + to_date.pay", number("x", "0"))
    found = compare(rule, [[(ONE,), (2 * ONE,), (0,)], [(0,), (n("0.01"),), (5 * ONE,)]])
    assert not found.exactly.any()


def test_a_state_of_the_smallest_amounts_counts() -> None:
    rule = one_line("x + to_date.pay", number("x"))
    for paid in (1, -1, 0):
        found = compare(rule, [[(0,)], [(ONE,)]], 18, 2, State(18, 1, to_date=(paid,)))
        assert not found.exactly.any()


def test_what_is_divided_by_may_be_a_sum_that_is_zero_so_far() -> None:
    rule = one_line("1 / to_date.pay if to_date.pay > 0 else x", number("x"))
    compare(rule, [[(0,), (0,)], [(ONE,), (4 * ONE,)]])


@pytest.mark.parametrize(
    "state",
    [
        State(18, 1, (), ((0,), (0,), (0,)), (0,), (0,)),
        State(18, 1, (0, 0), ((0,), (0,)), (0,), (0,)),
        State(18, 1, (0, 0), ((0,), (0,), (0, 0)), (0,), (0,)),
        State(18, 1, (0, 0), ((0,), (0,), (0,)), (), (0,)),
        State(18, 1, (0, 0), ((0,), (0,), (0,)), (0,), ()),
    ],
)
def test_a_state_that_does_not_belong_to_the_rule_is_refused(state: State) -> None:
    with pytest.raises(FormulaError) as caught:
        evaluate_many(one_payee(), [[1], [1], [1]], first=2, state=state)
    assert "state-does-not-fit" == caught.value.code
