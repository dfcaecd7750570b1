"""What the document of an indicator says by itself: its own measure, its title, the keys that an export has kept."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.openslo.documents import ANNOTATION, Document


@dataclass
class Indicator:
    """Where an indicator stands: a document, and the path of its SLI inside."""

    document: Document
    path: tuple[str | int, ...]
    name: str


def title_kpi(indicator: Indicator, slo: Document | None, kpi: dict[str, Any]) -> dict[str, Any]:
    """A KPI with its title and unit, and with the keys that an export has kept in an annotation."""
    document, base = indicator.document, indicator.path
    around = slo or document
    title = document.text(*base, "metadata", "displayName")
    if title is None or title == around.peek("metadata", "displayName"):
        title = around.text("metadata", "displayName")
    plain = {
        "unit": "good, per event",
        "better": "higher",
        "shown_as": "percent",
        "decimals": "6",
        "range": ["0", "1"],
        "if_missing": "refuse",
    }
    kept = _kept(document, base)
    keys = {**plain, **kpi} if kept is None else {**kept, **kpi}
    if kept is None or keys["unit"] == around.peek("spec", "description"):
        keys["unit"] = around.text("spec", "description") or keys["unit"]
    return {**({"title": title} if title else {}), **keys}


def read_own_ratio(document: Document, spec: tuple[str | int, ...], part: tuple[str | int, ...]) -> dict[str, Any]:
    """The measure whose numerator and denominator are two metric sources of ours."""
    above = document.take(*part, "metricSource", "spec")
    below = document.take(*spec, "ratioMetric", "total", "metricSource", "spec")
    for source in (part, (*spec, "ratioMetric", "total")):
        document.text(*source, "metricSource", "type")
        document.text(*source, "metricSource", "metricSourceRef")
    document.required(*part, "metricSource", "spec", "condition")
    document.required(*spec, "ratioMetric", "total", "metricSource", "spec", "condition")
    same = {key: value for key, value in above.items() if key not in ("condition", "rounding")}
    if same != {key: value for key, value in below.items() if key != "condition"}:
        raise EvidenceError(
            "openslo-differs",
            f"{document.where(*part)} and its total do not count the same records.",
            "Let both specs be equal but for 'condition', and for 'rounding' in the first.",
            where=document.place(*part),
        )
    rounding = {"rounding": above["rounding"]} if "rounding" in above else {}
    return {
        "kind": "ratio",
        **same,
        "numerator": above.get("condition"),
        "denominator": below.get("condition"),
        **rounding,
    }


def _kept(document: Document, base: tuple[str | int, ...]) -> dict[str, Any] | None:
    """The keys of a KPI that an export has kept; None if there are none."""
    path = (*base, "metadata", "annotations", f"{ANNOTATION}kpi")
    kept = document.text(*path)
    if kept is None:
        return None
    try:
        keys = json.loads(kept, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        keys = None
    if not isinstance(keys, dict) or not _all_texts(keys) or "unit" not in keys or "measure" in keys:
        raise EvidenceError(
            "openslo-differs",
            f"{document.where(*path)} holds no KPI.",
            "Export it again, or delete the annotation.",
            where=document.place(*path),
        )
    return keys


def _all_texts(value: Any) -> bool:
    match value:
        case dict():
            return all(map(_all_texts, value.values()))
        case list():
            return all(map(_all_texts, value))
        case _:
            return isinstance(value, str)
