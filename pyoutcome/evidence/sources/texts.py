"""Any text format as one canonical CSV copy: what formats have in common once they know their records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from pyoutcome.evidence.findings import Finding
from pyoutcome.evidence.sources.files import HashedFile, open_file
from pyoutcome.evidence.sources.rows import RowWriter
from pyoutcome.evidence.staged import FileDigest, SourceDigest, StagedRecords

Row: TypeAlias = Sequence[str | None]
"""One record: a text for each declared column, in the declared order; None: missing."""


def stage_rows(
    name: str,
    files: Sequence[Path],
    origin: str,
    folder: Path,
    columns: Sequence[str],
    rows_of: Callable[[HashedFile], Iterator[Row]],
    findings: Callable[[], tuple[Finding, ...]] = tuple,
) -> StagedRecords:
    """The records ``name`` from all files, as ``rows_of`` reads each, in one private CSV file in ``folder``.

    ``findings`` is asked when all files are read. Raises EvidenceError ``records-unreadable``, ``records-too-large``,
    ``records-not-text`` and what ``rows_of`` raises.
    """
    target = folder / f"{name}.csv"
    digests: list[FileDigest] = []
    with target.open("xb") as copy:
        writer = RowWriter(name, origin, columns, copy)
        for file in files:
            before = writer.records
            with open_file(name, file) as source:
                for row in rows_of(source):
                    writer.write(row)
                digests.append(source.digest(writer.records - before))
        writer.finish()
    return StagedRecords(
        digest=SourceDigest.of_files(name, digests),
        format="csv",
        files=(target,),
        origin=origin,
        header=tuple(columns),
        quoted=writer.quoted,
        findings=findings(),
    )
