"""Made-up parcels of two places over six months: SOUTH delivers nothing in February, March and April."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.ready.dice import Dice

SEED = 7103
# By place and month: parcels due, and of a hundred those in time.
PLACES = {
    "NORTH": ((148, 96), (139, 93), (155, 98), (160, 99), (151, 95), (158, 97)),
    "SOUTH": ((126, 91), (0, 0), (0, 0), (0, 0), (117, 97), (131, 98)),
}


def make() -> dict[str, str]:
    """Parcels."""
    dice = Dice(SEED)
    rows = ["parcel,place,promised,delivered,damaged,warmest"]
    for month in range(1, 7):
        for place, months in PLACES.items():
            due, in_time = months[month - 1]
            for number in range(1, due + 1):
                promised = datetime(2026, month, 1 + dice.below(27), 9 + dice.below(9), tzinfo=UTC)
                late = 0 if dice.chance(in_time) else dice.between(10, 1500)
                delivered = promised + timedelta(minutes=late or -dice.between(0, 110))
                lost, damaged = dice.below(200) == 0, dice.below(120) == 0
                tenths = dice.between(20, 66) if dice.below(150) != 0 else dice.between(71, 128)
                told = ",".join(
                    (
                        f"{place}-{month}-{number:04d}",
                        place,
                        f"{promised:%Y-%m-%dT%H:%M:%SZ}",
                        "NA" if lost else f"{delivered:%Y-%m-%dT%H:%M:%SZ}",
                        "true" if damaged else "false",
                        f"{tenths // 10}.{tenths % 10}",
                    )
                )
                rows.append(told)
    return {"parcels": "\n".join(rows) + "\n"}
