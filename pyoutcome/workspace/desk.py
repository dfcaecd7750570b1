"""What every act of a workspace needs at hand: files, agreement, network, parties and contracts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from pyoutcome.chain.deployed import Deployed, Done
from pyoutcome.chain.escrow import EscrowClient, Stage
from pyoutcome.chain.factory import Deal, FactoryClient
from pyoutcome.chain.network import Network
from pyoutcome.chain.sender import Cost
from pyoutcome.decimals import show_money, show_units
from pyoutcome.errors import ProtocolError, WorkspaceError
from pyoutcome.evidence.bundles.storage import Storage, open_storage
from pyoutcome.protocol import Domain, Signer, unpack_arguments
from pyoutcome.terms.agreement import Agreement
from pyoutcome.workspace.files import WorkspaceFiles
from pyoutcome.workspace.intent import Confirm, Intent
from pyoutcome.workspace.parties import PartyBook
from pyoutcome.workspace.settings import Amendment, Offer, Settings, SignedReport

COIN_DECIMALS = 18
"""Decimals of every Ethereum network's native coin."""


@dataclass(frozen=True)
class Desk:
    """The open workspace. Made by ``Workspace``; the modules beside this one act on it."""

    files: WorkspaceFiles
    settings: Settings
    agreement: Agreement
    network: Network
    parties: PartyBook
    confirm: Confirm

    @property
    def arbitrator(self) -> str:
        """The party that arbitrates by these terms."""
        return "arbitrator"

    @cached_property
    def evidence(self) -> Storage:
        """Where bundles and proofs lie. Raises what ``open_storage`` raises."""
        return open_storage(self.files.evidence_place(self.settings.evidence))

    @cached_property
    def factory(self) -> FactoryClient:
        """The factory of all escrows of this workspace."""
        return FactoryClient(self.network, self.settings.factory)

    @cached_property
    def deal(self) -> Deal:
        """What the parties sign, as stored, after checking that it follows from this agreement.

        WorkspaceError ``not-offered`` before the first signature, ``offer-differs`` if the stored offer was altered.
        """
        if not self.files.offer.exists():
            raise WorkspaceError(
                "not-offered",
                "Nobody has signed yet, so the deal has no terms hash and no address.",
                "Run `pyoutcome sign --as client` first.",
            )
        offer = self.files.load(self.files.offer, Offer)
        for what, ours, theirs in (
            ("chain", self.network.chain_id, offer.chain_id),
            ("factory", self.settings.factory, offer.factory),
            ("implementation", self.factory.implementation, offer.implementation),
        ):
            if ours != theirs:
                raise offer_differs("offer.json", f"its {what} is {theirs}, and that of this workspace {ours}")
        deal = read_deal(self.agreement, offer, self.factory.domain, "offer.json")
        if self.factory.predict(deal).escrow != offer.escrow:
            raise offer_differs("offer.json", "its escrow address does not follow from its arguments")
        return deal

    def amended(self, number: int) -> AmendedDesk:
        """This desk with a stored amendment in place of the agreement. Errors of loading both its files."""
        stored = self.files.load(self.files.amendment_terms(number), Amendment)
        agreement = Agreement.load(self.files.amendment(number))
        return AmendedDesk(
            self.files, self.settings, agreement, self.network, self.parties, self.confirm, self, number, stored
        )

    def _terms_hash_of(self, period: int) -> bytes:
        """The terms hash that governs a period, asked once per block."""
        block = self.network.head().number
        known = self._hashes.get(period)
        if known is None or known[0] != block:
            known = self._hashes[period] = block, self.undeployed_escrow.terms_hash_of(period)
        return known[1]

    @cached_property
    def _hashes(self) -> dict[int, tuple[int, bytes]]:
        """By period: at which block it was asked, and the answer."""
        return {}

    @cached_property
    def checked_reports(self) -> dict[tuple[int, str], tuple[str, str | None, SignedReport]]:
        """By period and verifier: the text of a stored report that held, the address it held for, and what it says."""
        return {}

    @cached_property
    def _governing(self) -> dict[bytes, AmendedDesk]:
        """Accepted amendments by their terms hash, each read once."""
        return {}

    def under(self, period: int) -> Desk:
        """This desk with the agreement that governs a period: the first one, or that of an accepted amendment.

        WorkspaceError ``amendment-missing`` if the escrow accepted one whose files are not here.
        """
        if not self.is_deployed():
            return self
        governing = self._terms_hash_of(period)
        if governing == self.terms_hash:
            return self
        if governing in self._governing:
            return self._governing[governing]
        for number in self.files.amendments():
            if self.files.amendment_terms(number).exists():
                found = self.amended(number)
                if found.terms_hash == governing:
                    return self._governing.setdefault(governing, found)
        raise amendment_missing(period)

    @cached_property
    def terms_hash(self) -> bytes:
        """The EIP-712 digest the parties sign."""
        return self.deal.terms.digest(self.factory.domain)

    @cached_property
    def escrow(self) -> EscrowClient:
        """The deployed escrow; WorkspaceError ``not-deployed``."""
        escrow = self.undeployed_escrow
        if not self.network.code(escrow.address):
            raise WorkspaceError(
                "not-deployed",
                f"There is no escrow at {escrow.address} yet.",
                "Run `pyoutcome deploy` once every party has signed.",
            )
        return escrow

    @cached_property
    def undeployed_escrow(self) -> EscrowClient:
        """The escrow at its known address, whether it is deployed or not."""
        return EscrowClient(self.network, self.factory.predict(self.deal).escrow, self.settings.first_block)

    def is_deployed(self) -> bool:
        """Whether the escrow exists."""
        return self.files.offer.exists() and bool(self.network.code(self.undeployed_escrow.address))

    def is_active(self) -> bool:
        """Whether the escrow exists and is active."""
        return self.is_deployed() and self.undeployed_escrow.stage() is Stage.ACTIVE

    def holder_of(self, provider: str, period: int) -> str:
        """Id of whoever holds a provider's place in a period, and so signs its evidence: itself, or who followed it."""
        places = self.agreement.providers
        if provider not in places or not self.is_deployed() or self.escrow.tenures() == len(places):
            return provider
        return self.party_of(self.escrow.holder_of(places.index(provider), period))

    def party_of(self, tenure: int) -> str:
        """Id of the client (-1) or of whoever holds a tenure; WorkspaceError ``address-missing`` if nobody here is."""
        if tenure < 0:
            return "client"
        holder = self.escrow.account(tenure).holder
        known = (party for party, address in self.parties.addresses.items() if address == holder)
        found = next(known, None)
        if found is None:
            raise WorkspaceError(
                "address-missing",
                f"Nobody known here has the address {holder}, which holds a provider's place.",
                "Record it with `pyoutcome key trust PARTY ADDRESS`.",
                address=holder,
            )
        return found

    def money(self, units: int) -> str:
        """Base units as people write them: ``520,000.00 TUSD``."""
        token = self.agreement.token
        return f"{show_money(units, token.decimals)} {token.symbol}"

    def intend(self, party: str, does: str, moves: str, target: Deployed, function: str, *arguments: object) -> None:
        """Says what a call will do, move and cost, and lets the user refuse it. Raises what the call would raise."""
        preview = target.preview
        self.ask(party, does, moves, lambda: preview(self.parties.signer(party).address, function, *arguments))

    def perform(self, party: str, does: str, moves: str, act: Callable[[EscrowClient, Signer], Done]) -> Done:
        """Acts on the escrow as a party, after saying what that will do, move and cost; the user may refuse it."""
        asking = _AskingEscrow(self.escrow, lambda preview: self.ask(party, does, moves, preview))
        return act(asking, self.parties.signer(party))

    def announce(self, party: str, does: str) -> None:
        """Says what a signature that travels as a file will do, and lets the user refuse it."""
        self.confirm(Intent(party, does, "no money", "nothing: it is a signature", self.network.local))

    def let_draw(self, party: str, units: int) -> list[str]:
        """Allows the escrow to draw the amount from the party's tokens, unless it may already; the transactions."""
        escrow, signer = self.escrow, self.parties.signer(party)
        token = escrow.token()
        if token is None or token.allowance(signer.address, escrow.address) >= units:
            return []
        does = f"lets the escrow draw {self.money(units)}"
        self.intend(party, does, "no money yet", token, "approve", escrow.address, units)
        return [token.approve(signer, escrow.address, units).transaction]

    def ask(self, party: str, does: str, moves: str, preview: Callable[[], Cost]) -> None:
        """Says what a step will do, move and cost, and lets the user refuse it; ``preview`` works out the cost."""
        if self.network.local:
            self.confirm(Intent(party, does, moves, "nothing on a local chain", local=True))
            return
        costs = f"at most {show_units(preview().most, COIN_DECIMALS)} of the network's coin"
        self.confirm(Intent(party, does, moves, costs, local=False))


@dataclass(frozen=True)
class AmendedDesk(Desk):
    """The workspace as an amendment has it: another agreement and other terms, the same escrow."""

    base: Desk
    number: int
    """Among the stored amendments, from 1."""
    amendment: Amendment

    @property
    def arbitrator(self) -> str:
        """The party that arbitrates by the amendment."""
        return self.amendment.arbitrator

    @cached_property
    def deal(self) -> Deal:
        """What the amendment's signatures cover. WorkspaceError ``offer-differs``."""
        name = self.files.name(self.files.amendment_terms(self.number))
        return read_deal(self.agreement, self.amendment, self.factory.domain, name)

    @cached_property
    def undeployed_escrow(self) -> EscrowClient:
        """The escrow that is amended."""
        return self.base.undeployed_escrow


def amendment_missing(period: int) -> WorkspaceError:
    """The escrow accepted an amendment whose files are not here."""
    return WorkspaceError(
        "amendment-missing",
        f"The escrow has accepted an amendment that governs period {period}, and its files are not here.",
        "Ask another party for its files in amendments/, and put them into the same folder here.",
        period=period,
    )


class _AskingEscrow(EscrowClient):
    """The escrow, which asks before each transaction."""

    def __init__(self, escrow: EscrowClient, ask: Callable[[Callable[[], Cost]], None]) -> None:
        super().__init__(escrow.network, escrow.address, escrow.first_block)
        self._ask = ask

    def act(self, signer: Signer, function: str, *arguments: object, value: int = 0) -> Done:
        """Asks, then acts."""
        self._ask(lambda: self.preview(signer.address, function, *arguments, value=value))
        return super().act(signer, function, *arguments, value=value)


def read_deal(agreement: Agreement, stored: Offer | Amendment, domain: Domain, name: str) -> Deal:
    """The deal that a file tells, once it is what follows from an agreement. WorkspaceError ``offer-differs``."""
    try:
        arguments = unpack_arguments(bytes.fromhex(stored.arguments[2:]))
    except ProtocolError as error:
        raise offer_differs(name, "its arguments cannot be read") from error
    deal = Deal(arguments, agreement.digest(), agreement.program().data, stored.nonce)
    for what, ours, theirs in (
        ("agreement", deal.agreement_digest, stored.agreement_digest),
        ("program", deal.program_hash, stored.program_hash),
        ("terms hash", deal.terms.digest(domain), stored.terms_hash),
    ):
        if "0x" + ours.hex() != theirs:
            raise offer_differs(name, f"its {what} is not the one that follows from the agreement here")
    return deal


def offer_differs(name: str, why: str) -> WorkspaceError:
    """What was received is not what follows from the agreement here."""
    return WorkspaceError(
        "offer-differs",
        f"{name} does not fit the agreement here: {why}.",
        f"Compare the agreement file and {name} with the other parties' copies; after a change, everybody signs anew.",
    )
