"""Moving periods on: from records to settled, each step only if the chain and the files say it is still needed.

The keeper remembers nothing. It decides from what is on chain and in the files, acts, and decides again; killed
anywhere and started anew, it goes on from there, and a settled period is never touched.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from pyoutcome.errors import PyoutcomeError
from pyoutcome.settlement.plan import Decision, Need, PeriodFacts, decide
from pyoutcome.settlement.progress import Progress


class Desk(Protocol):
    """What the keeper acts through."""

    def facts(self, period: int) -> PeriodFacts:
        """Everything known about a period now."""
        ...

    def wait_until(self, timestamp: int) -> bool:
        """Lets the chain's clock reach a time if that is in anyone's power; False if not."""
        ...

    def measure(self, period: int) -> None:
        """Makes the missing bundles of the providers whose keys are here."""
        ...

    def verify(self, period: int) -> None:
        """Makes the missing reports of the verifiers whose keys are here."""
        ...

    def report(self, period: int) -> str:
        """Submits the verified report; the transaction's hash."""
        ...

    def settle(self, period: int) -> str:
        """Settles the report or default that nobody challenged; the transaction's hash."""
        ...

    def open_dispute(self, period: int) -> str:
        """Opens the dispute of a challenged period; the transaction's hash."""
        ...

    def fall_back(self, period: int) -> str:
        """Has the report stand, since the arbitrator was silent; the transaction's hash."""
        ...


@dataclass(frozen=True)
class Outcome:
    """Where the keeper left a period."""

    decision: Decision
    """What it needs now, and why."""
    transaction: str | None
    """The last transaction with which this run moved it on; None if this run did not."""
    error: PyoutcomeError | None
    """What stopped it, if anything did; the other periods went on."""

    def to_dict(self) -> dict[str, object]:
        """For machines."""
        error = self.error
        return {
            **self.decision.to_dict(),
            "transaction": self.transaction,
            "error": error and {"code": error.code, "why": error.why, "fix": error.fix},
        }


def keep(desk: Desk, periods: Iterable[int], progress: Progress) -> list[Outcome]:
    """Moves each period as far as it can go now, in order; a period that fails does not stop the others."""
    numbers = list(periods)
    outcomes = []
    for done, number in enumerate(numbers):
        progress(f"period {number}", done, len(numbers))
        outcomes.append(_keep_one(desk, number))
    return outcomes


def _keep_one(desk: Desk, period: int) -> Outcome:
    decision = decide(desk.facts(period))
    transaction: str | None = None
    tried: set[Need] = set()
    # Every need is met at most once per run: what is still needed after that is somebody else's to do.
    while decision.need is not Need.NOTHING and decision.need not in tried:
        tried.add(decision.need)
        try:
            moved, done = _act(desk, decision.need, period)
            transaction = done or transaction
        except PyoutcomeError as error:
            # Somebody else may have settled the period meanwhile; then nothing is wrong.
            decision = decide(desk.facts(period))
            return Outcome(decision, transaction, None if decision.need is Need.NOTHING else error)
        if not moved:
            break
        decision = decide(desk.facts(period))
    return Outcome(decision, transaction, None)


def _act(desk: Desk, need: Need, period: int) -> tuple[bool, str | None]:
    """Does what a period needs: whether anything could be done, and the transaction that settled it."""
    match need:
        case Need.PERIOD_END:
            return desk.wait_until(desk.facts(period).ends), None
        case Need.BUNDLES:
            desk.measure(period)
        case Need.VERIFICATION:
            desk.verify(period)
        case Need.REPORT:
            return True, desk.report(period)
        case Need.SETTLE_DEFAULT | Need.SETTLE_REPORT:
            return True, desk.settle(period)
        case Need.CHALLENGE_WINDOW:
            return desk.wait_until(desk.facts(period).until), None
        case Need.DISPUTE:
            return True, desk.open_dispute(period)
        case Need.FALL_BACK:
            return True, desk.fall_back(period)
        case _:
            return False, None
    return True, None
