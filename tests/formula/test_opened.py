"""Sums opened up: the ends of what cancels, to the last unit; and what cutting to base units adds to them."""

from __future__ import annotations

from fractions import Fraction

import pytest

from pyoutcome.decimals import ONE
from pyoutcome.decimals import parse as n
from pyoutcome.formula import KpiShape, Line, Payee, Register, Rule, bounds_over, parse
from pyoutcome.formula.ends import range_of
from pyoutcome.formula.opened import OpenedSum
from pyoutcome.formula.period_ranges import PeriodRanges
from pyoutcome.formula.recurrence import Recurrence
from pyoutcome.formula.walk import Walk
from tests.formula import small


def opened(*, upper: bool) -> OpenedSum:
    made = small.rule("a")
    walk = Walk(made, {kpi.full_name: range_of(kpi.low, kpi.high, kpi.multiple) for kpi in small.KPIS}, {}, 1)
    walk.see(range(len(made.order)))
    return OpenedSum(made, walk, upper=upper)


@pytest.mark.parametrize(
    ("terms", "low", "high"),
    [
        ([(1, "a")], -3, 4),
        ([(1, "-a")], -4, 3),
        ([(-2, "a")], -8, 6),
        ([(1, "-a"), (1, "a")], 0, 0),
        ([(1, "a - b"), (1, "b")], -3, 4),
        ([(1, "a + 2 * b"), (-2, "b")], -3, 4),
        ([(1, "b"), (1, "b"), (-1, "b")], 1, 3),
        ([(1, "a * 0.25"), (Fraction(-1, 4), "a"), (1, "5")], 5, 5),
        ([(1, "max(a, b)"), (-1, "b")], 0, 3),
        ([(1, "max(a, b)"), (-1, "max(a, b)")], 0, 0),
        ([(1, "b"), (-1, "max(a, b)")], -3, 0),
        ([(1, "min(a, b)"), (-1, "a")], -3, 0),
        ([(1, "a * b")], -9, 12),
    ],
)
def test_a_sum_has_these_ends(terms: list[tuple[Fraction, str]], low: int, high: int) -> None:
    parts = [(Fraction(count), parse(text)) for count, text in terms]
    assert (Fraction(low * ONE), Fraction(high * ONE)) == (
        opened(upper=False).end(parts),
        opened(upper=True).end(parts),
    )


@pytest.mark.parametrize(("upper", "end"), [(False, "-8"), (True, "6")])
def test_what_is_not_opened_any_further_counts_as_it_is(upper: bool, end: str) -> None:
    found = opened(upper=upper)
    found.nodes = 1
    assert n(end) == found.end([(Fraction(-2), parse("a"))])


@pytest.mark.parametrize(
    ("low", "high", "ties"),
    [
        ("0.999", "9", ((n("1.988000000000000001"), n("18")), (-(10**16 - 1), 0))),
        ("-9", "-0.999", ((n("-18"), n("-1.988000000000000001")), (0, 10**16 - 1))),
        ("0", "0.000000000000000001", ((-(10**16 - 1), 2), (-(10**16 - 1), 0))),
    ],
)
def test_a_line_cut_to_cents_loses_less_than_a_cent_of_what_a_register_grows_by(
    low: str, high: str, ties: tuple[tuple[int, int], ...]
) -> None:
    """The line plus that, and less that."""
    x = KpiShape("x", n(low), n(high), 3 if n(high) != 1 else 18)
    further = "min" if n(high) < 0 else "max"
    grown = Register("mark", parse("0"), parse(f"{further}(prev.mark, x)"))
    lines = (Line("pay", 0, 1, parse("mark - prev.mark")),)
    made = Rule((x,), (), (), lines, (Payee("A", parse("pay")),), (grown,))
    follow = Recurrence(made, {}, 2)
    assert ties == PeriodRanges(follow.frame, follow.past, 1).change().ties


def test_the_sum_of_such_lines_may_fall_short_of_what_the_register_grew_by() -> None:
    x = KpiShape("x", n("0.999"), n("9"), 3)
    lines = (Line("pay", 0, 1, parse("mark - prev.mark")),)
    grown = Register("mark", parse("0"), parse("max(prev.mark, x)"))
    made = Rule((x,), (), (), lines, (Payee("A", parse("pay")),), (grown,))
    assert ((n("0.99"), n("9")),) == bounds_over(made, 3, unit_decimals=2).totals


def test_what_stands_still_where_it_begins_has_no_share() -> None:
    """A line that is no multiple of what the register grows by, and an amount that is none of its line."""
    x = KpiShape("x", 0, n("9"), 0)
    lines = (Line("pay", 0, 1, parse("0.2 * (mark - prev.mark) + b")), Line("b", 0, 0, parse("5 - 0.1 * x")))
    mark = Register("mark", parse("0"), parse("max(prev.mark, x)"))
    for amount in ("max(pay, 5)", "pay"):
        made = Rule((x,), (), (), lines, (Payee("A", parse(amount)),), (mark,))
        found = bounds_over(made, 2, unit_decimals=6).totals
        assert found[0][0] >= n("8.2")
    zero = (Line("pay", 0, 1, parse("x * (9 - x)")),)
    made = Rule((x,), (), (), zero, (Payee("A", parse("max(pay, 5)")),))
    assert ((n("10"), n("40")),) == bounds_over(made, 2, unit_decimals=6).totals


CENT = 10**16


@pytest.mark.parametrize(
    ("x", "line", "sign", "amount", "shares"),
    [
        (KpiShape("x", 0, 1, 18), "x", 1, "pay * 2", ((-(CENT - 1), 2 * (CENT - 1)),)),
        (KpiShape("x", 0, n("9"), 3), "x", -1, "-pay * 0.5", ((-CENT // 2, CENT - 1),)),
        (KpiShape("x", n("0.1"), n("9"), 3), "0.2 * (mark - prev.mark)", 1, "pay", ((-(CENT - 1), 0),)),
    ],
)
def test_a_share_loses_less_than_a_cent_of_each_of_its_parts(
    x: KpiShape, line: str, sign: int, amount: str, shares: tuple[tuple[int, int], ...]
) -> None:
    """An amount less its share of the lines, or a line less its share of what a register grows by."""
    mark = (Register("mark", parse("0"), parse("max(prev.mark, x)")),) if "mark" in line else ()
    made = Rule((x,), (), (), (Line("pay", 0, sign, parse(line)),), (Payee("A", parse(amount)),), mark)
    follow = Recurrence(made, {}, 2)
    assert shares == PeriodRanges(follow.frame, follow.past, 1).change().shares
