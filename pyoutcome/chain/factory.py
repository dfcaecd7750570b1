"""The escrow factory: registering programs, predicting, creating and checking escrows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from eth_utils.address import to_canonical_address
from eth_utils.crypto import keccak

from pyoutcome.chain.artifact import load_artifact
from pyoutcome.chain.deal import Deal, clone_address
from pyoutcome.chain.deployed import Deployed, Done, create_contract
from pyoutcome.chain.escrow import EscrowClient
from pyoutcome.chain.network import Network
from pyoutcome.chain.parts import deploy_parts, foreign, read_immutables, verify_parts
from pyoutcome.chain.sender import Cost
from pyoutcome.errors import ChainError
from pyoutcome.protocol import Domain, Signer, Terms
from pyoutcome.protocol.events import EscrowCreated, NotCreated

__all__ = ["Deal", "FactoryClient", "Prediction", "deploy_factory"]
MOST_CREATION_GAS: Final = 2_000_000
"""Gas that one escrow of many may take: a long program in its own code takes the most."""
MOST_NONCES: Final = 256


@dataclass(frozen=True)
class Prediction:
    """Known before anyone signs."""

    escrow: str
    """Checksum address the escrow has, or will have."""
    terms_hash: bytes
    """The EIP-712 digest the parties sign."""


class FactoryClient(Deployed):
    """One deployed factory."""

    artifact = "EscrowFactory"

    @property
    def domain(self) -> Domain:
        """The EIP-712 domain of everything signed for this factory's escrows."""
        return Domain(self.network.chain_id, self.address)

    @cached_property
    def implementation(self) -> str:
        """Checksum address of the code that all escrows of the factory run; it never changes."""
        return str(self.read("implementation"))

    def is_registered(self, program_hash: bytes) -> bool:
        """Whether the program with that keccak-256 is stored."""
        return bool(self.read("isRegistered", program_hash))

    def register_program(self, signer: Signer, program: bytes) -> bytes:
        """Stores a program, unless it is stored already, and returns its hash.

        Raises ProtocolError ``bad-program`` if the factory finds a fault in it.
        """
        program_hash = keccak(program)
        if not self.is_registered(program_hash):
            self.act(signer, "registerProgram", program)
        return program_hash

    def predict(self, deal: Deal) -> Prediction:
        """Address and terms hash of a deal: computed here, and compared with what the factory says.

        The factory says nothing of a program that is not registered yet.

        Raises ChainError ``prediction-differs`` if the factory says otherwise (it is not ours, or on another chain).
        """
        terms = deal.terms.digest(self.domain)
        expected = Prediction(
            clone_address(self.address, deal.clone_code(self.address, self.implementation, terms)), terms
        )
        if deal.registered and not self.is_registered(deal.program_hash):
            return expected
        escrow, terms_hash = self.read("predict", deal.as_offer())
        if Prediction(escrow, terms_hash) != expected:
            raise ChainError(
                "prediction-differs",
                f"The factory predicts escrow {escrow}, but from the deal follows {expected.escrow}.",
                "Do not sign: check the factory's address and the network.",
                factory=self.address,
                escrow=escrow,
                expected=expected.escrow,
            )
        return expected

    def create(self, signer: Signer, deal: Deal, signatures: Sequence[bytes] = ()) -> tuple[EscrowClient, Done]:
        """Creates the escrow of a deal; if it exists already, the transaction changes nothing.

        With the parties' signatures (see ``EscrowClient.accept``) it accepts the terms in the same transaction.
        Raises ProtocolError: ``unknown-program``, ``bad-arguments``, ``bad-party-signature``.
        """
        prediction = self.predict(deal)
        done = self.act(signer, "create", deal.as_offer(), list(signatures))
        return EscrowClient(self.network, prediction.escrow, done.receipt.block), done

    def preview_create(self, address: str, deal: Deal, signatures: Sequence[bytes] = ()) -> Cost:
        """What creating the escrow would cost ``address`` at most."""
        return self.preview(address, "create", deal.as_offer(), list(signatures))

    def create_many(
        self,
        signer: Signer,
        deals: Sequence[Deal],
        signatures: Sequence[Sequence[bytes]] = (),
        allowance: int = MOST_CREATION_GAS,
    ) -> tuple[tuple[EscrowClient | None, ...], Done]:
        """Creates many in one transaction; None for one that is refused, which stops none of the others.

        ``signatures``: per deal, as ``create`` takes them. ``allowance``: the gas each may take.
        """
        expected = [
            deal.clone_code(self.address, self.implementation, deal.terms.digest(self.domain)) for deal in deals
        ]
        done = self.act(signer, "createMany", *_as_many(deals, signatures), allowance)
        refused = {located.event.index for located in done.events if isinstance(located.event, NotCreated)}
        made = (
            None
            if index in refused
            else EscrowClient(self.network, clone_address(self.address, code), done.receipt.block)
            for index, code in enumerate(expected)
        )
        return tuple(made), done

    def preview_create_many(
        self,
        address: str,
        deals: Sequence[Deal],
        signatures: Sequence[Sequence[bytes]] = (),
        allowance: int = MOST_CREATION_GAS,
    ) -> Cost:
        """What creating them would cost ``address`` at most."""
        return self.preview(address, "createMany", *_as_many(deals, signatures), allowance)

    def created(self, escrow: str, from_block: int = 0) -> EscrowCreated:
        """What the factory said when it created the escrow. Raises ChainError ``no-contract`` if it never did."""
        for located in self.events(from_block):
            if isinstance(located.event, EscrowCreated) and located.event.escrow == escrow:
                return located.event
        raise ChainError(
            "no-contract",
            f"The factory at {self.address} created no escrow at {escrow}.",
            "Check the address and the network.",
            address=escrow,
        )

    def find_nonce(self, terms: Terms, terms_hash: bytes) -> int | None:
        """The nonce with which ``terms`` have that hash, if it is a small one. Only who made the offer chose it; the
        escrow keeps its hash alone."""
        for nonce in range(MOST_NONCES):
            tried = Terms(terms.agreement_digest, terms.program_hash, terms.args_hash, nonce)
            if tried.digest(self.domain) == terms_hash:
                return nonce
        return None

    def verify(self) -> None:
        """Checks that the factory and everything the escrows run is this package's code, for this chain.

        Raises ChainError ``foreign-code``.
        """
        values = read_immutables(self.network.code(self.address), load_artifact("EscrowFactory"))
        if values is None:
            raise foreign("the factory", self.address, "its code is not that of this version's EscrowFactory")
        if self.read("domainSeparator") != self.domain.separator():
            raise foreign("the factory", self.address, "it signs for another chain or address")
        if values["implementation"] != _word(self.implementation):
            raise foreign("the factory", self.address, "it names another implementation than its code has")
        own = {
            "factory": _word(self.address),
            "_chainId": self.network.chain_id.to_bytes(32),
            "_domainSeparator": self.domain.separator(),
        }
        verify_parts(self.network, self.implementation, own)

    def verify_deployed(self, deal: Deal, first_block: int = 0) -> EscrowClient:
        """The escrow of a deal, after checking that its code is the clone of this factory's verified implementation
        with exactly the deal's terms.

        Raises ChainError: ``foreign-code``, ``no-contract``, ``prediction-differs``.
        """
        self.verify()
        prediction = self.predict(deal)
        escrow = EscrowClient(self.network, prediction.escrow, first_block)
        escrow.require_code()
        if self.network.code(escrow.address) != deal.clone_code(
            self.address, self.implementation, prediction.terms_hash
        ):
            raise foreign("the escrow", escrow.address, "its code does not carry exactly these terms")
        if escrow.factory() != self.address or escrow.terms_hash() != prediction.terms_hash:
            raise foreign("the escrow", escrow.address, "it belongs to another factory")
        return escrow


def _as_many(deals: Sequence[Deal], signatures: Sequence[Sequence[bytes]]) -> tuple[list[object], list[list[bytes]]]:
    signed = [list(one) for one in signatures] or [[] for _ in deals]
    return [deal.as_offer() for deal in deals], signed


def deploy_factory(network: Network, signer: Signer) -> FactoryClient:
    """Deploys a factory, and before it what the escrows run. One per network is enough for everybody."""
    address, _ = create_contract(network, signer, "EscrowFactory", *deploy_parts(network, signer))
    return FactoryClient(network, address)


def _word(address: str) -> bytes:
    return to_canonical_address(address).rjust(32, b"\0")
