"""Carried state: what periods leave to later ones, in the evaluator and in programs alike."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from pyoutcome.decimals import INT256_MAX, INT256_MIN, ONE, show
from pyoutcome.decimals import parse as n
from pyoutcome.errors import FormulaError
from pyoutcome.formula import (
    Definition,
    KpiShape,
    Line,
    Names,
    Outcome,
    Payee,
    Register,
    Rule,
    State,
    begin,
    decode,
    encode,
    evaluate,
    evaluate_all,
    explain,
    parse,
    run,
    start_state,
    to_text,
    verify,
)
from pyoutcome.formula.machine import RUN_ERRORS
from pyoutcome.formula.state import cut_to_units
from tests.formula.strategies import rules, rules_with_periods, words

QUIET = list(HealthCheck)
X = KpiShape("x", INT256_MIN, INT256_MAX, 18, opening=n("7"))


def rule(
    pay: str,
    registers: dict[str, tuple[str, str]] | None = None,
    define: dict[str, str] | None = None,
    amount: str = "pay",
    periods_per_year: int | None = None,
) -> Rule:
    carried = [Register(name, parse(start), parse(after)) for name, (start, after) in (registers or {}).items()]
    return Rule(
        (X,),
        (("fee", n("100")),),
        tuple(Definition(name, parse(text)) for name, text in (define or {}).items()),
        (Line("pay", 0, 1, parse(pay)),),
        (Payee("UA", parse(amount)),),
        tuple(carried),
        periods_per_year,
    )


def lines(made: Rule, *xs: str, unit_decimals: int = 18) -> list[str]:
    """The line in every period, the evaluator and the program agreeing on it."""
    outcomes = evaluate_all(made, [(n(x),) for x in xs], unit_decimals=unit_decimals)
    shape = verify(encode(made).data)
    state = begin(shape, unit_decimals)
    for period, (x, outcome) in enumerate(zip(xs, outcomes, strict=True), 1):
        result = run(shape, (n(x),), (n("100"),), period, state)
        assert (0, outcome.lines, outcome.state) == (result.error, result.lines, result.state)
        state = result.state or state
    return [show(outcome.lines[0]) for outcome in outcomes]


@pytest.mark.parametrize(
    ("made", "xs", "expected"),
    [
        (rule("prev.r", {"r": ("fee / 4", "prev.r + x")}), ("1", "2", "3"), ["25", "26", "28"]),
        (rule("r", {"r": ("fee / 4", "prev.r + x")}), ("1", "2", "3"), ["26", "28", "31"]),
        # registers change together, from the values before: two that swap keep both
        (rule("prev.a", {"a": ("1", "prev.b"), "b": ("2", "prev.a")}), ("0", "0", "0"), ["1", "2", "1"]),
        # and one may follow another of the same period
        (rule("b", {"b": ("0", "a * 2"), "a": ("0", "prev.a + x")}), ("1", "2"), ["2", "6"]),
        (
            rule("1 if prev.met else 0", {"met": ("no", "prev.met or x > 5")}),
            ("1", "9", "1", "1"),
            ["0", "0", "1", "1"],
        ),
        (rule("20% * max(0, x - prev.mark)", {"mark": ("1", "max(prev.mark, x)")}), ("1.05", "1.02"), ["0.01", "0"]),
        (rule("prev.x"), ("1", "2", "3"), ["7", "1", "2"]),
        (rule("lag(x, 2)"), ("1", "2", "3", "4"), ["7", "7", "1", "2"]),
        (rule("lag(x, 1) + 10 * prev.x"), ("1", "2"), ["77", "11"]),
        (rule("sum_last(x, 2)"), ("1", "2", "3", "4"), ["0", "1", "3", "5"]),
        (rule("sum_last(x, 3) - sum_last(x, 2)"), ("1", "2", "3", "4"), ["0", "0", "0", "1"]),
        (rule("lag(part, 1)", define={"part": "x * 2"}), ("1", "2"), ["0", "2"]),
        (rule("lag(r, 2)", {"r": ("5", "prev.r + x")}), ("1", "2", "3"), ["5", "5", "6"]),
        (rule("min(x, 9 - sum_last(pay, 2))"), ("5", "5", "5", "5"), ["5", "4", "0", "5"]),
        (rule("x - to_date.pay"), ("5", "7", "4"), ["5", "2", "-3"]),
        (rule("min(x, 10 - earned_before)"), ("4", "4", "4"), ["4", "4", "2"]),
        (rule("year * 100 + period_of_year", periods_per_year=2), ("0",) * 5, ["101", "102", "201", "202", "301"]),
        (rule("period_of_year", periods_per_year=1), ("0", "0"), ["1", "1"]),
        (rule("pay.base - to_date.pay", define={"pay.base": "x * 3"}), ("1", "2"), ["3", "3"]),
    ],
)
def test_values_of_earlier_periods_count_like_this(made: Rule, xs: tuple[str, ...], expected: list[str]) -> None:
    assert expected == lines(made, *xs)
    data = encode(made).data
    again = decode(data, Names.of(made))
    assert data == encode(again).data
    read = to_text(again.lines[0].formula)
    assert to_text(made.lines[0].formula).replace("lag(x, 1)", "prev.x") == read


def test_what_is_cut_off_a_true_up_comes_with_the_next_one() -> None:
    made = rule("x / 3 - to_date.pay")
    assert ["0.333333333333333333", "0.336666666666666666", "0.34"] == lines(made, "1", "2", "3", unit_decimals=2)
    outcomes = evaluate_all(made, [(n("1"),), (n("2"),), (n("3"),)], unit_decimals=2)
    assert [n("0.33"), n("0.66"), ONE] == [outcome.state.to_date[0] for outcome in outcomes if outcome.state]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-(10**21), 10**21), min_size=1, max_size=12), st.integers(0, 18), st.integers(1, 13))
def test_true_ups_leave_no_dust(values: list[int], decimals: int, by: int) -> None:
    """However often an entitlement is restated, all paid so far is the entitlement, cut to base units once."""
    made = rule(f"x / {by} - to_date.pay")
    outcomes = evaluate_all(made, [(value,) for value in values], unit_decimals=decimals)
    unit = 10 ** (18 - decimals)
    paid = 0
    for value, outcome in zip(values, outcomes, strict=True):
        paid += cut_to_units(outcome.amounts[0], decimals)
        assert abs(Fraction(value, by) - paid) < unit + 1
        assert outcome.state is not None
        assert (paid,) == outcome.state.to_date


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(-(10**20), 10**20), min_size=1, max_size=9), st.integers(1, 5))
def test_histories_and_registers_are_folds_of_the_periods(values: list[int], back: int) -> None:
    registers = {"all": ("0", "prev.all + x"), "most": ("-1_000", "max(prev.most, x)")}
    made = rule(f"sum_last(x, {back}) + lag(x, {back}) * 0", registers)
    outcomes = evaluate_all(made, [(value,) for value in values])
    for at, outcome in enumerate(outcomes):
        assert outcome.state is not None
        assert sum(values[max(0, at - back) : at]) == outcome.lines[0]
        assert (sum(values[: at + 1]), max(n("-1_000"), *values[: at + 1])) == outcome.state.registers
        assert tuple(reversed(values[: at + 1]))[:back] == outcome.state.histories[0]


def outcome_or_error(made: Rule, values: tuple[int, ...], period: int, state: State) -> Outcome | int:
    try:
        return evaluate(made, values, period=period, state=state)
    except FormulaError as problem:
        return RUN_ERRORS[problem.code]


@settings(max_examples=300, deadline=None, suppress_health_check=QUIET)
@given(rules_with_periods(), st.integers(0, 18), st.integers(1, 300))
def test_machine_equals_evaluator_through_many_periods(
    case: tuple[Rule, tuple[tuple[int, ...], ...]], decimals: int, first: int
) -> None:
    made, periods = case
    shape = verify(encode(made).data)
    state = start_state(made, decimals)
    assert state == begin(shape, decimals)
    for period, values in enumerate(periods, first):
        result = run(shape, values, [value for _, value in made.parameters], period, state)
        outcome = outcome_or_error(made, values, period, state)
        if isinstance(outcome, int):
            event("error")
            assert (outcome, None) == (result.error, result.state)  # and the state stays the one before
            continue
        assert (0, outcome.lines, outcome.amounts, outcome.state) == (
            result.error,
            result.lines,
            result.amounts,
            result.state,
        )
        assert outcome.state is not None
        state = outcome.state


@settings(max_examples=200, deadline=None, suppress_health_check=QUIET)
@given(rules(state=True))
def test_encode_and_decode_are_inverse(made: Rule) -> None:
    program = encode(made)
    assert program.data == encode(decode(program.data, Names.of(made))).data
    assert made.sequential == program.sequential == verify(program.data).sequential


@settings(max_examples=80, deadline=None, suppress_health_check=QUIET)
@given(rules(size=2, state=True), st.data())
def test_altered_bytes_never_break_the_readers(made: Rule, data: st.DataObject) -> None:
    good = bytearray(encode(made).data)
    for _ in range(data.draw(st.integers(1, 3))):
        good[data.draw(st.integers(0, min(len(good) - 1, 60)))] = data.draw(st.integers(0, 255))
    altered = bytes(good)
    try:
        shape = verify(altered)
    except FormulaError:
        return
    state = begin(shape)
    for period in (1, 2, 3):
        left = run(shape, [ONE] * shape.header.kpis, [ONE] * shape.header.parameters, period, state).state
        state = left or state
    try:
        read = decode(altered)
    except FormulaError as problem:
        assert "program-not-canonical" == problem.code  # noqa: PT017 - either outcome is fine, but not another code
    else:
        assert altered == encode(read).data


@pytest.mark.parametrize(
    ("made", "header", "code"),
    [
        (
            rule("x + prev.r", {"r": ("fee", "prev.r + pay")}),
            "01 01 01 01 00 01 01 02 01 40 02 01",
            "0600 0900 0500 0700 20 0901 0700 0801 20 0902",
        ),
        (rule("x - to_date.pay"), "01 01 01 00 00 01 01 02 00 40 00", "0500 0c00 21 0900"),
        (rule("min(x, fee - earned_before)"), "01 01 01 00 00 01 01 03 00 40 00", "0500 0600 0b00 21 27 0900"),
        (rule("sum_last(x, 3)"), "01 01 01 00 01 01 01 01 00 40 00 03 ff 00", "0d0003 0900"),
        (rule("prev.x + lag(x, 2)"), "01 01 01 00 01 01 01 02 01 40 00 02 00 01", "0307 0900 0e0001 0e0002 20 0901"),
        (rule("lag(pay, 1) + x"), "01 01 01 00 01 01 01 02 00 40 00 81 ff 00", "0e0001 0500 20 0900"),
        (rule("year", periods_per_year=12), "01 01 01 00 00 01 01 02 01 40 01", "0a 030c 23 02 2a05 0900 0800 0901"),
    ],
)
def test_carried_state_has_this_program(made: Rule, header: str, code: str) -> None:
    assert bytes.fromhex(header + code).hex(" ") == encode(made).data.hex(" ")


def test_what_a_program_carries_can_be_read_without_names() -> None:
    made = decode(encode(rule("x - to_date.pay + prev.r", {"r": ("fee", "prev.r + pay")})).data)
    assert "kpi1 - to_date.line1 + prev.carried1" == to_text(made.lines[0].formula)
    assert ("term1", "prev.carried1 + line1") == (to_text(made.registers[0].start), to_text(made.registers[0].next))


def test_only_rules_that_look_back_are_sequential() -> None:
    assert not rule("x * period").sequential
    assert not encode(rule("year", periods_per_year=12)).sequential
    for formula in ("lag(x, 1)", "sum_last(x, 1)", "prev.x", "to_date.pay", "earned_before"):
        assert rule(formula).sequential
    assert rule("x", {"r": ("0", "x")}).sequential
    assert evaluate(rule("x"), (ONE,)).state is None


def test_a_failed_period_leaves_the_state_as_it_was() -> None:
    made = rule("1 / x + prev.r", {"r": ("0", "prev.r + x")})
    state = evaluate(made, (ONE,)).state
    with pytest.raises(FormulaError):
        evaluate(made, (0,), period=2, state=state)
    later = evaluate(made, (2 * ONE,), period=3, state=state)
    assert n("1.5") == later.lines[0]
    assert later.state is not None
    assert 2 == later.state.periods


def test_a_sum_to_date_that_does_not_fit_is_an_overflow() -> None:
    made = rule("x", amount="pay + 0 * to_date.pay")
    state = evaluate(made, (INT256_MAX,)).state
    with pytest.raises(FormulaError) as caught:
        evaluate(made, (ONE,), period=2, state=state)
    assert "overflow" == caught.value.code
    assert 1 == run(encode(made).data, (ONE,), (ONE,), 2, state).error
    # a sum that nothing reads is not kept and cannot fail
    assert 0 == evaluate_all(rule("x + 0 * lag(x, 1)"), [(INT256_MAX,), (0,)])[1].lines[0]


def test_several_payees_have_their_own_sums() -> None:
    made = Rule(
        (X,),
        (),
        (),
        (Line("a", 0, 1, parse("x")), Line("b", 1, 1, parse("x * 2 - earned_before.B + earned_before.A"))),
        (Payee("A", parse("a")), Payee("B", parse("b"))),
    )
    outcomes = evaluate_all(made, [(ONE,), (ONE,), (ONE,)])
    assert [2 * ONE, ONE, ONE] == [outcome.amounts[1] for outcome in outcomes]
    with pytest.raises(FormulaError) as caught:
        Rule((X,), (), (), (Line("a", 0, 1, parse("earned_before")),), made.payees)
    assert "payee-needed" == caught.value.code


@pytest.mark.parametrize("bad", ["x", "period", "lag(x, 1)", "prev.r", "pay", "year"])
def test_a_register_starts_from_what_is_known_at_signing(bad: str) -> None:
    with pytest.raises(FormulaError) as caught:
        rule("x", {"r": (bad, "prev.r")}, periods_per_year=2)
    assert "register-start" == caught.value.code


@pytest.mark.parametrize(
    ("registers", "code"),
    [
        ({"r": ("0", "prev.r or yes")}, "wrong-type"),
        ({"r": ("no", "x")}, "wrong-type"),
        ({"r": ("0", "no")}, "wrong-type"),
        ({"r": ("0", "r + 1")}, "cycle"),
        ({"a": ("0", "b"), "b": ("0", "a")}, "cycle"),
        ({"x": ("0", "1")}, "rule-name"),
        ({"pay": ("0", "1")}, "rule-name"),
    ],
)
def test_an_impossible_register_is_refused(registers: dict[str, tuple[str, str]], code: str) -> None:
    with pytest.raises(FormulaError) as caught:
        rule("x", registers)
    assert code == caught.value.code


def test_a_choice_and_a_yes_no_can_be_looked_back_on() -> None:
    tier = KpiShape("tier", ONE, 2 * ONE, 0, type="choice", labels=("gold", "base"), opening=2 * ONE)
    flag = KpiShape("flag", 0, 1, 18, type="yes_no", opening=1)
    formula = "pick(prev.tier, [gold gives 10, base gives 20]) + (1 if prev.flag and prev.tier == base else 0)"
    made = Rule((tier, flag), (), (), (Line("pay", 0, 1, parse(formula)),), (Payee("UA", parse("pay")),))
    periods = [(ONE, 0), (2 * ONE, 1), (ONE, 1), (ONE, 1)]
    assert [21, 10, 21, 10] == [outcome.lines[0] // ONE for outcome in evaluate_all(made, periods)]
    data = encode(made).data
    assert data == encode(decode(data, Names.of(made))).data


@pytest.mark.parametrize(
    "state",
    [
        State(18, 1, (0,), (), (0,)),
        State(18, 0, (0,), ((),), (0,)),
        State(18, 1, (0,), ((),), (0,)),
        State(18, 0, (), ((),), ()),
        State(2, 0, (), ((),), (ONE + 1,)),
        State(19, 0, (), ((),), (0,)),
        State(18, 1, (2**255,), ((0,),), (0,)),
    ],
)
def test_a_state_of_another_rule_is_refused(state: State) -> None:
    made = rule("x - to_date.pay + lag(x, 1)", {"r": ("0", "x")})
    for work in (lambda: evaluate(made, (0,), state=state), lambda: run(encode(made).data, (0,), (0,), 1, state)):
        with pytest.raises(FormulaError) as caught:
            work()
        assert "state-does-not-fit" == caught.value.code


def test_a_later_period_needs_its_state() -> None:
    made = rule("lag(x, 1)")
    for work in (lambda: evaluate(made, (0,), period=2), lambda: run(encode(made).data, (0,), (0,), 2)):
        with pytest.raises(FormulaError) as caught:
            work()
        assert ("state-needed", {"period": 2}) == (caught.value.code, caught.value.details)
    with pytest.raises(FormulaError):
        start_state(made, 19)


def test_an_explanation_names_what_earlier_periods_left() -> None:
    made = rule("lag(x, 1) + to_date.pay + prev.r", {"r": ("3", "x")})
    state = evaluate(made, (ONE,)).state
    step = next(step for step in explain(made, (0,), None, 2, state).steps if step.name == "pay")
    assert (("lag(x, 1)", ONE), ("to_date.pay", n("10")), ("prev.r", ONE)) == step.inputs
    assert (
        "pay is 12 = lag(x, 1) + to_date.pay + prev.r, with lag(x, 1) = 1, to_date.pay = 10, prev.r = 1." == step.said
    )


@settings(max_examples=60, deadline=None)
@given(words, st.integers(0, 18))
def test_cutting_to_units_is_toward_zero(value: int, decimals: int) -> None:
    unit = 10 ** (18 - decimals)
    found = cut_to_units(value, decimals)
    assert 0 == found % unit
    assert abs(found) <= abs(value) < abs(found) + unit
