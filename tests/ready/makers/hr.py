"""Made-up hires and payslips: in March payroll goes wrong, in April hiring is slow, and after June nobody starts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.ready.dice import Dice

SEED = 7202
# By month: people who start in the standard and the senior grade, least and most days from vacancy to signature.
STARTS = ((3, 1, 30, 50), (4, 1, 28, 48), (2, 1, 35, 55), (3, 2, 60, 88), (4, 0, 25, 40), (3, 1, 20, 34))
# By month: payslips, corrected and late, both of a hundred.
PAYROLL = ((58, 0, 0), (61, 1, 0), (64, 9, 12), (66, 2, 6), (70, 0, 0), (73, 1, 0), (75, 0, 1), (74, 2, 2), (76, 0, 0))
NOTICE = 30
STAY = 90


def make() -> dict[str, str]:
    """Hires and payslips."""
    dice = Dice(SEED)
    hires = ["vacancy,grade,opened,accepted,started,due,left_on,reason"]
    payslips = ["payslip,pay_day,paid,corrected"]
    for month, (standard, senior, quickest, slowest) in enumerate(STARTS, 1):
        for number, grade in enumerate(("standard",) * standard + ("senior",) * senior, 1):
            started = datetime(2026, month, dice.between(2, 20), 8, tzinfo=UTC)
            accepted = started - timedelta(days=dice.between(NOTICE, 2 * NOTICE), hours=dice.between(0, 9))
            opened = accepted - timedelta(days=dice.between(quickest, slowest), hours=dice.between(0, 9))
            left, reason = "", ""
            if dice.chance(20):
                left = stamp(started + timedelta(days=dice.between(20, STAY - 5), hours=9))
                reason = ("own_wish", "performance", "redundancy")[dice.below(3)]
            due = started + timedelta(days=STAY)
            hires.append(
                f"V{month}-{number:02d},{grade},{stamp(opened)},{stamp(accepted)},{stamp(started)},{stamp(due)},{left},{reason}"
            )
    for month, (count, corrected, late) in enumerate(PAYROLL, 1):
        pay_day = datetime(2026, month, 25, 16, tzinfo=UTC)
        for number in range(1, count + 1):
            wrong = "true" if dice.chance(corrected) else "false"
            hours = dice.between(-30, -1) if not dice.chance(late) else dice.between(4, 50)
            paid = stamp(pay_day + timedelta(hours=hours))
            payslips.append(f"P{month}-{number:03d},{stamp(pay_day)},{paid},{wrong}")
    return {"hires": "\n".join(hires) + "\n", "payslips": "\n".join(payslips) + "\n"}


def stamp(moment: datetime) -> str:
    """An exact time in UTC."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
