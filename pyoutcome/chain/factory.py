"""The escrow factory: registering programs, predicting, creating and checking escrows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from eth_utils.address import to_canonical_address, to_checksum_address
from eth_utils.crypto import keccak

from pyoutcome.chain.compiler import load_artifact
from pyoutcome.chain.deployed import Deployed, Done, create_contract
from pyoutcome.chain.escrow import EscrowClient
from pyoutcome.chain.network import Network
from pyoutcome.chain.sender import Cost
from pyoutcome.errors import ChainError
from pyoutcome.protocol import Arguments, Domain, Signer, Terms

PROXY: Final = (bytes.fromhex("363d3d373d3d3d363d73"), bytes.fromhex("5af43d82803e903d91602b57fd5bf3"))
"""EIP-1167: what stands before and after the implementation's address in a clone's code."""
NO_SALT: Final = bytes(32)
"""The factory creates with salt 0: the address differs by content alone."""
IMMUTABLE: Final = b"\x7f" + bytes(32)
"""PUSH32 of zero: where the compiler leaves room for a value fixed at deployment. Nothing else is compiled to it."""


@dataclass(frozen=True)
class Deal:
    """Everything an escrow is made from; its address follows from it."""

    arguments: Arguments
    agreement_digest: bytes
    """keccak256 of the agreement's canonical JSON, 32 bytes."""
    program_hash: bytes
    """keccak256 of the registered program, 32 bytes."""
    nonce: int = 0
    """Tells identical deals apart."""

    @property
    def terms(self) -> Terms:
        """What the parties sign."""
        return Terms(self.agreement_digest, self.program_hash, self.arguments.hash(), self.nonce)

    def as_arguments(self) -> tuple[object, ...]:
        """In the order ``create`` and ``predict`` take them."""
        return (self.arguments.as_tuple(), self.agreement_digest, self.program_hash, self.nonce)


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

        Raises ChainError ``prediction-differs`` if the factory says otherwise (it is not ours, or on another chain).
        """
        escrow, terms_hash = self.read("predict", *deal.as_arguments())
        expected = Prediction(self._address_of(deal), deal.terms.digest(self.domain))
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

    def create(self, signer: Signer, deal: Deal) -> tuple[EscrowClient, Done]:
        """Creates the escrow of a deal; if it exists already, the transaction changes nothing.

        Raises ProtocolError: ``unknown-program``, ``bad-arguments``.
        """
        prediction = self.predict(deal)
        done = self.act(signer, "create", *deal.as_arguments())
        return EscrowClient(self.network, prediction.escrow), done

    def preview_create(self, address: str, deal: Deal) -> Cost:
        """What creating the escrow would cost ``address`` at most."""
        return self.preview(address, "create", *deal.as_arguments())

    def verify(self) -> None:
        """Checks that the factory and the escrows' implementation run this package's code for this chain.

        Raises ChainError ``foreign-code``.
        """
        self._fixed_values(self.address, "EscrowFactory", "the factory")
        if self.read("domainSeparator") != self.domain.separator():
            raise _foreign("the factory", self.address, "it signs for another chain or address")
        shared = self.implementation
        known = {
            to_canonical_address(self.address).rjust(32, b"\0"),
            to_canonical_address(shared).rjust(32, b"\0"),
            self.network.chain_id.to_bytes(32),
            self.domain.separator(),
        }
        if not self._fixed_values(shared, "OutcomeEscrow", "the escrows' implementation") <= known:
            raise _foreign("the escrows' implementation", shared, "it was set up for another factory or chain")

    def verify_deployed(self, deal: Deal) -> EscrowClient:
        """The escrow of a deal, after checking that its code is the clone of this factory's verified implementation
        with exactly the deal's terms.

        Raises ChainError: ``foreign-code``, ``no-contract``, ``prediction-differs``.
        """
        self.verify()
        escrow = EscrowClient(self.network, self.predict(deal).escrow)
        escrow.require_code()
        if self.network.code(escrow.address) != self._clone_code(deal):
            raise _foreign("the escrow", escrow.address, "its code does not carry exactly these terms")
        if escrow.factory() != self.address or escrow.terms_hash() != deal.terms.digest(self.domain):
            raise _foreign("the escrow", escrow.address, "it belongs to another factory")
        return escrow

    def _fixed_values(self, address: str, artifact: str, what: str) -> set[bytes]:
        """What the constructor fixed in the code at the address, which must otherwise be the carried one."""
        values = read_immutables(self.network.code(address), load_artifact(artifact).runtime)
        if values is None:
            raise _foreign(what, address, f"its code is not that of this version's {artifact}")
        return values

    def _clone_code(self, deal: Deal) -> bytes:
        terms = deal.agreement_digest + deal.program_hash + deal.nonce.to_bytes(32) + deal.arguments.encode()
        return PROXY[0] + to_canonical_address(self.implementation) + PROXY[1] + terms

    def _address_of(self, deal: Deal) -> str:
        """CREATE2 address of the clone (https://eips.ethereum.org/EIPS/eip-1014)."""
        code = self._clone_code(deal)
        creation = b"\x61" + len(code).to_bytes(2) + bytes.fromhex("3d81600a3d39f3") + code
        return to_checksum_address(
            keccak(b"\xff" + to_canonical_address(self.address) + NO_SALT + keccak(creation))[12:]
        )


def deploy_factory(network: Network, signer: Signer) -> FactoryClient:
    """Deploys a factory, and with it the escrows' implementation. One per network is enough for everybody."""
    address, _ = create_contract(network, signer, "EscrowFactory")
    return FactoryClient(network, address)


def read_immutables(code: bytes, compiled: bytes) -> set[bytes] | None:
    """The 32-byte values that the constructor put into the code; None if it differs from the compiled one elsewhere."""
    if len(code) != len(compiled):
        return None
    values = set()
    masked = bytearray(code)
    place = compiled.find(IMMUTABLE)
    while place != -1:
        start, end = place + 1, place + len(IMMUTABLE)
        values.add(code[start:end])
        masked[start:end] = compiled[start:end]
        place = compiled.find(IMMUTABLE, end)
    return values if bytes(masked) == compiled else None


def _foreign(what: str, address: str, why: str) -> ChainError:
    return ChainError(
        "foreign-code",
        f"Do not trust {what} at {address}: {why}.",
        "Check the address with the other parties, and use a factory deployed by this version of pyoutcome.",
        address=address,
    )
