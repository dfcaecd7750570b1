"""Evidence bundles: what a provider says about its KPIs of one period, signed; one file of canonical JSON (RFC 8785).

Every number is a string, every digest lower-case hex. ``manifest.py`` reads such a file.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import rfc8785
from eth_utils.crypto import keccak

from pyoutcome.decimals import show
from pyoutcome.errors import EvidenceError, ProtocolError
from pyoutcome.evidence.bundles.measured import Finding, Measured, MeasuredValue
from pyoutcome.evidence.bundles.merkle import RecordTrees
from pyoutcome.evidence.staged import FileDigest, SourceDigest
from pyoutcome.protocol.eip712 import DOMAIN_NAME, DOMAIN_VERSION
from pyoutcome.protocol.messages import Signer, hash_struct, signer_of

if TYPE_CHECKING:
    from pyoutcome.terms.agreement import Agreement

FORMAT: Final = "pyoutcome-evidence/1"
"""Fixes this layout and the wording of queries and findings; either changes only together with the number."""
BUNDLE_TYPE: Final = "Bundle(bytes32 agreementDigest,uint32 period,string supplier,bytes32 contentDigest)"
_DOMAIN: Final = hash_struct("EIP712Domain(string name,string version)", (DOMAIN_NAME, DOMAIN_VERSION))
"""No chain in it: evidence is about the world, wherever the escrow stands."""


@dataclass(frozen=True)
class Bundle:
    """One provider's evidence for one period."""

    agreement_digest: bytes
    """keccak256 of the agreement's canonical JSON."""
    period: int
    supplier: str
    """The provider that submits it."""
    sources: tuple[SourceDigest, ...]
    values: tuple[MeasuredValue, ...]
    """The supplier's KPIs and those of the whole agreement, in the program's order."""
    findings: tuple[Finding, ...]
    salt: bytes
    """32 random bytes, so that nobody can confirm guessed values from the digest on chain."""
    signature: bytes = b""
    """Over ``signing_digest()``; empty before signing."""
    trees: RecordTrees | None = None
    """Roots over the records that its KPIs look at, so that single ones can be proven."""
    secret: bytes = field(default=b"", repr=False)
    """32 bytes that the salts of these records come from; only its digest is signed, and proofs leave it out. Empty if
    there are no roots, or the file came without it."""

    def content(self) -> bytes:
        """Canonical JSON of all that is signed: not the signature, not the secret."""
        return rfc8785.dumps(self.content_values())

    def digest(self) -> bytes:
        """keccak256 of the content, 32 bytes: what is signed and what the report's evidence digest is made of."""
        return keccak(self.content())

    def signing_digest(self) -> bytes:
        """The EIP-712 digest a supplier signs: type ``BUNDLE_TYPE``, domain with name and version only."""
        values = (self.agreement_digest, self.period, self.supplier, self.digest())
        return keccak(b"\x19\x01" + _DOMAIN + hash_struct(BUNDLE_TYPE, values))

    def to_json(self) -> bytes:
        """The file: canonical JSON with the signature and, where there is one, the secret."""
        secret = {"secret": _hex(self.secret)} if self.secret else {}
        return rfc8785.dumps({**self.signed_values(), **secret})

    def signed_values(self) -> dict[str, Any]:
        """The content and the signature over it, as JSON values."""
        return {**self.content_values(), "signature": _hex(self.signature)}

    def signed_by(self) -> str:
        """Address of the key that signed it. EvidenceError ``bundle-signature`` if none can have."""
        try:
            return signer_of(self.signing_digest(), self.signature)
        except ProtocolError as error:
            raise EvidenceError(
                "bundle-signature",
                f"The evidence of {self.supplier} for period {self.period} has no valid signature: {error.why}",
                "Ask the supplier for the bundle as it was signed.",
                supplier=self.supplier,
                period=self.period,
            ) from error

    def content_values(self) -> dict[str, Any]:
        """The content as JSON values: every number a text."""
        trees = {} if self.trees is None else {"records": _trees_of(self.trees)}
        return {
            **trees,
            "format": FORMAT,
            "agreement": _hex(self.agreement_digest),
            "period": str(self.period),
            "supplier": self.supplier,
            "sources": [
                {**_digest_of(held), "files": [_digest_of(file) for file in held.files]} for held in self.sources
            ],
            "values": [
                {
                    "kpi": held.kpi,
                    "provider": held.provider,
                    "numerator": str(held.numerator),
                    "denominator": None if held.denominator is None else str(held.denominator),
                    "figures": [
                        {"name": name, "figure": None if figure is None else str(figure)}
                        for name, figure in held.figures
                    ],
                    "raw": None if held.raw is None else show(held.raw),
                    "value": None if held.value is None else show(held.value),
                    "query": held.query,
                }
                for held in self.values
            ],
            "findings": [
                {
                    "code": held.code,
                    "subject": held.subject,
                    "count": str(held.count),
                    "text": held.text,
                    "severity": held.severity,
                    "rule": held.rule,
                }
                for held in self.findings
            ],
            "salt": _hex(self.salt),
        }


def make_bundle(
    agreement: Agreement,
    measured: Measured,
    supplier: str,
    signer: Signer,
    salt: bytes | None = None,
    *,
    trees: RecordTrees | None = None,
    secret: bytes = b"",
) -> Bundle:
    """A signed bundle of what ``measured`` says about ``supplier``; a fresh salt unless one is given.

    ``trees``: over the records it looks at (``build_trees``), made with ``secret``.
    """
    own = measured_of(measured, supplier)
    bundle = Bundle(
        agreement_digest=agreement.digest(),
        period=measured.period,
        supplier=supplier,
        sources=own.sources,
        values=own.values,
        findings=own.findings,
        salt=secrets.token_bytes(32) if salt is None else salt,
        trees=trees,
        secret=secret,
    )
    return replace(bundle, signature=signer.sign(bundle.signing_digest()))


def measured_of(measured: Measured, supplier: str) -> Measured:
    """The part of a period's measurement that one provider vouches for.

    Its own KPIs, those of the whole agreement, and the findings on these and on the records.
    Raises EvidenceError ``nothing-measured`` if there is none.
    """
    values = tuple(held for held in measured.values if held.provider in {None, supplier})
    if not values:
        raise EvidenceError(
            "nothing-measured",
            f"Nothing was measured for {supplier!r} in period {measured.period}.",
            "Name a provider of the agreement, and measure its KPIs first.",
            supplier=supplier,
        )
    others = {held.name for held in measured.values} - {held.name for held in values}
    findings = tuple(held for held in measured.findings if held.subject not in others)
    return replace(measured, values=values, findings=findings)


def evidence_digest(bundles: Sequence[Bundle], providers: Sequence[str]) -> bytes:
    """The report's evidence digest: keccak256 of canonical JSON {agreement, period, bundles}, 32 bytes.

    ``bundles`` are one per provider, for one agreement and period, in any order; their digests stand in the order of
    ``providers``. Raises EvidenceError ``bundles-incomplete``.
    """
    by_supplier: Mapping[str, Bundle] = {bundle.supplier: bundle for bundle in bundles}
    about = {(bundle.agreement_digest, bundle.period) for bundle in bundles}
    if len(bundles) != len(providers) or set(by_supplier) != set(providers) or len(about) != 1:
        raise EvidenceError(
            "bundles-incomplete",
            f"A report needs one bundle of each of {', '.join(providers)} for one period; there are bundles of "
            f"{', '.join(bundle.supplier for bundle in bundles) or 'nobody'} for {len(about)} periods or agreements.",
            "Collect exactly one bundle of each provider for the period.",
        )
    [(agreement, period)] = about
    ordered: list[str] = [_hex(by_supplier[provider].digest()) for provider in providers]
    return keccak(rfc8785.dumps({"agreement": _hex(agreement), "period": str(period), "bundles": ordered}))


def require_agreement(bundle: Bundle, agreement: Agreement, fix: str) -> None:
    """Raises EvidenceError ``bundle-for-another-agreement``, with the advice ``fix``, unless it is of the agreement."""
    if bundle.agreement_digest != agreement.digest():
        raise EvidenceError(
            "bundle-for-another-agreement",
            f"The evidence of {bundle.supplier} for period {bundle.period} belongs to agreement "
            f"0x{bundle.agreement_digest.hex()}, and this one is 0x{agreement.digest().hex()}.",
            fix,
            supplier=bundle.supplier,
        )


def bundle_name(period: int, supplier: str) -> str:
    """The usual file name: ``period-01.UA.json``."""
    return f"period-{period:02d}.{supplier}.json"


def _digest_of(held: SourceDigest | FileDigest) -> dict[str, str]:
    # A file's name may hold bytes that are no UTF-8.
    name = held.name.encode("utf-8", "backslashreplace").decode("utf-8")
    return {"name": name, "sha256": _hex(held.sha256), "rows": str(held.rows), "bytes": str(held.bytes)}


def _trees_of(held: RecordTrees) -> dict[str, Any]:
    trees = [{"source": each.source, "root": _hex(each.root), "leaves": str(each.leaves)} for each in held.trees]
    return {"secret_digest": _hex(held.secret_digest), "trees": trees}


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
