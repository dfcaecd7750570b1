"""Which files records lie in: a file, several, a folder, a pattern, or addresses that are fetched."""

from __future__ import annotations

from pathlib import Path

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.sources import files
from pyoutcome.evidence.sources.remote import fetch
from pyoutcome.evidence.staged import Given


def find_files(name: str, given: Given, folder: Path) -> list[Path]:
    """The files of the records ``name``, sorted by name; URLs are fetched into ``folder``.

    A folder means the files directly in it; in folders and patterns, names that begin with a dot or an underscore are
    passed over. Raises EvidenceError
    ``records-no-files``, ``records-too-many-files``, ``records-unreadable`` and those of ``fetch``.
    """
    found: list[Path] = []
    for each in [given] if isinstance(given, str | Path) else given:
        if isinstance(each, str) and "://" in each:
            found += fetch(name, each, folder)
        else:
            found += _local(name, Path(each))
    if not found:
        _nothing(name, "no path at all")
    if len(found) > files.MOST_FILES:
        raise EvidenceError(
            "records-too-many-files",
            f"The records {name!r} lie in {len(found)} files, and at most {files.MOST_FILES} are read.",
            "Join them into fewer files.",
            count=len(found),
        )
    return sorted(found, key=lambda path: (path.name, str(path)))


def _local(name: str, path: Path) -> list[Path]:
    try:
        if path.is_dir():
            inside = [each for each in path.iterdir() if each.is_file() and each.name[0] not in "._"]
            return inside or _nothing(name, f"the folder {path}")
        if not path.exists() and any(sign in str(path) for sign in "*?["):
            root = Path(path.anchor)
            found = root.glob(str(path.relative_to(root)))
            matching = [each for each in found if each.is_file() and each.name[0] not in "._"]
            return matching or _nothing(name, f"the pattern {path}")
    except (OSError, ValueError) as error:
        raise files.unreadable(name, path, error) from error
    return [path]


def _nothing(name: str, where: str) -> list[Path]:
    raise EvidenceError(
        "records-no-files",
        f"There is no file of the records {name!r} in {where}.",
        "Name an existing file, a folder with files, or a pattern that some file matches.",
    )
