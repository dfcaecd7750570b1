"""The ready agreement of software at cost plus incentive fee: settled on the embedded chain, and worked out by hand."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from tests.ready.playing import play, read_rows, share, within

NAME = "software-development"
BERLIN = "Europe/Berlin"


def test_the_whole_contract_comes_to_cost_plus_incentive_fee(tmp_path: Path) -> None:
    played = play(NAME, tmp_path)
    hours, stories, runs = (read_rows(NAME, source) for source in ("hours", "stories", "acceptance"))
    cost_so_far, done, fee_so_far, reached = Fraction(0), 0, Fraction(0), set()
    for month in range(1, 7):
        worked = [row for row in hours if within(row, "worked", BERLIN, 2026, (month,)) and row["allowable"] == "true"]
        exact = sum((int(row["minutes"]) * Fraction(row["cost_rate"]) / 60 for row in worked), Fraction(0))
        cost = Fraction((exact * 200 + 1) // 2, 100)  # half a cent and more is a cent
        accepted = [row for row in stories if within(row, "accepted", BERLIN, 2026, (month,))]
        escaped = share(sum(row["escaped"] == "true" for row in accepted), len(accepted))
        cost_so_far, done = cost_so_far + cost, done + len(accepted)
        progress = min(Fraction(1), Fraction(done, 150))
        saved = 300_000 * progress - cost_so_far
        fee = 24_000 * progress + (Fraction("0.3") if saved > 0 else Fraction("0.2")) * saved
        fee = min(max(fee, 9_000 * progress), 36_000 * progress)
        award = 0
        for stage, amount in (("prototype", 10_000), ("pilot", 20_000)):
            tests = [row["passed"] == "true" for row in runs if row["stage"] == stage
                     and within(row, "run_at", BERLIN, 2026, (month,))]  # fmt: skip
            if stage not in reached and tests and share(sum(tests), len(tests)) >= Fraction("0.95"):
                reached.add(stage)
                award += amount
        defects = 150 * min((Fraction("0.10") - escaped) * 100, Fraction(10))
        defects = max(defects, Fraction(-150 * 20))
        expected = cost + fee - fee_so_far + award + defects
        # Months add up to what is due, less than one base unit (a millionth) apart.
        assert abs(expected - played.amounts[month, "DEV"]) < Fraction(2, 10**6), month
        fee_so_far = fee
    assert {"prototype", "pilot"} == reached
    assert done >= 150
    assert abs(fee_so_far - sum(played.lines[month, "DEV", "incentive"] for month in range(1, 7))) < Fraction(1, 10**5)
