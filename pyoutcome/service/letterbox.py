"""Where the files of others lie until the inbox takes them: a folder, or an object store behind an address.

Both have one layout, ``AGREEMENT/KIND/NAME`` or ``AGREEMENT/records/SOURCE/NAME``; a file is spoken of by that key.
Nothing is written over: what is moved gets a name that is free, and what is put waits for its own.
"""

from __future__ import annotations

import re
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import IO, Final

from pyoutcome.evidence.bundles.stores import is_store

KINDS: Final = ("evidence", "reports", "records")
"""What may arrive."""
PART: Final = ".part"
"""Ends the name of a file that is still being written."""
STORES: Final = ("abfs", "az", "gcs", "gs", "memory", "s3", "s3a")
"""Stores in which an object is there whole or not at all."""
CHUNK: Final = 1 << 20
"""Bytes read at once."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def is_name(name: str) -> bool:
    """Whether an arriving file may be called that: no path, nothing hidden, nothing a shell would trip over."""
    return _NAME.fullmatch(name) is not None


class Letterbox(ABC):
    """Files by key."""

    where: str
    """The place as people call it, without any secret of its address."""
    steady: int
    """Milliseconds in which a file must not change before it is touched."""

    @abstractmethod
    def look(self, is_kept: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
        """Key and look of every file that may be taken, of the agreements that ``is_kept`` says.

        A file that changes looks otherwise. OSError; EvidenceError ``storage-failed``.
        """

    @abstractmethod
    def open(self, key: str, most: int) -> AbstractContextManager[Path]:
        """A file on this machine, under its own name, of which no more than a byte beyond ``most`` was fetched.

        FileNotFoundError; EvidenceError ``storage-failed``.
        """

    @abstractmethod
    def has(self, key: str, look: str) -> bool:
        """Whether a file is there and looks as it did. OSError; EvidenceError ``storage-failed``."""

    @abstractmethod
    def free(self, key: str, where: str) -> str:
        """A key of ``AGREEMENT/WHERE/KIND/...`` that no file has. OSError; EvidenceError ``storage-failed``."""

    @abstractmethod
    def move(self, key: str, look: str, target: str) -> None:
        """Moves a file to a free key, unless it is gone or another one came. OSError; EvidenceError as above."""

    @abstractmethod
    def write(self, key: str, text: str) -> None:
        """Writes a text, whole or not at all. OSError; EvidenceError ``storage-failed``."""

    @abstractmethod
    def draft(self, home: str) -> AbstractContextManager[Path]:
        """A path on this machine for a file that is to be put into ``home``; gone after the block. OSError."""

    @abstractmethod
    def put(self, draft: Path, home: str, name: str) -> bool:
        """Puts a whole draft into ``home``; whether it is there, now or before: not where other bytes have the name.

        A name says what records are, so that it cannot be changed. OSError; EvidenceError ``storage-failed``.
        """


class FolderLetterbox(Letterbox):
    """A folder. Links are not followed."""

    steady = 1000

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.where = str(folder)

    def look(self, is_kept: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
        """As ``Letterbox.look`` says."""
        for agreement in _folders(self.folder):
            for kind in KINDS if is_kept(agreement.name) else ():
                home = agreement / kind
                for folder in (home, *(_folders(home) if kind == "records" else ())):
                    for path in _entries(folder):
                        with suppress(FileNotFoundError):  # another keeper of this inbox was quicker
                            look = _look_of_file(path)
                            if path.is_file() and not path.is_symlink():
                                yield path.relative_to(self.folder).as_posix(), look

    @contextmanager
    def open(self, key: str, most: int) -> Iterator[Path]:  # noqa: ARG002 - nothing is fetched here
        """The file itself, of which nothing has to be fetched."""
        path = self.folder / key
        path.lstat()
        yield path

    def has(self, key: str, look: str) -> bool:
        """As ``Letterbox.has`` says."""
        try:
            return _look_of_file(self.folder / key) == look
        except FileNotFoundError:
            return False

    def free(self, key: str, where: str) -> str:
        """As ``Letterbox.free`` says; its folder is made."""
        target = beside(key, where)
        (self.folder / target).parent.mkdir(parents=True, exist_ok=True)
        return next(each for each in names_like(target) if not (self.folder / each).exists())

    def move(self, key: str, look: str, target: str) -> None:
        """As ``Letterbox.move`` says."""
        if self.has(key, look):
            with suppress(FileNotFoundError):  # another keeper was quicker
                (self.folder / key).rename(self.folder / target)

    def write(self, key: str, text: str) -> None:
        """As ``Letterbox.write`` says."""
        target = self.folder / key
        draft = target.with_name(f".{target.name}{PART}")
        draft.write_text(text, encoding="utf-8")
        draft.replace(target)

    @contextmanager
    def draft(self, home: str) -> Iterator[Path]:
        """A hidden file of the same folder, so that it can be given its name in one step."""
        folder = self.folder / home
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f".{secrets.token_hex(8)}{PART}"
        try:
            yield draft
        finally:
            draft.unlink(missing_ok=True)

    def put(self, draft: Path, home: str, name: str) -> bool:
        """As ``Letterbox.put`` says: a link is made whole, and replaces nothing."""
        target = self.folder / home / name
        try:
            target.hardlink_to(draft)
        except FileExistsError:
            return _is_copy(target, draft)
        except OSError:  # a file system without links
            if target.exists():
                return _is_copy(target, draft)
            draft.rename(target)
        return True


def same_bytes(one: IO[bytes], other: IO[bytes]) -> bool:
    """Whether what is left to read of two files is the same."""
    while (piece := one.read(CHUNK)) == other.read(CHUNK):
        if not piece:
            return True
    return False


def _is_copy(target: Path, draft: Path) -> bool:
    """Whether a file has the bytes of a draft; not if it is gone, because the inbox has taken it by now."""
    if target.is_symlink() or not target.is_file():
        return False
    with suppress(FileNotFoundError), target.open("rb") as kept, draft.open("rb") as come:
        return same_bytes(kept, come)
    return False


def is_object_store(address: str) -> bool:
    """Whether an inbox may lie at this address."""
    return is_store(address, STORES)


def _look_of_file(path: Path) -> str:
    found = path.lstat()
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ino}"


def beside(key: str, where: str) -> str:
    """The key that a file has once it is moved."""
    agreement, _, inside = key.partition("/")
    return f"{agreement}/{where}/{inside}"


def names_like(key: str) -> Iterator[str]:
    """A key, and others like it without an end: one of them is free."""
    yield key
    path = PurePosixPath(key)
    number = 1
    while True:
        yield str(path.with_name(f"{path.stem}.{number}{path.suffix}"))
        number += 1


def _folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [each for each in folder.iterdir() if is_name(each.name) and each.is_dir() and not each.is_symlink()]


def _entries(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(each for each in folder.iterdir() if is_name(each.name) and not each.name.endswith(PART))
