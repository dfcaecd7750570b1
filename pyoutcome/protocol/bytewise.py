"""Numbers and addresses in as few bytes as they take: the pieces of packed arguments and reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eth_utils.address import to_canonical_address, to_checksum_address

TIME_UNITS: Final = (1, 60, 3_600, 86_400)
"""Seconds; a time says by number which of them it counts."""


class CutShort(Exception):  # noqa: N818 - internal: the caller says of what the bytes are too few
    """Fewer bytes than their own sizes promise."""


def width_of(number: int) -> int:
    """How many bytes a signed number takes in two's complement; 0 takes none."""
    return (number if number >= 0 else ~number).bit_length() // 8 + 1 if number else 0


def bits_of(number: int) -> int:
    """How many bits a signed number takes in two's complement; 0 takes none."""
    return (number if number >= 0 else ~number).bit_length() + 1 if number else 0


def short_amount(amount: int) -> bytes:
    """An unsigned number as its digits without up to 15 zeros at the end; how many bytes and zeros those are stands
    behind them, in one byte."""
    zeros = 0
    while amount and zeros < 15 and amount % 10 == 0:
        amount, zeros = amount // 10, zeros + 1
    return _short(amount, zeros)


def short_time(seconds: int) -> bytes:
    """Seconds counted in the longest of TIME_UNITS that leaves nothing over, in the same form."""
    place = max(at for at, unit in enumerate(TIME_UNITS) if seconds % unit == 0) if seconds else 0
    return _short(seconds // TIME_UNITS[place], place)


def _short(digits: int, form: int) -> bytes:
    width = (digits.bit_length() + 7) // 8
    return digits.to_bytes(width) + bytes([16 * width + form])


def read_shorts(data: bytes, kinds: Sequence[str]) -> list[int]:
    """The short numbers, each a ``"time"`` or an ``"amount"``, that together are all of ``data``; a time in no
    unit that exists is 0. Raises CutShort."""
    numbers: list[int] = []
    for kind in reversed(kinds):
        if not data or len(data) <= (width := data[-1] >> 4):
            raise CutShort
        digits, form = int.from_bytes(data[len(data) - 1 - width : -1]), data[-1] & 15
        data = data[: len(data) - 1 - width]
        scale = 10**form if kind == "amount" else TIME_UNITS[form] if form < len(TIME_UNITS) else 0
        numbers.append(digits * int(scale))
    if data:
        raise CutShort
    return numbers[::-1]


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
