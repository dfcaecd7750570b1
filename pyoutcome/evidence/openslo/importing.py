"""OpenSLO v1 to an agreement's KPIs, records, terms and term."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pyoutcome.decimals import ONE, parse, show
from pyoutcome.errors import PyoutcomeError
from pyoutcome.evidence.openslo.documents import (
    ANNOTATION,
    METRIC_SOURCE,
    Document,
    Unexpressed,
    read_documents,
    write_yaml,
)
from pyoutcome.evidence.openslo.indicators import Indicator, read_own_ratio, title_kpi
from pyoutcome.evidence.sources.rows import plain_number
from pyoutcome.formula.tokens import RESERVED

_OPERATORS: Final = {"lte": "<=", "lt": "<", "gte": ">=", "gt": ">"}
_SHORTHAND: Final = re.compile(r"([1-9][0-9]{0,5})([mhdwMQY]?)")
_CALENDAR: Final = {"1d": "day", "1w": "week", "1M": "month", "1Q": "quarter", "1Y": "year"}
_MINUTES: Final = {"": 1, "m": 1, "h": 60, "d": 1440, "w": 10_080}
_START: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]00:00(?::00)?)?")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
_LONGEST_NAME: Final = 32
"""Of a KPI, so that ``_samples`` and the like still fit behind it."""
_SAMPLES: Final[Mapping[str, Mapping[str, str]]] = {
    "time": {"type": "instant"},
    "value": {"type": "decimal", "digits": "30", "scale": "12"},
}
_REASONS: Final[tuple[tuple[str, str], ...]] = (
    ("alertPolicies", "an agreement has no alerts; what is owed follows from the value"),
    ("metricSource", "records hold what the metric source gives; pyoutcome reads them and does not query"),
    ("labels", "an agreement has no labels"),
    ("annotations", "an agreement has no annotations"),
    ("service", "an agreement is about one deal and names no services"),
    ("description", "an agreement has titles and units, and comments"),
    ("displayName", "there is no title for it"),
    ("counter", "each sample must be the increase since the one before; query the increase of a counter"),
)


@dataclass(frozen=True)
class Imported:
    """What an OpenSLO file says, as sections of an agreement file."""

    sections: Mapping[str, Mapping[str, Any]]
    """``term`` (without ``periods``), ``records``, ``kpis``, ``terms`` and ``define``, as plain texts; empty ones left
    out."""
    unexpressed: tuple[Unexpressed, ...]

    def text(self) -> str:
        """The sections as they go into an agreement file; what is not expressed stands above them in comments."""
        said = "".join(f"# not expressed: {each}\n" for each in self.unexpressed)
        return said + (write_yaml(self.sections) if self.sections else "")


def import_openslo(text: str, name: str = "openslo.yaml") -> Imported:
    """The KPIs of an OpenSLO v1 file.

    An indicator whose metric source is of the type ``pyoutcome`` holds the measure itself. Any other becomes records of
    samples (a time and a value), from which the share of good samples, or of good in total, follows. Raises
    EvidenceError ``openslo-too-large``, ``openslo-version``, ``openslo-lacks``, ``openslo-differs``; AgreementError for
    text that is not plain YAML.
    """
    return _Import(read_documents(text, name)).run()


@dataclass
class _Import:
    documents: list[Document]
    term: dict[str, str] = field(default_factory=dict)
    records: dict[str, Any] = field(default_factory=dict)
    kpis: dict[str, Any] = field(default_factory=dict)
    terms: dict[str, str] = field(default_factory=dict)
    define: dict[str, str] = field(default_factory=dict)
    unexpressed: list[Unexpressed] = field(default_factory=list)
    whole: set[int] = field(default_factory=set)
    """Documents of which nothing can be expressed; they are listed as one."""

    def run(self) -> Imported:
        self._read_sources()
        slis = {each.name: each for each in self.documents if each.kind == "SLI"}
        used: set[str] = set()
        for document in self.documents:
            if document.kind == "SLO":
                self._read_slo(document, slis, used)
        for name, document in slis.items():
            if name not in used:
                self._read_measure(Indicator(document, (), str(name)), None)
        for document in self.documents:
            if document.kind not in {"SLO", "SLI", "DataSource"}:
                self._give_up(document, f"an agreement has nothing like {document.kind or 'this'}")
            if id(document) not in self.whole:
                self.unexpressed += [
                    Unexpressed(document.where(*path), _reason(path)) for path in document.unused() if path
                ]
        sections = {
            "term": self.term,
            "records": self.records,
            "terms": self.terms,
            "kpis": self.kpis,
            "define": self.define,
        }
        return Imported({name: held for name, held in sections.items() if held}, tuple(self.unexpressed))

    def _read_sources(self) -> None:
        for document in self.documents:
            if document.kind != "DataSource":
                continue
            if document.text("spec", "type") != METRIC_SOURCE:
                self._give_up(document, "pyoutcome connects to nothing; records are files or tables")
            else:
                name = document.text("metadata", "annotations", f"{ANNOTATION}name") or str(document.name)
                document.text("metadata", "displayName")
                self.records[name] = document.take("spec", "connectionDetails")

    def _read_slo(self, document: Document, slis: Mapping[str | None, Document], used: set[str]) -> None:
        reference = document.text("spec", "indicatorRef")
        if reference is not None:
            if reference not in slis:
                self._give_up(document, f"the SLI {reference!a} that it refers to is not in the file")
                return
            used.add(reference)
            indicator = Indicator(slis[reference], (), str(document.name))
        elif document.has("spec", "indicator"):
            document.text("spec", "indicator", "metadata", "name")
            indicator = Indicator(document, ("spec", "indicator"), str(document.name))
        else:
            document.required("spec", "indicator", "spec")
            return
        name = self._read_measure(indicator, document)
        if name is None:
            return
        self._read_window(document)
        if name in self.kpis and self.kpis[name]["measure"].get("kind") != "ratio":
            return  # its objectives are about no share, so they are listed
        for place in range(document.count("spec", "objectives")):
            self._read_target(document, name, place)

    def _read_measure(self, indicator: Indicator, slo: Document | None) -> str | None:
        """Declares the KPI of an indicator; its name, or None if there is none."""
        document, base = indicator.document, indicator.path
        spec = (*base, "spec")
        annotated = document.text(*base, "metadata", "annotations", f"{ANNOTATION}name") or ""
        name = annotated if _NAME.fullmatch(annotated) else self._new_name(indicator.name)
        method = slo.text("spec", "budgetingMethod") if slo else None
        if document.has(*spec, "ratioMetric", "raw"):
            self._give_up(slo or document, "a ratio stored as a metric ('raw') does not say what it is a share of")
            return None
        if document.has(*spec, "ratioMetric"):
            if method not in (None, "Occurrences"):
                self._give_up(slo or document, f"slices of a ratio ({method}) cannot be counted from records")
                return None
            worse = document.has(*spec, "ratioMetric", "bad")
            part = (*spec, "ratioMetric", "bad" if worse else "good")
            if document.text(*part, "metricSource", "type") == METRIC_SOURCE:
                kpi = {"measure": read_own_ratio(document, spec, part)}
                document.text(*spec, "ratioMetric", "counter")
            else:
                return self._sums(indicator, name, part, worse=worse)
        elif document.has(*spec, "thresholdMetric"):
            source = (*spec, "thresholdMetric", "metricSource")
            if document.text(*source, "type") == METRIC_SOURCE:
                document.text(*source, "metricSourceRef")
                kpi = {"measure": document.take(*source, "spec")}
            elif slo is None:
                self._give_up(document, "no SLO says which of its values are good")
                return None
            else:
                found = self._threshold(slo, name, method)
                if found is None:
                    return None
                kpi = found
        else:
            document.required(*spec, "ratioMetric")
            return None
        self.kpis[name] = title_kpi(indicator, slo, kpi)
        return name

    def _sums(self, indicator: Indicator, name: str, part: tuple[str | int, ...], *, worse: bool) -> str | None:
        """A ratio of two metrics: a KPI for each, and their quotient."""
        document = indicator.document
        total = (*part[:-1], "total")
        if not document.has(*total):
            document.required(*total, "metricSource", "type")
        document.text(*total, "metricSource", "type")
        word = "bad" if worse else "good"
        counted = f"{name}_{word}"
        for kpi in (counted, f"{name}_total"):
            source = f"{kpi}_samples"
            self._declare_samples(source, None)
            self.kpis[kpi] = {
                "unit": "events",
                "better": "higher" if kpi.endswith("_good") else "lower" if kpi.endswith("_bad") else "higher",
                "decimals": "6",
                "range": ["0", "1_000_000_000_000"],
                "if_missing": "refuse",
                "measure": {
                    "kind": "sum",
                    "records": source,
                    "anchor": "time",
                    "value": "value",
                    "missing": "skip",
                    "rounding": "half_up",
                },
            }
        good = f"({name}_total - {counted})" if worse else counted
        self.define[name] = f"{good} / {name}_total if {name}_total > 0 else 1"
        if document.text(*part[:-1], "counter") == "true":
            self.unexpressed.append(Unexpressed(document.where(*part[:-1], "counter"), _reason(("counter",))))
        self.unexpressed.append(
            Unexpressed(document.where(*total), "OpenSLO leaves open what no event at all gives; here it is all good")
        )
        return name

    def _threshold(self, slo: Document, name: str, method: str | None) -> dict[str, Any] | None:
        """The share of samples, or of slices of one sample each, that meet the objective's comparison."""
        objective = ("spec", "objectives", 0)
        operator = _OPERATORS.get(slo.required(*objective, "op"))
        number = plain_number(slo.required(*objective, "value"))
        if operator is None or not re.fullmatch(r"-?[0-9]+(?:\.[0-9]+)?", number):
            self._give_up(slo, "its comparison is none of lte, lt, gte and gt with a plain number")
            return None
        step = None
        if method == "Timeslices":
            minutes = _minutes(slo.required(*objective, "timeSliceWindow"))
            if minutes is None:
                self._give_up(slo, "its time slice is not a whole number of minutes, hours, days or weeks")
                return None
            step = f"{minutes} minutes"
            # One sample for each slice: the slice is good or bad as a whole, whatever share of it would be enough.
            slo.text(*objective, "timeSliceTarget")
        elif method not in (None, "Occurrences"):
            self._give_up(slo, f"the budgeting method {method} averages ratios of slices, which no measure does")
            return None
        source = f"{name}_samples"
        self._declare_samples(source, step)
        compared = number if not number.startswith("-") else f"0 - {number[1:]}"
        return {
            "unit": "samples that meet the objective, per sample",
            "measure": {
                "kind": "ratio",
                "records": source,
                "anchor": "time",
                "numerator": f"value {operator} {compared}",
                "denominator": "value is not null",
                "rounding": "half_up",
            },
        }

    def _declare_samples(self, name: str, step: str | None) -> None:
        self.records[name] = {
            "format": "prometheus",
            **({"step": step} if step else {}),
            "columns": {column: dict(form) for column, form in _SAMPLES.items()},
            "key": ["time"],
            "duplicates": "refuse",
            "late": "counts",
        }

    def _read_window(self, document: Document) -> None:
        base = ("spec", "timeWindow", 0)
        if not document.has(*base):
            return
        start = _START.fullmatch(str(document.text(*base, "calendar", "startTime")))
        zone = document.text(*base, "calendar", "timeZone")
        every = _CALENDAR.get(str(document.text(*base, "duration")))
        rolling = document.text(*base, "isRolling")
        where = document.where(*base)
        if rolling == "true":
            self.unexpressed.append(Unexpressed(where, "a rolling window has no periods that could be settled"))
        elif start is None or zone is None or every is None:
            why = "periods are one day, week, month, quarter or year, from midnight of a day in a named zone"
            self.unexpressed.append(Unexpressed(where, why))
        else:
            found = {"zone": zone, "first": start[1], "every": every}
            if self.term and found != self.term:
                self.unexpressed.append(Unexpressed(where, "an agreement has one term, and another SLO has given it"))
            self.term = self.term or found

    def _read_target(self, document: Document, name: str, place: int) -> None:
        base = ("spec", "objectives", place)
        share, percent = document.text(*base, "target"), document.text(*base, "targetPercent")
        given = f"{percent}%" if share is None and percent is not None else share
        try:
            target = parse(plain_number(str(given)))
        except PyoutcomeError:
            self.unexpressed.append(Unexpressed(document.where(*base), "its target is no plain number"))
            return
        called = f"{name}_target" if place == 0 else f"{name}_target_{place + 1}"
        worse = self.kpis.get(name, {}).get("better") == "lower"
        self.terms[called] = show(ONE - target if worse else target)

    def _give_up(self, document: Document, why: str) -> None:
        if id(document) not in self.whole:
            self.whole.add(id(document))
            self.unexpressed.append(Unexpressed(document.where(), why))

    def _new_name(self, given: str) -> str:
        word = re.sub(r"[^A-Za-z0-9]+", "_", given).strip("_")[:_LONGEST_NAME] or "slo"
        if not word[0].isalpha() or word in RESERVED:
            word = f"slo_{word}"[:_LONGEST_NAME]
        return next(each for each in _variants(word) if each not in self.kpis and each not in self.define)


def _variants(word: str) -> Iterator[str]:
    yield word
    number = 2
    while True:
        yield f"{word}_{number}"
        number += 1


def _minutes(text: str) -> int | None:
    found = _SHORTHAND.fullmatch(text)
    if found is None or found[2] not in _MINUTES:
        return None
    return int(found[1]) * _MINUTES[found[2]]


def _reason(path: tuple[str | int, ...]) -> str:
    for key, reason in _REASONS:
        if key in path:
            return reason
    return "an agreement has no place for it"
