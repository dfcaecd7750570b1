"""What each party signs: EIP-712 structs of domain {name "pyoutcome", version "1", chain id, factory}.

The state machine works on verified signers; this module says which bytes each of them signed. All structs are flat,
so one small encoder serves them all (https://eips.ethereum.org/EIPS/eip-712).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from typing import ClassVar, Final, Protocol

from eth_abi.abi import encode
from eth_keys.constants import SECPK1_N
from eth_keys.datatypes import Signature
from eth_keys.exceptions import BadSignature
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError

from pyoutcome.decimals import INT256_MIN
from pyoutcome.errors import ProtocolError
from pyoutcome.protocol.eip712 import DOMAIN_NAME, DOMAIN_TYPE, DOMAIN_VERSION, TERMS_TYPE

MISSING: Final = INT256_MIN
"""Stands for a missing KPI value in a report: ``type(int256).min``."""


class Signer(Protocol):
    """Whoever can sign a 32-byte digest: a key in a keystore, a hardware wallet, a test account."""

    @property
    def address(self) -> str:
        """Checksum address that the signature recovers to."""
        ...

    def sign(self, digest: bytes) -> bytes:
        """65 bytes r, s, v over the digest itself (no prefix), with low s and v of 27 or 28."""
        ...


@dataclass(frozen=True)
class Domain:
    """The EIP-712 domain: signatures for one chain and factory are worth nothing elsewhere."""

    chain_id: int
    factory: str
    """Checksum address of the factory, the ``verifyingContract``."""

    def separator(self) -> bytes:
        """``domainSeparator`` of EIP-712, 32 bytes."""
        return hash_struct(DOMAIN_TYPE, (DOMAIN_NAME, DOMAIN_VERSION, self.chain_id, self.factory))


def domain(chain_id: int, factory: str) -> Domain:
    """The domain of one chain and factory."""
    return Domain(chain_id, factory)


@dataclass(frozen=True)
class Message:
    """A signed struct. ``TYPE`` is its EIP-712 type; the dataclass fields stand in the same order."""

    TYPE: ClassVar[str] = ""

    def digest(self, domain: Domain) -> bytes:
        """The 32 bytes to sign: keccak256(0x19 01 ++ domain separator ++ struct hash)."""
        values = tuple(getattr(self, field.name) for field in fields(self))
        return keccak(b"\x19\x01" + domain.separator() + hash_struct(self.TYPE, values))


@dataclass(frozen=True)
class Terms(Message):
    """What client and every provider sign once. Its digest is the **terms hash**."""

    TYPE: ClassVar[str] = TERMS_TYPE

    agreement_digest: bytes
    """keccak256 of the agreement's canonical JSON."""
    program_hash: bytes
    """keccak256 of the program bytes."""
    args_hash: bytes
    """``Arguments.hash()``."""
    nonce: int
    """Tells identical deals apart."""


@dataclass(frozen=True)
class Report(Message):
    """Verified KPI values of one period, signed by a quorum of verifiers."""

    TYPE: ClassVar[str] = (
        "Report(address escrow,bytes32 termsHash,uint32 period,uint32 nonce,int256[] values,bytes32 evidenceDigest)"
    )

    escrow: str
    terms_hash: bytes
    """Terms hash that governs the period."""
    period: int
    nonce: int
    """0: a period takes one report."""
    values: tuple[int, ...]
    """One value per KPI in program order, 18 decimals; ``MISSING`` for a missing one."""
    evidence_digest: bytes


@dataclass(frozen=True)
class Challenge(Message):
    """A party's own version of a period."""

    TYPE: ClassVar[str] = "Challenge(address escrow,bytes32 termsHash,uint32 period,uint32 nonce,int256[] values)"

    escrow: str
    terms_hash: bytes
    period: int
    nonce: int
    """Proposals of the period so far: a challenge of a default is none of the report that replaces it."""
    values: tuple[int, ...]


@dataclass(frozen=True)
class Ruling(Message):
    """A direct arbitrator's values for a disputed period."""

    TYPE: ClassVar[str] = "Ruling(address escrow,bytes32 termsHash,uint32 period,uint32 nonce,int256[] values)"

    escrow: str
    terms_hash: bytes
    period: int
    nonce: int
    values: tuple[int, ...]


@dataclass(frozen=True)
class Agreed(Message):
    """Values on which the client and the payees of a period settle it."""

    TYPE: ClassVar[str] = "Agreed(address escrow,bytes32 termsHash,uint32 period,uint32 nonce,int256[] values)"

    escrow: str
    terms_hash: bytes
    period: int
    nonce: int
    """How often the period was agreed before."""
    values: tuple[int, ...]


@dataclass(frozen=True)
class Amendment(Message):
    """New terms from a period on."""

    TYPE: ClassVar[str] = (
        "Amendment(address escrow,bytes32 previousTermsHash,bytes32 newTermsHash,uint32 firstPeriod,uint8[] carry,"
        "uint40 deadline)"
    )

    escrow: str
    previous_terms_hash: bytes
    """The latest terms: an amendment applies once, to exactly what its signers knew."""
    new_terms_hash: bytes
    """Digest of the new ``Terms``, whose nonce is new."""
    first_period: int
    carry: tuple[int, ...]
    """Per new register: the earlier register it keeps, or 255 to start anew."""
    deadline: int


@dataclass(frozen=True)
class Assignment(Message):
    """A slot goes to another holder: outgoing, incoming and client sign."""

    TYPE: ClassVar[str] = (
        "Assignment(address escrow,bytes32 termsHash,uint8 slot,address incoming,address payout,uint32 firstPeriod,"
        "uint32 nonce)"
    )

    escrow: str
    terms_hash: bytes
    slot: int
    incoming: str
    payout: str
    first_period: int
    nonce: int
    """Changes of holders so far."""


@dataclass(frozen=True)
class Termination(Message):
    """Client and all holders end the agreement after the current period."""

    TYPE: ClassVar[str] = "Termination(address escrow,bytes32 termsHash,uint32 lastPeriod,uint32 nonce)"

    escrow: str
    terms_hash: bytes
    last_period: int
    nonce: int
    """Terminations so far."""


@dataclass(frozen=True)
class Finding(Message):
    """The arbitrator finds a cause to end the agreement."""

    TYPE: ClassVar[str] = "Finding(address escrow,bytes32 termsHash,bytes32 cause,address party,uint256 nonce)"

    escrow: str
    terms_hash: bytes
    cause: bytes
    """keccak256 of the cause in words."""
    party: str
    nonce: int


def hash_struct(type_text: str, values: tuple[object, ...]) -> bytes:
    """``hashStruct`` of EIP-712 for a flat struct: keccak256(typeHash ++ encoded fields)."""
    type_hash, kinds = _parse(type_text)
    words = [_encode_field(kind, value) for kind, value in zip(kinds, values, strict=True)]
    return keccak(type_hash + b"".join(words))


@cache
def _parse(type_text: str) -> tuple[bytes, tuple[str, ...]]:
    """The type hash and the field types of ``Name(type name,...)``."""
    inside = type_text[type_text.index("(") + 1 : -1]
    return keccak(text=type_text), tuple(field.split(" ")[0] for field in inside.split(","))


def _encode_field(kind: str, value: object) -> bytes:
    """One 32-byte word: dynamic fields by their hash, arrays by the hash of their items' words."""
    if kind == "string":
        return keccak(text=str(value))
    if kind.endswith("[]"):
        items = value if isinstance(value, tuple) else ()
        return keccak(b"".join(_encode_field(kind[:-2], item) for item in items))
    return encode([kind], [value])


def signer_of(digest: bytes, signature: bytes) -> str:
    """Checksum address of the key that signed ``digest``.

    Raises ProtocolError ``bad-signature`` for anything but 65 bytes r, s, v with v of 27 or 28 and s in the lower half
    of the curve's order: the one form the escrow accepts, so that a signature has no twin.
    """
    fault = _fault_of(signature)
    if fault is None:
        r, s, v = int.from_bytes(signature[:32]), int.from_bytes(signature[32:64]), signature[64]
        try:
            key = Signature(vrs=(v - 27, r, s)).recover_public_key_from_msg_hash(digest)
            return key.to_checksum_address()
        except (BadSignature, ValidationError):
            fault = "it belongs to no key"
    raise ProtocolError(
        "bad-signature",
        f"The signature cannot be accepted: {fault}.",
        "Sign the message again with the key of the party named.",
    )


def _fault_of(signature: bytes) -> str | None:
    if len(signature) != 65:
        return f"it has {len(signature)} bytes instead of 65"
    if signature[64] not in (27, 28):
        return "its last byte is neither 27 nor 28"
    if int.from_bytes(signature[32:64]) > SECPK1_N // 2:
        return "its s value is in the upper half, where every signature has a second form"
    return None
