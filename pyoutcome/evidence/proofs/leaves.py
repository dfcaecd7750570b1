"""Records as leaves: what a bundle's tree says of each record that its KPIs look at.

A leaf is canonical JSON (RFC 8785) of the record's declared columns, every value as one text, and of the figures that
it adds to, by KPI. So a record of the tree is not only held; for which figures it was counted is told with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.bundles.merkle import hash_leaf, salt_of
from pyoutcome.evidence.measures.columns import ColumnType, Kind
from pyoutcome.evidence.queries.building import Frame, Part
from pyoutcome.evidence.queries.looking import LookedQuery, looked_query

if TYPE_CHECKING:
    from pyoutcome.evidence.engines.engine import Engine
    from pyoutcome.evidence.measures.plan import SourcePlan
    from pyoutcome.terms.agreement import Agreement

_DAY: Final = 24 * 3600 * 1_000_000
_FIRST, _LAST = -30_610_224_000_000_000, 253_402_300_800_000_000
"""The years 1000 to 9999 in UTC, in microseconds since 1970: from, and before."""
_FAR: Final = 14 * 3600 * 1_000_000
"""The largest offset from UTC that a record may be written with."""
# All keys here are ASCII and all values texts, lists of texts or null: of these the standard library, which is written
# in C, makes the same bytes as RFC 8785. A test holds them equal.
_CANONICAL: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, check_circular=False)


@dataclass(frozen=True)
class Leaf:
    """One record that KPIs look at."""

    record: Mapping[str, str | None]
    """Each declared column's value as text; None if missing."""
    counted: Mapping[str, tuple[str, ...]]
    """The figures that it adds to, by the KPI's full name; no entry for a KPI that does not count it."""

    def content(self) -> bytes:
        """Canonical JSON."""
        return _CANONICAL.encode({"counted": dict(self.counted), "record": dict(self.record)}).encode()

    def hashed(self, salt: bytes) -> bytes:
        """The leaf's hash in the tree."""
        return hash_leaf(salt, self.content())


def salt_for(secret: bytes, source: str, key: Sequence[str | None]) -> bytes:
    """The salt of a record, from the bundle's secret, the records' name and the record's key."""
    return salt_of(secret, _CANONICAL.encode([source, *key]).encode())


def kpis_of(agreement: Agreement, supplier: str) -> dict[str, str]:
    """Full name by name of the KPIs that a supplier's bundle holds: its own and those of the whole agreement."""
    return {kpi.kpi: kpi.name for kpi in agreement.kpis if kpi.provider in {None, supplier}}


def plan_looks(plan: SourcePlan, agreement: Agreement, supplier: str) -> bool:
    """Whether a supplier's bundle has a KPI that is measured from a source."""
    return any(held.kpi in kpis_of(agreement, supplier) for scan in plan.scans for held in scan.measures)


def query_of(frame: Frame, plan: SourcePlan, agreement: Agreement, period: int, supplier: str) -> LookedQuery | None:
    """Asks for the records of a source that a supplier's bundle of a period looks at; None if it looks at none."""
    part = Part(agreement.period(period), supplier)
    return looked_query(frame, plan, part, list(kpis_of(agreement, supplier)))


def read_leaves(engine: Engine, plan: SourcePlan, query: LookedQuery, names: Mapping[str, str]) -> Iterator[Leaf]:
    """The leaves in the tree's order, one after another; ``names``: the full name of each KPI."""
    columns = [(name, plan.types[name]) for name in plan.columns]
    figures = [(names[kpi], figure) for kpi, figure in query.figures]
    for piece in engine.pieces(query.tree):
        for row in piece:
            record = {name: show_cell(cell, type_) for (name, type_), cell in zip(columns, row, strict=False)}
            counted: dict[str, tuple[str, ...]] = {}
            for (kpi, figure), flag in zip(figures, row[len(columns) :], strict=True):
                if flag:
                    counted[kpi] = (*counted.get(kpi, ()), figure)
            yield Leaf(record, counted)


def show_cell(cell: object, type_: ColumnType) -> str | None:
    """A value of a record as its one text: all decimals of its column, times with six decimals and of instants in UTC.

    ``cell``: as engines answer; a time in microseconds since 1970. Raises EvidenceError ``engine-not-exact``.
    """
    if cell is None:
        return None
    match type_.kind:
        case Kind.TEXT if isinstance(cell, str):
            return cell
        case Kind.BOOLEAN if isinstance(cell, bool):
            return "true" if cell else "false"
        case Kind.DECIMAL if isinstance(cell, int | Decimal) and not isinstance(cell, bool):
            return _show_number(Decimal(cell), type_.scale)
        case Kind.INSTANT | Kind.WALL if isinstance(cell, int):
            return _show_time(cell, type_.kind)
    raise EvidenceError(
        "engine-not-exact",
        f"The engine answered with a value that is not {type_}.",
        "Use the engine version that this release names.",
    )


def read_text(text: str, type_: ColumnType) -> str | None:
    """``show_cell`` of a value as records or people write it; None if it is not of the type."""
    if not type_.accepts(text):
        return None
    match type_.kind:
        case Kind.DECIMAL:
            return _show_number(Decimal(text), type_.scale)
        case Kind.BOOLEAN:
            return text.lower()
        case Kind.INSTANT | Kind.WALL:
            try:
                moment = datetime.fromisoformat(text)
            except ValueError:  # a day that its month does not have
                return None
            # An instant's own offset counts; a wall-clock time is what the clock shows.
            clock = moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
            offset = moment.utcoffset() or timedelta()
            return _show_time((clock - offset) // timedelta(microseconds=1), type_.kind)
        case Kind.TEXT:
            return text


@lru_cache(maxsize=1 << 14)
def _show_number(value: Decimal, scale: int) -> str:
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int) or -exponent > scale:
        raise EvidenceError(
            "engine-not-exact",
            "The engine answered with more decimals than the column has.",
            "Use the engine version that this release names.",
        )
    whole = "".join(map(str, digits)) + "0" * (scale + exponent)
    whole = whole.lstrip("0").rjust(scale + 1, "0")
    minus = "-" if sign and whole.strip("0") else ""
    return minus + (f"{whole[:-scale]}.{whole[-scale:]}" if scale else whole)


@lru_cache(maxsize=1 << 14)
def _show_time(microseconds: int, kind: Kind) -> str:
    """A time in full. The few instants that have a year of five or three digits in UTC keep the offset farthest from
    it."""
    offset = 0
    if kind is Kind.INSTANT and not _FIRST <= microseconds < _LAST:
        offset = _FAR if microseconds < _FIRST else -_FAR
    days, rest = divmod(microseconds + offset, _DAY)
    moment = datetime(1970, 1, 1) + timedelta(days=days, microseconds=rest)  # noqa: DTZ001 (a clock's face)
    clock = moment.isoformat(timespec="microseconds")
    if kind is Kind.WALL:
        return clock
    return clock + ("Z" if not offset else "+14:00" if offset > 0 else "-14:00")
