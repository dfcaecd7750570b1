"""What is to happen in a run of chaos, and what is counted after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

FAULTS = ("kills", "rpc", "reorg", "evidence", "disk", "clock")


@dataclass(frozen=True)
class Plan:
    """What is to happen."""

    agreements: int = 20
    periods: int = 12
    kills: int = 300
    seed: int = 0
    keepers: int = 1
    """How many share the database; while one is killed, the others go on."""
    faults: tuple[str, ...] = FAULTS
    database: str = "keeper.sqlite"
    life: float = 1.5
    """Seconds that most keepers live at most; the others two to four times as long."""


@dataclass(frozen=True)
class Counts:
    """What there is after the chaos."""

    agreements: int
    periods: int
    """Of all agreements."""
    kills: int
    settled: int
    """Periods that the chain says settled."""
    repeated: int
    """Settlements of a period that had settled."""
    transactions: int
    """Of the paying account since the deals were made."""
    differences: int
    """That the audits of all agreements found."""
    book_differences: int
    """Between the keeper's postings and the tokens that the chain says each escrow has."""
    index_differences: int
    """Rows of the keeper's index, gone through all this, that a fresh index has not, and the reverse."""
    undone: int
    """Periods that the keeper does not know to be done."""
    lost: int
    """Files that were sent as they had to be, and are not in the workspace."""
    strange: int
    """Files in the workspace that are not as they were sent."""
    ended: int
    """Keepers that ended by themselves, because their database could not be opened on a full disk, say. Not wrong."""
    unexpected: int
    """Faults of the program that the keepers' logs tell of."""
    seconds: int
    faults: Mapping[str, int] = field(default_factory=dict)
    """How often what happened."""

    @property
    def is_right(self) -> bool:
        """Whether every period settled exactly once, books equal chain, and nothing was lost."""
        wrong = (self.repeated, self.differences, self.book_differences, self.index_differences, self.undone)
        return self.settled == self.periods and not any((*wrong, self.lost, self.strange, self.unexpected))


def show(counts: Counts) -> None:
    """Prints the counts for people."""
    told = asdict(counts)
    faults: Mapping[str, int] = told.pop("faults")
    width = max(len(name) for name in (*told, *faults)) + 2
    for name, count in (*faults.items(), *told.items()):
        print(f"{name.replace('_', ' '):<{width}}{count:>8}")
    right = "every period settled exactly once, books equal chain, nothing lost"
    print(right if counts.is_right else "WRONG: see the counts")
