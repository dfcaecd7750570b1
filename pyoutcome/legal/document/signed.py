"""What is known of an escrow once its terms are offered: who is bound, by which hash, and who has signed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyoutcome.protocol import Arguments

if TYPE_CHECKING:
    from pyoutcome.protocol.messages import Amendment
    from pyoutcome.terms import Agreement


@dataclass(frozen=True)
class TermsSignatureLine:
    """One party and its signature, if it is there."""

    party: str
    """``client``, a provider or a backup."""
    address: str
    signature: bytes | None
    """65 bytes over the terms hash, or over an amendment's digest, already checked; None while it is missing."""


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


@dataclass(frozen=True)
class AmendedTerms:
    """An amendment: other rules from a period on."""

    number: int
    """In the order in which the escrow accepted them, from 1."""
    agreement: Agreement
    """The whole agreement as the amendment has it."""
    terms: SignedTerms
    """The same escrow with the amendment's terms; the signatures are over ``digest``, as far as they are at hand, with
    those missing that a proposed one still needs."""
    message: Amendment
    """What the parties sign."""
    digest: bytes
    """Its EIP-712 digest."""
    accepted: bool
    """Whether the escrow has accepted it; else it is only proposed."""
