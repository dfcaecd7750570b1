"""Six quarters of three makers, worked out from the sample records."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from pyoutcome.workspace.ready import find_ready
from tests.ready.paper import cut, half_up, inside, is_before, percent, starts, total
from tests.ready.playing import Row, play, read_rows, share

NAME = "manufacturing"
QUARTERS = starts("Europe/Warsaw", 2024, 10, 3, 6)
PRICES = {"ASSEMBLER": Fraction("8.4"), "MOULDER": Fraction("2.6"), "PACKER": Fraction("0.9")}
SCRAP = (Fraction(3, 100), Fraction(25, 1000))
ENERGY = {"ASSEMBLER": ("1.40", "1.33"), "MOULDER": ("3.20", "3.04"), "PACKER": ("0.50", "0.48")}


def mean(rows: list[Row], value: str, weight: str, decimals: int) -> Fraction:
    """The weighted mean of a column."""
    weighed = total(Fraction(row[value]) * int(row[weight]) for row in rows)
    return half_up(weighed / sum(int(row[weight]) for row in rows), decimals)


def failed(row: Row) -> bool:
    """Late, short, or never delivered."""
    late = not row["delivered"] or is_before(row, "promised", "delivered")
    return late or int(row["delivered_units"]) < int(row["ordered_units"])


def by_hand() -> list[dict[str, dict[str, Fraction]]]:
    """The lines of each quarter and maker."""
    batches, inspections, orders = (read_rows(NAME, source) for source in ("batches", "inspections", "orders"))
    bought = dict.fromkeys(PRICES, 0)
    quarters = []
    for quarter in range(6):
        year = quarter // 4
        lines: dict[str, dict[str, Fraction]] = {}
        for plant, price in PRICES.items():
            made = [row for row in inside(batches, "released", QUARTERS, quarter) if row["plant"] == plant]
            seen = [row for row in inside(inspections, "inspected", QUARTERS, quarter) if row["plant"] == plant]
            units = sum(int(row["units"]) for row in made)
            above = max(0, bought[plant] + units - 40_000) - max(0, bought[plant] - 40_000)
            bought[plant] += units
            scrap = mean(seen, "scrap_share", "drawn", 4) - SCRAP[year]
            # A point better gives half a percent, a point worse takes 1.6.
            malus = max(scrap, percent("-2")) / 2 if scrap < 0 else percent("160") * min(scrap, percent("5"))
            saved = 1 - mean(made, "kwh_per_unit", "units", 3) / Fraction(ENERGY[plant][year])
            lines[plant] = {
                "production": price * units,
                "rebate": -above * price * percent("3"),
                "scrap": -price * units * malus,
                "energy": price * units * min(max(saved, percent("-40")), percent("20")) / 10,
            }
        due = inside(orders, "promised", QUARTERS, quarter)
        failures = [row for row in due if failed(row)]
        by_parts = share(sum(row["cause"] == "parts" for row in failures), len(failures)) if failures else Fraction(0)
        missed = max(Fraction(0), percent("95") - share(len(due) - len(failures), len(due)))
        credit = min(percent("80") * missed, percent("10")) * lines["ASSEMBLER"]["production"]
        passed = min(percent("70") * by_parts * credit, lines["MOULDER"]["production"] / 10)
        led = lines["MOULDER"]["production"] + lines["PACKER"]["production"]
        lines["ASSEMBLER"] |= {"leading": percent("3") * led, "delivery": -credit, "to_prime": passed}
        lines["MOULDER"]["recourse"] = -passed
        quarters.append(lines)
    return quarters


def test_every_quarter_pays_on_chain_what_the_hand_calculation_finds(tmp_path: Path) -> None:
    expected = {
        (quarter, maker): cut(max(Fraction(0), total(own.values())), 2)
        for quarter, lines in enumerate(by_hand(), 1)
        for maker, own in lines.items()
    }

    assert expected == play(NAME, tmp_path).amounts


def test_the_prime_contractor_answers_and_passes_on_what_parts_caused() -> None:
    third = by_hand()[2]

    assert third["ASSEMBLER"]["delivery"] < 0
    assert 0 < third["ASSEMBLER"]["to_prime"] == -third["MOULDER"]["recourse"]


def test_the_rebate_begins_with_the_unit_above_the_mark_and_targets_are_those_of_the_year() -> None:
    rebates = [quarter["ASSEMBLER"]["rebate"] for quarter in by_hand()]
    assert [0] * 5 == rebates[:5]
    assert rebates[5] < 0

    agreement = find_ready(NAME).agreement
    nothing: dict[str, str | None] = {kpi.name: None for kpi in agreement.kpis}
    same: dict[str, str | None] = {"units.PACKER": "1000", "scrap.PACKER": "3%", "energy.PACKER": "0.5"}
    packer = [
        {line.clause: line.amount for line in statement.of("PACKER").lines}
        for statement in agreement.statements([nothing | same] * 5)
    ]
    assert (0, 0) == (packer[0]["quality"], packer[0]["power"])
    assert packer[4]["quality"] < 0
    assert packer[4]["power"] < 0


def test_without_any_evidence_nothing_is_paid() -> None:
    agreement = find_ready(NAME).agreement

    assert (0, 0, 0) == agreement.statement(1, {kpi.name: None for kpi in agreement.kpis}).amounts
