"""The shape of a rule: what is claimed as proven holds everywhere, what is claimed as a cliff is one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from pyoutcome.decimals import ONE
from pyoutcome.decimals import parse as n
from pyoutcome.errors import FormulaError
from pyoutcome.formula import KpiShape, Line, Payee, Register, Rule, evaluate, parse
from pyoutcome.formula.influence import Direction, Influence
from pyoutcome.formula.shape import Setting, find_influences
from tests.formula.strategies import rules, values_for

KPIS = (KpiShape("x", 0, n("100"), 0), KpiShape("y", 0, n("100"), 0), KpiShape.yes_no("ok"))


def rule(formula: str, *, kpis: tuple[KpiShape, ...] = KPIS) -> Rule:
    return Rule(kpis, (), (), (Line("pay", 0, 1, parse(formula)),), (Payee("UA", parse("pay")),))


def shape(formula: str, *others: int) -> Influence:
    """How x moves the amount, with y at each of ``others`` (0 by default) and ok at yes."""
    chosen = [Setting(str(y), (0, n(str(y)), 1)) for y in others or (0,)]
    found = [each for each in find_influences(rule(formula), chosen) if each.kpi == 0]
    return found[0]


def told(influence: Influence) -> list[tuple[int, int, str, bool]]:
    return [(piece.first // ONE, piece.last // ONE, piece.direction.value, piece.proven) for piece in influence.pieces]


@pytest.mark.parametrize(
    ("formula", "pieces"),
    [
        ("7 + 0 * x", [(0, 100, "flat", True)]),
        ("3 * x", [(0, 100, "rises", True)]),
        ("5 - x / 3", [(0, 100, "falls", True)]),
        ("curve(x, [10 gives 0, 20 gives 50, 60 gives 50, 90 gives 20])",
         [(0, 10, "flat", True), (10, 20, "rises", True), (20, 60, "flat", True), (60, 90, "falls", True),
          (90, 100, "flat", True)]),
        ("bands(x, [upto 40 at 5, rest at 2])", [(0, 40, "rises", True), (40, 100, "rises", True)]),
        ("step(x, [at_least 30 gives 9, above 10 gives 4, otherwise 0])",
         [(0, 10, "flat", True), (11, 29, "flat", True), (30, 100, "flat", True)]),
        ("clamp(2 * x, 30, 90)", [(0, 15, "flat", True), (15, 45, "rises", True), (45, 100, "flat", True)]),
        ("max(x, 100 - x)", [(0, 50, "falls", True), (50, 100, "rises", True)]),
        ("abs(x - 33)", [(0, 33, "falls", True), (33, 100, "rises", True)]),
        ("outside(x, 20, 70)", [(0, 20, "falls", True), (20, 70, "flat", True), (70, 100, "rises", True)]),
        ("5 if x > 12 and x <= 40 else 0", [(0, 12, "flat", True), (13, 40, "flat", True), (41, 100, "flat", True)]),
        ("round(x, 50, floor)", [(0, 49, "flat", True), (50, 99, "flat", True), (100, 100, "flat", False)]),
        ("min(3 * x, 120 + y)", [(0, 40, "rises", True), (40, 100, "flat", False)]),
    ],
)  # fmt: skip
def test_the_parts_of_a_range_are_found_from_the_formula(formula: str, pieces: list[Any]) -> None:
    assert pieces == told(shape(formula))


def test_a_cliff_is_told_with_the_money_on_both_sides_and_the_setting_where_it_is_highest() -> None:
    found = shape("(100 + y) * step(x, [at_least 60 gives 1, otherwise 0.5])", 0, 40)
    [cliff] = found.cliffs
    assert (n("59"), n("60")) == (cliff.first, cliff.last)
    assert (n("70"), n("140")) == (cliff.before, cliff.after)
    assert (1, 0) == (cliff.setting, cliff.line)
    assert (Direction.RISES, True, n("70")) == (found.direction, found.proven, found.moves)


@pytest.mark.parametrize("formula", ["curve(x, [10 gives 0, 20 gives 50])", "100 * x", "x * y", "max(x, 50)"])
def test_where_nothing_jumps_there_is_no_cliff(formula: str) -> None:
    assert () == shape(formula, 0, 100).cliffs


def test_what_is_only_tried_is_not_called_proven() -> None:
    # two products of one value: the ranges do not see that they cancel
    found = shape("(x * x - x * x) * y", 50)
    assert (Direction.FLAT, False) == (found.direction, found.proven)


def test_both_directions_are_a_fact_with_two_witnesses() -> None:
    found = shape("curve(x, [0 gives 0, 50 gives 80, 100 gives 30])")
    assert (Direction.MIXED, True) == (found.direction, found.proven)
    assert found.rise is not None
    assert found.fall is not None
    assert (0, n("50"), n("80")) == (found.rise.first, found.rise.last, found.rise.change)
    assert (n("50"), n("100"), n("-50")) == (found.fall.first, found.fall.last, found.fall.change)


def test_a_range_is_dead_only_if_it_is_so_at_every_setting() -> None:
    found = shape("min(max(x, 20), 40 + y)", 0, 30)
    assert [(0, n("20"), True), (n("70"), n("100"), False)] == [
        (dead.first, dead.last, dead.proven) for dead in found.dead
    ]


def test_many_stairs_of_a_rounding_are_no_cliffs_but_one_height() -> None:
    found = shape("round(x / 4, 1, ceil) * 30")
    assert () == found.cliffs
    assert n("30") == found.stair
    assert [(0, 100, "rises", True)] == told(found)


def test_a_corner_is_tried_for_a_kpi_that_moves_nothing_elsewhere() -> None:
    formula = rule("x if y > 90 else 0")
    usual = [Setting("a", (0, 0, 1)), Setting("b", (0, n("50"), 1))]
    assert [Direction.FLAT] == [each.direction for each in find_influences(formula, usual) if each.kpi == 0]
    corner = Setting("", (0, n("100"), 1))
    [found] = [each for each in find_influences(formula, [*usual, corner], corners=1) if each.kpi == 0]
    assert (Direction.RISES, 2) == (found.direction, found.setting)


def test_values_that_no_report_may_hold_are_not_looked_at() -> None:
    formula = rule("100 / (x - 50)")
    [found] = [
        each
        for each in find_influences(formula, [Setting("", (0, 0, 1))], admits=lambda values: values[0] != n("50"))
        if each.kpi == 0
    ]
    assert n("50") not in dict(found.points[0][1])
    assert {(0, 49), (51, 100)} == {(piece.first // ONE, piece.last // ONE) for piece in found.pieces}


def test_a_kpi_that_no_payment_depends_on_is_absent() -> None:
    assert {0} == {each.kpi for each in find_influences(rule("x"), [Setting("", (0, 0, 1))])}


def test_several_payees_have_their_own_shape_and_one_of_the_sum() -> None:
    lines = (Line("a", 0, 1, parse("x")), Line("b", 1, -1, parse("3 * x")))
    both = Rule(KPIS, (), (), lines, (Payee("A", parse("a")), Payee("B", parse("-b"))))
    found = find_influences(both, [Setting("", (0, 0, 1))])
    assert [(0, "rises"), (1, "falls"), (None, "falls")] == [(each.payee, each.direction.value) for each in found]
    assert n("200") == found[2].moves


def test_a_later_period_is_tried_from_the_state_that_is_given() -> None:
    counting = Rule(
        KPIS[:1], (), (), (Line("pay", 0, 1, parse("100 if prev.sum + x > 120 else 0")),),
        (Payee("UA", parse("pay")),), (Register("sum", parse("0"), parse("prev.sum + x")),),
    )  # fmt: skip
    assert () == find_influences(counting, [Setting("", (0,))])[0].cliffs
    state = evaluate(counting, [n("50")]).state
    [later] = find_influences(counting, [Setting("", (0,), 2, state)])
    assert [n("70")] == [cliff.first for cliff in later.cliffs]
    assert not later.proven


def amounts(of: Rule, values: Sequence[int]) -> tuple[int, ...]:
    return evaluate(of, values).amounts


def paid(of: Rule, values: Sequence[int], payee: int | None) -> int:
    found = amounts(of, values)
    return sum(found) if payee is None else found[payee]


def check_claims(of: Rule, each: Influence, data: st.DataObject, times: int) -> None:
    """Draw other settings and two values inside every part that something is claimed of."""
    kpi = of.kpis[each.kpi]
    unit = 1 if kpi.type == "yes_no" else kpi.multiple
    claims = [(kpi.low, kpi.high, each.direction, each.proven)]
    claims += [(piece.first, piece.last, piece.direction, piece.proven) for piece in each.pieces]
    claims += [(dead.first, dead.last, Direction.FLAT, dead.proven) for dead in each.dead]
    for first, last, direction, proven in dict.fromkeys(claims):
        if not proven or direction is Direction.MIXED:
            continue
        steps = st.integers(0, (last - first) // unit)
        for _ in range(times):
            others = list(data.draw(values_for(of)))
            low, high = sorted((first + data.draw(steps) * unit, first + data.draw(steps) * unit))
            try:
                change = -paid(of, [*others[: each.kpi], low, *others[each.kpi + 1 :]], each.payee)
                change += paid(of, [*others[: each.kpi], high, *others[each.kpi + 1 :]], each.payee)
            except FormulaError:
                continue
            event(f"{direction.value}, {'moves' if change else 'stands'}")
            if direction is not Direction.FALLS:
                assert change >= -each.slack
            if direction is not Direction.RISES:
                assert change <= each.slack


@settings(max_examples=100, suppress_health_check=[HealthCheck.data_too_large, HealthCheck.filter_too_much])
@given(st.data())
def test_claims_hold_for_any_rule_and_values(data: st.DataObject) -> None:
    of = data.draw(rules(2, tame=data.draw(st.booleans())))
    tried = [Setting("", data.draw(values_for(of))) for _ in range(2)]
    try:
        for setting in tried:
            evaluate(of, setting.values)
        found = find_influences(of, tried)
    except FormulaError:
        assume(False)
    assume(found)
    each = data.draw(st.sampled_from(found))
    kpi = of.kpis[each.kpi]
    for place, points in each.points:
        for x, amount in points:
            values = tried[place].values
            assert paid(of, [*values[: each.kpi], x, *values[each.kpi + 1 :]], each.payee) == amount
    for cliff in each.cliffs:
        assert kpi.multiple == cliff.last - cliff.first
        known = dict(dict(each.points)[cliff.setting])
        assert (known[cliff.first], known[cliff.last]) == (cliff.before, cliff.after)
    check_claims(of, each, data, 2)


PARTS = st.sampled_from([
    "x", "(x + y)", "(y - 20)", "x * y", "(x - 40) * y", "curve(x, [10 gives 5, 40 gives 90])", "min(x, y)",
    "abs(x - y)",
    "curve(y, [0 gives -5, 50 gives 9])", "step(x, [at_least 60 gives 9, otherwise 2])", "clamp(x - y, -20, 30)",
    "(x if y > 30 else 50)", "(9 if x > 70 else 4)", "bands(x, [upto 30 at 2, rest at -1])", "round(x, 7, floor)",
])  # fmt: skip
"""What moves differently at different settings."""


@settings(max_examples=80)
@given(PARTS, st.sampled_from("+-*"), PARTS, st.data())
def test_claims_hold_where_two_parts_move_against_each_other(
    one: str, sign: str, two: str, data: st.DataObject
) -> None:
    of = rule(f"{one} {sign} {two}")
    for each in find_influences(of, [Setting("", data.draw(values_for(of)))]):
        check_claims(of, each, data, 4)


TABLES = st.lists(st.integers(1, 59), min_size=1, max_size=5, unique=True).map(sorted)


@settings(max_examples=60)
@given(TABLES, st.data())
def test_no_edge_of_a_table_is_missed(edges: list[int], data: st.DataObject) -> None:
    """Against the amounts of every single value of a small range."""
    heights = data.draw(st.lists(st.integers(-9, 9), min_size=len(edges) + 1, max_size=len(edges) + 1))
    word = data.draw(st.sampled_from(["at_least", "above"]))
    slope = data.draw(st.integers(-1, 1))
    rows = [f"{word} {edge} gives {height * 20}" for edge, height in reversed(list(zip(edges, heights, strict=False)))]
    text = f"step(x, [{', '.join(rows)}, otherwise {heights[-1] * 20}]) + {slope} * x"
    of = rule(text, kpis=(KpiShape("x", 0, n("60"), 0),))
    [found] = find_influences(of, [Setting("", (0,))])
    every = [amounts(of, [x * ONE])[0] for x in range(61)]
    jumps = {at for at, (one, two) in enumerate(pairwise(every)) if abs(two - one) > 5 * ONE}
    assert jumps == {cliff.first // ONE for cliff in found.cliffs}
    assert (max(every) - min(every)) == found.moves
    rising, falling = (any(sign * (two - one) > 0 for one, two in pairwise(every)) for sign in (1, -1))
    expected = {(True, True): "mixed", (True, False): "rises", (False, True): "falls", (False, False): "flat"}
    assert expected[rising, falling] == found.direction.value


@settings(max_examples=40)
@given(st.data())
def test_every_bend_is_the_end_of_a_piece(data: st.DataObject) -> None:
    """A value at which a straight part ends is looked at, so that between two neighbours nothing turns."""
    xs = data.draw(st.lists(st.integers(0, 60), min_size=2, max_size=5, unique=True).map(sorted))
    ys = data.draw(st.lists(st.integers(-9, 9).map(lambda y: y * 60), min_size=len(xs), max_size=len(xs)))
    cap = data.draw(st.integers(-300, 300))
    points = ", ".join(f"{x} gives {y}" for x, y in zip(xs, ys, strict=True))
    of = rule(f"min({cap}, curve(x, [{points}]))", kpis=(KpiShape("x", 0, n("60"), 0),))
    [found] = find_influences(of, [Setting("", (0,))])
    every = [amounts(of, [x * ONE])[0] for x in range(61)]
    for piece in found.pieces:
        part = every[piece.first // ONE : piece.last // ONE + 1]
        steps = [two - one for one, two in pairwise(part)]
        assert not steps or max(steps) - min(steps) <= 2 or piece.direction is Direction.MIXED, piece
