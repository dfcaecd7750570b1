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

    def in_code(self, terms_hash: bytes) -> bytes:
        """What code carries of it."""
        shape, packed = verify(self.program), self.arguments.pack()
        kind = REGISTERED * self.registered | SEQUENTIAL * shape.sequential
        if self.registered:
            parts = [packed, self.program_hash]
        else:
            sums = sum(1 << line for line in shape.to_date), sum(1 << payee for payee in shape.earned)
            parts = [self.program, packed, *([sums[0].to_bytes(32), sums[1].to_bytes(8)] if shape.sequential else [])]
        return b"".join([*parts, terms_hash, len(packed).to_bytes(2), kind.to_bytes(1)])

    def clone_code(self, implementation: str, terms_hash: bytes) -> bytes:
        """The code of the escrow: the proxy of the shared implementation, and its terms."""
        return PROXY[0] + to_canonical_address(implementation) + PROXY[1] + self.in_code(terms_hash)


def clone_address(factory: str, code: bytes) -> str:
    """CREATE2 address of the clone with that code (https://eips.ethereum.org/EIPS/eip-1014)."""
    creation = b"\x61" + len(code).to_bytes(2) + bytes.fromhex("3d81600a3d39f3") + code
    return to_checksum_address(keccak(b"\xff" + to_canonical_address(factory) + NO_SALT + keccak(creation))[12:])
