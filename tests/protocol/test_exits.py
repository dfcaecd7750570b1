"""Every way to end an agreement, and that nobody can prevent the end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pyoutcome.protocol import actions as act
from pyoutcome.protocol.events import Cause, Covered, FeePaid, Paid, Terminated
from pyoutcome.protocol.state import PeriodStage, Stage
from tests.protocol.theatre import ARBITRATOR, CLIENT, OUTSIDER, START, Theatre, close_alone, deal

EVERYONE = frozenset({CLIENT, "P0", "P1"})


def running(moment: int, **changes: object) -> Theatre:
    theatre = Theatre(deal(challenge_window=0, **changes)).begin(funds=10_000)  # type: ignore[arg-type]
    theatre.wait(moment)
    return theatre


def test_mutual_termination_ends_after_the_current_period() -> None:
    theatre = running(START + 150)
    for missing in EVERYONE:
        theatre.refused("bad-party-signature", act.TerminateMutually(2, 0, EVERYONE - {missing}))
    theatre.refused("other-moment", act.TerminateMutually(1, 0, EVERYONE))
    theatre.refused("used-nonce", act.TerminateMutually(2, 1, EVERYONE))
    theatre.act(act.TerminateMutually(2, 0, EVERYONE))
    theatre.refused("no-such-period", act.ProposeDefault(3))
    theatre.close()
    assert START + 200 + 50 == theatre.now


def test_the_release_date_follows_an_early_end() -> None:
    """Otherwise holdback of a four-period agreement that ends after the first would stay for three periods more."""
    theatre = running(START + 50)
    theatre.act(act.TerminateMutually(1, 0, EVERYONE))
    assert START + 150 == theatre.state.release_date()


def test_an_agreement_may_end_before_it_starts() -> None:
    theatre = running(START - 1)
    theatre.act(act.TerminateMutually(0, 0, EVERYONE))
    theatre.wait(START + 50)
    theatre.act(act.Close(1))
    assert Stage.CLOSED is theatre.state.stage


def test_a_clients_notice_pays_the_fee_and_ends_with_the_period_of_the_notice() -> None:
    theatre = running(START + 50)
    events = theatre.act(act.TerminateForConvenience(CLIENT))
    assert [2] == [event.last for event in events if isinstance(event, Terminated)]
    assert [(0, 40), (1, 40)] == [(e.provider, e.amount) for e in events if isinstance(e, FeePaid)]
    assert [40, 40] == [event.amount for event in events if isinstance(event, Paid)]


def test_a_providers_notice_pays_nothing() -> None:
    theatre = running(START + 10)
    theatre.refused("not-client", act.TerminateForConvenience(OUTSIDER))
    events = theatre.act(act.TerminateForConvenience("P1"))
    assert [Terminated(1, Cause.CONVENIENCE)] == list(events)


def test_a_notice_that_costs_nothing_needs_no_cover() -> None:
    theatre = Theatre(deal(challenge_window=0)).begin(funds=1_414)
    theatre.wait(START + 110)
    assert theatre.state.funds < theatre.state.required_cover(theatre.now)
    events = theatre.act(act.TerminateForConvenience("P1"))
    assert [Cause.CONVENIENCE] == [event.cause for event in events if isinstance(event, Terminated)]


def test_a_notice_needs_the_terms_to_allow_it_and_must_shorten_the_agreement() -> None:
    terms = replace(deal(), convenience=frozenset())
    theatre = Theatre(terms).begin()
    theatre.refused("not-provider", act.TerminateForConvenience(CLIENT))
    theatre.refused("not-client", act.TerminateForConvenience("P0"))
    late = running(START + 340)
    late.refused("nothing-to-do", act.TerminateForConvenience(CLIENT))


def test_a_clients_notice_is_refused_unless_the_fee_is_covered_above_the_required_cover() -> None:
    theatre = Theatre(deal(challenge_window=0)).begin(funds=1_414 + 79)
    theatre.wait(START)
    theatre.refused("short-of-funds", act.TerminateForConvenience(CLIENT))
    theatre.act(act.Deposit(CLIENT, 1))
    theatre.act(act.TerminateForConvenience(CLIENT))
    assert 1_414 == theatre.state.funds


def test_a_fee_does_not_overtake_those_who_are_owed() -> None:
    theatre = Theatre(deal(challenge_window=0, reserve=0)).begin(funds=0)
    theatre.report(1, 8, 8)
    theatre.act(act.Deposit(CLIENT, 500))
    theatre.refused("arrears-first", act.TerminateForConvenience(CLIENT))


def test_a_fee_is_set_off_against_own_debt() -> None:
    theatre = running(START)
    theatre.report(1, 2, 8)  # P0 owes 98
    events = theatre.act(act.TerminateForConvenience(CLIENT))
    assert [(40, 40), (40, 0)] == [(e.amount, e.set_off) for e in events if isinstance(e, FeePaid)]
    assert 58 == theatre.state.tenures[0].debt


def test_a_breach_streak_is_the_clients_cause() -> None:
    theatre = running(START)
    theatre.report(1, 1, 8)
    theatre.refused("no-cause", act.TerminateForStreak(CLIENT, 0))
    theatre.report(2, 1, 8)
    theatre.refused("not-client", act.TerminateForStreak("P1", 0))
    theatre.refused("no-cause", act.TerminateForStreak(CLIENT, 1))
    theatre.refused("no-such-provider", act.TerminateForStreak(CLIENT, 2))
    theatre.act(act.TerminateForStreak(CLIENT, 0))
    assert 3 == theatre.state.last  # period 3 has started at the end of period 2


def test_an_uncovered_reserve_is_a_providers_cause_after_the_cure_window() -> None:
    theatre = Theatre(deal(challenge_window=0)).begin(funds=1_414)
    theatre.wait(START + 99)
    theatre.refused("nothing-to-do", act.RecordUncovered())
    theatre.wait(START + 100)
    theatre.refused("no-cause", act.TerminateForUncovered("P0"))
    theatre.act(act.RecordUncovered())
    theatre.refused("nothing-to-do", act.RecordUncovered())
    theatre.wait(START + 129)
    theatre.refused("too-early", act.TerminateForUncovered("P0"))
    theatre.wait(START + 130)
    theatre.refused("not-provider", act.TerminateForUncovered(OUTSIDER))
    theatre.act(act.TerminateForUncovered("P0"))
    assert 2 == theatre.state.last


def test_a_deposit_inside_the_cure_window_ends_the_record() -> None:
    theatre = Theatre(deal(challenge_window=0)).begin(funds=1_414)
    theatre.wait(START + 100)
    theatre.act(act.RecordUncovered())
    assert Covered() in theatre.act(act.Deposit(CLIENT, 1_414))
    theatre.wait(START + 140)
    theatre.refused("no-cause", act.TerminateForUncovered("P0"))


def test_the_arbitrators_finding_ends_it_once() -> None:
    theatre = running(START + 50)
    theatre.refused("not-arbitrator", act.TerminateOnFinding(CLIENT, b"fraud", "P0", 7))
    theatre.act(act.TerminateOnFinding(ARBITRATOR, b"fraud", "P0", 7))
    theatre.refused("used-nonce", act.TerminateOnFinding(ARBITRATOR, b"fraud", "P0", 7))
    theatre.refused("nothing-to-do", act.TerminateOnFinding(ARBITRATOR, b"fraud", "P0", 8))


@pytest.mark.parametrize("silent", [CLIENT, "P0", "P1", "V1", ARBITRATOR, "everyone"])
@pytest.mark.parametrize("stage", [*PeriodStage, Stage.OFFER])
def test_an_outsider_alone_closes_from_every_stage_with_anyone_silent(silent: str, stage: PeriodStage | Stage) -> None:
    """Only acts that anyone may do are used, so whoever is silent is silent indeed; its payouts refuse as well."""
    theatre = Theatre(deal(bond=50))
    theatre.act(act.Deposit(CLIENT, 100))
    if stage is not Stage.OFFER:
        theatre = Theatre(deal(bond=50)).begin(funds=1_500)
    if stage is PeriodStage.DEFAULTED:
        theatre.default(1)
    elif stage not in {Stage.OFFER, PeriodStage.NONE}:
        theatre.report(1, 8, 8)
    if stage is PeriodStage.DISPUTED:
        theatre.challenge("P0", 1, 9, 8)
    if stage in {PeriodStage.DISPUTED, PeriodStage.SETTLED}:
        theatre.settle(1)
    everyone = {CLIENT, "P0$", "P1$"}
    theatre.refusing = frozenset(everyone if silent == "everyone" else everyone & {silent, f"{silent}$"})
    close_alone(theatre)
    assert Stage.CLOSED is theatre.state.stage
    assert theatre.balance == theatre.state.tracked()


@pytest.mark.parametrize("misfortune", ["refusing", "debt", "dispute", "silent"])
def test_no_payees_failure_debt_dispute_or_silence_changes_what_another_is_owed(misfortune: str) -> None:
    def owed(trouble: str | None, funds: int) -> tuple[int, int]:
        theatre = Theatre(deal()).begin(funds=funds)
        theatre.refusing = frozenset({"P0$"} if trouble == "refusing" else ())
        for number in (1, 2, 3, 4):
            theatre.report(number, {"debt": 0, "silent": -(2**255)}.get(trouble or "", 8), 7)
            if trouble == "dispute":
                theatre.challenge("P0", number, 9, 7)
            theatre.settle(number)
            if trouble == "dispute":
                theatre.wait(theatre.state.period(number).deadline)
                theatre.act(act.Fallback(number))
        theatre.close()
        other = theatre.state.tenures[1]
        assert other.earned == other.paid + other.arrears
        return other.earned, other.paid

    for funds in (1_414, 100_000):
        assert owed(None, funds)[0] == owed(misfortune, funds)[0] == 4 * 404
    assert owed(None, 100_000) == owed(misfortune, 100_000)
