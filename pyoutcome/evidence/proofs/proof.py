"""A proof that one record was counted, without the others: the signed bundle, the record, and its way to the root.

It shows who signed the bundle, that the record is among those its KPIs look at, and which figures it adds to. A file of
a proof is read as hostile: it must be exactly the canonical bytes (RFC 8785) of a complete proof.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import rfc8785
from eth_utils.address import is_checksum_address
from pydantic import Field, StringConstraints

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.bundles.bundle import Bundle
from pyoutcome.evidence.bundles.manifest import LARGEST as LARGEST_BUNDLE
from pyoutcome.evidence.bundles.manifest import Digest, Manifest, Whole, Word, bundle_of
from pyoutcome.evidence.bundles.merkle import RecordTree
from pyoutcome.evidence.bundles.storage import locate
from pyoutcome.evidence.bundles.strict import ShapeError, SpellingError, Strict, read_canonical
from pyoutcome.evidence.proofs.leaves import Leaf

if TYPE_CHECKING:
    pass

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
