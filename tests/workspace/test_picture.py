"""Where the picture of an agreement colours its payments as bonus and malus."""

from __future__ import annotations

import pytest

from pyoutcome import Agreement
from pyoutcome.decimals import parse
from pyoutcome.workspace.picture import find_neutral

RULE = """\
agreement: curved
kpis: {{quality: {{unit: share, decimals: 4, range: [0, 1]}}}}
clauses:
  fee: {{kind: curve, of: quality, points: {points}}}
"""


@pytest.mark.parametrize(
    ("points", "neutral"),
    [
        ("[[55%, -150], [70%, 0], [75%, 0], [90%, 180]]", (parse("70%"), parse("75%"))),
        ("[[55%, -150], [70%, 0], [90%, 180]]", (parse("70%"), parse("70%"))),
        # Nothing is taken where a part of the pay is not earned.
        ("[[40%, 0], [90%, 100]]", None),
        ("[[40%, -100], [90%, 0]]", None),
        ("[[40%, -100], [90%, 100]]", None),
    ],
)
def test_only_a_curve_with_bonus_and_malus_has_a_part_with_neither(
    points: str, neutral: tuple[int, int] | None
) -> None:
    assert neutral == find_neutral(Agreement.parse(RULE.format(points=points)), "quality")
