"""The ready agreement of data entry: settled on the embedded chain, and worked out by hand from its records."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from tests.ready.playing import cents, play, read_rows, share, within

NAME = "data-entry"
CREWS = ("EAST", "WEST", "HOME")


def by_hand(month: int) -> dict[str, Fraction]:
    """What each crew is paid for a month."""
    forms = [row for row in read_rows(NAME, "forms") if within(row, "keyed", "UTC", 2026, (month,))]
    checks = [row for row in read_rows(NAME, "checks") if within(row, "keyed", "UTC", 2026, (month,))]
    work, clean = {}, {}
    for crew in CREWS:
        own = [row["kind"] for row in forms if row["crew"] == crew and row["accepted"] == "true"]
        hard = own.count("handwritten")
        keyed = own.count("short") * Fraction("0.60") + own.count("long") * Fraction("2.40")
        keyed += min(hard, 40) * Fraction("3.60") + max(0, hard - 40) * Fraction("3.20")
        equal = [row["equal"] == "true" for row in checks if row["crew"] == crew]
        accuracy = share(sum(equal), len(equal))
        moved = next(
            Fraction(percent, 100)
            for level, percent in (("0.995", 4), ("0.98", 0), ("0.95", -8), ("0", -30))
            if accuracy >= Fraction(level)
        )
        work[crew] = keyed * (1 + moved)
        clean[crew] = len(own) * max(Fraction(0), accuracy - Fraction("0.95"))
    total = sum(clean.values())
    return {crew: cents(work[crew] + 240 * clean[crew] / total) for crew in CREWS}


def test_every_month_pays_by_the_card_the_accuracy_and_the_pool(tmp_path: Path) -> None:
    played = play(NAME, tmp_path)
    for month in range(1, 5):
        assert by_hand(month) == {crew: played.amounts[month, crew] for crew in CREWS}, month
        assert 240 == pytest.approx(sum(played.lines[month, crew, "pool_part"] for crew in CREWS))
    # The careless crew lost three tenths of a month's work and its part of the pool.
    assert 0 == played.lines[3, "WEST", "pool_part"]
    assert played.lines[3, "WEST", "quality"] < 0 < played.lines[3, "HOME", "quality"]
