"""A comparison as a document: what screens, Markdown, HTML, DOCX and PDF are made from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Final

from pyoutcome.decimals import show_grouped
from pyoutcome.legal.document.tree import (
    Block,
    Column,
    Document,
    Fields,
    Heading,
    Paragraph,
    Run,
    Runs,
    Table,
    code,
    runs,
    strong,
)

if TYPE_CHECKING:
    from pyoutcome.legal.comparison.clauses import Rereading, ThingChange
    from pyoutcome.legal.comparison.comparing import Comparison, Version
    from pyoutcome.legal.comparison.extremes import Span, SpanChange
    from pyoutcome.legal.comparison.payments import Payment, Payments
    from pyoutcome.legal.comparison.rules import RuleChange
    from pyoutcome.legal.comparison.shapes import FindingChange, ShapeChange
    from pyoutcome.legal.comparison.wording import Stretch

_NONE: Final = "none"
_KINDS: Final = {"changed": "Changed", "added": "New", "removed": "Left out"}
_SIDES: Final = {"before": "old", "after": "new"}


def make_report(comparison: Comparison) -> Document:
    """The comparison as a document; equal comparisons give equal documents."""
    after = comparison.after
    facts = Fields((("Old", _version(comparison.before)), ("New", _version(after))))
    parts: list[tuple[str, list[Block]]] = [
        ("In short", [*_summary(comparison)]),
        ("What changed", [*tell_changes(comparison.changes)]),
        ("What only reads differently", [*tell_rereadings(comparison.rereadings)]),
        ("Least and most", [*_extremes(comparison)]),
        ("Payments on the given values", [*_payments(comparison)]),
        ("How payments move", [*_shapes(comparison.shapes), *_findings(comparison.findings)]),
    ]
    blocks: list[Block] = []
    told = [(heading, inner) for heading, inner in parts if inner]
    for number, (heading, inner) in enumerate(told, 1):
        blocks += [Heading(1, str(number), heading), *inner]
    running = f"{after.agreement}: 0x{comparison.before.digest.hex()[:8]} compared with 0x{after.digest.hex()[:8]}"
    return Document("Comparison", after.title, facts, tuple(blocks), running)


def _version(version: Version) -> Runs:
    return runs(f"{version.title} ({version.agreement}), digest ", code(f"0x{version.digest.hex()}"))


def _summary(comparison: Comparison) -> Iterator[Block]:
    if not comparison.changes:
        yield _say("The two files say the same: their digests are equal, and so is all that follows from them.")
        return
    for kind, words in (("changed", "Changed"), ("added", "New"), ("removed", "Left out")):
        named = [f"{each.title} ({each.key})" for each in comparison.changes if each.kind == kind]
        if named:
            yield _say(strong(f"{words}: "), f"{'; '.join(named)}.")
    client = comparison.extremes[-1]
    for span, what in ((client.period, "for a period"), (client.term, "over the whole term")):
        if span.before is not None and span.after is not None and span.before.most != span.after.most:
            was, now = _money(span.before.most), _money(span.after.most)
            yield _say(f"The most the client can owe {what} was {was} {comparison.before.symbol} and is now {now} "
                       f"{comparison.after.symbol}.")  # fmt: skip
    if comparison.payments is not None:
        for total in comparison.payments.totals():
            yield _say(_gain(total, comparison.after.symbol))


def _gain(total: Payment, symbol: str) -> str:
    if not total.change:
        return f"On the given values {total.provider} gets what it got."
    gains, loses = (total.provider, "the client") if total.change > 0 else ("the client", total.provider)
    return f"On the given values {gains} gains {_money(abs(total.change))} {symbol}, which {loses} loses."


def tell_changes(changes: Sequence[ThingChange]) -> Iterator[Block]:
    """Clause by clause, under the headings of the legal text."""
    for heading, group in groupby(changes, lambda each: each.heading):
        yield Heading(2, "", heading)
        for each in group:
            yield _name(f"{_KINDS[each.kind]}: {each.title}", each.key)
            yield from _words(each.stretches)
            if each.kind == "changed":
                yield _rules(each.rules)


def _rules(changes: Sequence[RuleChange]) -> Table:
    columns = (Column("In the file", wide=True), Column("old"), Column("new"))
    return Table(
        columns,
        tuple((runs(code(each.path)), _removed(each.before), _added(each.after)) for each in changes),
    )


def _removed(text: str | None) -> Runs:
    return runs(_NONE) if text is None else runs(Run(text, "removed"))


def _added(text: str | None) -> Runs:
    return runs(_NONE) if text is None else runs(Run(text, "added"))


def tell_rereadings(rereadings: Sequence[Rereading]) -> Iterator[Block]:
    """What only reads differently."""
    if rereadings:
        yield _say("The rules of these are as they were; their words mention something that changed.")
    for each in rereadings:
        yield _name(each.title, each.key)
        yield from _words(each.stretches)


def _words(stretches: Iterable[Stretch]) -> Iterator[Block]:
    """The words with what went and what came marked; of several lines only those where something did."""
    lines: list[list[Run]] = [[]]
    for stretch in stretches:
        if not stretch.same and stretch.before.strip():
            lines[-1].append(Run(stretch.before.strip("\n"), "removed"))
            if stretch.after.strip() and not stretch.before[-1:].isspace():
                lines[-1].append(Run(" "))
        for at, text in enumerate(stretch.after.split("\n")):
            if at:
                lines.append([])
            if text:
                lines[-1].append(Run(text, "plain" if stretch.same or not text.strip() else "added"))
    marked = [line for line in lines if any(run.style != "plain" for run in line)]
    yield from (Paragraph(tuple(line)) for line in marked)


def _extremes(comparison: Comparison) -> Iterator[Block]:
    yield _say(
        "What each provider can be owed, and the client can owe in all, at the least and at the most: proven from the "
        "ranges of the KPIs. A negative amount is owed by the provider."
    )
    columns = (
        Column("Who"),
        Column("When", wide=True),
        *(Column(each, "right", money=True) for each in _columns(comparison)),
    )
    rows: list[tuple[Runs, ...]] = []
    for each in comparison.extremes:
        who = each.provider or "client, in all"
        rows.append((runs(who), runs("a period"), *_spans(each.period)))
        if len(each.periods) > 1:
            for part in each.periods:
                when = f"period {part.first}" + (f" to {part.last}" if part.last > part.first else "")
                rows.append((runs(who), runs(when), *_spans(part.change)))
        rows.append((runs(who), runs("the whole term"), *_spans(each.term)))
    yield Table(columns, tuple(rows))


def _columns(comparison: Comparison) -> tuple[str, ...]:
    was, now = comparison.before.symbol, comparison.after.symbol
    return f"least, old ({was})", f"least, new ({now})", f"most, old ({was})", f"most, new ({now})"


def _spans(change: SpanChange) -> tuple[Runs, ...]:
    def end(span: Span | None, which: str) -> str:
        return _NONE if span is None else _money(span.least if which == "least" else span.most)

    cells: list[Runs] = []
    for which in ("least", "most"):
        was, now = end(change.before, which), end(change.after, which)
        cells += [runs(was), runs(now if was == now else strong(now))]
    return tuple(cells)


def _payments(comparison: Comparison) -> Iterator[Block]:
    found = comparison.payments
    if found is None:
        return
    yield from _by_period(found, comparison.after.symbol)
    if found.clauses:
        columns = (Column("Clause", wide=True), Column("Provider"),
                   *(Column(each, "right", money=True) for each in ("old", "new", "change")))  # fmt: skip
        rows = [
            (
                runs(each.clause),
                runs(each.provider),
                runs(_money(each.before)),
                runs(_money(each.after)),
                runs(_signed(each.change)),
            )
            for each in found.clauses
        ]
        yield Table(columns, tuple(rows), runs("By clause, over the periods that both settle"))
    for refusal in found.refused:
        yield _say(f"The {_SIDES[refusal.side]} agreement gives no amounts for period {refusal.period}: {refusal.why}")
    if found.missing:
        yield _say(
            f"No value was given of {', '.join(found.missing)}: what the agreement lets stand in for a missing value "
            "counted."
        )


def _by_period(found: Payments, symbol: str) -> Iterator[Block]:
    columns = (
        Column("Period", "right"),
        Column("Provider", wide=True),
        *(Column(each, "right", money=True) for each in (f"old, {symbol}", f"new, {symbol}", "change")),
        Column("who gains"),
    )
    totals = found.totals()
    rows = [
        (
            runs(str(each.period) if each.period else "all"),
            runs(each.provider),
            runs(_NONE if each.before is None else _money(each.before)),
            runs(_NONE if each.after is None else _money(each.after)),
            runs("" if each.change is None else _signed(each.change)),
            runs(each.provider if each.gains == "provider" else each.gains or ""),
        )
        for each in (*found.payments, *totals)
    ]
    yield Table(columns, tuple(rows), totals=len(totals))


def _shapes(shapes: Sequence[ShapeChange]) -> Iterator[Block]:
    if not shapes:
        return
    columns = (Column("KPI and amount"), Column("no longer", wide=True), Column("now", wide=True))
    rows = [(runs(_subject(each)), *(runs("; ".join(said)) for said in (each.gone, each.new))) for each in shapes]
    yield Table(columns, tuple(rows))


def _subject(each: ShapeChange) -> str:
    same = all(kpi.endswith(f".{payee}") for kpi, payee in zip(each.kpis, each.payees, strict=True))
    if same:
        return ", ".join(each.kpis)
    return ", ".join(f"{kpi}, amount of {payee or 'all'}" for kpi, payee in zip(each.kpis, each.payees, strict=True))


def _findings(findings: Sequence[FindingChange]) -> Iterator[Block]:
    for each in findings:
        yield _name(f"{each.severity.capitalize()} {each.code}", each.where)
        if each.gone is not None:
            yield _say("no longer: ", Run(each.gone, "removed"))
        if each.new is not None:
            yield _say("now: ", Run(each.new, "added"))


def _name(title: str, key: str | None) -> Paragraph:
    """What the next paragraphs are about."""
    return Paragraph(runs(strong(title), *((" ", code(key)) if key else ())), leads=True)


def _say(*parts: str | Run) -> Paragraph:
    return Paragraph(runs(*parts))


def _money(scaled: int) -> str:
    return show_grouped(scaled, 2)


def _signed(scaled: int) -> str:
    return f"+{_money(scaled)}" if scaled > 0 else _money(scaled)
