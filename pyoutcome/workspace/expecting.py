"""What the periods of a workspace will give, as far as that is known: settled, measured, or the proven least."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

from pyoutcome.errors import WorkspaceError
from pyoutcome.ledger.accruals import Expected
from pyoutcome.protocol.events import Assigned, SteppedIn

if TYPE_CHECKING:
    from pyoutcome.workspace.workspace import Workspace


def expected_amounts(workspace: Workspace, until: date) -> tuple[Expected, ...]:
    """One entry for each period that has ended by the end of the day (UTC) and was not left out by an early end."""
    last = int(datetime.combine(until, time(23, 59, 59), UTC).timestamp())
    count = workspace.desk.escrow.last_period()
    return tuple(
        _expected(workspace, period.number, period.end)
        for period in workspace.agreement.periods[:count]
        if period.end <= last
    )


def _expected(workspace: Workspace, number: int, ends: int) -> Expected:
    try:
        amounts, estimate = workspace.statement(number).statement.amounts, False
    except WorkspaceError as error:
        if error.code != "nothing-to-state":
            raise
        bounds = workspace.desk.under(number).agreement.bounds()
        amounts, estimate = tuple(each.least for each in bounds.providers), True
    return Expected(number, ends, dict(zip(_holders(workspace, number), amounts, strict=True)), estimate)


def _holders(workspace: Workspace, period: int) -> tuple[str, ...]:
    """Names of those who hold the places in a period."""
    names = workspace.books.journal.providers
    held = list(names[: len(workspace.agreement.providers)])
    for each in workspace.books.events:
        event = each.event
        if isinstance(event, Assigned | SteppedIn) and event.first <= period:
            held[event.slot] = names[event.provider]
    return tuple(held)
