"""The ready agreement of hosting and security: settled on the embedded chain, and worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.ready.playing import cents, moment, play, read_rows, seconds, share, within

NAME = "cybersecurity-infrastructure"
DUBLIN = "Europe/Dublin"
WINDOWS = (
    (datetime(2026, 2, 14, 22, tzinfo=ZoneInfo(DUBLIN)), datetime(2026, 2, 15, 2, tzinfo=ZoneInfo(DUBLIN))),
    (datetime(2026, 8, 15, 22, tzinfo=ZoneInfo(DUBLIN)), datetime(2026, 8, 16, 4, tzinfo=ZoneInfo(DUBLIN))),
)


def measured(quarter: int) -> tuple[Fraction, Fraction, Fraction]:
    """Availability, incidents contained in time, weaknesses fixed in time."""
    year, first = 2026 + (quarter - 1) // 4, (quarter - 1) % 4 * 3 + 1
    months = (first, first + 1, first + 2)
    alarms = [
        seconds(row, "raised", "contained")
        for row in read_rows(NAME, "alarms")
        if row["severity"] in ("critical", "high") and within(row, "raised", DUBLIN, year, months)
    ]
    late = [
        seconds(row, "due", "fixed")
        for row in read_rows(NAME, "weaknesses")
        if within(row, "due", DUBLIN, year, months)
    ]
    start = datetime(year, first, 1, tzinfo=ZoneInfo(DUBLIN))
    end = datetime(year + first // 10, (first + 2) % 12 + 1, 1, tzinfo=ZoneInfo(DUBLIN))
    up, known = _seconds_up(start.astimezone(UTC), end.astimezone(UTC))
    return (
        share(up, known, 6),
        share(sum(each is not None and each <= 14_400 for each in alarms), len(alarms)),
        share(sum(each is not None and each <= 0 for each in late), len(late)),
    )


def _seconds_up(start: datetime, end: datetime) -> tuple[int, int]:
    """Seconds up and seconds known between two times, agreed windows left out."""
    changes = [(at, row["up"] == "true") for row in read_rows(NAME, "states") if (at := moment(row["at"])) is not None]
    up = known = 0
    for (at, state), (until, _) in zip(changes, [*changes[1:], (end, False)], strict=True):
        first, last = max(at, start), min(until, end)
        if first >= last:
            continue
        length = int((last - first).total_seconds())
        for opens, closes in WINDOWS:
            length -= max(0, int((min(last, closes) - max(first, opens)).total_seconds()))
        known += length
        up += length if state else 0
    return up, known


def test_every_quarter_pays_the_fee_less_credits_and_gives_half_of_them_back(tmp_path: Path) -> None:
    played = play(NAME, tmp_path)
    waiting, streak, returned = Fraction(0), 0, {}
    for quarter in range(1, 7):
        availability, contained, patched = measured(quarter)
        fee, target = (Fraction(60_000), Fraction("0.995")) if quarter <= 4 else (Fraction(58_500), Fraction("0.999"))
        share_lost = next(
            Fraction(percent, 100)
            for level, percent in ((target, 0), (Fraction("0.99"), 5), (Fraction("0.97"), 10), (Fraction(0), 20))
            if availability >= level
        )
        streak = streak + 1 if availability >= target else 0
        waiting = waiting if streak else Fraction(0)  # a bad quarter makes earlier credits lost
        waiting += share_lost * fee
        back = waiting / 2 if streak >= 2 else Fraction(0)
        waiting = Fraction(0) if streak >= 2 else waiting
        containment = min(Fraction("0.1"), max(Fraction(0), Fraction("0.95") - contained) * 100 * Fraction("0.005"))
        patching = min(Fraction("0.1"), max(Fraction(0), Fraction("0.97") - patched) * 100 * Fraction("0.0025"))
        credited = share_lost * fee - back + containment * fee + patching * fee
        assert cents(fee - min(credited, fee / 4)) == played.amounts[quarter, "HOST"], quarter
        returned[quarter] = back
    assert Fraction(3000) == returned[4]
