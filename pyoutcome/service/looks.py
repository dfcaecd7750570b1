"""When to look at a period again: pure, from what it needs and what is known of it. Times as the facts have them."""

from __future__ import annotations

from pyoutcome.settlement.patience import LONGEST
from pyoutcome.settlement.plan import At, Decision, Need, PeriodFacts
from pyoutcome.settlement.standing import Look

_BY_CLOCK = {Need.CHALLENGE_WINDOW, Need.DEFAULT_WINDOW, Need.RULING}
_BY_EVENT = {Need.TURN, Need.ACTIVATION}


def look_again(decision: Decision, facts: PeriodFacts, again: int, warn: int, waits: str = "") -> Look:
    """The look that ended with this decision.

    ``again``: milliseconds after which something that others do is looked at; ``warn``: how many seconds before
    evidence is due somebody is told; ``waits``: what this keeper itself waits for.
    """
    why = f"{decision.why} {waits}".strip()
    need = decision.need
    if need is Need.NOTHING:
        return Look(need.value, why, LONGEST, done=True)
    if need is Need.PERIOD_END:
        return Look(need.value, why, LONGEST, chain_due=facts.ends)
    if need in _BY_CLOCK:
        return Look(need.value, why, again if need is Need.DEFAULT_WINDOW else LONGEST, chain_due=facts.until)
    if need in _BY_EVENT:
        return Look(need.value, why, again)
    return Look(need.value, why, again, chain_due=_next_moment(facts, warn))


def _next_moment(facts: PeriodFacts, warn: int) -> int | None:
    """The next moment at which something is to be told or changes by the clock alone, while evidence is awaited."""
    moments = [facts.until] if facts.stage is At.DEFAULTED else [facts.evidence_due - warn, facts.evidence_due]
    return next((moment for moment in moments if moment > facts.now), None)
