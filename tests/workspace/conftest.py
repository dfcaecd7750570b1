"""A workspace for the example agreement with a small, made-up year of flights: 20 a month and airline."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyoutcome.workspace import Workspace

ROOT = Path(__file__).parents[2]
AGREEMENT = ROOT / "examples" / "punctual-arrivals" / "agreement.yaml"
AIRLINES = ("UA", "B6", "EV")
HEADER = "year,month,day,carrier,flight,origin,dest,dep_time,arr_delay,time_hour"


def write_flights(path: Path) -> Path:
    """Made-up flights: airline k has k late ones and one cancelled one a month."""
    lines = [HEADER]
    for month in range(1, 13):
        for late, airline in enumerate(AIRLINES, 3):
            for day in range(1, 21):
                departed, delay = ("900", "20" if day <= late else "5") if day < 20 else ("NA", "NA")
                hour = f"2013-{month:02d}-{day:02d}T14:00:00Z"
                lines.append(f"2013,{month},{day},{airline},{100 + day},JFK,BOS,{departed},{delay},{hour}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def flights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_flights(tmp_path_factory.mktemp("records") / "flights.csv")


@pytest.fixture(scope="session")
def fresh_template(tmp_path_factory: pytest.TempPathFactory, flights: Path) -> Path:
    """A workspace in which nobody has signed."""
    folder = tmp_path_factory.mktemp("fresh") / "deal"
    Workspace.create(folder, AGREEMENT, records={"flights": flights}).close()
    return folder


@pytest.fixture(scope="session")
def active_template(tmp_path_factory: pytest.TempPathFactory, fresh_template: Path) -> Path:
    """Signed, deployed and funded; nothing measured."""
    folder = tmp_path_factory.mktemp("active") / "deal"
    shutil.copytree(fresh_template, folder)
    with Workspace.open(folder) as workspace:
        for party in ("client", *AIRLINES):
            workspace.sign(party)
        workspace.deploy()
        workspace.fund("18_720_000")
    return folder


@pytest.fixture(scope="session")
def verified_template(tmp_path_factory: pytest.TempPathFactory, active_template: Path) -> Path:
    """January measured, and verified by V1 and V3; the clock still before the agreement."""
    folder = tmp_path_factory.mktemp("verified") / "deal"
    shutil.copytree(active_template, folder)
    with Workspace.open(folder) as workspace:
        for airline in AIRLINES:
            workspace.measure(airline, [1])
        for verifier in ("V1", "V3"):
            workspace.verify(verifier, [1])
    return folder


def _copy(template: Path, tmp_path: Path) -> Iterator[Workspace]:
    folder = tmp_path / "deal"
    shutil.copytree(template, folder)
    with Workspace.open(folder) as workspace:
        yield workspace


@pytest.fixture
def fresh(fresh_template: Path, tmp_path: Path) -> Iterator[Workspace]:
    yield from _copy(fresh_template, tmp_path)


@pytest.fixture
def active(active_template: Path, tmp_path: Path) -> Iterator[Workspace]:
    yield from _copy(active_template, tmp_path)


@pytest.fixture
def verified(verified_template: Path, tmp_path: Path) -> Iterator[Workspace]:
    yield from _copy(verified_template, tmp_path)
