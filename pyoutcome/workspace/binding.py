"""From an agreement and its parties' addresses to the deployed arguments, and what nobody should sign for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from pyoutcome.errors import WorkspaceError
from pyoutcome.protocol import Arguments, Kpi, Provider
from pyoutcome.terms.agreement import Agreement
from pyoutcome.workspace.desk import Desk, offer_differs


def bind(
    agreement: Agreement, addresses: Mapping[str, str], token: str, activate_by: int, arbitrator: str = "arbitrator"
) -> Arguments:
    """The escrow's arguments for this agreement between these addresses.

    ``addresses`` holds one address per party id; ``activate_by`` is unix seconds; ``arbitrator`` is the id of a party.
    WorkspaceError ``address-missing`` names a party without an address.
    """

    def address_of(party: str) -> str:
        address = addresses.get(party)
        if address is None:
            raise WorkspaceError(
                "address-missing",
                f"The address of {party} is not known.",
                f"Ask {party} for it and run `pyoutcome key trust {party} ADDRESS`.",
                party=party,
            )
        return address

    escrow = agreement.escrow
    signers = [address_of(provider) for provider in agreement.providers]
    return Arguments(
        client=address_of("client"),
        token=token,
        unit_decimals=agreement.token.decimals,
        quorum=agreement.quorum,
        verifiers=tuple(address_of(verifier) for verifier in agreement.verifiers),
        arbitrator=address_of(arbitrator),
        providers=tuple(
            Provider(signer, signer, bond, address_of(f"backup-{name}") if backed else None, fee)
            for name, signer, bond, backed, fee in zip(
                agreement.providers, signers, escrow.bonds, escrow.backups, escrow.convenience_fee, strict=True
            )
        ),
        kpis=tuple(
            Kpi(kpi.decimals, kpi.may_be_missing, kpi.low, kpi.high, kpi.given_if_missing, supplier)
            for kpi, supplier in zip(agreement.kpis, escrow.suppliers, strict=True)
        ),
        parameters=tuple(value for _, value in agreement.rule().parameters),
        activate_by=activate_by,
        start=agreement.periods[0].start,
        ends=tuple(period.end for period in agreement.periods),
        evidence_window=escrow.evidence_window,
        default_window=escrow.default_window,
        holdback_rate=escrow.holdback_rate,
        holdback_delay=escrow.holdback_release,
        reserve=escrow.reserve,
        challenge_window=escrow.challenge_window,
        ruling_window=escrow.ruling_window,
        chooses=escrow.chooses,
        refuses=agreement.refuses,
        stake_fixed=escrow.stake_fixed,
        stake_share=escrow.stake_share,
        cure_window=escrow.cure_window,
        notice=escrow.notice,
        convenience=escrow.convenience,
        streak=escrow.streak,
        restates=escrow.restates,
    )


def demand_signable(agreement: Agreement) -> None:
    """Refuses an agreement that nobody should sign: FormulaError, EvidenceError, AgreementError
    ``default-fails``."""
    from pyoutcome.evidence import plan_measures

    agreement.demand_default()  # a period without evidence would settle with nothing
    agreement.bounds()  # it can fail to give an amount
    plan_measures(agreement)  # its values cannot be measured


def demand_bound(desk: Desk, name: str) -> None:
    """Refuses to sign deployed arguments other than the agreement's between the parties known here: a file that came
    from another party says them. WorkspaceError ``offer-differs``, ``address-missing``."""
    told = desk.deal.arguments
    own = bind(desk.agreement, desk.parties.addresses, desk.settings.token, told.activate_by, desk.arbitrator)
    for part in fields(Arguments):
        if getattr(told, part.name) != getattr(own, part.name):
            raise offer_differs(name, f"its {part.name.replace('_', ' ')} is not what follows from the agreement here")
