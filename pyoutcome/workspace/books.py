"""What a workspace can say about its money: status, statements, the audit and its picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from pyoutcome.audit import AuditReport
from pyoutcome.errors import WorkspaceError
from pyoutcome.ledger import (
    Journal,
    PeriodRow,
    ProviderBalance,
    fold,
    place_of_name,
    provider_balances,
)
from pyoutcome.protocol import MISSING, Located
from pyoutcome.settlement.plan import Decision, decide
from pyoutcome.settlement.progress import Progress
from pyoutcome.terms.statement import ProviderStatement, Statement
from pyoutcome.workspace.auditing import audit_case, open_case, version_of
from pyoutcome.workspace.desk import Desk
from pyoutcome.workspace.evidencing import Readings, read_bundles
from pyoutcome.workspace.offer import activation_waits_for
from pyoutcome.workspace.offering import missing_signatures
from pyoutcome.workspace.pricing import Pricing, Version
from pyoutcome.workspace.reporting import PeriodDesk
from pyoutcome.workspace.reports import agreeing_reports, message_of

if TYPE_CHECKING:
    from pyoutcome.evidence.staged import Given


@dataclass(frozen=True)
class Status:
    """Where the agreement stands and what each period waits for. Money in base units."""

    agreement: str
    network: str
    chain_id: int
    clock: int
    """Unix seconds."""
    stage: str
    """``not offered``, ``not deployed``, ``offer``, ``active`` or ``closed``."""
    waits_for: str
    """What the agreement as a whole waits for; empty if nothing."""
    escrow: str | None
    funds: int
    cover: int
    """What should be there for the periods that have started and are not settled."""
    accounts: Mapping[str, ProviderBalance]
    periods: tuple[Decision, ...]

    def to_dict(self) -> dict[str, object]:
        """For machines; money in base units."""
        return {
            "agreement": self.agreement,
            "network": self.network,
            "chain_id": self.chain_id,
            "clock": datetime.fromtimestamp(self.clock, UTC).isoformat(),
            "stage": self.stage,
            "waits_for": self.waits_for,
            "escrow": self.escrow,
            "funds": str(self.funds),
            "cover": str(self.cover),
            "accounts": {name: _account_texts(account) for name, account in self.accounts.items()},
            "periods": [period.to_dict() for period in self.periods],
        }


@dataclass(frozen=True)
class StatedPeriod:
    """A statement with what the chain did about it."""

    statement: Statement
    basis: str
    """Where the values come from: ``settled on chain``, ``verified report`` or ``signed evidence``."""
    rows: Mapping[str, PeriodRow]
    """By provider: how the amount was split on chain; empty before settlement."""

    def to_dict(self) -> dict[str, object]:
        """For machines."""
        return {
            "basis": self.basis,
            "statement": self.statement.to_dict(),
            "on_chain": {name: row.to_dict() for name, row in self.rows.items()},
        }

    def of(self, provider: str) -> ProviderStatement:
        """One provider's part of the statement."""
        return self.statement.of(provider)


class Books:
    """Reads the escrow's events once and answers from them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._unders: dict[int, tuple[Desk, Version]] = {}
        self._pricing = Pricing(lambda period: self._under(period)[1], lambda: self.events)

    @cached_property
    def events(self) -> list[Located]:
        """All events of the escrow."""
        return self._desk.escrow.events(self._desk.settings.first_block)

    @cached_property
    def journal(self) -> Journal:
        """Double-entry books of the escrow."""
        return fold(self.events, self._desk.agreement.providers)

    def status(self, progress: Progress) -> Status:
        """Where everything stands."""
        desk = self._desk
        offered = desk.files.offer.exists()
        deployed = desk.is_deployed()
        escrow = desk.escrow if deployed else None
        stage = escrow.stage().name.lower() if escrow else "not deployed" if offered else "not offered"
        waits_for = ""
        if stage == "offer":
            waits_for = activation_waits_for(desk)
        elif stage == "not deployed":
            missing = missing_signatures(desk)
            waits_for = f"the signatures of {', '.join(missing)}" if missing else "deployment"
        elif stage == "not offered":
            waits_for = "the first signature"
        keeper = PeriodDesk(desk, by="client", progress=progress)
        numbers = [period.number for period in desk.agreement.periods]
        return Status(
            agreement=desk.agreement.id,
            network=desk.network.name,
            chain_id=desk.network.chain_id,
            clock=desk.network.now(),
            stage=stage,
            waits_for=waits_for,
            escrow=desk.undeployed_escrow.address if offered else None,
            funds=escrow.funds() if escrow else 0,
            cover=escrow.required_cover() if escrow else 0,
            accounts=provider_balances(self.journal) if escrow else {},
            periods=tuple(decide(keeper.facts(number)) for number in numbers) if offered else (),
        )

    def statement(self, period: int) -> StatedPeriod:
        """A period's statement from the best values there are: on chain, verified, or signed evidence.

        WorkspaceError ``nothing-to-state``.
        """
        desk = self._desk
        desk.agreement.period(period)
        deployed = desk.is_deployed()
        if deployed and self._pricing.is_settled(period):
            values, basis = self._pricing.settled_values(period), "settled on chain"
            # By place, whoever holds it in this period.
            rows = {place_of_name(row.provider): row for row in self.journal.rows if row.period == period}
        else:
            values, basis = self._expected_values(period)
            rows = {}
        return StatedPeriod(self._pricing.state(period, values), basis, rows)

    def _under(self, period: int) -> tuple[Desk, Version]:
        """The desk with the agreement that governs a period, asked once."""
        if period not in self._unders:
            desk = self._desk.under(period)
            known = (found for found in self._unders.values() if found[0] is desk)
            self._unders[period] = next(known, None) or (desk, version_of(desk))
        return self._unders[period]

    def _expected_values(self, period: int) -> tuple[Sequence[int | None], str]:
        desk = self._desk
        if desk.files.offer.exists():
            reports = agreeing_reports(desk, period).reports
            if reports:
                return [
                    None if value == MISSING else value for value in message_of(reports[0]).values
                ], "verified report"
        bundles = read_bundles(desk, period)
        kpis = self._under(period)[0].agreement.kpis
        found = {value.name: value.value for bundle in bundles.values() for value in bundle.values}
        if any(kpi.name not in found for kpi in kpis):
            raise WorkspaceError(
                "nothing-to-state",
                f"There is no settlement, report or complete evidence of period {period} yet.",
                "Run `pyoutcome measure` for each provider first, or try values out with `pyoutcome explain`.",
                period=period,
            )
        return [found[kpi.name] for kpi in kpis], "signed evidence"

    def audit(
        self,
        records: Mapping[str, Given] | None,
        progress: Progress,
        engine: str | None = None,
        block: int | None = None,
    ) -> AuditReport:
        """Everything recomputed from agreement, raw records and chain, after a block or the newest one; differences
        are findings."""
        readings = Readings(progress, engine)
        case = open_case(self._desk, lambda desk: readings.of(desk, "the auditor", records), block)
        return audit_case(case, lambda done, total: progress("auditing periods", done, total))


def _account_texts(account: ProviderBalance) -> dict[str, str]:
    return {part.name: str(getattr(account, part.name)) for part in fields(account)}
