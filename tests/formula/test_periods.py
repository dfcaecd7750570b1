"""What goes into a period and what an error says about it; with explanations and without, all the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pyoutcome.decimals import INT256_MAX, INT256_MIN, ONE
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
    evaluate_all,
    explain,
    parse,
    start_state,
)

BOTH = pytest.mark.parametrize("work", [evaluate, explain])
Work = Callable[..., Outcome]
X = KpiShape("x", INT256_MIN, INT256_MAX, 18, opening=7 * ONE)


def rule(pay: str, payees: tuple[str, ...] = ("UA",), register: tuple[str, str] | None = None) -> Rule:
    registers = (Register("r", parse(register[0]), parse(register[1])),) if register else ()
    lines = tuple(Line(f"pay.{name}", at, 1, parse(pay)) for at, name in enumerate(payees))
    owed = tuple(Payee(name, parse(f"pay.{name}")) for name in payees)
    return Rule((X,), (("fee", ONE), ("rate", 2 * ONE)), (Definition("d", parse("x * 1")),), lines, owed, registers)


@BOTH
def test_terms_are_replaced_by_name_or_all_in_order(work: Work) -> None:
    made = rule("fee + rate * 10")
    assert 21 * ONE == work(made, (0,)).lines[0]
    assert 51 * ONE == work(made, (0,), {"rate": 5 * ONE}).lines[0]
    assert 34 * ONE == work(made, (0,), (4 * ONE, 3 * ONE)).lines[0]


@BOTH
def test_a_term_that_is_not_there_is_named(work: Work) -> None:
    with pytest.raises(FormulaError) as caught:
        work(rule("fee"), (0,), {"rates": 1})
    assert ("inputs-do-not-fit", {"name": "rates"}) == (caught.value.code, caught.value.details)
    assert "Did you mean 'rate'?" == caught.value.fix


@BOTH
@pytest.mark.parametrize(
    ("values", "terms", "period"),
    [
        ((), None, 1),
        ((0, 0), None, 1),
        ((0,), (1,), 1),
        ((0,), (1, 2, 3), 1),
        ((INT256_MIN - 1,), None, 1),
        ((INT256_MAX + 1,), None, 1),
        ((0,), {"fee": INT256_MAX + 1}, 1),
        ((0,), None, 0),
        ((0,), None, 2**32),
    ],
)
def test_inputs_that_do_not_fit_are_refused(work: Work, values: tuple[int, ...], terms: object, period: int) -> None:
    with pytest.raises(FormulaError) as caught:
        work(rule("x + fee"), values, terms, period)
    assert "inputs-do-not-fit" == caught.value.code


@BOTH
def test_inputs_may_be_the_greatest_there_are(work: Work) -> None:
    assert (INT256_MIN,) == work(rule("x"), (INT256_MIN,)).lines
    assert (INT256_MAX,) == work(rule("x"), (INT256_MAX,)).lines
    assert ((2**32 - 1) * ONE,) == work(rule("period"), (0,), None, 2**32 - 1).lines
    assert (ONE,) == work(rule("period"), (0,)).lines


@BOTH
def test_an_error_names_the_value_that_failed(work: Work) -> None:
    with pytest.raises(FormulaError) as caught:
        work(rule("fee / d"), (0,))
    assert ("division-by-zero", {"item": "pay.UA"}) == (caught.value.code, caught.value.details)


def test_an_error_among_many_periods_names_its_own() -> None:
    with pytest.raises(FormulaError) as caught:
        evaluate_all(rule("fee / d"), [(ONE,), (0,)], first=5)
    assert {"item": "pay.UA", "period": 6} == caught.value.details


@BOTH
def test_a_later_period_needs_what_the_one_before_left(work: Work) -> None:
    made = rule("lag(x, 1)")
    assert (7 * ONE,) == work(made, (0,)).lines
    with pytest.raises(FormulaError) as caught:
        work(made, (0,), None, 2)
    assert ("state-needed", {"period": 2}) == (caught.value.code, caught.value.details)


def test_periods_are_counted_from_the_first_and_go_on_from_what_was_left() -> None:
    made = rule("period * 100 + prev.r", register=("fee", "prev.r + x"))
    whole = evaluate_all(made, [(ONE,), (2 * ONE,), (3 * ONE,)])
    assert [101 * ONE, 202 * ONE, 304 * ONE] == [each.lines[0] for each in whole]
    assert whole[1:] == evaluate_all(made, [(2 * ONE,), (3 * ONE,)], state=whole[0].state, first=2)
    other = evaluate_all(made, [(ONE,)], (5 * ONE, 0))
    assert 105 * ONE == other[0].lines[0]


def test_sums_to_date_are_cut_to_the_units_of_the_token() -> None:
    made = rule("x + 0 * to_date.pay.UA")
    assert State(2, 0, (), (), (0,)) == start_state(made, 2)
    cent = ONE // 100
    states = [each.state for each in evaluate_all(made, [(cent * 3 // 2,)] * 2, unit_decimals=2)]
    assert [State(2, 1, (), (), (cent,)), State(2, 2, (), (), (2 * cent,))] == states
    assert [State(18, 1, (), (), (cent * 3 // 2,))] == [each.state for each in evaluate_all(made, [(cent * 3 // 2,)])]


@BOTH
def test_each_payee_has_its_own_past(work: Work) -> None:
    made = rule("x + earned_before.B6 * 10 + to_date.pay.UA", payees=("UA", "B6"))
    state = State(18, 3, (), (), (4 * ONE,), (5 * ONE,))
    outcome = work(made, (ONE,), None, 4, state)
    assert (55 * ONE, 55 * ONE) == outcome.amounts
    assert State(18, 4, (), (), (59 * ONE,), (60 * ONE,)) == outcome.state


@BOTH
def test_a_state_of_another_rule_is_refused(work: Work) -> None:
    for made in (rule("x"), rule("lag(x, 1)")):
        with pytest.raises(FormulaError) as caught:
            work(made, (ONE,), None, 2, State(18, 1, (), ((ONE, ONE),)))
        assert "state-does-not-fit" == caught.value.code


@BOTH
def test_the_only_payee_need_not_be_named(work: Work) -> None:
    state = State(18, 1, (), (), (), (3 * ONE,))
    for name in ("earned_before", "earned_before.UA"):
        assert 4 * ONE == work(rule(f"x + {name}"), (ONE,), None, 2, state).lines[0]


def test_without_need_there_is_neither_state_nor_explanation() -> None:
    plain = evaluate(rule("x"), (ONE,))
    assert (None, ()) == (plain.state, plain.steps)
    assert ["d", "pay.UA", "amount of UA"] == [step.name for step in explain(rule("x"), (ONE,)).steps]
    assert ["definition", "line", "payee"] == [step.kind for step in explain(rule("x"), (ONE,)).steps]
    assert (ONE,) == plain.definitions
