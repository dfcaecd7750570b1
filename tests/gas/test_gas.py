"""What whole transactions cost: no more than was written down, and exactly where the profile says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pyoutcome.chain.artifact import load_artifact
from pyoutcome.chain.compiler import SETTINGS
from pyoutcome.formula import KpiShape
from tests.compiling import is_current
from tests.gas import snapshot
from tests.gas.anvil import fresh_anvil
from tests.gas.compiled import compiled
from tests.gas.figures import Figure, measure, profile_of, settlements
from tests.gas.floors import Floors
from tests.gas.packed import pack_report
from tests.gas.profile import own_costs
from tests.gas.scene import Stage

NOISE = 100
"""Addresses and signatures have a zero byte now and then, which costs 12 less: another build, other addresses."""
NAMES = sorted(snapshot.ASKED)


@pytest.fixture(scope="module")
def figures() -> dict[str, Figure]:
    with fresh_anvil() as anvil:
        return {figure.name: figure for figure in measure(Stage(anvil))}


def test_every_figure_is_measured_and_written_down(figures: dict[str, Figure]) -> None:
    assert NAMES == sorted(figures) == sorted(snapshot.read())


@pytest.mark.parametrize("name", NAMES)
def test_no_figure_rises(figures: dict[str, Figure], name: str) -> None:
    assert figures[name].gas <= snapshot.read()[name]["gas"] + NOISE


@pytest.mark.parametrize("name", NAMES)
def test_the_floor_is_below_and_as_written_down(figures: dict[str, Figure], name: str) -> None:
    assert figures[name].floor < figures[name].gas
    assert abs(figures[name].floor - snapshot.read()[name]["floor"]) <= NOISE


def test_a_profile_accounts_for_all_gas_and_finds_the_signatures() -> None:
    with fresh_anvil(traced=True) as anvil:
        stage = Stage(anvil)
        scorecard = next(one for one in settlements(stage, Floors(stage)) if one.name == "settle_scorecard")
        spent = profile_of(stage, scorecard)["submit"]

    assert scorecard.gas == sum(spent.values())
    assert 2 * 3_100 == spent["signatures"]
    assert 0 == spent.get("code deposit and refunds", 0)


def test_what_the_package_carries_is_measured_only_if_it_is_made_of_these_sources() -> None:
    carried = load_artifact("EscrowFactory")

    assert is_current(carried) is (carried == compiled()["EscrowFactory"])
    assert not is_current(replace(carried, source_hash="00" * 32))
    assert not is_current(replace(carried, settings=SETTINGS | {"viaIR": False}))
    assert not is_current(replace(carried, compiler="0.8.36+commit.8a079791"))


def test_a_call_costs_by_itself_what_its_callee_does_not() -> None:
    steps = [
        {"depth": 1, "gas": 1000, "gasCost": 3},
        {"depth": 1, "gas": 997, "gasCost": 800},
        {"depth": 2, "gas": 700, "gasCost": 5},
        {"depth": 2, "gas": 695, "gasCost": 2},
        {"depth": 1, "gas": 890, "gasCost": 0},
    ]

    assert [3, 100, 5, 2, 0] == own_costs(steps)


def test_values_take_as_few_bytes_as_their_digits_need() -> None:
    shares = [KpiShape(name, 0, 10**18, 4) for name in ("a", "b", "c", "d")]
    report = pack_report(
        258, b"\xee" * 32, shares, [0, 10**14, 127 * 10**14, 128 * 10**14], {1: b"\x05", 3: b"\x06\x07"}
    )

    said = "00" + "0101" + "017f" + "020080"
    assert "0102" + "ee" * 32 + "0000000a" + said + "0105" + "020607" == report.hex()
