"""The audit of one escrow: what it is given, wherever that comes from, and how a workspace gives it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pyoutcome.audit import Amendment, AuditReport, ChainView, Subject, audit
from pyoutcome.chain.views import EscrowViews
from pyoutcome.evidence.bundles.bundle import Bundle, evidence_digest
from pyoutcome.ledger import AccountBalance, EscrowBalances, name_tenures
from pyoutcome.protocol import Arguments, Located
from pyoutcome.protocol.events import Amended
from pyoutcome.workspace.binding import bind
from pyoutcome.workspace.desk import AmendedDesk, Desk
from pyoutcome.workspace.evidencing import read_bundles
from pyoutcome.workspace.pricing import Pricing, Version
from pyoutcome.workspace.settings import ANEW

if TYPE_CHECKING:
    from pyoutcome.evidence.recomputation import Recomputation


@dataclass(frozen=True)
class SignedTerms:
    """What the parties signed: at the start, or as an amendment."""

    version: Version
    arguments: Arguments
    """What must be deployed."""
    nonce: int
    first: int = 1
    """The period from which they govern."""


@dataclass(frozen=True)
class Case:
    """Everything that an audit of one escrow needs."""

    terms: SignedTerms
    amendments: tuple[SignedTerms, ...]
    """Those that were accepted and whose files are known, in order."""
    located: Sequence[Located]
    """The escrow's events up to the block of ``chain``."""
    chain: ChainView
    bundles: Callable[[int], Mapping[str, Bundle]]
    """The bundles of a period that are at hand, by provider."""
    values: Callable[[int], Sequence[int | None]]
    """The values of a period from the raw records, in program order."""

    def under(self, period: int) -> Version:
        """The version that governs a period."""
        reached = [each.version for each in self.amendments if each.first <= period]
        return reached[-1] if reached else self.terms.version


def audit_case(case: Case, progress: Callable[[int, int], None] | None = None) -> AuditReport:
    """Recomputes every settlement of the escrow and reports each difference. Raises only where records cannot be
    read."""
    pricing = Pricing(case.under, lambda: case.located)

    def subject_of(terms: SignedTerms) -> Subject:
        agreement = terms.version.agreement
        return Subject(
            digest=agreement.digest(),
            program=agreement.program().data,
            arguments=terms.arguments,
            providers=agreement.providers,
            kpis=tuple(kpi.name for kpi in agreement.kpis),
            sequential=agreement.program().sequential,
            amounts=lambda period, values: pricing.state(period, values).amounts,
        )

    amended = tuple(Amendment(each.first, each.nonce, subject_of(each)) for each in case.amendments)
    return audit(
        replace(subject_of(case.terms), amendments=amended), case.located, _Evidence(case), case.chain, progress
    )


class _Evidence:
    """Values from the raw records, digests from the bundles at hand."""

    def __init__(self, case: Case) -> None:
        self._case = case

    def values(self, period: int) -> Sequence[int | None]:
        return self._case.values(period)

    def digest(self, period: int) -> bytes | None:
        agreement = self._case.under(period).agreement
        bundles = [
            bundle
            for provider, bundle in self._case.bundles(period).items()
            if (bundle.agreement_digest, bundle.period, bundle.supplier) == (agreement.digest(), period, provider)
        ]
        return evidence_digest(bundles, agreement.providers) if len(bundles) == len(agreement.providers) else None


def read_chain(
    escrow: EscrowViews, located: Sequence[Located], providers: tuple[str, ...], nonce: int, agreement_digest: bytes
) -> ChainView:
    """What the escrow's views say after its block; ``located`` are its events up to there, ``nonce`` and digest what
    is known of it otherwise. ChainError as reading."""
    names = name_tenures(located, providers)
    number = escrow.network.head().number if escrow.block is None else escrow.block
    block = escrow.network.require_block(number)
    found = escrow.reading(len(names))
    return ChainView(
        chain_id=escrow.network.chain_id,
        factory=found.factory,
        nonce=nonce,
        agreement_digest=agreement_digest,
        program=found.program,
        arguments=escrow.arguments(),
        terms_hash=found.terms_hash,
        settled=found.settled,
        balances=EscrowBalances(
            token_balance=escrow.balance(),
            tracked=found.tracked,
            funds=found.funds,
            providers={
                name: AccountBalance(
                    held=each.held, debt=each.debt, arrears=each.arrears, claimable=each.claimable, bond=each.bond
                )
                for name, each in zip(names, found.accounts, strict=True)
            },
            client_claimable=found.client_claimable,
        ),
        now=block.timestamp,
        block=block.number,
    )


def version_of(desk: Desk) -> Version:
    """The agreement of a desk."""
    return Version(desk.agreement, isinstance(desk, AmendedDesk) and ANEW in desk.amendment.carry)


def open_case(desk: Desk, read: Callable[[Desk], Recomputation], block: int | None = None) -> Case:
    """The case of a workspace after a block, or the newest one; ``read`` gives the raw records as a desk reads them.

    ChainError ``block-unknown``, and ``no-contract`` where the escrow is younger than the block.
    """
    at = desk.network.head().number if block is None else desk.network.require_block(block).number
    escrow = desk.escrow.at(at)
    located = escrow.events(desk.settings.first_block, at)

    def signed(each: Desk) -> SignedTerms:
        version, until = version_of(each), desk.deal.arguments.activate_by
        arguments = bind(each.agreement, desk.parties.addresses, desk.settings.token, until, each.arbitrator)
        amendment = each.amendment if isinstance(each, AmendedDesk) else None
        nonce, first = (amendment.nonce, amendment.first) if amendment else (desk.deal.nonce, 1)
        return SignedTerms(version, arguments, nonce, first)

    accepted = sum(isinstance(each.event, Amended) for each in located)
    digest = desk.factory.created(escrow.address, desk.settings.first_block).agreement_digest
    amended = [desk.amended(number) for number in list(desk.files.amendments())[:accepted]]

    def values(period: int) -> list[int | None]:
        reached = [each for each in amended if each.amendment.first <= period]
        return [each.value for each in read(reached[-1] if reached else desk).measured(period).values]

    return Case(
        terms=signed(desk),
        amendments=tuple(signed(each) for each in amended),
        located=located,
        chain=read_chain(escrow, located, desk.agreement.providers, desk.deal.nonce, digest),
        bundles=lambda period: read_bundles(desk, period),
        values=values,
    )
