"""Reading an agreement file: YAML's layout, but none of its typing, sharing or tags.

PyYAML's events are used below its node tree, because in the node tree an alias can no longer be told from a copy.
Every scalar stays the text it is in the file, so ``yes``, ``1:30``, ``2013-01-01``, ``.nan`` and ``1e400`` reach the
models as those characters and are read, or refused, there.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from pyoutcome.errors import AgreementError, Where
from pyoutcome.terms.tree import Branch, Items, Place, Table, Text, Tree

LARGEST: Final = 1_048_576
"""Bytes a file may have."""
DEEPEST: Final = 32
"""How deep lists and maps may be nested."""
_JOINERS: Final = "\u200c\u200d"
"""Format characters that Persian, Indic scripts and others need to spell words."""


def read_file(path: str | Path) -> Tree:
    """The tree of the file at ``path``. Raises AgreementError: ``file-not-readable`` and what ``read_text`` raises."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "its name is not a file name"
        raise AgreementError(
            "file-not-readable",
            f"The agreement file cannot be read: {reason}.",
            "Give the path of an agreement file that you may read.",
            where=Where(str(path)),
        ) from error
    return read_bytes(data, str(path))


def read_bytes(data: bytes, name: str) -> Tree:
    """The tree of a file's bytes; ``name`` is what messages call the file.

    Raises AgreementError: ``file-too-large``, ``file-not-utf-8`` and what ``read_text`` raises.
    """
    if len(data) > LARGEST:
        raise AgreementError(
            "file-too-large",
            f"The agreement file is larger than {LARGEST} bytes.",
            "Keep records and annexes in files of their own.",
            where=Where(name),
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise AgreementError(
            "file-not-utf-8",
            f"Byte {error.start + 1} of the file is not UTF-8 text.",
            "Save the file with the encoding UTF-8.",
            where=Where(name, line),
        ) from error
    return read_text(text, name)


def read_text(text: str, name: str) -> Tree:
    """The tree of a file's text; ``name`` is what messages call the file.

    Raises AgreementError: ``file-too-large``, ``hidden-character``, ``file-not-yaml``, ``file-empty``,
    ``yaml-feature-refused``, ``duplicate-key``, ``nested-too-deep``.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > LARGEST:
        raise AgreementError(
            "file-too-large",
            f"The agreement file is larger than {LARGEST} bytes.",
            "Keep records and annexes in files of their own.",
            where=Where(name),
        )
    _refuse_hidden(text, name)
    try:
        return Tree(name, _Builder(name).build(yaml.parse(text, Loader=_loader())), text)
    except yaml.YAMLError as error:
        mark: yaml.Mark | None = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "its layout cannot be followed"
        where = Where(name) if mark is None else Where(name, mark.line + 1, mark.column + 1)
        raise AgreementError(
            "file-not-yaml",
            f"The file is not well-formed YAML: {problem}.",
            "Check the indentation, the quotes and the brackets at this place and just above it.",
            where=where,
        ) from error


def _loader() -> type[yaml.SafeLoader]:
    """libyaml's parser where PyYAML was built with it (twenty times faster), else PyYAML's own."""
    loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return loader


def _hidden(character: str) -> bool:
    kind = unicodedata.category(character)
    if kind == "Cc":
        return character not in "\n\t"
    return kind in ("Cs", "Zl", "Zp", "Co") or (kind == "Cf" and character not in _JOINERS)


def _refuse_hidden(text: str, name: str, place: Place | None = None) -> None:
    """Characters that a reader cannot see could make the text say one thing and the program another."""
    if text.isascii() and text.replace("\n", " ").replace("\t", " ").isprintable():
        return
    for index, character in enumerate(text):
        if _hidden(character):
            before = text[:index]
            line = before.count("\n") + 1
            column = index - (before.rfind("\n") + 1) + 1
            raise AgreementError(
                "hidden-character",
                f"The text holds the invisible character U+{ord(character):04X}.",
                "Delete it, or write what is meant in visible characters.",
                where=Where(name, place.line, place.column) if place else Where(name, line, column),
            )


@dataclass
class _Frame:
    """A list or map under construction."""

    branch: Items | Table
    key: Text | None = None


class _Builder:
    """Builds the tree from YAML events without recursion."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._stack: list[_Frame] = []
        self._root: Branch | None = None

    def build(self, events: Iterator[yaml.Event]) -> Branch:
        """The root branch of the only document."""
        documents = 0
        for event in events:
            mark = event.start_mark
            place = Place(1, 1) if mark is None else Place(mark.line + 1, mark.column + 1)
            match event:
                case yaml.DocumentStartEvent():
                    documents += 1
                    if documents > 1:
                        self._refuse(place, "a second document (`---`)", "Keep one agreement in one file.")
                    if event.version or event.tags:
                        self._refuse(place, "a YAML directive (`%`)", "Delete the line.")
                case yaml.AliasEvent():
                    self._refuse(place, "an alias (`*`)", "Write the value out, so that each place says what it means.")
                case yaml.ScalarEvent() | yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                    self._refuse_marks(event, place)
                    self._open(event, place)
                case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                    self._add(self._stack.pop().branch)
                case _:
                    pass  # start and end of the stream and of the document carry nothing
        if self._root is None:
            raise AgreementError(
                "file-empty",
                "The file holds no agreement.",
                "Start from one of the examples.",
                where=Where(self._name),
            )
        return self._root

    def _open(self, event: yaml.Event, place: Place) -> None:
        match event:
            case yaml.ScalarEvent():
                _refuse_hidden(event.value, self._name, place)
                self._add(Text(place, event.value, event.style or ""))
            case yaml.SequenceStartEvent():
                self._push(Items(place))
            case _:
                self._push(Table(place))

    def _refuse_marks(self, event: yaml.NodeEvent, place: Place) -> None:
        if event.anchor is not None:
            self._refuse(place, "an anchor (`&`)", "Write the value out, so that each place says what it means.")
        if getattr(event, "tag", None) is not None:
            self._refuse(place, "a type tag (`!`)", "Delete the tag: every value is read as the text it is.")

    def _refuse(self, place: Place, what: str, fix: str) -> None:
        raise AgreementError(
            "yaml-feature-refused",
            f"The file uses {what}; agreement files do without.",
            fix,
            where=Where(self._name, place.line, place.column),
        )

    def _push(self, branch: Items | Table) -> None:
        if len(self._stack) >= DEEPEST:
            raise AgreementError(
                "nested-too-deep",
                f"Lists and maps are nested deeper than {DEEPEST}.",
                "Remove the needless brackets.",
                where=Where(self._name, branch.place.line, branch.place.column),
            )
        frame = self._stack[-1] if self._stack else None
        if frame is not None and isinstance(frame.branch, Table) and frame.key is None:
            self._refuse(branch.place, "a list or map as a key", "Use a word as key.")
        self._stack.append(_Frame(branch))

    def _add(self, branch: Branch) -> None:
        """Puts a finished branch where it belongs: into the list or map around it, or at the root."""
        if not self._stack:
            self._root = branch
            return
        frame = self._stack[-1]
        if isinstance(frame.branch, Items):
            frame.branch.items.append(branch)
        elif frame.key is None:
            if isinstance(branch, Text):
                self._start_key(frame, branch)
        else:
            frame.branch.values[frame.key.value] = branch
            frame.key = None

    def _start_key(self, frame: _Frame, key: Text) -> None:
        assert isinstance(frame.branch, Table)  # noqa: S101 - for the type checker; _add is the only caller
        where = Where(self._name, key.place.line, key.place.column)
        if key.value == "<<" and not key.style:
            self._refuse(key.place, "a merge key (`<<`)", "Write the values out.")
        if key.value in frame.branch.keys:
            first = frame.branch.keys[key.value]
            raise AgreementError(
                "duplicate-key",
                f"The key {key.value!r} stands twice in the same place; the first is in line {first.line}.",
                "Delete one of them.",
                where=where,
                key=key.value,
                first_line=first.line,
            )
        frame.branch.keys[key.value] = key.place
        frame.key = key
