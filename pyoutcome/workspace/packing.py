"""Audit packs: one archive from which a third party repeats an audit without a network.

It holds what the parties signed and stored, everything that the network answered while the audit read the chain, and
what the audit found. Its bytes follow from its content: files in order of their names, stored as they are, no times; so
one changed byte anywhere shows. Logs are proven by the headers and receipts of their blocks, where the network gives
them; the blocks' hashes are to be compared with a node one trusts, and so is what the escrow's views answered.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import rfc8785

from pyoutcome.errors import WorkspaceError

FORMAT: Final = "pyoutcome-audit-pack/1"
MANIFEST, CHAIN, REPORT, AGREEMENT, ABOUT = "manifest.json", "chain.json", "audit.json", "agreement.yaml", "about.json"
BLOCKS: Final = "blocks.json"
LARGEST: Final = 256 << 20
"""Bytes a pack may have."""
MOST_FILES: Final = 50_000
_NAME: Final = re.compile(
    r"(?:manifest|chain|audit|about|blocks)\.json|agreement\.yaml|amendments/[0-9]{2,3}\.(?:yaml|json)"
    r"|(?:evidence|reports|signatures)/[A-Za-z0-9][A-Za-z0-9._-]{0,120}\.json"
)


def write_pack(path: Path, files: Mapping[str, bytes]) -> bytes:
    """Writes the archive of these files and their manifest, whole or not at all; its SHA-256."""
    data = pack(files)
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    part.replace(path)
    return hashlib.sha256(data).digest()


def pack(files: Mapping[str, bytes]) -> bytes:
    """The archive's bytes. WorkspaceError ``bad-pack`` for a name that has no place in it, or too much of all."""
    whole = {**files, MANIFEST: manifest_of(files)}
    for name in whole:
        if not _NAME.fullmatch(name):
            raise bad_pack(f"{name[:100]!r} has no place in an audit pack")
    if len(whole) > MOST_FILES or sum(map(len, whole.values())) > LARGEST:
        raise bad_pack("it would have too many files or bytes")
    return _zip(whole)


def unpack(path: Path) -> tuple[dict[str, bytes], bytes]:
    """The files of an archive that anybody may have made, and its SHA-256.

    Raises WorkspaceError ``bad-pack``: unreadable, a file that has no place in it or is not the one of its manifest,
    or bytes other than ``pack`` writes.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise bad_pack(f"it cannot be read: {error}") from error
    if len(data) > LARGEST:
        raise bad_pack(f"it has more than {LARGEST} bytes")
    files = _unzip(data)
    manifest = files.pop(MANIFEST, None)
    if manifest != manifest_of(files):
        raise bad_pack("its manifest is not that of its files")
    if pack(files) != data:
        raise bad_pack("it has bytes that do not follow from its files")
    return files, hashlib.sha256(data).digest()


def _zip(files: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name)  # dated 1980-01-01
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name])
    return target.getvalue()


def _unzip(data: bytes) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > MOST_FILES:
                raise bad_pack(f"it has more than {MOST_FILES} files")
            total = 0
            for entry in entries:
                # Stored as it is, a file cannot be larger than the archive.
                plain = entry.compress_type == zipfile.ZIP_STORED and entry.file_size <= len(data)
                if not plain or not _NAME.fullmatch(entry.filename) or entry.filename in files:
                    raise bad_pack(f"{entry.filename[:100]!r} has no place in it")
                files[entry.filename] = archive.read(entry)
                total += len(files[entry.filename])
                if total > len(data):  # files that lie over one another
                    raise bad_pack("its files are longer than the archive")
    # zipfile says RuntimeError of an archive with a password, NotImplementedError of one in a form it does not know.
    except (zipfile.BadZipFile, OSError, ValueError, KeyError, NotImplementedError, RuntimeError, EOFError) as error:
        raise bad_pack(f"it is no archive: {error}") from error
    return files


def manifest_of(files: Mapping[str, bytes]) -> bytes:
    """Name, length and SHA-256 of every file, as canonical JSON."""
    told = [
        {"name": name, "bytes": str(len(files[name])), "sha256": "0x" + hashlib.sha256(files[name]).hexdigest()}
        for name in sorted(files)
    ]
    return rfc8785.dumps({"format": FORMAT, "files": told})


def canonical(value: Any) -> bytes:
    """Canonical JSON (RFC 8785)."""
    return rfc8785.dumps(value)


def bad_pack(why: str) -> WorkspaceError:
    """What is no audit pack, or was altered."""
    return WorkspaceError(
        "bad-pack",
        f"This is not an audit pack as it was written: {why}.",
        "Get it again from whoever made it, and compare its SHA-256.",
    )
