"""Verification: recompute a period from one's own raw records and compare with what the suppliers signed.

What differs is told apart: a value (with the KPI, both values and the first records that differ), the records although
the values agree, and the text of a bundle although records and values agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pyoutcome.decimals import show
from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.bundles.bundle import Bundle, evidence_digest, measured_of, require_agreement
from pyoutcome.evidence.bundles.measured import Measured, MeasuredValue
from pyoutcome.evidence.earlier import read_earlier
from pyoutcome.evidence.proofs.record_trees import check_trees
from pyoutcome.evidence.quality.differences import Comparison
from pyoutcome.evidence.recomputation import Recomputation
from pyoutcome.evidence.sources.records import Given, SourceDigest

if TYPE_CHECKING:
    from pyoutcome.terms.agreement import Agreement


@dataclass(frozen=True)
class Verified:
    """One period whose evidence a verifier has recomputed and found equal."""

    period: int
    values: tuple[int | None, ...]
    """In the program's KPI order, scaled to 18 decimals; None if missing."""
    evidence_digest: bytes
    """For the report, 32 bytes."""
    measured: Measured
    """The verifier's own figures."""
    signed_by: Mapping[str, str]
    """Address that signed each provider's bundle."""


def verify(
    agreement: Agreement,
    bundles: Sequence[Bundle],
    records: Mapping[str, Path] | Recomputation,
    supplier_records: Mapping[str, Given] | None = None,
    *,
    signers: Mapping[str, str] | None = None,
) -> Verified:
    """Recomputes one period from the verifier's own records and compares every bundle with it.

    ``bundles``: one of each provider, all for one period. ``records``: files by source name, or a ``Recomputation`` of
    them (make one and pass it when verifying several periods). ``supplier_records``: the files the suppliers measured
    from, if at hand, to name the records that differ. ``signers``: the address each provider signs with; without it
    the caller must compare ``signed_by`` itself.

    Raises EvidenceError ``bundles-incomplete``, ``bundle-for-another-agreement``, ``bundle-signature``,
    ``bundle-wrong-signer``, ``bundle-values-incomplete``, ``evidence-value-differs``, ``evidence-records-differ``,
    ``bundle-text-differs``, ``bundle-without-secret``, ``evidence-root-differs``, and those of measuring.
    """
    for bundle in bundles:
        fix = "Use the bundles of this agreement; after a change of the agreement, measure and sign again."
        require_agreement(bundle, agreement, fix)
    digest = evidence_digest(bundles, agreement.providers)
    signed_by = {bundle.supplier: _check_signer(bundle, signers) for bundle in bundles}
    own = records if isinstance(records, Recomputation) else Recomputation.read(agreement, records)
    if own.agreement.digest() != agreement.digest():
        raise EvidenceError(
            "recomputation-of-another-agreement",
            "The records were counted for another agreement.",
            "Read the records again for this agreement.",
        )
    measured = own.measured(bundles[0].period)
    for bundle in bundles:
        _compare(own, measured_of(measured, bundle.supplier), bundle, supplier_records)
    check_trees(own, bundles)
    return Verified(measured.period, tuple(held.value for held in measured.values), digest, measured, signed_by)


def _check_signer(bundle: Bundle, signers: Mapping[str, str] | None) -> str:
    found = bundle.signed_by()
    expected = found if signers is None else signers.get(bundle.supplier, "nobody")
    if expected.lower() != found.lower():
        raise EvidenceError(
            "bundle-wrong-signer",
            f"The evidence of {bundle.supplier} for period {bundle.period} is signed by {found}, and {bundle.supplier} "
            f"signs with {expected}.",
            "Ask the supplier for a bundle signed with its own key; a changed bundle no longer fits its signature.",
            supplier=bundle.supplier,
            expected=expected,
            found=found,
        )
    return found


def _compare(
    own: Recomputation, expected: Measured, bundle: Bundle, supplier_records: Mapping[str, Given] | None
) -> None:
    names, claimed_names = ([held.name for held in values] for values in (expected.values, bundle.values))
    if names != claimed_names or [held.name for held in expected.sources] != [held.name for held in bundle.sources]:
        raise EvidenceError(
            "bundle-values-incomplete",
            f"The evidence of {bundle.supplier} for period {bundle.period} has values of "
            f"{', '.join(claimed_names) or 'nothing'}; it must have those of {', '.join(names)}, and its records.",
            "Ask the supplier to measure and sign again.",
            supplier=bundle.supplier,
        )
    for held, claimed in zip(expected.values, bundle.values, strict=True):
        if _figures(held) != _figures(claimed):
            raise _value_differs(own, held, claimed, bundle, supplier_records)
    # Files that came after the supplier measured: its claim is about those it had.
    if (earlier := read_earlier(own, bundle.sources)) is not None:
        expected = measured_of(earlier.measured(bundle.period), bundle.supplier)
    for source, told in zip(expected.sources, bundle.sources, strict=True):
        if source != told or _files(source) != _files(told):
            raise _records_differ(own, source, told, bundle, supplier_records)
    if expected.values != bundle.values or expected.findings != bundle.findings:
        raise EvidenceError(
            "bundle-text-differs",
            f"The evidence of {bundle.supplier} for period {bundle.period} has the right values, but other queries or "
            "findings than the records and the agreement give.",
            "Ask the supplier to measure and sign again with this release.",
            supplier=bundle.supplier,
        )


def _figures(value: MeasuredValue) -> tuple[object, ...]:
    return value.numerator, value.denominator, value.figures, value.raw, value.value


def _files(source: SourceDigest) -> list[tuple[bytes, int, int]]:
    """What identifies the files of a source, whatever they are called."""
    return sorted((held.sha256, held.rows, held.bytes) for held in source.files)


def _value_differs(
    own: Recomputation,
    held: MeasuredValue,
    claimed: MeasuredValue,
    bundle: Bundle,
    supplier_records: Mapping[str, Given] | None,
) -> EvidenceError:
    source = own.source_of(held.kpi)
    told = next((other for other in bundle.sources if other.name == source.name), source)
    found: Comparison | None = None
    if told.sha256 == source.sha256:
        cause = "Both measured from the same file, so the supplier's figure is not what it gives."
    else:
        found, cause = _explain(own, held, source, told, bundle, supplier_records)
    return EvidenceError(
        "evidence-value-differs",
        f"{held.name} in period {bundle.period} is {_told(claimed)} in the evidence of {bundle.supplier}, and "
        f"{_told(held)} from your records. {cause}",
        "Do not sign; send the supplier these figures and find out whose records are right.",
        kpi=held.name,
        period=bundle.period,
        supplier=bundle.supplier,
        claimed=claimed.value,
        recomputed=held.value,
        claimed_counts=(claimed.numerator, claimed.denominator),
        recomputed_counts=(held.numerator, held.denominator),
        claimed_figures=dict(claimed.figures),
        recomputed_figures=dict(held.figures),
        records=found.first if found else (),
    )


def _explain(
    own: Recomputation,
    held: MeasuredValue | None,
    source: SourceDigest,
    told: SourceDigest,
    bundle: Bundle,
    supplier_records: Mapping[str, Given] | None,
) -> tuple[Comparison | None, str]:
    """Why two files of one source differ, record by record where the supplier's file is at hand."""
    digests = (
        f"The files of {source.name} differ: yours has SHA-256 {source.sha256.hex()} and {source.rows} records, the "
        f"supplier's {told.sha256.hex()} and {told.rows}."
    )
    theirs = (supplier_records or {}).get(source.name)
    if theirs is None:
        return None, f"{digests} Without the supplier's file the records that differ cannot be named."
    try:
        found = own.compare(source.name, theirs, held, bundle.period)
    except EvidenceError as error:
        return None, f"{digests} The two files cannot be compared: {error.why}"
    if found.theirs is not None and found.theirs.sha256 != told.sha256:
        digests += " The supplier's file at hand is not the one the supplier measured from."
    if not found.count:
        return found, f"{digests} The files differ only in spelling or in columns that the agreement does not use."
    listed = "; ".join(str(difference) for difference in found.first)
    near = "" if found.of_part in {None, found.count} else f", {found.of_part} of them of its period and provider"
    return found, f"{digests} {found.count} records differ{near}, the first: {listed}."


def _records_differ(
    own: Recomputation,
    source: SourceDigest,
    told: SourceDigest,
    bundle: Bundle,
    supplier_records: Mapping[str, Given] | None,
) -> EvidenceError:
    found, cause = (
        _explain(own, None, source, told, bundle, supplier_records)
        if source.sha256 != told.sha256
        else (
            None,
            f"The bundle counts {told.rows} records in {told.bytes} bytes, or tells its files apart, otherwise.",
        )
    )
    return EvidenceError(
        "evidence-records-differ",
        f"The values of {bundle.supplier} for period {bundle.period} agree with yours, but its records do not. {cause}",
        "Do not sign until both have the same file; then let the supplier measure again.",
        period=bundle.period,
        supplier=bundle.supplier,
        source=source.name,
        records=found.first if found else (),
    )


def _told(value: MeasuredValue) -> str:
    counts = f"{value.numerator}" if value.denominator is None else f"{value.numerator} of {value.denominator}"
    made = ", ".join(f"{name} {'missing' if figure is None else figure}" for name, figure in value.figures)
    raw = "" if value.raw == value.value else f", measured as {'missing' if value.raw is None else show(value.raw)}"
    plain = {(name, figure) for name, figure in value.figures} <= {
        ("numerator", value.numerator),
        ("denominator", value.denominator),
    }
    told = "missing" if value.value is None else show(value.value)
    return f"{told} ({counts}{'' if plain else f'; {made}'}{raw})"
