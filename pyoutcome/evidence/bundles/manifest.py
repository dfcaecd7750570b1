"""The layout of a bundle's file, read as hostile: it must be exactly the canonical bytes (RFC 8785) of a complete
bundle, so that one bundle has one spelling and one digest."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from pyoutcome.decimals import parse, show
from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.bundles.bundle import Bundle
from pyoutcome.evidence.bundles.measured import Finding, MeasuredValue
from pyoutcome.evidence.bundles.merkle import RecordTree, RecordTrees, digest_of_secret
from pyoutcome.evidence.bundles.strict import ShapeError, SpellingError, Strict, read_canonical
from pyoutcome.evidence.staged import FileDigest, SourceDigest

LARGEST: Final = 4 << 20
"""Bytes a bundle's file may have."""

Digest = Annotated[str, StringConstraints(pattern=r"^0x[0-9a-f]{64}$")]
Whole = Annotated[str, StringConstraints(pattern=r"^(?:0|[1-9][0-9]{0,18})$")]
_Figure = Annotated[str, StringConstraints(pattern=r"^(?:0|-?[1-9][0-9]{0,119})$")]
_Number = Annotated[str, StringConstraints(pattern=r"^-?(?:0|[1-9][0-9]{0,59})(?:\.[0-9]{0,17}[1-9])?$")]
Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}$")]
_FileName = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
_Text = Annotated[str, StringConstraints(min_length=1, max_length=200_000)]


class _File(Strict):
    name: _FileName
    sha256: Digest
    rows: Whole
    bytes: Whole


class _Source(Strict):
    name: Word
    sha256: Digest
    rows: Whole
    bytes: Whole
    files: Annotated[list[_File], Field(max_length=100_000)]


class _NamedFigure(Strict):
    name: Word
    figure: _Figure | None


class _Value(Strict):
    kpi: Word
    provider: Word | None
    numerator: _Figure
    denominator: _Figure | None
    figures: list[_NamedFigure]
    raw: _Number | None
    value: _Number | None
    query: _Text


class _Finding(Strict):
    code: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]{0,79}$")]
    subject: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    count: Whole
    text: _Text
    severity: Literal["warning", "accepted"]
    rule: Annotated[str, StringConstraints(min_length=1, max_length=300)] | None


class _Tree(Strict):
    source: Word
    root: Digest
    leaves: Whole


class _Trees(Strict):
    secret_digest: Digest
    trees: Annotated[list[_Tree], Field(max_length=1000)]


class Manifest(Strict):
    """The file's layout."""

    format: Literal["pyoutcome-evidence/1"]
    agreement: Digest
    period: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,8}$")]
    supplier: Word
    sources: list[_Source]
    values: list[_Value]
    findings: list[_Finding]
    salt: Digest
    signature: Annotated[str, StringConstraints(pattern=r"^0x(?:[0-9a-f]{2}){1,1024}$")]
    # These two may be absent; if they are there they are not null.
    records: _Trees | None = None
    secret: Digest | None = None


def parse_bundle(data: bytes, name: str = "bundle") -> Bundle:
    """The bundle in bytes that anybody may have written; ``name`` is for messages.

    Raises EvidenceError ``bundle-malformed`` or ``bundle-not-canonical``. The signature is not checked here.
    """
    try:
        manifest = read_canonical(Manifest, data, LARGEST)
    except ShapeError as error:
        raise _malformed(name, str(error)) from error
    except SpellingError as error:
        raise EvidenceError(
            "bundle-not-canonical",
            f"{name} is not written in canonical JSON (RFC 8785), so its digest would depend on its spelling.",
            "Use the file exactly as it was written and signed.",
            file=name,
        ) from error
    return bundle_of(manifest, name)


def bundle_of(manifest: Manifest, name: str) -> Bundle:
    """The bundle of a layout that holds. Raises EvidenceError ``bundle-malformed`` for what contradicts itself."""
    for part in ("records", "secret"):
        if part in manifest.model_fields_set and getattr(manifest, part) is None:
            raise _malformed(name, f"{part}: what is not there is left out, not null")
    secret = b"" if manifest.secret is None else _bytes(manifest.secret)
    trees = None if manifest.records is None else _trees(manifest.records)
    if secret and (trees is None or digest_of_secret(secret) != trees.secret_digest):
        raise _malformed(name, "its secret is not the one whose digest is signed")
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
        trees=trees,
        secret=secret,
    )


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


def _trees(held: _Trees) -> RecordTrees:
    trees = tuple(RecordTree(each.source, _bytes(each.root), int(each.leaves)) for each in held.trees)
    return RecordTrees(_bytes(held.secret_digest), trees)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])
