"""A proof that one record was counted, without the others: the signed bundle, the record, and its way to the root.

It shows who signed the bundle, that the record is among those its KPIs look at, and which figures it adds to. A file of
a proof is read as hostile: it must be exactly the canonical bytes (RFC 8785) of a complete proof.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import rfc8785
from eth_utils.address import is_checksum_address
from pydantic import Field, StringConstraints

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.bundles.bundle import Bundle
from pyoutcome.evidence.bundles.manifest import LARGEST as LARGEST_BUNDLE
from pyoutcome.evidence.bundles.manifest import Digest, Manifest, Whole, Word, bundle_of
from pyoutcome.evidence.bundles.merkle import RecordTree, leads_to
from pyoutcome.evidence.bundles.storage import locate
from pyoutcome.evidence.bundles.strict import ShapeError, SpellingError, Strict, read_canonical
from pyoutcome.evidence.proofs.leaves import Leaf

if TYPE_CHECKING:
    from pyoutcome.evidence.staged import Given
    from pyoutcome.terms.agreement import Agreement

FORMAT: Final = "pyoutcome-proof/1"
LARGEST: Final = LARGEST_BUNDLE + (8 << 20)
"""Bytes a proof's file may have: a bundle, and a record in JSON."""
_LONGEST_PATH: Final = 64

_Full = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}(?:\.[A-Za-z][A-Za-z0-9_]{0,79})?$")]


class _Layout(Strict):
    format: Literal["pyoutcome-proof/1"]
    bundle: Manifest
    signer: Annotated[str, StringConstraints(pattern=r"^0x[0-9a-fA-F]{40}$")]
    source: Word
    record: Annotated[dict[Word, str | None], Field(max_length=500)]
    counted: Annotated[dict[_Full, list[Word]], Field(max_length=10_000)]
    salt: Digest
    index: Whole
    path: Annotated[list[Digest], Field(max_length=_LONGEST_PATH)]


@dataclass(frozen=True)
class Proof:
    """One record of a bundle's tree. What it says is to be believed only after ``check_proof``."""

    bundle: Bundle
    """Signed, without its secret."""
    signer: str
    """The address that signed it."""
    source: str
    leaf: Leaf
    salt: bytes
    """The record's own; nothing follows from it about others."""
    index: int
    """The record's place in the tree, from 0."""
    path: tuple[bytes, ...]
    """Hashes from the record to the root."""

    def to_json(self) -> bytes:
        """The file: canonical JSON."""
        return rfc8785.dumps({
            "format": FORMAT,
            "bundle": self.bundle.signed_values(),
            "signer": self.signer,
            "source": self.source,
            "record": dict(self.leaf.record),
            "counted": {kpi: list(figures) for kpi, figures in self.leaf.counted.items()},
            "salt": "0x" + self.salt.hex(),
            "index": str(self.index),
            "path": ["0x" + each.hex() for each in self.path],
        })  # fmt: skip


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


def make_proof(
    agreement: Agreement,
    bundle: Bundle,
    source: str,
    key: Mapping[str, str],
    given: Given,
    engine: str | None = None,
) -> Proof:
    """The proof of one record from the supplier's own records (``given``); ``key``: the values of its key's columns.

    Raises EvidenceError ``bundle-for-another-agreement``, ``bundle-without-tree``, ``bundle-without-secret``,
    ``proof-key``, ``proof-record-unknown``, ``evidence-root-differs``, and those of reading records.
    """
    from pyoutcome.evidence.proofs.proving import find_record

    found = find_record(agreement, bundle, source, key, given, engine)
    return Proof(
        replace(bundle, secret=b""), bundle.signed_by(), source, found.leaf, found.salt, found.index, found.path
    )


def parse_proof(data: bytes, name: str = "proof") -> Proof:
    """The proof in bytes that anybody may have written; ``name`` is for messages.

    Raises EvidenceError ``proof-malformed``, ``proof-not-canonical`` and, for the bundle in it, ``bundle-malformed``.
    """
    try:
        layout = read_canonical(_Layout, data, LARGEST)
    except ShapeError as error:
        raise _malformed(name, str(error)) from error
    except SpellingError as error:
        raise EvidenceError(
            "proof-not-canonical",
            f"{name} is not written in canonical JSON (RFC 8785).",
            "Use the file exactly as it was written.",
            file=name,
        ) from error
    bundle = bundle_of(layout.bundle, name)
    if bundle.secret:
        raise _malformed(name, "it gives away the secret of all salts")
    if not is_checksum_address(layout.signer):
        raise _malformed(name, "the signer's address has no valid checksum")
    counted = {kpi: tuple(figures) for kpi, figures in layout.counted.items()}
    return Proof(
        bundle,
        layout.signer,
        layout.source,
        Leaf(layout.record, counted),
        bytes.fromhex(layout.salt[2:]),
        int(layout.index),
        tuple(bytes.fromhex(each[2:]) for each in layout.path),
    )


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


def tree_of(bundle: Bundle, source: str) -> RecordTree:
    """The tree of a source in a bundle. Raises EvidenceError ``bundle-without-tree``."""
    trees: Sequence[RecordTree] = () if bundle.trees is None else bundle.trees.trees
    for tree in trees:
        if tree.source == source:
            return tree
    raise EvidenceError(
        "bundle-without-tree",
        f"The evidence of {bundle.supplier} for period {bundle.period} has no root over records of {source!r}, so no "
        "single one can be proven.",
        "Let the supplier measure with --provable before it hands in its bundle.",
        supplier=bundle.supplier,
        source=source,
    )


def proof_name(proof: Proof) -> str:
    """The usual file name: ``period-01.UA.proof-flights-17.json``."""
    bundle = proof.bundle
    return f"period-{bundle.period:02d}.{bundle.supplier}.proof-{proof.source}-{proof.index}.json"


def read_proof(file: str | Path) -> Proof:
    """The proof in a file or at an address. Raises EvidenceError ``proof-unreadable``, what ``parse_proof`` and
    ``Storage.get`` raise."""
    storage, name = locate(file)
    data = storage.get(name, LARGEST)
    if data is None:
        raise EvidenceError(
            "proof-unreadable",
            f"There is no proof at {storage.place(name)}.",
            "Give the path of a proof that 'prove' has written.",
            file=storage.place(name),
        )
    return parse_proof(data, storage.place(name))


def _malformed(name: str, why: str) -> EvidenceError:
    return EvidenceError(
        "proof-malformed",
        f"{name} is not a proof of a record: {why}.",
        "Use the file exactly as it was written.",
        file=name,
    )
