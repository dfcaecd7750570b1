"""Assignment, step-in, amendment: accounts belong to tenures, periods to whoever holds the slot when they start."""

from __future__ import annotations

from pyoutcome.decimals import ONE
from pyoutcome.protocol import actions as act
from pyoutcome.protocol.events import BackupLapsed, BondReturned, HoldbackReleased
from tests.protocol.theatre import CLIENT, START, Linear, Rising, Theatre, deal, rules, scaled

ALL = frozenset({CLIENT, "P0", "P1", "B0", "N"})


def assign(first: int = 2, signers: frozenset[str] = ALL, *, nonce: int = 0, arrived: int = 200) -> act.Assign:
    return act.Assign(0, "N", "N$", first, nonce, arrived, signers)


def test_an_assignment_takes_effect_at_the_next_unstarted_period_and_each_keeps_its_own() -> None:
    theatre = Theatre(deal(challenge_window=0)).begin()
    theatre.wait(START + 10)
    theatre.act(assign())
    theatre.report(1, 8, 8)
    theatre.report(2, 6, 8)
    old, _, new = theatre.state.tenures
    assert (("P0", 505), ("N", 304)) == ((old.holder, old.earned), (new.holder, new.earned))


def test_an_assignment_needs_outgoing_incoming_client_and_the_bond() -> None:
    theatre = Theatre(deal()).begin()
    theatre.wait(START)
    for missing in (CLIENT, "P0", "N"):
        theatre.refused("bad-party-signature", assign(signers=ALL - {missing}))
    theatre.refused("short-of-funds", assign(arrived=199))
    theatre.refused("bond-exceeded", assign(arrived=201))
    theatre.refused("used-nonce", assign(nonce=1))
    theatre.act(assign())
    theatre.refused("used-nonce", assign())


def test_a_signed_assignment_cannot_be_kept_back_for_a_later_period() -> None:
    theatre = Theatre(deal()).begin()
    theatre.wait(START + 100)
    theatre.refused("other-moment", assign(first=2))
    theatre.wait(START + 300)
    theatre.refused("no-such-period", assign(first=5))


def test_nobody_takes_over_a_slot_who_already_has_a_part() -> None:
    theatre = Theatre(deal()).begin()
    for party in (CLIENT, "P1", "V1", "arbitrator", "B0"):
        theatre.refused("bad-incoming", act.Assign(0, party, "x", 1, 0, 200, ALL | {party}))


def test_the_outgoing_bond_and_holdback_are_released_when_its_last_period_is_settled() -> None:
    theatre = Theatre(deal(challenge_window=0)).begin()
    theatre.wait(START + 110)
    theatre.act(assign(first=3))
    theatre.report(2, 8, 8)
    assert [] == [event for event in theatre.events if isinstance(event, BondReturned)]
    events = theatre.report(1, 8, 8)
    assert [(0, 200)] == [(e.provider, e.amount) for e in events if isinstance(e, BondReturned)]
    assert [(0, 100)] == [(e.provider, e.paid) for e in events if isinstance(e, HoldbackReleased)]


def test_arrears_paid_to_a_tenure_after_its_release_are_not_held_back_again() -> None:
    theatre = Theatre(deal(challenge_window=0, reserve=0)).begin(funds=0)
    theatre.wait(START)
    theatre.act(assign())
    theatre.report(1, 8, 8)
    theatre.act(act.Deposit(CLIENT, 5_000))
    theatre.act(act.PayArrears(1))
    assert (505, 0) == (theatre.state.tenures[0].paid, theatre.state.tenures[0].held)


def breached(streak: int = 2, **values: object) -> Theatre:
    theatre = Theatre(deal(challenge_window=0, streak=streak, **values)).begin()  # type: ignore[arg-type]
    theatre.report(1, 1, 8)
    return theatre


def test_the_client_alone_calls_the_backup_once_the_streak_is_reached() -> None:
    theatre = breached()
    step_in = act.StepIn(CLIENT, 0, "B0$", 200)
    theatre.refused("no-cause", step_in)
    theatre.report(2, 2, 8)
    theatre.refused("not-client", act.StepIn("P1", 0, "B0$", 200))
    theatre.refused("short-of-funds", act.StepIn(CLIENT, 0, "B0$", 0))
    theatre.refused("no-cause", act.StepIn(CLIENT, 1, "B0$", 200))
    theatre.act(step_in)
    theatre.refused("no-cause", step_in)
    theatre.report(3, 1, 8)
    theatre.report(4, 7, 8)
    assert ["P0", "P1", "B0"] == [tenure.holder for tenure in theatre.state.tenures]
    assert 404 == theatre.state.tenures[2].earned


def test_a_streak_is_counted_in_the_order_of_periods_not_of_settlement() -> None:
    """1 and 3 are breaches, 2 is not; settled in the order 1, 3, 2, a counter of settlements would have reached two."""
    theatre = breached()
    theatre.report(3, 1, 8)
    theatre.refused("no-cause", act.TerminateForStreak(CLIENT, 0))
    theatre.report(2, 8, 8)
    theatre.refused("no-cause", act.TerminateForStreak(CLIENT, 0))
    assert 1 == theatre.state.streak_of(0, theatre.now)


def amendment(first: int, pricing: Linear | Rising, signers: frozenset[str], **changes: object) -> act.Amend:
    carry = changes.pop("carry", (None,) * len(pricing.start))
    new = rules(pricing, terms="terms-2", challenge_window=0, **changes)  # type: ignore[arg-type]
    return act.Amend("terms-1", first, new, carry, START + 900, signers)  # type: ignore[arg-type]


def test_an_amendment_changes_later_periods_only() -> None:
    theatre = Theatre(deal(challenge_window=0)).begin()
    theatre.act(amendment(2, Linear(2, bonus=50), ALL))
    theatre.report(2, 8, 8)
    theatre.report(1, 8, 8)
    assert 505 + 555 == theatre.state.tenures[0].earned


def test_an_amendment_is_refused_for_a_period_reported_or_proposed_and_when_it_repeats() -> None:
    theatre = Theatre(deal()).begin()
    theatre.default(1)
    theatre.refused("bad-amendment", amendment(1, Linear(2), ALL))
    theatre.refused("bad-amendment", amendment(5, Linear(2), ALL))
    theatre.act(amendment(2, Linear(2), ALL))
    theatre.refused("bad-amendment", amendment(3, Linear(2), ALL))


def test_an_amendment_says_for_each_register_whether_it_goes_on() -> None:
    theatre = Theatre(deal(Rising(2), challenge_window=0)).begin()
    theatre.refused("bad-amendment", amendment(3, Rising(2), ALL, carry=(0,)))
    theatre.refused("bad-amendment", amendment(3, Rising(2), ALL, carry=(0, 2)))
    theatre.act(amendment(3, Rising(2), ALL, carry=(1, None)))
    theatre.report(1, 6, 6)
    theatre.report(2, 6, 7)
    assert (2, 25 * ONE) == theatre.state.registers[0]
    theatre.report(3, 1, 1)
    assert (25 * ONE, 2 * ONE) == theatre.state.registers[1]


def test_an_amendment_binds_a_new_holder_only_with_its_own_signature() -> None:
    """The incoming holder of period 2 has signed the assignment; the outgoing one may not change its terms any more."""
    theatre = Theatre(deal()).begin()
    theatre.wait(START + 10)
    theatre.act(assign())
    theatre.refused("bad-party-signature", amendment(2, Linear(2), frozenset({CLIENT, "P0", "P1"})))
    theatre.act(amendment(2, Linear(2), frozenset({CLIENT, "N", "P1"})))


def test_a_backup_that_did_not_sign_an_amendment_cannot_be_made_to_step_in() -> None:
    theatre = breached(streak=1)
    events = theatre.act(amendment(3, Linear(2), ALL - {"B0"}))
    assert [0] == [event.slot for event in events if isinstance(event, BackupLapsed)]
    theatre.refused("no-cause", act.StepIn(CLIENT, 0, "B0$", 200))
    theatre = breached(streak=1)
    theatre.act(amendment(3, Linear(2), ALL))
    theatre.act(act.StepIn(CLIENT, 0, "B0$", 200))


def test_earned_before_counts_lower_numbered_periods_only() -> None:
    """After an amendment to an independent program, period 4 settles first; the cap of period 3 must not see it."""
    theatre = Theatre(deal(Rising(2, cap=700), challenge_window=0)).begin()
    theatre.act(amendment(4, Linear(2), ALL))
    theatre.report(4, 10, 10)
    theatre.wait(START + 400)
    for number in (1, 2, 3):
        theatre.act(act.Report(number, scaled((9, 9)), (0, 1)))
    amounts = [period.final.amounts[0] for period in theatre.state.periods if period.final]
    assert [350, 350, 0, 707] == amounts


def test_a_lifetime_cap_follows_the_slot_through_an_assignment() -> None:
    theatre = Theatre(deal(Rising(2, cap=500), challenge_window=0)).begin()
    theatre.wait(START)
    theatre.act(assign())
    theatre.report(1, 9, 9)
    theatre.report(2, 9, 9)
    assert [350, 150] == [theatre.state.tenures[0].earned, theatre.state.tenures[2].earned]
