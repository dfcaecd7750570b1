"""Every state-changing function has a branch tree in contracts/test/trees, and every leaf a test that shows it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
TREES: Final = sorted(ROOT.glob("contracts/test/trees/*.tree"))
INTERFACES: Final = ("interfaces/IOutcomeEscrow.sol", "interfaces/IEscrowFactory.sol", "EscrowBatch.sol")
_FUNCTION: Final = re.compile(r"\n    function (\w+)\(([^)]*)\)([^;{]*)[;{]")
_CONDITION: Final = re.compile(r"[├└]── when (?P<when>\S.*)")
_LEAF: Final = re.compile(r"[│ ]   └── (?P<what>\S.*?)  (?P<test>test\w+)")


@dataclass(frozen=True)
class Leaf:
    """One case of a function: when it holds, what happens, and the test that shows it."""

    function: str
    when: str
    what: str
    test: str


def leaves(path: Path) -> list[Leaf]:
    """The leaves of a tree; its first line is the function, then conditions and outcomes take turns."""
    name, *lines = path.read_text().splitlines()
    found = []
    for first, second in zip(lines[::2], lines[1::2], strict=True):
        when, what = _CONDITION.fullmatch(first), _LEAF.fullmatch(second)
        assert when is not None, first
        assert what is not None, second
        found.append(Leaf(name, when["when"], what["what"], what["test"]))
    return found


def forge_tests() -> dict[str, str]:
    """Every forge test by its name, with the file it stands in."""
    found = {}
    for path in ROOT.glob("contracts/test/**/*.t.sol"):
        text = path.read_text()
        found.update(dict.fromkeys(re.findall(r"function (test\w+)\(", text), text))
    return found


def state_changing() -> set[str]:
    """Functions of the published interfaces that may change something."""
    found = set()
    for name in INTERFACES:
        for function, _, tail in _FUNCTION.findall((ROOT / "contracts" / name).read_text()):
            if "view" not in tail and "pure" not in tail and ("external" in tail or "public" in tail):
                found.add(function)
    return found


def test_every_state_changing_function_has_its_tree() -> None:
    assert state_changing() == {path.stem for path in TREES}
    assert {"deposit", "close", "createMany", "submitMany"} <= state_changing()


@pytest.mark.parametrize("path", TREES, ids=lambda path: path.stem)
def test_every_leaf_has_its_test(path: Path) -> None:
    known = forge_tests()
    found = leaves(path)

    assert found
    assert path.stem == found[0].function
    for leaf in found:
        assert leaf.test in known, leaf
        refusal = re.search(r"refuses.*: (\w+)$", leaf.what)
        assert refusal is None or refusal[1] in known[leaf.test], f"{leaf}: the test's file does not name the refusal"


def test_no_case_stands_twice() -> None:
    for path in TREES:
        cases = [(leaf.when, leaf.what) for leaf in leaves(path)]
        assert len(cases) == len(set(cases)), path
