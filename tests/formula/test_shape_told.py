"""All that the shape of a formula tells, in a block of ``shapes_told.txt`` each.

Under the formula a line for each KPI that matters: the values looked at; the direction, the greatest rise and fall and
at which setting, and the most it moves; the pieces with the amounts at their ends; the cliffs with the amounts on both
sides; where nothing moves; and the height of equal stairs. A ``?`` stands where something is only tried. There are two
settings: y is 0 and y is 10.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pyoutcome.decimals import parse as n
from pyoutcome.decimals import show
from pyoutcome.formula import KpiShape, Line, Payee, Register, Rule, parse
from pyoutcome.formula.influence import Influence
from pyoutcome.formula.shape import Setting, find_influences

KPIS = (
    KpiShape("x", 0, n("100"), 0),
    KpiShape("y", 0, n("10"), 0),
    KpiShape("z", n("-5"), n("5"), 1),
    KpiShape("few", 0, n("1"), 0),
    KpiShape.yes_no("ok"),
    KpiShape.choice("tier", ("gold", "silver", "base")),
    KpiShape("fine", 0, n("1"), 18),
)
SETTINGS = [Setting(str(y), (0, n(str(y)), 0, 0, 1, n("1"), 0)) for y in (0, 10)]

TOLD = Path(__file__).with_name("shapes_told.txt").read_text(encoding="utf-8")


def told(found: Influence) -> str:
    _, points = found.points[0]
    scale = 10**18 if KPIS[found.kpi].type != "yes_no" else 1

    def at(*values: int) -> str:
        return "..".join(show(value * 10**18 // scale) for value in values)

    looked = " ".join(at(value) for value, _ in points)
    pieces = ", ".join(
        f"{at(each.first, each.last)} {each.direction.value}{'' if each.proven else '?'}"
        f" {show(each.before)} to {show(each.after)}"
        for each in found.pieces
    )
    cliffs = ", ".join(
        f"{at(each.first, each.last)} {show(each.before)} to {show(each.after)}" for each in found.cliffs
    )
    dead = ", ".join(f"{at(each.first, each.last)}{'' if each.proven else '?'}" for each in found.dead)
    rise, fall = (
        f" {word} {at(each.first, each.last)} by {show(each.change)} at {each.setting}" if each else ""
        for word, each in (("up", found.rise), ("down", found.fall))
    )
    direction = f"{found.direction.value}{'' if found.proven else '?'}{rise}{fall} moves {show(found.moves)}"
    shown = f" shown {found.setting}" if found.setting else ""
    parts = (pieces, cliffs, dead, show(found.stair) if found.stair else "")
    return f"{KPIS[found.kpi].full_name} at {looked}: {direction}{shown} | {' | '.join(parts)}".rstrip(" |")


def rule(formula: str) -> Rule:
    return Rule(KPIS, (), (), (Line("pay", 0, 1, parse(formula)),), (Payee("UA", parse("pay")),))


@pytest.mark.parametrize("row", TOLD.strip().split("\n\n"))
def test_this_is_told_of_a_formula(row: str) -> None:
    formula, *lines = row.split("\n")
    assert [line.strip() for line in lines] == [told(each) for each in find_influences(rule(formula), SETTINGS)]


def test_a_cliff_is_blamed_on_the_line_of_the_payee_that_jumps_most() -> None:
    lines = (
        Line("flat", 0, 1, parse("1_000")),
        Line("fee", 0, 1, parse("100 if x >= 50 else 0")),
        Line("credit", 0, -1, parse("30 if x >= 50 else 0")),
        Line("memo", 0, 0, parse("900 if x >= 50 else 0")),
        Line("other", 1, 1, parse("500 if x >= 50 else 0")),
    )
    payees = (Payee("A", parse("flat + fee - credit")), Payee("B", parse("other if x < 70 else 7")))
    found = find_influences(Rule(KPIS[:1], (), (), lines, payees), [Setting("", (0,))])
    assert [
        (0, [(n("49"), 1)]),
        (1, [(n("49"), 4), (n("69"), None)]),
        (None, [(n("49"), 4), (n("69"), None)]),
    ] == [(each.payee, [(cliff.first, cliff.line) for cliff in each.cliffs]) for each in found]


def test_a_total_moves_with_every_part_of_it() -> None:
    parts = tuple(KpiShape("flights", 0, n("9"), 0, provider) for provider in ("UA", "B6"))
    made = Rule(parts, (), (), (Line("pay", 0, 1, parse("total.flights * 2")),), (Payee("UA", parse("pay")),))
    assert [(0, n("18")), (1, n("18"))] == [
        (each.kpi, each.moves) for each in find_influences(made, [Setting("", (0, 0))])
    ]


def test_named_values_are_looked_at_in_any_case() -> None:
    [found] = find_influences(rule("x"), SETTINGS, also={0: [n("33")]})
    assert [0, 33, 50, 100] == [value // n("1") for value, _ in found.points[0][1]]


def test_a_setting_that_no_report_may_hold_is_left_out() -> None:
    [found] = find_influences(rule("x"), SETTINGS, admits=lambda values: values[1] == 0)
    assert [0] == [at for at, _ in found.points]
    assert () == find_influences(rule("x"), SETTINGS, admits=lambda values: values[0] == 0)


def test_a_setting_that_has_no_amount_is_left_out() -> None:
    found = find_influences(rule("x / (y - 10)"), SETTINGS)
    assert [(0, [0]), (1, [0])] == [(each.kpi, [at for at, _ in each.points]) for each in found]


def test_what_is_carried_counts_as_before_the_first_period() -> None:
    kpis = (KPIS[0], replace(KPIS[2], opening=n("3")))
    lines = (Line("pay", 0, 1, parse("max(0, prev.mark + x - 50) + prev.z")),)
    made = Rule(kpis, (), (), lines, (Payee("UA", parse("pay")),), (Register("mark", parse("20"), parse("x")),))
    found, *_ = find_influences(made, [Setting("", (0, 0))])
    assert [(0, n("30"), True, n("3")), (n("30"), n("100"), True, n("3"))] == [
        (each.first, each.last, each.proven, each.before) for each in found.pieces
    ]


def test_corners_are_tried_one_by_one_until_the_kpi_moves() -> None:
    corners = [Setting(str(y), (0, n(str(y)), 0, 0, 1, n("1"), 0)) for y in (3, 10, 9)]
    [found, _] = find_influences(rule("x if y > 8 else 0"), [*SETTINGS[:1], *corners], corners=3)
    assert (2, [0, 2]) == (found.setting, [at for at, _ in found.points])


def test_truncation_may_move_an_amount_by_two_units_for_each_error_and_the_noise() -> None:
    whole, *_ = find_influences(rule("x / 3"), SETTINGS)
    assert (102, n("33.333333333333333333")) == (whole.slack, whole.moves)
    later, *_ = find_influences(rule("x / 3"), [replace(SETTINGS[0], period=2)])
    assert (100, False) == (later.slack, later.proven)


def test_the_sum_of_all_payees_is_as_uncertain_as_all_of_them() -> None:
    lines = (Line("a", 0, 1, parse("x / 3")), Line("b", 1, -1, parse("x / 7 + few")), Line("c", 2, 1, parse("y")))
    payees = tuple(Payee(name.upper(), parse(f"-{name}" if name == "b" else name)) for name in "abc")
    found = find_influences(Rule(KPIS, (), (), lines, payees), SETTINGS)
    assert [(0, 0, 102), (0, 1, 102), (0, None, 104), (1, 2, 100), (3, 1, 102)] == [
        (each.kpi, each.payee, each.slack) for each in found
    ]


def test_the_sum_of_all_payees_may_be_larger_than_any_amount() -> None:
    x = KpiShape("x", 0, n("4" + "0" * 58), 0)
    lines = (Line("a", 0, 1, parse("x")), Line("b", 1, 1, parse("x")))
    found = find_influences(
        Rule((x,), (), (), lines, (Payee("A", parse("a")), Payee("B", parse("b")))), [Setting("", (0,))]
    )
    assert [(0, x.high), (1, x.high), (None, 2 * x.high)] == [(each.payee, each.moves) for each in found]


def test_of_equally_high_cliffs_the_one_at_the_first_setting_is_told() -> None:
    [found] = find_influences(rule("100 if x >= 60 else 0"), SETTINGS)
    assert [0] == [cliff.setting for cliff in found.cliffs]


def test_a_cliff_of_a_payee_without_lines_has_no_line_to_blame() -> None:
    payees = (Payee("A", parse("pay")), Payee("B", parse("5 if x < 30 else 7")))
    made = Rule(KPIS[:1], (), (), (Line("pay", 0, 1, parse("x")),), payees)
    found = find_influences(made, [Setting("", (0,))])
    assert [(0, []), (1, [None])] == [(each.payee, [cliff.line for cliff in each.cliffs]) for each in found[:2]]


def test_a_turn_is_found_where_straight_lines_lead_far_astray() -> None:
    [found] = find_influences(rule("5 if fine * fine * fine * fine >= 0.001 else 1"), SETTINGS)
    assert [(177827941003892282, 177827941003892283)] == [(cliff.first, cliff.last) for cliff in found.cliffs]
    assert 61 == len(found.points[0][1])


def test_what_no_report_may_hold_is_not_searched() -> None:
    share = KpiShape("x", 0, n("1"), 6)
    made = Rule((share,), (), (), (Line("pay", 0, 1, parse("5 if x >= 0.1 else 1")),), (Payee("A", parse("pay")),))
    [found] = find_influences(made, [Setting("", (0,))], admits=lambda values: not n("0.3") <= values[0] <= n("0.7"))
    assert [n("0.1")] == [cliff.last for cliff in found.cliffs]
    assert [n("0.299999"), n("0.700001")] == [
        value for value, _ in found.points[0][1] if n("0.299999") <= value <= n("0.700001")
    ]


def test_a_part_is_proven_from_what_counts_before_the_first_period() -> None:
    kpis = (KPIS[0], replace(KPIS[2], opening=n("3")))
    lines = (Line("pay", 0, 1, parse("max(0, x - 50 + lag(mark, 2)) + lag(z, 2)")),)
    made = Rule(kpis, (), (), lines, (Payee("UA", parse("pay")),), (Register("mark", parse("20"), parse("x")),))
    found, *_ = find_influences(made, [Setting("", (0, 0))])
    assert [(0, n("30"), True), (n("30"), n("100"), True)] == [
        (each.first, each.last, each.proven) for each in found.pieces
    ]


@pytest.mark.parametrize("earlier", ["lag(z, 1)", "lag(mark, 1)"])
def test_a_part_is_not_proven_still_where_what_counts_before_the_first_period_moves_it(earlier: str) -> None:
    """Nothing moves below 90 while y is 0; with another y it does."""
    kpis = (KPIS[0], KPIS[1], replace(KPIS[2], opening=n("3")))
    lines = (Line("pay", 0, 1, parse(f"max(0, x - 90) + x * y * {earlier}")),)
    made = Rule(kpis, (), (), lines, (Payee("UA", parse("pay")),), (Register("mark", parse("20"), parse("x")),))
    found, *_ = find_influences(made, [Setting("", (0, 0, 0))])
    assert [(0, n("90"), False), (n("90"), n("100"), True)] == [
        (each.first, each.last, each.proven) for each in found.pieces
    ]
    assert [(0, n("90"), False)] == [(each.first, each.last, each.proven) for each in found.dead]
