"""Made-up tickets and survey answers of a service desk: five months, the second of them bad."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.ready.dice import Dice

SEED = 7101
# By month: tickets, answered in time, resolved in time, reopened, satisfied, all but the first in percent.
MONTHS = ((301, 92, 88, 4, 84), (318, 79, 76, 9, 62), (296, 93, 90, 4, 83), (285, 95, 92, 3, 88), (309, 94, 91, 4, 86))


def make() -> dict[str, str]:
    """Tickets and survey answers."""
    dice = Dice(SEED)
    tickets = ["ticket,opened,answered,resolved,reopened"]
    answers = ["answer,given,score"]
    for month, (count, in_time, solved, reopened, happy) in enumerate(MONTHS, 1):
        moments = sorted(dice.between(3600, 27 * 86_400) for _ in range(count))
        for number, second in enumerate(moments, 1):
            name = f"T{month}-{number:04d}"
            opened = datetime(2026, month, 1, tzinfo=UTC) + timedelta(seconds=second)
            quick, done = dice.chance(in_time), dice.chance(solved)
            answered = opened + timedelta(seconds=dice.between(60, 1800) if quick else dice.between(1801, 9000))
            hours = dice.between(1, 6) if done else dice.between(9, 40)
            resolved = answered + timedelta(seconds=hours * 3600 + dice.below(1200))
            again = dice.chance(reopened)
            tickets.append(f"{name},{stamp(opened)},{stamp(answered)},{stamp(resolved)},{'true' if again else 'false'}")
            if dice.chance(25):
                score = dice.between(4, 5) if dice.chance(happy) else dice.between(1, 3)
                answers.append(f"A{month}-{number:04d},{stamp(resolved)},{score}")
    return {"tickets": "\n".join(tickets) + "\n", "answers": "\n".join(answers) + "\n"}


def stamp(moment: datetime) -> str:
    """An exact time in UTC."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
