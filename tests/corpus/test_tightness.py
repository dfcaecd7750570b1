"""The bounds of every published mechanism are attained: the least and the most are really paid by some KPI values."""

from __future__ import annotations

import pytest

from tests.corpus.published import NAMES
from tests.corpus.tightness import measure

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
        assert row.proven_total == row.attained_total
