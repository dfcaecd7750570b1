"""What a unit of gas may cost: calls, and the empty transactions that take their nonces."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pyoutcome.chain.fees import GWEI, FeePolicy, Fees, quote
from pyoutcome.errors import ChainError
from tests.chain.conftest import refused

prices = st.integers(0, 1000 * GWEI)
limits = st.integers(1, 1000 * GWEI)


def stuck(policy: FeePolicy, looks: list[tuple[int, int]]) -> list[Fees]:
    """What a call is offered, look by look, at these base fees and tips, while nothing is mined."""
    offered: list[Fees] = []
    for base_fee, tip in looks:
        with suppress(ChainError):
            offered.append(policy.raised(offered[-1], base_fee, tip) if offered else policy.first(base_fee, tip))
    return offered


@given(limits, st.lists(st.tuples(prices, prices), max_size=40))
def test_whatever_a_call_is_offered_an_empty_transaction_can_outbid_it_below_the_limit(
    highest: int, looks: list[tuple[int, int]]
) -> None:
    policy = FeePolicy(highest)
    for fees in stuck(policy, looks):
        assert fees.tip <= fees.price <= highest * 8 // 9
        empty = policy.raised_for_nothing(fees, 0, 0, over_a_call=True)
        assert 8 * empty.price >= 9 * fees.price
        assert 8 * empty.tip >= 9 * fees.tip
        assert empty.price <= highest


@given(limits, st.lists(st.tuples(prices, prices), max_size=40), prices, prices)
def test_an_empty_transaction_that_waits_is_offered_no_more_than_twice_what_a_new_one_would_be(
    highest: int, looks: list[tuple[int, int]], base_fee: int, tip: int
) -> None:
    policy = FeePolicy(highest)
    for call in stuck(policy, looks):
        offered = [policy.raised_for_nothing(call, 0, 0, over_a_call=True)]
        with suppress(ChainError):
            while len(offered) < 1000:
                offered.append(policy.raised_for_nothing(offered[-1], base_fee, tip, over_a_call=False))
        assert len(offered) < 1000  # it ends by itself
        for before, after in pairwise(offered):
            assert 8 * after.price >= 9 * before.price
            assert base_fee + after.tip <= after.price <= min(highest, 2 * quote(base_fee, tip).price)


def test_it_follows_the_network_up_to_the_limit() -> None:
    policy = FeePolicy()
    given_up = policy.first(10 * GWEI, GWEI)
    empty = policy.raised_for_nothing(given_up, 10 * GWEI, GWEI, over_a_call=True)
    assert empty.price < 24 * GWEI
    dearer = policy.raised_for_nothing(empty, 100 * GWEI, GWEI, over_a_call=False)
    assert 200 * GWEI < dearer.price < 203 * GWEI
    with refused("fee-above-limit"):
        policy.raised_for_nothing(dearer, 501 * GWEI, GWEI, over_a_call=False)
