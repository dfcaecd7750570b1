"""Made-up forms of three crews over four months: WEST is fast and careless, HOME slow and clean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.ready.dice import Dice

SEED = 7102
# By crew: forms a month, and fields keyed right, of ten thousand, in each of four months.
CREWS = {"EAST": (260, (9860, 9875, 9830, 9890)), "WEST": (340, (9720, 9640, 9230, 9850)),
         "HOME": (190, (9965, 9970, 9960, 9975))}  # fmt: skip
FIELDS = {"short": 8, "long": 25, "handwritten": 14}


def make() -> dict[str, str]:
    """Forms and checked fields."""
    dice = Dice(SEED)
    forms = ["form,crew,keyed,kind,accepted"]
    checks = ["form,field,crew,keyed,equal"]
    for month in range(1, 5):
        for crew, (usual, right) in CREWS.items():
            for number in range(1, usual + dice.between(-40, 40) + 1):
                form = f"{crew}-{month}-{number:04d}"
                moment = datetime(2026, month, 1, 6, tzinfo=UTC) + timedelta(seconds=dice.below(27 * 86_400))
                draw = dice.below(100)
                kind = "short" if draw < 55 else "long" if draw < 80 else "handwritten"
                accepted = "false" if dice.chance(3) else "true"
                keyed = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
                forms.append(f"{form},{crew},{keyed},{kind},{accepted}")
                if dice.below(10) == 0:
                    for field in range(1, FIELDS[kind] + 1):
                        equal = "true" if dice.below(10_000) < right[month - 1] else "false"
                        checks.append(f"{form},{field},{crew},{keyed},{equal}")
    return {"forms": "\n".join(forms) + "\n", "checks": "\n".join(checks) + "\n"}
