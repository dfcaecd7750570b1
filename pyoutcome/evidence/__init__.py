"""Evidence: from raw records to KPI values, signed by who supplies them and recomputed by who verifies them.

The names are loaded on first use: the engine and the expression parser take longer to import than most commands run.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pyoutcome.evidence.bundle import Bundle, bundle_name, evidence_digest, make_bundle
    from pyoutcome.evidence.differences import RecordDifference
    from pyoutcome.evidence.filing import fetch_bundle, find_bundles, keep_bundle, read_bundle, write_bundle
    from pyoutcome.evidence.manifest import parse_bundle
    from pyoutcome.evidence.measured import Finding, Measured, MeasuredValue
    from pyoutcome.evidence.planning import plan_measures
    from pyoutcome.evidence.proof import CheckedProof, Proof, check_proof, make_proof, parse_proof
    from pyoutcome.evidence.recomputation import Recomputation, measure
    from pyoutcome.evidence.record_trees import build_trees
    from pyoutcome.evidence.records import SourceDigest
    from pyoutcome.evidence.storage import Storage, open_storage
    from pyoutcome.evidence.verification import Verified, verify

__all__ = [
    "Bundle",
    "CheckedProof",
    "Finding",
    "Measured",
    "MeasuredValue",
    "Proof",
    "Recomputation",
    "RecordDifference",
    "SourceDigest",
    "Storage",
    "Verified",
    "build_trees",
    "bundle_name",
    "check_proof",
    "evidence_digest",
    "fetch_bundle",
    "find_bundles",
    "keep_bundle",
    "make_bundle",
    "make_proof",
    "measure",
    "open_storage",
    "parse_bundle",
    "parse_proof",
    "plan_measures",
    "read_bundle",
    "verify",
    "write_bundle",
]

_HOMES: Final = {
    **dict.fromkeys(("Bundle", "bundle_name", "evidence_digest", "make_bundle"), "bundle"),
    **dict.fromkeys(("fetch_bundle", "find_bundles", "keep_bundle", "read_bundle", "write_bundle"), "filing"),
    **dict.fromkeys(("CheckedProof", "Proof", "check_proof", "make_proof", "parse_proof"), "proof"),
    **dict.fromkeys(("Storage", "open_storage"), "storage"),
    **dict.fromkeys(("Finding", "Measured", "MeasuredValue"), "measured"),
    **dict.fromkeys(("Recomputation", "measure"), "recomputation"),
    **dict.fromkeys(("Verified", "verify"), "verification"),
    "RecordDifference": "differences",
    "SourceDigest": "staged",
    "build_trees": "record_trees",
    "parse_bundle": "manifest",
    "plan_measures": "planning",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
