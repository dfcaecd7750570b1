"""The Python events and refusals are those of the Solidity interfaces, by name and field."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from pathlib import Path

import pytest

from pyoutcome.protocol import events
from pyoutcome.protocol.arguments import ABI_TYPE, Arguments, Kpi, Provider
from pyoutcome.protocol.events import Event

ROOT = Path(__file__).resolve().parents[2]
INTERFACES = [ROOT / "contracts/interfaces" / name for name in ("IOutcomeEscrow.sol", "IEscrowFactory.sol")]
SOURCE = "\n".join(path.read_text() for path in INTERFACES)
DECLARED = re.findall(r"^\s*event (\w+)\(([^)]*)\);", SOURCE, re.MULTILINE)
ERRORS = set(re.findall(r"^\s*error (\w+)\(", SOURCE, re.MULTILINE))
WITHOUT_CODE = {"BadVerifierSignature", "WrongValue", "TooLittleGas", "UnknownProgram", "BadProgram", "BadArguments"}
"""What the machine cannot meet: it works on verified signatures, arrived amounts and a program that is there."""

PYTHON_TYPES = {"address": "str", "bytes32": "bytes", "int256[]": "tuple[int, ...]"}


def snake(name: str) -> str:
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in name)


def test_there_are_events_to_compare() -> None:
    assert len(DECLARED) >= 20


@pytest.mark.parametrize(("name", "parameters"), DECLARED, ids=[name for name, _ in DECLARED])
def test_each_solidity_event_has_its_dataclass(name: str, parameters: str) -> None:
    words = [parameter.split() for parameter in parameters.split(",") if parameter.strip()]
    expected = [
        ("from_" if parts[-1] == "from" else snake(parts[-1]), PYTHON_TYPES.get(parts[0], "int")) for parts in words
    ]
    found = getattr(events, name)
    assert issubclass(found, Event)
    assert expected == [(field.name, field.type) for field in fields(found)]


def refusal_codes() -> set[str]:
    tree = ast.parse((ROOT / "pyoutcome/protocol/refusals.py").read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    named = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "ProtocolError"]
    return {call.args[0].value for call in named if isinstance(call.args[0], ast.Constant)}  # type: ignore[misc]


def test_each_solidity_error_has_its_code() -> None:
    codes = {snake(name).lstrip("_").replace("_", "-") for name in ERRORS - WITHOUT_CODE}
    assert set() == codes - refusal_codes()


def test_the_protocols_table_names_every_code() -> None:
    table = (ROOT / "docs/protocol.md").read_text()
    assert set() == {code for code in refusal_codes() if f"`{code}`" not in table}


def struct_types(name: str) -> list[str]:
    body = re.search(rf"struct {name} \{{(.*?)\n    \}}", SOURCE, re.DOTALL)
    assert body is not None
    return re.findall(r"^\s*(\w+(?:\[\])?) \w+;", body[1], re.MULTILINE)


def test_the_abi_type_is_that_of_the_solidity_struct() -> None:
    nested = {name: f"({','.join(struct_types(name))})" for name in ("Provider", "Kpi")}
    flat = [re.sub(r"^(Provider|Kpi)", lambda found: nested[found[0]], kind) for kind in struct_types("Arguments")]
    assert f"({','.join(flat)})" == ABI_TYPE


@pytest.mark.parametrize(("name", "python"), [("Provider", Provider), ("Kpi", Kpi), ("Arguments", Arguments)])
def test_the_fields_are_those_of_the_solidity_struct(name: str, python: type) -> None:
    body = re.search(rf"struct {name} \{{(.*?)\n    \}}", SOURCE, re.DOTALL)
    assert body is not None
    names = re.findall(r"^\s*\w+(?:\[\])? (\w+);", body[1], re.MULTILINE)
    assert [snake(found) for found in names] == [field.name for field in fields(python)]
