"""What the records of a scan look like from period to period, gathered while an engine holds them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyoutcome.evidence.engines.engine import Engine
from pyoutcome.evidence.findings import Finding
from pyoutcome.evidence.measures.plan import ScanPlan, SourcePlan
from pyoutcome.evidence.quality.drift import Presence, Words, find_missing, find_unseen, read_words
from pyoutcome.evidence.quality.plausibility import find_absent
from pyoutcome.evidence.quality.steadiness import Steadiness, find_gaps, read_steadiness
from pyoutcome.evidence.queries.building import Frame

if TYPE_CHECKING:
    from pyoutcome.terms.agreement import Agreement


@dataclass(frozen=True)
class Seen:
    """What one scan's records look like; what depends on their anchor only is shared by the scans that have it."""

    plan: SourcePlan
    scan: ScanPlan
    presence: Presence
    steadiness: Steadiness
    words: Sequence[Words]

    def findings(self, period: int) -> Iterator[Finding]:
        """What is remarkable in a period although nothing is wrong."""
        things = self.presence.things
        yield from find_absent(self.plan.name, self.scan.anchor.name, period, things.get(period, 0))
        yield from find_gaps(self.steadiness, period, things)
        yield from find_missing(self.presence, period)
        for words in self.words:
            yield from find_unseen(words, period)


def see(
    engine: Engine,
    agreement: Agreement,
    plan: SourcePlan,
    scan: ScanPlan,
    presence: Presence,
    before: Sequence[Seen],
) -> Seen:
    """Looks at a scan's records; ``before`` are the scans looked at already."""
    for each in before:
        if (each.plan.name, each.scan.anchor) == (plan.name, scan.anchor):
            return Seen(plan, scan, presence, each.steadiness, each.words)
    frame = Frame(engine.dialect, agreement.periods, agreement.providers)
    return Seen(
        plan,
        scan,
        presence,
        read_steadiness(engine, frame, plan, scan),
        read_words(engine, frame, plan, scan),
    )
