"""Three quarters of research and three of sales, worked out from the sample records."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from pyoutcome.workspace.ready import find_ready
from tests.ready.paper import cut, half_up, inside, percent, starts, total
from tests.ready.playing import play, read_rows

NAME = "research-development"
QUARTERS = starts("Europe/Zurich", 2024, 10, 3, 6)
PRICES = {"concept": 15_000, "prototype": 40_000, "field_trial": 60_000}


def by_hand() -> list[dict[str, Fraction]]:
    """The lines of each quarter."""
    acceptances, objectives = read_rows(NAME, "acceptances"), read_rows(NAME, "objectives")
    notices, sales = read_rows(NAME, "notices"), read_rows(NAME, "sales")
    done: set[str] = set()
    option = released = False
    to_recoup, royalties = Fraction(12_000), Fraction(0)
    quarters = []
    for quarter in range(6):
        decided = inside(acceptances, "decided", QUARTERS, quarter)
        accepted = {row["deliverable"] for row in decided if row["result"] == "accepted"} - done
        done |= accepted
        option = option or bool(inside(notices, "given", QUARTERS, quarter))
        passes = option and "field_trial" in done and not released
        released = released or passes
        goals = inside(objectives, "quarter_end", QUARTERS, quarter)
        met = Fraction(0)
        if goals:
            weights = sum(int(row["weight"]) for row in goals)
            met = half_up(Fraction(sum(int(row["met"]) * int(row["weight"]) for row in goals), weights), 1)
        net = max(Fraction(0), total(Fraction(row["net"]) for row in inside(sales, "invoiced", QUARTERS, quarter)))
        royalty = Fraction(0)
        if released:
            royalty = percent("4") * min(net, Fraction(400_000)) + percent("2.5") * max(Fraction(0), net - 400_000)
            taken_off = min(royalty, to_recoup)
            to_recoup -= taken_off
            royalty = min(royalty - taken_off, 188_000 - royalties)
            royalties += royalty
        quarters.append(
            {
                "team": Fraction(42_000 if quarter < 3 else 0),
                "results": Fraction(sum(PRICES[each] for each in accepted)),
                "at_risk": 9_000 * min(max(Fraction(0), met - 40), Fraction(50)) / 50 if quarter < 3 else Fraction(0),
                "option": Fraction(80_000 if passes else 0),
                "advance": Fraction(12_000 if passes else 0),
                "royalty": royalty,
            }
        )
    return quarters


def test_every_quarter_pays_on_chain_what_the_hand_calculation_finds(tmp_path: Path) -> None:
    expected = {(quarter, "LAB"): cut(total(lines.values()), 2) for quarter, lines in enumerate(by_hand(), 1)}

    assert expected == play(NAME, tmp_path).amounts


def test_a_rejected_prototype_is_paid_when_it_is_accepted_and_once() -> None:
    decisions = [(row["deliverable"], row["result"]) for row in read_rows(NAME, "acceptances")]
    assert ("prototype", "rejected") in decisions

    assert [15_000, 40_000, 60_000, 0, 0, 0] == [lines["results"] for lines in by_hand()]


def test_the_results_pass_when_the_trial_is_accepted_and_the_option_taken_and_only_then_royalties_run() -> None:
    agreement = find_ready(NAME).agreement
    nothing = {kpi.name: None for kpi in agreement.kpis}
    too_early = agreement.statements([nothing | {"option": "1", "net_sales": "700000"}, nothing | {"field_trial": "1"}])

    paid = [{line.clause: line.amount // 10**18 for line in each.of("LAB").lines} for each in too_early]
    assert (0, 0, 0) == (paid[0]["option_fee"], paid[0]["advance"], paid[0]["royalty"])
    assert (80_000, 12_000, 0) == (paid[1]["option_fee"], paid[1]["advance"], paid[1]["royalty"])


def test_the_advance_is_taken_off_the_first_royalties() -> None:
    assert [0, 0, 0, 0] == [lines["royalty"] for lines in by_hand()][:4]
    assert by_hand()[4]["royalty"] > 0


def test_without_any_evidence_only_the_team_of_the_research_quarters_is_paid() -> None:
    agreement = find_ready(NAME).agreement
    statements = agreement.statements([{kpi.name: None for kpi in agreement.kpis}] * 4)

    assert [42_000 * 10**6] * 3 + [0] == [each.of("LAB").units for each in statements]
