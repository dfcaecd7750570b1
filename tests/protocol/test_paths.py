"""Whatever path a dispute takes, the final totals are those of the values it ends with."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyoutcome.decimals import ONE
from pyoutcome.protocol import actions as act
from pyoutcome.protocol.deal import Deal
from pyoutcome.protocol.disputes import undisputed
from pyoutcome.protocol.events import Credited, Disputed, StakeLost, StakeReturned
from pyoutcome.protocol.state import CLIENT as CLIENT_OWNER
from pyoutcome.protocol.state import Mark, PeriodStage, Version
from tests.protocol.profiles import CASES
from tests.protocol.theatre import ARBITRATOR, CLIENT, Linear, Rising, Theatre, deal, scaled

Path = Callable[[Theatre, int, tuple[int, ...], tuple[int, ...]], object]
"""Settles a period on the first values, using the second as somebody's wrong version."""


def undisturbed(theatre: Theatre, number: int, final: tuple[int, ...], _wrong: tuple[int, ...]) -> None:
    theatre.report(number, *final)
    theatre.settle(number)


def fallback(theatre: Theatre, number: int, final: tuple[int, ...], wrong: tuple[int, ...]) -> None:
    theatre.report(number, *final)
    theatre.challenge(CLIENT, number, *wrong)
    theatre.settle(number)
    theatre.wait(theatre.state.period(number).deadline)
    theatre.act(act.Fallback(number))


def ruling_for_the_challenger(theatre: Theatre, number: int, final: tuple[int, ...], wrong: tuple[int, ...]) -> None:
    theatre.report(number, *wrong)
    theatre.challenge("P0", number, *final)
    theatre.settle(number)
    theatre.act(act.Rule(ARBITRATOR, number, theatre.state.period(number).proposals, values=scaled(final)))


def two_challengers(theatre: Theatre, number: int, final: tuple[int, ...], wrong: tuple[int, ...]) -> None:
    theatre.report(number, *wrong)
    theatre.challenge("P1", number, *final)
    theatre.challenge(CLIENT, number, 0, 0)
    theatre.settle(number)
    theatre.act(act.Rule(ARBITRATOR, number, theatre.state.period(number).proposals, values=scaled(final)))


def ruled_without_opening(theatre: Theatre, number: int, final: tuple[int, ...], wrong: tuple[int, ...]) -> None:
    theatre.report(number, *wrong)
    theatre.challenge("P0", number, *final)
    theatre.wait(theatre.state.period(number).window_end)
    theatre.act(act.Rule(ARBITRATOR, number, theatre.state.period(number).proposals, values=scaled(final)))


def fallback_without_opening(theatre: Theatre, number: int, final: tuple[int, ...], wrong: tuple[int, ...]) -> None:
    theatre.report(number, *final)
    theatre.challenge(CLIENT, number, *wrong)
    theatre.wait(theatre.state.period(number).window_end + theatre.deal.rules.ruling_window)
    theatre.act(act.Fallback(number))


def agreed_at_once(theatre: Theatre, number: int, final: tuple[int, ...], _wrong: tuple[int, ...]) -> None:
    theatre.agree(number, *final)


def agreed_in_dispute(theatre: Theatre, number: int, final: tuple[int, ...], wrong: tuple[int, ...]) -> None:
    theatre.report(number, *wrong)
    theatre.challenge(CLIENT, number, *final)
    theatre.settle(number)
    theatre.agree(number, *final)


def default_replaced(theatre: Theatre, number: int, final: tuple[int, ...], wrong: tuple[int, ...]) -> None:
    theatre.default(number)
    theatre.challenge("P1", number, *wrong)
    undisturbed(theatre, number, final, wrong)


PATHS = (
    undisturbed, fallback, ruling_for_the_challenger, two_challengers, agreed_at_once, agreed_in_dispute,
    default_replaced, ruled_without_opening, fallback_without_opening,
)  # fmt: skip


def totals(theatre: Theatre) -> list[tuple[str, int, int]]:
    """Per tenure: what it earned, and its net after closing with claims both ways (the bond is its own)."""
    return [(t.holder, t.earned, t.paid + t.arrears - t.debt - t.repaid) for t in theatre.state.tenures]


def story(terms: Deal, path: Path, values: list[tuple[int, ...]], wrong: tuple[int, ...], funds: int) -> Theatre:
    theatre = Theatre(terms).begin(funds=funds)
    path(theatre, 1, values[0], wrong)
    for number in range(2, len(values) + 1):
        undisturbed(theatre, number, values[number - 1], wrong)
    theatre.close()
    return theatre


@pytest.mark.parametrize("path", PATHS[1:], ids=lambda path: path.__name__)
@pytest.mark.parametrize("pricing", [Linear(2), Rising(2)], ids=["independent", "sequential"])
@CASES
@given(
    values=st.lists(st.tuples(st.integers(0, 10), st.integers(0, 10)), min_size=3, max_size=3),
    wrong=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    funds=st.sampled_from([1_400, 2_000, 100_000]),
)
def test_final_totals_do_not_depend_on_the_path(
    pricing: Linear | Rising, path: Path, values: list[tuple[int, ...]], wrong: tuple[int, ...], funds: int
) -> None:
    if wrong == values[0] or (0, 0) in (values[0], wrong):
        return
    terms = deal(pricing, periods=3, reserve=1_400)
    plain, other = (story(terms, taken, values, wrong, funds) for taken in (undisturbed, path))
    assert totals(plain) == totals(other)


def test_a_dispute_while_a_later_period_brings_debt_gives_the_same_net() -> None:
    """The ruling's rest is set off against a debt that came meanwhile; undisputed, it would have been paid."""
    nets = []
    for disputed in (False, True):
        theatre = Theatre(deal(periods=2)).begin()
        theatre.report(1, 9, 9)
        if disputed:
            theatre.challenge(CLIENT, 1, 4, 9)
            theatre.wait(theatre.state.period(1).window_end)
        theatre.settle(1)
        theatre.agree(2, 0, 5)
        if disputed:
            theatre.agree(1, 9, 9)
        theatre.close()
        nets.append(totals(theatre))
    assert nets[0] == nets[1]


def test_the_undisputed_part_is_each_payees_lowest_amount_over_all_versions_but_never_negative() -> None:
    marks = (Mark.KEPT,) * 3
    versions = tuple(Version(None, (), row, (), marks) for row in [(100, 70, -5), (40, 90, 10), (60, -1, 20)])
    assert (40, 0, 0) == undisputed(versions)


def test_the_undisputed_part_moves_at_once_and_the_ruling_adds_only_the_rest() -> None:
    theatre = Theatre(deal()).begin()
    theatre.report(1, 8, 6)  # 505, 304
    theatre.challenge(CLIENT, 1, 5, 6)  # 203, 304
    events = theatre.settle(1)
    assert [(0, 203), (1, 304)] == [(e.provider, e.amount) for e in events if isinstance(e, Credited)]
    events = theatre.act(act.Rule(ARBITRATOR, 1, 1, values=scaled((7, 6))))  # 404, 304
    assert [(0, 201)] == [(e.provider, e.amount) for e in events if isinstance(e, Credited)]
    assert (404, 304) == tuple(tenure.earned for tenure in theatre.state.tenures)
    assert (40, 30) == tuple(tenure.held for tenure in theatre.state.tenures)


def test_the_ruling_deadline_runs_from_the_end_of_the_window_however_late_the_dispute_is_opened() -> None:
    theatre = Theatre(deal()).begin()
    theatre.report(1, 8, 6)
    theatre.challenge(CLIENT, 1, 5, 6)
    window_end = theatre.state.period(1).window_end
    theatre.wait(window_end + 20)
    (disputed,) = [event for event in theatre.act(act.Settle(1)) if isinstance(event, Disputed)]
    assert window_end + 25 == disputed.deadline


def test_what_nobody_opened_is_decided_after_the_window_and_before_the_same_deadline() -> None:
    theatre = Theatre(deal()).begin()
    theatre.report(1, 8, 6)
    ruling = act.Rule(ARBITRATOR, 1, 1, values=scaled((8, 6)))
    theatre.wait(theatre.state.period(1).window_end)
    theatre.refused("not-disputed", ruling)
    theatre = Theatre(deal()).begin()
    theatre.report(1, 8, 6)
    theatre.challenge(CLIENT, 1, 5, 6)
    window_end = theatre.state.period(1).window_end
    theatre.wait(window_end - 1)
    theatre.refused("not-disputed", ruling)
    theatre.wait(window_end + 24)
    theatre.refused("too-early", act.Fallback(1))
    theatre.wait(window_end + 25)
    theatre.refused("too-late", ruling)
    theatre.act(act.Fallback(1))


def test_a_direct_ruling_stays_between_the_versions_in_amounts_and_sum() -> None:
    theatre = Theatre(deal(slots=3)).begin()
    theatre.report(1, 8, 5, 5)
    theatre.challenge(CLIENT, 1, 5, 8, 5)
    theatre.settle(1)
    theatre.refused("ruling-outside", act.Rule(ARBITRATOR, 1, 1, values=scaled((9, 5, 5))))
    theatre.refused("ruling-outside", act.Rule(ARBITRATOR, 1, 1, values=scaled((8, 8, 5))))
    theatre.refused("ruling-outside", act.Rule(ARBITRATOR, 1, 1, values=scaled((6, 6, 6))))
    theatre.refused("no-such-version", act.Rule(ARBITRATOR, 1, 1, choice=1))
    theatre.act(act.Rule(ARBITRATOR, 1, 1, values=scaled((6, 7, 5))))


def test_a_direct_ruling_stays_between_the_versions_in_registers() -> None:
    """Register 0 counts periods whose worst value is 5 or more: both versions count one, so the ruling must."""
    theatre = Theatre(deal(Rising(2))).begin()
    theatre.report(1, 8, 6)
    theatre.challenge(CLIENT, 1, 6, 8)
    theatre.settle(1)
    theatre.refused("ruling-outside", act.Rule(ARBITRATOR, 1, 1, values=scaled((7, 6))))  # the sum of values is 13
    theatre.act(act.Rule(ARBITRATOR, 1, 1, values=scaled((7, 7))))
    assert (1, 14 * ONE) == theatre.state.registers[0]


def test_an_adapter_chooses_a_version_and_its_refusal_means_the_fallback() -> None:
    for choice, first in ((None, 505), (0, 505), (1, 203)):
        theatre = Theatre(deal(chooses=True)).begin()
        theatre.report(1, 8, 6)
        theatre.challenge(CLIENT, 1, 5, 6)
        theatre.settle(1)
        theatre.refused("no-such-version", act.Rule(ARBITRATOR, 1, 1, values=scaled((5, 6))))
        theatre.refused("no-such-version", act.Rule(ARBITRATOR, 1, 1, choice=2))
        theatre.refused("not-arbitrator", act.Rule(CLIENT, 1, 1, choice=1))
        theatre.act(act.Rule(ARBITRATOR, 1, 1, choice=choice))
        assert first == theatre.state.tenures[0].earned


def test_a_challenge_of_a_default_cannot_be_replayed_on_the_report_that_replaces_it() -> None:
    theatre = Theatre(deal()).begin()
    theatre.default(1)
    challenge = act.Challenge("P0", 1, 1, scaled((9, 9)), 500)
    theatre.act(challenge)
    events = theatre.report(1, 3, 3)
    assert [500] == [event.amount for event in events if isinstance(event, StakeReturned)]
    theatre.refused("used-nonce", challenge)


def test_an_agreement_may_go_below_what_was_credited_because_the_payee_signs_it() -> None:
    theatre = Theatre(deal()).begin()
    theatre.report(1, 8, 8)
    theatre.challenge(CLIENT, 1, 6, 8)
    theatre.settle(1)
    assert 304 == theatre.state.tenures[0].earned
    theatre.agree(1, 5, 8)
    assert (203, 101) == (theatre.state.tenures[0].earned, theatre.state.tenures[0].debt)


# --- stakes -----------------------------------------------------------------------------------------------------------


def disputed(challenger: str, reported: tuple[int, ...], version: tuple[int, ...], arrived: int = 100) -> Theatre:
    theatre = Theatre(deal(slots=len(reported))).begin()
    theatre.report(1, *reported)
    theatre.challenge(challenger, 1, *version, arrived=arrived)
    theatre.settle(1)
    return theatre


def stakes(theatre: Theatre, *ruled: int) -> list[tuple[str, int, int]]:
    events = theatre.act(act.Rule(ARBITRATOR, 1, 1, values=scaled(ruled)))
    lost = [("lost", event.to, event.amount) for event in events if isinstance(event, StakeLost)]
    return lost + [("back", event.party, event.amount) for event in events if isinstance(event, StakeReturned)]


def test_the_stake_is_the_fixed_sum_or_the_share_of_the_differences_rounded_up() -> None:
    theatre = Theatre(deal()).begin()
    theatre.report(1, 8, 6)  # 505, 304
    # |505 - 404| + |304 - 203| = 202; a share of just over a tenth of it is 20.2 and a trace: 21.
    theatre.refused("short-of-funds", act.Challenge(CLIENT, 1, 1, scaled((7, 5)), 20))
    theatre.act(act.Challenge(CLIENT, 1, 1, scaled((7, 5)), 21))
    theatre.refused("already-challenged", act.Challenge(CLIENT, 1, 1, scaled((7, 4)), 500))
    theatre.refused("equal-version", act.Challenge("P0", 1, 1, scaled((7, 5)), 500))
    theatre.refused("not-a-party", act.Challenge("V1", 1, 1, scaled((2, 2)), 500))


def test_a_stake_returns_if_the_ruling_is_nearer_to_its_version() -> None:
    assert [("back", CLIENT_OWNER, 100)] == stakes(disputed(CLIENT, (8, 6), (4, 6)), 5, 6)


def test_a_stake_is_lost_if_the_ruling_is_as_near_to_the_report() -> None:
    """203 lies in the middle of 304 and 102."""
    assert [("lost", 0, 100)] == stakes(disputed(CLIENT, (6, 6), (4, 6)), 5, 6)


def test_a_lost_stake_goes_pro_rata_to_those_its_version_would_have_harmed() -> None:
    """Client's version against the ruling: -201 for P0, -101 for P1, +101 for P2."""
    theatre = disputed(CLIENT, (8, 6, 5), (6, 5, 6))
    assert [("lost", 0, 66), ("lost", 1, 34)] == stakes(theatre, 8, 6, 5)


def test_a_providers_lost_stake_becomes_client_funding_where_the_client_would_have_been_harmed() -> None:
    assert [("lost", CLIENT_OWNER, 100)] == stakes(disputed("P0", (5, 5), (9, 5)), 5, 5)


def test_a_version_that_harms_only_its_own_party_still_costs_it_the_stake() -> None:
    """Otherwise a party could freeze a period for free by asking for less for itself."""
    assert [("lost", CLIENT_OWNER, 100)] == stakes(disputed("P0", (8, 6), (5, 6)), 8, 6)
    assert [("lost", 0, 50), ("lost", 1, 50)] == stakes(disputed(CLIENT, (8, 6), (9, 9)), 8, 6)


def test_a_stake_returns_when_the_ruling_is_its_version_although_only_registers_differ() -> None:
    theatre = Theatre(deal(Rising(2, cap=0))).begin()  # nobody earns above 0, so high values change registers alone
    theatre.report(1, 8, 6)
    theatre.challenge("P0", 1, 9, 9, arrived=5)
    theatre.settle(1)
    assert [("back", 0, 5)] == stakes(theatre, 9, 9)


def test_a_version_that_changes_only_what_counts_as_a_breach_can_be_given() -> None:
    """Missing and worst pay alike, but a missing value is a breach that a posted digest makes neutral."""
    theatre = Theatre(deal()).begin()
    theatre.wait(theatre.deal.end_of(1))
    theatre.act(act.Report(1, (-(2**255), 6 * ONE), (0, 1)))
    theatre.act(act.Challenge("P0", 1, 1, scaled((0, 6)), 5))
    theatre.settle(1)
    assert PeriodStage.DISPUTED is theatre.state.period(1).stage
    assert [("back", 0, 5)] == stakes(theatre, 0, 6)
    assert (Mark.BREACHED, Mark.KEPT) == getattr(theatre.state.period(1).final, "marks", None)


def test_stakes_return_on_fallback_agreement_and_replacement() -> None:
    theatre = disputed(CLIENT, (8, 6), (4, 6))
    theatre.wait(theatre.state.period(1).deadline)
    returned = [event.amount for event in theatre.act(act.Fallback(1)) if isinstance(event, StakeReturned)]
    assert [100] == returned
    theatre = disputed(CLIENT, (8, 6), (4, 6))
    assert [100] == [event.amount for event in theatre.agree(1, 7, 7) if isinstance(event, StakeReturned)]


def test_an_erring_version_or_ruling_is_refused_and_an_erring_report_settles_zero() -> None:
    theatre = Theatre(deal(fallible=True)).begin()
    theatre.report(1, 8, 6)
    theatre.refused("program-failed", act.Challenge(CLIENT, 1, 1, scaled((13, 6)), 500))
    theatre.challenge(CLIENT, 1, 4, 6)
    theatre.settle(1)
    theatre.refused("program-failed", act.Rule(ARBITRATOR, 1, 1, values=scaled((13, 6))))
    theatre.agree(1, 8, 6)
    theatre.report(2, 13, 6)
    theatre.settle(2)
    final = theatre.state.period(2).final
    assert final is not None
    assert ((0, 0), 7) == (final.amounts, final.error)


def test_a_program_error_leaves_the_registers_as_they_were() -> None:
    theatre = Theatre(deal(Rising(2), fallible=True, challenge_window=0)).begin()
    theatre.report(1, 6, 6)
    theatre.report(2, 13, 6)
    assert (1, 12 * ONE) == theatre.state.registers[0]
    theatre.report(3, 6, 6)
    assert (2, 24 * ONE) == theatre.state.registers[0]


def test_a_ruling_names_the_proposal_it_rules_on() -> None:
    """Values ruled for a dispute of the default say nothing about a dispute of the report that replaced it."""
    theatre = Theatre(deal()).begin()
    theatre.default(1)
    theatre.report(1, 8, 6)
    theatre.challenge(CLIENT, 1, 5, 6)
    theatre.settle(1)
    theatre.refused("used-nonce", act.Rule(ARBITRATOR, 1, 1, values=scaled((6, 6))))
    theatre.act(act.Rule(ARBITRATOR, 1, 2, values=scaled((6, 6))))
