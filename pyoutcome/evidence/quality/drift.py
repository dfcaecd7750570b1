"""Whether records change their nature from period to period: values that go missing, words that were never there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from fractions import Fraction
from typing import Final

from sqlglot import exp

from pyoutcome.evidence.engines.engine import Engine
from pyoutcome.evidence.findings import Finding, show_cell
from pyoutcome.evidence.measures.columns import ColumnType, Kind
from pyoutcome.evidence.measures.conditions import Column, Comparison, Constant, Membership
from pyoutcome.evidence.measures.plan import ItemPlan, ScanPlan, SourcePlan
from pyoutcome.evidence.quality.plausibility import USUAL, is_usual
from pyoutcome.evidence.queries.building import Builder, Frame
from pyoutcome.evidence.queries.trees import count, is_null, paren

LEAST_JUMP: Final = Fraction(1, 20)
"""So much more of the things must lack a value than before."""
FEW_WORDS: Final = 50
"""A column with more different words holds no states or kinds."""


@dataclass(frozen=True)
class Presence:
    """How many things of a scan have a value, by column and period."""

    source: str
    noun: str
    things: Mapping[int, int]
    present: Mapping[str, Mapping[int, int]]


@dataclass(frozen=True)
class Words:
    """The words of a column that conditions compare with some of their own."""

    source: str
    column: str
    counts: Mapping[int, Mapping[str, int]]
    """Records by period and word."""
    named: frozenset[str]
    """Those that conditions name."""


def presence_of(
    plan: SourcePlan, scan: ScanPlan, things: Mapping[int, int], present: Mapping[str, Mapping[int, int]]
) -> Presence:
    """What is known of a scan's columns; ``things`` by period, ``present`` by column and period."""
    return Presence(plan.name, "items" if isinstance(scan.grain, ItemPlan) else "records", things, present)


def find_missing(seen: Presence, period: int) -> Iterator[Finding]:
    """The findings on columns of which far more is missing than before: more than twice the median share of the earlier
    periods, and at least five points more. Periods with fewer than ten things are not looked at."""
    known = [number for number in range(1, period) if seen.things.get(number, 0) >= USUAL]
    things = seen.things.get(period, 0)
    if not known or things < USUAL:
        return
    for column, present in seen.present.items():
        shares = sorted(_share(seen, present, number) for number in known)
        before = (shares[len(shares) // 2] + shares[(len(shares) - 1) // 2]) / 2
        now = _share(seen, present, period)
        if now > 2 * before and now - before >= LEAST_JUMP:
            lacking = things - present.get(period, 0)
            yield Finding(
                "missing-unusual",
                seen.source,
                lacking,
                f"{lacking} of {things} {seen.noun} of {seen.source} lack {column} in period {period} "
                f"({_percent(now)}), and the median of before is {_percent(before)}.",
            )


def _share(seen: Presence, present: Mapping[int, int], period: int) -> Fraction:
    return 1 - Fraction(present.get(period, 0), seen.things[period])


def _percent(share: Fraction) -> str:
    tenths = int(share * 1000 + Fraction(1, 2))
    return f"{tenths // 10}.{tenths % 10} %"


def named_words(plan: SourcePlan) -> dict[str, frozenset[str]]:
    """The columns of text that conditions of a source compare with words for equality, and these words."""
    found: dict[str, set[str]] = {}

    def walk(node: object) -> None:
        match node:
            case Comparison("=" | "<>" | "!=", Column(name), Constant(text)) | Comparison(
                "=" | "<>" | "!=", Constant(text), Column(name)
            ):
                found.setdefault(name, set()).add(text)
            case Membership(Column(name), choices):
                found.setdefault(name, set()).update(each.text for each in choices)
        if isinstance(node, tuple | list):
            for each in node:
                walk(each)
        elif is_dataclass(node) and not isinstance(node, ColumnType):
            for field in fields(node):
                walk(getattr(node, field.name))

    for scan in plan.scans:
        walk([scan.grain, *(list(held.aggregates.values()) for held in scan.measures)])
    return {name: frozenset(words) for name, words in found.items() if plan.types[name].kind is Kind.TEXT}


def read_words(engine: Engine, frame: Frame, plan: SourcePlan, scan: ScanPlan) -> list[Words]:
    """The words of the columns that conditions compare, by the scan's anchor; not of a column with many."""
    builder = Builder(frame, plan, scan)
    most = FEW_WORDS * len(frame.periods) + 1
    read = []
    for name, named in named_words(plan).items():
        word = frame.dialect.lower(Column(name, plan.types[name]), plan.columns)
        placed = exp.select(exp.alias_(builder.period_index(), "period"), exp.alias_(word, "word")).from_(plan.table)
        groups = [exp.column("period"), exp.column("word")]
        rows = engine.rows(
            exp.select(*groups, count())
            .from_(placed.subquery("placed"))
            .where(
                paren(exp.GT(this=exp.column("period"), expression=exp.Literal.number(0))),
                paren(exp.Not(this=is_null(exp.column("word")))),
            )
            .group_by(*(each.copy() for each in groups))
            .limit(most)
        )
        if len(rows) == most:
            continue
        counts: dict[int, dict[str, int]] = {}
        for period, text, number in rows:
            counts.setdefault(int(str(period)), {})[str(text)] = int(str(number))
        read.append(Words(plan.name, name, counts, named))
    return read


def find_unseen(words: Words, period: int) -> Iterator[Finding]:
    """The findings on words that stand in a period for the first time and that no condition names."""
    before = {word for number in range(1, period) for word in words.counts.get(number, {})}
    now = words.counts.get(period, {})
    totals = {number: sum(held.values()) for number, held in words.counts.items()}
    if not is_usual(totals, period) or len(before | set(now)) > FEW_WORDS:
        return
    for word in sorted(set(now) - before - words.named):
        yield Finding(
            "word-unseen",
            words.source,
            now[word],
            f"{words.column} is {show_cell(word)} in {now[word]} records of {words.source} in period {period}; no "
            "earlier period has that word, and no condition names it.",
        )
