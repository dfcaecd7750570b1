"""The terms of a workspace, its amendments and everybody's signatures, for the agreement as a document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyoutcome.legal.document import AmendedTerms, SignedTerms, TermsSignatureLine
from pyoutcome.workspace.acts import collect
from pyoutcome.workspace.amending import act_of, list_accepted, message_of, required_signers
from pyoutcome.workspace.desk import AmendedDesk, Desk, amendment_missing
from pyoutcome.workspace.offering import collect_signatures
from pyoutcome.workspace.signing import signing_parties


def signed_terms(desk: Desk) -> SignedTerms | None:
    """The offer with the signatures that cover it; None before the first signature.

    Errors of reading the offer and of ``collect_signatures``.
    """
    if not desk.files.offer.exists():
        return None
    signatures = collect_signatures(desk)
    arguments = desk.deal.arguments
    addresses = {"client": arguments.client}
    for name, provider in zip(desk.agreement.providers, arguments.providers, strict=True):
        addresses[name] = provider.signer
        if provider.backup is not None:
            addresses[f"backup-{name}"] = provider.backup
    return _terms(desk, signing_parties(desk.agreement), addresses, signatures)


def amended_terms(desk: Desk) -> tuple[AmendedTerms, ...]:
    """The amendments that the escrow accepted, in order, and the one that is proposed, if there is one.

    WorkspaceError ``amendment-missing`` if the files of an accepted one are not here; those of reading them, and
    ``signature-differs``, ``act-differs`` of their signatures.
    """
    if not desk.is_deployed():
        return ()
    numbers = [number for number in desk.files.amendments() if desk.files.amendment_terms(number).exists()]
    stored = {found.terms_hash: found for found in map(desk.amended, numbers)}
    made: list[AmendedTerms] = []
    for number, event in enumerate(list_accepted(desk), 1):
        found = stored.pop(event.terms_hash, None)
        if found is None:
            raise amendment_missing(event.first)
        made.append(_amended(desk, found, number, accepted=True))
    for found in stored.values():
        if found.number == len(made) + 1:
            made.append(_amended(desk, found, found.number, accepted=False))
    return tuple(made)


def _amended(desk: Desk, found: AmendedDesk, number: int, *, accepted: bool) -> AmendedTerms:
    act, known = act_of(desk, found), desk.parties.addresses
    signing = [party for party in known if desk.files.act(act.name, party).exists()]
    signatures = dict(zip(signing, collect(desk, act, signing)[0], strict=True))
    wanted = [] if accepted else [party for party in required_signers(desk, found) if party not in signatures]
    return AmendedTerms(
        number=number,
        agreement=found.agreement,
        terms=_terms(found, [*signing, *wanted], known, signatures),
        message=message_of(desk, found),
        digest=bytes.fromhex(act.digest[2:]),
        accepted=accepted,
    )


def _terms(
    desk: Desk, parties: Sequence[str], addresses: Mapping[str, str], signatures: Mapping[str, bytes]
) -> SignedTerms:
    return SignedTerms(
        chain_id=desk.network.chain_id,
        factory=desk.settings.factory,
        escrow=desk.undeployed_escrow.address,
        program_hash=desk.deal.program_hash,
        arguments=desk.deal.arguments,
        nonce=desk.deal.nonce,
        terms_hash=desk.terms_hash,
        signatures=tuple(TermsSignatureLine(party, addresses[party], signatures.get(party)) for party in parties),
    )
