"""Values with which a rule fails, found from its ranges: a failure that may happen can be looked at."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pyoutcome.decimals import ONE
from pyoutcome.decimals import parse as n
from pyoutcome.errors import FormulaError
from pyoutcome.formula import KpiShape, Line, Payee, Register, Rule, evaluate_all, parse
from pyoutcome.formula.witness import Witness, find_witness

KPIS = (
    KpiShape("x", 0, n("100"), 0, opening=n("7")),
    KpiShape("y", n("-5"), n("5"), 1),
    KpiShape.yes_no("ok"),
    KpiShape.choice("tier", ("gold", "silver", "base")),
)


def rule(formula: str, *kpis: KpiShape, **registers: tuple[str, str]) -> Rule:
    return Rule(
        kpis or KPIS,
        (("rate", n("30")),),
        (),
        (Line("pay", 0, 1, parse(formula)),),
        (Payee("UA", parse("pay")),),
        tuple(Register(name, parse(start), parse(after)) for name, (start, after) in registers.items()),
    )


def shown(found: Witness | None) -> str:
    """The KPI values of every period, the item and the error."""
    if found is None:
        return "none"
    periods = "; ".join(" ".join(f"{value / ONE:g}" for value in values) for values in found.periods)
    return f"{periods}: {found.item} {found.code}"


FOUND = """
x + 1 -> none
1 / (x + period - 9) -> 8 -5 0 1: pay division-by-zero
1 / (x - 50) -> 50 -5 0 1: pay division-by-zero
1 / (x - 49.5) -> none
1 / x -> 0 -5 0 1: pay division-by-zero
1 / (x - 100) -> 100 -5 0 1: pay division-by-zero
1 / (x - 33) if x > 20 else 0 -> 33 -5 0 1: pay division-by-zero
1 / (x * x - 2) -> none
1 / (x * x - 2_809) -> 53 -5 0 1: pay division-by-zero
1 / (x - 10 * y) -> 0 0 0 1: pay division-by-zero
1 / (y + 1.3) -> 0 -1.3 0 1: pay division-by-zero
1 / (x + y - 105) -> 100 5 0 1: pay division-by-zero
1 / (x + y + 5) -> 0 -5 0 1: pay division-by-zero
1 / (x - 77) if ok else 1 / (y - 2) -> 0 2 0 1: pay division-by-zero
1 / (x - 77) if tier == silver else 5 -> 77 -5 0 2: pay division-by-zero
1 / pick(tier, [gold gives 1, silver gives 2, base gives x - 64]) -> 64 -5 0 3: pay division-by-zero
clamp(x, y, 4) -> 0 4.1 0 1: pay clamp-low-above-high
round(x, y, up) -> 0 -5 0 1: pay round-step-not-positive
curve(x, [y gives 1, 4 gives 2]) -> 0 4 0 1: pay curve-points-not-increasing
bands(x, [upto y at 1, rest at 2]) -> 0 -5 0 1: pay bands-edges-decreasing
9_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000 * x -> 7 -5 0 1: pay overflow
1 / (to_date.pay + x - 20) -> 20 -5 0 1: pay division-by-zero
1 / (earned_before + x - 21) -> 21 -5 0 1: pay division-by-zero
1 / (earned_before.UA + x - 22) -> 22 -5 0 1: pay division-by-zero
1 / (prev.x - 7) -> 0 -5 0 1: pay division-by-zero
1 / (prev.x - 100) -> 100 5 1e-18 3; 100 5 1e-18 3: pay division-by-zero
1 / (sum_last(x, 2) - 200) -> 100 5 1e-18 3; 100 5 1e-18 3; 100 5 1e-18 3: pay division-by-zero
1 / (lag(x, 3) - 100) -> 100 5 1e-18 3; 100 5 1e-18 3; 100 5 1e-18 3; 100 5 1e-18 3: pay division-by-zero
1 / (to_date.pay - 4) if period > 1 else 4 -> 100 5 1e-18 3; 100 5 1e-18 3: pay division-by-zero
"""


@pytest.mark.parametrize("row", FOUND.strip().splitlines())
def test_a_rule_fails_with_these_values(row: str) -> None:
    formula, expected = row.split(" -> ")
    made = rule(formula)
    found = find_witness(made, 4)
    assert expected == shown(found)
    if found is not None:
        with pytest.raises(FormulaError) as caught:
            evaluate_all(made, found.periods)
        assert (found.code, len(found.periods)) == (caught.value.code, caught.value.details["period"])


def test_values_are_found_for_the_terms_that_are_given() -> None:
    made = rule("1 / (x - rate)", *KPIS[:1])
    assert "30: pay division-by-zero" == shown(find_witness(made))
    assert "41: pay division-by-zero" == shown(find_witness(made, parameters={"rate": n("41")}))


def test_a_failure_in_a_later_period_is_found_if_there_are_so_many() -> None:
    made = rule("1 / (prev.count - 3)", *KPIS[:1], count=("0", "prev.count + 1"))
    assert "none" == shown(find_witness(made, 3))
    assert "100; 100; 100; 100: pay division-by-zero" == shown(find_witness(made, 4))
    assert "100; 100; 100; 100: pay division-by-zero" == shown(find_witness(made, 9))
    soon = rule("1 / (prev.count - 1)", *KPIS[:1], count=("0", "prev.count + 1"))
    assert "none" == shown(find_witness(soon))
    assert "100; 100: pay division-by-zero" == shown(find_witness(soon, 2))


def test_ends_are_tried_by_turns() -> None:
    falls = rule("1 / (prev.x - x - 100)", *KPIS[:1])
    assert "0; 100; 0: pay division-by-zero" == shown(find_witness(falls, 3))
    assert "100; 0: pay division-by-zero" == shown(find_witness(falls, 2))
    rises = rule("1 / (x - prev.x - 100)", *KPIS[:1])
    assert "0; 100: pay division-by-zero" == shown(find_witness(rises, 3))
    apart = rule("1 / (x - prev.x + prev.y - y - 110)", *KPIS[:1], replace(KPIS[1], opening=0))
    assert "0 5; 100 -5: pay division-by-zero" == shown(find_witness(apart, 3))


def test_sums_to_date_of_several_payees_start_with_nothing() -> None:
    lines = (Line("fee", 0, 1, parse("1 / (to_date.fee + x - 20)")), Line("share", 1, 1, parse("x")))
    payees = (Payee("A", parse("fee")), Payee("B", parse("share + 1 / (earned_before.B + x - 90)")))
    assert "20: fee division-by-zero" == shown(find_witness(Rule(KPIS[:1], (), (), lines, payees)))
    lines = (Line("fee", 0, 1, parse("x")), lines[1])
    assert "90: amount of B division-by-zero" == shown(find_witness(Rule(KPIS[:1], (), (), lines, payees)))


def test_what_is_not_found_in_so_many_parts_is_not_looked_for_longer() -> None:
    wide = tuple(KpiShape(f"k{at}", 0, n("1_000_000"), 6) for at in range(4))
    made = rule("1 / (k0 * k1 - k2 * k3 - 0.000001)", *wide)
    assert "none" == shown(find_witness(made))
