"""Every test that docs/threat-model.md names exists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")


def known() -> set[str]:
    """Names of all tests, of forge and of pytest."""
    found = {
        name
        for path in ROOT.glob("contracts/test/**/*.t.sol")
        for name in re.findall(r"function (test\w+)\(", path.read_text())
    }
    return found | {
        name for path in ROOT.glob("tests/**/test_*.py") for name in re.findall(r"def (test\w+)\(", path.read_text())
    }


def test_every_fault_that_others_had_has_its_tests_here() -> None:
    rows = re.search(r"## Faults that others had\n(.*?)\n## ", PAGE, re.DOTALL)
    assert rows is not None
    faults = [row.split("|") for row in rows[1].splitlines() if row.startswith("| ")][1:]

    assert 22 == len(faults)
    for fault in faults:
        assert re.findall(r"`test\w+`", fault[3]), fault[1]


def test_every_test_that_the_page_names_exists() -> None:
    assert set() == set(re.findall(r"`(test\w+)`", PAGE)) - known()
