"""What a workspace can say about its money: status, statements, the audit and its picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pyoutcome.audit import AuditReport, ChainView, Subject, audit, settled_values
from pyoutcome.chain.escrow import EscrowClient, PeriodStage
from pyoutcome.errors import WorkspaceError
from pyoutcome.evidence.bundle import evidence_digest
from pyoutcome.ledger import (
    AccountBalance,
    EscrowBalances,
    Journal,
    PeriodRow,
    ProviderBalance,
    fold,
    name_tenures,
    provider_balances,
)
from pyoutcome.protocol import MISSING, Located
from pyoutcome.protocol.events import Settled
from pyoutcome.settlement.plan import Decision, decide
from pyoutcome.terms.statement import ProviderStatement, Statement
from pyoutcome.workspace.desk import Desk
from pyoutcome.workspace.evidencing import Progress, agreeing_reports, message_of, read_bundles, read_records
from pyoutcome.workspace.offer import activation_waits_for, bind, missing_signatures
from pyoutcome.workspace.reporting import PeriodDesk

if TYPE_CHECKING:
    from pyoutcome.evidence.recomputation import Recomputation


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
        agreement = self._desk.agreement
        names = [kpi.name for kpi in agreement.kpis]
        named = dict(zip(names, values, strict=True))
        if not agreement.program().sequential:
            return agreement.statement(period, named)
        earlier = []
        for number in range(1, period):
            if number not in self._settled:
                raise WorkspaceError(
                    "nothing-to-state",
                    f"What period {period} pays depends on period {number}, which is not settled yet.",
                    f"Settle period {number} first, or try values out with `pyoutcome explain`.",
                    period=period,
                )
            earlier.append(dict(zip(names, self._settled_values(number), strict=True)))
        return agreement.statements([*earlier, named])[-1]

    @cached_property
    def _settled(self) -> frozenset[int]:
        """The periods that are settled on chain."""
        return frozenset(each.event.period for each in self.events if isinstance(each.event, Settled))

    def _settled_values(self, period: int) -> Sequence[int | None]:
        """What a period settled on; where that was a default, every KPI's stand-in."""
        values = settled_values((each.event for each in self.events), period)
        if values is None:
            return [None] * len(self._desk.agreement.kpis)
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
        found = {value.name: value.value for bundle in bundles.values() for value in bundle.values}
        if any(kpi.name not in found for kpi in desk.agreement.kpis):
            raise WorkspaceError(
                "nothing-to-state",
                f"There is no settlement, report or complete evidence of period {period} yet.",
                "Run `pyoutcome measure` for each provider first, or try values out with `pyoutcome explain`.",
                period=period,
            )
        return [found[kpi.name] for kpi in desk.agreement.kpis], "signed evidence"

    def audit(self, records: Mapping[str, Path] | None, progress: Progress) -> AuditReport:
        """Everything recomputed from agreement, raw records and chain; differences are findings."""
        desk = self._desk
        escrow = desk.escrow
        arguments = bind(desk.agreement, desk.parties.addresses, desk.settings.token, desk.deal.arguments.activate_by)
        names = [kpi.name for kpi in desk.agreement.kpis]

        def amounts(period: int, values: Sequence[int | None]) -> tuple[int, ...]:
            return self._state(period, values).amounts

        subject = Subject(
            digest=desk.agreement.digest(),
            program=desk.agreement.program().data,
            arguments=arguments,
            providers=desk.agreement.providers,
            kpis=tuple(names),
            sequential=desk.agreement.program().sequential,
            amounts=amounts,
        )
        evidence = _StoredEvidence(desk, read_records(desk, records, progress, "the auditor"))
        view = _view(desk, escrow, name_tenures(self.events, desk.agreement.providers))
        return audit(
            subject, self.events, evidence, view, lambda done, total: progress("auditing periods", done, total)
        )


class _StoredEvidence:
    """Values from the raw records, digests from the stored bundles."""

    def __init__(self, desk: Desk, recomputation: Recomputation) -> None:
        self._desk = desk
        self._recomputation = recomputation

    def values(self, period: int) -> Sequence[int | None]:
        return [value.value for value in self._recomputation.measured(period).values]

    def digest(self, period: int) -> bytes | None:
        bundles = read_bundles(self._desk, period)
        if len(bundles) < len(self._desk.agreement.providers):
            return None
        return evidence_digest(list(bundles.values()), self._desk.agreement.providers)


def _view(desk: Desk, escrow: EscrowClient, names: Sequence[str]) -> ChainView:
    settled = frozenset(
        number
        for number in range(1, escrow.last_period() + 1)
        if escrow.period_state(number).stage is PeriodStage.SETTLED
    )
    return ChainView(
        chain_id=desk.network.chain_id,
        factory=escrow.factory(),
        nonce=desk.deal.nonce,
        agreement_digest=desk.factory.created(escrow.address, desk.settings.first_block).agreement_digest,
        program=escrow.program(),
        arguments=escrow.arguments(),
        terms_hash=escrow.terms_hash(),
        settled=settled,
        balances=EscrowBalances(
            token_balance=escrow.balance(),
            tracked=escrow.tracked(),
            funds=escrow.funds(),
            providers=_accounts(escrow, names),
            client_claimable=escrow.client_claimable(),
        ),
        now=desk.network.now(),
    )


def _accounts(escrow: EscrowClient, names: Sequence[str]) -> dict[str, AccountBalance]:
    found = {}
    for index, name in enumerate(names):
        account = escrow.account(index)
        found[name] = AccountBalance(
            held=account.held,
            debt=account.debt,
            arrears=account.arrears,
            claimable=account.claimable,
            bond=account.bond,
        )
    return found


def _account_texts(account: ProviderBalance) -> dict[str, str]:
    return {part.name: str(getattr(account, part.name)) for part in fields(account)}
