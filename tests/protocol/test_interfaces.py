"""The Python events, refusals and signed structs are those of the Solidity interfaces, by name and field."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from pathlib import Path

import pytest

from pyoutcome.protocol import events, messages
from pyoutcome.protocol.eip712 import DOMAIN_TYPE
from pyoutcome.protocol.events import Event
from pyoutcome.protocol.messages import Message
from pyoutcome.protocol.state import PeriodStage, Stage

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = ROOT / "contracts"
SOURCE = "\n".join(path.read_text() for path in sorted((CONTRACTS / "interfaces").glob("I*.sol")))
DECLARED = re.findall(r"^\s*event (\w+)\(([^)]*)\);", SOURCE, re.MULTILINE)
ERRORS = set(re.findall(r"^\s*error (\w+)\(", SOURCE, re.MULTILINE))
WITHOUT_CODE = {
    "BadVerifierSignature", "WrongValue", "TooLittleGas", "UnknownProgram", "BadProgram", "BadArguments",
    "OtherTerms", "BadReport", "OtherVersions", "TooMuch", "NoSuchFunction",
}  # fmt: skip
"""What the machine cannot meet: it works on verified signatures, arrived amounts, a program that is there, versions it
remembers itself and numbers without a limit."""
FOLDED = {"Reported", "ReportedInFull", "SettledInFull"}
"""What the escrow says in bytes, or in one event for several; the chain's client unfolds it."""
PYTHON_TYPES = {"address": "str", "bytes32": "bytes", "int256[]": "tuple[int, ...]"}


def snake(name: str) -> str:
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in name)


def test_there_are_events_to_compare() -> None:
    names = {name for name, _ in DECLARED}
    assert len(names) >= 45
    assert names > FOLDED


@pytest.mark.parametrize(
    ("name", "parameters"),
    [pytest.param(name, parameters, id=name) for name, parameters in DECLARED if name not in FOLDED],
)
def test_each_solidity_event_has_its_dataclass(name: str, parameters: str) -> None:
    words = [parameter.split() for parameter in parameters.split(",") if parameter.strip()]
    expected = [
        ("from_" if parts[-1] == "from" else snake(parts[-1]), PYTHON_TYPES.get(parts[0], "int")) for parts in words
    ]
    found = getattr(events, name)
    assert issubclass(found, Event)
    assert expected == [(field.name, field.type) for field in fields(found)]


def test_each_dataclass_is_an_event_that_a_contract_declares() -> None:
    batch = re.findall(r"^\s*event (\w+)\(", (CONTRACTS / "EscrowBatch.sol").read_text(), re.MULTILINE)
    declared = {name for name, _ in DECLARED} | set(batch) | {"Reported"}
    own = {name for name, kind in vars(events).items() if isinstance(kind, type) and issubclass(kind, Event)}
    assert set() == own - {"Event"} - declared


def enum(name: str) -> list[str]:
    body = re.search(rf"enum {name} \{{(.*?)\}}", SOURCE, re.DOTALL)
    assert body is not None
    return re.findall(r"\w+", body[1])


def test_stages_and_causes_have_solidity_s_numbers() -> None:
    assert [stage.name for stage in Stage] == [name.upper() for name in enum("Stage")]
    assert [stage.name for stage in PeriodStage] == [name.upper() for name in enum("PeriodStage")]
    assert [(cause.name, cause.value) for cause in events.Cause] == [
        (name.upper(), at) for at, name in enumerate(enum("Cause"))
    ]


def refusal_codes() -> set[str]:
    tree = ast.parse((ROOT / "pyoutcome/protocol/refusals.py").read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    named = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "ProtocolError"]
    return {call.args[0].value for call in named if isinstance(call.args[0], ast.Constant)}  # type: ignore[misc]


def test_each_solidity_error_has_its_code_and_each_code_its_error() -> None:
    codes = {snake(name).lstrip("_").replace("_", "-") for name in ERRORS - WITHOUT_CODE}
    assert codes == refusal_codes()
    assert ERRORS >= WITHOUT_CODE


def test_the_protocols_table_names_every_code() -> None:
    table = (ROOT / "docs/protocol.md").read_text()
    assert set() == {code for code in refusal_codes() if f"`{code}`" not in table}


def test_each_signed_struct_has_solidity_s_type() -> None:
    source = (CONTRACTS / "Messages.sol").read_text()
    theirs = set(re.findall(r'"(\w+\([^"]*\))"', source)) - {DOMAIN_TYPE}
    ours = {kind.TYPE for kind in vars(messages).values() if isinstance(kind, type) and issubclass(kind, Message)}
    assert theirs == ours - {""}
    assert len(theirs) == 9
