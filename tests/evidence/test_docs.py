"""The page on evidence says what the code does: its example runs, and its lists are the code's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pyoutcome.evidence import Recomputation, make_bundle
from pyoutcome.evidence.bundles.bundle import BUNDLE_TYPE
from pyoutcome.evidence.engines.engine import Limits
from pyoutcome.evidence.sources import records
from pyoutcome.terms.agreement import Agreement
from tests.evidence.deal import ADDRESSES, KEYS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "evidence.md").read_text("utf-8")
HEADER = "year,month,day,carrier,flight,origin,dest,dep_time,arr_delay,time_hour\n"


def test_the_example_runs(arrivals: Agreement, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "flights.csv").write_text(HEADER + "2013,1,2,UA,7,EWR,IAH,900,14,2013-01-02T14:00:00Z\n")
    monkeypatch.chdir(tmp_path)
    january = Recomputation.read(arrivals, {"flights": Path("flights.csv")}).measured(1)
    names: dict[str, Any] = {
        "signer": KEYS["UA"],
        "addresses": ADDRESSES,
        "bundles": [make_bundle(arrivals, january, provider, KEYS[provider]) for provider in arrivals.providers],
    }
    [code] = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    exec(compile(code, "docs/evidence.md", "exec"), names)  # noqa: S102
    assert 10**18 == names["verified"].values[0]
    assert names["bundle"].values == names["bundles"][0].values


def test_limits_and_types_are_those_of_the_code() -> None:
    assert f"`{BUNDLE_TYPE}`" in PAGE
    limits = Limits()
    assert (2048, 600, 2) == (limits.memory_mib, limits.seconds, limits.threads)
    assert "ten minutes, 2 GiB, two threads (`Limits`)" in PAGE
    assert 1 << 20 == records.LONGEST_RECORD
    assert "over 1 MiB" in PAGE
