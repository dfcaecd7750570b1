"""Made-up incidents and weaknesses of five months, beside real states of a platform, which no script makes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.ready.dice import Dice

SEED = 7104
# By month from March 2026: incidents contained in time, weaknesses fixed in time, in percent. April is a bad one.
MONTHS = ((96, 98), (82, 90), (97, 98), (98, 99), (94, 96))


def make() -> dict[str, str]:
    """Alarms and weaknesses."""
    dice = Dice(SEED)
    alarms = ["alarm,raised,severity,contained"]
    weaknesses = ["weakness,due,fixed"]
    for month, (contained, patched) in enumerate(MONTHS, 3):
        start = datetime(2026, month, 2, tzinfo=UTC)
        for number in range(1, dice.between(55, 70) + 1):
            raised = start + timedelta(minutes=dice.below(27 * 1440))
            severity = ("critical", "high", "high", "low", "low")[dice.below(5)]
            minutes = dice.between(15, 239) if dice.chance(contained) else dice.between(260, 2000)
            done = stamp(raised + timedelta(minutes=minutes)) if dice.below(60) else "NA"
            alarms.append(f"A{month}-{number:03d},{stamp(raised)},{severity},{done}")
        for number in range(1, dice.between(70, 90) + 1):
            due = start + timedelta(hours=dice.below(27 * 24))
            late = 0 if dice.chance(patched) else dice.between(1, 20)
            fixed = due + timedelta(days=late) if late else due - timedelta(hours=dice.between(2, 300))
            weaknesses.append(f"W{month}-{number:03d},{stamp(due)},{stamp(fixed)}")
    tables = {"alarms": alarms, "weaknesses": weaknesses}
    return {name: "\n".join(rows) + "\n" for name, rows in tables.items()}


def stamp(moment: datetime) -> str:
    """An exact time in UTC."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
