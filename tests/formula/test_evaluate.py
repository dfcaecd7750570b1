"""The evaluator: each operation against exact fractions, and the explanation of each figure."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor, trunc

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pyoutcome.decimals import INT256_MAX, INT256_MIN, ONE, show
from pyoutcome.decimals import parse as n
from pyoutcome.errors import FormulaError
from pyoutcome.formula import KpiShape, Line, Payee, Rule, evaluate, explain, parse
from tests.formula.strategies import rules_with_values, words

KPIS = tuple(KpiShape(name, INT256_MIN, INT256_MAX, 18) for name in "abcd")
LAWS = settings(max_examples=120, deadline=None)


def rule(formula: str) -> Rule:
    return Rule(KPIS, (), (), (Line("pay", 0, 1, parse(formula)),), (Payee("UA", parse("pay")),))


def value(made: Rule, *values: int) -> int | str:
    try:
        return evaluate(made, (*values, 0, 0, 0)[:4]).lines[0]
    except FormulaError as problem:
        return problem.code


def fitted(exact: Fraction | int) -> int | str:
    whole = trunc(exact)
    return whole if INT256_MIN <= whole <= INT256_MAX else "overflow"


ARITHMETIC: list[tuple[str, Callable[[Fraction, Fraction, Fraction], Fraction]]] = [
    ("a + b", lambda a, b, c: a + b),
    ("a - b", lambda a, b, c: a - b),
    ("a * b", lambda a, b, c: a * b),
    ("-a", lambda a, b, c: -a),
    ("abs(a)", lambda a, b, c: abs(a)),
    ("min(a, b, c)", lambda a, b, c: min(a, b, c)),
    ("max(a, b, c)", lambda a, b, c: max(a, b, c)),
]
QUOTIENTS: list[tuple[str, Callable[[Fraction, Fraction, Fraction], Fraction]]] = [
    ("a / c", lambda a, b, c: a / c),
    ("a / c * b", lambda a, b, c: a * b / c),
    ("a * (b / c)", lambda a, b, c: a * b / c),
    ("a * -(b / c)", lambda a, b, c: -a * b / c),
]


@pytest.mark.parametrize(("formula", "exact"), ARITHMETIC)
@LAWS
@given(words, words, words)
def test_an_operation_is_exact_up_to_one_truncation(
    formula: str, exact: Callable[[Fraction, Fraction, Fraction], Fraction], a: int, b: int, c: int
) -> None:
    assume(-a <= INT256_MAX)
    true = exact(Fraction(a, ONE), Fraction(b, ONE), Fraction(c, ONE))
    assert fitted(true * ONE) == value(rule(formula), a, b, c)


@pytest.mark.parametrize(("formula", "exact"), QUOTIENTS)
@LAWS
@given(words, words, words)
def test_a_product_with_one_division_is_truncated_once(
    formula: str, exact: Callable[[Fraction, Fraction, Fraction], Fraction], a: int, b: int, c: int
) -> None:
    assume(-a <= INT256_MAX and -b <= INT256_MAX)
    if c == 0:
        assert "division-by-zero" == value(rule(formula), a, b, c)
    else:
        true = exact(Fraction(a, ONE), Fraction(b, ONE), Fraction(c, ONE))
        assert fitted(true * ONE) == value(rule(formula), a, b, c)


@LAWS
@given(words, words, words, words)
def test_three_factors_are_multiplied_left_to_right_then_divided_once(a: int, b: int, c: int, d: int) -> None:
    assume(d)
    first = fitted(Fraction(a * b, ONE))
    expected = first if isinstance(first, str) else fitted(Fraction(first * c, d))
    assert expected == value(rule("a / d * b * c"), a, b, c, d)


def test_brackets_in_a_product_change_nothing() -> None:
    ways = ["a / 3 * b", "b * (a / 3)", "a * b / 3", "a * (b / 3)", "(a / 3) * b"]
    assert {n("1000")} == {value(rule(way), n("1"), n("3000")) for way in ways}
    assert n("-1") == value(rule("3 * -(a / 3)"), ONE)
    assert n("0.999999999999999999") == value(rule("a / 3 + a / 3 + a / 3"), ONE)


HALVES: dict[str, Callable[[Fraction], int]] = {
    "down": trunc,
    "up": lambda q: ceil(q) if q > 0 else floor(q),
    "half_up": lambda q: floor(q + Fraction(1, 2)) if q > 0 else ceil(q - Fraction(1, 2)),
    "half_even": round,
    "floor": floor,
    "ceil": ceil,
}


@pytest.mark.parametrize("mode", HALVES)
@LAWS
@given(words, st.one_of(words, st.sampled_from([ONE // 100, ONE, 2, 7])))
def test_round_chooses_the_multiple_its_mode_says(mode: str, a: int, step: int) -> None:
    expected: int | str = "round-step-not-positive"
    if step > 0:
        expected = fitted(HALVES[mode](Fraction(a, step)) * step)
    assert expected == value(rule(f"round(a, b, {mode})"), a, step)


@LAWS
@given(words, words, words)
def test_clamp_and_outside_keep_their_meaning(a: int, b: int, c: int) -> None:
    expected = min(max(a, b), c) if b <= c else "clamp-low-above-high"
    assert expected == value(rule("clamp(a, b, c)"), a, b, c)
    differences = (fitted(b - a), fitted(a - c))
    far: int | str = "overflow" if "overflow" in differences else max(b - a, a - c, 0)
    assert far == value(rule("outside(a, b, c)"), a, b, c)


@LAWS
@given(st.integers(0, 300).map(lambda k: k * ONE // 4))
def test_curve_is_linear_between_and_flat_outside(a: int) -> None:
    points = [(10, 100), (20, -50), (50, 1000)]
    expected = Fraction(points[0][1] * ONE if a < 10 * ONE else points[-1][1] * ONE)
    for (x0, y0), (x1, y1) in pairwise(points):
        if x0 * ONE <= a <= x1 * ONE:
            expected = y0 * ONE + Fraction((y1 - y0) * (a - x0 * ONE), x1 - x0)
    found = value(rule("curve(a, [10 gives 100, 20 gives -50, 50 gives 1000])"), a)
    assert isinstance(found, int)
    assert abs(expected - found) < 1


def test_a_curve_too_wide_for_a_word_fails_only_between_its_points() -> None:
    made = rule("curve(a, [b gives 1, c gives 2])")
    far = (-INT256_MAX, INT256_MAX)
    assert [ONE, "overflow", 2 * ONE] == [value(made, x, *far) for x in (far[0], 0, far[1])]


@LAWS
@given(st.integers(-100, 1200).map(lambda k: k * ONE // 4))
def test_bands_are_the_sum_over_units(a: int) -> None:
    quarters = max(a, 0) * 4 // ONE
    rates = [Fraction(5) if at < 400 else Fraction(7, 2) if at < 600 else Fraction(1, 8) for at in range(quarters)]
    expected = sum(rates) * ONE / 4
    assert expected == value(rule("bands(a, [upto 100 at 5, next 50 at 3.5, rest at 0.125])"), a)


def test_each_band_is_truncated_on_its_own() -> None:
    third = "0.333333333333333333"
    made = rule(f"bands(a, [upto 0.5 at {third}, upto 1 at {third}, rest at 0])")
    assert 2 * (ONE // 2 * n(third) // ONE) == value(made, ONE)


@pytest.mark.parametrize(
    ("x", "expected"), [("94.99", "0"), ("95", "0"), ("95.01", "5"), ("98.99", "5"), ("99", "10"), ("100", "10")]
)
def test_the_edge_word_decides_the_edge(x: str, expected: str) -> None:
    made = rule("step(a, [at_least 99 gives 10, above 95 gives 5, otherwise 0])")
    assert n(expected) == value(made, n(x))


def test_only_the_chosen_side_is_evaluated() -> None:
    assert 0 == value(rule("a / b if b > 0 else 0"), ONE, 0)
    assert 7 * ONE == value(rule("7 if b > 0 and a / b > 1 or b == 0 else 1 / 0"), ONE, 0)


def test_lines_and_all_rows_of_a_table_are_strict() -> None:
    assert "division-by-zero" == value(rule("step(a, [above 0 gives 1, otherwise 1 / b])"), ONE, 0)


def test_parameters_can_be_replaced_and_the_period_counts() -> None:
    made = Rule(
        (),
        (("fee", n("5")), ("rate", n("2"))),
        (),
        (Line("l", 0, 1, parse("fee * rate * period")),),
        (Payee("A", parse("l")),),
    )
    assert n("10") == evaluate(made, ()).amounts[0]
    assert n("90") == evaluate(made, (), {"rate": n("6")}, 3).amounts[0]
    assert n("12") == evaluate(made, (), [n("3"), n("4")]).amounts[0]


@pytest.mark.parametrize(
    ("values", "parameters", "period"),
    [((), None, 1), ((0,), [], 1), ((0,), {"nope": 1}, 1), ((2**255,), None, 1), ((0,), None, 0), ((0,), None, 2**32)],
)
def test_inputs_that_do_not_fit_are_refused(values: tuple[int, ...], parameters: object, period: int) -> None:
    made = Rule((KPIS[0],), (("fee", ONE),), (), (Line("l", 0, 1, parse("a")),), (Payee("A", parse("l")),))
    with pytest.raises(FormulaError) as caught:
        evaluate(made, values, parameters, period)  # type: ignore[arg-type]
    assert "inputs-do-not-fit" == caught.value.code


def notes(formula: str, *values: str) -> list[tuple[str, str, str]]:
    outcome = explain(rule(formula), tuple(n(each) for each in values) + (0,) * (4 - len(values)))
    return [(note.kind, note.before, note.after) for note in outcome.steps[0].notes]


@pytest.mark.parametrize(
    ("formula", "values", "expected"),
    [
        ("a / b", ("1", "3"), [("truncated", "1/3", "0.333333333333333333")]),
        ("a * b", ("0.0000000001", "0.0000000015"), [("truncated", "0.00000000000000000015", "0")]),
        ("a * b", ("2", "3"), []),
        ("round(a, 0.01, half_up)", ("2.675",), [("rounded", "2.675", "2.68")]),
        ("clamp(a, 0, 10)", ("11",), [("limit", "11", "10")]),
        ("clamp(a, 0, 10)", ("9",), [("limit", "9", "9")]),
        ("step(a, [at_least 5 gives 1, otherwise 0])", ("5",), [("row", "5", "1")]),
        ("curve(a, [0 gives 0, 3 gives 1])", ("1",), [("segment", "1/3", "0.333333333333333333")]),
        ("bands(a, [upto 5 at 2, rest at 1])", ("7",), [("band", "10", "10"), ("band", "2", "2")]),
        ("1 if a > 0 else 2", ("1",), [("branch", "", "")]),
    ],
)
def test_what_decided_a_figure_is_noted(
    formula: str, values: tuple[str, ...], expected: list[tuple[str, str, str]]
) -> None:
    assert expected == notes(formula, *values)


def test_a_step_says_what_was_read_and_in_what_words() -> None:
    made = rule("step(a, [at_least 5 gives b, otherwise c])")
    step = explain(made, (n("6.5"), n("2"), n("3"), 0)).steps[0]
    assert ("line", "pay", 2 * ONE) == (step.kind, step.name, step.value)
    assert (("a", n("6.5")), ("b", 2 * ONE), ("c", 3 * ONE)) == step.inputs
    assert "pay is 2 = step(a, [at_least 5 gives b, otherwise c]), with a = 6.5, b = 2, c = 3." == step.said
    assert "a is 6.5, at least 5: 2." == step.notes[0].said


@pytest.mark.parametrize(
    ("formula", "values", "said"),
    [
        ("a", ("1234.5",), "a is 1,234.5."),
        ("5% * b + 1_000", ("0", "200"), "5% * b + 1000 = 5% * 200 + 1000 = 1,010."),
        ("a / b", ("1", "3"), "a / b is 1/3, cut to 18 decimals: 0.333333333333333333."),
        (
            "round(a * b, 0.01, half_up)",
            ("2.675", "1"),
            "a * b is 2.675, rounded to the nearest multiple of 0.01, ties away from zero: 2.68.",
        ),
        ("round(a, 1, floor)", ("2",), "a is 2, rounded down to a multiple of 1: unchanged."),
        ("clamp(a, 0, 10)", ("11",), "a is 11, lowered to the limit 10."),
        ("clamp(a, 0, 10)", ("-1",), "a is -1, raised to the limit 0."),
        ("clamp(a, 0, 10)", ("9",), "a is 9, within the limits 0 and 10, which change nothing."),
        ("outside(a, 0, 10)", ("12",), "a is 12, above the range 0 to 10 by 2."),
        ("outside(a, 0, 10)", ("5",), "a is 5, inside the range 0 to 10."),
        ("min(a, 5_000)", ("7000",), "a is 7,000, lowered to the limit 5,000."),
        ("max(0, a)", ("7",), "a is 7, not below the limit 0, which changes nothing."),
        ("max(0, a)", ("-7",), "a is -7, raised to the limit 0."),
        ("min(a, b)", ("7", "8"), "The least of a = 7 and b = 8 is 7."),
        ("min(a, b, 3)", ("7", "8"), "The least of a = 7, b = 8 and 3 = 3 is 3."),
        (
            "min(max(a, 0), 5)",
            ("7",),
            "a is 7, not below the limit 0, which changes nothing. That is 7, lowered to the limit 5.",
        ),
        ("step(a, [at_most 5% gives 1, otherwise 0])", ("0.04",), "a is 4%, at most 5%: 1."),
        ("step(a, [at_most 5% gives 1, otherwise 0])", ("1",), "a is 100%, for which no row but 'otherwise' holds: 0."),
        (
            "step(a, [above 5 gives 10%, otherwise 0%]) * b",
            ("6", "300"),
            "a is 6, above 5: 10%. 10% * b = 10% * 300 = 30.",
        ),
        (
            "curve(a, [0 gives 0, 3 gives 1])",
            ("1",),
            (
                "a is 1, between 0 (which gives 0) and 3 (which gives 1): 0.333333333333333333"
                " (exactly 1/3, cut to 18 decimals)."
            ),
        ),
        ("curve(a, [0% gives 0, 50% gives 100])", ("1",), "a is 100%, at or beyond the last point of the curve: 100."),
        ("bands(a, [upto 5 at 2, rest at 1])", ("7",), "5 of a at 2 is 10. 2 of a at 1 is 2. Together 12."),
        ("bands(a, [upto 5 at 2, rest at 1])", ("-7",), "a is -7, so no band holds anything."),
        ("b if a >= 90% else 0", ("0.95", "8"), "a >= 90% holds (a is 95%): b. b is 8."),
        ("b if a > 1 and a < 3 else 0", ("5", "8"), "a > 1 and a < 3 does not hold (a is 5): 0. It is 0."),
    ],
)
def test_the_sentences_of_a_figure(formula: str, values: tuple[str, ...], said: str) -> None:
    step = explain(rule(formula), tuple(n(each) for each in values) + (0,) * (4 - len(values))).steps[0]
    told = [note.said for note in step.notes]
    assert said == " ".join([*told, step.closing] if step.closing else told)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(rules_with_values())
def test_every_value_that_was_cut_or_rounded_is_said_before_and_after(case: tuple[Rule, tuple[int, ...]]) -> None:
    made, values = case
    try:
        told = explain(made, values)
    except FormulaError:
        return
    for step in told.steps:
        assert step.notes or step.closing
        for note in step.notes:
            assert note.said.endswith(".")
            if note.before != note.after and note.kind in ("rounded", "truncated", "segment", "band"):
                said = note.said.replace(",", "")
                assert "%" in said or (note.after in said and (note.before in said or "point of the curve" in said))


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(rules_with_values())
def test_explaining_changes_no_figure(case: tuple[Rule, tuple[int, ...]]) -> None:
    made, values = case
    try:
        plain = evaluate(made, values)
    except FormulaError as problem:
        with pytest.raises(FormulaError) as caught:
            explain(made, values)
        assert (problem.code, problem.details) == (caught.value.code, caught.value.details)  # noqa: PT017 - same failure
        return
    told = explain(made, values)
    assert (plain.lines, plain.amounts, plain.definitions) == (told.lines, told.amounts, told.definitions)
    assert [item.name for item in made.order] == [step.name for step in told.steps]
    for step in told.steps:
        if made.types.get(step.name) != "yes_no":
            assert step.said.startswith(f"{step.name} is {show(step.value)} = ")
