"""What a workspace remembers between commands: small models, each one file (``files.py`` says which)."""

from __future__ import annotations

import os
import re
from typing import Annotated, Final

from eth_utils.address import is_checksum_address
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from pyoutcome.chain.blocks import Identity
from pyoutcome.errors import WorkspaceError


def _address(value: str) -> str:
    if not is_checksum_address(value):
        raise ValueError(f"{value[:60]!r} is not an address with a valid checksum")
    return value


def _hex(length: int | None) -> AfterValidator:
    def check(value: str) -> str:
        if not re.fullmatch(r"0x([0-9a-f]{2})*", value) or (length is not None and len(value) != 2 + 2 * length):
            raise ValueError("not lower-case hexadecimal bytes of the right length")
        return value

    return AfterValidator(check)


Address = Annotated[str, AfterValidator(_address), WithJsonSchema({"type": "string", "pattern": "^0x[0-9A-Fa-f]{40}$"})]
"""A checksummed Ethereum address."""
Hash = Annotated[str, _hex(32), WithJsonSchema({"type": "string", "pattern": "^0x[0-9a-f]{64}$"})]
"""32 bytes as 0x and lower-case hexadecimal."""
Bytes = Annotated[str, _hex(None), WithJsonSchema({"type": "string", "pattern": "^0x(?:[0-9a-f]{2})*$"})]
"""Bytes as 0x and lower-case hexadecimal."""


class Stored(BaseModel):
    """Base of everything a workspace keeps: frozen, nothing unknown, nothing converted."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Settings(Stored):
    """The workspace's network and contracts."""

    version: int = Field(default=1, ge=1, le=1)
    network: str
    """``embedded``, a JSON-RPC URL, or ``env:NAME`` where the environment variable NAME holds the URL (for URLs that
    contain a key: only the name is stored)."""
    chain_id: int
    """Every command refuses a network with another id, or with another first block."""
    genesis: Hash | None
    """Hash of block 0; None for a network known by its number alone."""
    factory: Address
    token: Address
    first_block: int
    """Events are read from this block on."""
    batch: Address | None = None
    """The contract that hands in many reports at once, once one is known."""
    evidence: str | None = None
    """Where bundles and proofs lie: an address such as ``s3://bucket/path``, or a folder (from the workspace's); by
    default the workspace's folder ``evidence``."""

    @property
    def identity(self) -> Identity:
        """The chain this workspace belongs to."""
        return Identity(self.chain_id, None if self.genesis is None else bytes.fromhex(self.genesis[2:]))

    @property
    def url(self) -> str:
        """The network's URL, or ``embedded``."""
        return resolve_network(self.network)


def resolve_network(network: str) -> str:
    """The URL behind ``env:NAME``, or the text itself; WorkspaceError ``network-variable-unset``."""
    if not network.startswith("env:"):
        return network
    name = network.removeprefix("env:")
    url = os.environ.get(name)
    if not url:
        raise WorkspaceError(
            "network-variable-unset",
            f"The network's URL is taken from the environment variable {name}, which is not set.",
            f"Set {name} to the JSON-RPC URL and run the command again.",
        )
    return url


class Parties(Stored):
    """Addresses by party: ``client``, the providers, the verifiers, ``arbitrator``."""

    addresses: dict[str, Address]


class Offer(Stored):
    """What every party signs: the deployed arguments and what follows from them. With the agreement file beside it
    nothing else is needed to check and sign it, not even a network."""

    chain_id: int = Field(ge=1, lt=2**64)
    factory: Address
    """Of the escrow. It and the chain are part of what is signed."""
    implementation: Address
    """The code that the factory's escrows run: the escrow's address follows from it."""
    arguments: Bytes
    """The packed arguments of the escrow (docs/protocol.md, section 12)."""
    agreement_digest: Hash
    program_hash: Hash
    nonce: int
    """Tells identical deals apart."""
    terms_hash: Hash
    """The EIP-712 digest the parties sign."""
    escrow: Address
    """Where the escrow will be."""


ANEW: Final = 255
"""In an amendment's ``carry``: the word starts anew."""


class Amendment(Stored):
    """What the terms of an amendment say besides the agreement file beside it."""

    first: int = Field(ge=1)
    """The period from which they govern."""
    deadline: int = Field(ge=0)
    """Unix seconds from which the escrow no longer takes it."""
    carry: tuple[int, ...]
    """Per word that the new program carries between periods: its own number to keep it, 255 to start anew."""
    arbitrator: str = "arbitrator"
    """The party that arbitrates then: the arbitrator, or ``successor-arbitrator``."""
    previous: Hash
    """The terms it replaces."""
    arguments: Bytes
    agreement_digest: Hash
    program_hash: Hash
    nonce: int = Field(ge=0)
    terms_hash: Hash


class TermsSignature(Stored):
    """One party's signature over the terms. Everything but the signature says what it is for, and must be so."""

    party: str
    signer: Address
    chain_id: int = Field(ge=1, lt=2**64)
    factory: Address
    escrow: Address
    terms_hash: Hash
    signature: Bytes


class SignedReport(Stored):
    """One verifier's report of one period."""

    verifier: str
    signer: Address
    escrow: Address
    terms_hash: Hash
    period: int = Field(ge=1)
    nonce: int = Field(ge=0)
    values: tuple[str | None, ...]
    """KPI values in program order, as decimal text; null if missing."""
    evidence_digest: Hash
    signature: Bytes
