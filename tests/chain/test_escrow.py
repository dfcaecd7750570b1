"""An active escrow's behaviour through its client: one suite, on the embedded chain and on anvil."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from eth_utils.crypto import keccak

from pyoutcome.chain.blocks import ZERO_ADDRESS
from pyoutcome.chain.escrow import Account, PeriodStage, PeriodState, Stage
from pyoutcome.decimals import ONE
from pyoutcome.errors import ProtocolError
from pyoutcome.protocol import MISSING, Domain, Provider, events
from tests.chain.conftest import KINDS, refused
from tests.chain.scene import (
    DEFAULT_WINDOW,
    ENDS,
    EVIDENCE,
    EVIDENCE_WINDOW,
    RELEASE,
    RESERVE,
    STARTS,
    UNIT,
    Scene,
    names,
    nothing_happens,
    scene_on,
)

# --- periods ----------------------------------------------------------------------------------------------------------


def test_a_report_of_two_verifiers_settles_and_pays_in_one_transaction(active: Scene) -> None:
    values = active.values("0.9", "0.75")
    active.network.advance_to(ENDS[0])
    report = active.a_report(1, values)
    done = active.escrow.report(active.outsider, 1, values, EVIDENCE, active.signed(report, by=(2, 0)))
    first, second = (provider.address for provider in active.providers)
    assert [
        events.Reported(1, EVIDENCE, values, 0b101),
        events.Settled(1, (900 * UNIT, 1_500 * UNIT), 0),
        events.Credited(1, 0, 900 * UNIT, set_off=0, held=45 * UNIT, paid=855 * UNIT, owed=0),
        events.Credited(1, 1, 1_500 * UNIT, set_off=0, held=75 * UNIT, paid=1_425 * UNIT, owed=0),
        events.Paid(0, first, 855 * UNIT),
        events.Paid(1, second, 1_425 * UNIT),
    ] == [located.event for located in done.events]
    assert (855 * UNIT, 1_425 * UNIT) == (active.token.balance(first), active.token.balance(second))
    assert PeriodStage.SETTLED == active.escrow.period_state(1).stage
    assert PeriodStage.NONE == active.escrow.period_state(2).stage
    assert 17_600 * UNIT == active.escrow.funds()
    assert 17_720 * UNIT == active.escrow.tracked() == active.escrow.balance()
    expected = Account(75 * UNIT, 0, 0, 0, 0, holder=second, payout=second, slot=1, first=1, released=False)
    assert expected == active.escrow.account(1)


def test_a_report_is_refused_before_its_time_twice_and_for_no_period(active: Scene) -> None:
    values = active.values("0.5", "0.5")
    early = active.a_report(1, values)
    with nothing_happens(active, "too-early") as info:
        active.escrow.report(active.outsider, 1, values, EVIDENCE, active.signed(early))
    assert ENDS[0] == info.value.details["possible_from"]
    active.settle(1, values)
    with nothing_happens(active, "already-settled"):
        active.escrow.report(active.outsider, 1, values, EVIDENCE, active.signed(early))
    for period in (0, 4):
        report = active.a_report(period, values)
        with nothing_happens(active, "no-such-period"):
            active.escrow.report(active.outsider, period, values, EVIDENCE, active.signed(report))


def test_a_report_needs_a_quorum_that_signed_exactly_this(active: Scene) -> None:
    values = active.values("0.5", "0.5")
    active.network.advance_to(ENDS[1])
    report = active.a_report(1, values)
    good = active.signed(report)

    def submit(signatures: dict[int, bytes]) -> None:
        active.escrow.report(active.outsider, 1, values, EVIDENCE, signatures)

    with nothing_happens(active, "no-quorum") as info:
        submit({1: good[1]})
    assert {"given": 1, "needed": 2} == info.value.details
    with nothing_happens(active, "bad-verifier-signature") as info:
        submit({0: good[1], 1: good[1]})
    assert {"index": 0} == info.value.details
    with nothing_happens(active, "bad-verifier-order"):
        submit({0: good[0], 3: good[1]})
    domain = active.domain
    for other in (
        active.signed(replace(report, period=2)),
        active.signed(replace(report, values=active.values("0.5", "0.6"))),
        active.signed(replace(report, evidence_digest=keccak(b"other evidence"))),
        active.signed(replace(report, nonce=1)),
        active.signed(replace(report, terms_hash=keccak(b"other terms"))),
        active.signed(replace(report, escrow=active.token.address)),
        active.signed(report, domain=Domain(1, domain.factory)),
        active.signed(report, domain=Domain(domain.chain_id, active.escrow.address)),
    ):
        with nothing_happens(active, "bad-verifier-signature"):
            submit(dict(other))
    assert PeriodStage.NONE == active.escrow.period_state(1).stage
    submit(dict(good))


def test_values_are_checked_against_their_kpi(active: Scene) -> None:
    active.network.advance_to(ENDS[0])
    for code, values, details in (
        ("wrong-value-count", (ONE,), {"given": 1, "needed": 2}),
        ("bad-value", (ONE + 10**14, 0), {"kpi": 0, "value": ONE + 10**14}),
        ("bad-value", (0, 10**13), {"kpi": 1, "value": 10**13}),
        ("bad-value", (0, MISSING), {"kpi": 1, "value": MISSING}),
    ):
        signatures = active.signed(active.a_report(1, values))
        with nothing_happens(active, code) as info:
            active.escrow.report(active.outsider, 1, values, EVIDENCE, signatures)
        assert details == info.value.details
    active.settle(1, (MISSING, ONE))
    settled = next(one.event for one in active.escrow.events() if isinstance(one.event, events.Settled))
    assert (0, 2_000 * UNIT) == settled.amounts


def test_overdue_evidence_ends_in_the_default(active: Scene) -> None:
    due = ENDS[0] + EVIDENCE_WINDOW
    with nothing_happens(active, "too-early") as info:
        active.escrow.propose_default(active.outsider, 1)
    assert due == info.value.details["possible_from"]
    with nothing_happens(active, "not-proposed"):
        active.escrow.settle(active.outsider, 1)
    active.network.advance_to(due)
    active.escrow.propose_default(active.outsider, 1)
    settles_at = active.escrow.period_state(1).until
    assert PeriodState(PeriodStage.DEFAULTED, settles_at, 1, 0) == active.escrow.period_state(1)
    assert 0 <= settles_at - (due + DEFAULT_WINDOW) <= 60
    with nothing_happens(active, "already-proposed"):
        active.escrow.propose_default(active.outsider, 1)
    with nothing_happens(active, "too-early"):
        active.escrow.settle(active.outsider, 1)
    active.network.advance_to(settles_at)
    done = active.escrow.settle(active.outsider, 1)
    assert [
        events.Settled(1, (0, 500 * UNIT), 0),
        events.Credited(1, 1, 500 * UNIT, set_off=0, held=25 * UNIT, paid=475 * UNIT, owed=0),
        events.Paid(1, active.providers[1].address, 475 * UNIT),
    ] == [located.event for located in done.events]
    assert PeriodStage.SETTLED == active.escrow.period_state(1).stage


def test_a_report_in_time_replaces_a_proposed_default_and_a_late_one_does_not(active: Scene) -> None:
    active.network.advance_to(ENDS[1] + EVIDENCE_WINDOW)
    for period in (1, 2):
        active.escrow.propose_default(active.outsider, period)
    active.settle(1, active.values("1", "1"))
    assert 3_000 * UNIT - 150 * UNIT == sum(active.token.balance(one.address) for one in active.providers)
    active.network.advance_to(active.escrow.period_state(2).until)
    values = active.values("1", "1")
    with nothing_happens(active, "too-late"):
        active.escrow.report(active.outsider, 2, values, EVIDENCE, active.signed(active.a_report(2, values)))


# --- money ------------------------------------------------------------------------------------------------------------


def test_what_is_not_covered_is_owed_and_paid_first_when_money_comes(offer: Scene) -> None:
    offer.fund(RESERVE)
    offer.accept()
    offer.escrow.activate(offer.outsider)
    offer.settle(1, offer.values("1", "1"))
    offer.settle(2, offer.values("1", "0.5"))
    first, second = offer.escrow.account(0), offer.escrow.account(1)
    assert (0, 1_000 * UNIT, 1_000 * UNIT, 2) == (
        offer.escrow.funds(),
        first.arrears,
        second.arrears,
        offer.escrow.queue_length(),
    )
    with nothing_happens(offer, "arrears-first"):
        offer.escrow.withdraw(offer.client, 1)
    with nothing_happens(offer, "nothing-to-do"):
        offer.escrow.pay_arrears(offer.outsider, 10)
    offer.fund(1_500 * UNIT)
    done = offer.escrow.pay_arrears(offer.outsider, 10)
    paid = [one.event.amount for one in done.events if isinstance(one.event, events.ArrearsPaid)]
    held = [one.event.amount for one in done.events if isinstance(one.event, events.ArrearsHeld)]
    assert 1_500 * UNIT == sum(paid) + sum(held)
    assert (0, 500 * UNIT) == (offer.escrow.account(0).arrears, offer.escrow.account(1).arrears)


def test_a_negative_amount_is_debt_that_later_credits_cancel(active: Scene) -> None:
    active.settle(1, active.values("-1", "1"))
    assert 1_000 * UNIT == active.escrow.account(0).debt
    active.network.advance_to(ENDS[1])
    values = active.values("0.4", "1")
    done = active.escrow.report(active.outsider, 2, values, EVIDENCE, active.signed(active.a_report(2, values)))
    credited = next(one.event for one in done.events if isinstance(one.event, events.Credited))
    assert (400 * UNIT, 0) == (credited.set_off, credited.paid)
    assert 600 * UNIT == active.escrow.account(0).debt
    assert 0 == active.token.balance(active.providers[0].address)


def test_the_client_withdraws_only_what_is_not_needed(active: Scene) -> None:
    active.network.advance_to(STARTS)
    assert RESERVE == active.escrow.required_cover()
    spare = 20_000 * UNIT - 2 * RESERVE
    with nothing_happens(active, "not-client"):
        active.escrow.withdraw(active.providers[0], 1)
    with nothing_happens(active, "short-of-funds") as info:
        active.escrow.withdraw(active.client, spare + 1)
    assert {"available": spare, "needed": spare + 1} == info.value.details
    active.escrow.withdraw(active.client, spare)
    assert spare == active.token.balance(active.client.address)


def test_a_provider_moves_its_own_payout_address(active: Scene) -> None:
    target = active.outsider.address
    with nothing_happens(active, "not-provider"):
        active.escrow.move_payout(active.providers[1], 0, target)
    with nothing_happens(active, "no-such-provider"):
        active.escrow.move_payout(active.providers[0], 2, target)
    with nothing_happens(active, "push-refused"):
        active.escrow.move_payout(active.providers[0], 0, ZERO_ADDRESS)
    active.escrow.move_payout(active.providers[0], 0, target)
    active.settle(1, active.values("1", "0"))
    assert 950 * UNIT == active.token.balance(target)
    with nothing_happens(active, "nothing-to-do"):
        active.escrow.claim(active.providers[0], 0, target)


def test_money_sent_without_a_word_becomes_client_funding(active: Scene) -> None:
    active.token.mint(active.outsider, active.escrow.address, 5)
    assert 20_000 * UNIT == active.escrow.funds()
    assert [events.Synced(5)] == [one.event for one in active.escrow.sync(active.outsider).events]
    assert 20_000 * UNIT + 5 == active.escrow.funds()
    with nothing_happens(active, "nothing-to-do"):
        active.escrow.sync(active.outsider)


def test_a_deposit_needs_the_tokens_and_draws_no_more_than_said(offer: Scene) -> None:
    with refused("not-enough-tokens"):
        offer.escrow.deposit(offer.client, 7)
    offer.token.mint(offer.outsider, offer.outsider.address, 100)
    offer.escrow.deposit(offer.outsider, 7)
    assert (93, 0, 7) == (
        offer.token.balance(offer.outsider.address),
        offer.token.allowance(offer.outsider.address, offer.escrow.address),
        offer.escrow.balance(),
    )
    with nothing_happens(offer, "nothing-to-do"):
        offer.escrow.deposit(offer.client, 0)
    with refused("wrong-coin-amount"):
        offer.escrow.act(offer.client, "deposit", 5, value=5)
    with refused("not-allowed-to-draw"):
        offer.escrow.act(offer.outsider, "deposit", 5)


def test_closing_releases_holdback_and_returns_the_rest(active: Scene) -> None:
    with nothing_happens(active, "too-early"):
        active.escrow.close(active.outsider, 10)
    for period in (1, 2, 3):
        active.settle(period, active.values("1", "1"))
    with nothing_happens(active, "too-early") as info:
        active.escrow.close(active.outsider, 10)
    assert RELEASE == info.value.details["possible_from"]
    active.network.advance_to(RELEASE)
    done = active.escrow.close(active.outsider, 10)
    assert ["HoldbackReleased", "Paid", "HoldbackReleased", "Paid", "Closed"] == names(done)
    assert [3_000 * UNIT, 6_000 * UNIT] == [active.token.balance(one.address) for one in active.providers]
    assert (11_000 * UNIT, 0, 0) == (
        active.token.balance(active.client.address),
        active.escrow.tracked(),
        active.escrow.balance(),
    )
    assert Stage.CLOSED == active.escrow.stage()
    with nothing_happens(active, "wrong-stage"):
        active.escrow.close(active.outsider, 10)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_story_in_the_native_coin(kind: str, tmp_path: Path) -> None:
    with scene_on(kind, tmp_path, native=True) as scene:
        assert scene.escrow.token() is None
        scene.accept()
        with pytest.raises(ProtocolError, match="short-of-funds"):
            scene.escrow.activate(scene.outsider)
        scene.fund(10**19)
        scene.escrow.activate(scene.outsider)
        before = [scene.network.balance(one.address) for one in scene.providers]
        for period in (1, 2, 3):
            scene.settle(period, scene.values("0.5", "1"))
        scene.network.advance_to(RELEASE)
        scene.escrow.close(scene.outsider, 1)
        after = [scene.network.balance(one.address) for one in scene.providers]
        assert [3 * 10**18 // 2, 6 * 10**18] == [late - early for early, late in zip(before, after, strict=True)]
        assert 0 == scene.escrow.balance()


# --- reading ----------------------------------------------------------------------------------------------------------


def test_events_are_read_in_order_and_from_where_one_left_off(active: Scene) -> None:
    active.settle(1, active.values("1", "1"))
    whole = active.escrow.events()
    assert ["Deposited", "Accepted", "Activated", "Reported", "Settled"] == [
        type(one.event).__name__ for one in whole[:5]
    ]
    places = [(one.block, one.index) for one in whole]
    assert sorted(places) == places
    assert all(early.timestamp <= late.timestamp for early, late in pairwise(whole))
    seen = active.network.head().number
    assert [] == active.escrow.events(seen + 1)
    active.settle(2, active.values("1", "1"))
    fresh = active.escrow.events(seen + 1)
    assert [*whole, *fresh] == active.escrow.events()
    assert whole == active.escrow.events(0, seen)
    assert {2} == {one.event.period for one in fresh if isinstance(one.event, events.Credited)}


def test_the_cost_of_a_step_is_known_before_it_is_taken(active: Scene) -> None:
    active.network.advance_to(ENDS[0])
    values = active.values("1", "1")
    signatures = active.signed(active.a_report(1, values))
    call: Callable[..., object] = active.escrow.preview
    cost = call(active.outsider.address, "report", active.escrow.pack_report(1, values, EVIDENCE, signatures))
    assert PeriodStage.NONE == active.escrow.period_state(1).stage
    done = active.escrow.report(active.outsider, 1, values, EVIDENCE, signatures)
    assert done.receipt.fee <= getattr(cost, "most", 0)
    other = replace(active.deal, nonce=9)
    assert active.factory.preview_create(active.outsider.address, other).most > 0
    with pytest.raises(ProtocolError, match="already-settled"):
        call(active.outsider.address, "settle", 1, [])


def test_a_payout_may_differ_from_the_signer(offer: Scene) -> None:
    arguments = offer.deal.arguments
    payee = offer.outsider.address
    moved = replace(arguments, providers=(Provider(arguments.providers[0].signer, payee), arguments.providers[1]))
    deal = replace(offer.deal, arguments=moved)
    escrow, _ = offer.factory.create(offer.outsider, deal)
    scene = replace(offer, deal=deal, escrow=escrow)
    scene.start()
    scene.settle(1, scene.values("1", "0"))
    assert 950 * UNIT == scene.token.balance(payee)
