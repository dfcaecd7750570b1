"""Made-up KPI values can stand together: each relation that the measures tell, worked out here by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache
from math import floor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyoutcome import Agreement
from pyoutcome.decimals import ONE
from pyoutcome.legal.document.examples import Examples
from pyoutcome.legal.document.plausible import Plausible, Wish
from pyoutcome.legal.document.populations import Population, split_condition

EXAMPLES = Path(__file__).parents[2] / "examples"
Values = Mapping[str, Fraction]


@cache
def read(name: str) -> Agreement:
    path = EXAMPLES / f"{name}.yaml"
    return Agreement.load(path if path.exists() else EXAMPLES / name / "agreement.yaml")


def can_be(share: Fraction, whole: Fraction, decimals: int = 4) -> bool:
    """Do some whole number of the things give this share, rounded half up?"""
    at = int(share * whole)
    found = (floor(Fraction(part, int(whole)) * 10**decimals + Fraction(1, 2)) for part in range(at - 1, at + 3))
    return share * 10**decimals in found


def of_payslips(values: Values) -> None:
    slips = values["payslips"]
    assert values["late_payslips"] <= slips
    assert can_be(values["right_payslips"], slips) if slips else values["right_payslips"] == 0


def of_stories(values: Values) -> None:
    stories = values["accepted_stories"]
    assert can_be(values["escaped_share"], stories) if stories else values["escaped_share"] == 1


def of_flights(values: Values) -> None:
    for airline in ("UA", "B6", "EV"):
        share, arrived = values[f"on_time.{airline}"], values[f"arrivals.{airline}"]
        if not arrived:
            assert share == 0
            continue
        # On-time flights per flight scheduled: some number of flights has to give this share.
        first, last = (int(arrived / (share + half)) for half in (Fraction(1, 10_000), Fraction(-1, 20_001)))
        assert any(can_be(share, Fraction(flights)) for flights in range(max(1, first), last + 2))


def of_invoices(values: Values) -> None:
    assert values["taken"] <= values["offered"]


def of_orders(values: Values) -> None:
    assert values["won.SEARCH"] + values["won.SOCIAL"] <= values["sales"]


RELATIONS: Mapping[str, Callable[[Values], None]] = {
    "hr": of_payslips,
    "software-development": of_stories,
    "punctual-arrivals": of_flights,
    "finance-accounting": of_invoices,
    "digital-marketing": of_orders,
}


@pytest.mark.parametrize("name", RELATIONS)
def test_the_examples_do_not_contradict_themselves(name: str) -> None:
    agreement = read(name)
    made = Examples(agreement).periods
    assert len(made) == 3
    for each in made:
        names = (kpi.name for kpi in agreement.kpis)
        RELATIONS[name]({kpi: Fraction(value, ONE) for kpi, value in zip(names, each.values, strict=True)})


@pytest.mark.parametrize("name", RELATIONS)
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_is_wished_the_values_can_stand_together_and_in_their_ranges(name: str, data: st.DataObject) -> None:
    agreement = read(name)
    wishes = []
    for kpi in agreement.kpis:
        steps = st.integers(0, (kpi.high - kpi.low) // kpi.shape.multiple)
        value, spread = (kpi.low + data.draw(steps) * kpi.shape.multiple for _ in range(2))
        wishes.append(Wish(value, spread, data.draw(st.sampled_from((-1, 0, 1)))))
    values = Plausible(agreement).settle(wishes)
    for kpi, value in zip(agreement.kpis, values, strict=True):
        assert kpi.low <= value <= kpi.high
        assert value % kpi.shape.multiple == 0
    names = (kpi.name for kpi in agreement.kpis)
    RELATIONS[name]({kpi: Fraction(value, ONE) for kpi, value in zip(names, values, strict=True)})


def test_what_can_stand_together_stays() -> None:
    """The values of an agreement whose measures have nothing in common are those that were wished."""
    agreement = read("manufacturing")
    wishes = [Wish(kpi.high, kpi.low, 0) for kpi in agreement.kpis]
    assert tuple(kpi.high for kpi in agreement.kpis) == Plausible(agreement).settle(wishes)


def test_a_month_without_payslips_has_none_that_are_late() -> None:
    """With payslips of which nobody wishes any, the share of right ones is what stands in for a missing value."""
    agreement = read("hr")
    wishes = [Wish(kpi.low if kpi.name == "payslips" else kpi.high, kpi.low, -1) for kpi in agreement.kpis]
    values = dict(zip((kpi.name for kpi in agreement.kpis), Plausible(agreement).settle(wishes), strict=True))
    assert (0, 0, 0) == (values["payslips"], values["late_payslips"], values["right_payslips"])


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a = 1", {"a = 1"}),
        ("a  =  1 and (b or c)", {"a = 1", "( b or c )"}),
        ("a or b and c", {"a or b and c"}),
        ("x between 1 and 2 and y", {"x between 1 and 2", "y"}),
        ("grade = 'a and b' and not z", {"grade = 'a and b'", "not z"}),
        ("case when a and b then 1 else 2 end > 1 and k", {"case when a and b then 1 else 2 end > 1", "k"}),
    ],
)
def test_what_has_to_hold_together_is_told_apart(text: str, parts: set[str]) -> None:
    assert parts == split_condition(text)


def population(*conditions: str, owner: str | None = None) -> Population:
    return Population(("records",), owner, frozenset(conditions))


def test_more_conditions_leave_fewer_records() -> None:
    assert population("a", "b").within(population("a"))
    assert not population("a").within(population("a", "b"))
    assert population("a", owner="A").within(population("a"))
    assert not population("a").within(population("a", owner="A"))
    assert not Population(("others",), None, frozenset("a")).within(population("a"))


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ("late", "not late", True),
        ("grade = 'a'", "grade = 'b'", True),
        ("grade = 'a'", "level = 'b'", False),
        ("done is null", "done <= due", True),
        ("done is null", "due >= done", True),
        ("done is null", "done is not null", True),
        ("done is null", "due is not null", False),
        ("late", "damaged", False),
    ],
)
def test_records_that_meet_one_condition_do_not_meet_its_opposite(one: str, other: str, apart: bool) -> None:
    assert apart == population(one).apart(population(other)) == population(other).apart(population(one))
    assert population(one, owner="A").apart(population(one, owner="B"))
