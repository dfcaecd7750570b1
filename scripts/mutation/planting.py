"""Writes the contracts with all their breaks, and the tests beside them, to build/mutation."""

from __future__ import annotations

import re
import shutil

from mutation.breaks import ROOT, WORK, Source

# The shipped guard with a switch: the library's own modifier cannot be left out from outside. One modifier each,
# because an argument would take a place on a stack that is full.
GUARD = """
    error ReentrancyGuardReentrantCall();
    function _enterOnce() private {
        uint256 entered;
        assembly ("memory-safe") { entered := tload(0xc0ffee) tstore(0xc0ffee, 1) }
        if (entered != 0) revert ReentrancyGuardReentrantCall();
    }
    function _leaveAgain() private {
        assembly ("memory-safe") { tstore(0xc0ffee, 0) }
    }
"""
SWITCHED_GUARD = """
    modifier guardedBut%d() {
        if (block.prevrandao != %d) _enterOnce();
        _;
        if (block.prevrandao != %d) _leaveAgain();
    }
"""


def write(sources: list[Source]) -> None:
    """Writes the contracts with every break, and the tests, to build/mutation."""
    WORK.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(WORK / "contracts", ignore_errors=True)
    shutil.copytree(ROOT / "contracts", WORK / "contracts")
    shutil.rmtree(WORK / "contracts" / "test" / "invariants", ignore_errors=True)
    for name in ("node_modules", "scripts", ".venv"):
        if not (WORK / name).exists():
            (WORK / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "foundry.toml", WORK / "foundry.toml")
    shutil.copy(ROOT / "scripts" / "mutation" / "Breaks.t.sol", WORK / "contracts" / "test")
    numbered = list(enumerate((b for source in sources for b in source.breaks), start=1))
    for source in sources:
        content = source.render()
        if b", ReentrancyGuardTransient {" in content:
            # The contracts of the escrow share EscrowState's.
            own = [n for n, b in numbered if b.kind == "guard left out" and guard_of(b.contract) == source.path.stem]
            guards = GUARD + "".join(SWITCHED_GUARD % (n, n, n) for n in own)
            content = content.replace(b", ReentrancyGuardTransient {", b" {" + guards.encode())
        (WORK / source.path.relative_to(ROOT)).write_bytes(content)
    # A switch reads the block, which a pure function may not.
    for path in WORK.glob("contracts/**/*.sol"):
        path.write_text(re.sub(r"\bpure\b", "view", path.read_text()))


def guard_of(contract: str) -> str:
    """The contract that has the guard which this one uses."""
    return contract if contract.endswith("Adapter") else "EscrowState"
