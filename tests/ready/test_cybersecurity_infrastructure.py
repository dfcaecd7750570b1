"""The ready agreement of hosting and security: settled on the embedded chain, and worked out by hand."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

from pyoutcome.terms.agreement import Agreement
from pyoutcome.workspace.filling import fill
from pyoutcome.workspace.ready import find_ready
from tests.ready.playing import cents, play, read_rows, seconds, share, within

NAME = "cybersecurity-infrastructure"
ZURICH = ZoneInfo("Europe/Zurich")
SILENT = (
    (datetime(2026, 4, 20, 1, 15, tzinfo=ZURICH), datetime(2026, 5, 1, 1, 15, tzinfo=ZURICH)),
    (datetime(2026, 7, 29, 1, 15, tzinfo=ZURICH), datetime(2026, 8, 1, tzinfo=ZURICH)),
)


def measured(month: int) -> tuple[Fraction, Fraction, Fraction]:
    """Availability, incidents contained in time, weaknesses fixed in time."""
    alarms = [
        seconds(row, "raised", "contained")
        for row in read_rows(NAME, "alarms")
        if row["severity"] in ("critical", "high") and within(row, "raised", ZURICH.key, 2026, (month,))
    ]
    late = [
        seconds(row, "due", "fixed")
        for row in read_rows(NAME, "weaknesses")
        if within(row, "due", ZURICH.key, 2026, (month,))
    ]
    start, end = datetime(2026, month, 1, tzinfo=ZURICH), datetime(2026, month + 1, 1, tzinfo=ZURICH)
    up, known = _seconds_up(start.astimezone(UTC), end.astimezone(UTC))
    return (
        share(up, known, 6),
        Fraction(sum(each is not None and each <= 14_400 for each in alarms), len(alarms)),
        Fraction(sum(each is not None and each <= 0 for each in late), len(late)),
    )


def _seconds_up(start: datetime, end: datetime) -> tuple[int, int]:
    """Seconds up and seconds known between two times, of all services together, silence of the monitor left out."""
    changes: dict[str, list[tuple[datetime, bool]]] = defaultdict(list)
    for row in read_rows(NAME, "states"):
        changes[row["service"]].append((datetime.fromisoformat(row["ts"]), row["status"] == "up"))
    assert 3 == len(changes)
    up = known = 0
    for states in changes.values():
        for (at, state), (until, _) in zip(states, [*states[1:], (end, False)], strict=True):
            first, last = max(at, start), min(until, end)
            if first >= last:
                continue
            length = int((last - first).total_seconds())
            for opens, closes in SILENT:
                length -= max(0, int((min(last, closes) - max(first, opens)).total_seconds()))
            known += length
            up += length if state else 0
    return up, known


def test_every_month_pays_the_fee_less_credits_and_gives_half_of_them_back(tmp_path: Path) -> None:
    played = play(NAME, tmp_path)
    waiting, streak, returned, lost = Fraction(0), 0, {}, {}
    for period in range(1, 6):
        availability, contained, patched = measured(period + 2)
        fee, target = Fraction(20_000), Fraction("0.995")
        share_lost = next(
            Fraction(percent, 100)
            for level, percent in ((target, 0), (Fraction("0.99"), 5), (Fraction("0.97"), 10), (Fraction(0), 20))
            if availability >= level
        )
        streak = streak + 1 if availability >= target else 0
        waiting = waiting if streak else Fraction(0)  # a bad month makes earlier credits lost
        waiting += share_lost * fee
        back = waiting / 2 if streak >= 2 else Fraction(0)
        waiting = Fraction(0) if streak >= 2 else waiting
        containment = min(Fraction("0.1"), max(Fraction(0), Fraction("0.95") - contained) * 100 * Fraction("0.005"))
        patching = min(Fraction("0.1"), max(Fraction(0), Fraction("0.97") - patched) * 100 * Fraction("0.0025"))
        credited = share_lost * fee - back + containment * fee + patching * fee
        assert cents(fee - min(credited, fee / 4)) == played.amounts[period, "HOST"], period
        returned[period], lost[period] = back, share_lost * fee
    # March misses by two tiers, April by one, which makes March's credit lost; May and June earn half of April's back.
    assert {1: 2000, 2: 1000, 3: 0, 4: 0, 5: 0} == lost
    assert {1: 0, 2: 0, 3: 0, 4: 500, 5: 0} == returned


def test_fee_and_target_are_others_from_the_second_year_on() -> None:
    agreement = Agreement.parse(fill(find_ready(NAME), {"months": "14"}))
    values = {
        "availability": "99.6%",
        **dict.fromkeys(("incidents", "contained_in_time", "due", "fixed_in_time"), "40"),
    }
    paid = [each.of("HOST").units for each in agreement.statements([values] * 13)]
    # 99.6% meets the target of the first year, and misses that of the second, which costs a twentieth of its fee.
    assert [20_000 * 10**6] * 12 + [18_525 * 10**6] == paid


def test_a_month_without_incidents_costs_nothing_and_one_without_evidence_a_quarter() -> None:
    agreement = find_ready(NAME).agreement
    none = dict.fromkeys(("incidents", "contained_in_time", "due", "fixed_in_time"), "0")
    assert 20_000 * 10**6 == agreement.statement(1, {"availability": "100%", **none}).of("HOST").units
    unknown = {kpi.name: None for kpi in agreement.kpis}
    assert 15_000 * 10**6 == agreement.statement(1, unknown).of("HOST").units
