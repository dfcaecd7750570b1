"""Proofs in a workspace: a provider shows one of its records to somebody who is not to see the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pyoutcome.errors import WorkspaceError
from pyoutcome.evidence.bundles.filing import fetch_bundle
from pyoutcome.evidence.bundles.storage import locate
from pyoutcome.workspace.evidencing import place_of, require_supplier

if TYPE_CHECKING:
    from pyoutcome.evidence.proofs.proof import Proof
    from pyoutcome.evidence.staged import Given
    from pyoutcome.terms.agreement import Agreement
    from pyoutcome.workspace.desk import Desk


@dataclass(frozen=True)
class StoredProof:
    """A proof and where its file is."""

    proof: Proof
    place: str


def prove(
    desk: Desk,
    provider: str,
    period: int,
    key: Mapping[str, str],
    source: str | None,
    records: Mapping[str, Given] | None,
    out: str | Path | None,
    engine: str | None,
) -> StoredProof:
    """Makes and stores the proof of one record from the provider's stored bundle and its own records.

    WorkspaceError ``wrong-role``, ``bundles-missing``, ``proof-source``; what ``make_proof`` and ``Storage.put`` raise.
    """
    from pyoutcome.evidence.proofs.proof import proof_name
    from pyoutcome.evidence.proofs.proving import make_proof

    require_supplier(desk, provider)
    desk = desk.under(period)
    bundle = fetch_bundle(desk.evidence, period, provider)
    if bundle is None:
        raise WorkspaceError(
            "bundles-missing",
            f"The evidence of {provider} for period {period} is not here.",
            f"Run `pyoutcome measure --as {provider} --period {period} --provable` first.",
            period=period,
        )
    chosen = _source_of(desk.agreement, source, key)
    given = place_of(desk, chosen, records)
    proof = make_proof(desk.agreement, bundle, chosen, key, given, engine)
    storage, name = (desk.evidence, proof_name(proof)) if out is None else locate(out)
    storage.put(name, proof.to_json())
    return StoredProof(proof, storage.place(name))


def _source_of(agreement: Agreement, named: str | None, key: Mapping[str, str]) -> str:
    """The records a key belongs to: those named, else the only ones whose key has these columns."""
    if named is not None and named in agreement.records:
        return named
    fitting = [name for name, source in agreement.records.items() if set(key) == set(source.key)]
    if named is None and len(fitting) == 1:
        return fitting[0]
    if named is None and len(agreement.records) == 1:
        return next(iter(agreement.records))  # whose key is then told
    keys = "; ".join(f"{name} has the key {', '.join(source.key)}" for name, source in agreement.records.items())
    raise WorkspaceError(
        "proof-source",
        f"The agreement has no records {named!r}."
        if named
        else "Which records are meant does not follow from the columns named.",
        f"Name them with --source: {keys}.",
    )
