"""The terms that stand in code: in an escrow's own behind the proxy, in an amendment's store behind one byte."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from eth_utils.crypto import keccak

from pyoutcome.errors import ChainError, ProtocolError
from pyoutcome.protocol import Arguments, unpack_arguments

REGISTERED, SEQUENTIAL = 1, 2
"""Bits of the last byte."""
TAIL: Final = 35
"""Terms hash, size of the arguments, kind."""
SUMS: Final = 40
"""Which sums to date a sequential program reads, if the program stands there."""


@dataclass(frozen=True)
class CodedTerms:
    """What code carries of one agreement's terms."""

    program: bytes
    """Empty if it is a registered one."""
    arguments: Arguments
    program_hash: bytes
    terms_hash: bytes


def read_terms(blob: bytes) -> CodedTerms:
    """The terms in these bytes, which are what follows the proxy or the first byte of a store.

    Raises ChainError ``not-our-contract`` if they are none that this version writes.
    """
    try:
        if len(blob) < TAIL:
            raise _foreign()
        kind, size = blob[-1], int.from_bytes(blob[-3:-1])
        kept = 32 if kind & REGISTERED else SUMS * bool(kind & SEQUENTIAL)
        end = len(blob) - TAIL - kept
        if end < size:
            raise _foreign()
        program = blob[: end - size]
        program_hash = blob[end : end + 32] if kind & REGISTERED else keccak(program)
        return CodedTerms(program, unpack_arguments(blob[end - size : end]), program_hash, blob[-TAIL:-3])
    except ProtocolError:
        raise _foreign() from None


def _foreign() -> ChainError:
    return ChainError(
        "not-our-contract",
        "The code at that address does not carry terms in the form that this version writes.",
        "Check the address and the network.",
    )
