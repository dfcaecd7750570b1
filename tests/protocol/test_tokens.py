"""What arrives, what is pushed, what is lost: tokens that take a fee, refuse a payee, grow or shrink."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pyoutcome.protocol import actions as act
from pyoutcome.protocol.events import ClientClaimed, ClientDeferred, Closed, Deferred, Paid, Refunded, Synced
from pyoutcome.protocol.state import CLIENT as CLIENT_OWNER
from pyoutcome.protocol.state import Stage
from tests.protocol.profiles import CASES
from tests.protocol.theatre import CLIENT, OUTSIDER, START, Theatre, deal


def settled(funds: int = 5_000, refusing: frozenset[str] = frozenset()) -> Theatre:
    theatre = Theatre(deal(challenge_window=0)).begin(funds=funds)
    theatre.refusing = refusing
    theatre.report(1, 8, 8)
    return theatre


def test_a_push_that_fails_becomes_claimable_by_that_payee_alone_and_touches_nobody_else() -> None:
    theatre = settled(refusing=frozenset({"P0$"}))
    assert (455, 0) == tuple(tenure.claimable for tenure in theatre.state.tenures)
    assert [("P1$", 455)] == [(event.to, event.amount) for event in theatre.events if isinstance(event, Paid)]
    theatre.refused("not-provider", act.Claim("P1", 0, "vault"))
    theatre.refused("push-refused", act.Claim("P0", 0, "P0$"))
    theatre.act(act.Claim("P0", 0, "vault"))
    theatre.refused("nothing-to-do", act.Claim("P0", 0, "vault"))


def test_claimable_is_paid_money_and_is_never_set_off() -> None:
    theatre = settled(refusing=frozenset({"P0$"}))
    theatre.report(2, 0, 8)
    assert (455, 300) == (theatre.state.tenures[0].claimable, theatre.state.tenures[0].debt)


def test_a_payee_moves_its_own_payout_address() -> None:
    theatre = Theatre(deal(challenge_window=0)).begin()
    theatre.refused("not-provider", act.MovePayout(CLIENT, 0, "elsewhere"))
    theatre.act(act.MovePayout("P0", 0, "elsewhere"))
    theatre.report(1, 8, 8)
    assert ["elsewhere", "P1$"] == [event.to for event in theatre.events if isinstance(event, Paid)]


def test_a_surplus_becomes_client_funding() -> None:
    theatre = settled()
    before = theatre.state.funds
    theatre.balance += 70
    assert [Synced(70)] == list(theatre.act(act.Sync()))
    assert before + 70 == theatre.state.funds
    theatre.refused("nothing-to-do", act.Sync())


def test_a_loss_takes_client_funding_first_and_then_nothing_is_pushed() -> None:
    theatre = settled()
    theatre.balance -= theatre.state.funds + 10
    theatre.act(act.Sync())
    assert 0 == theatre.state.funds
    events = theatre.report(2, 8, 8)
    assert [] == [event for event in events if isinstance(event, Paid | Deferred)]
    assert (505, 505) == tuple(tenure.arrears for tenure in theatre.state.tenures)


def test_new_funding_makes_the_loss_good_before_it_serves_anything_else() -> None:
    theatre = settled()
    theatre.balance -= theatre.state.funds + 10
    theatre.act(act.Deposit(CLIENT, 100))
    assert (90, theatre.balance) == (theatre.state.funds, theatre.state.tracked())


def test_a_debt_that_takes_a_bond_at_closing_makes_a_loss_good_before_anything_is_refunded() -> None:
    theatre = Theatre(deal(periods=1, challenge_window=0)).begin(funds=2_000)
    theatre.report(1, 0, 8)  # P0 owes 300, its bond is 200
    theatre.balance -= theatre.state.funds + 150
    theatre.wait(theatre.state.release_date())
    events = theatre.act(act.Close(3))
    assert [50] == [event.amount for event in events if isinstance(event, Closed)]
    assert theatre.balance == theatre.state.tracked() == 0


def test_below_tracked_an_owner_waits_or_claims_early_at_the_covered_share() -> None:
    theatre = settled(refusing=frozenset({"P0$", "P1$"}))
    theatre.wait(theatre.now + 1)
    tracked = theatre.state.tracked() - theatre.state.funds  # 2 x (455 claimable + 50 held + 200 bond) = 1410
    assert 1_410 == tracked
    theatre.balance = 705
    theatre.refused("below-tracked", act.Claim("P0", 0, "vault"))
    theatre.act(act.Claim("P0", 0, "vault", early=True))
    assert (478, 228) == (705 - 227, 455 - 227)
    assert (478, 955, 228) == (theatre.balance, theatre.state.tracked(), theatre.state.flow.given_up)
    theatre.balance += 1_000
    theatre.act(act.Claim("P1", 1, "vault", early=True))  # covered again: the whole sum
    assert 228 == theatre.state.flow.given_up


@CASES
@given(balance=st.integers(0, 1_409), order=st.permutations([0, 1]))
def test_early_claims_never_lower_the_share_of_those_who_wait(balance: int, order: list[int]) -> None:
    theatre = settled(refusing=frozenset({"P0$", "P1$"}))
    theatre.balance = balance
    for owner in order:
        before = theatre.state.tracked() if theatre.state.funds == 0 else 1_410
        had = theatre.balance
        theatre.act(act.Claim(f"P{owner}", owner, "vault", early=True))
        assert theatre.balance * before >= had * theatre.state.tracked()


def test_a_client_that_refuses_its_refund_does_not_prevent_closing() -> None:
    theatre = Theatre(deal(periods=1, challenge_window=0)).begin(funds=2_000)
    theatre.report(1, 5, 5)
    theatre.refusing = frozenset({CLIENT})
    theatre.refused("push-refused", act.Withdraw(CLIENT, 10))
    theatre.wait(theatre.state.release_date())
    events = theatre.act(act.Close(3))
    assert [1_594] == [event.amount for event in events if isinstance(event, ClientDeferred)]
    theatre.refused("not-client", act.Claim(OUTSIDER, CLIENT_OWNER, "vault"))
    events = theatre.act(act.Claim(CLIENT, CLIENT_OWNER, "vault"))
    assert [("vault", 1_594, 0)] == [(e.to, e.amount, e.given_up) for e in events if isinstance(e, ClientClaimed)]


def test_money_that_turns_up_after_closing_goes_to_the_client() -> None:
    theatre = Theatre(deal(periods=1)).begin(funds=2_000)
    theatre.close()
    theatre.balance += 33
    assert [33] == [event.amount for event in theatre.act(act.Sync()) if isinstance(event, Refunded)]
    assert (Stage.CLOSED, 0) == (theatre.state.stage, theatre.balance)


def test_a_lapsed_offer_gives_each_its_own_back() -> None:
    theatre = Theatre(deal())
    theatre.act(act.Deposit(OUTSIDER, 500))
    theatre.act(act.PostBond(1, 150))
    theatre.refused("bond-exceeded", act.PostBond(1, 51))
    theatre.refused("wrong-stage", act.Withdraw(CLIENT, 1))
    theatre.wait(START + 50)
    events = theatre.act(act.Cancel())
    assert [500] == [event.amount for event in events if isinstance(event, Refunded)]
    assert [("P1$", 150)] == [(event.to, event.amount) for event in events if isinstance(event, Paid)]
    assert 0 == theatre.balance


def test_activation_needs_every_signature_every_bond_and_the_first_reserve() -> None:
    theatre = Theatre(deal())
    everyone = frozenset({CLIENT, "P0", "P1", "B0"})
    theatre.refused("short-of-funds", act.Activate(everyone))
    theatre.act(act.PostBond(0, 200))
    theatre.act(act.PostBond(1, 200))
    theatre.act(act.Deposit(CLIENT, 1_413))
    theatre.refused("short-of-funds", act.Activate(everyone))
    theatre.act(act.Deposit(CLIENT, 1))
    for missing in everyone:
        theatre.refused("bad-party-signature", act.Activate(everyone - {missing}))
    theatre.act(act.Activate(everyone))
    theatre.refused("wrong-stage", act.Activate(everyone))


def test_the_client_withdraws_only_above_the_required_cover_and_one_reserve_more() -> None:
    theatre = Theatre(deal(challenge_window=0)).begin(funds=5_000)
    theatre.refused("short-of-funds", act.Withdraw(CLIENT, 5_000 - 1_414 + 1))
    theatre.refused("not-client", act.Withdraw("P0", 1))
    theatre.wait(START)
    theatre.refused("short-of-funds", act.Withdraw(CLIENT, 5_000 - 2 * 1_414 + 1))
    theatre.act(act.Withdraw(CLIENT, 5_000 - 2 * 1_414))
    theatre.refused("nothing-to-do", act.Withdraw(CLIENT, 0))
