"""From an agreement and its parties' addresses to the arguments everybody signs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pyoutcome.errors import WorkspaceError
from pyoutcome.protocol import Arguments, Kpi, Provider

if TYPE_CHECKING:
    from pyoutcome.terms import Agreement


def bind(agreement: Agreement, addresses: Mapping[str, str], token: str, activate_by: int) -> Arguments:
    """The escrow's arguments for this agreement between these addresses.

    ``addresses`` holds one address per party id; ``activate_by`` is unix seconds. WorkspaceError ``address-missing``
    names a party without one.
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
        arbitrator=address_of("arbitrator"),
        providers=tuple(Provider(signer=signer, payout=signer) for signer in signers),
        kpis=tuple(
            Kpi(
                decimals=kpi.decimals,
                may_be_missing=True,
                low=kpi.low,
                high=kpi.high,
                if_missing=kpi.if_missing,
            )
            for kpi in agreement.program_kpis
        ),
        parameters=tuple(value for _, value in agreement.rule().parameters),
        activate_by=activate_by,
        start=agreement.periods[0].start,
        ends=tuple(period.end for period in agreement.periods),
        evidence_window=escrow.evidence_window,
        default_window=escrow.default_window,
        holdback_rate=escrow.holdback_rate,
        holdback_release=agreement.periods[-1].end + escrow.holdback_release,
        reserve=escrow.reserve,
    )
