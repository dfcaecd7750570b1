"""Rounding taken out of sums: the ends that are left hold every sum, and are reached where steps allow it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyoutcome.decimals import ONE, Rounding, round_to
from pyoutcome.decimals import parse as n
from pyoutcome.formula import Definition, KpiShape, Line, Payee, Rule, bounds_over, evaluate, parse, to_text
from pyoutcome.formula.ends import range_of
from pyoutcome.formula.pulled import Rounded, find_rounding, round_sum
from pyoutcome.formula.syntax import Number
from pyoutcome.formula.walk import Range, Walk

VALUES = st.integers(-40, 40)


@given(
    st.integers(1, 7),
    st.sampled_from(Rounding),
    st.sampled_from((1, -1)),
    st.lists(st.tuples(st.integers(-6, 6), VALUES), min_size=1, max_size=6),
)
def test_no_sum_leaves_its_ends(step: int, mode: Rounding, times: int, made: list[tuple[int, int]]) -> None:
    sums = [others * step + times * part for others, part in made]
    others, parts = [others * step for others, _ in made], [part for _, part in made]
    whole, rest, part = (Range(min(each), max(each), 1) for each in (sums, others, parts))
    low, high = round_sum(whole, rest, part, times, Rounded(Number(0), step, mode))
    found = [each * step + times * round_to(part, step, mode) for each, part in made]
    assert low <= min(found)
    assert max(found) <= high
    # one rounding away from the sums at most
    assert min(sums) - step < low
    assert high < max(sums) + step


def test_every_mode_has_its_own_ends() -> None:
    whole, others, part = Range(-23, 23, 1), Range(-10, 10, 10), Range(-13, 13, 1)
    assert {
        Rounding.FLOOR: (-30, 20),
        Rounding.CEIL: (-20, 30),
        Rounding.HALF_UP: (-20, 20),
        Rounding.HALF_EVEN: (-20, 20),
        Rounding.DOWN: (-20, 20),
        Rounding.UP: (-30, 30),
    } == {mode: round_sum(whole, others, part, 1, Rounded(Number(0), 10, mode)) for mode in Rounding}
    assert (-20, 30) == round_sum(whole, others, part, -1, Rounded(Number(0), 10, Rounding.FLOOR))


KPIS = (KpiShape("a", n("-3"), n("4"), 2), KpiShape("b", n("-2"), n("3"), 2))
DEFINED = (Definition("cut", parse("round(a, 0.5, down)")),)


def rule(text: str) -> Rule:
    line = Line("pay", 0, 1, parse(text))
    return Rule(KPIS, (("half", n("0.5")),), DEFINED, (line,), (Payee("UA", parse("pay")),))


@pytest.mark.parametrize(
    ("text", "of"),
    [
        ("round(a, 0.5, down)", "a"),
        ("round(a - b, half, down)", "a - b"),
        ("cut", "a"),
        ("max(cut, 0)", "max(a, 0)"),
        ("min(cut, 1.5, round(b, 0.5, down))", "min(a, 1.5, b)"),
        ("clamp(cut, -1, 2)", "min(max(a, -1), 2)"),
        ("max(cut, 0.25)", None),
        ("max(cut, round(b, 0.5, up))", None),
        ("max(cut, round(b, 0.25, down))", None),
        ("round(a, 1 + abs(b), down)", None),
        ("cut + 1", None),
        ("a", None),
    ],
)
def test_a_rounding_is_seen_through_names_and_limits(text: str, of: str | None) -> None:
    made = rule(text)
    walk = Walk(made, {kpi.full_name: range_of(kpi.low, kpi.high, kpi.multiple) for kpi in KPIS}, {}, 1)
    walk.see(range(len(made.order)))
    found = find_rounding(parse(text), {"cut": DEFINED[0].formula}, walk)
    assert of == (None if found is None else to_text(found.of))
    if found is not None and of is not None:
        assert (n("0.5"), Rounding.DOWN) == (found.step, found.mode)


@given(st.data())
def test_what_is_seen_through_limits_is_the_same_value(data: st.DataObject) -> None:
    text, of = data.draw(
        st.sampled_from(
            [
                ("max(cut, 0)", "max(a, 0)"),
                ("min(cut, 1.5, round(b, 0.5, down))", "min(a, 1.5, b)"),
                ("clamp(cut, -1, 2)", "min(max(a, -1), 2)"),
            ]
        )
    )
    values = [data.draw(st.integers(kpi.low // kpi.multiple, kpi.high // kpi.multiple)) * kpi.multiple for kpi in KPIS]
    amounts = [evaluate(rule(each), values).amounts[0] for each in (text, f"round({of}, 0.5, down)")]
    assert amounts[0] == amounts[1]


SHARES = (KpiShape("x", 0, n("9"), 1), KpiShape("y", n("0.5"), n("3"), 1), KpiShape("pool", n("-4"), n("60"), 0))


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("pool * x / (x + y)", "-3.789473684210526315", "56.842105263157894736"),
        ("pool * y / all", "-4", "60"),
        ("y / (y + x)", "0.052631578947368421", "1"),
    ],
)
def test_a_share_of_a_sum_is_no_more_than_all_of_it(text: str, low: str, high: str) -> None:
    defined = (Definition("all", parse("x + y")),)
    made = Rule(SHARES, (), defined, (Line("pay", 0, 1, parse(text)),), (Payee("UA", parse("pay")),))
    assert ((n(low), n(high)),) == bounds_over(made, 1).periods[0]
    corners = [(x, y, pool) for x in (0, 9) for y in (ONE // 2, 3 * ONE) for pool in (-4, 60)]
    paid = [evaluate(made, (x * ONE, y, pool * ONE)).amounts[0] for x, y, pool in corners]
    assert (n(low), n(high)) == (min(paid), max(paid))
