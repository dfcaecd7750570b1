"""How amounts become set-off, holdback, payment and arrears: worked figures and properties of the splits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pyoutcome.decimals import ONE
from pyoutcome.protocol import actions as act
from pyoutcome.protocol.events import (
    ArrearsHeld,
    ArrearsPaid,
    ArrearsSetOff,
    BondTaken,
    ClaimRecorded,
    Closed,
    Credited,
    HoldbackReleased,
    Paid,
)
from pyoutcome.protocol.money import share_floor, split_floor
from pyoutcome.protocol.state import Stage
from tests.protocol.profiles import CASES
from tests.protocol.theatre import CLIENT, Linear, Theatre, deal

# Linear: 100.7 x value - 300, truncated: 0 -> -300, 2 -> -98, 3 -> 2, 4 -> 102, 5 -> 203, 6 -> 304, 8 -> 505, 9 -> 606.


def credited(events: tuple[object, ...]) -> list[tuple[int, int, int, int, int]]:
    """Amount, set-off, held, paid, owed of each payee."""
    return [(e.amount, e.set_off, e.held, e.paid, e.owed) for e in events if isinstance(e, Credited)]


def no_window(**changes: object) -> Theatre:
    return Theatre(deal(challenge_window=0, **changes))  # type: ignore[arg-type]


@CASES
@given(funds=st.integers(0, 10**30), claims=st.lists(st.integers(0, 10**29), min_size=1, max_size=8).map(tuple))
def test_shares_of_a_shortage_use_the_funds_to_the_last_unit_and_exceed_no_claim(
    funds: int, claims: tuple[int, ...]
) -> None:
    shares = share_floor(funds, claims)
    assert min(funds, sum(claims)) == sum(shares)
    assert all(0 <= share <= claim for share, claim in zip(shares, claims, strict=True))


@CASES
@given(funds=st.integers(0, 999), claims=st.lists(st.integers(0, 1_000), min_size=1, max_size=8).map(tuple))
def test_each_share_is_within_one_unit_of_its_exact_proportion(funds: int, claims: tuple[int, ...]) -> None:
    total = sum(claims)
    if funds < total:
        for share, claim in zip(share_floor(funds, claims), claims, strict=True):
            assert abs(share * total - funds * claim) < total


def test_cumulated_floors_by_hand() -> None:
    assert (3, 3, 4) == split_floor(10, (1, 1, 1))
    assert (0, 1) == split_floor(1, (1, 1))


def test_amounts_are_truncated_toward_zero_once() -> None:
    theatre = no_window().begin()
    assert [(-98, 0, 0, 0, 0), (203, 0, 20, 183, 0)] == credited(theatre.report(1, 5, 2))  # 203.5 and -98.6


def test_a_positive_amount_first_cancels_own_debt_then_is_held_back_then_paid() -> None:
    theatre = no_window().begin()
    theatre.report(1, 2, 5)
    assert 98 == theatre.state.tenures[0].debt
    assert [(304, 98, 20, 186, 0), (304, 0, 30, 274, 0)] == credited(theatre.report(2, 6, 6))


def test_debt_of_one_payee_leaves_the_others_money_alone() -> None:
    theatre = no_window(bond=0).begin()
    assert [(-300, 0, 0, 0, 0), (304, 0, 30, 274, 0)] == sorted(credited(theatre.report(1, 0, 6)))


def test_in_a_shortage_payees_share_and_the_rest_is_owed() -> None:
    theatre = no_window(reserve=0).begin(funds=300)
    events = theatre.report(1, 8, 6)  # 505 + 304 = 809; 300*505/809 = 187.2, the other 113
    assert [(505, 0, 18, 169, 318), (304, 0, 11, 102, 191)] == credited(events)
    assert 0 == theatre.state.funds
    assert [(1, 0, 318), (1, 1, 191)] == [(entry.period, entry.tenure, entry.amount) for entry in theatre.state.queue]


def test_holdback_is_the_share_of_what_was_funded_however_the_money_comes() -> None:
    """Held back from every payment, and in the end exactly trunc(10 % of 505) = 50, as if paid at once."""
    theatre = no_window(reserve=0).begin(funds=300)
    theatre.report(1, 8, 6)
    for amount in (7, 100, 250, 500):
        theatre.act(act.Deposit(CLIENT, amount))
        theatre.act(act.PayArrears(9))
    assert () == theatre.state.queue
    assert (50, 30) == tuple(tenure.held for tenure in theatre.state.tenures)


def test_while_anyone_is_owed_every_new_sum_joins_the_queue_even_with_funds_present() -> None:
    theatre = no_window(reserve=0).begin(funds=300)
    theatre.report(1, 8, 6)
    theatre.act(act.Deposit(CLIENT, 5_000))
    events = theatre.report(2, 4, 4)
    assert [(102, 0, 0, 0, 102), (102, 0, 0, 0, 102)] == credited(events)
    theatre.refused("arrears-first", act.Withdraw(CLIENT, 1))
    paid = [(e.period, e.provider) for e in theatre.act(act.PayArrears(3)) if isinstance(e, ArrearsPaid)]
    assert [(1, 0), (1, 1), (2, 0)] == paid


def test_arrears_are_paid_oldest_first_and_in_parts() -> None:
    theatre = no_window(reserve=0).begin(funds=0)
    theatre.report(1, 4, 4)
    theatre.act(act.Deposit(CLIENT, 150))
    events = theatre.act(act.PayArrears(5))
    assert [(0, 92), (1, 44)] == [(e.provider, e.amount) for e in events if isinstance(e, ArrearsPaid)]
    assert [(0, 10), (1, 4)] == [(e.provider, e.amount) for e in events if isinstance(e, ArrearsHeld)]
    assert [54] == [entry.amount for entry in theatre.state.queue]
    theatre.refused("nothing-to-do", act.PayArrears(5))


def test_debt_and_own_arrears_cancel_at_once_oldest_first() -> None:
    theatre = no_window(reserve=0).begin(funds=0)
    theatre.report(1, 4, 4)
    theatre.report(2, 4, 4)
    events = theatre.report(3, 2, 4)  # -98 against 102 + 102 owed to the first payee
    assert [(1, 0, 98)] == [(e.period, e.provider, e.amount) for e in events if isinstance(e, ArrearsSetOff)]
    assert (0, 106) == (theatre.state.tenures[0].debt, theatre.state.tenures[0].arrears)
    events = theatre.report(4, 0, 4)  # -300 against 4 + 102
    assert [(1, 4), (2, 102)] == [(e.period, e.amount) for e in events if isinstance(e, ArrearsSetOff)]
    assert (194, 0) == (theatre.state.tenures[0].debt, theatre.state.tenures[0].arrears)


def test_set_offs_of_a_period_come_before_its_split_whatever_the_order_of_payees() -> None:
    """The second payee's new debt empties the queue, so the first is paid at once."""
    for order in (1, -1):
        theatre = no_window(reserve=0).begin(funds=0)
        theatre.report(1, *(2, 4)[::order])  # -98 and 102, which is owed
        theatre.act(act.Deposit(CLIENT, 60))
        theatre.report(2, *(6, 0)[::order])  # 304 less 98 of debt; -300 cancels the 102
        account = theatre.state.tenures[::order][0]
        assert (60, 146) == (account.paid + account.held, account.arrears)


def test_holdback_is_released_at_the_end_and_a_debt_takes_the_bond_before_it() -> None:
    theatre = no_window(periods=2, bond=30).begin()
    theatre.report(1, 8, 8)  # 505 each: 50 held
    theatre.report(2, 2, 8)  # -98 for the first
    theatre.wait(theatre.state.release_date())
    events = theatre.act(act.Close(5))
    assert [(0, 50, 50), (1, 100, 0)] == [
        (e.provider, e.amount, e.set_off) for e in events if isinstance(e, HoldbackReleased)
    ]
    assert [(0, -18)] == [(e.provider, e.amount) for e in events if isinstance(e, ClaimRecorded)]
    assert [30, 100] == [event.amount for event in events if isinstance(event, Paid)]


def test_a_debt_that_the_bond_covers_leaves_the_holdback_alone() -> None:
    theatre = no_window(periods=2).begin()
    theatre.report(1, 8, 8)
    theatre.report(2, 2, 8)
    theatre.wait(theatre.state.release_date())
    events = theatre.act(act.Close(5))
    assert [(0, 98)] == [(e.provider, e.amount) for e in events if isinstance(e, BondTaken)]
    assert [(0, 50, 0), (1, 100, 0)] == [
        (e.provider, e.amount, e.set_off) for e in events if isinstance(e, HoldbackReleased)
    ]


def test_closing_pays_arrears_first_and_refunds_only_with_an_empty_queue() -> None:
    theatre = no_window(periods=2, reserve=0).begin(funds=0)
    theatre.report(1, 8, 8)
    theatre.report(2, 8, 8)
    theatre.act(act.Deposit(CLIENT, 5_000))
    theatre.wait(theatre.state.release_date())
    theatre.act(act.Close(3))
    assert (Stage.ACTIVE, 1) == (theatre.state.stage, len(theatre.state.queue))
    theatre.refused("nothing-to-do", act.Close(0))
    events = theatre.act(act.Close(3))
    assert [5_000 - 4 * 505] == [event.amount for event in events if isinstance(event, Closed)]


def test_with_empty_funds_closing_records_what_remains_owed_and_money_that_comes_later_still_pays_it() -> None:
    theatre = no_window(periods=1, reserve=0, bond=0).begin(funds=100)
    theatre.report(1, 8, 8)
    theatre.wait(theatre.state.release_date())
    events = theatre.act(act.Close(5))
    assert [(0, 455), (1, 455)] == [(e.provider, e.amount) for e in events if isinstance(e, ClaimRecorded)]
    theatre.act(act.Deposit("outsider", 1_000))
    theatre.act(act.PayArrears(9))
    # Nothing is held back any more, for nobody could release it; what is left over goes to the client at once.
    assert (505, 505) == tuple(tenure.paid for tenure in theatre.state.tenures)
    assert (0, 0, 0) == (theatre.state.funds, theatre.state.tracked(), theatre.balance)


def test_a_reserve_must_cover_the_positive_amounts_not_their_sum() -> None:
    """+505 and -300 sum to 205, but the debt is no money yet: with 205 the first payee would be owed 300."""
    theatre = no_window(bond=0, reserve=205).begin(funds=205)
    assert [(-300, 0, 0, 0, 0), (505, 0, 20, 185, 300)] == sorted(credited(theatre.report(1, 8, 0)))


def test_covered_at_each_start_means_no_arrears_at_the_very_reserve() -> None:
    theatre = no_window(pricing=Linear(2)).begin(funds=1_414)
    for number in range(1, 5):
        theatre.report(number, 10, 10)
        theatre.act(act.Deposit(CLIENT, 1_414))
        assert () == theatre.state.queue
    assert theatre.deal.rules.reserve == 1_414
    assert ONE // 10 == theatre.deal.holdback_rate
