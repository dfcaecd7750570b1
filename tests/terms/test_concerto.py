"""The Concerto model of the terms, read by the Accord Project's own tool: agreements fit, other types do not."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from pyoutcome import Agreement
from pyoutcome.terms.concerto import NAMESPACE, write_instance, write_model
from tests.terms.test_schema import AGREEMENTS, EXAMPLES, changed, leaves

ROOT = Path(__file__).parents[2]
READER = Path(__file__).with_name("read_concerto.cjs")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("concerto") / "terms.cto"
    path.write_text(write_model(), encoding="utf-8")
    return path


@cache
def canonical(name: str) -> bytes:
    return Agreement.parse(AGREEMENTS[name]).canonical()


@cache
def instance(name: str) -> Any:
    return write_instance(canonical(name))


def read(model: Path, instances: Sequence[Any]) -> list[str | None]:
    """What the Accord Project's reader says of each: nothing, or why it is refused."""
    given = model.with_name("instances.json")
    given.write_text(json.dumps(list(instances)), encoding="utf-8")
    done = subprocess.run(
        ["node", READER, model, given],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    told: list[str | None] = json.loads(done.stdout)
    return told


def test_every_agreement_is_an_instance_and_says_again_what_it_says(model: Path) -> None:
    told = dict(zip(AGREEMENTS, read(model, [instance(name) for name in AGREEMENTS]), strict=True))
    assert {} == {name: refusal for name, refusal in told.items() if refusal is not None}
    assert EXAMPLES


def test_another_type_anywhere_is_refused(model: Path) -> None:
    """A number, a truth value, a list or a map for a text, in every place of every kind."""
    tried: list[tuple[str, Any, object]] = []
    spoiled: list[Any] = []
    for name in ("page", "whole", "measures", "prices", "credits", "grades", "shares"):
        for path in leaves(instance(name)):
            if path[-1] != "$class":
                value = (5, True, {"a": "b"})[len(tried) % 3]
                tried.append((name, path, value))
                spoiled.append(changed(instance(name), path, value))
    told = read(model, spoiled)
    assert [] == [place for place, refusal in zip(tried, told, strict=True) if refusal is None]


SPOILED: dict[str, tuple[tuple[str | int, ...], str]] = {
    "number with a needless zero": (("terms", 0, "value"), "12000.0"),
    "number with an exponent": (("terms", 0, "value"), "1e4"),
    "number with 19 decimals": (("terms", 0, "value"), "0.0000000000000000001"),
    "share above one": (("escrow", "holdback", "share"), "1.05"),
    "duration with a unit": (("escrow", "evidence_within"), "10 days"),
    "date": (("term", "first"), "1 January 2026"),
    "word of an enumeration": (("term", "every"), "fortnight"),
    "kind of another clause": (("clauses", 0, "kind"), "curve"),
    "class of another clause": (("clauses", 0, "$class"), f"{NAMESPACE}.CurveClause"),
    "unknown class": (("clauses", 0, "$class"), f"{NAMESPACE}.Curved"),
    "unknown key": (("token", "address"), "0x00"),
    "empty formula": (("clauses", 0, "amount"), ""),
    "another form": (("format",), "pyoutcome agreement 2"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", SPOILED)
def test_a_spoiled_instance_is_refused(mistake: str, model: Path) -> None:
    path, value = SPOILED[mistake]
    [refusal] = read(model, [changed(instance("page"), path, value)])
    assert refusal is not None


MAPS = {
    *(("Agreement", key) for key in ("records", "windows", "terms", "define", "state")),
    ("RecordSource", "columns"),
    ("Quality", "findings"),
    ("Convenience", "fee"),
}
"""Lists of entries that are maps in the canonical form, by class and field."""


def undone(data: Any, place: tuple[str, str] = ("", "")) -> Any:
    """The canonical form of an instance, by the rules that docs/schema.md gives."""
    if isinstance(data, dict):
        kind = data["$class"].removeprefix(f"{NAMESPACE}.")
        own = {name: undone(each, (kind, name)) for name, each in data.items() if name != "$class"}
        if own.keys() == {"first", "second"}:
            return [own["first"], own["second"]]
        if len(own) == 1 and own.keys() <= {"text", "part", "rows"}:
            return next(iter(own.values()))
        return own
    if isinstance(data, list):
        items = [undone(each) for each in data]
        if place in MAPS:
            return {each.pop("id"): each["value"] if each.keys() == {"value"} else each for each in items}
        return items
    return data


@pytest.mark.parametrize("name", AGREEMENTS)
def test_an_instance_says_what_is_signed(name: str) -> None:
    assert canonical(name) == rfc8785.dumps(undone(instance(name)))


def test_the_model_has_no_type_that_nothing_uses() -> None:
    model = write_model()
    declared = re.findall(r"^(?:scalar|enum|abstract concept|concept) (\w+)(?: extends (\w+))?", model, re.MULTILINE)
    used = {*re.findall(r"^  o (\w+)", model, re.MULTILINE)}
    assert {"Agreement"} == {name for name, parent in declared if name not in used and parent not in used}
