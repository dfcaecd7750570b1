"""What a proof of a record shows, to whoever holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.bundles.merkle import leads_to
from pyoutcome.evidence.proofs.proof import Proof, tree_of

if TYPE_CHECKING:
    from pyoutcome.terms.agreement import Agreement


@dataclass(frozen=True)
class CheckedProof:
    """What a proof shows."""

    signer: str
    """Who signed the bundle."""
    bundle_digest: bytes
    """Of the bundle: what the evidence digest that verifiers sign is made of."""
    supplier: str
    period: int
    source: str
    records: int
    """How many records of the source the bundle's KPIs look at."""
    record: Mapping[str, str | None]
    counted: Mapping[str, tuple[str, ...]]
    """The figures that the record adds to, by KPI."""
    not_counted: tuple[str, ...]
    """The bundle's other KPIs."""
    by_agreement: bool
    """Whether the agreement was at hand, and the record was evaluated by it."""


def check_proof(proof: Proof, agreement: Agreement | None = None, *, signer: str | None = None) -> CheckedProof:
    """What the proof shows, if it holds; neither other records nor a chain are needed.

    ``agreement``: then the record's columns, its place in the period and the figures it adds to are worked out anew;
    ``signer``: the address that must have signed. Without them that is left to who reads the answer.

    Raises EvidenceError ``proof-signature``, ``proof-path``, ``bundle-without-tree``; with an agreement
    ``bundle-for-another-agreement``, ``proof-record``.
    """
    bundle = proof.bundle
    signed_by = bundle.signed_by()
    expected = {proof.signer.lower(), *([] if signer is None else [signer.lower()])}
    if expected != {signed_by.lower()}:
        raise EvidenceError(
            "proof-signature",
            f"The bundle in the proof is signed by {signed_by}, and must be by {signer or proof.signer}.",
            "Ask the supplier for the proof as it was made; a changed bundle no longer fits its signature.",
            found=signed_by,
        )
    tree = tree_of(bundle, proof.source)
    if not leads_to(tree.root, proof.leaf.hashed(proof.salt), proof.index, tree.leaves, proof.path):
        raise EvidenceError(
            "proof-path",
            f"The record does not belong to the records of {proof.source} that {bundle.supplier} has signed for period "
            f"{bundle.period}.",
            "Ask the supplier for the proof as it was made.",
            source=proof.source,
        )
    if agreement is not None:
        # Late: without an agreement no engine is needed.
        from pyoutcome.evidence.proofs.proving import check_record

        check_record(agreement, proof)
    names = [value.name for value in bundle.values]
    return CheckedProof(
        signer=signed_by,
        bundle_digest=bundle.digest(),
        supplier=bundle.supplier,
        period=bundle.period,
        source=proof.source,
        records=tree.leaves,
        record=proof.leaf.record,
        counted=proof.leaf.counted,
        not_counted=tuple(name for name in names if name not in proof.leaf.counted),
        by_agreement=agreement is not None,
    )
