"""Packed arguments read back. The bytes are hostile: whoever deployed the escrow chose them."""

from __future__ import annotations

from pyoutcome.decimals import DECIMALS
from pyoutcome.protocol.arguments import (
    BACKUPS,
    BONDS,
    CHOOSES,
    CLIENT_SUPPLIES,
    CONVENIENCE,
    DISPUTES,
    EXITS,
    FROM_ZERO,
    HOLDBACK,
    MAY_BE_MISSING,
    MONEY_BYTES,
    PAYOUTS,
    REFUSES,
    RESTATES,
    SUPPLIED,
    ZERO_ADDRESS,
    Arguments,
    Kpi,
    Provider,
    broken,
)
from pyoutcome.protocol.bytewise import CutShort, Reader, read_shorts

OTHER_FORM = "the packed arguments are whole, and in the one form that this version writes"


def unpack_arguments(packed: bytes) -> Arguments:
    """The arguments whose ``pack`` gives exactly these bytes.

    Raises ProtocolError ``bad-arguments`` with the rule that is broken; rule 15 for bytes that are cut short, go on
    behind the end, or say the same in another form.
    """
    try:
        arguments = _read(Reader(packed))
    except CutShort:
        raise broken(15, OTHER_FORM) from None
    if arguments.pack() != packed:
        raise broken(15, OTHER_FORM)
    return arguments


def _read(reader: Reader) -> Arguments:
    size = reader.number(2)
    client, token, decimals = reader.address(), reader.address(), reader.number(1)
    activate_by, start = reader.number(5), reader.number(5)
    periods, unit, width = reader.number(2), reader.number(3), reader.number(1)
    flags = reader.number(1)
    providers = [_read_provider(reader, flags) for _ in range(reader.number(1))]
    ends = tuple(start + unit * count for count in _read_schedule(reader, periods, width))
    cure, notice, allowed, streak = 0, 0, 0, 0
    if flags & EXITS:
        cure, notice, allowed, streak = (reader.number(4), reader.number(4), reader.number(1), reader.number(1))
        providers = [
            Provider(one.signer, one.payout, one.bond, one.backup, reader.number(MONEY_BYTES)) for one in providers
        ]
    held = ("time", "amount") if flags & HOLDBACK else ("time",)
    delay, rate, *_ = (*read_shorts(reader.take(max(0, size - reader.at)), held), 0)
    ruled, quorum, verifiers, number_of_kpis, number_of_parameters = reader.take(5)
    arbitrator, known = reader.address(), tuple(reader.address() for _ in range(verifiers))
    challenge, ruling, fixed, share = 0, 0, 0, 0
    if ruled & DISPUTES:
        challenge, ruling, fixed, share = (
            reader.number(4), reader.number(4), reader.number(MONEY_BYTES), reader.number(8),
        )  # fmt: skip
    kpis = tuple(_read_kpi(reader) for _ in range(number_of_kpis))
    parameters = tuple(_read_parameter(reader) for _ in range(number_of_parameters))
    default, evidence, reserve = read_shorts(reader.take(reader.left), ("time", "time", "amount"))
    return Arguments(
        client=client,
        token=token,
        unit_decimals=decimals,
        quorum=quorum,
        verifiers=known,
        arbitrator=arbitrator,
        providers=tuple(providers),
        kpis=kpis,
        parameters=parameters,
        activate_by=activate_by,
        start=start,
        ends=ends,
        evidence_window=evidence,
        default_window=default,
        holdback_rate=rate,
        holdback_delay=delay,
        reserve=reserve,
        restates=bool(flags & RESTATES),
        challenge_window=challenge,
        ruling_window=ruling,
        chooses=bool(ruled & CHOOSES),
        refuses=bool(ruled & REFUSES),
        stake_fixed=fixed,
        stake_share=share,
        cure_window=cure,
        notice=notice,
        convenience=frozenset(party for party, bit in CONVENIENCE.items() if allowed & bit),
        streak=streak,
    )


def _read_provider(reader: Reader, flags: int) -> Provider:
    signer = reader.address()
    payout = reader.address() if flags & PAYOUTS else signer
    bond = reader.number(MONEY_BYTES) if flags & BONDS else 0
    backup = reader.address() if flags & BACKUPS else ZERO_ADDRESS
    return Provider(signer, payout, bond, None if backup == ZERO_ADDRESS else backup)


def _read_schedule(reader: Reader, periods: int, width: int) -> list[int]:
    """The ends in units since the start: so many even lengths, and what each end differs from that."""
    length = reader.number(4)
    size = (width * periods + 7) // 8
    bits = reader.number(size) >> (8 * size - width * periods)
    drifts = [bits >> (width * (periods - number)) & ((1 << width) - 1) for number in range(1, periods + 1)]
    half = 1 << width >> 1
    return [number * length + (drift ^ half) - half for number, drift in enumerate(drifts, 1)]


def _read_kpi(reader: Reader) -> Kpi:
    first, width = reader.take(2)
    decimals = first & 31
    if decimals > DECIMALS:
        raise broken(6, "each KPI has 0 to 18 decimals")
    step = int(10 ** (DECIMALS - decimals))
    high = reader.signed(width) * step
    low, if_missing = (0, 0) if first & FROM_ZERO else (reader.signed(width) * step, reader.signed(width) * step)
    supplier = reader.number(1) if first & SUPPLIED else 0
    owner = None if supplier == CLIENT_SUPPLIES else supplier
    return Kpi(decimals, bool(first & MAY_BE_MISSING), low, high, if_missing, owner)


def _read_parameter(reader: Reader) -> int:
    width, exponent = reader.take(2)
    return reader.signed(width) * int(10**exponent)
