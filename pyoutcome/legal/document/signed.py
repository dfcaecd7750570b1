"""What is known of an escrow once its terms are offered: who is bound, by which hash, and who has signed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyoutcome.protocol import Arguments


@dataclass(frozen=True)
class TermsSignatureLine:
    """One party and its signature, if it is there."""

    party: str
    """``client``, a provider or a backup."""
    address: str
    signature: bytes | None
    """65 bytes over the terms hash, already checked; None while it is missing."""


@dataclass(frozen=True)
class SignedTerms:
    """An offer and the signatures so far."""

    chain_id: int
    factory: str
    escrow: str
    """Where the escrow is or will be."""
    program_hash: bytes
    arguments: Arguments
    nonce: int
    terms_hash: bytes
    """The EIP-712 digest that the parties sign."""
    signatures: tuple[TermsSignatureLine, ...]
    """Of everyone who has to sign, in the order the escrow takes them."""
