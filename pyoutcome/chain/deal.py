"""Everything an escrow is made from, and what follows from it before anyone signs: its code and its address."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from eth_utils.address import to_canonical_address, to_checksum_address
from eth_utils.crypto import keccak

from pyoutcome.chain.terms_in_code import REGISTERED, SEQUENTIAL
from pyoutcome.formula.verify import verify
from pyoutcome.protocol import Arguments, Terms

PROXY: Final = (bytes.fromhex("363d3d373d3d3d363d73"), bytes.fromhex("5af43d82803e903d91602b57fd5bf3"))
"""EIP-1167: what stands before and after the implementation's address in a clone's code."""
MAKER: Final = bytes.fromhex("73365f5f37365f34f06012573d5f5f3e3d5ffd5b005f526014600cf3")
"""Creation code of the contract that makes a program's store."""
NO_SALT: Final = bytes(32)
"""The factory creates with salt 0: the address differs by content alone."""


@dataclass(frozen=True)
class Deal:
    """The terms of one escrow, or of an amendment. FormulaError ``program-*`` if the program is none."""

    arguments: Arguments
    agreement_digest: bytes
    """keccak256 of the agreement's canonical JSON, 32 bytes."""
    program: bytes
    nonce: int = 0
    """Tells identical deals apart."""
    registered: bool = True
    """Whether the escrow refers to the program as the factory keeps it, or carries it in its own code."""

    @cached_property
    def program_hash(self) -> bytes:
        """keccak256 of the program, 32 bytes."""
        return keccak(self.program)

    @property
    def terms(self) -> Terms:
        """What the parties sign."""
        return Terms(self.agreement_digest, self.program_hash, self.arguments.hash(), self.nonce)

    def as_offer(self) -> tuple[object, ...]:
        """The struct that the factory takes."""
        program = b"" if self.registered else self.program
        return (self.agreement_digest, self.program_hash, program, self.arguments.pack(), self.nonce)

    def in_code(self, factory: str, terms_hash: bytes) -> bytes:
        """What code carries of it."""
        shape, packed = verify(self.program), self.arguments.pack()
        kind = REGISTERED * self.registered | SEQUENTIAL * shape.sequential
        if self.registered:
            parts = [packed, terms_hash, to_canonical_address(program_store(factory, self.program_hash))]
        else:
            sums = sum(1 << line for line in shape.to_date), sum(1 << payee for payee in shape.earned)
            parts = [self.program, packed, terms_hash]
            parts += [sums[0].to_bytes(32), sums[1].to_bytes(8)] if shape.sequential else []
            parts.append(len(packed).to_bytes(2))
        return b"".join([*parts, kind.to_bytes(1)])

    def clone_code(self, factory: str, implementation: str, terms_hash: bytes) -> bytes:
        """The code of the escrow: the proxy of the shared implementation, and its terms."""
        return PROXY[0] + to_canonical_address(implementation) + PROXY[1] + self.in_code(factory, terms_hash)


def clone_address(factory: str, code: bytes) -> str:
    """CREATE2 address of the clone with that code (https://eips.ethereum.org/EIPS/eip-1014)."""
    creation = b"\x61" + len(code).to_bytes(2) + bytes.fromhex("3d81600a3d39f3") + code
    return to_checksum_address(_create2(factory, NO_SALT, keccak(creation)))


def program_store(factory: str, program_hash: bytes) -> str:
    """The account at which a factory keeps a program: CREATE3 as OpenZeppelin does it. A contract made with the hash as
    salt, always the same, makes it as its first ."""
    maker = _create2(factory, program_hash, keccak(MAKER))
    # RLP of the list of the maker's address and 1.
    return to_checksum_address(keccak(b"\xd6\x94" + maker + b"\x01")[12:])


def _create2(creator: str, salt: bytes, creation_hash: bytes) -> bytes:
    return keccak(b"\xff" + to_canonical_address(creator) + salt + creation_hash)[12:]
