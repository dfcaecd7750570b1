"""Metrics of OpenTelemetry: OTLP in its JSON form, one request per object as collectors write them.

Source: the OTLP 1 metrics data model (`ExportMetricsServiceRequest`) in the JSON mapping of Protocol Buffers: 64-bit
numbers as texts or numbers, times in nanoseconds since 1970.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.findings import Finding
from pyoutcome.evidence.sources.files import HashedFile
from pyoutcome.evidence.sources.json_lines import scalar_text
from pyoutcome.evidence.sources.json_text import Numeral, ObjectReader
from pyoutcome.evidence.sources.prometheus import LONGEST_ANSWER
from pyoutcome.evidence.sources.rows import plain_number
from pyoutcome.evidence.sources.stamps import instant_text, micros_of_nanoseconds
from pyoutcome.evidence.sources.texts import Row, stage_rows
from pyoutcome.evidence.staged import StagedRecords

_NUMBER: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_NOT_NUMBERS: Final = frozenset({"NaN", "Infinity", "-Infinity"})
_UNSUPPORTED: Final = {
    "histogram": "a histogram",
    "exponentialHistogram": "an exponential histogram",
    "summary": "a summary",
}
_TEMPORALITY: Final = {
    "1": "delta",
    "2": "cumulative",
    "AGGREGATION_TEMPORALITY_DELTA": "delta",
    "AGGREGATION_TEMPORALITY_CUMULATIVE": "cumulative",
}
_VALUES: Final = ("stringValue", "boolValue", "intValue", "doubleValue", "bytesValue")
_NO_VALUE: Final = 1
"""Flag of a data point that says that nothing was recorded."""


def stage_opentelemetry(
    name: str,
    files: Sequence[Path],
    origin: str,
    folder: Path,
    places: Mapping[str, str],
    metrics: Sequence[str] | None,
) -> StagedRecords:
    """The records ``name`` from OTLP/JSON: one record for each number data point of a gauge or sum.

    ``places``: a field of the data point, ``attributes.x`` or ``resource.x`` for each column; ``metrics``: those read
    (None: all). Findings: ``samples-not-numbers``, ``stamps-truncated``. Raises EvidenceError ``metric-not-supported``
    (a histogram or summary among those read), ``records-malformed-json`` and those of ``stage_rows``.
    """
    points = _Points(name, list(places.values()), None if metrics is None else frozenset(metrics))
    return stage_rows(name, files, origin, folder, tuple(places), points.read, points.findings)


class _Points:
    def __init__(self, name: str, places: Sequence[str], metrics: frozenset[str] | None) -> None:
        self._name = name
        self._places = [place.partition(".")[::2] for place in places]
        self._metrics = metrics
        self._not_numbers = 0
        self._truncated = 0

    def read(self, file: HashedFile) -> Iterator[Row]:
        reader = ObjectReader(file, LONGEST_ANSWER)
        for request in reader:
            if "resourceMetrics" not in request:
                reader.refuse("it is no metrics request, which has 'resourceMetrics'")
            for held in _objects(reader, request, "resourceMetrics"):
                resource = _attributes(reader, held.get("resource") or {})
                if "instrumentationLibraryMetrics" in held:
                    reader.refuse("it is written in the form of OTLP before 1.0 ('instrumentationLibraryMetrics')")
                for scoped in _objects(reader, held, "scopeMetrics"):
                    scope = scoped.get("scope") or {}
                    for metric in _objects(reader, scoped, "metrics"):
                        yield from self._metric(reader, metric, scope, resource)

    def findings(self) -> tuple[Finding, ...]:
        told = (
            ("samples-not-numbers", self._not_numbers, "have no number recorded and count as missing"),
            ("stamps-truncated", self._truncated, "have a time finer than microseconds, which was cut off"),
        )
        return tuple(
            Finding(code, self._name, count, f"{count} data points of {self._name} {text}.")
            for code, count, text in told
            if count
        )

    def _metric(
        self, reader: ObjectReader, metric: dict[str, Any], scope: Any, resource: Mapping[str, str | None]
    ) -> Iterator[Row]:
        called = metric.get("name")
        if type(called) is not str or not called:
            reader.refuse("a metric has no name")
        if self._metrics is not None and called not in self._metrics:
            return
        for kind, words in _UNSUPPORTED.items():
            if kind in metric:
                raise EvidenceError(
                    "metric-not-supported",
                    f"The metric {called[:80]!a} in the records {self._name!r} is {words}; only gauges and sums are "
                    "read.",
                    "Name the metrics to read under 'metrics' of the records, or export the share or percentile as a "
                    "gauge.",
                    metric=called,
                )
        kinds = [kind for kind in ("gauge", "sum") if kind in metric]
        if len(kinds) != 1 or not isinstance(metric[kinds[0]], dict):
            reader.refuse(f"the metric {called[:80]!a} has not exactly one of 'gauge' and 'sum'")
        data = metric[kinds[0]]
        common = {
            "metric": called,
            "unit": _words(reader, metric, "unit"),
            "kind": kinds[0],
            "temporality": _temporality(reader, data) if kinds[0] == "sum" else None,
            "monotonic": _monotonic(reader, data) if kinds[0] == "sum" else None,
            "scope": _words(reader, scope, "name") if isinstance(scope, dict) else None,
        }
        for point in _objects(reader, data, "dataPoints"):
            yield self._point(reader, point, common, resource)

    def _point(
        self,
        reader: ObjectReader,
        point: dict[str, Any],
        common: Mapping[str, str | None],
        resource: Mapping[str, str | None],
    ) -> Row:
        attributes = _attributes(reader, point)
        own = {
            **common,
            "time": self._time(reader, point, "timeUnixNano"),
            "start_time": self._time(reader, point, "startTimeUnixNano"),
            "value": self._value(reader, point),
        }
        row: list[str | None] = []
        for group, key in self._places:
            held = resource if group == "resource" else attributes
            if key and held.get(key) is _COMPOUND:
                reader.refuse(f"the {group} {key!a} is a list or map, not one value")
            row.append(held.get(key) if key else own[group])
        return row

    def _time(self, reader: ObjectReader, point: dict[str, Any], key: str) -> str | None:
        text = point.get(key)
        if text is None or text == "0":
            return None
        stamp = micros_of_nanoseconds(text) if isinstance(text, str) else None
        if stamp is None:
            reader.refuse(f"{key} is no whole number of nanoseconds since 1970")
        self._truncated += key == "timeUnixNano" and not stamp[1]
        return instant_text(stamp[0])

    def _value(self, reader: ObjectReader, point: dict[str, Any]) -> str | None:
        flags = point.get("flags")
        if flags is not None and not (isinstance(flags, Numeral) and flags.isdecimal() and len(flags) < 20):
            reader.refuse("the flags of a data point are no whole number")
        given = [key for key in ("asInt", "asDouble") if key in point]
        if (flags is not None and int(flags) & _NO_VALUE) or not given:
            self._not_numbers += 1
            return None
        value = point[given[0]]
        if len(given) > 1 or not isinstance(value, str):
            reader.refuse("a data point has not exactly one number, as 'asInt' or 'asDouble'")
        if given == ["asDouble"] and value in _NOT_NUMBERS:
            self._not_numbers += 1
            return None
        if not _NUMBER.fullmatch(value):
            reader.refuse(f"a value is not a number: {value[:40]!a}")
        return plain_number(value)


_COMPOUND: Final = "\0"
"""Stands for an attribute that is a list or map: nothing a text may hold."""


def _objects(reader: ObjectReader, held: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = held.get(key)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        reader.refuse(f"{key!r} is not a list of objects")
    return found


def _attributes(reader: ObjectReader, held: Any) -> dict[str, str | None]:
    if not isinstance(held, dict):
        reader.refuse("a resource is not an object")
    found: dict[str, str | None] = {}
    for each in _objects(reader, held, "attributes"):
        key, value = each.get("key"), each.get("value") or {}
        if type(key) is not str or not isinstance(value, dict) or len(value) > 1:
            reader.refuse("an attribute is not a key with one value")
        if key in found:
            reader.refuse(f"the attribute {key[:40]!a} stands twice in one place")
        if not value:
            found[key] = None
            continue
        [(kind, content)] = value.items()
        found[key] = scalar_text(content) if kind in _VALUES and not isinstance(content, dict | list) else _COMPOUND
    return found


def _words(reader: ObjectReader, held: dict[str, Any], key: str) -> str | None:
    found = held.get(key)
    if found is not None and type(found) is not str:
        reader.refuse(f"{key!r} is no text")
    return found


def _temporality(reader: ObjectReader, data: dict[str, Any]) -> str:
    found = data.get("aggregationTemporality")
    if not isinstance(found, str) or found not in _TEMPORALITY:
        reader.refuse("a sum does not say whether its points are deltas or cumulative")
    return _TEMPORALITY[found]


def _monotonic(reader: ObjectReader, data: dict[str, Any]) -> str:
    found = data.get("isMonotonic", False)
    if not isinstance(found, bool):
        reader.refuse("'isMonotonic' is neither true nor false")
    return "true" if found else "false"
