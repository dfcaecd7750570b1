"""What is remarkable in a period: absent records, unusual counts, thresholds, clocks, copies, values out of range."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyoutcome.decimals import ONE
from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.bundles.measured import Measured
from pyoutcome.evidence.findings import Finding
from pyoutcome.evidence.quality.plausibility import find_unusual
from pyoutcome.evidence.recomputation import measure
from pyoutcome.terms.agreement import Agreement
from tests.evidence.deal import MEASURE, TEXT, agree, write_records

Rows = list[dict[str, object]]
FEBRUARY, MARCH, APRIL = (f"2013-0{month}-10T12:00:00Z" for month in (2, 3, 4))


def written(*changes: tuple[str, str]) -> Agreement:
    """The small agreement with some of its text replaced."""
    text = TEXT.format(
        measure=MEASURE + ", denominator: everything, rounding: half_up",
        per="provider",
        to="per: provider, ",
        of="share",
    )
    for old, new in changes:
        assert 1 == text.count(old), old
        text = text.replace(old, new)
    return Agreement.parse(text)


def told(measured: Measured, code: str) -> list[tuple[str, int, str, str | None]]:
    return [(each.subject, each.count, each.severity, each.rule) for each in measured.findings if each.code == code]


def test_a_period_without_any_record_is_a_warning(tmp_path: Path) -> None:
    path = write_records(tmp_path / "in.csv", [{}, {"at": APRIL}])
    found = measure(agree(), {"flights": path})
    assert [[], [("flights", 0, "warning", None)], []] == [told(each, "records-absent") for each in found]


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        ({1: 10, 2: 21}, "more than twice the median of before, 10"),
        ({1: 10, 2: 20}, None),
        ({1: 10, 2: 5}, None),
        ({1: 10, 2: 4}, "less than half the median of before, 10"),
        ({1: 10}, "less than half"),
        ({1: 9, 2: 99}, None),
        ({2: 99}, None),
    ],
)
def test_a_count_is_held_against_the_periods_before(counts: dict[int, int], says: str | None) -> None:
    found = list(find_unusual("share.UA", 2, counts))
    assert (says is not None) == bool(found)
    for each in found:
        assert ("count-unusual", "warning", counts.get(2, 0)) == (each.code, each.severity, each.count)
        assert says is not None
        assert says in each.text


def test_the_median_of_an_even_number_of_periods_lies_between_two() -> None:
    counts = {1: 10, 2: 21, 3: 7}
    assert [] == list(find_unusual("k", 1, counts))
    [found] = find_unusual("k", 3, counts)
    assert "less than half the median of before, 15.5" in found.text
    assert [] == list(find_unusual("k", 3, {**counts, 3: 8}))


def test_counts_are_of_one_provider(tmp_path: Path) -> None:
    rows: Rows = [
        {"at": at, "carrier": carrier} for at, carrier in ((FEBRUARY, "UA"), (MARCH, "B6")) for _ in range(12)
    ]
    found = measure(agree(), {"flights": write_records(tmp_path / "in.csv", rows)}, [2])
    assert [("share.UA", 0, "warning", None)] == told(found[0], "count-unusual")


@pytest.mark.parametrize(("late", "near"), [(4, True), (5, True), (6, True), (3, False), (7, False)])
def test_a_value_next_to_an_edge_of_a_table_is_a_warning(tmp_path: Path, late: int, near: bool) -> None:
    edged = written(
        ("kind: curve, per: provider, of: share, points: [[0, 0], [1, 10]]",
         "kind: step, per: provider, of: share, rows: {at_least 0.5: 10, otherwise: 0}"),
        ("decimals: 4", "decimals: 1"),
    )  # fmt: skip
    rows: Rows = [{"delay": 20 if place < late else 0} for place in range(10)]
    [found] = measure(edged, {"flights": write_records(tmp_path / "in.csv", rows)}, [1])
    assert ([("share.UA", 0, "warning", None)] if near else []) == told(found, "value-near-threshold")


@pytest.mark.parametrize("late", range(3, 8))
@pytest.mark.parametrize(
    ("clause", "edge"),
    [
        ("kind: step, per: provider, of: score, rows: {at_least 50: 10, otherwise: 0}", "score.UA = 50"),
        ("kind: curve, per: provider, of: share, points: [[0, 0], [0.5, 9], [1, 10]]", "0.5"),
        ("kind: formula, to: each, is: 'bands(share, [next 0.2 at 1, next 0.3 at 2, rest at 0])'", "0.5"),
    ],
)
def test_a_value_next_to_a_corner_a_width_or_an_edge_behind_a_name_is_a_warning(
    tmp_path: Path, late: int, clause: str, edge: str
) -> None:
    edged = written(
        ("kind: curve, per: provider, of: share, points: [[0, 0], [1, 10]]", clause),
        ("decimals: 4", "decimals: 1"),
        ("\nclauses:", "\ndefine:\n  score: share * 100\nclauses:"),
    )
    rows: Rows = [{"delay": 20 if place < late else 0} for place in range(10)]
    [found] = measure(edged, {"flights": write_records(tmp_path / "in.csv", rows)}, [1])
    texts = [each.text for each in found.findings if each.code == "value-near-threshold"]
    assert (late in {4, 5, 6}) == any(f"within one unit of its last decimal of {edge}, where" in text for text in texts)


def test_copies_that_collapse_are_accepted_by_the_agreements_rule(tmp_path: Path) -> None:
    once = written(("duplicates: refuse", "duplicates: collapse"))
    rows: Rows = [{"id": 1}, {"id": 1}, {"id": 2}]
    [found] = measure(once, {"flights": write_records(tmp_path / "in.csv", rows)}, [1])
    rule = "records.flights.duplicates: collapse"
    assert [("flights", 1, "accepted", rule)] == told(found, "records-collapsed")


def test_a_record_received_before_it_happened_is_a_warning(tmp_path: Path) -> None:
    late = written(
        ("done: {type: boolean}", "done: {type: boolean}\n      got: {type: instant, from: got}"),
        ("late: counts", "late: {column: got, within: 5 days}"),
    )
    path = write_records(tmp_path / "in.csv", [{"at": FEBRUARY}, {"at": FEBRUARY}, {"at": FEBRUARY}])
    got = ["got", "2013-02-10T11:59:59Z", "2013-02-10T12:00:00Z", "2013-04-10T12:00:00Z"]
    lines = [f"{line},{more}" for line, more in zip(path.read_text().splitlines(), got, strict=True)]
    path.write_text("\n".join(lines) + "\n")
    [found] = measure(late, {"flights": path}, [1])
    assert [("flights", 1, "warning", None)] == told(found, "received-before-anchor")
    assert [("flights", 1, "accepted", "records.flights.late")] == told(found, "records-late")


def test_a_missing_value_is_accepted_where_the_agreement_has_one_that_stands_in(tmp_path: Path) -> None:
    path = write_records(tmp_path / "in.csv", [{}])
    [found] = measure(agree(), {"flights": path}, [1])
    assert [("share.B6", 0, "accepted", "kpis.share.if_missing: 0")] == told(found, "nothing-to-count")
    [found] = measure(written(("if_missing: 0", "if_missing: refuse")), {"flights": path}, [1])
    assert [("share.B6", 0, "warning", None)] == told(found, "nothing-to-count")


RANGE = ("range: [0, 1]", "range: [0.4, 0.6]")
MISSING = ("if_missing: 0", "if_missing: 0.4")


@pytest.mark.parametrize(
    ("late", "outside", "value"),
    [
        (2, "clamp", 6 * ONE // 10),
        (8, "clamp", 4 * ONE // 10),
        (5, "clamp", ONE // 2),
        (6, "clamp", 4 * ONE // 10),
        (2, "missing", None),
        (8, "missing", None),
        (5, "missing", ONE // 2),
    ],
)
def test_a_value_outside_the_range_counts_as_the_agreement_says(
    tmp_path: Path, late: int, outside: str, value: int | None
) -> None:
    rows: Rows = [{"delay": 20 if place < late else 0} for place in range(10)]
    ranged = written(RANGE, (MISSING[0], f"outside: {outside}\n    {MISSING[1]}"))
    path = write_records(tmp_path / "in.csv", rows)
    [found] = measure(ranged, {"flights": path}, [1], ["UA"])
    [held] = found.values
    assert (value, (10 - late) * ONE // 10) == (held.value, held.raw)
    code = {"clamp": "value-clamped", "missing": "value-dropped"}[outside]
    rule = f"kpis.share.outside: {outside}"
    assert ([] if held.value == held.raw else [("share.UA", 0, "accepted", rule)]) == told(found, code)
    assert [] == told(found, "nothing-to-count")


def test_refusal_is_what_happens_unless_the_agreement_says_otherwise(tmp_path: Path) -> None:
    path = write_records(tmp_path / "in.csv", [{}])
    silent, spoken = (written(RANGE, (MISSING[0], text)) for text in (MISSING[1], f"outside: refuse\n    {MISSING[1]}"))
    assert silent.digest() == spoken.digest()
    with pytest.raises(EvidenceError, match="value-outside-range"):
        measure(spoken, {"flights": path}, [1], ["UA"])


def test_the_legal_words_say_what_a_value_outside_counts_as() -> None:
    clamped, dropped = (
        written(RANGE, (MISSING[0], f"outside: {outside}\n    {MISSING[1]}")) for outside in ("clamp", "missing")
    )
    assert "outside the KPI's range counts as the nearer of its ends." in clamped.words()
    assert "outside the KPI's range counts as missing." in dropped.words()


def test_a_finding_is_a_warning_unless_a_rule_accepts_it() -> None:
    assert ("warning", None) == (Finding("x", "y", 0, "z").severity, Finding("x", "y", 0, "z").rule)
