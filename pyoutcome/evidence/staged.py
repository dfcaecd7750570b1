"""Records made ready for an engine: what identifies them, and what the engine reads."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeAlias

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.findings import Finding

Given: TypeAlias = "str | Path | Sequence[str | Path]"
"""How a user names records: a path, folder, pattern or URL, or several of them."""
LONGEST_RECORD: Final = 1 << 20
"""Bytes one record may have."""


@dataclass(frozen=True)
class FileDigest:
    """One file of records: equal digests mean equal bytes."""

    name: str
    """As it is called where it lies, without its folder."""
    sha256: bytes
    """Of the bytes as they arrived; of the unpacked file if it arrived in a ZIP archive."""
    rows: int
    """Records; of CSV the header is not counted."""
    bytes: int


@dataclass(frozen=True)
class SourceDigest:
    """What identifies the records of a source."""

    name: str
    """The source's name in the agreement."""
    sha256: bytes
    """Of one file, its own digest; of several, the SHA-256 of their digests in ascending order."""
    rows: int
    """Records, headers not counted."""
    bytes: int
    files: tuple[FileDigest, ...] = field(default=(), compare=False)
    """Each file, sorted by name; names do not identify records, so they are not compared."""

    @classmethod
    def of_files(cls, name: str, files: Iterable[FileDigest]) -> SourceDigest:
        """The digest of a source that lies in one or more files."""
        held = tuple(files)
        digests = sorted(each.sha256 for each in held)
        whole = digests[0] if len(digests) == 1 else hashlib.sha256(b"".join(digests)).digest()
        return cls(name, whole, sum(each.rows for each in held), sum(each.bytes for each in held), held)


@dataclass(frozen=True)
class FileState:
    """What tells that a file was changed while it was measured."""

    path: Path
    size: int
    mtime_ns: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> FileState:
        """As the file is now. Raises OSError."""
        stat = path.stat()
        return cls(path, stat.st_size, stat.st_mtime_ns, stat.st_ino)


@dataclass(frozen=True)
class StagedRecords:
    """Records of one source, checked as far as that goes without an engine.

    Of CSV and all formats turned into CSV the engine reads one private copy; Parquet is read where it lies.
    """

    digest: SourceDigest
    format: Literal["csv", "parquet", "table"]
    """How ``files`` are written; ``table``: there are none, an engine holds the records."""
    files: tuple[Path, ...]
    """What the engine reads; of CSV exactly one."""
    origin: str
    """The records as the user named them, for messages."""
    header: tuple[str, ...]
    """Of CSV: a name for each column in its place; declared columns have the names of the agreement."""
    newline: str = "\n"
    r"""Of CSV: ``\n`` or ``\r\n``, the same throughout."""
    quoted: bool = False
    """Of CSV: whether any field is quoted."""
    findings: tuple[Finding, ...] = ()
    """What reading them brought up."""
    table: str = ""
    """Of a table: its name in the engine."""
    states: tuple[FileState, ...] = ()
    """The files read where they lie, as they were when their digests were made."""

    @property
    def path(self) -> Path:
        """The only file."""
        [path] = self.files
        return path

    def place_of(self, record: int) -> str:
        """Words for a record, counted from 0 over all files: ``record 3``, or ``record 3 of b.csv``."""
        if len(self.digest.files) < 2:
            return f"record {record + 1}"
        before = 0
        for file in self.digest.files:
            if record < before + file.rows:
                return f"record {record - before + 1} of {file.name}"
            before += file.rows
        return f"record {record + 1}"

    def check_unchanged(self) -> None:
        """Call it after measuring. Raises EvidenceError ``records-changed`` if a file is not what was hashed."""
        for state in self.states:
            try:
                now = FileState.of(state.path)
            except OSError:
                now = None
            if now != state:
                raise EvidenceError(
                    "records-changed",
                    f"{state.path} was changed while it was measured.",
                    "Measure again when nobody writes to the file, or measure a copy.",
                    file=str(state.path),
                )
