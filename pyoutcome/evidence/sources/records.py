"""Raw records as they lie in files: hashed, checked, and made ready for an engine.

CSV, JSON, Prometheus and OpenTelemetry become one private CSV copy, which the engine reads, so that what was hashed is
what is measured. Parquet is read where it lies, and a file that changes meanwhile is noticed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.engines.tables import stage_table
from pyoutcome.evidence.sources.csv_files import stage_csv
from pyoutcome.evidence.sources.declared import places_of
from pyoutcome.evidence.sources.files import LARGEST_FILE
from pyoutcome.evidence.sources.finding import find_files
from pyoutcome.evidence.sources.json_lines import stage_json
from pyoutcome.evidence.sources.opentelemetry import stage_opentelemetry
from pyoutcome.evidence.sources.prometheus import stage_prometheus
from pyoutcome.evidence.staged import LONGEST_RECORD, FileDigest, Given, SourceDigest, StagedRecords

if TYPE_CHECKING:
    from pyoutcome.terms.measures import RecordSource

__all__ = [
    "LARGEST_FILE", "LONGEST_RECORD", "FileDigest", "Given", "SourceDigest", "StagedRecords", "stage_records",
]  # fmt: skip


def stage_records(name: str, given: Given, folder: Path, source: RecordSource | None = None) -> StagedRecords:
    """The records ``name``, checked and hashed; copies go into ``folder``, which must be empty.

    ``given``: a file, a folder, a pattern, a URL, or several of them; ``source``: their declaration (none: a CSV file
    with all its columns). Raises EvidenceError; each error names the file and the line or record.
    """
    if source is not None and source.format == "table":
        return stage_table(name, given)
    files = find_files(name, given, folder)
    origin = str(files[0]) if len(files) == 1 else f"{files[0]} and {len(files) - 1} more files"
    if source is None:
        return stage_csv(name, files, origin, folder, None)
    places = places_of(name, source)
    match source.format:
        case "csv":
            return stage_csv(name, files, origin, folder, places)
        case "json":
            return stage_json(name, files, origin, folder, places)
        case "parquet":
            # Late: the engine is needed for this format only.
            from pyoutcome.evidence.sources.parquet import stage_parquet

            return stage_parquet(name, files, origin, folder, source, places)
        case "prometheus":
            return stage_prometheus(name, files, origin, folder, places, source.step)
        case "opentelemetry":
            return stage_opentelemetry(name, files, origin, folder, places, source.metrics)
        case other:
            raise EvidenceError(
                "records-format",
                f"The records {name!r} are declared as {other}, which are not read from files.",
                "Declare the format of the files: csv, json, parquet, prometheus or opentelemetry.",
                source=name,
            )
