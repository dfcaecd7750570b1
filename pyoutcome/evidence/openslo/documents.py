"""OpenSLO files as trees of texts: read as strictly as agreement files, with every part that was used marked.

What nobody has used when all is read is what cannot be expressed; so nothing is dropped in silence. Source of the field
names: the OpenSLO specification, version v1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from pyoutcome.errors import EvidenceError, Where
from pyoutcome.terms.loader import read_text
from pyoutcome.terms.tree import Branch, Items, Table, Text, Tree

API_VERSION: Final = "openslo/v1"
METRIC_SOURCE: Final = "pyoutcome"
"""Type of a metric source whose ``spec`` is a measure, and of a data source whose ``connectionDetails`` are records."""
ANNOTATION: Final = "pyoutcome/"
"""Prefix of the annotations that keep what OpenSLO has no field for."""
LARGEST: Final = 1_048_576
"""Characters a file may have."""
MOST_DOCUMENTS: Final = 2000
_SEPARATOR: Final = re.compile(r"^---[ \t]*$", re.MULTILINE)


@dataclass(frozen=True)
class Unexpressed:
    """Something that stands on one side and has no counterpart on the other."""

    where: str
    """Its place: file and line with the path of keys, or the path in the agreement."""
    why: str

    def __str__(self) -> str:
        return f"{self.where}: {self.why}"


class Document:
    """One object of an OpenSLO file."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._used: set[tuple[str | int, ...]] = set()
        self.kind = self.text("kind")
        self.name = self.text("metadata", "name")
        self.text("apiVersion")

    def text(self, *path: str | int) -> str | None:
        """The text at a path, which counts as used; None if there is none."""
        found = self._tree.find(path)
        if not isinstance(found, Text):
            return None
        self._used.add(path)
        return found.value

    def peek(self, *path: str | int) -> str | None:
        """The text at a path, without counting as used."""
        found = self._tree.find(path)
        return found.value if isinstance(found, Text) else None

    def required(self, *path: str | int) -> str:
        """The text at a path. Raises EvidenceError ``openslo-lacks``."""
        found = self.text(*path)
        if found is None:
            raise EvidenceError(
                "openslo-lacks",
                f"{self.where()} lacks {show_path(path)}.",
                "Add it, as the OpenSLO specification v1 says.",
                where=self._tree.where(path),
            )
        return found

    def has(self, *path: str | int) -> bool:
        """Whether anything stands at a path."""
        return self._tree.find(path) is not None

    def count(self, *path: str | int) -> int:
        """Items of the list at a path."""
        found = self._tree.find(path)
        return len(found.items) if isinstance(found, Items) else 0

    def take(self, *path: str | int) -> Any:
        """All that stands at a path, as plain maps, lists and texts; it counts as used."""
        found = self._tree.find(path)
        if found is None:
            return None
        self._used.add(path)
        return Tree(self._tree.file, found).plain()

    def place(self, *path: str | int) -> Where:
        """Where a path stands."""
        return self._tree.where(path)

    def where(self, *path: str | int) -> str:
        """Words for a path: file, line, object and keys."""
        place = self._tree.where(path)
        said = f"{place.file}:{place.line}: {self.kind or 'object'} {self.name or 'without a name'}"
        return f"{said}, {show_path(path)}" if path else said

    def unused(self) -> Iterator[tuple[str | int, ...]]:
        """The outermost paths that hold nothing used."""
        yield from self._unused(self._tree.root, ())

    def _unused(self, branch: Branch, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
        if path in self._used:
            return
        if not any(used[: len(path)] == path for used in self._used):
            yield path
            return
        steps: list[tuple[str | int, Branch]] = []
        if isinstance(branch, Table):
            steps = list(branch.values.items())
        elif isinstance(branch, Items):
            steps = list(enumerate(branch.items))
        for step, below in steps:
            yield from self._unused(below, (*path, step))


def read_openslo_file(path: Path) -> str:
    """The text of an OpenSLO file. Raises EvidenceError ``openslo-unreadable``."""
    try:
        with path.open("rb") as file:
            return file.read(4 * LARGEST + 1).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EvidenceError(
            "openslo-unreadable",
            f"The OpenSLO file {path} cannot be read as UTF-8 text.",
            "Give the path of an OpenSLO file that you may read.",
            where=Where(str(path)),
        ) from error


def read_documents(text: str, name: str) -> list[Document]:
    """The objects of an OpenSLO file, which may hold several documents.

    Raises EvidenceError ``openslo-too-large``, ``openslo-version``; AgreementError for text that is not plain YAML.
    """
    parts = _SEPARATOR.split(text)
    if len(text) > LARGEST or len(parts) > MOST_DOCUMENTS:
        raise EvidenceError(
            "openslo-too-large",
            f"The OpenSLO file has more than {LARGEST} characters or {MOST_DOCUMENTS} documents.",
            "Split it.",
            where=Where(name),
        )
    documents = []
    before = 0
    for part in parts:
        lines = part.count("\n")
        if any(line.strip() and not line.lstrip().startswith("#") for line in part.splitlines()):
            # Blank lines stand for what comes before, so that places are those of the whole file.
            document = Document(read_text("\n" * before + part, name))
            if document.text("apiVersion") != API_VERSION:
                raise EvidenceError(
                    "openslo-version",
                    f"{document.where()} is not of the version {API_VERSION}.",
                    f"Convert it to {API_VERSION} first.",
                    where=document.place("apiVersion"),
                )
            documents.append(document)
        before += lines
    return documents


def show_path(path: tuple[str | int, ...]) -> str:
    """A path as people write it: ``spec.timeWindow[0].isRolling``."""
    said = ""
    for step in path:
        said += f"[{step}]" if isinstance(step, int) else f".{step}" if said else step
    return said


class _Dumper(yaml.SafeDumper):
    """Writes every text plainly where YAML's layout allows, so that ``0.99`` and ``true`` are what they look like."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - as the base class declares it


def write_yaml(data: Mapping[str, Any]) -> str:
    """Maps, lists and texts as YAML."""
    return str(yaml.dump(dict(data), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110))
