"""Whether records and measures fit together, and leave nothing open that would change a value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pyoutcome.errors import AgreementError, did_you_mean
from pyoutcome.terms.calendar import read_moment
from pyoutcome.terms.clause_checks import Problem
from pyoutcome.terms.clock_checks import clock_problems
from pyoutcome.terms.file import AgreementFile
from pyoutcome.terms.kpis import Kpi
from pyoutcome.terms.measures import (
    Column,
    Count,
    DistinctCount,
    LateRule,
    Measure,
    Ratio,
    RecordSource,
    TimeShare,
    ValuedMeasure,
    Versions,
)
from pyoutcome.terms.problems import Path
from pyoutcome.terms.quality_rules import quality_problems

_TIMES = ("instant", "wall")
_ORDERED = ("text", "decimal", "instant", "wall")


def source_problems(path: Path, source: RecordSource) -> Iterator[Problem]:
    """What is wrong with the declaration of a source of records."""
    for name, column in source.columns.items():
        yield from _column((*path, "columns", name), column)
    yield from _columns((*path, "key"), source.key, source, (*_ORDERED, "boolean"))
    if source.duplicates is None:
        yield (
            path,
            _ambiguous(
                "What if two records have the same key",
                "Write 'duplicates: refuse', or 'duplicates: collapse' to count records equal in every declared column "
                "once.",
                "duplicates",
            ),
        )
    if source.late is None:
        yield (
            path,
            _ambiguous(
                "Does a record count that arrives long after the period",
                "Write 'late: counts', or 'late: {column: ..., within: 5 days}' with the column that says when it was "
                "received.",
                "late",
            ),
        )
    elif isinstance(source.late, LateRule):
        yield from _columns((*path, "late", "column"), [source.late.column], source, _TIMES, single=True)
    yield from quality_problems(path, source)


def window_problems(file: AgreementFile) -> Iterator[Problem]:
    """What is wrong with the times that measures may leave out."""
    for name, windows in (file.windows or {}).items():
        for place, window in enumerate(windows):
            path = ("windows", name, place)
            try:
                rising = read_moment(window.from_, file.term.zone) < read_moment(window.to, file.term.zone)
            except AgreementError as error:
                yield path, error
                continue
            if not rising:
                yield (
                    path,
                    AgreementError(
                        "bad-window", "The window ends before it begins, or is empty.", "Write 'from' first."
                    ),
                )


def measure_problems(path: Path, kpi: Kpi, file: AgreementFile) -> Iterator[Problem]:
    """What is wrong with a KPI's measure, and every question it leaves open."""
    measure = kpi.measure
    if measure is None:
        return
    if kpi.choices is not None or kpi.type != "number":
        yield path, _bad("Only a number can be measured.", "Delete the measure or the KPI's type.")
    source = file.records.get(measure.records)
    if source is None:
        yield (
            (*path, "records"),
            AgreementError(
                "unknown-records",
                f"There are no records called {measure.records!r}.",
                did_you_mean(measure.records, file.records),
            ),
        )
        return
    yield from _columns((*path, "anchor"), [measure.anchor], source, _TIMES, single=True)
    yield from _provider(path, kpi, measure, source)
    yield from _exclusions((*path, "except"), measure, source, file)
    if isinstance(measure, TimeShare):
        yield from _time_share(path, measure, source, file)
    else:
        yield from _grain(path, measure.grain, source)
    if isinstance(measure, DistinctCount):
        yield from _columns((*path, "of"), [measure.of], source, _ORDERED, single=True)
    yield from _questions(path, measure)
    yield from clock_problems(path, measure, source, file)


def _column(path: Path, column: Column) -> Iterator[Problem]:
    decimal = column.type == "decimal"
    if decimal and column.digits is None:
        yield (
            path,
            AgreementError(
                "missing-key", "A decimal column needs its number of digits.", "Add 'digits: ...'.", key="digits"
            ),
        )
    elif decimal and column.digits is not None and column.scale > column.digits:
        yield (
            (*path, "scale"),
            AgreementError(
                "bad-column", "More digits behind the point than digits at all.", "Count all digits under 'digits'."
            ),
        )
    elif not decimal and (column.digits is not None or column.scale):
        yield (
            path,
            AgreementError(
                "bad-column", f"A {column.type} column has no digits.", "Delete 'digits' and 'scale', or use decimal."
            ),
        )
    if column.zone is not None and column.type != "wall":
        yield (
            (*path, "zone"),
            AgreementError(
                "bad-column",
                f"A {column.type} column has no zone of its own.",
                "Delete the zone; only a wall column is read in one.",
            ),
        )


def _provider(path: Path, kpi: Kpi, measure: Measure, source: RecordSource) -> Iterator[Problem]:
    if measure.provider is None and kpi.per == "provider":
        yield (
            path,
            AgreementError(
                "missing-key",
                "A KPI per provider needs the column that names the provider.",
                "Add 'provider: ...' with its name.",
                key="provider",
            ),
        )
    elif measure.provider is not None and kpi.per == "agreement":
        yield (
            (*path, "provider"),
            _bad("A KPI of the whole agreement has no provider column.", "Delete the key or add 'per: provider'."),
        )
    elif measure.provider is not None:
        yield from _columns((*path, "provider"), [measure.provider], source, ("text",), single=True)


def _grain(path: Path, grain: object, source: RecordSource) -> Iterator[Problem]:
    if isinstance(grain, Versions):
        place = (*path, "grain")
        yield from _columns((*place, "item"), grain.item, source, _ORDERED)
        yield from _columns((*place, "by"), grain.by, source, _ORDERED)
        if grain.version is None:
            yield (
                place,
                _ambiguous(
                    "Which of an item's records counts",
                    "Write 'version: latest' or 'version: earliest'.",
                    "version",
                ),
            )
        if not grain.by:
            yield (
                place,
                _ambiguous(
                    "What orders an item's records", "Write 'by: [...]' with columns, most important first.", "by"
                ),
            )
    elif grain is None and len(source.key) > 1:
        yield (
            path,
            _ambiguous(
                "What is one counted thing: a record, or an item that several records are versions of",
                "Write 'grain: record', or 'grain: {item: [...], version: latest, by: [...]}'.",
                "grain",
            ),
        )


def _exclusions(path: Path, measure: Measure, source: RecordSource, file: AgreementFile) -> Iterator[Problem]:
    left_out = measure.except_
    if left_out is None:
        return
    windows = file.windows or {}
    for place, name in enumerate(left_out.windows):
        if name not in windows:
            yield (
                (*path, "windows", place),
                AgreementError(
                    "unknown-window",
                    f"There are no windows called {name!r}.",
                    did_you_mean(name, windows),
                ),
            )
    yield from _columns((*path, "flags"), left_out.flags, source, ("boolean",))
    if not left_out.windows and not left_out.flags:
        yield path, _bad("Nothing is left out here.", "Name windows or flags, or delete 'except'.")


def _time_share(path: Path, measure: TimeShare, source: RecordSource, file: AgreementFile) -> Iterator[Problem]:
    yield from _columns((*path, "item"), measure.item, source, _ORDERED)
    if measure.ties is not None:
        yield from _columns((*path, "ties"), [measure.ties], source, _ORDERED, single=True)
    anchor = source.columns.get(measure.anchor)
    if anchor is not None and anchor.type == "wall" and (anchor.zone or file.term.zone) != "UTC":
        yield (
            path,
            _ambiguous(
                "How long is an hour that clocks strike twice or skip",
                "Anchor a time_share on an instant, or on a wall column with 'zone: UTC'.",
                "anchor",
            ),
        )


def _questions(path: Path, measure: Measure) -> Iterator[Problem]:
    if isinstance(measure, Ratio) and measure.denominator is None:
        yield (
            path,
            _ambiguous(
                "Per what is the share",
                "Write 'denominator: everything', or a condition on what is counted below the line.",
                "denominator",
            ),
        )
    if isinstance(measure, ValuedMeasure) and measure.missing is None:
        yield (
            path,
            _ambiguous(
                "What becomes of a thing whose value is missing",
                "Write 'missing: skip', 'missing: refuse', or the number that stands in.",
                "missing",
            ),
        )
    if not isinstance(measure, Count | DistinctCount) and measure.rounding is None:
        yield (
            path,
            _ambiguous(
                "How is the value rounded to the KPI's decimals",
                "Write 'rounding: half_up' or another mode.",
                "rounding",
            ),
        )


def _columns(
    path: Path, names: Sequence[str], source: RecordSource, types: Sequence[str], *, single: bool = False
) -> Iterator[Problem]:
    for place, name in enumerate(names):
        here = path if single else (*path, place)
        column = source.columns.get(name)
        if column is None:
            yield (
                here,
                AgreementError(
                    "unknown-column",
                    f"The records have no column {name!r}.",
                    did_you_mean(name, source.columns),
                    name=name,
                ),
            )
        elif name in names[:place]:
            yield here, AgreementError("bad-column", f"The column {name!r} stands twice here.", "Name it once.")
        elif column.type not in types:
            yield (
                here,
                _bad(f"The column {name!r} is of type {column.type}.", f"Name a column of type {' or '.join(types)}."),
            )


def _bad(why: str, fix: str) -> AgreementError:
    return AgreementError("bad-measure", why, fix)


def _ambiguous(question: str, fix: str, key: str) -> AgreementError:
    return AgreementError("measure-ambiguous", f"One question stays open: {question}?", fix, key=key)
