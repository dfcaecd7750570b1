"""Answers of Prometheus to `query_range`: every sample a record, no floats, nothing dropped in silence."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyoutcome.evidence.sources.stamps import instant_text, micros_of_seconds
from tests.evidence.sources import declare, refusal, rows_of, stage_text

SOURCE = declare("prometheus", "job", "time", "value", series="labels.__name__")


def answer(*series: tuple[dict[str, str], list[tuple[str, str]]], **more: Any) -> str:
    """As the API writes it; times are number texts."""
    result = ",".join(
        f'{{"metric": {json.dumps(labels)}, "values": [{",".join(f"[{at}, {json.dumps(v)}]" for at, v in values)}]}}'
        for labels, values in series
    )
    rest = "".join(f', "{key}": {json.dumps(value)}' for key, value in more.items())
    return f'{{"status": "success", "data": {{"resultType": "matrix", "result": [{result}]}}{rest}}}'


def test_each_sample_of_each_series_is_a_record(tmp_path: Path) -> None:
    text = answer(
        ({"__name__": "up", "job": "web"}, [("1435781430", "1"), ("1435781445.781", "0")]),
        ({"__name__": "up"}, [("1435781430.000001", "1e-07")]),
    )
    staged = stage_text(tmp_path, SOURCE, text)
    assert [
        ("up", "web", "2015-07-01T20:10:30.000000+00:00", "1"),
        ("up", "web", "2015-07-01T20:10:45.781000+00:00", "0"),
        ("up", None, "2015-07-01T20:10:30.000001+00:00", "0.0000001"),
    ] == rows_of(staged)
    assert () == staged.findings


def test_a_label_may_be_called_as_a_field_of_the_sample(tmp_path: Path) -> None:
    source = declare("prometheus", "time", label="labels.value")
    assert [("x", "1970-01-01T00:00:00.000000+00:00")] == rows_of(
        stage_text(tmp_path, source, answer(({"value": "x"}, [("0", "1")])))
    )


def test_what_is_no_number_is_missing_and_counted(tmp_path: Path) -> None:
    staged = stage_text(
        tmp_path, SOURCE, answer(({}, [("1", "NaN"), ("2", "+Inf"), ("3", "-Inf"), ("4", "+1.5e+2"), ("5", "-0")]))
    )
    assert [None, None, None, "150", "-0"] == [row[3] for row in rows_of(staged)]
    assert [("samples-not-numbers", "raw", 3)] == [(each.code, each.subject, each.count) for each in staged.findings]


def test_gaps_between_samples_are_counted_also_from_one_file_to_the_next(tmp_path: Path) -> None:
    source = declare("prometheus", "time", "value", "job", keys={"step": "30 seconds"})
    web, db = {"job": "web"}, {"job": "db"}
    later = answer((web, [("270", "1"), ("300", "1")]))
    earlier = answer((web, [("0", "1"), ("30", "1"), ("120", "1"), ("165", "1")]), (db, [("0", "1"), ("30", "1")]))
    staged = stage_text(tmp_path, source, later, earlier)
    # 60 and 90; 150 before 165; 195, 225, 255 before 270.
    assert [("samples-lacking", 2 + 1 + 3)] == [(each.code, each.count) for each in staged.findings]
    assert () == stage_text(tmp_path, SOURCE, later, earlier).findings


def test_times_finer_than_microseconds_are_cut_off_and_counted(tmp_path: Path) -> None:
    staged = stage_text(tmp_path, SOURCE, answer(({}, [("1.0000019", "1"), ("1.0000020", "1")])))
    assert ["1970-01-01T00:00:01.000001+00:00", "1970-01-01T00:00:01.000002+00:00"] == [
        row[2] for row in rows_of(staged)
    ]
    assert [("stamps-truncated", 1)] == [(each.code, each.count) for each in staged.findings]


@pytest.mark.parametrize("more", [{"warnings": ["partial response"]}, {"isPartial": True}])
def test_an_answer_that_may_not_be_complete_says_so(tmp_path: Path, more: dict[str, Any]) -> None:
    staged = stage_text(tmp_path, SOURCE, answer(({}, [("1", "1")]), **more))
    assert [("answers-with-warnings", 1)] == [(each.code, each.count) for each in staged.findings]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"status": "error", "errorType": "bad_data", "error": "parse \\u001b error"}', "'parse \\x1b error'"),
        ('{"data": {"resultType": "matrix", "result": []}}', "not a success"),
        ('{"status": "success"}', "result type 'matrix'"),
        ('{"status": "success", "data": {"resultType": "vector", "result": []}}', "result type 'matrix'"),
        ('{"status": "success", "data": {"resultType": "matrix", "result": {}}}', "result type 'matrix'"),
        ('{"status": "success", "data": {"resultType": "matrix", "result": [5]}}', "no labels"),
        ('{"status": "success", "data": {"resultType": "matrix", "result": [{"values": []}]}}', "no labels"),
        (
            '{"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {"a": 1}, "values": []}]}}',
            "no text",
        ),
        ('{"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}}]}}', "no list 'values'"),
        (
            '{"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "histograms": [1]}]}}',
            "native histograms",
        ),
        (answer(({}, [("1", "1"), ("1", "1")])), "do not rise"),
        (answer(({}, [("2", "1"), ("1", "1")])), "do not rise"),
        (answer(({}, [("999999999999", "1")])), "no time in seconds"),
        (answer(({}, [("1e99", "1")])), "no time in seconds"),
        (answer(({}, [("-99999999999", "1")])), "no time in seconds"),
        (answer(({}, [('"1"', "1")])), "a pair of a time"),
        (answer(({}, [("1, 2", "1")])), "a pair of a time"),
        (answer(({}, [("1", "one")])), "not a number: 'one'"),
        (answer(({}, [("1", "１")])), "not a number"),
        (answer(({}, [("1", "0x1")])), "not a number"),
        (answer(({}, [("1", "")])), "not a number"),
        (answer(({}, [("1", "1")])).replace('"1"]', "1]"), "a value in quotes"),
    ],
)
def test_what_is_no_answer_with_samples_is_refused(tmp_path: Path, text: str, why: str) -> None:
    error = refusal(tmp_path, SOURCE, text)
    assert "records-malformed-json" == error.code
    assert why in error.why


@pytest.mark.parametrize("place", ["label.x", "labels", "labels.", "instant", "x", "attributes.x"])
def test_a_column_reads_what_a_sample_has(tmp_path: Path, place: str) -> None:
    assert "records-declaration" == refusal(tmp_path, declare("prometheus", "value", x=place), answer()).code


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(-(10**10), 10**10), st.integers(0, 9), st.data())
def test_a_time_is_the_microsecond_it_lies_in(whole: int, places: int, data: st.DataObject) -> None:
    part = "".join(data.draw(st.lists(st.sampled_from("0123456789"), min_size=places, max_size=places)))
    text = f"{whole}.{part}" if places else str(whole)
    found = micros_of_seconds(text)
    assert found is not None
    micros, exact = found
    true = Fraction(text) * 10**6
    assert micros <= true < micros + 1
    assert exact == (micros == true)
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros) == datetime.fromisoformat(
        instant_text(micros)
    )
