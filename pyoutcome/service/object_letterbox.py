"""An inbox in an object store."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import Any, Final

from pyoutcome.errors import EvidenceError, PyoutcomeError
from pyoutcome.evidence.bundles.stores import reach_store, storage_failed
from pyoutcome.evidence.sources.remote import without_secrets
from pyoutcome.service.letterbox import CHUNK, KINDS, PART, Letterbox, beside, is_name, names_like, same_bytes

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


class ObjectLetterbox(Letterbox):
    """Objects under an address such as ``s3://bucket/inbox``. Access follows the store's own settings."""

    steady = 0

    def __init__(self, address: str) -> None:
        """EvidenceError ``remote-extra-missing``, ``storage-failed``."""
        self.where = without_secrets(address).rstrip("/")
        system, self._path = reach_store(address)
        self._system: Any = system
        self._puts = tuple(Lock() for _ in range(64))
        self._keeps_apart = False
        """Whether the store is known to create only what is not there."""

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
                    while left and (piece := source.read(min(left, CHUNK))):
                        target.write(piece)
                        left -= len(piece)
            except FileNotFoundError:
                raise
            # Each store has errors of its own, which share no class; their words may hold secrets of the address.
            except Exception as error:  # noqa: BLE001
                raise self._failed(key, "read", error) from None
            yield copy

    def has(self, key: str, look: str) -> bool:
        """As ``Letterbox.has`` says."""
        try:
            return _look_of(self._system.info(self._full(key))) == look
        except FileNotFoundError:
            return False
        except Exception as error:  # noqa: BLE001
            raise self._failed(key, "read", error) from None

    def free(self, key: str, where: str) -> str:
        """As ``Letterbox.free`` says."""
        try:
            self._system.invalidate_cache()
            return next(each for each in names_like(beside(key, where)) if not self._system.exists(self._full(each)))
        except Exception as error:  # noqa: BLE001
            raise self._failed(key, "read", error) from None

    def move(self, key: str, look: str, target: str) -> None:
        """As ``Letterbox.move`` says; stores cannot rename, so for a moment the object is at both places."""
        if not self.has(key, look):
            return
        try:
            # Not mv: it takes signs such as [ in an address for a pattern.
            self._system.cp_file(self._full(key), self._full(target))
            self._system.rm_file(self._full(key))
        except FileNotFoundError:
            return
        except Exception as error:  # noqa: BLE001
            raise self._failed(key, "moved", error) from None

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

    def put(self, draft: Path, home: str, name: str) -> bool:
        """As ``Letterbox.put`` says. Of two at once here the second waits; of two keepers the store lets one create it.

        A name that does not follow from the bytes is put only where the store keeps two apart: EvidenceError
        ``inbox-not-exclusive``.
        """
        key = f"{home}/{name}"
        full = self._full(key)
        with self._puts[hash(key) % len(self._puts)]:
            try:
                self._system.invalidate_cache()
                if self._system.exists(full):
                    return self._is_copy(full, draft)
                if not self._keeps_apart:
                    self._keeps_apart = self._creates_only_once(home)
                if self._keeps_apart or PurePosixPath(home).parts[1] != "records":
                    return self._create(draft, full) or self._is_copy(full, draft)
            except FileNotFoundError:
                return False  # the inbox has taken the other one by now
            except Exception as error:  # noqa: BLE001
                raise self._failed(key, "written", error) from None
        raise EvidenceError(
            "inbox-not-exclusive",
            f"{self.where} lets two keepers write different records under one name, so none are taken there by HTTP.",
            "Use a store that heeds conditional writes (If-None-Match), a folder, or write the records there yourself.",
            file=self.where,
        )

    def _create(self, draft: Path, full: str) -> bool:
        """Puts a draft where nothing is, in one step of the store; whether it did."""
        try:
            self._system.put_file(str(draft), full, mode="create")
        except FileExistsError:
            return False
        return True

    def _creates_only_once(self, home: str) -> bool:
        """Tries it, under a name that nobody looks at: some stores take the condition and do not heed it."""
        full = self._full(f"{home}/.{secrets.token_hex(8)}{PART}")
        with tempfile.NamedTemporaryFile(prefix="pyoutcome-") as empty:
            try:
                return self._create(Path(empty.name), full) and not self._create(Path(empty.name), full)
            finally:
                with suppress(FileNotFoundError):
                    self._system.rm_file(full)

    def _is_copy(self, full: str, draft: Path) -> bool:
        with self._system.open(full, "rb") as kept, draft.open("rb") as come:
            return same_bytes(kept, come)

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

    def _full(self, key: str) -> str:
        return f"{self._path}/{key}"

    def _failed(self, key: str, doing: str, error: BaseException) -> PyoutcomeError:
        return storage_failed(f"{self.where}/{key}".rstrip("/"), doing, type(error).__name__)


def _look_of(told: dict[str, Any]) -> str:
    # The first mark only: of times, some stores tell seconds when asked for one object and more in a listing.
    mark = next((told[mark] for mark in _MARKS if told.get(mark)), "")
    return f"{told['size']} {mark.timestamp() if isinstance(mark, datetime) else mark}"
