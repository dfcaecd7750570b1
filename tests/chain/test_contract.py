"""The carried interfaces: every error has words of ours, every event a class, every log is read or refused."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from pyoutcome.chain.artifact import load_artifact
from pyoutcome.chain.blocks import Log, Reverted
from pyoutcome.chain.contract import Contract, contract
from pyoutcome.chain.eventlog import event_class, field_name, locate
from pyoutcome.chain.parts import PARTS, read_immutables
from pyoutcome.chain.reverts import explain
from pyoutcome.errors import ChainError, ProtocolError, PyoutcomeError
from pyoutcome.protocol import events
from tests.chain.conftest import ROOT, refused

CONTRACTS = ("EscrowFactory", "EscrowBatch", "OutcomeEscrow")
FOLDED = {"Reported", "ReportedInFull", "SettledInFull"}
"""Events that stand for several of the protocol's, or say theirs in bytes; `unfold` reads them."""
ESCROW = contract("OutcomeEscrow", *PARTS)
ADDRESS = "0x" + "11" * 20
SAMPLES = {"address": ADDRESS, "bytes32": bytes(32), "bytes4": bytes(4), "string": "why", "int256": -1}


def errors_of(name: str) -> list[tuple[str, bytes, tuple[str, ...]]]:
    return [(form.name, selector, form.inputs) for selector, form in whole(name).errors.items()]


def whole(name: str) -> Contract:
    return ESCROW if name == "OutcomeEscrow" else contract(name)


def kebab(name: str) -> str:
    return "".join(f"-{sign.lower()}" if sign.isupper() else sign for sign in name).removeprefix("-")


DECLARED = list({error: None for name in CONTRACTS for error in errors_of(name)})
WRITTEN = {
    name
    for source in (ROOT / "contracts" / "interfaces").glob("*.sol")
    for name in re.findall(r"^ *error (\w+)\(", source.read_text(), re.MULTILINE)
}
"""The errors of our own interfaces; what OpenZeppelin's code declares besides cannot be reached."""
OWN = [error for error in DECLARED if error[0] in WRITTEN]
CODES = {"WrongValue": "wrong-coin-amount"}
"""Where the code is not the error's name."""


def test_the_contracts_declare_errors() -> None:
    assert 25 < len(OWN) == len(WRITTEN)


@pytest.mark.parametrize(("name", "selector", "inputs"), OWN, ids=[name for name, _, _ in OWN])
def test_every_error_of_the_contracts_has_words_and_keeps_its_values(
    name: str, selector: bytes, inputs: tuple[str, ...]
) -> None:
    values = [SAMPLES.get(kind, 1 + place) for place, kind in enumerate(inputs)]
    error = explain(Reverted(selector + encode(inputs, values)))
    assert isinstance(error, (ProtocolError, ChainError))
    assert CODES.get(name, kebab(name)) == error.code
    assert error.why.endswith(".")
    assert error.fix.endswith(".")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "call-refused"),
        (b"\x01", "call-refused"),
        (bytes(1000), "call-refused"),
        (keccak(text="NoQuorum(uint256,uint256)")[:4], "call-refused"),
        (keccak(text="NoQuorum(uint256,uint256)")[:4] + bytes(63), "call-refused"),
        (keccak(text="Error(string)")[:4] + encode(["string"], ["because"]), "call-refused"),
        (keccak(text="Error(string)")[:4] + encode(["uint256", "uint256"], [32, 2**255]), "call-refused"),
        (keccak(text="Panic(uint256)")[:4] + encode(["uint256"], [0x11]), "contract-panic"),
        (keccak(text="TooEarly(uint256)")[:4] + encode(["uint256"], [2**256 - 1]), "too-early"),
        (keccak(text="TooEarly(uint256)")[:4] + encode(["uint256"], [0]), "too-early"),
        (keccak(text="WrongStage(uint8)")[:4] + encode(["uint8"], [255]), "wrong-stage"),
    ],
)
def test_a_refusal_of_any_shape_is_explained(data: bytes, code: str) -> None:
    assert code == explain(Reverted(data)).code


@given(st.sampled_from([selector for _, selector, _ in DECLARED]) | st.binary(max_size=4), st.binary(max_size=200))
def test_no_refusal_breaks_out_of_our_errors(selector: bytes, rest: bytes) -> None:
    assert isinstance(explain(Reverted(selector + rest)), PyoutcomeError)


@pytest.mark.parametrize("name", CONTRACTS)
def test_every_event_of_the_contracts_has_a_class_with_the_same_fields(name: str) -> None:
    forms = [form for form in whole(name).events.values() if form.name not in {"EIP712DomainChanged", *FOLDED}]
    assert forms
    for form in forms:
        kind = event_class(form.name)
        assert kind is not None, form.name
        assert [field_name(part) for part in form.order] == [field.name for field in fields(kind)], form.name


def a_log(signature: str, *topics: bytes, data: bytes = b"") -> Log:
    return Log(ADDRESS, (keccak(text=signature), *topics), data, 7, 2, bytes(32), 1_000, bytes(32))


def test_a_log_becomes_an_event_with_its_place() -> None:
    values = encode(["int256[]", "uint8"], [[5, -6], 3])
    located = locate(a_log("Settled(uint256,int256[],uint8)", (9).to_bytes(32), data=values), ESCROW)
    assert events.Located(events.Settled(9, (5, -6), 3), 7, 2, bytes(32), 1_000) == located


@pytest.mark.parametrize(
    ("log", "code"),
    [
        (a_log("Transfer(address,address,uint256)", bytes(32), bytes(32), data=bytes(32)), "unknown-log"),
        (Log(ADDRESS, (), b"", 7, 2, bytes(32), 1_000, bytes(32)), "unknown-log"),
        (a_log("Closed(uint256)"), "bad-log"),
        (a_log("Closed(uint256)", bytes(32), data=bytes(32)), "bad-log"),
        (a_log("Paid(uint256,address,uint256)", bytes(32), b"\xff" * 32, data=bytes(32)), "bad-log"),
        (a_log("PayoutMoved(uint256,address)", bytes(32), data=b"\xff" * 32), "bad-log"),
        (a_log("PayoutMoved(uint256,address)", data=bytes(32)), "bad-log"),
    ],
)
def test_a_log_that_does_not_fit_is_refused_and_not_passed_over(log: Log, code: str) -> None:
    with refused(code):
        locate(log, ESCROW)


BOMB = (32).to_bytes(32) + (2**62).to_bytes(32) + bytes(32 * 12)
"""An encoding of a row with four quintillion words."""


@pytest.mark.parametrize("data", [b"", bytes(31), b"\xff" * 32, b"\xff" * 500, BOMB])
def test_an_answer_of_another_contract_is_recognised(data: bytes) -> None:
    with refused("not-our-contract"):
        ESCROW.decode("carriedState", data)


def test_only_the_places_of_fixed_values_may_differ() -> None:
    places = {"one": (3, 40), "two": (80,)}
    compiled = replace(load_artifact("EscrowBatch"), runtime=bytes(120), immutables=places)
    code = bytearray(compiled.runtime)
    first, second = bytes(range(32)), b"\x07" * 32
    code[3:35], code[40:72], code[80:112] = first, first, second
    assert {"one": first, "two": second} == read_immutables(bytes(code), compiled)
    for place in (0, 2, 35, 39, 40, 72, 79, 112, 119):
        altered = bytearray(code)
        altered[place] ^= 1
        assert read_immutables(bytes(altered), compiled) is None, place
    assert read_immutables(bytes(code) + b"\x00", compiled) is None
    assert read_immutables(b"", compiled) is None


def test_artifacts_are_plain_data() -> None:
    for name in (*CONTRACTS, "TestToken"):
        found = contract(name)
        assert found.functions
        assert json.dumps(sorted(found.functions))
