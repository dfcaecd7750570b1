"""The picture of an agreement's life, from the books of a workspace."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pyoutcome.errors import WorkspaceError, did_you_mean
from pyoutcome.formula.syntax import Name, Number
from pyoutcome.ledger import place_of_name
from pyoutcome.ledger.chart import Captions, ChartRow, save_chart
from pyoutcome.protocol import MISSING
from pyoutcome.protocol.events import Reported
from pyoutcome.terms.calendar import read_zone
from pyoutcome.terms.clauses import CurveClause

if TYPE_CHECKING:
    from pyoutcome.terms.agreement import Agreement
    from pyoutcome.workspace.workspace import Workspace


def draw(workspace: Workspace, path: Path, kpi: str | None = None) -> Path:
    """Draws every settled period: one KPI of each provider above, its payment below. Returns the path.

    ``kpi`` defaults to the first that is shown as percent, of each provider if there is one, else of the agreement.
    WorkspaceError ``nothing-to-chart``.
    """
    agreement = workspace.agreement
    percents = [each for each in agreement.kpis if each.declared.shown_as == "percent"]
    shares = list(dict.fromkeys(each.kpi for each in sorted(percents, key=lambda each: each.provider is None)))
    chosen = kpi or next(iter(shares), None)
    if chosen not in shares:
        raise WorkspaceError(
            "nothing-to-chart",
            f"There is no KPI {chosen!r} that is shown as percent." if chosen else "No KPI is shown as percent.",
            did_you_mean(str(chosen), shares) if shares else "Write 'shown_as: percent' where a KPI is a share.",
        )
    books = workspace.books
    reported = {each.event.period: each.event.values for each in books.events if isinstance(each.event, Reported)}
    zone = read_zone(agreement.term.zone)
    rows = []
    for row in books.journal.rows:
        kpis = workspace.desk.under(row.period).agreement.kpis
        places = {each.provider: at for at, each in enumerate(kpis) if each.kpi == chosen}
        slot = place_of_name(row.provider)
        place = places.get(slot, places.get(None))
        value = MISSING if row.period not in reported or place is None else reported[row.period][place]
        start = datetime.fromtimestamp(agreement.period(row.period).start, UTC).astimezone(zone)
        label = f"{start:%b}" if len(agreement.periods) <= 12 and agreement.term.every == "month" else str(row.period)
        party = agreement.parties.providers[slot]
        name = party.name if row.provider == slot else f"{party.name}'s place ({row.provider})"
        rows.append(ChartRow(name, row.period, label, None if value == MISSING else value, row.amount))
    declared = next(each.declared for each in agreement.kpis if each.kpi == chosen)
    bounds = agreement.bounds().providers
    limits = {(each.least, each.most) for each in bounds}
    captions = Captions(
        title=agreement.title,
        share=declared.title or chosen,
        money=agreement.token.symbol,
        unit_decimals=agreement.token.decimals,
        neutral=_neutral(agreement, chosen),
        higher_is_better=declared.better != "lower",
        limits=limits.pop() if len(limits) == 1 else None,
    )
    return save_chart(rows, captions, path)


def _neutral(agreement: Agreement, kpi: str) -> tuple[int, int] | None:
    """Where a curve over the KPI pays nothing either way, scaled; None if no curve says so."""
    for clause in agreement.file.clauses.values():
        if isinstance(clause, CurveClause) and clause.of == Name(kpi):
            flat = [
                x.value for x, y in clause.points if isinstance(x, Number) and isinstance(y, Number) and y.value == 0
            ]
            if flat:
                return flat[0], flat[-1]
    return None
