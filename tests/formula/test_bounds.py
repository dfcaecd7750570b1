"""Bounds hold every amount, are tight where the deal is plain, and refuse what could fail."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from pyoutcome.decimals import INT256_MAX, INT256_MIN, ONE, show
from pyoutcome.decimals import parse as n
from pyoutcome.errors import FormulaError
from pyoutcome.formula import Definition, KpiShape, Line, Payee, Rule, bounds, evaluate, parse
from tests.formula.strategies import rules, values_for

KPIS = (
    KpiShape("x", 0, n("100"), 2),
    KpiShape("cost", 0, n("1_000_000"), 0),
    KpiShape("signed", n("-10"), n("10"), 0),
    KpiShape("flights", 0, n("5000"), 0, "UA"),
    KpiShape("flights", 0, n("9000"), 0, "B6"),
    KpiShape.yes_no("ok"),
    KpiShape.choice("tier", ("gold", "base")),
)
MOST = show(INT256_MAX)
LARGE = "4" + "0" * 58
"""More than half of the most."""


def rule(formula: str, **definitions: str) -> Rule:
    return Rule(
        KPIS,
        (("target", n("100_000")), ("zero", 0)),
        tuple(Definition(name, parse(text)) for name, text in definitions.items()),
        (Line("pay", 0, 1, parse(formula)),),
        (Payee("UA", parse("pay")),),
    )


@pytest.mark.parametrize(
    ("formula", "low", "high"),
    [
        ("7", "7", "7"),
        ("x * 3 - 5", "-5", "295"),
        ("5 - x / 4", "-20", "5"),
        ("clamp(x * 100 - 4_000, -500, 1_000)", "-500", "1000"),
        ("curve(x, [80 gives -100, 90 gives 0, 95 gives 50])", "-100", "50"),
        ("curve(x, [10 gives 0, 50 gives 70, 90 gives 10])", "0", "70"),
        ("step(x, [at_least 99 gives 10, above 95 gives 5, otherwise -1])", "-1", "10"),
        ("step(x, [above 100 gives 10, otherwise 1])", "1", "1"),
        ("step(x, [at_least signed gives 1, at_least 4 gives 99, otherwise 2])", "1", "99"),
        ("step(x, [at_most signed gives 1, at_most 4 gives 99, otherwise 2])", "1", "99"),
        ("step(x, [above signed + 30 gives 1, above 45 gives 99, otherwise 2])", "1", "2"),
        ("bands(cost, [upto 100 at 5, next 100 at -2, rest at 0])", "0", "500"),
        ("bands(signed, [upto 4 at 1, rest at 2])", "0", "16"),
        ("min(120_000, cost + 10_000 + 20% * (target - cost))", "30000", "120000"),
        ("cost - 40% * cost - 60% * cost", "0", "0"),
        ("abs(signed)", "0", "10"),
        ("outside(signed, -2, 3)", "0", "8"),
        ("max(signed, 3) * 2", "6", "20"),
        ("round(x / 3, 1, down)", "0", "33"),
        ("total.flights * 2", "0", "28000"),
        ("1_000 / x if x > 0 else 0", "0", "100000"),
        ("1_000 / x if not (x <= 0) else 0", "0", "100000"),
        ("0 if x == 0 else 1_000 / x", "0", "100000"),
        ("1_000 / signed if signed >= 5 and signed < 9 else 7", "7", "200"),
        ("3 if ok else 4", "3", "4"),
        ("pick(tier, [gold gives 2, base gives -2])", "-2", "2"),
        ("5 if tier == gold else 6", "5", "6"),
        ("period", "1", "1"),
        ("x * signed", "-1000", "1000"),
        (f"{MOST} - 0", MOST, MOST),
        (f"0 - {MOST} - 0.000000000000000001", show(INT256_MIN), show(INT256_MIN)),
    ],
)
def test_plain_deals_have_tight_bounds(formula: str, low: str, high: str) -> None:
    assert ((n(low), n(high)),) == bounds(rule(formula))


def test_bounds_follow_names_periods_and_terms() -> None:
    made = rule("bonus * period + target", bonus="step(x, [at_least 50 gives 3, otherwise 0])")
    assert ((n("100_000"), n("100_012")),) == bounds(made, period=4)
    assert ((n("1"), n("4")),) == bounds(made, {"target": ONE})


@pytest.mark.parametrize(
    ("formula", "code"),
    [
        ("1 / x", "possible-division-by-zero"),
        ("1 / (signed + 10)", "possible-division-by-zero"),
        ("1 / zero", "possible-division-by-zero"),
        ("1 / signed if signed < 5 else 0", "possible-division-by-zero"),
        (
            "cost * 1_000_000_000_000_000_000 * 1_000_000_000_000_000_000 * 1_000_000_000_000_000_000",
            "possible-overflow",
        ),
        (f"curve(x, [0 gives -{LARGE}, 1 gives {LARGE}])", "possible-overflow"),
        (f"bands(x, [upto 1 at {LARGE}, upto 2 at {LARGE}, rest at 0])", "possible-overflow"),
        ("clamp(cost, x, 50)", "possible-clamp-crossing"),
        ("round(cost, x, up)", "possible-round-step"),
        ("curve(cost, [x gives 1, 50 gives 2])", "possible-table-disorder"),
        ("curve(cost, [x gives 1, 100 gives 2])", "possible-table-disorder"),
        ("bands(cost, [upto x at 1, upto 50 at 2, rest at 0])", "possible-table-disorder"),
        ("bands(cost, [next signed at 1, rest at 0])", "possible-table-disorder"),
    ],
)
def test_what_could_fail_is_refused(formula: str, code: str) -> None:
    with pytest.raises(FormulaError) as caught:
        bounds(rule(formula))
    assert code == caught.value.code
    assert "pay" == caught.value.details["item"]


@pytest.mark.parametrize(
    ("formula", "part"),
    [
        ("100 / (x + 10) + x / 100", "0"),  # falls, then rises: the divisor's slope counts
        ("x / (x + 10)", "0"),
        ("part * 3 - x", "x / 3"),  # exactly 0 but for what truncation loses
        ("x - part * 3", "x / 3"),
        ("part - x * 0.333333333333333333", "x / 3"),
        ("(x - 50) * (x - 50) - x", "0"),
        ("abs(x - 50) + x / 3", "0"),
        ("max(x, 50) - part", "curve(x, [10 gives 0, 40 gives 7, 90 gives 60])"),
        ("bands(x, [upto 7 at 1 / 3, upto 31 at part, rest at -2]) + x", "-1 / 7"),
        ("step(part, [at_least 10 gives 3, above 5 gives 7, otherwise 1]) + part / 10", "x / 7"),
        ("step(x, [at_most 10 gives 3, below 50 gives 4, otherwise 9]) - x / 100", "0"),
        ("round(x / 7, 0.5, half_even) - part", "x / 7"),
        ("part if part > 20 else 30 - x", "x / 3"),
        ("outside(x, 20, 70) - part", "clamp(x, 30, 40) / 9"),
        ("x * x / (part + 1)", "x / 3"),
        ("curve(x, [-10 gives 100, 50 gives 0, 90 gives 50]) + part", "x / 1_000"),
        ("step(part * 3 - x, [at_least 0 gives 0, otherwise 5])", "x / 3"),  # decided by what truncation loses
    ],
)
def test_every_value_of_a_kpi_stays_inside(formula: str, part: str) -> None:
    kpi = KpiShape("x", 0, n("100"), 0)
    line = Line("pay", 0, 1, parse(formula))
    made = Rule((kpi,), (), (Definition("part", parse(part)),), (line,), (Payee("UA", parse("pay")),))
    ((low, high),) = bounds(made)
    amounts = [evaluate(made, (x * ONE,)).amounts[0] for x in range(101)]
    assert low <= min(amounts)
    assert high >= max(amounts)


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(rules(), st.integers(1, 30), st.data())
def test_no_amount_leaves_its_bounds_and_none_fails(made: Rule, period: int, data: st.DataObject) -> None:
    try:
        found = bounds(made, period=period)
    except FormulaError as problem:
        assume(problem.code.startswith("possible-"))
        event(problem.code)
        return
    for _ in range(8):
        amounts = evaluate(made, data.draw(values_for(made)), period=period).amounts
        for (low, high), amount in zip(found, amounts, strict=True):
            assert low <= amount <= high
