"""What a period waits for: one pure decision, used by the keeper to act and by ``status`` to explain."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Need(StrEnum):
    """The next thing that has to happen to a period."""

    ACTIVATION = "activation"
    """The agreement is not active yet."""
    PERIOD_END = "period-end"
    """The period is still running on the chain's clock."""
    TURN = "turn"
    """An earlier period has to settle first: this agreement's periods depend on one another."""
    BUNDLES = "bundles"
    """A provider's evidence bundle is missing."""
    VERIFICATION = "verification"
    """Fewer verifiers than the quorum have signed."""
    REPORT = "report"
    """A quorum has signed; anyone can submit the report."""
    DEFAULT_WINDOW = "default-window"
    """A default is proposed; a report can still replace it."""
    CHALLENGE_WINDOW = "challenge-window"
    """It is reported, and can still be challenged."""
    SETTLE_DEFAULT = "settle-default"
    """The default's window is over; anyone can settle it."""
    SETTLE_REPORT = "settle-report"
    """The report's window is over; anyone can settle it."""
    DISPUTE = "dispute"
    """It was challenged and its window is over; anyone can open the dispute."""
    RULING = "ruling"
    """The arbitrator has to decide."""
    FALL_BACK = "fall-back"
    """The arbitrator was silent; anyone can have the report stand."""
    NOTHING = "nothing"
    """Settled, or left out by an early end."""


class At(StrEnum):
    """Where a period stands on chain."""

    OPEN = "open"
    DEFAULTED = "defaulted"
    REPORTED = "reported"
    DISPUTED = "disputed"
    SETTLED = "settled"
    ENDED = "ended"
    """The agreement was ended before it."""


@dataclass(frozen=True)
class PeriodFacts:
    """Everything the decision depends on."""

    number: int
    ends: int
    """Unix seconds, UTC."""
    now: int
    """The chain's clock."""
    active: bool
    stage: At
    until: int
    """End of the window of a report or default, or of the arbitrator's time; else 0."""
    challenged: bool
    """Somebody put another version beside the report or default."""
    waits_for: int | None
    """The earlier period that has to settle first; None if none has to."""
    evidence_due: int
    """From when anyone may propose the default."""
    bundles_missing: tuple[str, ...]
    """Providers without a stored bundle."""
    verified_by: tuple[str, ...]
    """Verifiers with a stored, signed report."""
    quorum: int


@dataclass(frozen=True)
class Decision:
    """What a period needs, why, and whether its default could be proposed."""

    number: int
    need: Need
    why: str
    overdue: bool

    def to_dict(self) -> dict[str, object]:
        """For machines."""
        return {"period": self.number, "needs": self.need.value, "why": self.why, "overdue": self.overdue}


def decide(facts: PeriodFacts) -> Decision:
    """The next thing this period needs; the same facts always give the same answer."""
    need, why = _need(facts)
    waiting = need in (Need.BUNDLES, Need.VERIFICATION, Need.REPORT)
    overdue = waiting and facts.stage is At.OPEN and facts.now >= facts.evidence_due
    if overdue:
        why += " The evidence is overdue: anyone may propose the default."
    return Decision(facts.number, need, why, overdue)


def _need(facts: PeriodFacts) -> tuple[Need, str]:
    if facts.stage is At.SETTLED:
        return Need.NOTHING, "Settled."
    if facts.stage is At.ENDED:
        return Need.NOTHING, "The agreement ends before this period."
    if not facts.active:
        return Need.ACTIVATION, "The agreement is not active yet."
    if facts.now < facts.ends:
        return Need.PERIOD_END, "The period has not ended on the chain's clock."
    if facts.waits_for is not None:
        return Need.TURN, f"Period {facts.waits_for} has to settle first."
    if facts.stage is At.DISPUTED:
        if facts.now < facts.until:
            return Need.RULING, "It is disputed; the arbitrator has to decide."
        return Need.FALL_BACK, "The arbitrator was silent; anyone can have the report stand."
    if facts.stage is not At.OPEN and facts.now >= facts.until:
        if facts.challenged:
            return Need.DISPUTE, "It was challenged; anyone can open the dispute, which pays what is undisputed."
        if facts.stage is At.REPORTED:
            return Need.SETTLE_REPORT, "Nobody challenged the report; anyone can settle it."
        return Need.SETTLE_DEFAULT, "The window for a report is over; anyone can settle the proposed default."
    if facts.stage is At.REPORTED:
        more = "It is challenged, and other versions" if facts.challenged else "It is reported, and other versions"
        return Need.CHALLENGE_WINDOW, f"{more} can still be put forward."
    return _evidence_need(facts)


def _evidence_need(facts: PeriodFacts) -> tuple[Need, str]:
    """What is missing for a report."""
    if len(facts.verified_by) >= facts.quorum:
        return Need.REPORT, f"Signed by {', '.join(facts.verified_by)}; anyone can submit the report."
    if facts.stage is At.DEFAULTED:
        return Need.DEFAULT_WINDOW, "A default is proposed; a verified report can still replace it."
    if facts.bundles_missing:
        return Need.BUNDLES, f"Waits for the evidence of {', '.join(facts.bundles_missing)}."
    return Need.VERIFICATION, f"Signed by {len(facts.verified_by)} of the {facts.quorum} verifiers needed."
