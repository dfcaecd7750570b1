"""Records as JSON objects: a list of them, or one per line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pyoutcome.evidence.sources.files import HashedFile
from pyoutcome.evidence.sources.json_text import Numeral, ObjectReader
from pyoutcome.evidence.sources.rows import plain_number
from pyoutcome.evidence.sources.texts import Row, stage_rows
from pyoutcome.evidence.staged import LONGEST_RECORD, StagedRecords


def stage_json(name: str, files: Sequence[Path], origin: str, folder: Path, places: Mapping[str, str]) -> StagedRecords:
    """The records ``name`` from JSON files; ``places`` gives each column's path, keys joined by dots.

    A value is a text, a number, true or false; null and what is not there are missing. A number keeps its digits, only
    an exponent is written out. Raises EvidenceError ``records-malformed-json``, ``records-not-utf8`` and those of
    ``stage_rows``.
    """
    paths = [tuple(place.split(".")) for place in places.values()]

    def rows_of(file: HashedFile) -> Iterator[Row]:
        reader = ObjectReader(file, LONGEST_RECORD)
        for record in reader:
            yield [_text(reader, _find(reader, record, path), path) for path in paths]

    return stage_rows(name, files, origin, folder, tuple(places), rows_of)


def _find(reader: ObjectReader, record: dict[str, Any], path: tuple[str, ...]) -> Any:
    found: Any = record
    for depth, key in enumerate(path):
        if found is None:
            return None
        if not isinstance(found, dict):
            reader.refuse(f"{'.'.join(path[:depth])} is not an object, so it has no {key}")
        found = found.get(key)
    return found


def _text(reader: ObjectReader, value: Any, path: tuple[str, ...]) -> str | None:
    if isinstance(value, dict | list):
        reader.refuse(f"{'.'.join(path)} is {'an object' if isinstance(value, dict) else 'a list'}, not one value")
    return scalar_text(value)


def scalar_text(value: Any) -> str | None:
    """The text of a JSON value that is neither list nor object; None for null."""
    match value:
        case None:
            return None
        case True:
            return "true"
        case False:
            return "false"
        case Numeral():
            return plain_number(value)
        case _:
            return str(value)
