"""Samples of Prometheus: what its HTTP API answers to `query_range`.

Source: the documented answer format of Prometheus 3, `GET /api/v1/query_range`, result type ``matrix``: seconds since
1970 with a fraction, values as texts.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from pyoutcome.evidence.findings import Finding
from pyoutcome.evidence.sources.files import HashedFile
from pyoutcome.evidence.sources.json_text import Numeral, ObjectReader
from pyoutcome.evidence.sources.rows import plain_number
from pyoutcome.evidence.sources.stamps import instant_text, micros_of_seconds
from pyoutcome.evidence.sources.texts import Row, stage_rows
from pyoutcome.evidence.staged import StagedRecords

LONGEST_ANSWER: Final = 256 << 20
"""Characters one answer may have; it is held in memory."""
_NOT_NUMBERS: Final = frozenset({"NaN", "+Inf", "-Inf", "Inf"})
_VALUE: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def stage_prometheus(
    name: str, files: Sequence[Path], origin: str, folder: Path, places: Mapping[str, str], step: int | None
) -> StagedRecords:
    """The records ``name`` from answers to `query_range`: one record for each sample of each series.

    ``places``: ``time``, ``value`` or ``labels.x`` for each column; ``step``: seconds between samples. A value that is
    not a number is missing. Findings: ``samples-not-numbers``, ``samples-lacking`` (with ``step``),
    ``stamps-truncated`` and ``answers-with-warnings``. Raises EvidenceError ``records-malformed-json`` and those of
    ``stage_rows``.
    """
    samples = _Samples(name, list(places.values()), step)
    return stage_rows(name, files, origin, folder, tuple(places), samples.read, samples.findings)


class _Samples:
    def __init__(self, name: str, places: Sequence[str], step: int | None) -> None:
        self._name = name
        self._places = places
        self._step = None if step is None else step * 10**6
        self._not_numbers = 0
        self._truncated = 0
        self._lacking = 0
        self._warned = 0
        self._spans: defaultdict[tuple[tuple[str, str], ...], list[tuple[int, int]]] = defaultdict(list)

    def read(self, file: HashedFile) -> Iterator[Row]:
        reader = ObjectReader(file, LONGEST_ANSWER)
        for answer in reader:
            yield from self._answer(reader, answer)

    def findings(self) -> tuple[Finding, ...]:
        if self._step is not None:
            for spans in self._spans.values():
                spans.sort()
                self._lacking += sum(self._lack(before[1], after[0]) for before, after in pairwise(spans))
        name = self._name
        told = (
            ("samples-not-numbers", self._not_numbers, "samples of {name} are NaN or infinite and count as missing"),
            ("samples-lacking", self._lacking, "samples of {name} are lacking between the first and last of a series"),
            ("stamps-truncated", self._truncated, "times of {name} are finer than microseconds and were cut off"),
            ("answers-with-warnings", self._warned, "answers for {name} carry a warning: they may not be complete"),
        )
        return tuple(
            Finding(code, name, count, f"{count} {text.format(name=name)}.") for code, count, text in told if count
        )

    def _answer(self, reader: ObjectReader, answer: dict[str, Any]) -> Iterator[Row]:
        if answer.get("status") != "success":
            reader.refuse(f"the answer is not a success: {str(answer.get('error') or answer.get('status'))[:80]!a}")
        data = answer.get("data")
        if not isinstance(data, dict) or data.get("resultType") != "matrix" or not isinstance(data.get("result"), list):
            reader.refuse("it is no answer to query_range, whose 'data' has the result type 'matrix' and a 'result'")
        self._warned += bool(answer.get("warnings")) or answer.get("isPartial") is True
        for series in data["result"]:
            yield from self._series(reader, series)

    def _series(self, reader: ObjectReader, series: Any) -> Iterator[Row]:
        labels = series.get("metric") if isinstance(series, dict) else None
        if not isinstance(labels, dict) or not all(type(value) is str for value in labels.values()):
            reader.refuse("a series has no labels under 'metric', or one that is no text")
        if series.get("histograms"):
            reader.refuse("a series holds native histograms, which are not supported; query a number of them instead")
        values = series.get("values")
        if not isinstance(values, list):
            reader.refuse("a series has no list 'values'")
        before: int | None = None
        first = 0
        for pair in values:
            micros, value = self._sample(reader, pair)
            if before is None:
                first = micros
            elif micros <= before:
                reader.refuse("the times of a series do not rise")
            else:
                self._lacking += self._lack(before, micros)
            before = micros
            yield [
                instant_text(micros)
                if place == "time"
                else value
                if place == "value"
                else labels.get(place.partition(".")[2])
                for place in self._places
            ]
        if before is not None and self._step is not None:
            self._spans[tuple(sorted(labels.items()))].append((first, before))

    def _sample(self, reader: ObjectReader, pair: Any) -> tuple[int, str | None]:
        if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[0], Numeral) or type(pair[1]) is not str:
            reader.refuse("a sample is not a pair of a time and a value in quotes")
        stamp = micros_of_seconds(plain_number(pair[0]))
        if stamp is None:
            reader.refuse(f"{pair[0][:40]} is no time in seconds since 1970")
        self._truncated += not stamp[1]
        value: str = pair[1]
        if value in _NOT_NUMBERS:
            self._not_numbers += 1
            return stamp[0], None
        if not _VALUE.fullmatch(value):
            reader.refuse(f"a value is not a number: {value[:40]!a}")
        return stamp[0], plain_number(value.removeprefix("+"))

    def _lack(self, before: int, after: int) -> int:
        """Samples that should stand between two."""
        return 0 if self._step is None or after <= before else (after - before - 1) // self._step
