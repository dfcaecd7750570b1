"""Made-up batches, inspections and orders of six quarters: parts fail in the third; all three makers get better."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.ready.dice import Dice

SEED = 7204
QUARTERS = tuple((2024 + (9 + 3 * k) // 12, (9 + 3 * k) % 12 + 1) for k in range(6))
# Units of a batch (least, most), kilowatt hours of a unit in the first and in the last quarter (in ten thousandths).
PLANTS = {
    "ASSEMBLER": (880, 1_180, 14_100, 12_300),
    "MOULDER": (920, 1_220, 32_600, 29_200),
    "PACKER": (880, 1_180, 5_050, 4_700),
}
# Scrap of a thousand pieces drawn, by quarter.
SCRAP = {
    "ASSEMBLER": (30, 26, 34, 24, 22, 20),
    "MOULDER": (34, 38, 75, 36, 28, 22),
    "PACKER": (18, 16, 20, 14, 14, 12),
}
# By quarter: orders late or short, of a hundred; and of these because of parts.
FAILURES = ((6, 30), (8, 40), (20, 80), (9, 40), (5, 30), (4, 50))
BATCHES = 7
DRAWN = 80
ORDERS = 40


def make() -> dict[str, str]:
    """Batches, inspections and orders."""
    dice = Dice(SEED)
    batches = ["batch,plant,released,units,kwh_per_unit"]
    inspections = ["batch,plant,inspected,drawn,scrap_share"]
    orders = ["order_no,promised,delivered,ordered_units,delivered_units,cause"]
    for at, (year, month) in enumerate(QUARTERS):
        start = datetime(year, month, 1, 6, tzinfo=UTC)
        quarter = f"{year % 100}{'ABCD'[month // 3]}"
        for plant, (least, most, first, last) in PLANTS.items():
            for number in range(1, BATCHES + 1):
                released = start + timedelta(days=11 * number + dice.below(3), hours=dice.below(10))
                energy = (first + (last - first) * at // 5) * dice.between(96, 105) // 100
                units = dice.between(least, most)
                name = f"{quarter}-{plant[0]}{number}"
                batches.append(f"{name},{plant},{stamp(released)},{units},{energy // 10_000}.{energy % 10_000:04d}")
                inspected = released + timedelta(days=2, hours=dice.between(1, 5))
                scrap = sum(dice.below(1000) < SCRAP[plant][at] for _ in range(DRAWN))
                inspections.append(f"{name},{plant},{stamp(inspected)},{DRAWN},0.{scrap * 10_000 // DRAWN:04d}")
        failing, by_parts = FAILURES[at]
        for number in range(1, ORDERS + 1):
            promised = start + timedelta(days=2 * number + 5, hours=10)
            ordered = dice.between(10, 24) * 10
            delivered, sent, cause = promised - timedelta(hours=dice.between(2, 60)), ordered, ""
            if dice.chance(failing):
                cause = "parts" if dice.chance(by_parts) else ("assembly", "transport")[dice.below(2)]
                if dice.chance(70):
                    delivered = promised + timedelta(hours=dice.between(5, 120))
                else:
                    sent = ordered - dice.between(1, 4) * 10
            orders.append(f"{quarter}-O{number:02d},{stamp(promised)},{stamp(delivered)},{ordered},{sent},{cause}")
    made = {"batches": batches, "inspections": inspections, "orders": orders}
    return {name: "\n".join(lines) + "\n" for name, lines in made.items()}


def stamp(moment: datetime) -> str:
    """An exact time in UTC."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
