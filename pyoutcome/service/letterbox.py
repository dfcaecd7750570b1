"""Where the files of others lie until the inbox takes them: a folder, or an object store behind an address.

Both have one layout, ``AGREEMENT/KIND/NAME`` or ``AGREEMENT/records/SOURCE/NAME``; a file is spoken of by that key.
Nothing is written over: what is moved or put gets a name that is free.
"""

from __future__ import annotations

import re
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Final

from pyoutcome.evidence.stores import is_store

KINDS: Final = ("evidence", "reports", "records")
"""What may arrive."""
PART: Final = ".part"
"""Ends the name of a file that is still being written."""
STORES: Final = ("abfs", "az", "gcs", "gs", "memory", "s3", "s3a")
"""Stores in which an object is there whole or not at all."""
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
    def move(self, key: str, look: str, where: str) -> str | None:
        """Moves a file to ``AGREEMENT/WHERE/KIND/...``; its new key, or None if it is gone or another one came.

        OSError; EvidenceError ``storage-failed``.
        """

    @abstractmethod
    def write(self, key: str, text: str) -> None:
        """Writes a text beside a moved file. OSError; EvidenceError ``storage-failed``."""

    @abstractmethod
    def draft(self, home: str) -> AbstractContextManager[Path]:
        """A path on this machine for a file that is to be put into ``home``; gone after the block. OSError."""

    @abstractmethod
    def put(self, draft: Path, home: str, name: str) -> None:
        """Puts a whole draft into ``home``. OSError; EvidenceError ``storage-failed``."""


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

    def move(self, key: str, look: str, where: str) -> str | None:
        """As ``Letterbox.move`` says."""
        path, target = self.folder / key, beside(key, where)
        try:
            if _look_of_file(path) != look:
                return None
        except FileNotFoundError:
            return None
        (self.folder / target).parent.mkdir(parents=True, exist_ok=True)
        free = next(each for each in names_like(target) if not (self.folder / each).exists())
        try:
            path.rename(self.folder / free)
        except FileNotFoundError:
            return None
        return free

    def write(self, key: str, text: str) -> None:
        """As ``Letterbox.write`` says."""
        (self.folder / key).write_text(text, encoding="utf-8")

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

    def put(self, draft: Path, home: str, name: str) -> None:
        """As ``Letterbox.put`` says: a link is made whole, and replaces nothing."""
        for each in names_like(f"{home}/{name}"):
            target = self.folder / each
            try:
                target.hardlink_to(draft)
            except FileExistsError:
                continue
            except OSError:  # a file system without links
                if target.exists():
                    continue
                draft.rename(target)
            return


def is_object_store(address: str) -> bool:
    """Whether an inbox may lie at this address."""
    return is_store(address, STORES)


def open_letterbox(place: Path | str) -> Letterbox:
    """The letterbox in a folder (a path), which is made, or at an address (a text).

    OSError; EvidenceError ``remote-extra-missing``, ``storage-failed``.
    """
    if isinstance(place, str):
        from pyoutcome.service.object_letterbox import ObjectLetterbox

        return ObjectLetterbox(place)
    place.mkdir(parents=True, exist_ok=True)
    return FolderLetterbox(place)


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
