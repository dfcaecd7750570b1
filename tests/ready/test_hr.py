"""Nine months of hiring and payroll, worked out from the sample records."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from pyoutcome.workspace.ready import find_ready
from tests.ready.paper import cut, days, half_up, inside, is_before, percent, starts, total
from tests.ready.playing import Row, play, read_rows, share

NAME = "hr"
MONTHS = starts("Europe/Vienna", 2026, 1, 1, 9)
FEES = {"standard": 3_600, "senior": 7_500}


def stayed(row: Row) -> bool:
    """Was the person there for 90 days, or sent away by the client?"""
    return days(row, "started", "due") >= 90 and (not is_before(row, "left_on", "due") or row["reason"] == "redundancy")


def by_hand() -> list[dict[str, Fraction]]:
    """The lines of each month."""
    hires, payslips = read_rows(NAME, "hires"), read_rows(NAME, "payslips")
    months = []
    for month in range(9):
        started = inside(hires, "started", MONTHS, month)
        speed = Fraction(0)
        if started:
            mean = half_up(total(days(row, "opened", "accepted") for row in started) / len(started), 1)
            # From five days off the 45 on, each day counts.
            quick, slow = min(max(Fraction(0), 40 - mean), Fraction(20)), min(max(Fraction(0), mean - 50), Fraction(30))
            speed = (20 * quick - 30 * slow) * len(started)
        staying = sum(FEES[row["grade"]] for row in inside(hires, "due", MONTHS, month) if stayed(row))
        slips = inside(payslips, "pay_day", MONTHS, month)
        payroll = Fraction(9 * len(slips))
        right = share(sum(row["corrected"] == "false" for row in slips), len(slips))
        wrong = min(5 * max(Fraction(0), percent("99") - right), percent("30")) * payroll
        late = sum(not row["paid"] or is_before(row, "pay_day", "paid") for row in slips)
        waiting = percent("0" if late == 0 else "5" if late <= 2 else "10" if late <= 5 else "20") * payroll
        months.append(
            {
                "started": percent("70") * sum(FEES[row["grade"]] for row in started),
                "staying": percent("30") * staying,
                "speed": speed,
                "payroll": payroll,
                "credits": -min(wrong + waiting, percent("40") * payroll),
            }
        )
    return months


def test_every_month_pays_on_chain_what_the_hand_calculation_finds(tmp_path: Path) -> None:
    months = enumerate(by_hand(), 1)
    expected = {(month, "STAFF"): cut(max(Fraction(0), total(lines.values())), 2) for month, lines in months}

    assert expected == play(NAME, tmp_path).amounts


def test_who_leaves_early_costs_the_rest_of_the_fee_unless_the_client_sent_the_person_away() -> None:
    hires = read_rows(NAME, "hires")
    left = [row for row in hires if row["left_on"]]
    assert {row["reason"] for row in left} > {"redundancy"}

    unpaid = sum(FEES[row["grade"]] for row in left if row["reason"] != "redundancy")

    paid_for_staying = total(lines["staying"] for lines in by_hand())
    assert percent("30") * (sum(FEES[row["grade"]] for row in hires) - unpaid) == paid_for_staying


def test_the_credits_of_march_reach_their_limit() -> None:
    march = by_hand()[2]

    assert -percent("40") * march["payroll"] == march["credits"]


def test_without_any_evidence_nothing_is_paid() -> None:
    agreement = find_ready(NAME).agreement

    assert (0,) == agreement.statement(1, {kpi.name: None for kpi in agreement.kpis}).amounts
