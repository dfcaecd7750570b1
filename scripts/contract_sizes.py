"""Sizes of the contracts as they are shipped, and how far each is from what a chain accepts (EIP-170 and EIP-3860)."""

from __future__ import annotations

import json
import sys
from pathlib import Path

ARTIFACTS = Path(__file__).resolve().parent.parent / "pyoutcome" / "chain" / "artifacts"
RUNTIME_LIMIT = 24_576
CREATION_LIMIT = 49_152


def main() -> int:
    """Prints a row per shipped contract; 1 if one is too large, or if none was measured."""
    print(f"{'contract':24} {'code':>7} {'margin':>7} {'creation':>9} {'margin':>7}")
    names, too_large = [], []
    for path in sorted(ARTIFACTS.glob("*.json")):
        artifact = json.loads(path.read_text())
        code, creation = (len(artifact[part].removeprefix("0x")) // 2 for part in ("runtime", "creation"))
        print(f"{path.stem:24} {code:7} {RUNTIME_LIMIT - code:7} {creation:9} {CREATION_LIMIT - creation:7}")
        names.append(path.stem)
        if code > RUNTIME_LIMIT or creation > CREATION_LIMIT:
            too_large.append(path.stem)
    for name in too_large:
        print(f"too large: {name}")
    return int(bool(too_large) or "OutcomeEscrow" not in names)


if __name__ == "__main__":
    sys.exit(main())
