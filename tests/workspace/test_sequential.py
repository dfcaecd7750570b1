"""An agreement whose periods depend on one another: volume over the whole year, and a cap on all it ever pays."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from pyoutcome.errors import PyoutcomeError, WorkspaceError
from pyoutcome.settlement.plan import Need
from pyoutcome.workspace import Workspace
from tests.workspace.conftest import AGREEMENT, AIRLINES

UNIT = 10**6
MOST = 3_000_000
"""What each airline can be paid in all."""


@pytest.fixture
def yearly(tmp_path: Path, flights: Path) -> Workspace:
    text = AGREEMENT.read_text(encoding="utf-8")
    for old, new in (
        ("bands: {upto 2500: 40, upto 3500: 30, rest: 20}", "cumulative: yes\n    bands: {upto 100: 4000, rest: 1000}"),
        ("settlement: [at_least: 180000, at_most: 520000]", f"settlement: [lifetime_at_most: {MOST}]"),
        ("reserve: proven", "reserve: 2000000"),
    ):
        assert old in text
        text = text.replace(old, new)
    file = tmp_path / "yearly.yaml"
    file.write_text(text, encoding="utf-8")
    workspace = Workspace.create(tmp_path / "deal", file, records={"flights": flights})
    assert workspace.agreement.program().sequential
    for party in ("client", *AIRLINES):
        workspace.sign(party)
    workspace.deploy()
    workspace.fund("20_000_000")
    return workspace


def test_the_year_pays_the_volume_of_the_year_up_to_the_cap(yearly: Workspace) -> None:
    with yearly as workspace:
        assert all(outcome.error is None for outcome in workspace.settle(move_clock=True))
        rows = [row for row in workspace.books.journal.rows if row.provider == "UA"]
        # By hand: 16 of 20 on time each month (80 %), 5 % cancelled; 4,000 for the first 100 arrivals, then 1,000.
        fixed = 250_000 + Fraction(180_000) * Fraction(1, 3) - 25_000
        paid = Fraction(0)
        for month, row in enumerate(rows, 1):
            volume = [4_000 * min(16 * count, 100) + 1_000 * max(0, 16 * count - 100) for count in (month - 1, month)]
            amount = min(fixed + volume[1] - volume[0], MOST - paid)
            paid += amount
            assert amount * UNIT == row.amount, month
        assert paid == MOST
        report = workspace.audit()
        assert (36, 0) == (report.settled, report.differences)


def test_a_later_period_waits_for_its_turn(yearly: Workspace) -> None:
    with yearly as workspace:
        for airline in AIRLINES:
            workspace.measure(airline, [2])
        for verifier in ("V1", "V2"):
            workspace.verify(verifier, [2])
        workspace.network.advance_to(workspace.agreement.period(2).end)
        assert Need.TURN is workspace.status().periods[1].need
        assert "Period 1" in workspace.status().periods[1].why
        with pytest.raises(PyoutcomeError) as early:
            workspace.report(2)
        assert "out-of-turn" == early.value.code
        with pytest.raises(WorkspaceError) as unknown:
            workspace.statement(2)
        assert "nothing-to-state" == unknown.value.code
        outcomes = workspace.settle([1, 2])
        assert [Need.NOTHING] * 2 == [outcome.decision.need for outcome in outcomes]
        assert 0 == workspace.audit().differences
