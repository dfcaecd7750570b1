"""Made-up time sheets, stories and acceptance tests of a software project over six months."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.ready.dice import Dice

SEED = 7105
RATES = (6200, 6200, 5400, 5400, 4800, 4800, 4100)  # cents of an hour of each person
# By month: share of the days worked, stories accepted, stories with an escaped defect, in percent.
MONTHS = ((82, 21, 12), (88, 24, 9), (92, 26, 18), (90, 27, 6), (85, 28, 8), (80, 27, 5))
# By month (3, 4 the prototype, 5, 6 the pilot): stage, tests, those passed.
TESTS = {3: ("prototype", 40, 35), 4: ("prototype", 40, 39), 5: ("pilot", 60, 54), 6: ("pilot", 60, 58)}


def make() -> dict[str, str]:
    """Hours, stories and acceptance tests."""
    dice = Dice(SEED)
    hours = ["entry,worked,minutes,cost_rate,allowable"]
    stories = ["story,accepted,escaped"]
    acceptance = ["run,run_at,stage,passed"]
    for month, (present, accepted, escaped) in enumerate(MONTHS, 1):
        start = datetime(2026, month, 1, 8, tzinfo=UTC)
        for day in range(28):
            moment = start + timedelta(days=day)
            for person, rate in enumerate(RATES, 1):
                if moment.weekday() < 5 and dice.chance(present):
                    minutes = dice.between(24, 34) * 15
                    own_fault = "false" if dice.below(30) == 0 else "true"
                    entry = f"{month}-{day + 1:02d}-P{person}"
                    hours.append(f"{entry},{stamp(moment)},{minutes},{rate // 100}.{rate % 100:02d},{own_fault}")
        for number in range(1, accepted + 1):
            moment = start + timedelta(minutes=dice.below(27 * 1440))
            broken = "true" if dice.chance(escaped) else "false"
            stories.append(f"S{month}-{number:02d},{stamp(moment)},{broken}")
        stories += [f"S{month}-N{number},NA,false" for number in range(1, dice.between(1, 4))]
        if month in TESTS:
            stage, tests, passed = TESTS[month]
            for number in range(1, tests + 1):
                moment = start + timedelta(days=20, minutes=number)
                acceptance.append(
                    f"{stage}-{month}-{number:02d},{stamp(moment)},{stage},{str(number <= passed).lower()}"
                )
    tables = {"hours": hours, "stories": stories, "acceptance": acceptance}
    return {name: "\n".join(rows) + "\n" for name, rows in tables.items()}


def stamp(moment: datetime) -> str:
    """An exact time in UTC."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
