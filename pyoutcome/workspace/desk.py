"""What every act of a workspace needs at hand: files, agreement, network, parties and contracts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from eth_abi.abi import decode
from eth_utils.address import to_checksum_address

from pyoutcome.chain.contract import NOT_DECODED
from pyoutcome.chain.deployed import Deployed
from pyoutcome.chain.escrow import EscrowClient, Stage
from pyoutcome.chain.factory import Deal, FactoryClient
from pyoutcome.chain.network import Network
from pyoutcome.decimals import show_money, show_units
from pyoutcome.errors import WorkspaceError
from pyoutcome.protocol import Arguments, Kpi, Provider
from pyoutcome.protocol.arguments import ABI_TYPE
from pyoutcome.terms.agreement import Agreement
from pyoutcome.workspace.files import WorkspaceFiles
from pyoutcome.workspace.intent import Confirm, Intent
from pyoutcome.workspace.parties import PartyBook
from pyoutcome.workspace.settings import Offer, Settings

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
        try:
            arguments = read_arguments(bytes.fromhex(offer.arguments[2:]))
        except ValueError as error:
            raise _offer_differs("its arguments cannot be read") from error
        deal = Deal(arguments, self.agreement.digest(), self.agreement.program().hash, offer.nonce)
        prediction = self.factory.predict(deal)
        for name, ours, theirs in (
            ("agreement", deal.agreement_digest, offer.agreement_digest),
            ("program", deal.program_hash, offer.program_hash),
            ("terms hash", prediction.terms_hash, offer.terms_hash),
        ):
            if "0x" + ours.hex() != theirs:
                raise _offer_differs(f"its {name} is not the one that follows from the agreement here")
        if prediction.escrow != offer.escrow:
            raise _offer_differs("its escrow address does not follow from its arguments")
        return deal

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
        return EscrowClient(self.network, self.factory.predict(self.deal).escrow)

    def is_deployed(self) -> bool:
        """Whether the escrow exists."""
        return self.files.offer.exists() and bool(self.network.code(self.undeployed_escrow.address))

    def is_active(self) -> bool:
        """Whether the escrow exists and is active."""
        return self.is_deployed() and self.undeployed_escrow.stage() is Stage.ACTIVE

    def money(self, units: int) -> str:
        """Base units as people write them: ``520,000.00 TUSD``."""
        token = self.agreement.token
        return f"{show_money(units, token.decimals)} {token.symbol}"

    def intend(self, party: str, does: str, moves: str, target: Deployed, function: str, *arguments: object) -> None:
        """Says what a call will do, move and cost, and lets the user refuse it. Raises what the call would raise."""
        if self.network.local:
            self.confirm(Intent(party, does, moves, "nothing on a local chain", local=True))
            return
        cost = target.preview(self.parties.signer(party).address, function, *arguments)
        costs = f"at most {show_units(cost.most, COIN_DECIMALS)} of the network's coin"
        self.confirm(Intent(party, does, moves, costs, local=False))


def read_arguments(data: bytes) -> Arguments:
    """Arguments from their ABI encoding; ValueError if the bytes are not exactly that encoding."""
    try:
        [fields] = decode([ABI_TYPE], data)
    except NOT_DECODED as error:
        raise ValueError("not the encoding of an escrow's arguments") from error
    client, token, decimals, quorum, verifiers, arbitrator, providers, kpis, parameters, by, start, ends, *rest = fields
    arguments = Arguments(
        to_checksum_address(client),
        to_checksum_address(token),
        decimals,
        quorum,
        tuple(map(to_checksum_address, verifiers)),
        to_checksum_address(arbitrator),
        tuple(Provider(to_checksum_address(signer), to_checksum_address(payout)) for signer, payout in providers),
        tuple(Kpi(*kpi) for kpi in kpis),
        tuple(parameters),
        by,
        start,
        tuple(ends),
        *rest,
    )
    if arguments.encode() != data:
        raise ValueError("not the canonical encoding")
    return arguments


def _offer_differs(why: str) -> WorkspaceError:
    return WorkspaceError(
        "offer-differs",
        f"offer.json does not fit the agreement in this workspace: {why}.",
        "Compare agreement.yaml and offer.json with the other parties' copies; after a change, everybody signs anew.",
    )
