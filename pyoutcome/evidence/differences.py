"""Two files of the same records side by side: which records differ, by key."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlglot import exp

from pyoutcome.evidence.building import Builder, Frame
from pyoutcome.evidence.dialects import DUCKDB
from pyoutcome.evidence.engine import Engine, Limits, open_engine
from pyoutcome.evidence.plan import ScanPlan, SourcePlan, StatePlan
from pyoutcome.evidence.quality import settle_keys
from pyoutcome.evidence.records import Given, SourceDigest, stage_records
from pyoutcome.evidence.trees import conjunction
from pyoutcome.terms.calendar import Period

_HARMLESS: Final = re.compile(r"[A-Za-z0-9_.:+ -]{1,60}")


@dataclass(frozen=True)
class RecordDifference:
    """One record that the two files tell differently."""

    key: tuple[tuple[str, str], ...]
    """Column and value of each part of the key."""
    yours: Mapping[str, str | None] | None
    """The verifier's values of the columns that differ (None: missing); None if it has no such record."""
    theirs: Mapping[str, str | None] | None
    """The supplier's."""

    def __str__(self) -> str:
        named = ", ".join(f"{column} {_shown(value)}" for column, value in self.key)
        if self.yours is None:
            return f"record ({named}) is in the supplier's records only"
        if self.theirs is None:
            return f"record ({named}) is in your records only"
        told = "; ".join(
            f"{column} is {_shown(value)} in your records and {_shown(self.theirs.get(column))} in the supplier's"
            for column, value in self.yours.items()
        )
        return f"record ({named}): {told}"


@dataclass(frozen=True)
class Comparison:
    """What a comparison of two files found."""

    theirs: SourceDigest
    """The supplier's file as it is at hand."""
    count: int
    """Records that differ in a declared column, in the part of the records compared."""
    first: tuple[RecordDifference, ...]
    """The first of them, in the order of the verifier's file."""


@dataclass(frozen=True)
class Part:
    """The part of the records that one KPI value comes from."""

    scan: ScanPlan
    period: Period
    provider: str | None

    def condition(self, side: str, plan: SourcePlan) -> str:
        """SQL that holds for records of this part, on one side of the join."""
        builder = Builder(Frame(DUCKDB, [self.period], []), plan, self.scan)
        conditions = [builder.before(self.period.end)]
        if not isinstance(self.scan.grain, StatePlan):  # a state may have begun long before
            conditions.append(builder.since(self.period.start))
        if self.scan.provider is not None and self.provider is not None:
            conditions.append(builder.is_provider(self.scan.provider, self.provider))
        whole = conjunction(conditions) or exp.true()
        for column in whole.find_all(exp.Column):
            column.set("table", exp.to_identifier(side))
        return DUCKDB.sql(whole)


def compare_records(
    plan: SourcePlan,
    yours: Given,
    theirs: Given,
    part: Part | None = None,
    limit: int = 5,
    limits: Limits | None = None,
) -> Comparison:
    """The records in which two files differ; of ``part`` only, if one is given and holds any difference.

    Both files are checked like any records; raises EvidenceError for one that does not hold.
    """
    with tempfile.TemporaryDirectory(prefix="pyoutcome-") as name:
        folder = Path(name)
        staged = []
        for side, path in (("yours", yours), ("theirs", theirs)):
            (folder / side).mkdir()
            staged.append(stage_records(plan.name, path, folder / side, plan.source))
        with open_engine([path for held in staged for path in held.files], folder, limits) as engine:
            tables = []
            for side, held in zip(("yours", "theirs"), staged, strict=True):
                sided = plan.renamed(side)
                engine.load(sided, held)
                tables.append(settle_keys(engine, sided, held).table)
            joined = f"{tables[0]} y FULL JOIN {tables[1]} t"
            count, first = _differences(engine, plan, joined, part, limit)
            if not count and part is not None:
                count, first = _differences(engine, plan, joined, None, limit)
        return Comparison(staged[1].digest, count, first)


def _differences(
    engine: Engine, plan: SourcePlan, both: str, part: Part | None, limit: int
) -> tuple[int, tuple[RecordDifference, ...]]:
    same_key = " AND ".join(f"(y.{plan.columns[name]} = t.{plan.columns[name]})" for name in plan.key)
    rest = [name for name in plan.columns if name not in plan.key]
    changed = [f"(y.{plan.columns[name]} IS DISTINCT FROM t.{plan.columns[name]})" for name in rest]
    differs = " OR ".join(["(y.position IS NULL)", "(t.position IS NULL)", *changed])
    where = f"({differs})"
    if part is not None:
        where += f" AND ({part.condition('y', plan)} OR {part.condition('t', plan)})"
    joined = f"FROM {both} ON {same_key} WHERE {where}"
    texts = [f"CAST({side}.{plan.columns[name]} AS VARCHAR)" for side in ("y", "t") for name in (*plan.key, *rest)]
    order = "coalesce(y.position, t.position), (y.position IS NULL)"
    rows = engine.rows(
        f"SELECT count(*) OVER (), y.position IS NULL, t.position IS NULL, {', '.join(texts)} {joined} "
        f"ORDER BY {order} LIMIT {limit}"
    )
    count = int(str(rows[0][0])) if rows else 0
    return count, tuple(_difference(plan, rest, row) for row in rows)


def _difference(plan: SourcePlan, rest: list[str], row: tuple[object, ...]) -> RecordDifference:
    _, not_yours, not_theirs, *cells = row
    texts = [None if cell is None else str(cell) for cell in cells]
    half = len(texts) // 2
    names = (*plan.key, *rest)
    yours, theirs = dict(zip(names, texts[:half], strict=True)), dict(zip(names, texts[half:], strict=True))
    known = theirs if not_yours else yours
    key = tuple((name, str(known[name])) for name in plan.key)
    differing = [name for name in rest if not_yours or not_theirs or yours[name] != theirs[name]]
    return RecordDifference(
        key,
        None if not_yours else {name: yours[name] for name in differing},
        None if not_theirs else {name: theirs[name] for name in differing},
    )


def _shown(value: str | None) -> str:
    """A value of a hostile file for people: plain if it is harmless, else quoted and escaped."""
    if value is None:
        return "missing"
    return value if _HARMLESS.fullmatch(value) else ascii(value if len(value) <= 60 else value[:57] + "...")
