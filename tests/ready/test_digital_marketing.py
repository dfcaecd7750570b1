"""Six months of two agencies, worked out from the sample records."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from pyoutcome.workspace.ready import find_ready
from tests.ready.paper import cut, inside, percent, starts
from tests.ready.playing import Row, play, read_rows, share

NAME = "digital-marketing"
AGENCIES = ("SEARCH", "SOCIAL")
MONTHS = starts("Europe/London", 2026, 1, 1, 6)
SEASON = (90, 85, 95, 100, 105, 110)


def is_qualified(row: Row) -> bool:
    """Consent, an answer, and a need that is worth a call."""
    return row["consent"] == row["reached"] == "true" and row["need"] != "n/a" and int(row["need"]) >= 2_000


def gate(quality: Fraction) -> Fraction:
    """What becomes of the price of leads."""
    if quality <= percent("20"):
        return Fraction(0)
    if quality < percent("35"):
        return (quality - percent("20")) / percent("15")
    if quality <= percent("50"):
        return Fraction(1)
    return 1 + percent("10") * min(quality - percent("50"), percent("20")) / percent("20")


def by_hand() -> list[dict[str, Fraction]]:
    """The agencies' amounts of each month."""
    leads, orders = read_rows(NAME, "leads"), read_rows(NAME, "orders")
    left = dict.fromkeys(AGENCIES, Fraction(27_000))
    months = []
    for month in range(6):
        made = inside(orders, "final", MONTHS, month)
        won = {each: sum(Fraction(row["net"]) for row in made if row["agency"] == each) for each in AGENCIES}
        uplift = sum(Fraction(row["net"]) for row in made) - 600 * SEASON[month]
        pool = min(max(Fraction(0), percent("8") * uplift), Fraction(6_000))
        amounts = {}
        for agency in AGENCIES:
            own = [row for row in inside(leads, "received", MONTHS, month) if row["agency"] == agency]
            good = [row for row in own if is_qualified(row)]
            count = min(len({row["contact"] for row in good}), 90)
            price = (45 * min(count, 40) + 35 * max(0, count - 40)) * gate(share(len(good), len(own)))
            amount = 1_000 + price + pool * won[agency] / sum(won.values())
            amount = cut(min(max(amount, Fraction(1_500)), Fraction(9_000), left[agency]), 6)
            amounts[agency] = amount
            left[agency] -= amounts[agency]
        months.append(amounts)
    return months


def test_every_month_pays_on_chain_what_the_hand_calculation_finds(tmp_path: Path) -> None:
    months = enumerate(by_hand(), 1)
    expected = {(month, agency): amount for month, amounts in months for agency, amount in amounts.items()}

    assert expected == play(NAME, tmp_path).amounts


def test_a_contact_that_comes_twice_is_one_qualified_lead() -> None:
    good = [row["contact"] for row in read_rows(NAME, "leads") if is_qualified(row)]

    assert len(set(good)) < len(good)


def test_the_budget_ends_what_the_search_agency_gets() -> None:
    assert sum(month["SEARCH"] for month in by_hand()) == 27_000


def test_bad_leads_of_february_leave_the_social_agency_the_lower_end_of_the_collar() -> None:
    assert by_hand()[1]["SOCIAL"] == 1_500


def test_without_any_evidence_an_agency_gets_the_lower_end_of_the_collar() -> None:
    agreement = find_ready(NAME).agreement

    assert (1_500 * 10**6,) * 2 == agreement.statement(1, {kpi.name: None for kpi in agreement.kpis}).amounts
