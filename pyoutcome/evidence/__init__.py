"""Evidence: from raw records to KPI values, signed by who supplies them and recomputed by who verifies them.

The names are loaded on first use: the engine and the expression parser take longer to import than most commands run.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pyoutcome.evidence.bundles.bundle import Bundle, bundle_name, evidence_digest, make_bundle
    from pyoutcome.evidence.bundles.filing import fetch_bundle, find_bundles, keep_bundle, read_bundle, write_bundle
    from pyoutcome.evidence.bundles.manifest import parse_bundle
    from pyoutcome.evidence.bundles.measured import Finding, Measured, MeasuredValue
    from pyoutcome.evidence.bundles.storage import Storage, open_storage
    from pyoutcome.evidence.measures.planning import plan_measures
    from pyoutcome.evidence.proofs.checking import CheckedProof, check_proof
    from pyoutcome.evidence.proofs.proof import Proof, parse_proof
    from pyoutcome.evidence.proofs.proving import make_proof
    from pyoutcome.evidence.proofs.record_trees import build_trees
    from pyoutcome.evidence.quality.differences import RecordDifference
    from pyoutcome.evidence.recomputation import Recomputation, measure
    from pyoutcome.evidence.sources.records import SourceDigest
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
    **dict.fromkeys(("Bundle", "bundle_name", "evidence_digest", "make_bundle"), "bundles.bundle"),
    **dict.fromkeys(("fetch_bundle", "find_bundles", "keep_bundle", "read_bundle", "write_bundle"), "bundles.filing"),
    **dict.fromkeys(("CheckedProof", "check_proof"), "proofs.checking"),
    **dict.fromkeys(("Proof", "parse_proof"), "proofs.proof"),
    **dict.fromkeys(("Storage", "open_storage"), "bundles.storage"),
    **dict.fromkeys(("Finding", "Measured", "MeasuredValue"), "bundles.measured"),
    **dict.fromkeys(("Recomputation", "measure"), "recomputation"),
    **dict.fromkeys(("Verified", "verify"), "verification"),
    "RecordDifference": "quality.differences",
    "SourceDigest": "staged",
    "build_trees": "proofs.record_trees",
    "make_proof": "proofs.proving",
    "parse_bundle": "bundles.manifest",
    "plan_measures": "measures.planning",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
