"""What each act may cost, and what it cost when it was last written down."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from tests.compiling import ROOT
from tests.gas.figures import Figure

SNAPSHOT: Final = ROOT / "docs" / "gas.json"
_BOUNDS: Final = {
    "settle_curve": (63_000, 58_000),
    "settle_scorecard": (81_000, 75_000),
    "settle_windowed": (108_000, 100_000),
    "settle_state12": (78_000, 74_000),
    "create": (212_000, 195_000),
    "create_shared": (182_000, 165_000),
    "batch_100_shared": (35_500, 32_000),
    "batch_100_distinct": (40_500, 37_000),
    "dispute": (190_000, 172_000),
}
ASKED: Final = {name: asked for name, (asked, _) in _BOUNDS.items()}
GOAL: Final = {name: goal for name, (_, goal) in _BOUNDS.items()}


def write(figures: Iterable[Figure]) -> None:
    rows = {figure.name: {"gas": figure.gas, "floor": figure.floor} for figure in figures}
    SNAPSHOT.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


def read() -> dict[str, dict[str, int]]:
    rows: dict[str, dict[str, int]] = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
    return rows
