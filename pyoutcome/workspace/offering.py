"""The offer and everybody's signatures in a workspace: made, sent as files, taken in, checked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pyoutcome.chain.deal import Deal
from pyoutcome.errors import WorkspaceError
from pyoutcome.workspace.binding import bind, demand_bound, demand_signable
from pyoutcome.workspace.desk import Desk
from pyoutcome.workspace.settings import Offer, TermsSignature
from pyoutcome.workspace.signing import check_offer, read_offer, read_signature, signing_of, signing_parties

ACTIVATE_WITHIN = 30 * 24 * 3600
"""Seconds an offer stays open, counted from the first signature by the chain's clock."""


def make_offer(desk: Desk) -> Offer:
    """The offer as it travels to those who sign: the stored one, or a new one.

    WorkspaceError ``address-missing``, ``offer-differs``; ChainError ``prediction-differs``.
    """
    if not desk.files.offer.exists():
        _write_offer(desk)
    demand_bound(desk, "offer.json")
    return desk.files.load(desk.files.offer, Offer)


def take_offer(desk: Desk, file: Path) -> Offer:
    """Stores an offer that another party made, once it is what follows from the agreement and addresses here.

    WorkspaceError ``offer-known`` if another one is stored; ``offer-differs``, ``address-missing``, those of reading.
    """
    offer = read_offer(file)
    if desk.files.offer.exists():
        if desk.files.load(desk.files.offer, Offer) == offer:
            return offer
        raise WorkspaceError(
            "offer-known",
            "Another offer is stored in this workspace.",
            "Find out with the other parties which one is meant; to take the new one, delete offer.json and the folder "
            "signatures, and sign anew.",
        )
    check_offer(desk.agreement, offer, str(file))
    desk.files.save(desk.files.offer, offer)
    try:
        demand_bound(desk, "offer.json")
    except BaseException:
        desk.files.offer.unlink()  # what nobody here would sign is not kept
        raise
    return offer


def sign_terms(desk: Desk, party: str) -> TermsSignature:
    """Signs the terms as a party; the first signature makes the offer.

    WorkspaceError ``not-a-signing-party``, ``address-missing``, those of the key; ChainError ``prediction-differs``.
    """
    desk.parties.require(party)
    signer = desk.parties.signer(party) if party in signing_parties(desk.agreement) else None
    if signer is None:
        raise WorkspaceError(
            "not-a-signing-party",
            f"{party} does not sign the terms.",
            f"The terms are signed by {', '.join(signing_parties(desk.agreement))}.",
            party=party,
        )
    make_offer(desk)
    signature = signing_of(desk).sign(party, signer)
    desk.files.save(desk.files.signature(party), signature)
    return signature


def take_signatures(desk: Desk, files: Sequence[Path]) -> tuple[TermsSignature, ...]:
    """Stores signatures that came as files: all of them, or, if one does not cover these terms, none.

    WorkspaceError ``signature-differs``, ``not-a-signing-party``, those of reading and of the offer.
    """
    signing = signing_of(desk)
    found = tuple(map(read_signature, files))
    for each in found:
        signing.check(each)
    for each in found:
        desk.files.save(desk.files.signature(each.party), each)
    return found


def _write_offer(desk: Desk) -> None:
    desk.factory.verify()
    demand_signable(desk.agreement)
    arguments = bind(desk.agreement, desk.parties.addresses, desk.settings.token, desk.network.now() + ACTIVATE_WITHIN)
    program = desk.agreement.program()
    deal = Deal(arguments, desk.agreement.digest(), program.data)
    prediction = desk.factory.predict(deal)
    offer = Offer(
        chain_id=desk.network.chain_id,
        factory=desk.settings.factory,
        implementation=desk.factory.implementation,
        arguments="0x" + arguments.pack().hex(),
        agreement_digest="0x" + deal.agreement_digest.hex(),
        program_hash="0x" + deal.program_hash.hex(),
        nonce=deal.nonce,
        terms_hash="0x" + prediction.terms_hash.hex(),
        escrow=prediction.escrow,
    )
    desk.files.save(desk.files.offer, offer)


def collect_signatures(desk: Desk) -> dict[str, bytes]:
    """The stored signatures, by party, each checked to cover exactly these terms.

    WorkspaceError ``signature-differs`` for one that covers other terms or comes from another key.
    """
    signing = signing_of(desk)
    found: dict[str, bytes] = {}
    for party in signing.addresses:
        path = desk.files.signature(party)
        if path.exists():
            stored = desk.files.load(path, TermsSignature)
            if stored.party != party:
                raise WorkspaceError(
                    "signature-differs",
                    f"{desk.files.name(path)} is a signature of {stored.party}, not of {party}.",
                    f"Let {party} sign, and put the other file back under its own name.",
                    party=party,
                )
            found[party] = signing.check(stored)
    return found


def missing_signatures(desk: Desk) -> list[str]:
    """The signing parties without a stored signature."""
    signed = collect_signatures(desk)
    return [party for party in signing_parties(desk.agreement) if party not in signed]


def demand_signed(desk: Desk) -> None:
    """Refuses to go on while a signature is missing: WorkspaceError ``signatures-missing``."""
    missing = missing_signatures(desk)
    if missing:
        raise WorkspaceError(
            "signatures-missing",
            f"Not signed yet by {', '.join(missing)}.",
            "Each of them runs `pyoutcome sign --as PARTY`; nothing unsigned is deployed.",
            missing=missing,
        )
