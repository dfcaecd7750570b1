"""Whether records come steadily: times without any, and records that stand before their turn in a file.

Times without records are found in one pass and without sorting the records: the term is cut into stretches, an engine
gives the first and last record of each, and a time longer than a stretch must lie between two of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from sqlglot import exp

from pyoutcome.evidence.engines.engine import Engine
from pyoutcome.evidence.findings import Finding
from pyoutcome.evidence.measures.conditions import Column
from pyoutcome.evidence.measures.moments import micros_of, show_micros
from pyoutcome.evidence.measures.plan import ScanPlan, SourcePlan
from pyoutcome.evidence.quality.plausibility import is_usual
from pyoutcome.evidence.queries.building import Builder, Frame
from pyoutcome.evidence.queries.trees import count, disjunction, is_null, paren, search
from pyoutcome.evidence.staged import StagedRecords

SECOND: Final = 1_000_000
STRETCHES: Final = 500
"""Into so many the shortest period is cut, unless the agreement says how long a gap may be. Shorter gaps are not
looked for."""

Span = tuple[int, int]
"""From and to, in microseconds since 1970 by the clocks of the anchor."""


@dataclass(frozen=True)
class Steadiness:
    """When the records of a source come, by one anchor."""

    source: str
    anchor: Column
    declared: int | None
    """The longest time that the agreement allows without a record, in microseconds."""
    stretch: int
    """Every time without a record that is longer than this is known, in microseconds."""
    periods: Sequence[Span]
    gaps: Sequence[Span]
    """The times without a record, in their order; each that is longer than a stretch."""


def read_steadiness(engine: Engine, frame: Frame, plan: SourcePlan, scan: ScanPlan) -> Steadiness:
    """The times without records of the scan's anchor within the term."""
    kind, zone = scan.anchor.type.kind, scan.zone
    spans = [(micros_of(each.start, kind, zone), micros_of(each.end, kind, zone)) for each in frame.periods]
    quality = plan.source.quality
    declared = None if quality is None or quality.gap is None else quality.gap * SECOND
    stretch = declared or max(min(end - start for start, end in spans) // STRETCHES, 1)
    start, end = spans[0][0], spans[-1][1]
    found = sorted(
        tuple(None if cell is None else int(str(cell)) for cell in row)
        for row in engine.rows(_gaps_query(frame, plan, scan, start, stretch))
    )
    gaps: list[Span] = []
    for place, first, last, following in found:
        assert place is not None and first is not None and last is not None  # noqa: S101, PT018 (of records)
        if place == 1:
            gaps.append((start, start + first))
        gaps.append((start + last, end if following is None else start + following))
    return Steadiness(plan.name, scan.anchor, declared, stretch, spans, gaps)


def _gaps_query(frame: Frame, plan: SourcePlan, scan: ScanPlan, start: int, stretch: int) -> exp.Select:
    """One row for each stretch after which nothing comes for longer than a stretch, and the first: its place, the first
    and last time in it and the first after it, in microseconds from the start."""
    builder = Builder(frame, plan, scan)
    since = paren(exp.Sub(this=frame.dialect.microseconds(builder.anchor()), expression=exp.Literal.number(start)))
    inside = [builder.since(frame.periods[0].start), builder.before(frame.periods[-1].end)]
    times = exp.select(exp.alias_(since, "at")).from_(plan.table).where(*inside).subquery("times")
    at, first, last = exp.column("at"), exp.column("first"), exp.column("last")
    part = paren(exp.Sub(this=at, expression=paren(exp.Mod(this=at.copy(), expression=exp.Literal.number(stretch)))))
    stretches = (
        exp.select(exp.alias_(exp.Min(this=at.copy()), "first"), exp.alias_(exp.Max(this=at.copy()), "last"))
        .from_(times)
        .group_by(part)
        .subquery("stretches")
    )

    def over(function: exp.Expr) -> exp.Expr:
        return exp.Window(this=function, order=exp.Order(expressions=[exp.Ordered(this=first.copy(), desc=False)]))

    listed = exp.select(
        first.copy(),
        last,
        exp.alias_(over(exp.RowNumber()), "place"),
        exp.alias_(over(exp.Lead(this=first.copy())), "following"),
    ).from_(stretches)
    following = exp.column("following")
    between = paren(exp.Sub(this=following.copy(), expression=last.copy()))
    wanted = [
        paren(exp.column("place").eq(1)),
        is_null(following.copy()),
        paren(exp.GT(this=between, expression=exp.Literal.number(stretch))),
    ]
    return (exp.select("place", first.copy(), last.copy(), following).from_(listed.subquery("listed"))).where(
        disjunction(wanted)
    )


def find_gaps(steady: Steadiness, period: int, things: Mapping[int, int]) -> Iterator[Finding]:
    """The finding on a period in which nothing came for too long; ``things`` by period.

    Too long is what the agreement says, else more than twice the longest time of all earlier periods.
    """
    if not things.get(period, 0):
        return  # the whole period lacks records, which is a finding of its own
    limit = steady.declared
    if limit is None:
        if not is_usual(things, period):
            return
        before = [_length(each) for number in range(1, period) for each in _within(steady, number)]
        limit = 2 * max(steady.stretch, *before)
    found = [each for each in _within(steady, period) if _length(each) > limit]
    if not found:
        return
    longest = max(found, key=_length)
    start, end = (show_micros(micros, steady.anchor.type.kind) for micros in longest)
    than = "the agreement allows" if steady.declared is not None else "twice the longest time of before"
    yield Finding(
        "records-gap",
        steady.source,
        len(found),
        f"No record of {steady.source} has its {steady.anchor.name} between {start} and {end} in period {period}: "
        f"{_show(_length(longest))}, more than {than}, {_show(limit if steady.declared else limit // 2)}.",
    )


def _within(steady: Steadiness, period: int) -> list[Span]:
    start, end = steady.periods[period - 1]
    cut = ((max(low, start), min(high, end)) for low, high in steady.gaps)
    return [(low, high) for low, high in cut if low < high]


def _length(span: Span) -> int:
    return span[1] - span[0]


def _show(micros: int) -> str:
    """A length of time in days, hours, minutes and seconds, toward zero."""
    parts, rest = [], micros // SECOND
    for name, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        number, rest = divmod(rest, size)
        if number:
            parts.append(f"{number} {name}")
    return " ".join(parts) or "less than 1 s"


def find_disorder(engine: Engine, plan: SourcePlan, staged: StagedRecords) -> tuple[Finding, ...]:
    """The finding on records that stand in a file after one with a later time, where the agreement expects an order.

    Only neighbours of one file are compared: the names of files, and so their order, mean nothing.
    """
    order = None if plan.source.quality is None else plan.source.quality.order
    if order is None:
        return ()
    dialect = engine.dialect
    time = dialect.microseconds(dialect.lower(Column(order, plan.types[order]), plan.columns))
    position = exp.column("position")
    ends = [exp.Literal.number(end) for end in accumulate(file.rows for file in staged.digest.files[:-1])]
    file = search(
        ends, lambda end: paren(exp.LT(this=position.copy(), expression=end)), list(range(len(ends) + 1))
    )  # fmt: skip
    before = exp.Window(
        this=exp.Lag(this=exp.column("at")),
        partition_by=[exp.column("file")],
        order=exp.Order(expressions=[exp.Ordered(this=position.copy(), desc=False)]),
    )
    placed = exp.select(position, exp.alias_(time, "at"), exp.alias_(file, "file")).from_(plan.table)
    pairs = exp.select("at", exp.alias_(before, "earlier")).from_(placed.subquery("placed")).subquery("pairs")
    early = paren(exp.LT(this=exp.column("at"), expression=exp.column("earlier")))
    [(found,)] = engine.integers(exp.select(count(early)).from_(pairs))
    if not found:
        return ()
    text = f"{found} records of {plan.name} stand in their file after one with a later {order}."
    return (Finding("records-out-of-order", plan.name, found, text),)
