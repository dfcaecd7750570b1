"""All windows are half-open: possible at the first second, refused at the end, whether or not anyone used the exit."""

from __future__ import annotations

import pytest

from pyoutcome.protocol import actions as act
from pyoutcome.protocol.actions import Action
from pyoutcome.protocol.state import PeriodStage
from tests.protocol.theatre import ARBITRATOR, CLIENT, START, Rising, Theatre, copy_of, deal, rules, scaled

END = START + 100


def at(theatre: Theatre, moment: int, action: Action, refusal: str | None) -> None:
    """Tries the act at a moment of its own, on a copy of the story."""
    twin = copy_of(theatre)
    twin.wait(moment)
    if refusal is None:
        twin.act(action)
    else:
        twin.refused(refusal, action)


def reported() -> Theatre:
    theatre = Theatre(deal()).begin()
    theatre.report(1, 8, 8)
    return theatre


def disputed() -> Theatre:
    theatre = reported()
    theatre.challenge(CLIENT, 1, 5, 8)
    theatre.settle(1)
    return theatre


def test_activation_before_and_cancelling_from_activate_by() -> None:
    theatre = Theatre(deal(bond=0))
    theatre.act(act.Deposit(CLIENT, 5_000))
    everyone = act.Activate(frozenset({CLIENT, "P0", "P1", "B0"}))
    at(theatre, START + 49, everyone, None)
    at(theatre, START + 50, everyone, "too-late")
    at(theatre, START + 49, act.Cancel(), "too-early")
    at(theatre, START + 50, act.Cancel(), None)


def test_a_report_from_the_periods_end() -> None:
    theatre = Theatre(deal()).begin()
    at(theatre, END - 1, act.Report(1, scaled((8, 8)), (0, 1)), "too-early")
    at(theatre, END, act.Report(1, scaled((8, 8)), (0, 1)), None)


def test_a_digest_until_the_due_date_and_a_default_from_it() -> None:
    theatre = Theatre(deal()).begin()
    at(theatre, END - 1, act.PostDigest("P0", 1), "too-early")
    at(theatre, END, act.PostDigest("P0", 1), None)
    at(theatre, END + 19, act.PostDigest("P0", 1), None)
    at(theatre, END + 20, act.PostDigest("P0", 1), "too-late")
    at(theatre, END + 19, act.ProposeDefault(1), "too-early")
    at(theatre, END + 20, act.ProposeDefault(1), None)


def test_a_report_replaces_a_default_only_inside_its_window() -> None:
    theatre = Theatre(deal()).begin()
    theatre.default(1)
    at(theatre, END + 29, act.Report(1, scaled((8, 8)), (0, 1)), None)
    at(theatre, END + 30, act.Report(1, scaled((8, 8)), (0, 1)), "too-late")
    at(theatre, END + 29, act.Settle(1), "too-early")
    at(theatre, END + 30, act.Settle(1), None)


def test_a_late_report_is_accepted_as_long_as_nobody_proposed_the_default() -> None:
    at(Theatre(deal()).begin(), END + 80, act.Report(1, scaled((8, 8)), (0, 1)), None)


def test_a_challenge_until_the_window_ends_and_settling_from_then() -> None:
    theatre = reported()
    at(theatre, END + 14, act.Challenge(CLIENT, 1, 1, scaled((5, 5)), 500), None)
    at(theatre, END + 15, act.Challenge(CLIENT, 1, 1, scaled((5, 5)), 500), "too-late")
    at(theatre, END + 14, act.Settle(1), "too-early")
    at(theatre, END + 15, act.Settle(1), None)


def test_a_ruling_until_its_deadline_and_the_fallback_from_then() -> None:
    theatre = disputed()
    at(theatre, END + 39, act.Rule(ARBITRATOR, 1, 1, values=scaled((8, 8))), None)
    at(theatre, END + 40, act.Rule(ARBITRATOR, 1, 1, values=scaled((8, 8))), "too-late")
    at(theatre, END + 39, act.Fallback(1), "too-early")
    at(theatre, END + 40, act.Fallback(1), None)


def test_closing_from_the_release_date_and_never_with_an_unsettled_period() -> None:
    theatre = Theatre(deal(periods=1, challenge_window=0)).begin()
    at(theatre, END + 50, act.Close(1), "too-early")
    theatre.report(1, 8, 8)
    at(theatre, END + 49, act.Close(1), "too-early")
    at(theatre, END + 50, act.Close(1), None)


def test_an_amendment_until_its_own_deadline() -> None:
    theatre = Theatre(deal()).begin()
    new = rules(theatre.deal.rules.pricing, terms="terms-2")
    amend = act.Amend("terms-1", 2, new, (), START + 10, frozenset({CLIENT, "P0", "P1"}))
    at(theatre, START + 9, amend, None)
    at(theatre, START + 10, amend, "too-late")


def test_evidence_is_due_after_the_latest_of_period_end_activation_amendment_and_turn() -> None:
    late = Theatre(deal(periods=1))
    assert END + 20 == late.state.due_of(1)
    theatre = Theatre(deal(Rising(2))).begin()
    assert theatre.state.due_of(2) is None
    theatre.report(1, 8, 8)
    theatre.wait(START + 250)
    theatre.act(act.Settle(1))
    assert START + 270 == theatre.state.due_of(2)
    new = rules(Rising(2), terms="terms-2")
    theatre.wait(START + 260)
    theatre.act(act.Amend("terms-1", 2, new, (0, 1), START + 300, frozenset({CLIENT, "P0", "P1"})))
    assert START + 280 == theatre.state.due_of(2)


def test_an_agreement_over_past_periods_does_not_start_in_default() -> None:
    past = deal()
    theatre = Theatre(type(past)(**{**past.__dict__, "activate_by": START + 2_000}), now=START + 1_000)
    theatre.begin()
    theatre.refused("too-early", act.ProposeDefault(1))
    assert START + 1_020 == theatre.state.due_of(1)


@pytest.mark.parametrize("number", [0, 5, -1])
def test_there_is_no_such_period(number: int) -> None:
    theatre = Theatre(deal()).begin()
    theatre.wait(START + 500)
    for action in (
        act.Report(number, scaled((8, 8)), (0, 1)),
        act.ProposeDefault(number),
        act.Settle(number),
        act.Fallback(number),
        act.Agree(number, scaled((8, 8)), 0, frozenset({CLIENT, "P0", "P1"})),
    ):
        theatre.refused("no-such-period", action)


def test_a_report_needs_a_quorum_of_different_verifiers_in_order_and_sound_values() -> None:
    theatre = Theatre(deal()).begin()
    theatre.wait(END)
    good = scaled((8, 8))
    theatre.refused("no-quorum", act.Report(1, good, (0,)))
    theatre.refused("bad-verifier-order", act.Report(1, good, (1, 1)))
    theatre.refused("bad-verifier-order", act.Report(1, good, (1, 0)))
    theatre.refused("bad-verifier-order", act.Report(1, good, (1, 3)))
    theatre.refused("wrong-value-count", act.Report(1, good[:1], (0, 1)))
    theatre.refused("bad-value", act.Report(1, scaled((8, 11)), (0, 1)))
    theatre.refused("bad-value", act.Report(1, (good[0], 10**16), (0, 1)))
    theatre.act(act.Report(1, good, (0, 1)))
    theatre.refused("already-proposed", act.Report(1, good, (0, 1)))
    theatre.settle(1)
    theatre.refused("already-settled", act.Report(1, good, (0, 1)))


def test_a_sequential_program_waits_for_its_turn_and_an_independent_one_does_not() -> None:
    for pricing, refusal in ((Rising(2), "out-of-turn"), (None, None)):
        theatre = Theatre(deal(pricing)).begin()
        at(theatre, START + 200, act.Report(2, scaled((8, 8)), (0, 1)), refusal)


def test_a_settled_period_is_restated_only_where_nothing_was_built_on_it() -> None:
    independent = Theatre(deal(challenge_window=0)).begin()
    independent.report(1, 8, 8)
    independent.agree(1, 5, 5)
    assert (203, 203) == tuple(tenure.earned for tenure in independent.state.tenures)
    again = act.Agree(1, scaled((5, 5)), 0, frozenset({CLIENT, "P0", "P1"}))
    independent.refused("used-nonce", again)
    sequential = Theatre(deal(Rising(2), challenge_window=0)).begin()
    sequential.report(1, 8, 8)
    sequential.refused("not-restatable", again)


def test_an_independent_period_is_not_restated_once_a_sequential_amendment_reads_it() -> None:
    """``earned_before`` of the later program includes it: a restatement would change what was already computed."""
    theatre = Theatre(deal(challenge_window=0)).begin()
    new = rules(Rising(2), terms="terms-2", challenge_window=0)
    theatre.act(act.Amend("terms-1", 3, new, (None, None), START + 300, frozenset({CLIENT, "P0", "P1"})))
    theatre.report(1, 8, 8)
    theatre.refused("not-restatable", act.Agree(1, scaled((5, 5)), 0, frozenset({CLIENT, "P0", "P1"})))


def test_an_agreement_needs_the_client_and_every_payee_of_the_period() -> None:
    theatre = Theatre(deal()).begin()
    theatre.wait(END)
    for signers in ({CLIENT, "P0"}, {"P0", "P1"}, {CLIENT, "P1"}):
        theatre.refused("bad-party-signature", act.Agree(1, scaled((8, 8)), 0, frozenset(signers)))
    theatre.act(act.Agree(1, scaled((8, 8)), 0, frozenset({CLIENT, "P0", "P1"})))
    assert PeriodStage.SETTLED is theatre.state.period(1).stage
