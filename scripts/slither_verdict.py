"""Say what slither found; fail on a high or medium finding, or if it looked at fewer contracts than there are.

python scripts/slither_verdict.py found.json slither.log
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DECLARED = re.compile(r"^(?:abstract contract|contract|interface|library) (\w+)", re.MULTILINE)
ANALYSED = re.compile(r"analyzed \((\d+) contracts")


def declared() -> int:
    """Contracts, interfaces and libraries of the project's own production files."""
    files = [path for path in ROOT.glob("contracts/**/*.sol") if "test" not in path.parts]
    return sum(len(DECLARED.findall(path.read_text())) for path in files)


def main() -> int:
    """Prints a count per kind of finding and every grave one in full."""
    found = json.loads(Path(sys.argv[1]).read_text())
    log = Path(sys.argv[2]).read_text()
    counted = ANALYSED.search(log)
    analysed = int(counted.group(1)) if counted else 0
    ours = declared()
    findings = found.get("results", {}).get("detectors", [])
    kinds = Counter((finding["impact"], finding["check"]) for finding in findings)
    for (impact, check), count in sorted(kinds.items()):
        print(f"{impact:14} {check:32} {count:4}")
    grave = [finding for finding in findings if finding["impact"] in ("High", "Medium")]
    for finding in grave:
        print(f"\n{finding['impact']} {finding['check']}: {finding['description']}")
    print(f"{analysed} contracts analysed, at least {ours} of them ours; {len(grave)} high or medium findings")
    if not found.get("success") or analysed < ours:
        print("slither did not look at everything")
        return 1
    return int(bool(grave))


if __name__ == "__main__":
    sys.exit(main())
