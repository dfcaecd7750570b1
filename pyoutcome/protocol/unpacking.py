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
    MONEY_BYTES,
    PAYOUTS,
    RESTATES,
    ZERO_ADDRESS,
    Arguments,
    Kpi,
    Provider,
    broken,
)
from pyoutcome.protocol.bytewise import CutShort, Reader

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
    reader.take(2)  # the size of the deal follows from the rest, and packing again compares it
    client, token, decimals = reader.address(), reader.address(), reader.number(1)
    activate_by, start = reader.number(5), reader.number(5)
    periods, unit, width = reader.number(2), reader.number(3), reader.number(1)
    rate, delay, flags = reader.number(8), reader.number(4), reader.number(1)
    providers = [_read_provider(reader, flags) for _ in range(reader.number(1))]
    if width:
        ends = tuple(start + unit * reader.number(width) for _ in range(periods))
    else:
        length = unit * reader.number(4)
        ends = tuple(start + length * number for number in range(1, periods + 1))
    cure, notice, allowed, streak = 0, 0, 0, 0
    if flags & EXITS:
        cure, notice, allowed, streak = (reader.number(4), reader.number(4), reader.number(1), reader.number(1))
        providers = [
            Provider(one.signer, one.payout, one.bond, one.backup, reader.number(MONEY_BYTES)) for one in providers
        ]
    ruled, quorum, verifiers, kpis, parameters = reader.take(5)
    evidence, default, reserve = reader.number(4), reader.number(4), reader.number(MONEY_BYTES)
    arbitrator, known = reader.address(), tuple(reader.address() for _ in range(verifiers))
    challenge, ruling, fixed, share = 0, 0, 0, 0
    if ruled & DISPUTES:
        challenge, ruling, fixed, share = (
            reader.number(4), reader.number(4), reader.number(MONEY_BYTES), reader.number(8),
        )  # fmt: skip
    return Arguments(
        client=client,
        token=token,
        unit_decimals=decimals,
        quorum=quorum,
        verifiers=known,
        arbitrator=arbitrator,
        providers=tuple(providers),
        kpis=tuple(_read_kpi(reader) for _ in range(kpis)),
        parameters=tuple(_read_parameter(reader) for _ in range(parameters)),
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


def _read_kpi(reader: Reader) -> Kpi:
    first, supplier, width = reader.take(3)
    decimals = first & 127
    if decimals > DECIMALS:
        raise broken(6, "each KPI has 0 to 18 decimals")
    step = int(10 ** (DECIMALS - decimals))
    low, high, if_missing = (reader.signed(width) * step for _ in range(3))
    owner = None if supplier == CLIENT_SUPPLIES else supplier
    return Kpi(decimals, first > 127, low, high, if_missing, owner)


def _read_parameter(reader: Reader) -> int:
    width, exponent = reader.take(2)
    return reader.signed(width) * int(10**exponent)
