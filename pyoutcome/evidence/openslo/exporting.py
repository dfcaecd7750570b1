"""An agreement's KPIs as OpenSLO v1."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pyoutcome.decimals import ONE, show
from pyoutcome.evidence.openslo.documents import ANNOTATION, API_VERSION, METRIC_SOURCE, Unexpressed, write_yaml

if TYPE_CHECKING:
    from pyoutcome.terms.agreement import Agreement
    from pyoutcome.terms.file import AgreementFile
    from pyoutcome.terms.kpis import Kpi

_DURATIONS: Final = {"day": "1d", "week": "1w", "month": "1M", "quarter": "1Q", "year": "1Y"}
_UNSAID: Final[Mapping[str, str]] = {
    "parties": "OpenSLO names no parties",
    "token": "OpenSLO knows no money",
    "windows": "OpenSLO has no agreed times that do not count",
    "require": "OpenSLO has no relations between objectives",
    "define": "OpenSLO has no formulas",
    "state": "OpenSLO carries nothing from one period to the next",
    "clauses": "OpenSLO says what is aimed at, not what is paid",
    "settlement": "OpenSLO says what is aimed at, not what is paid",
    "escrow": "OpenSLO knows no escrow",
}
"""Sections of an agreement that OpenSLO has no place for."""


@dataclass(frozen=True)
class Exported:
    """An agreement's KPIs as an OpenSLO file."""

    text: str
    unexpressed: tuple[Unexpressed, ...]


def export_openslo(agreement: Agreement) -> Exported:
    """The measured KPIs of an agreement as OpenSLO v1: a ratio with a target as an SLO, any other as an SLI.

    The target of the KPI ``x`` is the constant ``x_target`` under ``terms``. Metric sources are of the type
    ``pyoutcome``: their ``spec`` is the measure; records become data sources.
    """
    file = agreement.file
    unexpressed: list[Unexpressed] = []
    documents: list[dict[str, Any]] = [
        _object("DataSource", name, {"type": METRIC_SOURCE, "connectionDetails": source.model_dump(**_AS_WRITTEN)})
        for name, source in file.records.items()
    ]
    for name, kpi in file.kpis.items():
        if kpi.measure is None:
            unexpressed.append(Unexpressed(f"kpis.{name}", "it has no measure, so there is no indicator"))
            continue
        documents.append(_kpi(name, kpi, file, unexpressed))
    unexpressed += _rest(file)
    return Exported("---\n".join(write_yaml(document) for document in documents), tuple(unexpressed))


_AS_WRITTEN: Final[dict[str, Any]] = {"mode": "json", "by_alias": True, "exclude_unset": True, "exclude_none": True}


def _kpi(name: str, kpi: Kpi, file: AgreementFile, unexpressed: list[Unexpressed]) -> dict[str, Any]:
    indicator = _indicator(name, kpi)
    target = file.terms.get(f"{name}_target")
    worse = kpi.better == "lower"
    aimed = None if target is None else ONE - target if worse else target
    if kpi.measure is None or kpi.measure.kind != "ratio":
        why = "an objective needs a share of good events, and this is another kind of number; its indicator is there"
    elif aimed is None:
        why = f"an objective needs a target; name it under terms as {name}_target. Its indicator is there"
    elif not 0 <= aimed < ONE:
        why = f"an objective's target is below 1, and {name}_target asks for {show(aimed)}; its indicator is there"
    else:
        return _object(
            "SLO",
            name,
            {
                "description": kpi.unit,
                "indicator": indicator,
                **_window(file, unexpressed),
                "budgetingMethod": "Occurrences",
                "objectives": [{"target": show(aimed)}],
            },
            kpi.title,
        )
    unexpressed.append(Unexpressed(f"kpis.{name}", why))
    return {"apiVersion": API_VERSION, "kind": "SLI", **indicator}


def _indicator(name: str, kpi: Kpi) -> dict[str, Any]:
    written = kpi.model_dump(**_AS_WRITTEN)
    measure = written.pop("measure")
    title = written.pop("title", None)
    reference = {"metricSourceRef": _slug(measure["records"]), "type": METRIC_SOURCE}
    if measure["kind"] == "ratio":
        common = {key: value for key, value in measure.items() if key not in _RATIO_KEYS}
        above = {"condition": measure["numerator"], "rounding": measure.get("rounding")}
        spec = {
            "ratioMetric": {
                "counter": "false",
                "bad" if kpi.better == "lower" else "good": {
                    "metricSource": reference | {"spec": common | {k: v for k, v in above.items() if v is not None}}
                },
                "total": {"metricSource": reference | {"spec": common | {"condition": measure["denominator"]}}},
            }
        }
    else:
        spec = {"thresholdMetric": {"metricSource": reference | {"spec": measure}}}
    kept = json.dumps(written, ensure_ascii=False, separators=(", ", ": "))
    made = _object("SLI", name, spec, title)
    made["metadata"]["annotations"][f"{ANNOTATION}kpi"] = kept
    return {"metadata": made["metadata"], "spec": spec}


_RATIO_KEYS: Final = ("kind", "numerator", "denominator", "rounding")


def _window(file: AgreementFile, unexpressed: list[Unexpressed]) -> dict[str, Any]:
    term = file.term
    first = term.first.isoformat()
    if term.every is None or len(first) > len("2026-01-31"):
        said = Unexpressed("term", "a time window is one day, week, month, quarter or year from midnight of a day")
        if said not in unexpressed:
            unexpressed.append(said)
        return {}
    calendar = {"startTime": f"{first} 00:00:00", "timeZone": term.zone}
    return {"timeWindow": [{"duration": _DURATIONS[term.every], "calendar": calendar, "isRolling": "false"}]}


def _rest(file: AgreementFile) -> Iterator[Unexpressed]:
    for section, why in _UNSAID.items():
        if section in file.model_fields_set and getattr(file, section):
            yield Unexpressed(section, why)
    if file.term.periods is not None or file.term.ends is not None:
        yield Unexpressed("term.periods", "a time window comes again without end")
    for name in file.terms:
        if not name.endswith("_target") or name.removesuffix("_target") not in file.kpis:
            yield Unexpressed(f"terms.{name}", "OpenSLO has no constants but targets")


def _object(kind: str, name: str, spec: Mapping[str, Any], title: str | None = None) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": _slug(name)}
    if title is not None:
        metadata["displayName"] = title
    if kind != "SLO":
        metadata["annotations"] = {f"{ANNOTATION}name": name}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": dict(spec)}


def _slug(name: str) -> str:
    """A name as RFC 1123 has them."""
    return name.lower().replace("_", "-").strip("-")
