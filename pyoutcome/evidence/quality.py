"""What is wrong or remarkable in the records: findings that are shown and kept, and faults that stop a measure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.engine import Engine
from pyoutcome.evidence.measured import Finding
from pyoutcome.evidence.measures import NO_ANCHOR, NO_PROVIDER, OUTSIDE_TERM, Scan, SourcePlan
from pyoutcome.evidence.records import StagedRecords


def check_key(engine: Engine, plan: SourcePlan, staged: StagedRecords) -> None:
    """Every record has a complete key of its own.

    Raises EvidenceError ``records-without-key`` or ``records-duplicate``, naming the first records concerned. A record
    without a key could be a second copy that nobody can tell.
    """
    keys = [plan.columns[name] for name in plan.key]
    listed = ", ".join(keys)
    lacking = " OR ".join(f"({column} IS NULL)" for column in keys)
    [(without,)] = engine.counts(f"SELECT count(*) FROM {plan.table} WHERE {lacking}")
    if without:
        [(first,)] = engine.counts(f"SELECT min(position) FROM {plan.table} WHERE {lacking}")
        raise EvidenceError(
            "records-without-key",
            f"{without} records of {plan.name!r} in {staged.origin} lack part of their key "
            f"({', '.join(plan.key)}); the first is record {first + 1}.",
            "Complete the records, or choose a key that every record has.",
            file=str(staged.origin),
            count=without,
        )
    twice = f"SELECT {listed}, min(position) AS first, count(*) AS n FROM {plan.table} GROUP BY {listed} HAVING n > 1"
    [(groups,)] = engine.counts(f"SELECT count(*) FROM ({twice})")
    if groups:
        [(first,)] = engine.counts(f"SELECT min(first) FROM ({twice})")
        same = " AND ".join(f"(a.{column} = b.{column})" for column in keys)
        [(second,)] = engine.counts(
            f"SELECT min(b.position) FROM {plan.table} a JOIN {plan.table} b ON {same} "
            f"WHERE a.position = {first} AND b.position > {first}"
        )
        raise EvidenceError(
            "records-duplicate",
            f"{groups} keys ({', '.join(plan.key)}) stand more than once in the records {plan.name!r} in "
            f"{staged.origin}; the first pair is records {first + 1} and {second + 1}.",
            "Remove the copies: the agreement refuses two records with one key.",
            file=str(staged.origin),
            count=groups,
        )


def find_strays(plan: SourcePlan, scan: Scan, rows: Mapping[tuple[int, int], int]) -> tuple[Finding, ...]:
    """Findings on records that no KPI of the scan counts; ``rows`` are records by period and provider index."""
    anchor = next(name for name, column in plan.columns.items() if column == scan.anchor)
    without = _total(count for (period, _), count in rows.items() if period == NO_ANCHOR)
    outside = _total(count for (period, _), count in rows.items() if period == OUTSIDE_TERM)
    found = []
    if without:
        text = f"{without} records of {plan.name} have no {anchor} and belong to no period."
        found.append(Finding("records-without-anchor", plan.name, without, text))
    if outside:
        text = f"{outside} records of {plan.name} have {anchor} outside the agreement's term."
        found.append(Finding("records-outside-term", plan.name, outside, text))
    if scan.provider is not None:
        others = _total(count for (period, provider), count in rows.items() if period > 0 and provider == NO_PROVIDER)
        if others:
            column = next(name for name, own in plan.columns.items() if own == scan.provider)
            text = f"{others} records of {plan.name} within the term have a {column} that is no provider's."
            found.append(Finding("records-of-others", plan.name, others, text))
    return tuple(found)


def nothing_to_count(kpi: str) -> Finding:
    """The finding for a ratio without any record in its denominator."""
    return Finding("nothing-to-count", kpi, 0, f"{kpi} is missing: no record of the period counts for it.")


def _total(counts: Iterable[int]) -> int:
    return sum(counts)
