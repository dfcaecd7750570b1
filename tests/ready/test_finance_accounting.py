"""Six months of invoice processing, worked out as an accountant would from the sample records."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from pathlib import Path

from pyoutcome.workspace.ready import find_ready
from tests.ready.paper import cut, days, half_up, inside, percent, starts, total
from tests.ready.playing import play, read_rows, share

NAME = "finance-accounting"
MONTHS = starts("Europe/Dublin", 2026, 1, 1, 6)


def by_hand() -> list[dict[str, Fraction]]:
    """The lines of each month."""
    invoices, checks = read_rows(NAME, "invoices"), read_rows(NAME, "checks")
    months = []
    for month in range(6):
        posted = len(inside(invoices, "posted", MONTHS, month))
        received = inside(invoices, "received", MONTHS, month)
        # Of what is not posted nobody knows better than 60 days.
        waited = sorted(Fraction(60) if row["posted"] == "NA" else days(row, "received", "posted") for row in received)
        ninth_tenth = half_up(waited[ceil(Fraction(90, 100) * len(waited)) - 1], 2)
        checked = inside(checks, "checked", MONTHS, month)
        right = share(sum(row["faults"] == "0" for row in checked), len(checked))
        offered = sum(Fraction(row["discount_offered"]) for row in received)
        taken = sum(Fraction(row["discount_taken"]) for row in received)
        processing = min(posted, 100) * Fraction("7.5") + max(0, posted - 100) * Fraction("6.5")
        assert posted < 200
        late = min(percent("4") * max(Fraction(0), ninth_tenth - 4), percent("12"))
        above, below = min(max(Fraction(0), right - percent("98")), percent("2")), percent("96.5") - right
        won = taken - percent("40") * offered
        months.append(
            {
                "base": Fraction(1_800),
                "processing": processing,
                "delay": -late * (1_800 + processing),
                "quality": 200 * above * 100 - 250 * min(max(Fraction(0), below), percent("10")) * 100,
                "discounts": min(won / 4, Fraction(1_500)) if won > 0 else -min(-won / 10, Fraction(500)),
            }
        )
    return months


def test_every_month_pays_on_chain_what_the_accountant_finds(tmp_path: Path) -> None:
    months = enumerate(by_hand(), 1)
    expected = {(month, "DESK"): cut(max(Fraction(0), total(lines.values())), 2) for month, lines in months}

    assert expected == play(NAME, tmp_path).amounts


def test_the_bad_march_costs_a_credit_and_a_malus_and_the_good_june_earns_a_bonus() -> None:
    march, june = by_hand()[2], by_hand()[5]

    assert march["delay"] < 0
    assert march["quality"] < 0
    assert june["delay"] == 0
    assert june["quality"] == 400
    assert june["discounts"] > march["discounts"]


def test_without_any_evidence_nothing_is_paid() -> None:
    agreement = find_ready(NAME).agreement

    assert (0,) == agreement.statement(1, {kpi.name: None for kpi in agreement.kpis}).amounts
