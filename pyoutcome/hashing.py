"""The hash that chains use, without the packages around it, which take longer to load than to be needed."""

from __future__ import annotations

from Crypto.Hash import keccak as _keccak


def keccak(data: bytes) -> bytes:
    """keccak256, 32 bytes."""
    return _keccak.new(data=data, digest_bits=256).digest()
