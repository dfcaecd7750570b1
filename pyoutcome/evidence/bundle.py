"""Evidence bundles: what a provider says about its KPIs of one period, signed; one file of canonical JSON (RFC 8785).

Every number is a string, every digest lower-case hex. A file is read as hostile: it must be exactly the canonical bytes
of a complete bundle, so that one bundle has one spelling and one digest.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import rfc8785
from eth_utils.crypto import keccak
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from pyoutcome.decimals import parse, show
from pyoutcome.errors import EvidenceError, ProtocolError
from pyoutcome.evidence.measured import Finding, Measured, MeasuredValue
from pyoutcome.evidence.staged import FileDigest, SourceDigest
from pyoutcome.protocol.messages import DOMAIN_NAME, DOMAIN_VERSION, Signer, hash_struct, signer_of

if TYPE_CHECKING:
    from pyoutcome.terms.agreement import Agreement

FORMAT: Final = "pyoutcome-evidence/1"
"""Fixes this layout and the wording of queries and findings; either changes only together with the number."""
LARGEST: Final = 4 << 20
"""Bytes a bundle's file may have."""
BUNDLE_TYPE: Final = "Bundle(bytes32 agreementDigest,uint32 period,string supplier,bytes32 contentDigest)"
_DOMAIN: Final = hash_struct("EIP712Domain(string name,string version)", (DOMAIN_NAME, DOMAIN_VERSION))
"""No chain in it: evidence is about the world, wherever the escrow stands."""

_Digest = Annotated[str, StringConstraints(pattern=r"^0x[0-9a-f]{64}$")]
_Whole = Annotated[str, StringConstraints(pattern=r"^(?:0|[1-9][0-9]{0,18})$")]
_Figure = Annotated[str, StringConstraints(pattern=r"^(?:0|-?[1-9][0-9]{0,119})$")]
_Number = Annotated[str, StringConstraints(pattern=r"^-?(?:0|[1-9][0-9]{0,59})(?:\.[0-9]{0,17}[1-9])?$")]
_Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}$")]
_FileName = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
_Text = Annotated[str, StringConstraints(min_length=1, max_length=200_000)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class _File(_Strict):
    name: _FileName
    sha256: _Digest
    rows: _Whole
    bytes: _Whole


class _Source(_Strict):
    name: _Word
    sha256: _Digest
    rows: _Whole
    bytes: _Whole
    files: Annotated[list[_File], Field(max_length=100_000)]


class _NamedFigure(_Strict):
    name: _Word
    figure: _Figure | None


class _Value(_Strict):
    kpi: _Word
    provider: _Word | None
    numerator: _Figure
    denominator: _Figure | None
    figures: list[_NamedFigure]
    raw: _Number | None
    value: _Number | None
    query: _Text


class _Finding(_Strict):
    code: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]{0,79}$")]
    subject: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    count: _Whole
    text: _Text
    severity: Literal["warning", "accepted"]
    rule: Annotated[str, StringConstraints(min_length=1, max_length=300)] | None


class _Manifest(_Strict):
    """The file's layout."""

    format: Literal["pyoutcome-evidence/1"]
    agreement: _Digest
    period: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,8}$")]
    supplier: _Word
    sources: list[_Source]
    values: list[_Value]
    findings: list[_Finding]
    salt: _Digest
    signature: Annotated[str, StringConstraints(pattern=r"^0x(?:[0-9a-f]{2}){1,1024}$")]


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

    def content(self) -> bytes:
        """Canonical JSON of all but the signature."""
        return rfc8785.dumps(self.content_values())

    def digest(self) -> bytes:
        """keccak256 of the content, 32 bytes: what is signed and what the report's evidence digest is made of."""
        return keccak(self.content())

    def signing_digest(self) -> bytes:
        """The EIP-712 digest a supplier signs: type ``BUNDLE_TYPE``, domain with name and version only."""
        values = (self.agreement_digest, self.period, self.supplier, self.digest())
        return keccak(b"\x19\x01" + _DOMAIN + hash_struct(BUNDLE_TYPE, values))

    def to_json(self) -> bytes:
        """The file: canonical JSON with the signature."""
        return rfc8785.dumps({**self.content_values(), "signature": _hex(self.signature)})

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
        return {
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
    agreement: Agreement, measured: Measured, supplier: str, signer: Signer, salt: bytes | None = None
) -> Bundle:
    """A signed bundle of what ``measured`` says about ``supplier``; a fresh salt unless one is given."""
    own = measured_of(measured, supplier)
    bundle = Bundle(
        agreement_digest=agreement.digest(),
        period=measured.period,
        supplier=supplier,
        sources=own.sources,
        values=own.values,
        findings=own.findings,
        salt=secrets.token_bytes(32) if salt is None else salt,
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


def bundle_name(period: int, supplier: str) -> str:
    """The usual file name: ``period-01.UA.json``."""
    return f"period-{period:02d}.{supplier}.json"


def write_bundle(bundle: Bundle, folder: Path) -> Path:
    """Writes the bundle under its usual name, whole or not at all, and returns the path."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / bundle_name(bundle.period, bundle.supplier)
    part = target.with_suffix(".part")
    part.write_bytes(bundle.to_json())
    return part.replace(target)


def read_bundle(path: Path) -> Bundle:
    """The bundle in a file that anybody may have written.

    Raises EvidenceError ``bundle-unreadable``, ``bundle-malformed`` or ``bundle-not-canonical``. The signature is not
    checked here.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise EvidenceError(
            "bundle-unreadable",
            f"The bundle {path} cannot be read: {error}.",
            "Give the path of a bundle that 'measure' has written.",
            file=str(path),
        ) from error
    return parse_bundle(data, str(path))


def parse_bundle(data: bytes, name: str = "bundle") -> Bundle:
    """``read_bundle`` on bytes; ``name`` is for messages."""
    if len(data) > LARGEST:
        raise _malformed(name, f"it has more than {LARGEST} bytes")
    try:
        # pydantic's own parser: its depth is bounded, where the standard library's follows the recursion limit, which
        # other packages raise until the stack overflows.
        manifest = _Manifest.model_validate_json(data)
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(str(part)[:40] for part in fault["loc"])
        raise _malformed(name, f"{ascii(place) if place else 'the whole'}: {fault['msg'][:200]!a}") from error
    if rfc8785.dumps(manifest.model_dump()) != data:
        raise EvidenceError(
            "bundle-not-canonical",
            f"{name} is not written in canonical JSON (RFC 8785), so its digest would depend on its spelling.",
            "Use the file exactly as it was written and signed.",
            file=name,
        )
    return Bundle(
        agreement_digest=_bytes(manifest.agreement),
        period=int(manifest.period),
        supplier=manifest.supplier,
        sources=tuple(_source(name, held) for held in manifest.sources),
        values=tuple(
            MeasuredValue(
                held.kpi,
                held.provider,
                int(held.numerator),
                None if held.denominator is None else int(held.denominator),
                None if held.value is None else _scaled(name, held.value),
                held.query,
                tuple((each.name, None if each.figure is None else int(each.figure)) for each in held.figures),
                None if held.raw is None else _scaled(name, held.raw),
            )
            for held in manifest.values
        ),
        findings=tuple(
            Finding(held.code, held.subject, int(held.count), held.text, held.severity, held.rule)
            for held in manifest.findings
        ),
        salt=_bytes(manifest.salt),
        signature=_bytes(manifest.signature),
    )


def _digest_of(held: SourceDigest | FileDigest) -> dict[str, str]:
    # A file's name may hold bytes that are no UTF-8.
    name = held.name.encode("utf-8", "backslashreplace").decode("utf-8")
    return {"name": name, "sha256": _hex(held.sha256), "rows": str(held.rows), "bytes": str(held.bytes)}


def _source(name: str, held: _Source) -> SourceDigest:
    files = tuple(FileDigest(each.name, _bytes(each.sha256), int(each.rows), int(each.bytes)) for each in held.files)
    told = SourceDigest(held.name, _bytes(held.sha256), int(held.rows), int(held.bytes), files)
    if files and SourceDigest.of_files(held.name, files) != told:
        raise _malformed(name, f"the digest of the records {held.name!r} is not that of its files")
    return told


def _scaled(name: str, text: str) -> int:
    value = parse(text)
    if show(value) != text:
        raise _malformed(name, f"the value {text} is not in its shortest form")
    return value


def _malformed(name: str, why: str) -> EvidenceError:
    return EvidenceError(
        "bundle-malformed",
        f"{name} is not an evidence bundle: {why}.",
        "Use the file exactly as it was written and signed.",
        file=name,
    )


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])
