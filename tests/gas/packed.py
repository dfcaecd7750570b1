"""Packed arguments and reports, written from docs/protocol.md section 12 for what the measured agreements have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyoutcome.formula import KpiShape

DAY = 86_400
HOLDBACK = 32
FROM_ZERO = 64


@dataclass(frozen=True)
class PackedDeal:
    """One client and one provider; no bonds, backups or exits."""

    client: str
    provider: str
    token: str
    start: int
    ends: tuple[int, ...]
    """Moments that are whole days behind ``start``."""
    verifiers: tuple[str, ...]
    quorum: int
    arbitrator: str
    kpis: tuple[KpiShape, ...]
    parameters: tuple[int, ...]
    """Scaled by 10^18."""
    reserve: int
    """Base units."""
    holdback_rate: int = 0
    challenge_window: int = 0
    """Seconds; 0: a report settles at once, and there are no disputes."""
    ruling_window: int = 0
    stake_fixed: int = 0
    stake_share: int = 0
    unit_decimals: int = 6
    payout: str | None = None
    """Where the provider is paid, if not at its own address."""

    def pack(self) -> bytes:
        width, drifts = self._schedule()
        deal = b"".join(
            (
                _address(self.client),
                _address(self.token),
                bytes([self.unit_decimals]),
                (self.start + 5 * DAY).to_bytes(5, "big"),
                self.start.to_bytes(5, "big"),
                len(self.ends).to_bytes(2, "big"),
                DAY.to_bytes(3, "big"),
                bytes([width, (HOLDBACK if self.holdback_rate else 0) | (0 if self.payout is None else 1), 1]),
                _address(self.provider),
                b"" if self.payout is None else _address(self.payout),
                drifts,
                _time(30 * DAY),
                _amount(self.holdback_rate) if self.holdback_rate else b"",
            )
        )
        return (len(deal) + 2).to_bytes(2, "big") + deal + self._rules()

    def _schedule(self) -> tuple[int, bytes]:
        """Bits of each end's drift in days from even lengths; that length, and the drifts."""
        days = [(end - self.start) // DAY for end in self.ends]
        length = days[-1] // len(days)
        drifts = [day - number * length for number, day in enumerate(days, 1)]
        width = max((drift if drift >= 0 else ~drift).bit_length() + 1 if drift else 0 for drift in drifts)
        bits = "".join(format(drift % (1 << width), f"0{width}b") for drift in drifts) if width else ""
        size = (len(bits) + 7) // 8
        return width, length.to_bytes(4, "big") + int("0" + bits.ljust(8 * size, "0"), 2).to_bytes(size, "big")

    def _rules(self) -> bytes:
        disputes = self.challenge_window != 0
        counts = (self.quorum, len(self.verifiers), len(self.kpis), len(self.parameters))
        parts = [
            bytes([2 if disputes else 0, *counts]),
            _address(self.arbitrator),
            *map(_address, self.verifiers),
        ]
        if disputes:
            parts += [
                self.challenge_window.to_bytes(4, "big"),
                self.ruling_window.to_bytes(4, "big"),
                self.stake_fixed.to_bytes(13, "big"),
                self.stake_share.to_bytes(8, "big"),
            ]
        parts += [_kpi(kpi) for kpi in self.kpis]
        parts += [_parameter(word) for word in self.parameters]
        parts += [_time(5 * DAY), _time(10 * DAY), _amount(self.reserve)]
        return b"".join(parts)


def pack_report(
    period: int,
    evidence: bytes,
    kpis: Sequence[KpiShape],
    values: Sequence[int],
    signatures: Mapping[int, bytes],
) -> bytes:
    """The bytes behind the selector of ``submit``; signatures by verifier index."""
    signers = sum(1 << index for index in signatures)
    said = [_digits(value // 10 ** (18 - kpi.decimals)) for kpi, value in zip(kpis, values, strict=True)]
    signed = [bytes([len(signature)]) + signature for _, signature in sorted(signatures.items())]
    head = period.to_bytes(2, "big") + evidence + signers.to_bytes(4, "big")
    return head + b"".join(bytes([len(digits)]) + digits for digits in said) + b"".join(signed)


def _address(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def _kpi(kpi: KpiShape) -> bytes:
    """Never missing; its supplier is the only provider; its least value stands in; all its numbers are as wide as the
    widest."""
    numbers = [word // 10 ** (18 - kpi.decimals) for word in ((kpi.high, kpi.low, kpi.low) if kpi.low else (kpi.high,))]
    width = max(1, *(len(_digits(number)) for number in numbers))
    head = bytes([kpi.decimals | (0 if kpi.low else FROM_ZERO), width])
    return head + b"".join(number.to_bytes(width, "big", signed=True) for number in numbers)


def _time(seconds: int) -> bytes:
    """Days, of less than 256: [count][one byte, unit 3]."""
    return bytes([seconds // DAY, 0x13])


def _amount(number: int) -> bytes:
    """[digits][16 x their size + zeros left out]."""
    zeros = 0
    while number and number % 10 == 0 and zeros < 15:
        number, zeros = number // 10, zeros + 1
    width = (number.bit_length() + 7) // 8
    return number.to_bytes(width, "big") + bytes([16 * width + zeros])


def _parameter(word: int) -> bytes:
    """As few digits as the number has: [size][exponent][digits]."""
    exponent = 0
    while word and word % 10 == 0 and exponent < 36:
        word, exponent = word // 10, exponent + 1
    digits = _digits(word) or b"\x00"
    return bytes([len(digits), exponent]) + digits


def _digits(number: int) -> bytes:
    """Two's complement in as few bytes as it takes, none for zero."""
    width = (number if number >= 0 else ~number).bit_length() // 8 + 1
    return number.to_bytes(width, "big", signed=True) if number else b""
