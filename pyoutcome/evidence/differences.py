"""Two files of the same records side by side: which records differ, by key."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pyoutcome.evidence.columns import TEXT
from pyoutcome.evidence.engine import Engine, Limits, open_engine
from pyoutcome.evidence.loading import load_records
from pyoutcome.evidence.lowering import constant
from pyoutcome.evidence.measures import Scan, SourcePlan, boundary
from pyoutcome.evidence.quality import check_key
from pyoutcome.evidence.records import SourceDigest, stage_records
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

    scan: Scan
    period: Period
    provider: str | None
    zone: str

    def condition(self, side: str, plan: SourcePlan) -> str:
        """SQL that holds for records of this part, on one side of the join."""
        kind = next(type_.kind for name, type_ in plan.types.items() if plan.columns[name] == self.scan.anchor)
        anchor = f"{side}.{self.scan.anchor}"
        parts = [
            f"({anchor} >= {boundary(self.period.start, kind, self.zone)})",
            f"({anchor} < {boundary(self.period.end, kind, self.zone)})",
        ]
        if self.scan.provider is not None and self.provider is not None:
            parts.append(f"({side}.{self.scan.provider} = {constant(self.provider, TEXT)})")
        return f"({' AND '.join(parts)})"


def compare_records(
    plan: SourcePlan, yours: Path, theirs: Path, part: Part | None = None, limit: int = 5, limits: Limits | None = None
) -> Comparison:
    """The records in which two files differ; of ``part`` only, if one is given and holds any difference.

    Both files are checked like any records; raises EvidenceError for one that does not hold.
    """
    with tempfile.TemporaryDirectory(prefix="pyoutcome-") as name:
        folder = Path(name)
        staged = []
        for side, path in (("yours", yours), ("theirs", theirs)):
            (folder / side).mkdir()
            staged.append(stage_records(plan.name, path, folder / side))
        with open_engine([held.path for held in staged], folder, limits) as engine:
            for side, held in zip(("yours", "theirs"), staged, strict=True):
                sided = plan.renamed(side)
                load_records(engine, sided, held)
                check_key(engine, sided, held)
            count, first = _differences(engine, plan, part, limit)
            if not count and part is not None:
                count, first = _differences(engine, plan, None, limit)
        return Comparison(staged[1].digest, count, first)


def _differences(
    engine: Engine, plan: SourcePlan, part: Part | None, limit: int
) -> tuple[int, tuple[RecordDifference, ...]]:
    same_key = " AND ".join(f"(y.{plan.columns[name]} = t.{plan.columns[name]})" for name in plan.key)
    rest = [name for name in plan.columns if name not in plan.key]
    changed = [f"(y.{plan.columns[name]} IS DISTINCT FROM t.{plan.columns[name]})" for name in rest]
    differs = " OR ".join(["(y.position IS NULL)", "(t.position IS NULL)", *changed])
    where = f"({differs})"
    if part is not None:
        where += f" AND ({part.condition('y', plan)} OR {part.condition('t', plan)})"
    joined = f"FROM yours y FULL JOIN theirs t ON {same_key} WHERE {where}"
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
