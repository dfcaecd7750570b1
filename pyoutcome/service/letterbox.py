"""Where the files of others lie until the inbox takes them: a folder, or an object store behind an address.

Both have one layout, ``AGREEMENT/KIND/NAME`` or ``AGREEMENT/records/SOURCE/NAME``; a file is spoken of by that key.
Nothing is written over: what is moved or put gets a name that is free.
"""

from __future__ import annotations

import re
import secrets
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, Final

from pyoutcome.errors import PyoutcomeError
from pyoutcome.evidence.sources.remote import without_secrets
from pyoutcome.evidence.stores import is_store, reach_store, storage_failed

KINDS: Final = ("evidence", "reports", "records")
"""What may arrive."""
PART: Final = ".part"
"""Ends the name of a file that is still being written."""
STORES: Final = ("abfs", "az", "gcs", "gs", "memory", "s3", "s3a")
"""Stores in which an object is there whole or not at all."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_CHUNK: Final = 1 << 20
_MARKS: Final = (
    "ETag",
    "etag",
    "generation",
    "md5Hash",
    "LastModified",
    "last_modified",
    "mtime",
    "updated",
    "created",
)
"""What the stores tell of an object that is other when it was written anew."""


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
    """A folder, which is made when it is first needed. Links are not followed."""

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
        path, target = self.folder / key, _beside(key, where)
        try:
            if _look_of_file(path) != look:
                return None
        except FileNotFoundError:
            return None
        (self.folder / target).parent.mkdir(parents=True, exist_ok=True)
        free = next(each for each in _names(target) if not (self.folder / each).exists())
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
        for each in _names(f"{home}/{name}"):
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


class ObjectLetterbox(Letterbox):
    """Objects under an address such as ``s3://bucket/inbox``. Access follows the store's own settings."""

    steady = 0

    def __init__(self, address: str) -> None:
        """EvidenceError ``remote-extra-missing``, ``storage-failed``."""
        self.where = without_secrets(address).rstrip("/")
        system, self._path = reach_store(address)
        self._system: Any = system

    def look(self, is_kept: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
        """As ``Letterbox.look`` says: one listing of the whole, of each agreement, and of each kind that is there."""
        self._system.invalidate_cache()
        for agreement, _ in self._list("", "directory"):
            kinds = dict(self._list(agreement, "directory")) if is_kept(agreement) else {}
            for kind in (each for each in KINDS if each in kinds):
                home = f"{agreement}/{kind}"
                inside = [f"{home}/{name}" for name, _ in self._list(home, "directory")] if kind == "records" else []
                for folder in (home, *inside):
                    for name, told in self._list(folder, "file"):
                        if not name.endswith(PART):
                            yield f"{folder}/{name}", _look_of(told)

    @contextmanager
    def open(self, key: str, most: int) -> Iterator[Path]:
        """A copy in a private folder."""
        with tempfile.TemporaryDirectory(prefix="pyoutcome-") as folder:
            copy = Path(folder) / PurePosixPath(key).name
            left = most + 1
            try:
                with self._system.open(self._full(key), "rb") as source, copy.open("xb") as target:
                    while left and (piece := source.read(min(left, _CHUNK))):
                        target.write(piece)
                        left -= len(piece)
            except FileNotFoundError:
                raise
            # Each store has errors of its own, which share no class; their words may hold secrets of the address.
            except Exception as error:  # noqa: BLE001
                raise self._failed(key, "read", error) from None
            yield copy

    def move(self, key: str, look: str, where: str) -> str | None:
        """As ``Letterbox.move`` says; stores cannot rename, so for a moment the object is at both places."""
        try:
            if _look_of(self._system.info(self._full(key))) != look:
                return None
            free = self._free(_beside(key, where))
            # Not mv: it takes signs such as [ in an address for a pattern.
            self._system.cp_file(self._full(key), self._full(free))
            self._system.rm_file(self._full(key))
        except FileNotFoundError:
            return None
        except Exception as error:  # noqa: BLE001
            raise self._failed(key, "moved", error) from None
        return free

    def write(self, key: str, text: str) -> None:
        """As ``Letterbox.write`` says."""
        try:
            self._system.pipe_file(self._full(key), text.encode())
        except Exception as error:  # noqa: BLE001
            raise self._failed(key, "written", error) from None

    @contextmanager
    def draft(self, home: str) -> Iterator[Path]:  # noqa: ARG002 - it is put into its home whole
        """A file in a private folder."""
        with tempfile.TemporaryDirectory(prefix="pyoutcome-") as folder:
            yield Path(folder) / "draft"

    def put(self, draft: Path, home: str, name: str) -> None:
        """As ``Letterbox.put`` says."""
        key = f"{home}/{name}"
        try:
            self._system.put_file(str(draft), self._full(self._free(key)))
        except Exception as error:  # noqa: BLE001
            raise self._failed(key, "written", error) from None

    def _list(self, folder: str, kind: str) -> list[tuple[str, dict[str, Any]]]:
        """Name and facts of the files or folders in a folder; of one that is not there, none."""
        full = self._full(folder) if folder else self._path
        try:
            found = self._system.ls(full, detail=True)
        except FileNotFoundError:
            return []
        except Exception as error:  # noqa: BLE001
            raise self._failed(folder, "listed", error) from None
        named = [(str(each["name"]).rstrip("/").rpartition("/")[2], each) for each in found if each["type"] == kind]
        return sorted((each for each in named if is_name(each[0])), key=lambda each: each[0])

    def _free(self, key: str) -> str:
        self._system.invalidate_cache()
        return next(each for each in _names(key) if not self._system.exists(self._full(each)))

    def _full(self, key: str) -> str:
        return f"{self._path}/{key}"

    def _failed(self, key: str, doing: str, error: BaseException) -> PyoutcomeError:
        return storage_failed(f"{self.where}/{key}".rstrip("/"), doing, type(error).__name__)


def is_object_store(address: str) -> bool:
    """Whether an inbox may lie at this address."""
    return is_store(address, STORES)


def open_letterbox(place: Path | str) -> Letterbox:
    """The letterbox in a folder (a path), or at an address (a text).

    EvidenceError ``remote-extra-missing``, ``storage-failed``.
    """
    return ObjectLetterbox(place) if isinstance(place, str) else FolderLetterbox(place)


def _look_of_file(path: Path) -> str:
    found = path.lstat()
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ino}"


def _look_of(told: dict[str, Any]) -> str:
    # The first mark only: of times, some stores tell seconds when asked for one object and more in a listing.
    mark = next((told[mark] for mark in _MARKS if told.get(mark)), "")
    return f"{told['size']} {mark.timestamp() if isinstance(mark, datetime) else mark}"


def _beside(key: str, where: str) -> str:
    agreement, _, inside = key.partition("/")
    return f"{agreement}/{where}/{inside}"


def _names(key: str) -> Iterator[str]:
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
