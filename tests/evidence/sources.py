"""Declarations of records and what becomes of files by them."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.sources.records import StagedRecords, stage_records
from pyoutcome.terms.measures import RecordSource


def declare(form: str, *columns: str, keys: dict[str, Any] | None = None, **places: str) -> RecordSource:
    """A source of text columns, those in ``places`` read from elsewhere; the first is the key."""
    declared: dict[str, dict[str, str]] = {name: {"type": "text", "from": place} for name, place in places.items()}
    declared |= {name: {"type": "text"} for name in columns}
    return RecordSource.model_validate(
        {"format": form, "columns": declared, "key": [next(iter(declared))]} | (keys or {})
    )


def stage_text(tmp_path: Path, source: RecordSource, *texts: str | bytes) -> StagedRecords:
    """The records of files with these contents."""
    folder = tmp_path / f"in-{len(list(tmp_path.iterdir()))}"
    target = folder / "copy"
    target.mkdir(parents=True)
    paths = []
    for place, text in enumerate(texts):
        paths.append(folder / f"{place}.json")
        paths[-1].write_bytes(text if isinstance(text, bytes) else text.encode())
    return stage_records("raw", paths, target, source)


def rows_of(staged: StagedRecords) -> list[tuple[str | None, ...]]:
    """What the engine is given: the records of the canonical copy; an empty field is missing."""
    text = staged.path.read_bytes().decode()
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert tuple(header) == staged.header
    assert len(rows) == staged.digest.rows
    return [tuple(field or None for field in row) for row in rows]


def refusal(tmp_path: Path, source: RecordSource, *texts: str | bytes) -> EvidenceError:
    """The error these files are refused with; it names the file, why and what to do."""
    with pytest.raises(EvidenceError) as caught:
        stage_text(tmp_path, source, *texts)
    assert caught.value.why
    assert caught.value.fix
    return caught.value
