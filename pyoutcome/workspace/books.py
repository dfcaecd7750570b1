"""What a workspace can say about its money: status, statements, the audit and its picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from pyoutcome.audit import AuditReport, settled_values
from pyoutcome.decimals import DECIMALS
from pyoutcome.errors import WorkspaceError
from pyoutcome.formula.state import State, empty_state
from pyoutcome.formula.verify import verify
from pyoutcome.ledger import (
    Journal,
    PeriodRow,
    ProviderBalance,
    fold,
    provider_balances,
)
from pyoutcome.protocol import MISSING, Located
from pyoutcome.protocol.events import Settled
from pyoutcome.settlement.plan import Decision, decide
from pyoutcome.terms.agreement import Agreement
from pyoutcome.terms.statement import ProviderStatement, Statement
from pyoutcome.workspace.amending import ANEW
from pyoutcome.workspace.auditing import audit_workspace
from pyoutcome.workspace.desk import AmendedDesk, Desk
from pyoutcome.workspace.evidencing import Progress, Readings, read_bundles
from pyoutcome.workspace.offer import activation_waits_for, missing_signatures
from pyoutcome.workspace.reporting import PeriodDesk
from pyoutcome.workspace.reports import agreeing_reports, message_of

if TYPE_CHECKING:
    from pyoutcome.evidence.sources.files import Given


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
        self._unders: dict[int, Desk] = {}
        self._left: dict[int, Statement] = {}

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
        if deployed and period in self._settled:
            values, basis = self._settled_values(period), "settled on chain"
            rows = {row.provider: row for row in self.journal.rows if row.period == period}
        else:
            values, basis = self._expected_values(period)
            rows = {}
        return StatedPeriod(self._state(period, values), basis, rows)

    def _state(self, period: int, values: Sequence[int | None]) -> Statement:
        """A period's statement; where periods depend on one another, after the settled ones before it.

        WorkspaceError ``nothing-to-state`` while one of those is not settled.
        """
        under = self._under(period)
        named = _by_name(under.agreement, values)
        if not under.agreement.program().sequential:
            return under.agreement.statement(period, named)
        return under.agreement.statement(period, named, self._state_before(period))

    def _state_before(self, period: int) -> State | None:
        """What all earlier periods left to a period of a sequential program; None before the first."""
        if period == 1:
            return None
        for number in range(1, period):
            if number not in self._settled:
                raise WorkspaceError(
                    "nothing-to-state",
                    f"What period {period} pays depends on period {number}, which is not settled yet.",
                    f"Settle period {number} first, or try values out with `pyoutcome explain`.",
                    period=period,
                )
            if number not in self._left:
                self._left[number] = self._state(number, self._settled_values(number))
        left, under = self._left[period - 1].state, self._under(period)
        return left if under is self._under(period - 1) else self._carry_over(under, left, period)

    def _carry_over(self, under: Desk, left: State | None, period: int) -> State:
        """What an amendment lets its first period have of what earlier ones left."""
        shape = verify(under.agreement.program().data)
        unit = 10 ** (DECIMALS - under.agreement.token.decimals)
        earned = tuple(
            unit * sum(self._left[number].amounts[payee] for number in range(1, period)) for payee in shape.earned
        )
        if left is not None and isinstance(under, AmendedDesk) and ANEW not in under.amendment.carry:
            return left._replace(earned=earned)
        depths = [row.depth for row in shape.header.histories]
        fresh = empty_state(depths, len(shape.to_date), len(shape.earned), under.agreement.token.decimals)
        return fresh._replace(earned=earned)

    def _under(self, period: int) -> Desk:
        """The desk with the agreement that governs a period, asked once."""
        if period not in self._unders:
            self._unders[period] = self._desk.under(period)
        return self._unders[period]

    @cached_property
    def _settled(self) -> frozenset[int]:
        """The periods that are settled on chain."""
        return frozenset(each.event.period for each in self.events if isinstance(each.event, Settled))

    def _settled_values(self, period: int) -> Sequence[int | None]:
        """What a period settled on; where that was a default, every KPI's stand-in."""
        values = settled_values((each.event for each in self.events), period)
        if values is None:
            return [None] * len(self._under(period).agreement.kpis)
        return [None if value == MISSING else value for value in values]

    def _expected_values(self, period: int) -> tuple[Sequence[int | None], str]:
        desk = self._desk
        if desk.files.offer.exists():
            reports = agreeing_reports(desk, period).reports
            if reports:
                return [
                    None if value == MISSING else value for value in message_of(reports[0]).values
                ], "verified report"
        bundles = read_bundles(desk, period)
        kpis = self._under(period).agreement.kpis
        found = {value.name: value.value for bundle in bundles.values() for value in bundle.values}
        if any(kpi.name not in found for kpi in kpis):
            raise WorkspaceError(
                "nothing-to-state",
                f"There is no settlement, report or complete evidence of period {period} yet.",
                "Run `pyoutcome measure` for each provider first, or try values out with `pyoutcome explain`.",
                period=period,
            )
        return [found[kpi.name] for kpi in kpis], "signed evidence"

    def audit(self, records: Mapping[str, Given] | None, progress: Progress, engine: str | None = None) -> AuditReport:
        """Everything recomputed from agreement, raw records and chain; differences are findings."""
        readings = Readings(progress, engine)
        return audit_workspace(
            self._desk,
            self.events,
            lambda period, values: self._state(period, values).amounts,
            lambda period: readings.of(self._under(period), "the auditor", records),
            lambda done, total: progress("auditing periods", done, total),
        )


def _by_name(agreement: Agreement, values: Sequence[int | None]) -> dict[str, int | None]:
    return dict(zip((kpi.name for kpi in agreement.kpis), values, strict=True))


def _account_texts(account: ProviderBalance) -> dict[str, str]:
    return {part.name: str(getattr(account, part.name)) for part in fields(account)}
