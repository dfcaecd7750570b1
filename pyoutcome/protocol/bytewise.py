"""Numbers and addresses in as few bytes as they take: the pieces of packed arguments and reports."""

from __future__ import annotations

from eth_utils.address import to_canonical_address, to_checksum_address


class CutShort(Exception):  # noqa: N818 - internal: the caller says of what the bytes are too few
    """Fewer bytes than their own sizes promise."""


def width_of(number: int) -> int:
    """How many bytes a signed number takes in two's complement; 0 takes none."""
    return (number if number >= 0 else ~number).bit_length() // 8 + 1 if number else 0


def signed_bytes(number: int, width: int) -> bytes:
    """A number in ``width`` bytes, two's complement."""
    return number.to_bytes(width, signed=True)


def address_bytes(address: str) -> bytes:
    """The 20 bytes of an address."""
    return to_canonical_address(address)


class Reader:
    """Takes bytes from the front. Every method raises CutShort when there are too few left."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0
        """How many bytes have been taken."""

    @property
    def left(self) -> int:
        """How many bytes are left."""
        return len(self._data) - self.at

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes."""
        if count > self.left:
            raise CutShort
        self.at += count
        return self._data[self.at - count : self.at]

    def number(self, width: int) -> int:
        """An unsigned number."""
        return int.from_bytes(self.take(width))

    def signed(self, width: int) -> int:
        """A signed number."""
        return int.from_bytes(self.take(width), signed=True)

    def address(self) -> str:
        """An address, as checksum text."""
        return to_checksum_address(self.take(20))
