"""Arguments encode as Solidity's abi.encode and refuse what breaks a numbered rule."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_abi.abi import decode
from eth_account import Account
from eth_utils.crypto import keccak

from pyoutcome.decimals import ONE
from pyoutcome.errors import ProtocolError
from pyoutcome.protocol.arguments import ABI_TYPE, ZERO_ADDRESS, Arguments, Kpi, Provider

A = [Account.from_key(keccak(bytes([n]))).address for n in range(12)]
SOUND = Arguments(
    client=A[0],
    token=A[1],
    unit_decimals=6,
    quorum=2,
    verifiers=(A[2], A[3], A[4]),
    arbitrator=A[5],
    providers=(Provider(A[6], A[7]), Provider(A[8], A[8])),
    kpis=(Kpi(4, True, 0, ONE, 0), Kpi(0, False, -5 * ONE, 5 * ONE, -2 * ONE)),
    parameters=(250_000 * ONE,),
    activate_by=1_000,
    start=2_000,
    ends=(3_000, 4_000),
    evidence_window=100,
    default_window=50,
    holdback_rate=ONE // 20,
    holdback_release=5_000,
    reserve=10**12,
)


def test_encoding_decodes_to_the_same_values() -> None:
    (decoded,) = decode([ABI_TYPE], SOUND.encode())
    assert (A[0].lower(), A[1].lower(), 6, 2) == decoded[:4]
    assert ((4, True, 0, ONE, 0), (0, False, -5 * ONE, 5 * ONE, -2 * ONE)) == decoded[7]
    assert (1_000, 2_000, (3_000, 4_000), 100, 50, ONE // 20, 5_000, 10**12) == decoded[9:]


def test_a_dynamic_struct_starts_with_its_offset_as_solidity_does() -> None:
    encoded = SOUND.encode()
    assert (32).to_bytes(32) == encoded[:32]
    assert bytes.fromhex(A[0][2:]) == encoded[44:64]
    assert keccak(encoded) == SOUND.hash()


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        (1, {"client": ZERO_ADDRESS}),
        (1, {"arbitrator": ZERO_ADDRESS}),
        (1, {"arbitrator": A[0]}),
        (1, {"token": A[1].lower()}),
        (2, {"unit_decimals": 19}),
        (3, {"verifiers": (A[2], A[2], A[3])}),
        (3, {"verifiers": ()}),
        (4, {"quorum": 0}),
        (4, {"quorum": 4}),
        (5, {"providers": ()}),
        (5, {"providers": (Provider(A[6], A[7]), Provider(A[6], A[8]))}),
        (5, {"providers": (Provider(A[6], ZERO_ADDRESS),)}),
        (6, {"kpis": ()}),
        (6, {"kpis": (Kpi(19, True, 0, ONE, 0),)}),
        (6, {"kpis": (Kpi(4, True, 0, ONE, 2 * ONE),)}),
        (6, {"kpis": (Kpi(4, True, 0, ONE, 1),)}),
        (6, {"kpis": (Kpi(18, True, -(2**255), ONE, 0),)}),
        (7, {"parameters": (2**255,)}),
        (8, {"ends": ()}),
        (8, {"ends": (3_000, 3_000)}),
        (8, {"start": 3_000}),
        (8, {"ends": (3_000, 2**40)}),
        (9, {"evidence_window": 0}),
        (9, {"default_window": 2**32}),
        (10, {"holdback_rate": ONE + 1}),
        (10, {"holdback_release": 3_999}),
        (11, {"reserve": 2**128}),
        (14, {"ends": tuple(range(3_000, 4_024)), "parameters": (1,) * 256, "holdback_release": 9_000}),
    ],
)
def test_each_rule_refuses(rule: int, change: dict[str, object]) -> None:
    with pytest.raises(ProtocolError) as refused:
        replace(SOUND, **change)  # type: ignore[arg-type]
    assert ("bad-arguments", rule) == (refused.value.code, refused.value.details["rule"])


def test_every_argument_changes_the_hash() -> None:
    changes: list[dict[str, object]] = [
        {"client": A[9]}, {"token": ZERO_ADDRESS}, {"unit_decimals": 7}, {"quorum": 1}, {"verifiers": (A[2], A[3])},
        {"arbitrator": A[9]}, {"providers": (Provider(A[6], A[7]),)}, {"kpis": SOUND.kpis[:1]}, {"parameters": ()},
        {"activate_by": 1_001}, {"start": 2_001}, {"ends": (3_000,)}, {"evidence_window": 101}, {"default_window": 51},
        {"holdback_rate": 0}, {"holdback_release": 5_001}, {"reserve": 0},
    ]  # fmt: skip
    hashes = {replace(SOUND, **change).hash() for change in changes}  # type: ignore[arg-type]
    assert set(SOUND.__dataclass_fields__) == {name for change in changes for name in change}
    assert len(changes) == len(hashes - {SOUND.hash()})
