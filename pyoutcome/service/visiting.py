"""A look at one agreement: what its due periods need, what is done about it at once, and what it wants handed in."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pyoutcome.chain.inflight import LIVE, InFlight, State
from pyoutcome.errors import PyoutcomeError, SettlementError
from pyoutcome.service import alerts
from pyoutcome.service.caretaking import look_at_agreement
from pyoutcome.service.configuration import Configuration
from pyoutcome.service.hands import Hands
from pyoutcome.service.logs import logger, say
from pyoutcome.service.looks import look_again
from pyoutcome.service.troubles import PASSING, as_ours
from pyoutcome.settlement.keeper import Outcome, keep
from pyoutcome.settlement.patience import LONGEST, SECOND
from pyoutcome.settlement.plan import At, Need, PeriodFacts
from pyoutcome.settlement.progress import silent
from pyoutcome.settlement.standing import AGREEMENT, FRESH, Look, Standing

if TYPE_CHECKING:
    from pyoutcome.service.chains import Chain
    from pyoutcome.service.sending import Exchange

ON_ITS_WAY: Final = "Its transaction is on its way."


@dataclass
class Visit:
    """One agreement in one round."""

    chain: Chain
    claimed: Sequence[Standing]
    hands: Hands | None = None
    """None if the workspace could not be opened."""
    looks: dict[int, Look] = field(default_factory=dict)

    def fail(self, number: int, error: PyoutcomeError) -> None:
        """What stopped a period."""
        self.looks[number] = failed(self._standing(number), error)

    def sent(self, number: int, flight: InFlight) -> bool:
        """What a period wants is handed in; whether that is on its way.

        If it was carried out before, nobody will tell of it: the look was older, and another one shows what came of
        it. Where that wants the same, it has failed: the node tells an old state, or the escrow did something else.
        """
        look, before = self.looks[number], self._standing(number)
        if flight.state is not State.FINAL:
            why = on_its_way(look.why)
            self.looks[number] = Look(look.need, why, LONGEST, look.chain_due, purpose=flight.purpose)
            return True
        if flight.purpose == before.purpose or (before.error is not None and before.error not in PASSING):
            error = _not_taken(flight.purpose, flight.state)
            self.looks[number] = Look(look.need, look.why, LONGEST, look.chain_due, error=error)
        else:
            self.looks[number] = Look(look.need, look.why, 0, look.chain_due, purpose=flight.purpose)
        return False

    def _standing(self, number: int) -> Standing:
        return next(each for each in self.claimed if each.number == number)


class Visitor:
    """Looks at agreements."""

    def __init__(self, configuration: Configuration, herald: alerts.Herald, exchange: Exchange) -> None:
        self._again = configuration.look_again * SECOND
        self._warn = configuration.alerts.evidence_due
        self._herald = herald
        self._exchange = exchange

    def visit(self, chain: Chain, claimed: Sequence[Standing], enter: Callable[[], Hands]) -> Visit:
        """Looks at the due periods of one agreement; ``enter`` opens its workspace."""
        visit = Visit(chain, claimed)
        try:
            visit.hands = hands = enter()
        except (PyoutcomeError, OSError) as error:
            for each in claimed:
                visit.fail(each.number, as_ours(error))
            return visit
        for each in claimed:
            visit.looks[each.number] = self._look(hands, chain, each)
        return visit

    def _look(self, hands: Hands, chain: Chain, standing: Standing) -> Look:
        try:
            flight = chain.courier.find(standing.purpose) if standing.purpose else None
            if flight is not None and flight.state in LIVE:
                # The courier's news wake it; this look only makes sure.
                return Look(standing.need, on_its_way(standing.why), self._again, purpose=standing.purpose)
            if flight is not None and flight.state is not State.FINAL and not standing.error:
                return failed(standing, _not_taken(flight.purpose, flight.state))
            if standing.number == AGREEMENT:
                return look_at_agreement(hands, self._herald, standing, self._again)
            return self._look_at_period(hands, standing)
        except (PyoutcomeError, OSError) as error:
            return failed(standing, as_ours(error))
        except Exception as error:  # noqa: BLE001 - a fault of ours in one agreement must not stop the others
            logger.error(
                "fault", exc_info=error, extra={"facts": {"agreement": standing.agreement, "period": standing.number}}
            )
            return failed(standing, _fault(error))

    def _look_at_period(self, hands: Hands, standing: Standing) -> Look:
        number = standing.number
        [outcome] = keep(hands, [number], silent)
        decision, facts = outcome.decision, hands.seen[number]
        self._exchange.offer(standing.agreement, hands.own_files(number))
        if outcome.error is not None:
            return failed(standing, as_ours(outcome.error), outcome)
        if decision.overdue and hands.duties.defaults and number not in hands.errands:
            hands.propose_default(number)
        self._tell(hands, standing, outcome, facts)
        return look_again(decision, facts, self._again, self._warn, hands.waits.get(number, ""))

    def _tell(self, hands: Hands, before: Standing, outcome: Outcome, facts: PeriodFacts) -> None:
        """Alerts that follow from where a period stands."""
        name, number, need, why = before.agreement, before.number, outcome.decision.need, outcome.decision.why
        tell = self._herald.tell
        waiting = facts.stage is At.OPEN and need in (Need.BUNDLES, Need.VERIFICATION, Need.REPORT)
        if waiting and number not in hands.errands and facts.now >= facts.evidence_due - self._warn:
            tell(alerts.EVIDENCE_DUE, name, number, why)
        if facts.challenged:
            tell(alerts.CHALLENGED, name, number, why)
        if facts.stage is At.DISPUTED:
            tell(alerts.DISPUTE_OPENED, name, number, why)
        fresh = before.why == FRESH
        if facts.stage is At.SETTLED and not fresh:
            tell(alerts.SETTLED, name, number, f"Period {number} is settled.")
        if need.value != before.need and need is not Need.PERIOD_END and not (fresh and need is Need.NOTHING):
            for kpi, text in hands.dangers(number):
                tell(alerts.KPI_IN_DANGER, name, number, text, kpi)

    def tell_step(self, before: Standing, after: Standing, attempts: int) -> None:
        """Logs where a period stands now, if that is news, and tells when it is given up."""
        error = after.error
        if error or (after.need, after.why, after.error) != (before.need, before.why, before.error):
            say(
                "failed" if error else "look",
                logging.WARNING if error else logging.INFO,
                agreement=after.agreement,
                period=after.number or None,
                need=after.need,
                why=after.why,
                done=after.done or None,
                error=error,
                error_why=after.error_why,
                attempts=after.attempts or None,
            )
        occasion = f"{error} {after.woken}"
        if after.parked:
            text = f"{after.error_why} Nothing more is tried until something new arrives. {after.error_fix}"
            self._herald.tell(alerts.PARKED, after.agreement, after.number or None, text, occasion)
        elif error and after.attempts >= attempts:
            text = f"{after.error_why} It is still tried, once an hour."
            self._herald.tell(alerts.FAILING, after.agreement, after.number or None, text, occasion)


def failed(standing: Standing, error: PyoutcomeError, outcome: Outcome | None = None) -> Look:
    """A look that an error ended."""
    need, why = standing.need, standing.why.removesuffix(ON_ITS_WAY).strip()
    if outcome is not None:
        need, why = outcome.decision.need.value, outcome.decision.why
    return Look(need, why, LONGEST, standing.chain_due, error=error, counts=error.code not in PASSING)


def on_its_way(why: str) -> str:
    """The words for a period whose transaction is on its way."""
    return why if why.endswith(ON_ITS_WAY) else f"{why} {ON_ITS_WAY}"


def _not_taken(purpose: str, state: State) -> SettlementError:
    carried_out = state is State.FINAL
    told = "what it was for is still not done" if carried_out else "the escrow's state had changed before it arrived"
    return SettlementError(
        "transaction-not-taken",
        f"The transaction '{purpose}' ended as '{state}': {told}.",
        "The keeper looks again, and repeats it if it is still needed.",
        purpose=purpose,
        state=state,
    )


def _fault(error: Exception) -> SettlementError:
    return SettlementError(
        "unexpected-fault",
        f"A step stopped at a fault of the program: {type(error).__name__}.",
        "Report it with the keeper's log; the other agreements go on.",
    )
