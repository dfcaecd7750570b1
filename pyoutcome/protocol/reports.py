"""A report in bytes: as it is handed to the escrow, and as the escrow's event says it again.

[2 period][32 evidence digest][4 verifiers, bit i for verifier i], per KPI [1 size][the value in units of its decimals,
signed] or the byte 255 for a missing one, and then per verifier that signed, by rising index, [1 size][signature].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pyoutcome.errors import ProtocolError
from pyoutcome.protocol import refusals
from pyoutcome.protocol.arguments import MOST_VERIFIERS, Kpi
from pyoutcome.protocol.bytewise import CutShort, Reader, signed_bytes, width_of
from pyoutcome.protocol.messages import MISSING

MISSING_SIZE: Final = 255
AMOUNT_BYTES: Final = 14
"""Of each amount in the event of a report that settles at once."""
MOST_VALUE_BYTES: Final = 32
MOST_SIGNATURE_BYTES: Final = 255


@dataclass(frozen=True)
class Said:
    """What the event of a report repeats of it."""

    evidence_digest: bytes
    verifiers: int
    """Bit i is set if verifier i signed."""
    values: tuple[int, ...]
    """One per KPI, 18 decimals; ``MISSING`` for a missing one."""


def pack_report(
    period: int,
    values: Sequence[int],
    evidence_digest: bytes,
    signatures: Mapping[int, bytes],
    kpis: Sequence[Kpi],
) -> bytes:
    """The bytes that the escrow's ``report`` takes. ``signatures`` by the verifiers' indexes.

    Raises ProtocolError for what the bytes cannot say: ``no-such-period``, ``bad-verifier-order``, ``bad-signature``,
    and what ``pack_said`` raises.
    """
    if not 0 <= period < 2**16:
        raise refusals.no_such_period(period)
    verifiers = 0
    for index in signatures:
        if not 0 <= index < MOST_VERIFIERS:
            raise refusals.bad_verifier_order(index)
        verifiers |= 1 << index
    parts = [period.to_bytes(2), pack_said(Said(evidence_digest, verifiers, tuple(values)), kpis)]
    for index in sorted(signatures):
        signature = signatures[index]
        if len(signature) > MOST_SIGNATURE_BYTES:
            raise ProtocolError(
                "bad-signature",
                f"The signature of verifier {index + 1} has {len(signature)} bytes; a report takes at most "
                f"{MOST_SIGNATURE_BYTES}.",
                "Let the verifier sign with a key, or with a wallet whose signatures are shorter.",
            )
        parts += [len(signature).to_bytes(1), signature]
    return b"".join(parts)


def pack_said(said: Said, kpis: Sequence[Kpi]) -> bytes:
    """The part of a packed report from the evidence digest to the last value.

    Raises ProtocolError ``wrong-value-count``, and ``bad-value`` for a value finer than its KPI's decimals.
    """
    if len(said.values) != len(kpis):
        raise refusals.wrong_value_count(len(said.values), len(kpis))
    parts = [said.evidence_digest, said.verifiers.to_bytes(4)]
    for index, (kpi, value) in enumerate(zip(kpis, said.values, strict=True)):
        if value == MISSING:
            parts.append(bytes([MISSING_SIZE]))
            continue
        width = width_of(value // kpi.step)
        if value % kpi.step or width > MOST_VALUE_BYTES:
            raise refusals.bad_value(index, value)
        parts += [bytes([width]), signed_bytes(value // kpi.step, width)]
    return b"".join(parts)


def unpack_said(packed: bytes, kpis: Sequence[Kpi]) -> Said:
    """What ``pack_said`` packed. Raises ProtocolError ``bad-report`` for anything else."""
    reader = Reader(packed)
    try:
        said = _read_said(reader, kpis)
    except CutShort:
        raise bad_report() from None
    if reader.left:
        raise bad_report()
    return said


def unpack_settled(packed: bytes, kpis: Sequence[Kpi]) -> tuple[Said, tuple[int, ...]]:
    """What the event of a report that settles at once says behind the period: the report, and amounts in base units.

    Raises ProtocolError ``bad-report`` for anything else.
    """
    reader = Reader(packed)
    try:
        said = _read_said(reader, kpis)
        amounts = []
        while reader.left:
            amounts.append(reader.number(AMOUNT_BYTES))
    except CutShort:
        raise bad_report() from None
    return said, tuple(amounts)


def _read_said(reader: Reader, kpis: Sequence[Kpi]) -> Said:
    return Said(reader.take(32), reader.number(4), tuple(_read_value(reader, kpi) for kpi in kpis))


def _read_value(reader: Reader, kpi: Kpi) -> int:
    size = reader.number(1)
    if size == MISSING_SIZE:
        return MISSING
    if size > MOST_VALUE_BYTES:
        raise CutShort
    return reader.signed(size) * kpi.step


def bad_report() -> ProtocolError:
    """``BadReport``."""
    return ProtocolError(
        "bad-report",
        "The bytes of the report are cut short, go on behind its end, or do not fit the KPIs.",
        "Have the report prepared again from the same agreement.",
    )
