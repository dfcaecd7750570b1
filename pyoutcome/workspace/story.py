"""A whole agreement played on a local chain, as its parties would act: signed, funded, settled, its backups called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyoutcome.protocol.events import SteppedIn
from pyoutcome.workspace.reports import agreeing_reports

if TYPE_CHECKING:
    from pyoutcome.workspace.workspace import Workspace


def make_deal(workspace: Workspace) -> None:
    """Everybody signs; the escrow is created, funded with the most it can ever pay, and bonds are deposited."""
    agreement = workspace.agreement
    agreement.check()
    for party in ("client", *agreement.providers, *agreement.backups):
        workspace.sign(party)
    workspace.deploy()
    workspace.fund(agreement.bounds().most_in_total)
    for provider, bond in zip(agreement.providers, agreement.escrow.bonds, strict=True):
        if bond:
            workspace.bond(provider)


def settle_with_backups(workspace: Workspace) -> dict[str, int]:
    """Settles all periods, each when it has ended; after too many breaches in a row the client calls the backup.

    The first period of each backup, by provider. Raises what stops a period.
    """
    agreement = workspace.agreement
    if not agreement.backups:
        _settle(workspace, None)
        return {}
    breaches = {name: 0 for name in agreement.providers if f"backup-{name}" in agreement.backups}
    for period in agreement.periods:
        _settle(workspace, [period.number])
        lacking = _lacking(workspace, period.number)
        for provider in breaches:
            breaches[provider] = breaches[provider] + 1 if provider in lacking else 0
        for provider in [name for name, count in breaches.items() if count >= agreement.escrow.streak]:
            # Only then is it certain that the evidence did not come.
            due = workspace.desk.escrow.evidence_due(period.number)
            workspace.network.advance_to(max(workspace.network.now(), due))
            workspace.step_in(provider)
            del breaches[provider]
    events = (each.event for each in workspace.desk.escrow.history())
    return {agreement.providers[each.slot]: each.first for each in events if isinstance(each, SteppedIn)}


def _settle(workspace: Workspace, periods: list[int] | None) -> None:
    for outcome in workspace.settle(periods, move_clock=workspace.network.local):
        if outcome.error is not None:
            raise outcome.error


def _lacking(workspace: Workspace, period: int) -> set[str]:
    """The providers whose evidence of a period lacks the value of a KPI that they supply."""
    report = agreeing_reports(workspace.desk, period).reports[0]
    kpis = workspace.agreement.kpis
    return {kpi.supplier or "" for kpi, value in zip(kpis, report.values, strict=True) if value is None}
