"""Findings as the agreement takes them: fatal, a warning, or accepted; and what is found by default."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.bundles.measured import Measured
from pyoutcome.evidence.recomputation import Recomputation, measure
from pyoutcome.terms.agreement import Agreement
from pyoutcome.terms.quality import FINDINGS
from tests.evidence.deal import write_records
from tests.evidence.test_plausibility import FEBRUARY, MARCH, Rows, told, written

ROOT = Path(__file__).parents[2]
LATE = "late: counts"


def ruled(rules: str, *changes: tuple[str, str]) -> Agreement:
    return written((LATE, f"{LATE}\n    quality: {{{rules}}}"), *changes)


def days(month: int, *numbers: int, **others: object) -> Rows:
    return [{"at": f"2013-{month:02d}-{day:02d}T12:00:00Z", **others} for day in numbers]


def find(tmp_path: Path, agreement: Agreement, rows: Rows, period: int) -> Measured:
    return measure(agreement, {"flights": write_records(tmp_path / "in.csv", rows)}, [period])[0]


def test_a_fatal_finding_stops_the_measurement_and_is_named(tmp_path: Path) -> None:
    rows: Rows = [{"at": FEBRUARY}]
    with pytest.raises(EvidenceError, match="finding-fatal") as caught:
        find(tmp_path, ruled("findings: {records-absent: fatal}"), rows, 2)
    assert (
        "No record of flights has its at in period 2. The agreement stops the measurement then "
        "(records.flights.quality.findings.records-absent: fatal)." == caught.value.why
    )
    assert ("records-absent", "flights", 0) == tuple(
        caught.value.details[name] for name in ("finding", "subject", "count")
    )


def test_it_stops_the_periods_and_providers_concerned_only(tmp_path: Path) -> None:
    path = write_records(tmp_path / "in.csv", [{"at": FEBRUARY}, {"at": MARCH, "carrier": "B6"}])
    own = Recomputation.read(ruled("findings: {records-absent: fatal, nothing-to-count: fatal}"), {"flights": path})
    assert 1 == len(own.measured(1, ["UA"]).values)
    assert 1 == len(own.measured(2, ["B6"]).values)
    for period, provider in ((1, "B6"), (2, "UA"), (3, "UA")):
        with pytest.raises(EvidenceError, match="finding-fatal"):
            own.measured(period, [provider])


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("records-outside-term", ()),
        ("records-of-others", ()),
        ("records-collapsed", (("duplicates: refuse", "duplicates: collapse"),)),
        (
            "values-skipped",
            (
                ("kind: ratio", "kind: mean, value: delay, missing: skip"),
                ("range: [0, 1]", "range: [0, 9]"),
                (", numerator: delay < 15, denominator: everything", ""),
            ),
        ),
        ("value-clamped", (("range: [0, 1]", "outside: clamp\n    range: [0, 0.5]"),)),
        ("value-near-threshold", (("points: [[0, 0], [1, 10]]", "points: [[0, 0], [0.75, 5], [1, 10]]"),)),
    ],
)
@pytest.mark.parametrize("severity", ["fatal", "warning", "accepted"])
def test_any_finding_is_what_the_agreement_says(
    tmp_path: Path, code: str, changes: tuple[tuple[str, str], ...], severity: str
) -> None:
    rows: Rows = [{"id": 1}, {"id": 2, "carrier": "AA"}, {"id": 3, "at": "2012-01-01T00:00:00Z"}, {"id": 4}, {"id": 5}]
    rows += [{"id": 6, "delay": "NA"}] + ([{"id": 1}] if code == "records-collapsed" else [])
    usual = find(tmp_path, written(*changes), rows, 1)
    agreement = ruled(f"findings: {{{code}: {severity}}}", *changes)
    assert told(usual, code)
    if severity == "fatal":
        with pytest.raises(EvidenceError, match="finding-fatal"):
            find(tmp_path, agreement, rows, 1)
        return
    rule = f"records.flights.quality.findings.{code}: accepted" if severity == "accepted" else None
    found = find(tmp_path, agreement, rows, 1)
    assert [(*each[:2], severity, rule) for each in told(usual, code)] == told(found, code)
    assert len(usual.findings) == len(found.findings)


def test_a_hole_longer_than_the_agreement_allows_is_a_finding(tmp_path: Path) -> None:
    rows = days(2, *range(2, 29, 2)) + days(3, *range(2, 12, 2), *range(20, 32, 2))
    [found] = [each for each in find(tmp_path, ruled("gap: 3 days"), rows, 2).findings if each.code == "records-gap"]
    assert ("flights", 1, "warning") == (found.subject, found.count, found.severity)
    assert (
        "No record of flights has its at between 2013-03-10T12:00:00Z and 2013-03-20T12:00:00Z in period 2: 10 d, more "
        "than the agreement allows, 3 d." == found.text
    )
    assert [] == told(find(tmp_path, ruled("gap: 10 days"), rows, 2), "records-gap")
    assert 1 == len(told(find(tmp_path, written(), rows, 2), "records-gap"))
    # So do records that begin too late, or end too early: the ends of a period count.
    [late] = [each.text for each in find(tmp_path, ruled("gap: 7 days"), rows[3:], 1).findings if "gap" in each.code]
    assert "between 2013-02-01T05:00:00Z and 2013-02-08T12:00:00Z in period 1: 7 d 7 h, more than" in late
    assert 1 == len(told(find(tmp_path, ruled("gap: 3 days"), rows[:10], 1), "records-gap"))
    assert [] == told(find(tmp_path, ruled("gap: 3 days"), rows[:10], 2), "records-gap")


def test_a_file_whose_records_run_back_is_a_finding_where_an_order_is_agreed(tmp_path: Path) -> None:
    rows = days(2, 1, 3, 2, 4, 4, 1)
    assert [("flights", 2, "warning", None)] == told(
        find(tmp_path, ruled("order: at"), rows, 1), "records-out-of-order"
    )
    assert [] == told(find(tmp_path, written(), rows, 1), "records-out-of-order")
    assert [] == told(find(tmp_path, ruled("order: local"), rows, 1), "records-out-of-order")


def test_values_that_go_missing_are_a_finding(tmp_path: Path) -> None:
    rows = days(2, *range(1, 21)) + days(3, *range(1, 19)) + days(3, 20, 21, delay="NA")
    [found] = [each for each in find(tmp_path, written(), rows, 2).findings if each.code == "missing-unusual"]
    assert (
        "2 of 20 records of flights lack delay in period 2 (10.0 %), and the median of before is 0.0 %." == found.text
    )
    assert [] == told(find(tmp_path, written(), rows, 1), "missing-unusual")


def test_a_word_that_no_condition_foresaw_is_a_finding_and_cannot_write_into_it(tmp_path: Path) -> None:
    words = ("numerator: delay < 15", "numerator: \"carrier = 'B6' or carrier = 'ZZ'\"")
    rows = days(2, *range(1, 16)) + days(3, 1, 2, carrier="\x1b[2J") + days(3, 3, 4, carrier="ZZ") + days(3, 5)
    [found] = [each for each in find(tmp_path, written(words), rows, 2).findings if each.code == "word-unseen"]
    assert (
        "carrier is '\\x1b[2J' in 2 records of flights in period 2; no earlier period has that word, and no condition "
        "names it." == found.text
    )
    assert [] == told(find(tmp_path, written(), rows, 2), "word-unseen")
    many = [
        {**row, "carrier": f"C{place}"} for place, row in enumerate(days(2, *range(1, 29)) + days(2, *range(1, 29)))
    ]
    assert [] == told(find(tmp_path, written(words), many + rows, 2), "word-unseen")


def test_every_finding_of_the_code_is_one_that_an_agreement_can_speak_of_and_that_the_page_tells() -> None:
    made: set[str] = set()
    for path in sorted((ROOT / "pyoutcome" / "evidence").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in FINDINGS:
                made.add(node.value)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding":
                code = node.args[0] if node.args else None
                assert not isinstance(code, ast.Constant) or code.value in set(FINDINGS)
    assert set(FINDINGS) == made
    page = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")
    assert set(FINDINGS) <= set(re.findall(r"`([a-z-]+)`", page))
