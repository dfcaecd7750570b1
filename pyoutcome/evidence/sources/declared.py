"""What a declared column is called in the records themselves, and whether files have them and the same others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyoutcome.errors import EvidenceError, did_you_mean
from pyoutcome.evidence.findings import Finding

if TYPE_CHECKING:
    from pyoutcome.terms.measures import RecordSource

_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "prometheus": frozenset({"time", "value"}),
    "opentelemetry": frozenset({
        "time", "start_time", "value", "metric", "unit", "kind", "temporality", "monotonic", "scope",
    }),
}  # fmt: skip
"""What a sample has besides its labels or attributes."""
_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "prometheus": ("labels",),
    "opentelemetry": ("attributes", "resource"),
}
"""What holds labels or attributes; the first is meant where a column does not say."""
_OWN_KEYS: Final[Mapping[str, str]] = {"metrics": "opentelemetry", "step": "prometheus"}


def places_of(name: str, source: RecordSource) -> dict[str, str]:
    """Where each declared column stands in the records, by the column's name.

    Of CSV and Parquet that is a column's name, of JSON a path, of Prometheus and OpenTelemetry one of the sample's own
    fields or ``labels.x``, ``attributes.x``, ``resource.x``. Raises EvidenceError ``records-declaration``.
    """
    for key, format_ in _OWN_KEYS.items():
        if getattr(source, key) is not None and source.format != format_:
            _refuse(f"records.{name}.{key}", f"only records of format {format_} have {key!r}", "Delete the key.")
    places: dict[str, str] = {}
    for column, declared in source.columns.items():
        place = _place(name, source, column, declared.from_)
        if place in places.values():
            _refuse(
                f"records.{name}.columns.{column}",
                f"another column reads {place!r} too",
                "Declare it once; expressions may use one column several times.",
            )
        places[column] = place
    return places


def require_columns(name: str, file: Path, header: Collection[str], places: Mapping[str, str] | None) -> None:
    """Raises EvidenceError ``records-lack-column`` unless a file has every declared column."""
    for place in (places or {}).values():
        if place not in header:
            raise EvidenceError(
                "records-lack-column",
                f"The records {name!r} in {file} have no column {place!r}.",
                did_you_mean(place, header),
                file=str(file),
                column=place,
            )


def find_drift(name: str, headers: Iterable[Collection[str]]) -> tuple[Finding, ...]:
    """The finding on files of one source that have other columns than others, whatever the files are called."""
    different = len({frozenset(header) for header in headers})
    if different < 2:
        return ()
    text = (
        f"The files of {name} have {different} different sets of columns. All have the columns that the agreement "
        "declares."
    )
    return (Finding("records-columns-differ", name, different, text),)


def _place(name: str, source: RecordSource, column: str, stated: str | None) -> str:
    fields, groups = _FIELDS.get(source.format), _GROUPS.get(source.format, ())
    where = f"records.{name}.columns.{column}.from"
    if fields is None:
        place = stated or column
        if source.format == "json" and any(not part for part in place.split(".")):
            _refuse(where, f"{place!r} is not a path", "Write the keys from the outside in, joined by dots.")
        return place
    if stated is None:
        return column if column in fields else f"{groups[0]}.{column}"
    group, dot, key = stated.partition(".")
    if stated in fields or (dot and key and group in groups):
        return stated
    _refuse(
        where,
        f"{stated!r} is nothing that {source.format} samples have",
        f"Write one of {', '.join(sorted(fields))}, or {' or '.join(f'{each}.NAME' for each in groups)}.",
    )
    return stated


def _refuse(where: str, why: str, fix: str) -> None:
    raise EvidenceError("records-declaration", f"{where} cannot be used: {why}.", fix, path=where)
