"""Made-up leads and orders of six months: the social agency buys bad leads in February, sales rise from March on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.ready.dice import Dice

SEED = 7203
# By agency and month: leads, and how many of a hundred can be shown to consent, were reached, and need enough.
LEADS = {
    "SEARCH": (
        (92, 97, 78, 71),
        (88, 97, 76, 72),
        (101, 98, 80, 74),
        (108, 98, 82, 75),
        (117, 98, 83, 76),
        (124, 98, 84, 78),
    ),
    "SOCIAL": (
        (76, 92, 66, 64),
        (118, 80, 50, 45),
        (83, 90, 58, 58),
        (88, 94, 72, 68),
        (95, 95, 74, 70),
        (90, 95, 75, 71),
    ),
}
# By agency and month: orders and least and most pounds of one.
ORDERS = {
    "DIRECT": (
        (34, 400, 1_700),
        (31, 400, 1_600),
        (33, 400, 1_700),
        (35, 400, 1_700),
        (36, 400, 1_800),
        (37, 400, 1_800),
    ),
    "SEARCH": (
        (16, 500, 2_100),
        (14, 500, 2_000),
        (19, 500, 2_200),
        (22, 500, 2_300),
        (25, 500, 2_400),
        (27, 500, 2_500),
    ),
    "SOCIAL": (
        (9, 400, 1_700),
        (7, 300, 1_500),
        (11, 400, 1_800),
        (13, 400, 1_900),
        (15, 400, 1_900),
        (16, 400, 2_000),
    ),
}


def make() -> dict[str, str]:
    """Leads and orders."""
    dice = Dice(SEED)
    leads = ["lead,agency,contact,received,consent,reached,need"]
    orders = ["order_no,agency,final,net"]
    for agency, months in LEADS.items():
        for month, (count, consenting, reached, needing) in enumerate(months, 1):
            contacts: list[str] = []
            for number in range(1, count + 1):
                # One in twenty fills the form in twice.
                again = bool(contacts) and dice.chance(5)
                contact = contacts[dice.below(len(contacts))] if again else f"{dice.below(1 << 48):012x}"
                contacts.append(contact)
                answers = ["true" if dice.chance(share) else "false" for share in (consenting, reached)]
                low = dice.between(1, 19) if dice.chance(75) else None
                need = dice.between(20, 240) if dice.chance(needing) else low
                leads.append(
                    f"{agency[:2]}{month}-{number:03d},{agency},{contact},{moment(dice, month)},"
                    f"{','.join(answers)},{'n/a' if need is None else need * 100}"
                )
    for agency, sold in ORDERS.items():
        for month, (count, least, most) in enumerate(sold, 1):
            for number in range(1, count + 1):
                net = dice.between(least * 100, most * 100)
                orders.append(
                    f"O{agency[:2]}{month}-{number:02d},{agency},{moment(dice, month)},{net // 100}.{net % 100:02d}"
                )
    return {"leads": "\n".join(leads) + "\n", "orders": "\n".join(orders) + "\n"}


def moment(dice: Dice, month: int) -> str:
    """An exact time in UTC within the month's first 28 days."""
    at = datetime(2026, month, 1, tzinfo=UTC) + timedelta(seconds=dice.between(7_200, 28 * 86_400))
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
