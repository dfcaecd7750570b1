"""The terms of a workspace and their signatures, for the agreement as a document."""

from __future__ import annotations

from pyoutcome.legal.document import SignedTerms, TermsSignatureLine
from pyoutcome.workspace.desk import Desk
from pyoutcome.workspace.offering import collect_signatures
from pyoutcome.workspace.signing import signing_parties


def signed_terms(desk: Desk) -> SignedTerms | None:
    """The offer with the signatures that cover it; None before the first signature.

    Errors of reading the offer and of ``collect_signatures``.
    """
    if not desk.files.offer.exists():
        return None
    deal = desk.deal
    signatures = collect_signatures(desk)
    arguments = deal.arguments
    addresses = {"client": arguments.client}
    for name, provider in zip(desk.agreement.providers, arguments.providers, strict=True):
        addresses[name] = provider.signer
        if provider.backup is not None:
            addresses[f"backup-{name}"] = provider.backup
    return SignedTerms(
        chain_id=desk.network.chain_id,
        factory=desk.settings.factory,
        escrow=desk.undeployed_escrow.address,
        program_hash=deal.program_hash,
        arguments=arguments,
        nonce=deal.nonce,
        terms_hash=desk.terms_hash,
        signatures=tuple(
            TermsSignatureLine(party, addresses[party], signatures.get(party))
            for party in signing_parties(desk.agreement)
        ),
    )
