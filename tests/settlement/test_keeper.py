"""The keeper on a scripted desk: it does what is needed, once, and stops where others must act."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from pyoutcome.errors import ChainError, EvidenceError
from pyoutcome.settlement.keeper import keep
from pyoutcome.settlement.plan import At, Need, PeriodFacts
from pyoutcome.settlement.progress import silent

START = PeriodFacts(
    number=1,
    ends=100,
    now=50,
    active=True,
    stage=At.OPEN,
    until=0,
    challenged=False,
    waits_for=None,
    evidence_due=500,
    bundles_missing=("UA", "B6"),
    verified_by=(),
    quorum=2,
)


class Script:
    """A desk whose periods change as a test says; it writes down what the keeper does."""

    def __init__(self, facts: PeriodFacts = START, *, clock: bool = True) -> None:
        self.facts_of = {number: replace(facts, number=number) for number in (1, 2)}
        self.clock = clock
        self.done: list[str] = []
        self.fails: dict[str, Exception] = {}
        self.before: Callable[[str, int], None] = lambda what, period: None

    def _do(self, what: str, period: int, **changes: object) -> None:
        self.done.append(f"{what} {period}")
        self.before(what, period)
        if f"{what} {period}" in self.fails:
            raise self.fails[f"{what} {period}"]
        self.facts_of[period] = replace(self.facts_of[period], **changes)  # type: ignore[arg-type]

    def facts(self, period: int) -> PeriodFacts:
        return self.facts_of[period]

    def wait_until(self, timestamp: int) -> bool:
        if self.clock:
            self.facts_of = {number: replace(facts, now=timestamp) for number, facts in self.facts_of.items()}
        return self.clock

    def measure(self, period: int) -> None:
        self._do("measure", period, bundles_missing=())

    def verify(self, period: int) -> None:
        self._do("verify", period, verified_by=("V1", "V2"))

    def report(self, period: int) -> str:
        self._do("report", period, stage=At.SETTLED)
        return f"0x{period}"

    def settle(self, period: int) -> str:
        self._do("settle", period, stage=At.SETTLED)
        return f"0xd{period}"

    def open_dispute(self, period: int) -> str:
        self._do("dispute", period, stage=At.DISPUTED, until=self.facts_of[period].until + 100)
        return f"0xo{period}"

    def fall_back(self, period: int) -> str:
        self._do("fall back", period, stage=At.SETTLED)
        return f"0xf{period}"


def test_it_goes_from_records_to_settled_in_order() -> None:
    desk = Script()
    outcomes = keep(desk, [1, 2], silent)
    assert ["measure 1", "verify 1", "report 1", "measure 2", "verify 2", "report 2"] == desk.done
    assert ["0x1", "0x2"] == [outcome.transaction for outcome in outcomes]


def test_it_waits_where_it_cannot_move_the_clock() -> None:
    desk = Script(clock=False)
    [outcome] = keep(desk, [1], silent)
    assert (Need.PERIOD_END, None, []) == (outcome.decision.need, outcome.error, desk.done)


@pytest.mark.parametrize(
    ("facts", "need"),
    [
        (replace(START, active=False), Need.ACTIVATION),
        (replace(START, now=100, stage=At.DEFAULTED, until=200), Need.DEFAULT_WINDOW),
        (replace(START, stage=At.SETTLED), Need.NOTHING),
    ],
)
def test_it_leaves_alone_what_is_not_its_to_do(facts: PeriodFacts, need: Need) -> None:
    desk = Script(facts)
    assert [need] == [outcome.decision.need for outcome in keep(desk, [1], silent)]
    assert [] == desk.done


def test_a_default_whose_window_is_over_is_settled() -> None:
    desk = Script(replace(START, now=300, stage=At.DEFAULTED, until=200))
    [outcome] = keep(desk, [1], silent)
    assert ("0xd1", ["settle 1"]) == (outcome.transaction, desk.done)


def test_a_reported_period_is_settled_when_its_window_is_over() -> None:
    desk = Script(replace(START, now=150, stage=At.REPORTED, until=200))
    [outcome] = keep(desk, [1], silent)
    assert ("0xd1", ["settle 1"], Need.NOTHING) == (outcome.transaction, desk.done, outcome.decision.need)


def test_a_challenged_period_is_disputed_and_then_waits_for_the_arbitrator() -> None:
    desk = Script(replace(START, now=150, stage=At.REPORTED, until=200, challenged=True))
    [outcome] = keep(desk, [1], silent)
    assert ("0xo1", ["dispute 1"], Need.RULING) == (outcome.transaction, desk.done, outcome.decision.need)


def test_a_silent_arbitrator_lets_the_report_stand() -> None:
    desk = Script(replace(START, now=400, stage=At.DISPUTED, until=400, challenged=True))
    [outcome] = keep(desk, [1], silent)
    assert ("0xf1", ["fall back 1"], Need.NOTHING) == (outcome.transaction, desk.done, outcome.decision.need)


def test_what_stays_missing_after_acting_is_tried_once() -> None:
    desk = Script(replace(START, now=100))

    def measure_nothing(period: int) -> None:
        desk.done.append(f"measure nothing {period}")

    desk.measure = measure_nothing  # type: ignore[method-assign]
    [outcome] = keep(desk, [1], silent)
    assert (["measure nothing 1"], Need.BUNDLES) == (desk.done, outcome.decision.need)


def test_a_failing_period_says_why_and_the_next_goes_on() -> None:
    desk = Script()
    desk.fails["verify 1"] = EvidenceError("evidence-value-differs", "It differs.", "Do not sign.")
    first, second = keep(desk, [1, 2], silent)
    assert first.error is not None
    assert ("evidence-value-differs", Need.VERIFICATION) == (first.error.code, first.decision.need)
    assert Need.NOTHING is second.decision.need
    assert "evidence-value-differs" in str(first.to_dict()["error"])


def test_a_period_that_somebody_else_settled_meanwhile_is_no_failure() -> None:
    desk = Script()

    def overtaken(what: str, period: int) -> None:
        if what == "report":
            desk.facts_of[period] = replace(desk.facts_of[period], stage=At.SETTLED)

    desk.before = overtaken
    desk.fails["report 1"] = ChainError("transaction-failed", "Too late.", "Read the state again.")
    [outcome] = keep(desk, [1], silent)
    assert (Need.NOTHING, None, None) == (outcome.decision.need, outcome.error, outcome.transaction)
