"""Staged records into the engine: read as text by explicit rules, checked whole, then given their types.

Nothing is guessed: every column is read as text, a declared null word or an empty field is a missing value, and a value
that does not match its column's form in full is refused before any cast.
"""

from __future__ import annotations

from typing import Final

from pyoutcome.errors import EvidenceError, did_you_mean
from pyoutcome.evidence.columns import Kind
from pyoutcome.evidence.engine import Engine
from pyoutcome.evidence.lowering import quote
from pyoutcome.evidence.measures import SourcePlan
from pyoutcome.evidence.records import LONGEST_RECORD, StagedRecords

_SHOWN: Final = 40


def load_records(engine: Engine, plan: SourcePlan, staged: StagedRecords) -> None:
    """Makes the table of texts ``<table>_text`` and the typed view ``<table>`` of one file of records.

    Raises EvidenceError ``records-lack-column``, ``records-misread`` (the engine counts other records than the file
    has) or ``records-malformed-value``.
    """
    _load_texts(engine, plan, staged)
    _check_forms(engine, plan, staged)
    typed = ", ".join(
        column if plan.types[name].kind is Kind.TEXT else f"CAST({column} AS {plan.types[name].sql}) AS {column}"
        for name, column in plan.columns.items()
    )
    engine.rows(f"CREATE VIEW {plan.table} AS SELECT rowid AS position, {typed} FROM {plan.table}_text")


def _load_texts(engine: Engine, plan: SourcePlan, staged: StagedRecords) -> None:
    absent = [name for name in plan.columns if name not in staged.header]
    if absent:
        raise EvidenceError(
            "records-lack-column",
            f"The records {plan.name!r} in {staged.origin} have no column {absent[0]!r}.",
            did_you_mean(absent[0], staged.header),
            file=str(staged.origin),
            column=absent[0],
        )
    # The file's names never reach the engine: columns are read by position under our own names.
    ours = [plan.columns.get(name, f"unused_{place}") for place, name in enumerate(staged.header)]
    declared = ", ".join(f"{quote(name)}: 'VARCHAR'" for name in ours)
    words = ", ".join(quote(word) for word in plan.null_words)
    chosen = ", ".join(
        f"CASE WHEN {column} IN ({words}) THEN NULL ELSE {column} END AS {column}" if words else column
        for column in plan.columns.values()
    )
    # No `new_line`: given '\r\n', DuckDB 2.0.0 reads no record at all. With quotes in the file one thread reads it.
    engine.rows(
        f"CREATE TABLE {plan.table}_text AS SELECT {chosen} FROM read_csv({quote(str(staged.path))}, "
        f"auto_detect = false, header = true, columns = {{{declared}}}, delim = ',', quote = '\"', escape = '\"', "
        "nullstr = '', comment = '', strict_mode = true, null_padding = false, ignore_errors = false, "
        f"encoding = 'utf-8', compression = 'none', max_line_size = {LONGEST_RECORD + 2}, "
        f"parallel = {'false' if staged.quoted else 'true'})"
    )
    [(rows,)] = engine.counts(f"SELECT count(*) FROM {plan.table}_text")
    if rows != staged.digest.rows:
        raise EvidenceError(
            "records-misread",
            f"The engine read {rows} records of {plan.name!r} in {staged.origin}, which has {staged.digest.rows}.",
            "Export the records again, with one line ending throughout and no line breaks inside fields.",
            file=str(staged.origin),
        )


def _check_forms(engine: Engine, plan: SourcePlan, staged: StagedRecords) -> None:
    faults = {
        name: f"({column} IS NOT NULL AND (NOT regexp_full_match({column}, {quote(plan.types[name].form)}) "
        f"OR TRY_CAST({column} AS {plan.types[name].sql}) IS NULL))"
        for name, column in plan.columns.items()
        if plan.types[name].kind is not Kind.TEXT
    }
    if not faults:
        return
    counted = ", ".join(f"count(*) FILTER (WHERE {fault})" for fault in faults.values())
    [counts] = engine.counts(f"SELECT {counted} FROM {plan.table}_text")
    for (name, fault), count in zip(faults.items(), counts, strict=True):
        if count:
            [(position, value)] = engine.rows(
                f"SELECT rowid, {plan.columns[name]} FROM {plan.table}_text WHERE {fault} ORDER BY rowid LIMIT 1"
            )
            shown = str(value)
            raise EvidenceError(
                "records-malformed-value",
                f"{count} values of column {name!r} in the records {plan.name!r} ({staged.origin}) are not "
                f"{plan.types[name]}; the first is "
                f"{shown if len(shown) <= _SHOWN else shown[:_SHOWN] + '...'!a} in record {_number(position)}.",
                "Correct the records, widen the column's declaration, or add the word to 'null_words' if it means "
                "that the value is missing.",
                file=str(staged.origin),
                column=name,
                count=count,
            )


def _number(position: object) -> int:
    """Positions count from 0 inside, records from 1 for people."""
    return int(str(position)) + 1
