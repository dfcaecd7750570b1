"""Decisions next to a value: each kind of decision, directly and behind names, within one unit and no more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyoutcome.decimals import ONE
from pyoutcome.decimals import parse as n
from pyoutcome.formula import Definition, KpiShape, Line, Payee, Register, Rule, parse
from pyoutcome.formula.nearness import Nearness

X, Y = KpiShape("x", 0, n("100"), 0), KpiShape("y", 0, n("100"), 0)
KPIS = (X, Y, KpiShape.choice("grade", ("gold", "tin")))


def rule(pays: str, **defined: str) -> Rule:
    definitions = tuple(Definition(name, parse(formula)) for name, formula in defined.items())
    parameters = (("target", n("40")), ("width", n("15")))
    registers = (Register("run", parse("0"), parse("prev.run + x")),)
    lines = (Line("pay", 0, 1, parse(pays)),)
    return Rule(KPIS, parameters, definitions, lines, (Payee("UA", parse("pay")),), registers, periods_per_year=4)


def near(deal: Rule, x: int, **others: int) -> list[str]:
    known = {"x": x * ONE} | {name: value * ONE for name, value in others.items()}
    return [f"{turn.of} {turn.at // ONE}" for turn in Nearness(deal, known, 2).turns(X)]


@pytest.mark.parametrize(
    ("pays", "former", "now", "edges"),
    [
        ("step(x, [at_least 30 gives 9, above 10 gives 4, otherwise 0])", 40, 20, [30]),
        ("step(x, [at_least 30 gives 9, above 10 gives 4, otherwise 0])", 40, 10, [10, 30]),
        ("step(x, [at_least 30 gives 9, above 10 gives 4, otherwise 0])", 40, 30, []),
        ("step(x, [at_least 30 gives 9, above 10 gives 4, otherwise 0])", 11, 40, [30]),
        ("5 if x > 12 and x <= target else 0", 41, 40, [40]),
        ("3 * x", 1, 99, []),
    ],
)
def test_what_was_passed_between_two_values(pays: str, former: int, now: int, edges: list[int]) -> None:
    passed = Nearness(rule(pays), {"x": now * ONE}, 2).passed(X, former * ONE)
    assert [f"x {edge}" for edge in edges] == [f"{turn.of} {turn.at // ONE}" for turn in passed]


@pytest.mark.parametrize(
    ("pays", "edges"),
    [
        ("step(x, [at_least 30 gives 9, above 10 gives 4, otherwise 0])", [10, 30]),
        ("bands(x, [next 10 at 4, next width at 3, rest at 2])", [10, 25]),
        ("bands(x, [upto 10 at 4, upto target at 3, rest at 2])", [10, 40]),
        ("curve(x, [0 gives 0, 20 gives 50, 60 gives 50, 100 gives 20])", [20, 60]),
        ("clamp(x, 30, 90)", [30, 90]),
        ("outside(x, 20, 70)", [20, 70]),
        ("abs(x - 33)", [33]),
        ("max(x, 100 - x)", [50]),
        ("min(target, x)", [40]),
        ("5 if x > 12 and x <= target else 0", [12, 40]),
        ("5 if 12 < x else 0", [12]),
        ("3 * x", []),
        ("step(y, [at_least 30 gives 9, otherwise 0]) * x", []),
        ("round(x, 10, floor)", []),
        ("step(prev.run + x, [at_least 30 gives 9, otherwise 0])", []),
    ],
)
def test_a_decision_is_near_from_one_unit_before_to_one_unit_after(pays: str, edges: list[int]) -> None:
    deal = rule(pays)
    found = [x for x in range(101) if near(deal, x)]
    assert sorted({each for edge in edges for each in (edge - 1, edge, edge + 1)}) == found


def test_the_ends_of_a_range_are_no_turns() -> None:
    deal = rule("curve(x, [0 gives 0, 100 gives 20]) + step(x, [at_least 100 gives 1, otherwise 0]) + max(0, x)")
    assert [[], [], [], []] == [near(deal, x) for x in (0, 1, 99, 100)]


@pytest.mark.parametrize(
    ("x", "told"), [(39, ["x 40"]), (40, ["x 40"]), (41, ["x 40"]), (42, []), (64, ["score 50"]), (65, []), (61, [])]
)
def test_edges_behind_names_are_seen(x: int, told: list[str]) -> None:
    deal = rule(
        "step(score, [at_least 50 gives 9, otherwise 0]) + (1 if good else 0) * level",
        score="(x + weighted) / 2", weighted="0.5 * y", good="x >= target", level="width * 2",
    )  # fmt: skip
    assert told == near(deal, x, y=73)


def test_what_is_not_known_is_passed_over_and_hides_nothing_else() -> None:
    deal = rule("step(score, [at_least 50 gives y, otherwise 0]) * (y if x > target else 1)", score="(x + y) / 2")
    assert ["x 40"] == near(deal, 40)
    assert ["score 50", "x 40"] == sorted(near(deal, 40, y=60))
    half = rule("step(x, [at_least 50 gives y, otherwise prev.run])")
    assert ["x 50"] == near(half, 50)


def test_a_branch_that_is_not_taken_decides_nothing() -> None:
    deal = rule("step(x, [at_least 50 gives 9, otherwise 0]) if y > 3 else 0")
    assert (["x 50"], []) == (near(deal, 50, y=4), near(deal, 50, y=2))


def test_values_that_have_no_amount_are_no_turns_and_no_error() -> None:
    assert [] == near(rule("10 / (x - 41)"), 40)


def test_an_edge_that_comes_with_the_year_is_known() -> None:
    deal = rule("1 if x >= year * 7 else 0")
    assert [6, 7, 8] == [x for x in range(101) if near(deal, x)]


@given(st.integers(1, 99), st.integers(1, 99))
def test_a_table_is_near_exactly_within_a_unit(edge: int, x: int) -> None:
    assert (abs(edge - x) <= 1) == bool(near(rule(f"step(x, [above {edge} gives 9, otherwise 0])"), x))
