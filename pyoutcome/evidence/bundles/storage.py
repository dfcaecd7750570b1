"""Where bundles and proofs are kept: a folder, or an object store behind an address (extra ``remote``).

What is kept is never overwritten by something else unless that is asked for: two bundles of one provider and period are
a contradiction that somebody must resolve.
"""

from __future__ import annotations

import os
import secrets
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import Final

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.bundles.stores import is_store, reach_store, storage_failed
from pyoutcome.evidence.sources.remote import without_secrets

_SCHEMES: Final = ("abfs", "az", "gcs", "gs", "memory", "s3", "s3a", "sftp", "ssh")
"""Stores that fsspec can write to. Its others reach into local files, archives, caches and commands."""


class Storage(ABC):
    """Small files by name. Names have no folders in them."""

    where: str
    """The place as people call it, without any secret of its address."""

    def put(self, name: str, data: bytes, *, replace: bool = False) -> None:
        """Keeps ``data`` under ``name``, whole or not at all. If the same bytes are there already, nothing happens.

        ``replace``: what is there gives way. Raises EvidenceError ``evidence-exists`` if other bytes are there,
        ``storage-name``, ``storage-failed``.
        """
        _check_name(name)
        if replace:
            self._replace(name, data)
        elif not self._create(name, data) and self._differs(name, data):
            raise EvidenceError(
                "evidence-exists",
                f"{self.place(name)} exists already, and what is to be kept there is something else.",
                "Compare both; if the new one is right, write it again with --replace, and tell who has the old one.",
                file=self.place(name),
            )

    def get(self, name: str, limit: int) -> bytes | None:
        """What is kept under ``name``; None if there is nothing.

        Raises EvidenceError ``storage-too-large`` for more than ``limit`` bytes, ``storage-name``, ``storage-failed``.
        """
        _check_name(name)
        data = self._read(name, limit + 1)
        if data is not None and len(data) > limit:
            raise EvidenceError(
                "storage-too-large",
                f"{self.place(name)} has more than {limit} bytes.",
                "Use the file as its author wrote it.",
                file=self.place(name),
            )
        return data

    @abstractmethod
    def names(self) -> list[str]:
        """The names of all that is kept, sorted; of a place that does not exist yet, none."""

    @abstractmethod
    def place(self, name: str) -> str:
        """A name with its place, for people."""

    @abstractmethod
    def _create(self, name: str, data: bytes) -> bool:
        """Keeps ``data`` if nothing is there; whether it did."""

    @abstractmethod
    def _replace(self, name: str, data: bytes) -> None: ...

    @abstractmethod
    def _read(self, name: str, size: int) -> bytes | None:
        """The first ``size`` bytes; None if there is nothing."""

    def _differs(self, name: str, data: bytes) -> bool:
        return self._read(name, len(data) + 1) != data

    def _failed(self, name: str, doing: str, error: BaseException) -> EvidenceError:
        # An address may hold secrets, and the words of a store repeat it: only the kind of error is told.
        told = error.strerror if isinstance(self, FolderStorage) and isinstance(error, OSError) else None
        return storage_failed(self.place(name) if name else self.where, doing, told or type(error).__name__)


class FolderStorage(Storage):
    """Files in a folder, which is made when the first one comes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.where = str(folder)

    def names(self) -> list[str]:
        try:
            return sorted(each.name for each in self.folder.iterdir() if each.is_file() and each.name[0] != ".")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._failed("", "listed", error) from error

    def place(self, name: str) -> str:
        return str(self.folder / name)

    def _create(self, name: str, data: bytes) -> bool:
        target = self.folder / name
        try:
            part = self._write_part(name, data)
            try:
                # A link is made whole or not at all, and never over a file that is there.
                os.link(part, target)
            except FileExistsError:
                return False
            except OSError:  # a file system without links
                return _write_new(target, data)
            finally:
                part.unlink()
        except OSError as error:
            raise self._failed(name, "written", error) from error
        return True

    def _replace(self, name: str, data: bytes) -> None:
        try:
            part = self._write_part(name, data)
            try:
                part.replace(self.folder / name)
            finally:
                part.unlink(missing_ok=True)
        except OSError as error:
            raise self._failed(name, "written", error) from error

    def _read(self, name: str, size: int) -> bytes | None:
        try:
            with (self.folder / name).open("rb") as file:
                return file.read(size)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failed(name, "read", error) from error

    def _write_part(self, name: str, data: bytes) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.folder / f".{name[:100]}.{secrets.token_hex(8)}"
        try:
            with part.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return part


class ObjectStorage(Storage):
    """Objects under an address such as ``s3://bucket/deals/punctual``. Access follows each store's own settings."""

    def __init__(self, address: str) -> None:
        self.where = without_secrets(address).rstrip("/")
        if not is_store(address, _SCHEMES):
            raise EvidenceError(
                "storage-address",
                f"Evidence cannot be kept at {self.where}.",
                f"Name a folder, or an address without a password that begins with one of "
                f"{', '.join(f'{each}://' for each in _SCHEMES)}.",
            )
        self._system, self._path = reach_store(address)

    def names(self) -> list[str]:
        try:
            self._system.invalidate_cache()
            found = [str(each).rpartition("/")[2] for each in self._system.ls(self._path, detail=False)]
        except FileNotFoundError:
            return []
        except Exception as error:  # noqa: BLE001
            raise self._failed("", "listed", error) from None
        return sorted(name for name in found if name and name[0] != ".")

    def place(self, name: str) -> str:
        return f"{self.where}/{name}"

    def _create(self, name: str, data: bytes) -> bool:
        # Stores that can create only what is not there do so; those that cannot are at least asked first and after.
        if self._read(name, 1) is not None:
            return False
        try:
            self._system.pipe_file(self._key(name), data, mode="create")
        except FileExistsError:
            return False
        except Exception as error:  # noqa: BLE001
            if self._read(name, 1) is not None:
                return False
            raise self._failed(name, "written", error) from None
        return not self._differs(name, data)

    def _replace(self, name: str, data: bytes) -> None:
        try:
            self._system.pipe_file(self._key(name), data)
        except Exception as error:  # noqa: BLE001
            raise self._failed(name, "written", error) from None

    def _read(self, name: str, size: int) -> bytes | None:
        try:
            self._system.invalidate_cache()
            with self._system.open(self._key(name), "rb") as file:
                return bytes(file.read(size))
        except FileNotFoundError:
            return None
        except Exception as error:  # noqa: BLE001
            raise self._failed(name, "read", error) from None

    def _key(self, name: str) -> str:
        return f"{self._path}/{name}"


def open_storage(place: str | Path) -> Storage:
    """The storage at a folder or an address with ``://``.

    Raises EvidenceError ``storage-address``, ``remote-extra-missing``, ``storage-failed``.
    """
    if isinstance(place, str) and "://" in place:
        return ObjectStorage(place)
    return FolderStorage(Path(place))


def locate(file: str | Path) -> tuple[Storage, str]:
    """The storage that a file lies in, and its name there: of a path, or of an address such as ``s3://bucket/a.json``.

    Raises what ``open_storage`` raises.
    """
    if isinstance(file, str) and "://" in file:
        place, _, name = file.rpartition("/")
        return open_storage(place), name
    return FolderStorage(Path(file).parent), Path(file).name


def _check_name(name: str) -> None:
    if not name or name[0] == "." or len(name) > 200 or any(sign in name for sign in "/\\\0"):
        raise EvidenceError(
            "storage-name",
            f"{name[:80]!a} is no name for a file of evidence.",
            "Use a plain file name that does not begin with a dot.",
        )


def _write_new(target: Path, data: bytes) -> bool:
    """Writes a file that must not exist; whether it did. If that fails half-way nothing is left."""
    try:
        file = target.open("xb")
    except FileExistsError:
        return False
    try:
        with file:
            file.write(data)
    except BaseException:
        with suppress(OSError):
            target.unlink()
        raise
    return True
