"""What is wrong or remarkable in the records: findings that are shown and kept, and faults that stop a measure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from sqlglot import exp

from pyoutcome.decimals import show
from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.engines.engine import Engine
from pyoutcome.evidence.findings import Finding
from pyoutcome.evidence.measures.plan import ItemPlan, MeasurePlan, ScanPlan, SourcePlan, StatePlan
from pyoutcome.evidence.queries.building import NO_ANCHOR, NO_PROVIDER, OUTSIDE_TERM, Frame
from pyoutcome.evidence.queries.scans import strays_query, ties_query
from pyoutcome.evidence.queries.states import state_strays_query
from pyoutcome.evidence.queries.trees import conjunction, count, disjunction, is_null
from pyoutcome.evidence.staged import StagedRecords
from pyoutcome.evidence.values import Figures

if TYPE_CHECKING:
    from pyoutcome.terms.kpis import AgreementKpi


def settle_keys(engine: Engine, plan: SourcePlan, staged: StagedRecords) -> SourcePlan:
    """Every record has a complete key of its own; the plan to go on with.

    Where the agreement collapses copies, that plan reads each record once. Raises EvidenceError
    ``records-without-key`` or ``records-duplicate``, naming the first records concerned. A record without a key could
    be a second copy that nobody can tell.
    """
    _check_complete(engine, plan, staged)
    if plan.source.duplicates == "collapse":
        once = plan.renamed(f"{plan.table}_once")
        engine.define(
            once.table,
            exp.select(exp.alias_(exp.Min(this=exp.column("position")), "position"), *plan.columns.values())
            .from_(plan.table)
            .group_by(*plan.columns.values()),
        )
        plan = once
    _check_unique(engine, plan, staged)
    return plan


def _check_complete(engine: Engine, plan: SourcePlan, staged: StagedRecords) -> None:
    lacking = disjunction(is_null(exp.column(plan.columns[name])) for name in plan.key)
    [(without,)] = engine.integers(exp.select(count(lacking)).from_(plan.table))
    if not without:
        return
    [(first,)] = engine.rows(exp.select(exp.Min(this=exp.column("position"))).from_(plan.table).where(lacking))
    raise EvidenceError(
        "records-without-key",
        f"{without} records of {plan.name!r} in {staged.origin} lack part of their key "
        f"({', '.join(plan.key)}){'' if first is None else f'; the first is {staged.place_of(_whole(first))}'}.",
        "Complete the records, or choose a key that every record has.",
        file=str(staged.origin),
        count=without,
    )


def _check_unique(engine: Engine, plan: SourcePlan, staged: StagedRecords) -> None:
    keys = [exp.column(plan.columns[name]) for name in plan.key]
    more = exp.GT(this=count(), expression=_number(1))
    twice = exp.select(exp.alias_(_number(1), "one")).from_(plan.table).group_by(*keys).having(more)
    [(groups,)] = engine.integers(exp.select(count()).from_(twice.subquery("twice")))
    if not groups:
        return
    # Where they stand is only looked for once they are there: it would cost all others half as much again.
    first = exp.alias_(exp.Min(this=exp.column("position")), "first")
    places = exp.select(first).from_(plan.table).group_by(*keys).having(more.copy())
    [(found,)] = engine.rows(exp.select(exp.Min(this=exp.column("first"))).from_(places.subquery("twice")))
    raise EvidenceError(
        "records-duplicate",
        f"{groups} keys ({', '.join(plan.key)}) stand more than once in the records {plan.name!r} in "
        f"{staged.origin}{_pair(engine, plan, staged, found)}.",
        "Remove the copies: the agreement refuses two records with one key."
        if plan.source.duplicates == "refuse"
        else "Find out which is right: the agreement counts records once only if they are equal in every column.",
        file=str(staged.origin),
        count=groups,
    )


def _pair(engine: Engine, plan: SourcePlan, staged: StagedRecords, first: object) -> str:
    """Words for the first two records with one key, where the engine knows positions."""
    if first is None:
        return ""
    here, there = exp.column("position", table="a"), exp.column("position", table="b")
    same = conjunction(
        exp.Paren(this=exp.column(plan.columns[name], table="a").eq(exp.column(plan.columns[name], table="b")))
        for name in plan.key
    )
    start = _number(_whole(first))
    [(second,)] = engine.rows(
        exp.select(exp.Min(this=there))
        .from_(exp.alias_(exp.to_table(plan.table), "a", table=True))
        .join(exp.alias_(exp.to_table(plan.table), "b", table=True), on=same)
        .where(here.eq(start.copy()), exp.GT(this=there.copy(), expression=start))
    )
    return f"; the first pair is {staged.place_of(_whole(first))} and {staged.place_of(_whole(second))}"


def check_ties(engine: Engine, frame: Frame, plan: SourcePlan, scan: ScanPlan, tied: int) -> None:
    """Every item has one counted version. Raises EvidenceError ``versions-tied``."""
    if not tied or not isinstance(scan.grain, ItemPlan):
        return
    [first, *_] = engine.rows(ties_query(frame, plan, scan, scan.grain))
    named = ", ".join(
        f"{column.name} {str(cell)[:60]!a}" for column, cell in zip(scan.grain.columns, first, strict=True)
    )
    raise EvidenceError(
        "versions-tied",
        f"{tied} records of {plan.name!r} are as much the {scan.grain.version} of their item as another one, by "
        f"{', '.join(column.name for column in scan.grain.by)}; the first item is {named}.",
        "Order an item's records by more columns under 'grain', or correct the records.",
        source=plan.name,
        count=tied,
    )


def find_strays(
    engine: Engine, frame: Frame, plan: SourcePlan, scan: ScanPlan, things: Mapping[tuple[int, int], int]
) -> tuple[Finding, ...]:
    """Findings on records that no KPI of the scan counts; ``things`` are counted by period and provider index.

    Raises EvidenceError ``states-tied``.
    """
    name, anchor = plan.name, scan.anchor.name
    noun = "items" if isinstance(scan.grain, ItemPlan) else "records"
    late = itemless = early = 0
    without = _total(n for (period, _), n in things.items() if period == NO_ANCHOR)
    if isinstance(scan.grain, StatePlan):
        [(late, itemless, without, tied)] = engine.integers(state_strays_query(frame, plan, scan, scan.grain))
        if tied:
            raise EvidenceError(
                "states-tied",
                f"{tied} times in the records {name!r} two records of one item have the same {anchor}, and nothing "
                "says which state came last.",
                "Name a column under 'ties' that orders them, or correct the records.",
                source=name,
                count=tied,
            )
    elif scan.late is not None or not _surely_items(plan, scan):
        [(late, itemless, early)] = engine.integers(strays_query(frame, plan, scan))
    outside = _total(n for (period, _), n in things.items() if period == OUTSIDE_TERM)
    others = 0
    if scan.provider is not None:
        others = _total(n for (period, provider), n in things.items() if period > 0 and provider == NO_PROVIDER)
    named = "" if scan.provider is None else scan.provider.name
    found = [
        ("records-without-anchor", without, f"{without} {noun} of {name} have no {anchor} and belong to no period."),
        ("records-outside-term", outside, f"{outside} {noun} of {name} have {anchor} outside the agreement's term."),
        (
            "records-of-others",
            others,
            f"{others} {noun} of {name} within the term have a {named} that is no provider's.",
        ),
        ("records-late", late, f"{late} records of {name} are left out: received too late, or nobody knows when."),
        (
            "records-without-item",
            itemless,
            f"{itemless} records of {name} are left out: they lack what tells or orders items.",
        ),
    ]
    received = "" if scan.late is None else scan.late.received.name
    found.append((
        "received-before-anchor",
        early,
        f"{early} records of {name} were received ({received}) before their {anchor}: one of two clocks is wrong.",
    ))  # fmt: skip
    accepted = {"records-late": f"records.{name}.late"}
    return tuple(
        Finding(code, name, n, text, "accepted" if code in accepted else "warning", accepted.get(code))
        for code, n, text in found
        if n
    )


def _surely_items(plan: SourcePlan, scan: ScanPlan) -> bool:
    """Whether no record can lack what tells and orders items: keys are known to be complete."""
    grain = scan.grain
    return not isinstance(grain, ItemPlan) or {column.name for column in (*grain.columns, *grain.by)} <= set(plan.key)


def check_figures(kpi: str, period: int, plan: MeasurePlan, figures: Figures) -> None:
    """Nothing stops a value. Raises EvidenceError ``values-lacking`` or ``weights-negative``."""
    missing = getattr(plan.measure, "missing", None)
    lacking = figures.get("lacking") or 0
    if lacking and missing != "skip":
        raise EvidenceError(
            "values-lacking",
            f"{lacking} things that {kpi} counts in period {period} lack the number it needs, and the agreement stops "
            "the measurement then.",
            "Complete the records.",
            kpi=kpi,
            period=period,
            count=lacking,
        )
    negative = figures.get("negative") or 0
    if negative:
        raise EvidenceError(
            "weights-negative",
            f"{negative} things that {kpi} counts in period {period} have a weight below 0.",
            "Correct the records, or the weight in the agreement.",
            kpi=kpi,
            period=period,
            count=negative,
        )


def find_copies(engine: Engine, plan: SourcePlan, settled: SourcePlan) -> tuple[Finding, ...]:
    """The finding on records that are copies of others; ``settled`` reads each once."""
    if plan.table == settled.table:
        return ()
    [(whole,)] = engine.integers(exp.select(count()).from_(plan.table))
    [(once,)] = engine.integers(exp.select(count()).from_(settled.table))
    if whole == once:
        return ()
    text = f"{whole - once} records of {plan.name} equal another one in every declared column and count once with it."
    rule = f"records.{plan.name}.duplicates: collapse"
    return (Finding("records-collapsed", plan.name, whole - once, text, "accepted", rule),)


def values_skipped(kpi: AgreementKpi, figures: Figures) -> list[Finding]:
    """The finding on things without the number that a measure skips them for."""
    lacking = figures.get("lacking") or 0
    if not lacking:
        return []
    text = f"{lacking} things that {kpi.name} counts lack its number and are left out."
    return [Finding("values-skipped", kpi.name, lacking, text, "accepted", f"kpis.{kpi.kpi}.measure.missing: skip")]


def nothing_to_count(kpi: AgreementKpi) -> Finding:
    """The finding for a value that nothing counts for; accepted where the agreement has one that stands in."""
    text = f"{kpi.name} is missing: no record of the period counts for it."
    if kpi.declared.if_missing == "refuse":
        return Finding("nothing-to-count", kpi.name, 0, text)
    rule = f"kpis.{kpi.kpi}.if_missing: {kpi.declared.if_missing}"
    return Finding("nothing-to-count", kpi.name, 0, text, "accepted", rule)


def value_outside(kpi: AgreementKpi, raw: int) -> Finding:
    """The finding for a value outside its range, where the agreement says what it counts as."""
    span = f"outside its range of {show(kpi.low)} to {show(kpi.high)}"
    rule = f"kpis.{kpi.kpi}.outside: {kpi.declared.outside}"
    if kpi.declared.outside == "clamp":
        text = f"{kpi.name} is {show(raw)}, {span}, and counts as the nearer end."
        return Finding("value-clamped", kpi.name, 0, text, "accepted", rule)
    text = f"{kpi.name} is {show(raw)}, {span}, and counts as missing."
    return Finding("value-dropped", kpi.name, 0, text, "accepted", rule)


def _number(value: int) -> exp.Expr:
    return exp.Literal.number(value)


def _whole(cell: object) -> int:
    return int(str(cell))


def _total(counts: Iterable[int]) -> int:
    return sum(counts)
