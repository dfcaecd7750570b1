"""Say what of the production contracts the forge tests reach; fail below 100 % of lines or 95 % of branches.

python scripts/contract_coverage.py build/lcov.info
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

LINES = 100
BRANCHES = 95


def main() -> int:
    """Prints a row per contract and every place that no test reaches."""
    counts: dict[str, Counter[str]] = {}
    missed: list[str] = []
    name = ""
    for row in Path(sys.argv[1]).read_text().splitlines():
        key, _, rest = row.partition(":")
        if key == "SF":
            name = rest
            continue
        if key not in ("DA", "BRDA") or "/test/" in name or "node_modules" in name:
            continue
        cells = rest.split(",")
        reached = cells[3 if key == "BRDA" else 1] not in ("0", "-")
        count = counts.setdefault(name, Counter())
        count[key] += 1
        count[key + " reached"] += reached
        if not reached:
            missed.append(f"{'branch' if key == 'BRDA' else 'line':6} {name}:{cells[0]}")
    total = sum(counts.values(), Counter())
    print(f"{'contract':45} {'lines':>12} {'branches':>12}")
    for name, count in [*sorted(counts.items()), ("all", total)]:
        cells = [f"{count[f'{key} reached']}/{count[key]}" for key in ("DA", "BRDA")]
        print(f"{name:45} {cells[0]:>12} {cells[1]:>12}")
    for place in missed:
        print(place)
    enough = (
        100 * total["DA reached"] >= LINES * total["DA"] and 100 * total["BRDA reached"] >= BRANCHES * total["BRDA"]
    )
    lines, branches = (100 * total[f"{key} reached"] / max(total[key], 1) for key in ("DA", "BRDA"))
    print(f"{len(counts)} contracts, {lines:.2f} % of lines, {branches:.2f} % of branches")
    return int(not (enough and len(counts) > 20))


if __name__ == "__main__":
    sys.exit(main())
