"""The terms that stand in code: in an escrow's own behind the proxy, in an amendment's store behind one byte."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from eth_utils.address import to_checksum_address

from pyoutcome.errors import ChainError, ProtocolError
from pyoutcome.protocol import Arguments, unpack_arguments

REGISTERED, SEQUENTIAL = 1, 2
"""Bits of the last byte."""
TERMS_HASH: Final = 32
STORE: Final = 20
"""The account of a registered program."""
SIZE: Final = 2
"""Size of the arguments, if the program stands there."""
SUMS: Final = 40
"""Which sums to date a sequential program reads, if the program stands there."""


@dataclass(frozen=True)
class CodedTerms:
    """What code carries of one agreement's terms."""

    program: bytes
    """Empty if it is a registered one."""
    arguments: Arguments
    terms_hash: bytes
    store: str | None
    """Checksum address of the account that keeps a registered program."""


def read_terms(blob: bytes) -> CodedTerms:
    """The terms in these bytes, which are what follows the proxy or the first byte of a store.

    Raises ChainError ``not-our-contract`` if they are none that this version writes.
    """
    try:
        kind = blob[-1] if blob else 0
        behind = STORE if kind & REGISTERED else SUMS * bool(kind & SEQUENTIAL) + SIZE
        end = len(blob) - 1 - behind - TERMS_HASH
        size = end if kind & REGISTERED else int.from_bytes(blob[-1 - SIZE : -1])
        if end < size or end < 0:
            raise _foreign()
        behind_hash = blob[end + TERMS_HASH :]
        store = to_checksum_address(behind_hash[:STORE]) if kind & REGISTERED else None
        arguments = unpack_arguments(blob[end - size : end])
        return CodedTerms(blob[: end - size], arguments, blob[end : end + TERMS_HASH], store)
    except ProtocolError:
        raise _foreign() from None


def _foreign() -> ChainError:
    return ChainError(
        "not-our-contract",
        "The code at that address does not carry terms in the form that this version writes.",
        "Check the address and the network.",
    )
