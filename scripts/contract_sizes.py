"""Sizes of the contracts as they are shipped, and how far each is from what a chain accepts (EIP-170 and EIP-3860)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUNTIME_LIMIT = 24_576
CREATION_LIMIT = 49_152


def main() -> int:
    """Prints a row per deployable contract; 1 if one is too large, or if none was measured."""
    paths = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("contracts/*.sol"))
    forge = ROOT / "node_modules" / ".bin" / "forge"
    run = subprocess.run(  # noqa: S603
        [forge, "build", "--sizes", "--json", *paths], cwd=ROOT, capture_output=True, text=True, check=False
    )
    try:
        sizes = json.loads(run.stdout)
    except json.JSONDecodeError:
        sys.exit(f"no sizes:\n{run.stdout[-2000:]}\n{run.stderr[-2000:]}")
    ours = {Path(path).stem for path in paths}
    rows = {name: size for name, size in sorted(sizes.items()) if name in ours and size["runtime_size"] > 100}
    print(f"{'contract':24} {'code':>7} {'margin':>7} {'creation':>9} {'margin':>7}")
    too_large = []
    for name, size in rows.items():
        code, creation = size["runtime_size"], size["init_size"]
        print(f"{name:24} {code:7} {RUNTIME_LIMIT - code:7} {creation:9} {CREATION_LIMIT - creation:7}")
        if code > RUNTIME_LIMIT or creation > CREATION_LIMIT:
            too_large.append(name)
    for name in too_large:
        print(f"too large: {name}")
    return int(bool(too_large) or "OutcomeEscrow" not in rows)


if __name__ == "__main__":
    sys.exit(main())
