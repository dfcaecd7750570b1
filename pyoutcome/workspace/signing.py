"""Signatures over the terms as files: made and checked with nothing but an agreement file and an offer file at hand.

What is signed is the EIP-712 digest of ``Terms`` (docs/protocol.md, section 12), the terms hash. The chain's number
and the factory are in its domain, the agreement, the program and every deployed argument in its fields; the escrow's
address follows from it, the factory and the factory's code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from pyoutcome.chain.deal import Deal, clone_address
from pyoutcome.errors import ProtocolError, WorkspaceError
from pyoutcome.protocol import Arguments, Domain, signer_of
from pyoutcome.workspace.binding import bind, demand_signable
from pyoutcome.workspace.desk import Desk, offer_differs, read_deal
from pyoutcome.workspace.files import WorkspaceFiles
from pyoutcome.workspace.settings import Offer, TermsSignature

if TYPE_CHECKING:
    from pyoutcome.protocol import Signer
    from pyoutcome.terms.agreement import Agreement


@dataclass(frozen=True)
class Signing:
    """What is to be signed, and by whom."""

    chain_id: int
    factory: str
    escrow: str
    terms_hash: bytes
    addresses: Mapping[str, str | None]
    """Of those who sign, in the order the escrow takes the signatures; None where it is not known."""

    def sign(self, party: str, signer: Signer) -> TermsSignature:
        """The party's signature. WorkspaceError ``not-a-signing-party``, ``key-of-another``."""
        self.require(party)
        known = self.addresses[party]
        if signer.address != known:
            raise WorkspaceError(
                "key-of-another",
                f"The key given for {party} is that of {signer.address}, but its recorded address is {known}.",
                "Use the key of the recorded address, or have the offer made anew with this one.",
                party=party,
            )
        return TermsSignature(
            party=party,
            signer=signer.address,
            chain_id=self.chain_id,
            factory=self.factory,
            escrow=self.escrow,
            terms_hash="0x" + self.terms_hash.hex(),
            signature="0x" + signer.sign(self.terms_hash).hex(),
        )

    def require(self, party: str) -> None:
        """Refuses who does not sign the terms: WorkspaceError ``not-a-signing-party``."""
        if party not in self.addresses:
            raise WorkspaceError(
                "not-a-signing-party",
                f"{party} does not sign the terms.",
                f"The terms are signed by {', '.join(self.addresses)}.",
                party=party,
            )

    def check(self, stored: TermsSignature) -> bytes:
        """The 65 bytes of a signature that is by the party it names, over exactly this.

        WorkspaceError ``not-a-signing-party``; ``signature-differs`` with the reason.
        """
        self.require(stored.party)
        why = self._fault(stored)
        if why:
            raise WorkspaceError(
                "signature-differs",
                f"The signature of {stored.party} does not cover these terms: {why}.",
                f"Let {stored.party} sign again: it signed another version, or with another key, or the file was "
                "altered since.",
                party=stored.party,
            )
        return bytes.fromhex(stored.signature[2:])

    def _fault(self, stored: TermsSignature) -> str:
        for what, ours, theirs in (
            ("chain", self.chain_id, stored.chain_id),
            ("factory", self.factory, stored.factory),
            ("escrow", self.escrow, stored.escrow),
            ("terms hash", "0x" + self.terms_hash.hex(), stored.terms_hash),
            ("address", self.addresses[stored.party], stored.signer),
        ):
            if ours != theirs:
                return f"its {what} is {theirs} instead of {ours}"
        try:
            signer = signer_of(self.terms_hash, bytes.fromhex(stored.signature[2:]))
        except ProtocolError as error:
            return error.why.rstrip(".")
        return "" if signer == stored.signer else f"it was made with the key of {signer}"


@dataclass(frozen=True)
class Offered:
    """An offer that follows from an agreement, checked without any network."""

    agreement: Agreement
    deal: Deal
    addresses: Mapping[str, str]
    """Of every party, as the offer binds them. Each signer compares them with what the others told it."""
    signing: Signing


def signing_parties(agreement: Agreement) -> tuple[str, ...]:
    """Who signs the terms, in the order the escrow takes the signatures: client, providers, backups."""
    return ("client", *agreement.providers, *agreement.backups)


def signing_of(desk: Desk) -> Signing:
    """What is to be signed in a workspace. Errors of ``Desk.deal``."""
    known = desk.parties.addresses
    return Signing(
        desk.network.chain_id,
        desk.settings.factory,
        desk.undeployed_escrow.address,
        desk.terms_hash,
        {party: known.get(party) for party in signing_parties(desk.agreement)},
    )


def check_offer(agreement: Agreement, offer: Offer, name: str) -> Offered:
    """Works the whole offer out anew from the agreement and the addresses that it binds.

    What this cannot tell without a network: whether the factory's code is ours (``inspect`` and ``deploy`` tell), and
    whose the addresses are. WorkspaceError ``offer-differs``; what ``demand_signable`` raises.
    """
    deal = read_deal(agreement, offer, Domain(offer.chain_id, offer.factory), name)
    arguments = deal.arguments
    addresses = _addresses(agreement, arguments, name)
    own = bind(agreement, addresses, arguments.token, arguments.activate_by)
    for part in fields(Arguments):
        if getattr(arguments, part.name) != getattr(own, part.name):
            raise offer_differs(name, f"its {part.name.replace('_', ' ')} is not what follows from the agreement here")
    demand_signable(agreement)
    terms_hash = bytes.fromhex(offer.terms_hash[2:])
    code = deal.clone_code(offer.factory, offer.implementation, terms_hash)
    if clone_address(offer.factory, code) != offer.escrow:
        raise offer_differs(name, "its escrow address does not follow from its arguments")
    signing = Signing(
        offer.chain_id,
        offer.factory,
        offer.escrow,
        terms_hash,
        {party: addresses[party] for party in signing_parties(agreement)},
    )
    return Offered(agreement, deal, addresses, signing)


def _addresses(agreement: Agreement, arguments: Arguments, name: str) -> dict[str, str]:
    counts = (len(arguments.providers), len(arguments.verifiers))
    if counts != (len(agreement.providers), len(agreement.verifiers)):
        raise offer_differs(name, "it has other numbers of providers or verifiers")
    found = {"client": arguments.client, "arbitrator": arguments.arbitrator}
    found |= dict(zip(agreement.verifiers, arguments.verifiers, strict=True))
    for provider, bound in zip(agreement.providers, arguments.providers, strict=True):
        found[provider] = bound.signer
        if bound.backup is not None:
            found[f"backup-{provider}"] = bound.backup
    if any(party not in found for party in agreement.backups):
        raise offer_differs(name, "it lacks a backup")
    return found


def read_offer(file: Path) -> Offer:
    """An offer file that anybody may have written. WorkspaceError ``file-missing``, ``file-unreadable``,
    ``file-malformed``."""
    return WorkspaceFiles(file.parent).load(file, Offer)


def read_signature(file: Path) -> TermsSignature:
    """A signature file that anybody may have written; errors as ``read_offer``. Nothing is checked yet."""
    return WorkspaceFiles(file.parent).load(file, TermsSignature)


def write_signature(file: Path, signature: TermsSignature) -> None:
    """Writes a signature so that it can be sent."""
    WorkspaceFiles(file.parent).save(file, signature)
