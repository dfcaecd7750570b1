"""The bounds of every published mechanism are attained: the least and the most are really paid by some KPI values."""

from __future__ import annotations

import pytest

from tests.corpus.published import NAMES
from tests.corpus.tightness import Tightness, measure

LOOSE_IN_TOTAL = {"fund-high-water-mark"}
"""Each period's bounds are attained, but not all of them in one history: a high fee early raises the mark."""
TURNING = {
    "accord-late-delivery-capped",
    "accord-volume-discount",
    "agri-milk-somatic-cell",
    "health-hvbp-exchange",
    "health-mssp-full-quality",
    "health-mssp-minimum-savings-gate",
    "payout-relative-return",
    "rebate-cumulative-units",
}
"""A higher value of some KPI pays now more, now less; every other mechanism is monotonic."""


@pytest.mark.parametrize("mechanism", NAMES)
def test_bounds_are_attained(mechanism: str) -> None:
    rows = measure(mechanism)

    assert rows
    for row in rows:
        assert row.proven == row.attained
        assert row.monotonic == (mechanism not in TURNING)
        if mechanism in LOOSE_IN_TOTAL:
            assert inside(row)
        else:
            assert row.proven_total == row.attained_total


def inside(row: Tightness) -> bool:
    """Is the total that was found among those that are proven?"""
    return row.proven_total[0] <= row.attained_total[0] <= row.attained_total[1] < row.proven_total[1]
