"""Records in Parquet files: hashed, and their types and values held against the declaration, before any cast.

An engine reads the files where they lie. What it will cast is proven here to be exact: whole numbers and decimals fit
the declared digits, a DOUBLE is one decimal of the declared scale and no other, times are whole microseconds that say
whether they are UTC.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.engines.engine import Engine
from pyoutcome.evidence.engines.opening import open_engine
from pyoutcome.evidence.sources.declared import find_drift, require_columns
from pyoutcome.evidence.sources.files import open_file
from pyoutcome.evidence.staged import FileDigest, FileState, SourceDigest, StagedRecords

if TYPE_CHECKING:
    from pyoutcome.terms.measures import Column, RecordSource

SURE_DIGITS: Final = 15
"""Digits of a decimal number that a DOUBLE keeps, whatever they are (IEEE 754 binary64)."""
_WHOLE: Final[Mapping[str, int]] = {
    "TINYINT": 3, "SMALLINT": 5, "INTEGER": 10, "BIGINT": 19, "UTINYINT": 3, "USMALLINT": 5, "UINTEGER": 10,
    "UBIGINT": 20,
}  # fmt: skip
"""Digits the whole numbers of a type can have."""
_DECIMAL: Final = re.compile(r"DECIMAL\(([0-9]+),([0-9]+)\)")
_TIMES: Final[Mapping[str, tuple[str, str]]] = {
    "wall": ("TIMESTAMP", "a time without zone, in milliseconds or microseconds"),
    "instant": ("TIMESTAMP WITH TIME ZONE", "a time in UTC, in milliseconds or microseconds"),
}


@dataclass(frozen=True)
class _Stored:
    """A column as one file stores it."""

    type: str
    """In DuckDB's words; with what Parquet says where that tells more."""


def stage_parquet(
    name: str, files: Sequence[Path], origin: str, folder: Path, source: RecordSource, places: Mapping[str, str]
) -> StagedRecords:
    """The records ``name`` in Parquet files (or ZIP archives of one each), checked by a first reading.

    Raises EvidenceError ``records-unreadable``, ``records-too-large``, ``records-malformed-parquet``,
    ``records-bad-header``, ``records-lack-column``, ``records-parquet-type`` (a column's type cannot be taken over
    exactly) and ``records-malformed-value`` (a value cannot).
    """
    links: list[Path] = []
    states: list[FileState] = []
    hashed: list[FileDigest] = []
    for number, file in enumerate(files):
        # Our own names: engines expand patterns in others. An archive is unpacked, any other file stays where it is.
        link = folder / f"{name}-{number}.parquet"
        # Before it is opened, so that another file put into its place is noticed.
        state = FileState.of(file) if file.is_file() else None
        with open_file(name, file) as held:
            if file.suffix.lower() == ".zip":
                with link.open("xb") as copy:
                    while chunk := held.read():
                        copy.write(chunk)
            else:
                states.append(state or FileState.of(file))
                link.symlink_to(file.resolve())
                while held.read():
                    pass
            hashed.append(held.digest(0))
        links.append(link)
    counts: list[int] = []
    headers: list[Collection[str]] = []
    spill = folder / f"{name}-check"
    spill.mkdir()
    with open_engine(links, spill) as engine:
        before: dict[str, _Stored] = {}
        for file, link in zip(files, links, strict=True):
            stored = _read_layout(engine, name, file, link)
            require_columns(name, file, stored, places)
            headers.append(stored)
            for column, place in places.items():
                _check_type(name, file, column, source.columns[column], stored[place])
                _check_same(name, file, column, stored[place], before.setdefault(column, stored[place]))
            counts.append(_check_values(engine, name, file, link, source, places, stored))
    shutil.rmtree(spill)
    digests = [FileDigest(each.name, each.sha256, rows, each.bytes) for each, rows in zip(hashed, counts, strict=True)]
    staged = StagedRecords(
        digest=SourceDigest.of_files(name, digests),
        format="parquet",
        files=tuple(links),
        origin=origin,
        header=tuple(places),
        findings=find_drift(name, headers),
        states=tuple(states),
    )
    staged.check_unchanged()
    return staged


def _read_layout(engine: Engine, name: str, file: Path, link: Path) -> dict[str, _Stored]:
    """Columns at the top of a file, by name."""
    try:
        rows = engine.rows(
            "SELECT name, coalesce(num_children, 0), duckdb_type, type, logical_type "
            f"FROM parquet_schema({_text(str(link))})"
        )
    except EvidenceError as error:
        raise _malformed(name, file, error) from error
    stored: dict[str, _Stored] = {}
    inside = 0
    """Parts of nested columns still to pass over."""
    for part, children, engine_type, physical, logical in rows[1:]:
        deeper = int(str(children))
        if inside:
            inside += deeper - 1
            continue
        inside = deeper
        called = str(part)
        if called.casefold() in {each.casefold() for each in stored}:
            raise EvidenceError(
                "records-bad-header",
                f"The records {name!r} in {file} have two columns called {called[:60]!a}, apart from capitals.",
                "Let every column have a name of its own.",
                file=str(file),
            )
        told = str(engine_type)
        if physical == "INT96":
            told = "INT96"
        elif "NANOS=NanoSeconds" in str(logical):
            told = f"{told} in nanoseconds"
        stored[called] = _Stored("a nested column" if deeper else told)
    return stored


def _check_type(name: str, file: Path, column: str, declared: Column, stored: _Stored) -> None:
    """Raises EvidenceError ``records-parquet-type`` unless every value of the type may be one of the declared type."""
    problem = _type_problem(declared, stored.type)
    if problem:
        raise EvidenceError(
            "records-parquet-type",
            f"Column {column!r} of the records {name!r} in {file} is stored as {stored.type}: {problem[0]}.",
            problem[1],
            file=str(file),
            column=column,
        )


def _type_problem(declared: Column, stored: str) -> tuple[str, str] | None:
    match declared.type:
        case "text":
            good, form = stored == "VARCHAR", "a text"
        case "boolean":
            good, form = stored == "BOOLEAN", "true or false"
        case "wall" | "instant":
            wanted, form = _TIMES[declared.type]
            good = stored == wanted
        case "decimal":
            return _number_problem(declared, stored)
    if good:
        return None
    return f"the agreement declares {declared.type}", f"Write the column as {form}, or change its declaration."


def _number_problem(declared: Column, stored: str) -> tuple[str, str] | None:
    if stored in _WHOLE:
        return None
    found = _DECIMAL.fullmatch(stored)
    if found is not None:
        if int(found[2]) <= declared.scale:
            return None
        return "it has more decimals than declared", f"Declare 'scale: {found[2]}', or write the column with fewer."
    if stored == "DOUBLE":
        if (declared.digits or 0) <= SURE_DIGITS:
            return None
        return (
            f"only {SURE_DIGITS} digits of it are sure",
            f"Declare at most {SURE_DIGITS} digits, or write the column as a decimal.",
        )
    return "it is no exact number", "Write the column as a whole number or a decimal."


def _check_same(name: str, file: Path, column: str, stored: _Stored, first: _Stored) -> None:
    if stored != first:
        raise EvidenceError(
            "records-parquet-type",
            f"Column {column!r} of the records {name!r} is stored as {stored.type} in {file} and as {first.type} in "
            "files before it.",
            "Write all files with the same types.",
            file=str(file),
            column=column,
        )


def _check_values(
    engine: Engine,
    name: str,
    file: Path,
    link: Path,
    source: RecordSource,
    places: Mapping[str, str],
    stored: Mapping[str, _Stored],
) -> int:
    """Reads the columns whose type does not prove that their values fit; how many records the file has."""
    faults = {
        column: fault
        for column, place in places.items()
        if (fault := _fault(source.columns[column], stored[place].type, _name(place)))
    }
    table = f"FROM read_parquet({_text(str(link))}, hive_partitioning = false)"
    chosen = ", ".join(["count(*)", *(f"count(*) FILTER (WHERE {fault})" for fault in faults.values())])
    try:
        [(rows, *counts)] = engine.rows(f"SELECT {chosen} {table}")
    except EvidenceError as error:
        raise _malformed(name, file, error) from error
    for (column, fault), count in zip(faults.items(), counts, strict=True):
        if count:
            numbered = table.replace("hive_partitioning", "file_row_number = true, hive_partitioning")
            found = engine.rows(
                f"SELECT file_row_number, CAST({_name(places[column])} AS VARCHAR) {numbered} WHERE {fault} "
                "ORDER BY file_row_number LIMIT 1"
            )
            if not found:
                raise _malformed(name, file)
            [(position, value)] = found
            declared = source.columns[column]
            form = f"{declared.digits} digits, {declared.scale} of them after the point"
            raise EvidenceError(
                "records-malformed-value",
                f"{count} values of column {column!r} in the records {name!r} ({file}) are not exactly of the declared "
                f"type {declared.type}{f' ({form})' if declared.type == 'decimal' else ''}; the first is "
                f"{str(value)[:60]!a} in record {int(str(position)) + 1}.",
                "Correct the records, or widen the column's declaration.",
                file=str(file),
                column=column,
                count=count,
            )
    return int(str(rows))


def _fault(declared: Column, stored: str, column: str) -> str | None:
    """SQL that holds for a value which a cast to the declared type would change or refuse; None if none can."""
    whole = (declared.digits or 0) - declared.scale
    match declared.type:
        case "decimal" if stored == "DOUBLE":
            cast = f"TRY_CAST({column} AS DECIMAL({declared.digits},{declared.scale}))"
            return f"{column} IS NOT NULL AND ({cast} IS NULL OR CAST({cast} AS DOUBLE) <> {column})"
        case "decimal":
            found = _DECIMAL.fullmatch(stored)
            possible = int(found[1]) - int(found[2]) if found else _WHOLE[stored]
            return f"{column} >= {10**whole} OR {column} <= -{10**whole}" if possible > whole else None
        case "text":
            return f"contains({column}, chr(0))"
        case "wall" | "instant":
            type_, zone = ("TIMESTAMP", "") if declared.type == "wall" else ("TIMESTAMPTZ", "+00")
            return (
                f"{column} < {type_} '1000-01-01 00:00:00{zone}' OR "
                f"{column} > {type_} '9999-12-31 23:59:59.999999{zone}'"
            )
        case _:
            return None


def _malformed(name: str, file: Path, error: EvidenceError | None = None) -> EvidenceError:
    """The error for a file that the engine cannot read, or that says one thing in its statistics and another in its
    values."""
    if error is not None and error.code != "engine-failed":
        return error
    return EvidenceError(
        "records-malformed-parquet",
        f"The records {name!r} in {file} cannot be read as Parquet.",
        "Write the file again; it may be cut off, damaged, encrypted, or of another format.",
        file=str(file),
        engine=error.details.get("engine") if error else None,
    )


def _text(value: str) -> str:
    doubled = value.replace("'", "''")
    return f"'{doubled}'"


def _name(column: str) -> str:
    doubled = column.replace('"', '""')
    return f'"{doubled}"'
