"""OpenTelemetry metrics as OTLP/JSON: gauges and sums by the text of their numbers; the rest is refused in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.evidence.sources import declare, refusal, rows_of, stage_text

SOURCE = declare(
    "opentelemetry", "time", "value", "metric", "unit", "kind", "temporality", "monotonic", "scope", "start_time",
    path="attributes.http.route", host="resource.host.name",
)  # fmt: skip


def attribute(key: str, **value: Any) -> dict[str, Any]:
    return {"key": key, "value": value}


def request(*metrics: Any, resource: Any = None, scope: Any = None) -> str:
    held = {"scope": scope or {}, "metrics": list(metrics)}
    return json.dumps({"resourceMetrics": [{"resource": resource or {}, "scopeMetrics": [held]}]})


def gauge(*points: Any, name: str = "load") -> dict[str, Any]:
    return {"name": name, "unit": "1", "gauge": {"dataPoints": list(points)}}


def point(**more: Any) -> dict[str, Any]:
    return {"timeUnixNano": "1544712660300000000", "asDouble": 1.5} | more


def test_each_data_point_is_a_record(tmp_path: Path) -> None:
    total = {
        "name": "requests",
        "unit": "{request}",
        "sum": {
            "aggregationTemporality": 2,
            "isMonotonic": True,
            "dataPoints": [
                {
                    "startTimeUnixNano": "1544712660000000000",
                    "timeUnixNano": "1544712661000000000",
                    "asInt": "9007199254740993",
                    "attributes": [attribute("http.route", stringValue="/a,b")],
                },
                {"timeUnixNano": 1544712662000000000, "asInt": 7, "attributes": [attribute("http.route", intValue=5)]},
            ],
        },
    }  # fmt: skip
    text = request(
        gauge(point(attributes=[attribute("http.route", boolValue=True)])),
        total,
        resource={"attributes": [attribute("host.name", stringValue="h1")]},
        scope={"name": "meter"},
    )
    first = ("2018-12-13T14:51:00.300000+00:00", "1.5", "load", "1", "gauge", None, None, "meter", None)
    assert {
        ("true", "h1", *first),
        (
            "/a,b", "h1", "2018-12-13T14:51:01.000000+00:00", "9007199254740993", "requests", "{request}", "sum",
            "cumulative", "true", "meter", "2018-12-13T14:51:00.000000+00:00",
        ),
        (
            "5", "h1", "2018-12-13T14:51:02.000000+00:00", "7", "requests", "{request}", "sum",
            "cumulative", "true", "meter", None,
        ),
    } == set(rows_of(stage_text(tmp_path, SOURCE, text)))  # fmt: skip


def test_collectors_write_one_request_per_line(tmp_path: Path) -> None:
    source = declare("opentelemetry", "value", "host")
    lines = [request(gauge(point(asInt=str(n), attributes=[attribute("host", stringValue=f"h{n}")]))) for n in (1, 2)]
    texts = [line.replace('"asDouble": 1.5, ', "") for line in lines]
    assert [("1", "h1"), ("2", "h2")] == rows_of(stage_text(tmp_path, source, "\n".join(texts) + "\n"))
    assert [] == rows_of(stage_text(tmp_path, source, '{"resourceMetrics": []}'))


def test_only_the_metrics_named_are_read(tmp_path: Path) -> None:
    source = declare("opentelemetry", "value", keys={"metrics": ["load"]})
    latency = {"name": "latency", "histogram": {"dataPoints": []}}
    assert [("1.5",)] == rows_of(stage_text(tmp_path, source, request(latency, gauge(point()))))
    for kind in ("histogram", "exponentialHistogram", "summary"):
        named = {"name": "load", kind: {"dataPoints": []}}
        error = refusal(tmp_path, source, request(named))
        assert "metric-not-supported" == error.code
        assert "'load'" in error.why


def test_values_that_were_not_recorded_are_missing_and_counted(tmp_path: Path) -> None:
    source = declare("opentelemetry", "time", "value")
    points = [
        point(flags=1),
        point(flags=0),
        point(asDouble="NaN"),
        point(asDouble="-Infinity"),
        {"timeUnixNano": "1544712660300000000"},
    ]
    staged = stage_text(tmp_path, source, request(gauge(*points)))
    assert [None, "1.5", None, None, None] == [row[1] for row in rows_of(staged)]
    assert [("samples-not-numbers", 4)] == [(each.code, each.count) for each in staged.findings]


def test_nanoseconds_are_cut_to_microseconds_with_a_finding(tmp_path: Path) -> None:
    source = declare("opentelemetry", "time", "value")
    points = [
        point(timeUnixNano="1544712660300000999"),
        point(timeUnixNano=1544712660300001000),
        point(timeUnixNano="0"),
    ]
    staged = stage_text(tmp_path, source, request(gauge(*points)))
    assert ["2018-12-13T14:51:00.300000+00:00", "2018-12-13T14:51:00.300001+00:00", None] == [
        row[0] for row in rows_of(staged)
    ]
    assert [("stamps-truncated", 1)] == [(each.code, each.count) for each in staged.findings]
    begun = point(startTimeUnixNano="1544712660300000999")
    assert () == stage_text(tmp_path, source, request(gauge(begun))).findings


def test_doubles_enter_by_their_text(tmp_path: Path) -> None:
    source = declare("opentelemetry", "value")
    text = request(gauge(point())).replace("1.5", "0.30000000000000004")
    assert [("0.30000000000000004",)] == rows_of(stage_text(tmp_path, source, text))
    assert [("0.00000025",)] == rows_of(stage_text(tmp_path, source, request(gauge(point())).replace("1.5", "2.5e-7")))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{}", "no metrics request"),
        ('{"resource_metrics": []}', "no metrics request"),
        ('{"resourceMetrics": {}}', "not a list of objects"),
        ('{"resourceMetrics": [5]}', "not a list of objects"),
        ('{"resourceMetrics": [{"instrumentationLibraryMetrics": []}]}', "before 1.0"),
        ('{"resourceMetrics": [{"resource": []  , "scopeMetrics": 5}]}', "not a list of objects"),
        ('{"resourceMetrics": [{"resource": 5}]}', "not an object"),
        (request({"gauge": {"dataPoints": []}}), "has no name"),
        (request({"name": "x"}), "exactly one of 'gauge' and 'sum'"),
        (request({"name": "x", "gauge": {}, "sum": {}}), "exactly one of 'gauge' and 'sum'"),
        (request({"name": "x", "gauge": []}), "exactly one of 'gauge' and 'sum'"),
        (request({"name": "x", "sum": {"dataPoints": []}}), "deltas or cumulative"),
        (request({"name": "x", "sum": {"aggregationTemporality": 0}}), "deltas or cumulative"),
        (request({"name": "x", "sum": {"aggregationTemporality": 1, "isMonotonic": "yes"}}), "neither true nor false"),
        (request({"name": "x", "unit": 5, "gauge": {}}), "'unit' is no text"),
        (request(gauge(point(asInt="1"))), "exactly one number"),
        (request(gauge(point(asDouble=None))), "exactly one number"),
        (request(gauge(point(asDouble="one"))), "not a number: 'one'"),
        (request(gauge(point(asDouble="1_0"))), "not a number"),
        (request(gauge(point(flags="x"))), "no whole number"),
        (request(gauge(point(flags=-1))), "no whole number"),
        (request(gauge(point(timeUnixNano="-5"))), "nanoseconds"),
        (request(gauge(point(timeUnixNano="1.5"))), "nanoseconds"),
        (request(gauge(point(timeUnixNano="999999999999999999999"))), "nanoseconds"),
        (request(gauge(point(timeUnixNano=[1]))), "nanoseconds"),
        (request(gauge(point(attributes=[{"key": 5}]))), "a key with one value"),
        (request(gauge(point(attributes=[attribute("a", stringValue="x", intValue="1")]))), "a key with one value"),
        (request(gauge(point(attributes=[attribute("a", intValue="1")] * 2))), "stands twice"),
        (request(gauge(point(attributes=[attribute("http.route", arrayValue={"values": []})]))), "list or map"),
        (request(gauge(point(attributes=[attribute("http.route", stringValue=["x"])]))), "list or map"),
    ],
)  # fmt: skip
def test_what_is_no_request_with_numbers_is_refused(tmp_path: Path, text: str, why: str) -> None:
    error = refusal(tmp_path, SOURCE, text)
    assert "records-malformed-json" == error.code
    assert why in error.why


@pytest.mark.parametrize("place", ["labels.x", "attributes.", "resource", "count", "x"])
def test_a_column_reads_what_a_data_point_has(tmp_path: Path, place: str) -> None:
    assert "records-declaration" == refusal(tmp_path, declare("opentelemetry", "value", x=place), "{}").code


def test_lists_that_no_column_reads_do_not_matter(tmp_path: Path) -> None:
    source = declare("opentelemetry", "value")
    text = request(gauge(point(attributes=[attribute("a", arrayValue={"values": []}), {"key": "b"}])))
    assert [("1.5",)] == rows_of(stage_text(tmp_path, source, text))
