"""Two copies of the same records side by side, on any engine that can read both: which records differ, by key.

The copies may be files, two tables of one engine, or a file and a table. Records come in the order of their keys, so
that everybody is told the same ones first, whatever the engine and however the copies are sorted.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from pyoutcome.evidence.engines.engine import Engine, Limits
from pyoutcome.evidence.engines.opening import open_engine
from pyoutcome.evidence.engines.tables import with_digest
from pyoutcome.evidence.findings import show_cell
from pyoutcome.evidence.measures.columns import ColumnType, Kind
from pyoutcome.evidence.measures.conditions import Column
from pyoutcome.evidence.measures.moments import show_micros
from pyoutcome.evidence.measures.plan import ItemPlan, ScanPlan, SourcePlan, StatePlan
from pyoutcome.evidence.quality.faults import settle_keys
from pyoutcome.evidence.queries.building import Builder, Frame
from pyoutcome.evidence.queries.trees import conjunction, count, disjunction, is_null, paren
from pyoutcome.evidence.sources.records import Given, SourceDigest, StagedRecords, stage_records

if TYPE_CHECKING:
    from pyoutcome.terms.calendar import Period
    from pyoutcome.terms.measures import RecordFormat, RecordSource

_SUFFIXES: Final[Mapping[str, RecordFormat]] = {
    ".csv": "csv", ".json": "json", ".jsonl": "json", ".ndjson": "json", ".parquet": "parquet", ".zip": "csv",
}  # fmt: skip
"""What a file is taken for where the agreement speaks of a table."""


@dataclass(frozen=True)
class RecordDifference:
    """One record that the two copies tell differently."""

    key: tuple[tuple[str, str], ...]
    """Column and value of each part of the key."""
    yours: Mapping[str, str | None] | None
    """The verifier's values of the columns that differ (None: missing); None if it has no such record."""
    theirs: Mapping[str, str | None] | None
    """The supplier's."""

    def __str__(self) -> str:
        named = ", ".join(f"{column} {show_cell(value)}" for column, value in self.key)
        if self.yours is None:
            return f"record ({named}) is in the supplier's records only"
        if self.theirs is None:
            return f"record ({named}) is in your records only"
        told = "; ".join(
            f"{column} is {show_cell(value)} in your records and {show_cell(self.theirs.get(column))} in the supplier's"
            for column, value in self.yours.items()
        )
        return f"record ({named}): {told}"


@dataclass(frozen=True)
class Comparison:
    """What a comparison of two copies found."""

    theirs: SourceDigest | None
    """What identifies the supplier's copy as it is at hand; None if it is a table and the agreement speaks of files,
    whose digests have nothing in common."""
    count: int
    """Records that differ in a declared column."""
    of_part: int | None
    """Those among them that the KPI's value comes from; None if no KPI was asked about."""
    first: tuple[RecordDifference, ...]
    """The first of them: those that the KPI's value comes from before others, each by key."""


@dataclass(frozen=True)
class Part:
    """The part of the records that one KPI value comes from."""

    scan: ScanPlan
    period: Period
    provider: str | None

    def holds(self, engine: Engine, plan: SourcePlan, side: str | None = None) -> exp.Expr:
        """Whether a record belongs to it; ``side`` is what the record's table is called."""
        builder = Builder(Frame(engine.dialect, [self.period], []), plan, self.scan)
        conditions = [builder.before(self.period.end)]
        if not isinstance(self.scan.grain, StatePlan):  # a state may have begun long before
            conditions.append(builder.since(self.period.start))
        if self.scan.provider is not None and self.provider is not None:
            conditions.append(builder.is_provider(self.scan.provider, self.provider))
        whole = conjunction(conditions) or exp.true()
        if side is not None:
            _of(whole, side)
        return whole


def compare_records(
    plan: SourcePlan,
    yours: Given,
    theirs: Given,
    part: Part | None = None,
    limit: int = 5,
    limits: Limits | None = None,
    engine: str | None = None,
) -> Comparison:
    """The records in which two copies differ, ``limit`` of them by key, those of ``part`` before others.

    ``engine`` names where they are compared (``open_engine``); a copy may be a file on any engine, or a table that this
    one holds. Both are checked like any records; raises EvidenceError for one that does not hold.
    """
    with tempfile.TemporaryDirectory(prefix="pyoutcome-") as name:
        folder = Path(name)
        copies: list[tuple[SourcePlan, StagedRecords]] = []
        for side, given in (("yours", yours), ("theirs", theirs)):
            (folder / side).mkdir()
            source = _as_given(plan.source, given, engine)
            staged = stage_records(plan.name, given, folder / side, source)
            copies.append((plan.reading(source).renamed(side), staged))
        with open_engine([path for _, staged in copies for path in staged.files], folder, limits, engine) as opened:
            loaded = [(sided, opened.load(sided, staged)) for sided, staged in copies]
            settled = [settle_keys(opened, sided, staged) for sided, staged in loaded]
            pair = _Pair(opened, plan, settled[0].table, settled[1].table)
            found = pair.compare(part, limit)
            digest = _digest(opened, plan, *loaded[1])
            for _, staged in loaded:
                staged.check_unchanged()
    return Comparison(digest, *found)


def _as_given(source: RecordSource, given: Given, engine: str | None) -> RecordSource:
    """The declaration, for a copy that lies in a file where it speaks of a table, or the other way round."""
    if not isinstance(given, str | Path):
        return source
    path = Path(given)
    lies = _SUFFIXES.get(path.suffix.lower())
    if source.format == "table":
        return source if lies is None and not path.exists() else source.model_copy(update={"format": lies or "csv"})
    holds = engine is not None and engine != "duckdb"
    if holds and lies is None and "/" not in str(given) and not path.exists():
        return source.model_copy(update={"format": "table"})
    return source


def _digest(engine: Engine, plan: SourcePlan, sided: SourcePlan, staged: StagedRecords) -> SourceDigest | None:
    """The digest of a copy, of the kind the agreement's declaration leads to."""
    if plan.source.format == "table" and staged.format != "table":
        return with_digest(engine, sided, staged).digest
    return staged.digest if plan.source.format == "table" or staged.format != "table" else None


class _Pair:
    """Two copies in one engine: ``y`` the verifier's, ``t`` the supplier's."""

    def __init__(self, engine: Engine, plan: SourcePlan, yours: str, theirs: str) -> None:
        self.engine = engine
        self.dialect = engine.dialect
        self.plan = plan
        self.tables = {"y": yours, "t": theirs}
        self.rest = [name for name in plan.columns if name not in plan.key]

    def compare(self, part: Part | None, limit: int) -> tuple[int, int | None, tuple[RecordDifference, ...]]:
        """How many records differ, how many of them in the part, and the first ones."""
        differences = self.joined(part).subquery("differences")
        near = count(paren(exp.column("elsewhere").eq(0)))
        [(whole, of_part)] = self.engine.integers(exp.select(count(), near).from_(differences))
        if not whole:
            return 0, None if part is None else 0, ()
        keys = [exp.column(f"k_{place}") for place in range(len(self.plan.key))]
        order = [
            self.dialect.text_key(key.copy()) if self.plan.types[name].kind is Kind.TEXT else key.copy()
            for name, key in zip(self.plan.key, keys, strict=True)
        ]
        cells = [exp.column(f"{side}_{place}") for side in "yt" for place in range(len(self.rest))]
        first = (
            exp.select("not_yours", "not_theirs", *keys, *cells)
            .from_(differences.copy())
            .order_by(*(exp.Ordered(this=each, desc=False) for each in (exp.column("elsewhere"), *order)))
            .limit(limit)
        )
        return whole, None if part is None else of_part, tuple(map(self.read, self.engine.rows(first)))

    def joined(self, part: Part | None) -> exp.Select:
        """One row for each record that differs: ``elsewhere`` is 0 in the part, which comes first."""
        some = self.plan.key[0]  # every record has it
        absent = {side: is_null(self.column(some, side)) for side in "yt"}
        changed = [
            paren(exp.NullSafeNEQ(this=self.column(name, "y"), expression=self.column(name, "t"))) for name in self.rest
        ]
        made = [exp.alias_(absent["y"].copy(), "not_yours"), exp.alias_(absent["t"].copy(), "not_theirs")]
        for place, name in enumerate(self.plan.key):
            either = exp.Coalesce(this=self.shown(name, "y"), expressions=[self.shown(name, "t")])
            made.append(exp.alias_(either, f"k_{place}"))
        for side in "yt":
            made += [exp.alias_(self.shown(name, side), f"{side}_{place}") for place, name in enumerate(self.rest)]
        same = conjunction(
            paren(exp.EQ(this=self.column(name, "y"), expression=self.column(name, "t"))) for name in self.plan.key
        )
        whole = exp.select(*made).from_(self.table("y")).join(self.table("t"), on=same, join_type="FULL")
        inside: list[exp.Expr] = []
        if part is not None and isinstance(part.scan.grain, ItemPlan):
            # Another version of an item counts elsewhere if this one is left out, so all of an item's belong together.
            for side in "yt":
                alias = f"{side}_items"
                whole = whole.join(
                    self.items(part, part.scan.grain).subquery(alias),
                    on=conjunction(
                        paren(exp.EQ(this=self.column(each.name, side), expression=exp.column(f"i_{place}", alias)))
                        for place, each in enumerate(part.scan.grain.columns)
                    ),
                    join_type="LEFT",
                )
                inside.append(paren(exp.Not(this=is_null(exp.column("i_0", alias)))))
        elif part is not None:
            inside = [part.holds(self.engine, self.plan, side) for side in "yt"]
        near = exp.If(this=disjunction(inside), true=exp.Literal.number(0))
        elsewhere = exp.Case(ifs=[near], default=exp.Literal.number(1))
        differs = disjunction([absent["y"], absent["t"], *changed])
        return whole.select(exp.alias_(elsewhere, "elsewhere")).where(differs)

    def items(self, part: Part, grain: ItemPlan) -> exp.Select:
        """The items of which any record, in either copy, belongs to the part."""
        listed = [
            exp.select(
                *(
                    exp.alias_(self.dialect.lower(each, self.plan.columns), f"i_{place}")
                    for place, each in enumerate(grain.columns)
                )
            )
            .from_(table)
            .where(part.holds(self.engine, self.plan))
            for table in self.tables.values()
        ]
        named = [exp.column(f"i_{place}") for place in range(len(grain.columns))]
        both = exp.union(*listed, distinct=False).subquery("either")
        return exp.select(*named).from_(both).group_by(*(each.copy() for each in named))

    def table(self, side: str) -> exp.Expr:
        return exp.alias_(exp.to_table(self.tables[side]), side, table=True)

    def column(self, name: str, side: str) -> exp.Expr:
        """A column of one copy, as what it is compared by."""
        return _of(self.dialect.lower(Column(name, self.plan.types[name]), self.plan.columns), side)

    def shown(self, name: str, side: str) -> exp.Expr:
        """The same, as an engine can answer it."""
        held = self.column(name, side)
        timed = self.plan.types[name].kind in {Kind.INSTANT, Kind.WALL}
        return self.dialect.microseconds(held) if timed else held

    def read(self, row: Sequence[object]) -> RecordDifference:
        not_yours, not_theirs, *cells = row
        keys, rest = cells[: len(self.plan.key)], cells[len(self.plan.key) :]
        key = tuple(
            (name, str(_text(cell, self.plan.types[name]))) for name, cell in zip(self.plan.key, keys, strict=True)
        )
        sides = [
            {name: _text(cell, self.plan.types[name]) for name, cell in zip(self.rest, half, strict=True)}
            for half in (rest[: len(self.rest)], rest[len(self.rest) :])
        ]
        differing = [name for name in self.rest if not_yours or not_theirs or sides[0][name] != sides[1][name]]
        yours, theirs = ({name: side[name] for name in differing} for side in sides)
        return RecordDifference(key, None if not_yours else yours, None if not_theirs else theirs)


def _of(tree: exp.Expr, side: str) -> exp.Expr:
    """The tree with its columns taken from one copy."""
    for column in tree.find_all(exp.Column):
        column.set("table", exp.to_identifier(side))
    return tree


def _text(cell: object, type_: ColumnType) -> str | None:
    """A value as records write it, the same on every engine."""
    if cell is None:
        return None
    match type_.kind:
        case Kind.BOOLEAN:
            return "true" if cell else "false"
        case Kind.DECIMAL:
            return format(Decimal(str(cell)), "f")
        case Kind.INSTANT | Kind.WALL:
            return show_micros(int(str(cell)), type_.kind)
        case Kind.TEXT:
            return str(cell)
