"""CSV files: checked, hashed and copied into one."""

from __future__ import annotations

import codecs
import csv
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pyoutcome.evidence.sources.csv_text import CsvChecker
from pyoutcome.evidence.sources.declared import find_drift, require_columns
from pyoutcome.evidence.sources.files import HashedFile, open_file
from pyoutcome.evidence.staged import LONGEST_RECORD, FileDigest, SourceDigest, StagedRecords


@dataclass(frozen=True)
class _Layout:
    """How a checked copy is written."""

    header: tuple[str, ...]
    newline: str
    quoted: bool


def stage_csv(
    name: str, files: Sequence[Path], origin: str, folder: Path, places: Mapping[str, str] | None
) -> StagedRecords:
    """The records ``name`` from CSV files (or ZIP archives of one each) as one checked copy in ``folder``.

    ``places`` gives the header's name of each declared column; without it all columns keep their names. A file whose
    columns stand in another order, or that has other columns besides, is brought into the order of the first; a finding
    says so. Raises EvidenceError ``records-unreadable``, ``records-too-large``, ``records-not-utf8``,
    ``records-have-nul``, ``records-malformed-csv``, ``records-bad-header``, ``records-lack-column``.
    """
    target = folder / f"{name}.csv"
    digests: list[FileDigest] = []
    with open_file(name, files[0]) as source, target.open("xb") as copy:
        first, digest = _copy_checked(source, copy)
        digests.append(digest)
    require_columns(name, files[0], first.header, places)
    quoted, headers = first.quoted, [first.header]
    for place, file in enumerate(files[1:], 2):
        aside = folder / f"{name}-{place}.csv"
        with open_file(name, file) as source, aside.open("xb") as copy:
            layout, digest = _copy_checked(source, copy)
            digests.append(digest)
        require_columns(name, file, layout.header, places)
        with target.open("ab") as whole:
            if (layout.header, layout.newline) == (first.header, first.newline):
                quoted = quoted or layout.quoted
                _append(aside, whole)
            else:
                headers.append(layout.header)
                quoted = _reorder(aside, layout, first, whole, places) or quoted
        aside.unlink()
    return StagedRecords(
        digest=SourceDigest.of_files(name, digests),
        format="csv",
        files=(target,),
        origin=origin,
        header=_rename(first.header, places),
        newline=first.newline,
        quoted=quoted,
        findings=find_drift(name, headers),
    )


def _copy_checked(source: HashedFile, copy: IO[bytes]) -> tuple[_Layout, FileDigest]:
    checker = CsvChecker(source.name, str(source.origin))
    begun = False
    while chunk := source.read():
        if not begun:
            begun, chunk = True, chunk.removeprefix(codecs.BOM_UTF8)
        checker.feed(chunk)
        copy.write(chunk)
    copy.write(checker.finish())
    return _Layout(checker.header, checker.newline, checker.quoted), source.digest(checker.records)


def _rename(header: tuple[str, ...], places: Mapping[str, str] | None) -> tuple[str, ...]:
    """Declared columns under the agreement's names; any other that is in the way gets a name that none can have."""
    if places is None:
        return header
    ours = {place: column for column, place in places.items()}
    return tuple(ours.get(field, f"{field} (not declared)" if field in places else field) for field in header)


def _append(part: Path, whole: IO[bytes]) -> None:
    with part.open("rb") as held:
        held.readline(LONGEST_RECORD + 2)
        shutil.copyfileobj(held, whole, 1 << 20)


def _reorder(part: Path, layout: _Layout, first: _Layout, whole: IO[bytes], places: Mapping[str, str] | None) -> bool:
    """Writes the records of a part in the columns and line endings of the first; whether any field is quoted."""
    at = [layout.header.index(field) if field in layout.header else None for field in first.header]
    needed = set(first.header) if places is None else set(places.values())
    at = [place if field in needed else None for field, place in zip(first.header, at, strict=True)]
    quoted = False
    csv.field_size_limit(LONGEST_RECORD)
    with part.open("r", encoding="utf-8", newline="") as held:
        records = csv.reader(held, strict=True)
        next(records)
        for record in records:
            fields = ["" if place is None else record[place] for place in at]
            marked = [any(sign in field for sign in '",\r\n') for field in fields]
            quoted = quoted or any(marked) or fields == [""]
            texts = [
                '"' + field.replace('"', '""') + '"' if mark or fields == [""] else field
                for field, mark in zip(fields, marked, strict=True)
            ]
            whole.write((",".join(texts) + first.newline).encode("utf-8"))
    return quoted
