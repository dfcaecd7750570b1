"""Made-up states, incidents and weaknesses of a hosted platform over six quarters; the second has a long outage."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.ready.dice import Dice

SEED = 7104
# By quarter: outages and their longest minutes, incidents contained in time, weaknesses fixed in time, in percent.
QUARTERS = ((4, 90, 96, 98), (7, 900, 82, 91), (3, 60, 97, 98), (3, 50, 98, 99), (2, 40, 96, 97), (5, 110, 93, 96))


def make() -> dict[str, str]:
    """States, alarms and weaknesses."""
    dice = Dice(SEED)
    states = ["service,at,up", "shop,2025-12-31T12:00:00Z,true"]
    alarms = ["alarm,raised,severity,contained"]
    weaknesses = ["weakness,due,fixed"]
    for quarter, (outages, longest, contained, patched) in enumerate(QUARTERS):
        start = datetime(2026 + quarter // 4, 1 + quarter % 4 * 3, 2, tzinfo=UTC)
        week = 0
        for _ in range(outages):
            week += dice.between(6, 12)
            down = start + timedelta(days=week, minutes=dice.below(900))
            states.append(f"shop,{stamp(down)},false")
            states.append(f"shop,{stamp(down + timedelta(minutes=dice.between(longest // 5, longest)))},true")
        for number in range(1, dice.between(38, 50) + 1):
            raised = start + timedelta(minutes=dice.below(86 * 1440))
            severity = ("critical", "high", "high", "low", "low")[dice.below(5)]
            minutes = dice.between(15, 239) if dice.chance(contained) else dice.between(260, 2000)
            done = stamp(raised + timedelta(minutes=minutes)) if dice.below(60) else "NA"
            alarms.append(f"A{quarter + 1}-{number:03d},{stamp(raised)},{severity},{done}")
        for number in range(1, dice.between(70, 90) + 1):
            due = start + timedelta(hours=dice.below(86 * 24))
            late = 0 if dice.chance(patched) else dice.between(1, 20)
            fixed = due + timedelta(days=late) if late else due - timedelta(hours=dice.between(2, 300))
            weaknesses.append(f"W{quarter + 1}-{number:03d},{stamp(due)},{stamp(fixed)}")
    tables = {"states": states, "alarms": alarms, "weaknesses": weaknesses}
    return {name: "\n".join(rows) + "\n" for name, rows in tables.items()}


def stamp(moment: datetime) -> str:
    """An exact time in UTC."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
