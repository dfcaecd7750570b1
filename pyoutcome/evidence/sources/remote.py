"""Records behind a URL: fetched whole into a private folder before anything reads them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.sources import files

_SCHEMES: Final = ("abfs", "az", "gcs", "gs", "http", "https", "memory", "s3", "s3a", "sftp", "ssh")
"""What fsspec may be asked for. Its others reach into local files, archives, caches and commands."""
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]")


def fetch(name: str, url: str, folder: Path) -> list[Path]:
    """Copies what ``url`` names into ``folder``: one file, the files of a folder (with ``/`` at its end), or those that
    a pattern matches. Access follows each store's own settings (environment, profiles).

    Raises EvidenceError ``records-url``, ``remote-extra-missing``, ``records-unreadable``, ``records-no-files``,
    ``records-too-many-files``, ``records-too-large``.
    """
    parts = urlsplit(url)
    shown = without_secrets(url)
    if parts.scheme not in _SCHEMES or "::" in url:
        raise EvidenceError(
            "records-url",
            f"The records {name!r} cannot be fetched from {shown}: its kind of address is not known.",
            f"Use a local path, or an address that begins with one of {', '.join(f'{each}://' for each in _SCHEMES)}.",
            url=shown,
        )
    try:
        import fsspec  # type: ignore[import-untyped,unused-ignore]

        # The library of a store is looked for only here.
        system, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise EvidenceError(
            "remote-extra-missing",
            f"The records {name!r} are at {shown}, and what fetches them is not installed.",
            "Install it with `pip install 'pyoutcome[remote]'`, or fetch the files yourself.",
            url=shown,
        ) from error
    # Each store has errors of its own, which share no class; none of them may show the address with its secrets.
    except Exception as error:  # noqa: BLE001
        raise _unreadable(name, shown, error) from None
    try:
        return _fetch_all(name, system, path, folder / "fetched", shown)
    except EvidenceError:
        raise
    except Exception as error:  # noqa: BLE001
        raise _unreadable(name, shown, error) from None


def _unreadable(name: str, shown: str, error: Exception) -> EvidenceError:
    return EvidenceError(
        "records-unreadable",
        f"The records {name!r} cannot be fetched from {shown}: {type(error).__name__}.",
        "Check the address and that this machine may read it.",
        url=shown,
    )


def _fetch_all(name: str, system: Any, path: str, target: Path, shown: str) -> list[Path]:
    found = _matching(system, path)
    if not found:
        raise EvidenceError(
            "records-no-files",
            f"There is no file of the records {name!r} at {shown}.",
            "Name an existing file, a folder with files, or a pattern that some file matches.",
            url=shown,
        )
    if len(found) > files.MOST_FILES:
        raise EvidenceError(
            "records-too-many-files",
            f"The records {name!r} lie in {len(found)} files at {shown}, and at most {files.MOST_FILES} are read.",
            "Join them into fewer files.",
            count=len(found),
        )
    target.mkdir(exist_ok=True)
    return [_copy(name, system, each, target, shown) for each in found]


def without_secrets(url: str) -> str:
    """An address without user, password, query and fragment."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _matching(system: Any, path: str) -> list[str]:
    if any(sign in path.partition("?")[0] for sign in "*["):
        return [str(each) for each in system.glob(path) if system.isfile(each)]
    if path.endswith("/") or (not system.isfile(path) and system.isdir(path)):
        inside = [str(each) for each in system.ls(path, detail=False)]
        return [each for each in inside if each.rstrip("/").rpartition("/")[2][:1] not in "._" and system.isfile(each)]
    return [path]


def _copy(name: str, system: Any, path: str, folder: Path, shown: str) -> Path:
    # The store's name for the file is text of others: only harmless characters of it become a file name here.
    base = _UNSAFE.sub("_", path.partition("?")[0].rstrip("/").rpartition("/")[2])[-100:].lstrip("._") or "records"
    place = folder / str(len(list(folder.iterdir())))
    place.mkdir()
    target = place / base
    size = 0
    with system.open(path, "rb") as source, target.open("xb") as copy:
        while chunk := source.read(files.CHUNK):
            size += len(chunk)
            if size > files.LARGEST_FILE:
                raise EvidenceError(
                    "records-too-large",
                    f"The records {name!r} at {shown} have more than {files.LARGEST_FILE} bytes.",
                    "Split them into one file per period.",
                    url=shown,
                )
            copy.write(chunk)
    return target
