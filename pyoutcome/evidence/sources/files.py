"""Files of records, each read as a stream that is hashed on its way."""

from __future__ import annotations

import hashlib
import lzma
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.staged import FileDigest

LARGEST_FILE: Final = 16 << 30
"""Bytes a file of records may have, unpacked."""
MOST_FILES: Final = 10_000
CHUNK: Final = 4 << 20
"""Bytes read at once."""

# zipfile says RuntimeError of an archive with a password, NotImplementedError of a compression it does not know.
_UNREADABLE: Final = (
    OSError, EOFError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error, lzma.LZMAError,
)  # fmt: skip


class HashedFile:
    """Bytes of one file of records, hashed and counted as they are read."""

    def __init__(self, name: str, origin: Path, stream: IO[bytes]) -> None:
        self.name = name
        self.origin = origin
        self.size = 0
        self._stream = stream
        self._sha = hashlib.sha256()

    def read(self) -> bytes:
        """The next piece; empty at the end. Raises EvidenceError ``records-too-large``."""
        chunk = self._stream.read(CHUNK)
        self._sha.update(chunk)
        self.size += len(chunk)
        if self.size > LARGEST_FILE:
            raise EvidenceError(
                "records-too-large",
                f"The records {self.name!r} in {self.origin} have more than {LARGEST_FILE} bytes.",
                "Split them into one file per period.",
                file=str(self.origin),
            )
        return chunk

    def digest(self, rows: int) -> FileDigest:
        """What identifies the file; after its last piece was read."""
        return FileDigest(self.origin.name, self._sha.digest(), rows, self.size)


@contextmanager
def open_file(name: str, origin: Path) -> Iterator[HashedFile]:
    """A file of the records ``name``: its bytes, or of a ZIP archive those of the only file in it.

    Raises EvidenceError ``records-unreadable``, also for what goes wrong while it is read.
    """
    try:
        with _open_regular(origin) as plain:
            if origin.suffix.lower() != ".zip":
                yield HashedFile(name, origin, plain)
                return
            with zipfile.ZipFile(plain) as archive:
                members = [member for member in archive.infolist() if not member.is_dir()]
                if len(members) != 1:
                    raise zipfile.BadZipFile(f"the archive holds {len(members)} files instead of one")
                with archive.open(members[0]) as packed:
                    yield HashedFile(name, origin, packed)
    except _UNREADABLE as error:
        raise unreadable(name, origin, error) from error


def _open_regular(path: Path) -> IO[bytes]:
    """A file opened for reading; a pipe would wait for ever, and a device has no end."""
    try:
        # Not to wait for a pipe's other side before it is known to be one.
        held = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except ValueError as error:
        raise OSError("no path holds NUL") from error
    if stat.S_ISREG(os.fstat(held).st_mode):
        return os.fdopen(held, "rb")
    os.close(held)
    raise OSError("it is a folder, a pipe, a socket or a device")


def unreadable(name: str, path: Path, error: Exception) -> EvidenceError:
    """The error for a file that cannot be read."""
    return EvidenceError(
        "records-unreadable",
        f"The records {name!r} cannot be read from {str(path)[:200]!a}: {str(error)[:200]}.",
        "Give the path of a file of records, or of a ZIP archive that holds one such file without a password.",
        file=str(path),
    )
