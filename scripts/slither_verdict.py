"""Say what slither found; fail on a high or medium finding, or if it looked at fewer contracts than there are.

python scripts/slither_verdict.py found.json slither.log
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Final

ROOT = Path(__file__).resolve().parent.parent
DECLARED = re.compile(r"^(?:abstract contract|contract|interface|library) (\w+)", re.MULTILINE)
ANALYSED = re.compile(r"analyzed \((\d+) contracts")


# What slither says and we leave: kind, how its first line begins, why. An entry that fits nothing fails.
EXPLAINED: Final = (
    ("incorrect-exp", "ProgramInstructions.execute.asm_0.quotient", "3 * z ^ 2 starts Newton's inverse: xor is meant"),
    ("incorrect-shift", "ProgramInstructions.execute(", "a mask of instructions, shifted by the instruction: meant"),
    (
        "divide-before-multiply",
        "ProgramInstructions.execute.asm_0.quotient",
        "the power of two in the divisor is divided out first: exact",
    ),
    ("msg-value-in-nonpayable", "EscrowMoney._", "shared by payable and other acts; where none comes it is 0"),
    ("uninitialized-state", "EscrowState._", "several contracts share one storage; another one of them writes it"),
    ("incorrect-equality", "Escrow", "compares identities, flags, hashes and counts, never a balance"),
    ("tautology", "ProgramVerifier.checkTable(", "only BANDS may have no row, and there n < 0 is meant to be false"),
    ("uninitialized-local", "Escrow", "begins as zero or empty: meant"),
    ("uninitialized-local", "OutcomeEscrow.", "structs of zeros, filled by the functions they are handed to"),
    ("uninitialized-local", "ProgramVerifier.", "begins as zero or empty: meant"),
    ("uninitialized-local", "SeenParts.fill(", "a list that is empty: meant"),
    ("unused-return", "EscrowHolders._hasSigned(", "the third value repeats what the second says"),
    ("unused-return", "EscrowPeriods._hasSignedAt(", "the third value repeats what the second says"),
    (
        "unused-return",
        "EscrowBatch.submitMany(",
        "what a refused report answers may be anything; only that it failed counts",
    ),
    ("unused-return", "Choices.caseOf(", "an adapter needs two of the four facts about a period"),
    ("unused-return", "EscrowFactory.", "the address is known before it is made"),
    ("unused-return", "PricedRows.request(", "keeps the room that was written just before: its place is known"),
    ("unused-return", "EscrowValues._standIn(", "looks at one KPI and needs no next place"),
    (
        "unused-return",
        "OutcomeEscrow._reportPlainly(",
        "the room lies behind the report copied just before: its place is known",
    ),
    (
        "unused-return",
        "DeployedTerms.locate(",
        "writes a length; what it returns is kept in the next line, computed once more",
    ),
    ("write-after-write", "ProgramInstructions.execute(", "slither does not see that assembly reads it in between"),
)


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
    used = {explanation(finding) for finding in grave} - {None}
    left = [finding for finding in grave if explanation(finding) is None]
    for finding in left:
        print(f"\n{finding['impact']} {finding['check']}: {finding['description']}")
    stale = [entry for at, entry in enumerate(EXPLAINED) if at not in used]
    for entry in stale:
        print(f"explains nothing any more: {entry}")
    print(f"{analysed} contracts analysed, at least {ours} of them ours")
    print(f"{len(grave)} high or medium findings, {len(grave) - len(left)} explained, {len(left)} left")
    if not found.get("success") or analysed < ours:
        print("slither did not look at everything")
        return 1
    return int(bool(left or stale))


def explanation(finding: dict[str, Any]) -> int | None:
    """Number of the entry that explains a finding, if one does."""
    for at, (check, start, _) in enumerate(EXPLAINED):
        if finding["check"] == check and finding["description"].startswith(start):
            return at
    return None


if __name__ == "__main__":
    sys.exit(main())
