"""Deals whose periods depend on each other, with the bounds that plain thought gives."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from pyoutcome.decimals import parse as n
from pyoutcome.formula import (
    Definition,
    KpiShape,
    Line,
    Payee,
    Register,
    Rule,
    parse,
)

X = KpiShape("x", 0, n("100"), 0, opening=n("7"))
SIGNED = KpiShape("y", n("-5"), n("5"), 0)
MET = KpiShape.yes_no("done")


@dataclass(frozen=True)
class Deal:
    """A rule for one payee in a few words; every line is owed to it."""

    lines: dict[str, str]
    amount: str = "pay"
    registers: dict[str, tuple[str, str]] = field(default_factory=dict)
    define: dict[str, str] = field(default_factory=dict)

    def rule(self) -> Rule:
        return Rule(
            (X, SIGNED, MET),
            (("fee", n("40")),),
            tuple(Definition(name, parse(text)) for name, text in self.define.items()),
            tuple(Line(name, 0, 1, parse(text)) for name, text in self.lines.items()),
            (Payee("UA", parse(self.amount)),),
            tuple(Register(name, parse(start), parse(after)) for name, (start, after) in self.registers.items()),
            3,
        )


DEALS: dict[str, tuple[Deal, int, tuple[str, str], tuple[str, str]]] = {
    # deal, decimals of the token, least and most in period 6, least and most over 6 periods
    "a plain fee": (Deal({"pay": "x"}), 2, ("0", "100"), ("0", "600")),
    "an entitlement to date, restated": (Deal({"pay": "3 * x - to_date.pay"}), 2, ("-300", "300"), ("0", "300")),
    "an entitlement with a remainder below one unit": (
        Deal({"pay": "x / 7 - to_date.pay"}),
        2,
        ("-14.29", "14.285714285714285714"),
        ("0", "14.29"),  # 14.28 in truth: what is below one unit is not followed
    ),
    "a restated line that only ever pays": (
        Deal({"pay": "max(0, 3 * x - to_date.pay)"}),
        0,
        ("0", "300"),
        ("0", "300"),
    ),
    "a restated part named first": (
        Deal({"pay": "pay.base if done else 0"}, define={"pay.base": "x - to_date.pay"}),
        0,
        ("-100", "100"),
        ("0", "100"),
    ),
    "a fee beside a true-up": (
        Deal({"charge": "fee", "pay": "x - to_date.pay"}, "charge + pay"),
        2,
        ("-60", "140"),
        ("240", "340"),
    ),
    "a lifetime cap": (Deal({"pay": "x"}, "min(pay, 250 - earned_before)"), 6, ("0", "100"), ("0", "250")),
    "a lifetime cap, cut to cents": (
        Deal({"pay": "1.37 * x"}, "round(min(pay, 300.005 - earned_before), 0.01, down)"),
        6,
        ("0", "137"),
        ("0", "300"),
    ),
    "a lifetime cap, rounded to the nearest cent": (
        Deal({"pay": "round(min(1.37 * x, 300.005 - to_date.pay), 0.01, half_up)"}),
        6,
        ("-0.01", "137"),  # the half cent above the cap is paid, and taken back
        ("0", "300.01"),
    ),
    "a lifetime cap, rounded inside other limits": (
        Deal({"pay": "clamp(cut, 0, 120)"}, define={"cut": "round(min(1.37 * x, 300 - to_date.pay), 0.01, up)"}),
        6,
        ("0", "120"),
        ("0", "300"),
    ),
    "a lifetime cap that a carried value keeps, rounded": (
        Deal(
            {"pay": "round(min(1.37 * x, 300 - prev.paid), 0.01, half_even)"},
            registers={"paid": ("0", "prev.paid + pay")},
        ),
        6,
        ("0", "137"),
        ("0", "300"),
    ),
    "a lifetime floor, rounded": (
        Deal({"pay": "round(max(1.37 * y, -3.333 - to_date.pay), 0.01, floor)"}),
        6,
        ("-6.85", "6.85"),
        ("-3.34", "41.1"),
    ),
    "a lifetime cap on a true-up": (
        Deal({"pay": "3 * x - to_date.pay"}, "min(pay, 250 - earned_before)"),
        6,
        ("-300", "300"),
        ("-1250", "250"),  # -50 in truth: how far the cap has fallen behind is not followed
    ),
    "an advance taken back": (
        Deal(
            {"pay": "x - taken"},
            registers={"owed": ("500", "prev.owed - taken")},
            define={"taken": "min(x, prev.owed)"},
        ),
        6,
        ("0", "100"),
        ("0", "100"),
    ),
    "what is taken back of an advance": (
        Deal({"pay": "min(x, prev.owed)"}, registers={"owed": ("250", "prev.owed - pay")}),
        6,
        ("0", "100"),
        ("0", "250"),
    ),
    "a rolling cap": (Deal({"pay": "max(0, min(x, 150 - sum_last(pay, 2)))"}), 6, ("0", "100"), ("0", "600")),
    "what a rolling cap leaves": (
        Deal({"pay": "max(0, min(x, 150 - sum_last(pay, 2)))", "room": "150 - sum_last(pay, 2)"}, "room"),
        6,
        ("0", "150"),
        ("200", "900"),
    ),
    "a high-water mark": (
        Deal({"pay": "20% * max(0, x - prev.mark)"}, registers={"mark": ("10", "max(prev.mark, x)")}),
        6,
        ("0", "18"),
        ("0", "18"),
    ),
    "a fee that lowers the mark it is measured by": (
        Deal(
            {"pay": "20% * max(0, x - prev.mark)"},
            registers={"mark": ("10", "max(prev.mark, net)")},
            define={"net": "x - pay"},
        ),
        6,
        ("0", "18"),
        # a quarter of what the mark grows by: from 10 to 100 - 90 * 20%**6
        ("0", "22.49856"),
    ),
    "nine tenths of an entitlement to date": (
        Deal({"pay": "3 * x - to_date.pay"}, "pay * 90%"),
        6,
        ("-270", "270"),
        ("0", "270"),
    ),
    "a streak of breaches": (
        Deal({"pay": "-10 * streak"}, registers={"streak": ("0", "prev.streak + 1 if x < 50 else 0")}),
        6,
        ("-60", "0"),
        ("-210", "0"),
    ),
    "a milestone met once": (
        Deal({"pay": "(500 if met else 0) - to_date.pay"}, registers={"met": ("no", "prev.met or x >= 90")}),
        6,
        ("-500", "500"),
        ("0", "500"),
    ),
    "graduated prices on a running quantity": (
        Deal(
            {"pay": "bands(running, [upto 200 at 5, rest at 2]) - to_date.pay"},
            registers={"running": ("0", "prev.running + x")},
        ),
        2,
        ("-1600", "1800"),
        ("0", "1800"),
    ),
    "a fee that lags": (Deal({"pay": "lag(x, 2) + prev.x"}), 6, ("0", "200"), ("21", "921")),
    "a fee by contract year": (Deal({"pay": "fee * year + period_of_year"}), 6, ("83", "83"), ("372", "372")),
    "nine tenths of a signed entitlement": (
        Deal({"pay": "3 * y - to_date.pay"}, "pay * 90%"),
        6,
        ("-27", "27"),
        ("-13.5", "13.5"),
    ),
    "nine tenths of an entitlement with a remainder": (
        Deal({"pay": "x / 7 - to_date.pay"}, "pay * 90%"),
        2,
        ("-12.861", "12.857142857142857142"),
        ("-0.105000000000000012", "12.965000000000000013"),  # -0.01 to 12.86 in truth
    ),
    "a change of level": (
        Deal({"pay": "level - prev.level"}, registers={"level": ("100", "clamp(prev.level + y, 95, 120)")}),
        6,
        ("-5", "5"),
        ("-5", "20"),
    ),
    "a fall of a level": (
        Deal({"pay": "prev.level - level"}, registers={"level": ("100", "clamp(prev.level + y, 95, 120)")}),
        6,
        ("-5", "5"),
        ("-20", "5"),
    ),
    "a product that turns": (
        Deal({"pay": "x * x - 60 * x"}),
        6,
        ("-900", "4000"),
        ("-5400", "24000"),
    ),
    "a count two periods ago": (
        Deal({"pay": "lag(count, 2)"}, registers={"count": ("5", "prev.count + 1")}),
        6,
        ("9", "9"),
        ("40", "40"),
    ),
    "counts of the last two periods": (
        Deal({"pay": "sum_last(count, 2)"}, registers={"count": ("5", "prev.count + 1")}),
        6,
        ("19", "19"),
        ("70", "70"),
    ),
    "a rolling sum that is kept": (
        Deal({"pay": "150 + y - sum_last(pay, 2)"}),
        6,
        ("-20", "20"),
        ("220", "380"),  # 290 to 310 in truth
    ),
    "a rolling sum of three that is kept": (
        Deal({"pay": "150 + y - sum_last(pay, 3)"}),
        6,
        ("-20", "20"),
        ("230", "370"),  # 290 to 310 in truth
    ),
    "a sum of steps that become finer": (
        Deal({"pay": "sum_last(r, 2)"}, registers={"r": ("0", "x + 1 if period > 2 else 10 * x")}),
        6,
        ("2", "202"),
        ("5", "4505"),
    ),
    "a sum to date of steps that become coarser": (
        Deal({"due": "to_date.pay", "pay": "10 * x if period > 2 else x + 1"}, "due"),
        6,
        ("2", "3202"),
        ("9", "6909"),
    ),
    "a rounded sum to date": (
        Deal({"pay": "x", "due": "round(to_date.pay, 7, down)"}, "due"),
        6,
        ("0", "497"),
        ("0", "1484"),
    ),
    "a cap on the only payee by name": (
        Deal({"pay": "x"}, "min(pay, 250 - earned_before.UA)"),
        6,
        ("0", "100"),
        ("0", "250"),
    ),
    "a true-up named first": (
        Deal({"pay": "due"}, define={"due": "3 * x - to_date.pay"}),
        6,
        ("-300", "300"),
        ("0", "300"),
    ),
    "a true-up the other way round": (
        Deal({"pay": "-(to_date.pay - 3 * x)"}),
        6,
        ("-300", "300"),
        ("0", "300"),
    ),
    "parts of a seventh": (
        Deal({"charge": "fee / 7", "pay": "x / 7 - to_date.pay"}, "charge + pay"),
        2,
        ("-8.575714285714285715", "19.999999999999999999"),
        ("34.21", "48.66"),
    ),
    "a fifth of a growing mark": (
        Deal(
            {"pay": "max(0, x - prev.mark) / 5"},
            registers={"mark": ("10", "max(prev.mark, net)")},
            define={"net": "x - pay"},
        ),
        6,
        ("0", "18"),
        ("0", "22.49856"),
    ),
    "a fifth of a growing mark in cents": (
        Deal(
            {"pay": "max(0, x - prev.mark) / 5"},
            registers={"mark": ("10", "max(prev.mark, net)")},
            define={"net": "x - pay"},
        ),
        2,
        ("0", "18"),
        ("0", "22.49856"),
    ),
    "20 of 100 parts of a growing mark": (
        Deal(
            {"pay": "20 * max(0, x - prev.mark) / 100"},
            registers={"mark": ("10", "max(prev.mark, net)")},
            define={"net": "x - pay"},
        ),
        6,
        ("0", "18"),
        ("0", "22.49856"),
    ),
    "a third of a growing mark": (
        Deal(
            {"pay": "max(0, x - prev.mark) / 3"},
            registers={"mark": ("10", "max(prev.mark, net)")},
            define={"net": "x - pay"},
        ),
        2,
        ("0", "30"),
        ("0", "44.938271604938271619"),
    ),
    "a fifth of a falling mark": (
        Deal(
            {"pay": "20% * min(0, x - prev.mark)"},
            registers={"mark": ("90", "min(prev.mark, net)")},
            define={"net": "x - pay"},
        ),
        6,
        ("-18", "0"),
        ("-22.49856", "0"),
    ),
    "minus a fifth": (
        Deal(
            {"pay": "-(20% * min(0, x - prev.mark))"},
            registers={"mark": ("90", "min(prev.mark, net)")},
            define={"net": "x + pay"},
        ),
        6,
        ("0", "18"),
        ("0", "22.49856"),
    ),
    "a change of level and products": (
        Deal(
            {"pay": "level - prev.level + y * y + x * y"},
            registers={"level": ("100", "clamp(prev.level + y, 95, 120)")},
        ),
        6,
        ("-480", "530"),
        ("-2880", "3170"),
    ),
    "as often as met": (
        Deal({"pay": "fee * times"}, registers={"times": ("0", "prev.times + (1 if done else 0)")}),
        6,
        ("0", "240"),
        ("0", "840"),
    ),
    "while not yet met": (
        Deal({"pay": "fee if not prev.met else 0"}, registers={"met": ("no", "prev.met or done or period >= 3")}),
        6,
        ("0", "0"),
        ("40", "120"),
    ),
    "a true-up decided by a fraction": (
        Deal({"pay": "due"}, define={"due": "(90 if x / 3 > 7 else 0) - to_date.pay"}),
        6,
        ("-90", "90"),
        ("0", "90"),
    ),
    "a third of a falling mark": (
        Deal(
            {"pay": "min(0, x - prev.mark) / 3"},
            registers={"mark": ("90", "min(prev.mark, net)")},
            define={"net": "x - pay"},
        ),
        2,
        ("-30", "0"),
        ("-44.938271604938271619", "0"),
    ),
    "a fifth with its sign turned twice": (
        Deal(
            {"pay": "20% * -min(0, prev.mark - x)"},
            registers={"mark": ("10", "max(prev.mark, net)")},
            define={"net": "x - pay"},
        ),
        6,
        ("0", "18"),
        ("0", "22.49856"),
    ),
    "a fifth in three factors": (
        Deal(
            {"pay": "20 * max(0, x - prev.mark) * 1%"},
            registers={"mark": ("10", "max(prev.mark, net)")},
            define={"net": "x - pay"},
        ),
        6,
        ("0", "18"),
        ("0", "108"),  # 22.49856 in truth: only what is cut once is followed
    ),
    "a fifth by two divisions": (
        Deal(
            {"pay": "max(0, x - prev.mark) / 5 / 1"},
            registers={"mark": ("10", "max(prev.mark, net)")},
            define={"net": "x - pay"},
        ),
        6,
        ("0", "18"),
        ("0", "108"),
    ),
    "a sum of the last three": (Deal({"pay": "sum_last(y, 3)"}), 6, ("-15", "15"), ("-60", "60")),
}


def chances(rule: Rule, periods: int, seed: int) -> list[tuple[int, ...]]:
    """KPI values for some periods, ends of the ranges often."""
    chance = random.Random(seed)
    return [
        tuple(
            chance.choice(
                (
                    kpi.low,
                    kpi.high,
                    min(kpi.low + kpi.multiple, kpi.high),
                    max(kpi.high - kpi.multiple, kpi.low),
                    chance.randrange(kpi.low, kpi.high + 1, kpi.multiple),
                )
            )
            for kpi in rule.kpis
        )
        for _ in range(periods)
    ]
