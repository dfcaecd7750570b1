"""A ready agreement from its sample records to the audit on the embedded chain, and its records for sums by hand."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from pyoutcome.workspace import Workspace
from pyoutcome.workspace.ready import find_ready
from pyoutcome.workspace.story import make_deal, settle_with_backups

Row = dict[str, str]


@dataclass(frozen=True)
class Played:
    """What was settled."""

    amounts: dict[tuple[int, str], Fraction]
    """Net amount on chain by period and provider, in the token's units."""
    lines: dict[tuple[int, str, str], Fraction]
    """Amount of each line by period, provider and clause, from the provider's side."""
    paid: dict[str, Fraction]
    """Paid in all by holder of a place, holdback included."""
    called: dict[str, int]
    """The first period of each backup that was called."""


def play(name: str, folder: Path) -> Played:
    """Signs, funds, measures, verifies, settles, closes, audits: every period is settled, without a difference."""
    ready = find_ready(name)
    with Workspace.create(folder / "deal", ready.file, records=ready.records) as workspace:
        make_deal(workspace)
        called = settle_with_backups(workspace)
        workspace.network.advance_to(max(workspace.network.now(), workspace.desk.deal.arguments.holdback_release))
        workspace.close_agreement()
        agreement, report = workspace.agreement, workspace.audit()
        assert 0 == report.differences
        assert len(agreement.periods) * len(agreement.providers) == report.settled
        status = workspace.status()
        assert ("closed", 0) == (status.stage, status.funds)
        stated = [workspace.statement(period.number) for period in agreement.periods]
        unit = Fraction(1, 10**agreement.token.decimals)
        return Played(
            {
                (each.statement.period.number, name): row.amount * unit
                for each in stated
                for name, row in each.rows.items()
            },
            {
                (each.statement.period.number, own.provider, line.clause): Fraction(line.amount, 10**18)
                for each in stated
                for own in each.statement.providers
                for line in own.lines
            },
            {name: account.paid * unit for name, account in status.accounts.items()},
            called,
        )


def read_rows(name: str, source: str) -> list[Row]:
    """The sample records of one source, as texts."""
    with find_ready(name).records[source].open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def moment(text: str) -> datetime | None:
    """An exact time; None of a missing one."""
    return None if text in ("", "NA") else datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def within(row: Row, column: str, zone: str, year: int, months: tuple[int, ...]) -> bool:
    """Whether a record's time lies in these months, by clocks in a zone."""
    at = moment(row[column])
    if at is None:
        return False
    local = at.astimezone(ZoneInfo(zone))
    return local.year == year and local.month in months


def seconds(row: Row, start: str, end: str) -> Fraction | None:
    """Seconds from one column to another; None where one is missing."""
    first, last = moment(row[start]), moment(row[end])
    return None if first is None or last is None else Fraction(int((last - first).total_seconds()))


def share(count: int, of: int, decimals: int = 4) -> Fraction:
    """A quotient rounded half up to its KPI's decimals."""
    scale = 10**decimals
    return Fraction((2 * count * scale + of) // (2 * of), scale)


def line(x: Fraction, *points: tuple[str, str]) -> Fraction:
    """Straight lines between points, flat outside."""
    found = [(Fraction(a), Fraction(b)) for a, b in points]
    if x <= found[0][0]:
        return found[0][1]
    for (x0, y0), (x1, y1) in pairwise(found):
        if x <= x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return found[-1][1]


def cents(amount: Fraction) -> Fraction:
    """Cut to whole cents, toward zero."""
    sign = -1 if amount < 0 else 1
    return sign * Fraction(abs(amount) * 100 // 1, 100)
