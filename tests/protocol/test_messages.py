"""Digests equal those of eth_account's own EIP-712 encoder; signatures have one form only."""

from __future__ import annotations

from dataclasses import fields

import pytest
from eth_abi.abi import encode
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_keys.constants import SECPK1_N
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from pyoutcome.errors import ProtocolError
from pyoutcome.protocol import messages
from pyoutcome.protocol.messages import MISSING, Message, Report, Terms, domain, signer_of

FACTORY = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
ESCROW = "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512"
DOMAIN = domain(31337, FACTORY)
KEY = Account.from_key("0x" + "11" * 32)

address = st.binary(min_size=20, max_size=20).map(lambda raw: Account.from_key(keccak(raw)).address)
SAMPLES = {
    "address": address,
    "bytes32": st.binary(min_size=32, max_size=32),
    "uint8": st.integers(0, 2**8 - 1),
    "uint32": st.integers(0, 2**32 - 1),
    "uint40": st.integers(0, 2**40 - 1),
    "uint256": st.integers(0, 2**256 - 1),
    "int256[]": st.lists(st.integers(MISSING, 2**255 - 1), max_size=5).map(tuple),
    "uint8[]": st.lists(st.integers(0, 255), max_size=5).map(tuple),
}


def struct_fields(message_class: type[Message]) -> list[tuple[str, str]]:
    inside = message_class.TYPE.split("(")[1].rstrip(")")
    return [(kind, name) for kind, name in (field.split(" ") for field in inside.split(","))]


ALL_MESSAGES = sorted(Message.__subclasses__(), key=lambda found: found.__name__)


@pytest.mark.parametrize("message_class", ALL_MESSAGES, ids=lambda found: found.__name__)
def test_each_type_text_names_its_class_and_fields_in_order(message_class: type[Message]) -> None:
    snake = ["".join("_" + c.lower() if c.isupper() else c for c in name) for _, name in struct_fields(message_class)]
    assert message_class.TYPE.split("(")[0] == message_class.__name__
    assert snake == [field.name for field in fields(message_class)]


@pytest.mark.parametrize("message_class", ALL_MESSAGES, ids=lambda found: found.__name__)
@given(data=st.data(), chain_id=st.integers(1, 2**64))
def test_digest_equals_eth_account(message_class: type[Message], data: st.DataObject, chain_id: int) -> None:
    kinds = struct_fields(message_class)
    values = [data.draw(SAMPLES[kind]) for kind, _ in kinds]
    theirs = encode_typed_data(
        domain_data={"name": "pyoutcome", "version": "1", "chainId": chain_id, "verifyingContract": FACTORY},
        message_types={message_class.__name__: [{"name": name, "type": kind} for kind, name in kinds]},
        message_data={name: list(v) if isinstance(v, tuple) else v for (_, name), v in zip(kinds, values, strict=True)},
    )
    expected = keccak(b"\x19" + theirs.version + theirs.header + theirs.body)
    assert expected == message_class(*values).digest(domain(chain_id, FACTORY))


def test_domain_separator_by_hand() -> None:
    type_hash = keccak(text="EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
    words = encode(
        ["bytes32", "bytes32", "bytes32", "uint256", "address"],
        [type_hash, keccak(text="pyoutcome"), keccak(text="1"), 31337, FACTORY],
    )
    assert keccak(words) == DOMAIN.separator()


def test_signature_recovers_to_its_signer() -> None:
    digest = Terms(b"\1" * 32, b"\2" * 32, b"\3" * 32, 0).digest(DOMAIN)
    signature = bytes(KEY.unsafe_sign_hash(digest).signature)
    assert KEY.address == signer_of(digest, signature)


def test_a_report_for_another_period_escrow_or_chain_recovers_to_someone_else() -> None:
    report = Report(ESCROW, b"\4" * 32, 1, 0, (5, MISSING), b"\5" * 32)
    signature = bytes(KEY.unsafe_sign_hash(report.digest(DOMAIN)).signature)
    others = [
        Report(ESCROW, b"\4" * 32, 2, 0, (5, MISSING), b"\5" * 32).digest(DOMAIN),
        Report(FACTORY, b"\4" * 32, 1, 0, (5, MISSING), b"\5" * 32).digest(DOMAIN),
        report.digest(domain(1, FACTORY)),
        report.digest(domain(31337, ESCROW)),
    ]
    assert all(signer_of(other, signature) != KEY.address for other in others)


def test_the_second_form_of_a_signature_is_refused() -> None:
    digest = keccak(b"anything")
    signature = bytes(KEY.unsafe_sign_hash(digest).signature)
    high_s = (SECPK1_N - int.from_bytes(signature[32:64])).to_bytes(32)
    twin = signature[:32] + high_s + bytes([55 - signature[64]])
    with pytest.raises(ProtocolError, match="upper half") as refused:
        signer_of(digest, twin)
    assert "bad-signature" == refused.value.code


@pytest.mark.parametrize(
    "signature", [b"", b"\1" * 64, b"\0" * 65, b"\1" * 64 + b"\0", b"\0" * 64 + b"\x1b", b"\xff" * 64 + b"\x1b"]
)
def test_malformed_signatures_are_refused(signature: bytes) -> None:
    with pytest.raises(ProtocolError) as refused:
        signer_of(keccak(b"anything"), signature)
    assert "bad-signature" == refused.value.code


def test_the_missing_mark_is_the_least_int256() -> None:
    assert -(2**255) == messages.MISSING
