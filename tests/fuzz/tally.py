"""What a differential search has seen: counted, so that nobody has to believe that a case was reached."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from pyoutcome.formula.layout import Op
from pyoutcome.formula.machine import RUN_ERRORS
from pyoutcome.formula.verify import Shape
from tests.contracts.runner import Answer, Job

FAULTS: Final = (
    "size", "version", "state", "payees", "line sign", "opcode", "immediate", "constant", "index", "set", "jump",
    "stack", "stack depth", "ending", "mode", "table", "header local",
)  # fmt: skip
"""From number 1 on, as docs/program-format.md numbers them."""


@dataclass
class Tally:
    """Counts of cases; a case is one program run on the values of one period."""

    cases: int = 0
    programs: int = 0
    refused: int = 0
    """Programs with a fault, refused by both verifiers."""
    sequential: int = 0
    """Programs that look back, run over several periods."""
    periods: int = 0
    """Cases among these."""
    errors: Counter[int] = field(default_factory=Counter)
    """Cases by number of their run-time error, 0 for none."""
    faults: Counter[int] = field(default_factory=Counter)
    """Refused programs by number of the fault that the contract names."""
    instructions: Counter[str] = field(default_factory=Counter)
    """Programs that ran to the end, by the instructions in them."""
    sources: Counter[str] = field(default_factory=Counter)
    """What the programs were made from."""
    mismatches: list[str] = field(default_factory=list)
    """What to look at: bytes, values and both results."""

    def add(self, other: Tally) -> None:
        """Count what another one has counted."""
        self.cases += other.cases
        self.programs += other.programs
        self.refused += other.refused
        self.sequential += other.sequential
        self.periods += other.periods
        self.errors.update(other.errors)
        self.faults.update(other.faults)
        self.instructions.update(other.instructions)
        self.sources.update(other.sources)
        self.mismatches += other.mismatches

    def saw(self, shape: Shape, answer: Answer) -> None:
        """Count a program that ran, whatever came of it."""
        self.programs += 1
        self.cases += len(answer.outcomes)
        self.errors.update(outcome.error for outcome in answer.outcomes)
        if shape.sequential:
            self.sequential += 1
            self.periods += len(answer.outcomes)
        if any(outcome.error == 0 for outcome in answer.outcomes):
            self.instructions.update({each.op.name for each in shape.instructions})

    def saw_refused(self, fault: int) -> None:
        """Count a program that was refused."""
        self.refused += 1
        self.faults[fault] += 1

    def differs(self, job: Job, what: str, expected: object, actual: object) -> None:
        """Keep a mismatch with all that is needed to see it again."""
        cases = "\n".join(f"    {case}" for case in job.cases)
        self.mismatches.append(
            f"{what}\n  program {job.program.hex()}\n  token decimals {job.unit_decimals}, cases\n{cases}\n"
            f"  expected {expected}\n  actual   {actual}"
        )

    def table(self) -> str:
        """All of it in rows."""
        errors = {number: code for code, number in RUN_ERRORS.items()}
        rows = [
            ("cases", f"{self.cases:,}"),
            ("programs run", f"{self.programs:,}"),
            *((f"  made from {name}", f"{count:,}") for name, count in sorted(self.sources.items())),
            ("sequential programs", f"{self.sequential:,}"),
            ("  periods run by them", f"{self.periods:,}"),
            *((f"error {at} {errors.get(at, 'none')}", f"{self.errors[at]:,}") for at in range(len(RUN_ERRORS) + 1)),
            ("programs refused by both", f"{self.refused:,}"),
            *((f"fault {at} {FAULTS[at - 1]}", f"{self.faults[at]:,}") for at in sorted(self.faults)),
            ("instructions reached", f"{len(self.instructions)} of {len(Op)}"),
            ("mismatches", str(len(self.mismatches))),
        ]
        missing = sorted({op.name for op in Op} - self.instructions.keys())
        if missing:
            rows.insert(-1, ("  not reached", " ".join(missing)))
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"{name:{width}}  {value:>9}" for name, value in rows)
