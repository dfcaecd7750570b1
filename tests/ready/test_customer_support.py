"""The ready agreement of a service desk: settled on the embedded chain, and worked out by hand from its records."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from pyoutcome.workspace import Workspace
from pyoutcome.workspace.picture import draw
from tests.ready.playing import cents, line, play, read_rows, seconds, share, within

NAME = "customer-support"
BERLIN = "Europe/Berlin"


def by_hand(month: int) -> tuple[dict[str, Fraction], int]:
    """The lines of a month that do not look back, and how many service levels were missed."""
    tickets = [row for row in read_rows(NAME, "tickets") if within(row, "opened", BERLIN, 2026, (month,))]
    scores = [int(row["score"]) for row in read_rows(NAME, "answers") if within(row, "given", BERLIN, 2026, (month,))]
    waits = [(seconds(row, "opened", "answered"), seconds(row, "opened", "resolved")) for row in tickets]
    response = share(sum(first is not None and first <= 1800 for first, _ in waits), len(tickets))
    resolution = share(sum(last is not None and last <= 28800 for _, last in waits), len(tickets))
    reopened = share(sum(row["reopened"] == "true" for row in tickets), len(tickets))
    satisfaction = share(sum(score >= 4 for score in scores), len(scores))
    settled = sum(row["resolved"] != "NA" and row["reopened"] == "false" for row in tickets)
    factor = min(max(Fraction(settled, 280), Fraction(9, 10)), Fraction(11, 10))
    score = (
        Fraction("0.3") * line(response, ("0.85", "0"), ("0.97", "1"))
        + Fraction("0.4") * line(resolution, ("0.80", "0"), ("0.96", "1"))
        + Fraction("0.3") * line(satisfaction, ("0.70", "0"), ("0.95", "1"))
    )
    missed = (response < Fraction("0.85")) + (resolution < Fraction("0.80")) + (satisfaction < Fraction("0.70"))
    lines = {
        "fee": Fraction(9000),
        "volume": 9000 * (factor - 1),
        "scorecard": 900 * score if reopened <= Fraction("0.08") else Fraction(0),
        "miss": -min(Fraction("0.15"), Fraction("0.4") * Fraction("0.15") * missed) * 9000,
    }
    return lines, missed


def test_a_bad_month_costs_credits_and_three_good_ones_give_half_of_them_back(tmp_path: Path) -> None:
    played = play(NAME, tmp_path)
    waiting, streak, given = Fraction(0), 0, {}
    for month in range(1, 6):
        lines, missed = by_hand(month)
        waiting -= lines["miss"]
        streak = 0 if missed else streak + 1
        given[month] = waiting / 2 if streak >= 3 and waiting else Fraction(0)
        waiting = Fraction(0) if given[month] else waiting
        expected = lines["fee"] + lines["volume"] + lines["scorecard"] + lines["miss"] + given[month]
        # A quotient loses what is beyond its eighteenth decimal; no amount here lies so near a cent.
        assert cents(expected) == played.amounts[month, "DESK"], month
    assert Fraction(1350, 2) == given[5]
    assert 3 == by_hand(2)[1]
    # One provider's KPIs are those of the agreement, and are drawn all the same.
    with Workspace.open(tmp_path / "deal") as workspace:
        assert "Answered in time" in draw(workspace, tmp_path / "payments.svg").read_text(encoding="utf-8")
