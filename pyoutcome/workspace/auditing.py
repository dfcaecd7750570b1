"""What the audit is given from a workspace: the agreement and its amendments, stored evidence, and the chain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pyoutcome.audit import Amendment, AuditReport, ChainView, Subject, audit
from pyoutcome.chain.escrow import EscrowClient, PeriodStage
from pyoutcome.evidence.bundle import evidence_digest
from pyoutcome.ledger import AccountBalance, EscrowBalances, name_tenures
from pyoutcome.protocol import Located
from pyoutcome.protocol.events import Amended
from pyoutcome.workspace.binding import bind
from pyoutcome.workspace.desk import Desk
from pyoutcome.workspace.evidencing import read_bundles

if TYPE_CHECKING:
    from pyoutcome.evidence.recomputation import Recomputation

Amounts = Callable[[int, Sequence[int | None]], tuple[int, ...]]
"""Base units per provider for a period and its values, by the terms that govern it."""


def audit_workspace(
    desk: Desk,
    located: Sequence[Located],
    amounts: Amounts,
    read: Callable[[int], Recomputation],
    progress: Callable[[int, int], None],
) -> AuditReport:
    """The audit of the workspace's escrow. ``read`` gives the raw records as the terms of a period read them."""

    def subject_of(each: Desk) -> Subject:
        agreement, activate_by = each.agreement, desk.deal.arguments.activate_by
        return Subject(
            digest=agreement.digest(),
            program=agreement.program().data,
            arguments=bind(agreement, desk.parties.addresses, desk.settings.token, activate_by, each.arbitrator),
            providers=agreement.providers,
            kpis=tuple(kpi.name for kpi in agreement.kpis),
            sequential=agreement.program().sequential,
            amounts=amounts,
        )

    accepted = sum(isinstance(each.event, Amended) for each in located)
    stored = [desk.amended(number) for number in list(desk.files.amendments())[:accepted]]
    amended = tuple(Amendment(each.amendment.first, each.amendment.nonce, subject_of(each)) for each in stored)
    view = _view(desk, desk.escrow, name_tenures(located, desk.agreement.providers))
    return audit(replace(subject_of(desk), amendments=amended), located, _StoredEvidence(desk, read), view, progress)


class _StoredEvidence:
    """Values from the raw records, digests from the stored bundles."""

    def __init__(self, desk: Desk, read: Callable[[int], Recomputation]) -> None:
        self._desk = desk
        self._read = read

    def values(self, period: int) -> Sequence[int | None]:
        return [value.value for value in self._read(period).measured(period).values]

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
