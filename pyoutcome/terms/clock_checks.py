"""Whether records whose time a clock shows fall on one side of every moment that a measure compares them with.

In autumn clocks strike an hour twice. What they show then does not say whether it was before or after a moment inside
that hour, so a period or window that begins or ends there has no one set of such records, and may have none at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from pyoutcome.errors import AgreementError
from pyoutcome.terms.calendar import Period, compute_periods, order_is_clear, read_moment, read_zone
from pyoutcome.terms.clause_checks import Problem
from pyoutcome.terms.file import AgreementFile
from pyoutcome.terms.measures import LateRule, Measure, RecordSource
from pyoutcome.terms.problems import Path


def clock_problems(path: Path, measure: Measure, source: RecordSource, file: AgreementFile) -> Iterator[Problem]:
    """The first moment of a measure that the records' clocks strike twice; nothing where another check refuses more."""
    try:
        periods = compute_periods(file.term)
        anchored = [*_boundaries(periods), *_edges(measure, file)]
    except AgreementError:
        return
    yield from _unclear((*path, "anchor"), measure.anchor, source, file, anchored, inclusive=False)
    if isinstance(source.late, LateRule):
        after = source.late.within
        deadlines = [(period.end + after, f"the deadline for records of period {period.number}") for period in periods]
        here = ("records", measure.records, "late", "column")
        yield from _unclear(here, source.late.column, source, file, deadlines, inclusive=True)


def _boundaries(periods: tuple[Period, ...]) -> Iterator[tuple[int, str]]:
    for period in periods:
        yield period.start, f"the start of period {period.number}"
    yield periods[-1].end, "the end of the last period"


def _edges(measure: Measure, file: AgreementFile) -> Iterator[tuple[int, str]]:
    for name in measure.except_.windows if measure.except_ else ():
        for window in (file.windows or {}).get(name, ()):
            for moment in (window.from_, window.to):
                yield read_moment(moment, file.term.zone), f"an edge of the window {name!r}"


def _unclear(
    path: Path,
    name: str,
    source: RecordSource,
    file: AgreementFile,
    moments: list[tuple[int, str]],
    *,
    inclusive: bool,
) -> Iterator[Problem]:
    column = source.columns.get(name)
    if column is None or column.type != "wall":
        return
    zone = column.zone or file.term.zone
    for seconds, what in moments:
        if order_is_clear(seconds, read_zone(zone), inclusive=inclusive):
            continue
        moment = datetime.fromtimestamp(seconds, UTC)
        shown = moment.astimezone(read_zone(zone)).strftime("%Y-%m-%d %H:%M:%S")
        yield (
            path,
            AgreementError(
                "measure-ambiguous",
                f"One question stays open: Is a record before or after {what}, {moment:%Y-%m-%dT%H:%M:%SZ}, if its "
                f"time is about {shown} in {zone}, which clocks there strike twice on that day?",
                "Take a column of type instant or a wall column of a zone whose clocks do not change then, or move "
                "the period, window or deadline out of that hour.",
                key=str(path[-1]),
            ),
        )
        return
