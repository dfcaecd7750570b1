"""What InterpreterGas.t.sol measures is what pyoutcome compiles from ordinary agreement files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

import pytest

from pyoutcome.decimals import parse
from pyoutcome.formula import evaluate
from pyoutcome.terms import Agreement
from tests.compiling import ROOT

AGREEMENTS: Final = Path(__file__).parent / "gas"
MEASUREMENT: Final = ROOT / "contracts" / "test" / "InterpreterGas.t.sol"
SNAPSHOT: Final = ROOT / "contracts" / "test" / "gas.json"
RULES: Final = sorted(path.stem for path in AGREEMENTS.glob("*.yaml"))


def load(name: str) -> Agreement:
    return Agreement.load(AGREEMENTS / f"{name}.yaml")


def measured_programs() -> dict[str, bytes]:
    """The byte constants of the measurement, by name."""
    constants = re.findall(r"bytes private constant (\w+) =(.*?);", MEASUREMENT.read_text(encoding="utf-8"), re.DOTALL)
    return {name.lower(): bytes.fromhex("".join(re.findall(r'hex"([0-9a-f]*)"', text))) for name, text in constants}


def test_every_measured_program_is_compiled_from_its_agreement() -> None:
    assert {name: load(name).program().data for name in RULES} == measured_programs()


def test_the_snapshot_has_every_rule_but_the_one_the_others_are_compared_with() -> None:
    assert set(RULES) - {"constant"} == set(json.loads(SNAPSHOT.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", ["scorecard", "scorecard_on_stack"])
def test_the_scorecard_is_three_curves_of_four_points_times_a_fee(name: str) -> None:
    """Constant points in CURVEC (0x49), and pushed ones in CURVE (0x41)."""
    agreement = load(name)
    table = b"\x49\x04" if name == "scorecard" else b"\x41\x04"

    assert 3 == len(agreement.kpis)
    assert 3 == agreement.program().data.count(table)
    values = tuple(parse(text) for text in ("93%", "99.7%", "700"))
    assert (parse("216875") if name == "scorecard" else parse("218750"),) == evaluate(agreement.rule(), values).amounts
