"""Measures leave no question open: what is not written and changes the value is asked for."""

from __future__ import annotations

import pytest

from pyoutcome import Agreement
from pyoutcome.errors import PyoutcomeError

TEXT = """
agreement: measured
term: {zone: Europe/Berlin, first: 2026-01-01, every: month, periods: 3}
records:
  log:
    format: csv
    columns: {id: {type: text}, seen: {type: instant}, at: {type: wall}, size: {type: decimal, digits: 6},
      own: {type: boolean}}
    key: [id, seen]
    duplicates: refuse
    late: {column: seen, within: 2 days}
windows:
  upkeep: [{from: 2026-01-03, to: 2026-01-03T06:00:00, reason: Upkeep}]
kpis:
  x: {unit: things, decimals: 2, range: [0, 10], if_missing: 0, measure: {records: log, anchor: at, MEASURE}}
clauses:
  fee: {kind: formula, is: x}
"""
MEAN = "kind: mean, grain: record, value: size, missing: skip, rounding: half_up"
STATES = "kind: time_share, item: [id], state: own, rounding: half_up"


def read(measure: str, old: str = "", new: str = "") -> Agreement:
    assert old in TEXT
    return Agreement.parse(
        TEXT.replace(old, new, 1).replace("MEASURE", measure) if old else TEXT.replace("MEASURE", measure)
    )


def refusal(measure: str, old: str = "", new: str = "") -> PyoutcomeError:
    with pytest.raises(PyoutcomeError) as caught:
        read(measure, old, new)
    return caught.value


@pytest.mark.parametrize(
    "measure",
    [
        MEAN,
        "kind: count, grain: {item: [id], version: latest, by: [seen]}",
        "kind: ratio, grain: record, numerator: own, denominator: everything, rounding: down",
        f"{MEAN}, except: {{windows: [upkeep], flags: [own]}}",
    ],
)
def test_a_measure_that_says_everything_is_read(measure: str) -> None:
    assert read(measure).words()


@pytest.mark.parametrize(
    ("measure", "key", "asked"),
    [
        ("kind: count", "grain", "What is one counted thing"),
        ("kind: count, grain: {item: [id], by: [seen]}", "version", "Which of an item's records counts?"),
        ("kind: count, grain: {item: [id], version: latest}", "by", "What orders an item's records?"),
        ("kind: ratio, grain: record, numerator: own, rounding: up", "denominator", "Per what is the share?"),
        ("kind: ratio, grain: record, numerator: own, denominator: everything", "rounding", "How is the value rounded"),
        ("kind: sum, grain: record, value: size, rounding: up", "missing", "whose value is missing?"),
        (MEAN.replace(", rounding: half_up", ""), "rounding", "How is the value rounded"),
        (STATES, "anchor", "How long is an hour that clocks strike twice or skip?"),
    ],
)
def test_a_measure_that_leaves_a_question_open_is_refused_with_the_question(measure: str, key: str, asked: str) -> None:
    error = refusal(measure)
    assert ("measure-ambiguous", key) == (error.code, error.details["key"])
    assert asked in error.why
    assert error.where is not None


@pytest.mark.parametrize(
    ("old", "key", "asked"),
    [
        ("    duplicates: refuse\n", "duplicates", "What if two records have the same key?"),
        (
            "    late: {column: seen, within: 2 days}\n",
            "late",
            "Does a record count that arrives long after the period?",
        ),
    ],
)
def test_records_that_leave_a_question_open_are_refused_with_the_question(old: str, key: str, asked: str) -> None:
    error = refusal(MEAN, old)
    assert ("measure-ambiguous", key) == (error.code, error.details["key"])
    assert asked in error.why


def test_a_single_key_says_that_a_record_is_the_thing() -> None:
    assert (
        "The value is the number of records of `log` whose"
        in read("kind: count", "key: [id, seen]", "key: [id]").words()
    )


def test_states_may_be_anchored_on_clocks_that_never_change() -> None:
    assert read(STATES, "at: {type: wall}", "at: {type: wall, zone: UTC}").words()


@pytest.mark.parametrize(
    ("measure", "old", "new", "code"),
    [
        (f"{MEAN}, except: {{windows: [upkep]}}", "", "", "unknown-window"),
        (f"{MEAN}, except: {{flags: [size]}}", "", "", "bad-measure"),
        (f"{MEAN}, except: {{}}", "", "", "bad-measure"),
        (MEAN, "to: 2026-01-03T06:00:00", "to: 2026-01-02", "bad-window"),
        (MEAN, "to: 2026-01-03T06:00:00", "to: 2026-03-29T02:30:00", "clock-time-unclear"),
        (MEAN, "to: 2026-01-03T06:00:00", "to: 2026-10-25T02:30:00", "clock-time-unclear"),
        (MEAN, "to: 2026-01-03T06:00:00", "to: 2026-01-03T26:00:00", "not-a-date"),
        (MEAN, "to: 2026-01-03T06:00:00", "to: 2400-01-03T06:00:00", "date-out-of-range"),
        (MEAN, "size: {type: decimal, digits: 6}", "size: {type: decimal, digits: 6, zone: UTC}", "bad-column"),
        (MEAN, "late: {column: seen", "late: {column: size", "bad-measure"),
        (MEAN, "late: {column: seen", "late: {column: sene", "unknown-column"),
        ("kind: count, grain: {item: [own], version: latest, by: [seen]}", "", "", "bad-measure"),
        ("kind: count, grain: {item: [id], version: latest, by: [seen, seen]}", "", "", "bad-column"),
        ("kind: count, grain: {item: [id], version: newest, by: [seen]}", "", "", "unknown-word"),
        (f"{MEAN}, divide_by: 0", "", "", "out-of-limits"),
        (
            "kind: percentile, grain: record, value: size, percent: 95%, missing: skip, rounding: up",
            "",
            "",
            "out-of-limits",
        ),
        (
            "kind: percentile, grain: record, value: size, percent: 101, missing: skip, rounding: up",
            "",
            "",
            "out-of-limits",
        ),
        (MEAN.replace("missing: skip", "missing: drop"), "", "", "not-a-number"),
        ("kind: distinct_count, grain: record, of: own", "", "", "bad-measure"),
    ],
)
def test_what_does_not_fit_is_refused_at_its_place(measure: str, old: str, new: str, code: str) -> None:
    error = refusal(measure, old, new)
    assert code == error.code
    assert error.where is not None


def test_what_is_expected_of_records_is_said_in_words() -> None:
    """Each rule of the agreement's own, and nothing where it has none."""
    late = "late: {column: seen, within: 2 days}"
    expected = "quality: {gap: 36 hours, order: at, findings: {records-late: fatal, count-unusual: accepted}}"
    said = read(MEAN, late, f"{late}\n    {expected}").words()
    assert "Within a period no more than 36 hours may pass without a record; a longer time is reported." in said
    assert "The records of a file stand in the order of their `at`; one that does not is reported." in said
    assert "If measuring finds records received too late, nothing is measured until that is put right." in said
    accepted = "far more or fewer things than in the periods before"
    assert f"If measuring finds {accepted}, that is accepted and changes nothing." in said
    for word in ("may pass", "stand in the order", "measuring finds", "A warning is given"):
        assert word not in read(MEAN).words()


def test_windows_are_instants_in_the_digest_and_the_words() -> None:
    plain, exact = read(MEAN), read(MEAN, "from: 2026-01-03", "from: 2026-01-02T23:00:00Z")
    told = "`upkeep`: from 2026-01-02 23:00:00 UTC to 2026-01-03 05:00:00 UTC"
    assert told in plain.words()
    assert told in exact.words()
