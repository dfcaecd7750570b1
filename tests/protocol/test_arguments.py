"""Arguments refuse what breaks a numbered rule, and say everything in bytes that can be read back."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
from eth_account import Account
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from pyoutcome.decimals import DECIMALS, INT256_MAX, INT256_MIN, ONE
from pyoutcome.errors import ProtocolError
from pyoutcome.protocol import MISSING
from pyoutcome.protocol.arguments import ZERO_ADDRESS, Arguments, Kpi, Provider
from pyoutcome.protocol.bytewise import signed_bytes, width_of
from pyoutcome.protocol.reports import Said, pack_report, pack_said, unpack_said, unpack_settled
from pyoutcome.protocol.unpacking import unpack_arguments
from tests.protocol.profiles import CASES

A = [Account.from_key(keccak(bytes([n]))).address for n in range(14)]
DAY = 86_400
MANY = [Account.from_key(keccak(bytes([1, n]))).address for n in range(32)]
SOUND = Arguments(
    client=A[0],
    token=A[1],
    unit_decimals=6,
    quorum=2,
    verifiers=(A[2], A[3], A[4]),
    arbitrator=A[5],
    providers=(Provider(A[6], A[7]), Provider(A[8], A[8], 500, A[9], 70)),
    kpis=(Kpi(4, True, 0, ONE, 0, 1), Kpi(0, False, -5 * ONE, 5 * ONE, -2 * ONE)),
    parameters=(250_000 * ONE,),
    activate_by=1_000,
    start=2_000,
    ends=(3_000, 4_000),
    evidence_window=100,
    default_window=50,
    holdback_rate=ONE // 20,
    holdback_delay=1_000,
    reserve=10**12,
)


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
        (5, {"providers": (Provider(A[6], A[7], backup=ZERO_ADDRESS),)}),
        (6, {"kpis": ()}),
        (6, {"kpis": (Kpi(19, True, 0, ONE, 0),)}),
        (6, {"kpis": (Kpi(4, True, 0, ONE, 2 * ONE),)}),
        (6, {"kpis": (Kpi(4, True, 0, ONE, 1),)}),
        (6, {"kpis": (Kpi(4, True, 1, ONE, ONE),)}),
        (6, {"kpis": (Kpi(4, True, 0, ONE + 1, 0),)}),
        (6, {"kpis": (Kpi(18, True, -(2**191) - 1, ONE, 0),)}),
        (6, {"kpis": (Kpi(4, True, 0, ONE, 0, 2),)}),
        (7, {"parameters": (2**255,)}),
        (7, {"parameters": (0,) * 256}),
        (8, {"ends": ()}),
        (8, {"ends": (3_000, 3_000)}),
        (8, {"start": 3_000}),
        (8, {"start": 0}),
        (8, {"activate_by": 0}),
        (8, {"ends": (3_000, 2**40)}),
        (8, {"ends": (2_000 + 2**32,)}),
        (9, {"evidence_window": 0}),
        (9, {"default_window": 2**32}),
        (9, {"ruling_window": 2**32}),
        (9, {"challenge_window": 2**32}),
        (9, {"streak": 256}),
        (9, {"convenience": frozenset({"arbitrator"})}),
        (10, {"holdback_rate": ONE + 1}),
        (10, {"holdback_delay": -1}),
        (10, {"holdback_delay": 2**32}),
        (11, {"reserve": 2**104}),
        (11, {"stake_fixed": 2**104}),
        (11, {"providers": (Provider(A[6], A[6], bond=2**104), Provider(A[8], A[8]))}),
        (11, {"providers": (Provider(A[6], A[6], fee=-1), Provider(A[8], A[8]))}),
        (14, {"kpis": (Kpi(18, True, -(2**190), 2**190, 0),) * 128, "parameters": (2**254 + 1,) * 255, "start": 1,
              "ends": tuple(2**28 + 3 * at * at for at in range(1_024)), "verifiers": tuple(MANY),
              "providers": tuple(Provider(one, A[7], 1, A[9], 1) for one in MANY)}),
        (16, {"stake_share": ONE + 1}),
    ],
)  # fmt: skip
def test_each_rule_refuses(rule: int, change: dict[str, object]) -> None:
    with pytest.raises(ProtocolError) as refused:
        replace(SOUND, **change)  # type: ignore[arg-type]
    assert ("bad-arguments", rule) == (refused.value.code, refused.value.details["rule"])


def test_every_argument_changes_the_hash() -> None:
    changes: list[dict[str, object]] = [
        {"client": A[10]}, {"token": ZERO_ADDRESS}, {"unit_decimals": 7}, {"quorum": 1}, {"verifiers": (A[2], A[3])},
        {"arbitrator": A[10]}, {"providers": (Provider(A[6], A[10]), SOUND.providers[1])}, {"kpis": SOUND.kpis[::-1]},
        {"providers": (SOUND.providers[0], replace(SOUND.providers[1], bond=501))}, {"parameters": ()},
        {"providers": (SOUND.providers[0], replace(SOUND.providers[1], backup=A[10]))},
        {"providers": (SOUND.providers[0], replace(SOUND.providers[1], fee=71))},
        {"kpis": (replace(SOUND.kpis[0], supplier=0), SOUND.kpis[1])},
        {"activate_by": 1_001}, {"start": 2_001}, {"ends": (3_000,)}, {"evidence_window": 101}, {"default_window": 51},
        {"holdback_rate": 0}, {"holdback_delay": 5_001}, {"reserve": 0}, {"restates": True}, {"challenge_window": 1},
        {"ruling_window": 51}, {"chooses": True}, {"stake_fixed": 1}, {"stake_share": 1}, {"cure_window": 1},
        {"notice": 1}, {"convenience": frozenset({"client"})}, {"convenience": frozenset({"provider"})}, {"streak": 1},
        {"refuses": True},
    ]  # fmt: skip
    hashes = {replace(SOUND, **change).hash() for change in changes}  # type: ignore[arg-type]
    assert set(SOUND.__dataclass_fields__) == {name for change in changes for name in change}
    assert len(changes) == len(hashes - {SOUND.hash()})


def test_an_amendment_may_change_what_the_deal_s_hash_leaves_out() -> None:
    rules: list[dict[str, object]] = [{"quorum": 1}, {"stake_share": 1}, {"kpis": SOUND.kpis[:1]}, {"reserve": 1}]
    for change in rules:
        assert SOUND.deal_hash == replace(SOUND, **change).deal_hash  # type: ignore[arg-type]
    deal: list[dict[str, object]] = [{"client": A[10]}, {"streak": 1}, {"restates": True}, {"holdback_delay": 1}]
    for change in deal:
        assert SOUND.deal_hash != replace(SOUND, **change).deal_hash  # type: ignore[arg-type]


def test_the_arbitrator_has_a_default_s_window_unless_the_terms_say_otherwise() -> None:
    assert 50 == SOUND.ruling_window
    assert SOUND.pack() == replace(SOUND, ruling_window=50).pack()


def test_known_arguments_have_known_bytes() -> None:
    """Written out by hand from section 12 of docs/protocol.md."""
    plain = replace(SOUND, providers=(Provider(A[6], A[6]),), verifiers=(A[2],), quorum=1, kpis=SOUND.kpis[1:])
    raw = [bytes.fromhex(address[2:]) for address in A]
    deal = raw[0] + raw[1] + bytes([6]) + (1_000).to_bytes(5) + (2_000).to_bytes(5) + (2).to_bytes(2)
    deal += (1).to_bytes(3) + bytes([0]) + bytes([32, 1])
    # Even lengths of 1,000 seconds; 1,000 seconds of delay; 50 x 10^15.
    deal += raw[6] + (1_000).to_bytes(4) + b"\x03\xe8\x20" + bytes([50, 0x1F])
    rules = bytes([0, 1, 1, 1, 1]) + raw[5] + raw[2]
    # Bounds -5 to 5 and a stand-in -2, supplied by the client; 25 x 10^22.
    rules += bytes([32, 1, 5, 251, 254, 255]) + bytes([1, 22, 25])
    # 50 and 100 seconds; 1 x 10^12.
    rules += bytes([50, 0x10, 100, 0x10, 1, 0x1C])
    assert (len(deal) + 2).to_bytes(2) + deal + rules == plain.pack()


# --- laws -------------------------------------------------------------------------------------------------------------

money = st.integers(0, 2**104 - 1)
window = st.integers(1, 2**32 - 1)
shares = st.integers(0, ONE)


@st.composite
def kpis(draw: st.DrawFn, suppliers: int) -> Kpi:
    decimals = draw(st.integers(0, DECIMALS))
    digits = st.integers(-(2**191), 2**191 - 1) | st.integers(-300, 300)
    low, middle, high = sorted(draw(st.tuples(digits, digits, digits)))
    step = 10 ** (DECIMALS - decimals)
    supplier = draw(st.none() | st.integers(0, suppliers - 1))
    return Kpi(decimals, draw(st.booleans()), low * step, high * step, middle * step, supplier)


@st.composite
def schedules(draw: st.DrawFn) -> tuple[int, tuple[int, ...]]:
    unit = draw(st.sampled_from((1, 60, 3_600, DAY)))
    start = draw(st.integers(1, 2**31))
    if draw(st.booleans()):
        length = unit * draw(st.integers(1, 400))
        return start, tuple(start + length * at for at in range(1, draw(st.integers(1, 40)) + 1))
    gaps = draw(st.lists(st.integers(1, 400), min_size=1, max_size=40))
    return start, tuple(start + unit * sum(gaps[: at + 1]) for at in range(len(gaps)))


@st.composite
def all_arguments(draw: st.DrawFn) -> Arguments:
    slots = draw(st.integers(1, 3))
    start, ends = draw(schedules())
    providers = tuple(
        Provider(
            A[6 + at],
            draw(st.sampled_from((A[6 + at], A[12]))),
            draw(money | st.just(0)),
            draw(st.none() | st.just(A[9 + at])),
            draw(money | st.just(0)),
        )
        for at in range(slots)
    )
    return Arguments(
        client=A[0],
        token=draw(st.sampled_from((A[1], ZERO_ADDRESS))),
        unit_decimals=draw(st.integers(0, 18)),
        quorum=draw(st.integers(1, 3)),
        verifiers=(A[2], A[3], A[4]),
        arbitrator=A[5],
        providers=providers,
        kpis=tuple(draw(st.lists(kpis(slots), min_size=1, max_size=4))),
        parameters=tuple(draw(st.lists(st.integers(INT256_MIN, INT256_MAX) | st.integers(-9, 9).map(ONE.__mul__)))),
        activate_by=draw(st.integers(1, 2**40 - 1)),
        start=start,
        ends=ends,
        evidence_window=draw(window),
        default_window=draw(window),
        holdback_rate=draw(shares),
        holdback_delay=draw(window),
        reserve=draw(money),
        restates=draw(st.booleans()),
        challenge_window=draw(window | st.just(0)),
        ruling_window=draw(window | st.just(0)),
        chooses=draw(st.booleans()),
        stake_fixed=draw(money | st.just(0)),
        stake_share=draw(shares | st.just(0)),
        cure_window=draw(window | st.just(0)),
        notice=draw(window | st.just(0)),
        convenience=draw(st.frozensets(st.sampled_from(("client", "provider")))),
        streak=draw(st.integers(0, 255)),
    )


@CASES
@given(all_arguments())
def test_what_is_packed_is_read_back(arguments: Arguments) -> None:
    assert arguments == unpack_arguments(arguments.pack())


@CASES
@given(all_arguments(), st.data())
def test_bytes_that_say_the_same_in_another_form_or_not_at_all_are_refused(
    arguments: Arguments, data: st.DataObject
) -> None:
    """Cut, lengthened or altered bytes are refused, or they are other arguments in the one form."""
    packed = bytearray(arguments.pack())
    for _ in range(data.draw(st.integers(1, 3))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(packed)))
    for hostile in (bytes(packed), bytes(packed[:cut]), bytes(packed) + b"\0"):
        with contextlib.suppress(ProtocolError):
            assert hostile == unpack_arguments(hostile).pack()


@CASES
@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    with pytest.raises(ProtocolError, match="bad-arguments"):
        unpack_arguments(data)


@CASES
@given(st.integers(-(2**255), 2**255 - 1) | st.integers(-70_000, 70_000))
def test_a_number_takes_the_least_bytes_that_hold_it(number: int) -> None:
    width = width_of(number)
    assert number == int.from_bytes(signed_bytes(number, width), signed=True)
    if width > 1:
        with pytest.raises(OverflowError):
            signed_bytes(number, width - 1)
    assert (number == 0) == (width == 0)


# --- reports ----------------------------------------------------------------------------------------------------------


@CASES
@given(st.data())
def test_what_a_report_says_is_read_back(data: st.DataObject) -> None:
    rows = data.draw(st.lists(kpis(3), min_size=1, max_size=5))
    values = tuple(
        data.draw(st.just(MISSING) | st.integers(kpi.low // kpi.step, kpi.high // kpi.step).map(kpi.step.__mul__))
        for kpi in rows
    )
    said = Said(data.draw(st.binary(min_size=32, max_size=32)), data.draw(st.integers(0, 2**32 - 1)), values)
    packed = pack_said(said, rows)
    assert said == unpack_said(packed, rows)
    cut = data.draw(st.integers(0, len(packed) - 1))
    for hostile in (packed[:cut], packed + b"\0"):
        with pytest.raises(ProtocolError, match="bad-report"):
            unpack_said(hostile, rows)


@CASES
@given(st.data())
def test_what_a_report_that_settles_says_is_read_back(data: st.DataObject) -> None:
    rows = data.draw(st.lists(kpis(3), min_size=1, max_size=5))
    said = Said(bytes(32), 1, (MISSING,) * len(rows))
    amounts = tuple(data.draw(st.lists(st.integers(0, 2**112 - 1), max_size=4)))
    packed = pack_said(said, rows) + b"".join(amount.to_bytes(14) for amount in amounts)
    assert (said, amounts) == unpack_settled(packed, rows)
    with pytest.raises(ProtocolError, match="bad-report"):
        unpack_settled(packed + b"\0", rows)


def test_a_report_has_known_bytes() -> None:
    kpi = Kpi(4, True, -ONE, ONE, 0)
    values = (ONE, 0, -(10**14), MISSING)
    packed = pack_report(7, values, b"\x11" * 32, {2: b"\xbb" * 3, 0: b"\xaa" * 2}, (kpi,) * 4)
    said = b"\x11" * 32 + bytes([0, 0, 0, 5]) + bytes([2, 0x27, 0x10]) + bytes([0]) + bytes([1, 255]) + bytes([255])
    assert (7).to_bytes(2) + said + bytes([2, 0xAA, 0xAA, 3, 0xBB, 0xBB, 0xBB]) == packed


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("no-such-period", {"period": 2**16}),
        ("wrong-value-count", {"values": ()}),
        ("bad-value", {"values": (1,)}),
        ("bad-value", {"values": (2**255 * 10**14,)}),
        ("bad-verifier-order", {"signatures": {32: b""}}),
        ("bad-signature", {"signatures": {0: bytes(256)}}),
    ],
)
def test_what_a_report_cannot_say_is_refused(code: str, change: dict[str, object]) -> None:
    report: dict[str, object] = {
        "period": 1, "values": (0,), "evidence_digest": bytes(32), "signatures": {0: bytes(65)},
        "kpis": (Kpi(4, True, -ONE, ONE, 0),),
    }  # fmt: skip
    with pytest.raises(ProtocolError) as refused:
        pack_report(**(report | change))  # type: ignore[arg-type]
    assert code == refused.value.code


def test_a_value_of_more_bytes_than_a_word_is_no_report() -> None:
    with pytest.raises(ProtocolError, match="bad-report"):
        unpack_said(bytes(36) + bytes([33]) + bytes(33), (Kpi(0, True, 0, ONE, 0),))
