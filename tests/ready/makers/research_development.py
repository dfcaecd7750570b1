"""Made-up certificates, objectives, a notice and sales: the prototype is rejected once, the option taken."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.ready.dice import Dice

SEED = 7205
ACCEPTANCES = (
    ("C-01", "concept", "2024-11-20", "accepted"),
    ("C-02", "prototype", "2024-12-16", "rejected"),
    ("C-03", "prototype", "2025-02-26", "accepted"),
    ("C-04", "field_trial", "2025-06-18", "accepted"),
)
# The last days of the quarters, and how well the objectives were met, in tenths.
OBJECTIVES = (("2024-12-31", 8), ("2025-03-31", 5), ("2025-06-30", 10))
WEIGHTS = (5, 10, 15, 20, 20, 30)
NOTICE = ("N-01", "2025-07-22", "option")
# The quarters in which the sponsor sells: first day, invoices, least and most francs of one.
SALES = (
    ("2025-07-01", 14, 2_000, 9_000),
    ("2025-10-01", 38, 4_000, 15_000),
    ("2026-01-01", 52, 5_000, 16_000),
)


def make() -> dict[str, str]:
    """Acceptances, objectives, notices and sales."""
    dice = Dice(SEED)
    acceptances = ["certificate,deliverable,decided,result"]
    acceptances += [f"{name},{what},{day}T10:00:00Z,{result}" for name, what, day, result in ACCEPTANCES]
    objectives = ["objective,quarter_end,weight,met"]
    for quarter, (day, met) in enumerate(OBJECTIVES, 1):
        for number in range(1, len(WEIGHTS) + 1):
            reached = min(100, 10 * dice.between(met - 2, met + 1))
            objectives.append(f"Q{quarter}-{number},{day}T12:00:00Z,{WEIGHTS[number - 1]},{reached}")
    sales = ["invoice,invoiced,net"]
    for quarter, (day, count, least, most) in enumerate(SALES, 1):
        start = datetime.fromisoformat(f"{day}T08:00:00+00:00").astimezone(UTC)
        for number in range(1, count + 1):
            invoiced = start + timedelta(days=dice.between(1, 88), minutes=dice.below(500))
            net = dice.between(least * 100, most * 100)
            # One in twenty is a credit note for part of an invoice.
            sign, net = ("-", net // 4) if dice.chance(5) else ("", net)
            sales.append(
                f"S{quarter}-{number:03d},{invoiced.strftime('%Y-%m-%dT%H:%M:%SZ')},{sign}{net // 100}.{net % 100:02d}"
            )
    return {
        "acceptances": "\n".join(acceptances) + "\n",
        "objectives": "\n".join(objectives) + "\n",
        "notices": "notice,given,kind\n" + f"{NOTICE[0]},{NOTICE[1]}T09:30:00Z,{NOTICE[2]}\n",
        "sales": "\n".join(sales) + "\n",
    }
