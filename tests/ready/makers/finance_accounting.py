"""Made-up invoices and checks of six months; in the third the provider was short of people, the last was its best."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.ready.dice import Dice

SEED = 7201
# By month: invoices, days to the posting (least and most hours), faulty and discounts taken, both in percent.
MONTHS = ((118, 8, 90, 2, 52), (124, 8, 84, 1, 61), (139, 20, 150, 6, 18), (131, 10, 100, 2, 66), (127, 6, 80, 1, 72),
          (142, 4, 72, 0, 81))  # fmt: skip
CHECKED = 90


def make() -> dict[str, str]:
    """Invoices and the monthly samples of them."""
    dice = Dice(SEED)
    invoices = ["invoice,received,posted,net,discount_offered,discount_taken"]
    checks = ["invoice,checked,faults"]
    for month, (count, quickest, slowest, faulty, taken) in enumerate(MONTHS, 1):
        moments = sorted(dice.between(3600, 27 * 86_400) for _ in range(count))
        for number, second in enumerate(moments, 1):
            name = f"R{month}-{number:03d}"
            received = datetime(2026, month, 1, tzinfo=UTC) + timedelta(seconds=second)
            posted = received + timedelta(hours=dice.between(quickest, slowest), minutes=dice.below(60))
            net = dice.between(8_000, 900_000)
            # What is disputed with the supplier is not posted when the file is made: a few of the bad month.
            waiting = month == 3 and number % 20 == 0
            # One supplier in three allows two percent for payment within ten days.
            offered = net * 2 // 100 if dice.chance(33) else 0
            won = offered if dice.chance(taken) else 0
            at = "NA" if waiting else stamp(posted)
            invoices.append(f"{name},{stamp(received)},{at},{cents(net)},{cents(offered)},{cents(won)}")
            if number <= CHECKED:
                checked = datetime(2026, month, 27, 9, tzinfo=UTC) + timedelta(minutes=5 * number)
                checks.append(f"{name},{stamp(checked)},{dice.between(1, 3) if dice.chance(faulty) else 0}")
    return {"invoices": "\n".join(invoices) + "\n", "checks": "\n".join(checks) + "\n"}


def cents(amount: int) -> str:
    """Cents as euros."""
    return f"{amount // 100}.{amount % 100:02d}"


def stamp(moment: datetime) -> str:
    """An exact time in UTC."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
