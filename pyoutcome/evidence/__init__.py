"""Evidence: from raw records to KPI values, signed by who supplies them and recomputed by who verifies them.

The names are loaded on first use: the engine and the expression parser take longer to import than most commands run.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pyoutcome.evidence.bundle import (
        Bundle,
        bundle_name,
        evidence_digest,
        make_bundle,
        parse_bundle,
        read_bundle,
        write_bundle,
    )
    from pyoutcome.evidence.differences import RecordDifference
    from pyoutcome.evidence.measured import Finding, Measured, MeasuredValue
    from pyoutcome.evidence.planning import plan_measures
    from pyoutcome.evidence.recomputation import Recomputation, measure
    from pyoutcome.evidence.records import SourceDigest
    from pyoutcome.evidence.verification import Verified, verify

__all__ = [
    "Bundle",
    "Finding",
    "Measured",
    "MeasuredValue",
    "Recomputation",
    "RecordDifference",
    "SourceDigest",
    "Verified",
    "bundle_name",
    "evidence_digest",
    "make_bundle",
    "measure",
    "parse_bundle",
    "plan_measures",
    "read_bundle",
    "verify",
    "write_bundle",
]

_HOMES: Final = {
    **dict.fromkeys(
        ("Bundle", "bundle_name", "evidence_digest", "make_bundle", "parse_bundle", "read_bundle", "write_bundle"),
        "bundle",
    ),
    **dict.fromkeys(("Finding", "Measured", "MeasuredValue"), "measured"),
    **dict.fromkeys(("Recomputation", "measure"), "recomputation"),
    **dict.fromkeys(("Verified", "verify"), "verification"),
    "RecordDifference": "differences",
    "SourceDigest": "staged",
    "plan_measures": "planning",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
