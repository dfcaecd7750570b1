"""Books folded from events: what every entry and every balance must satisfy, whatever happened."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyoutcome.errors import LedgerError
from pyoutcome.ledger import (
    EscrowBalances,
    ProviderBalance,
    balances,
    escrow_balances,
    fold,
    provider_balances,
    reconcile,
    running_balances,
    trial_balance,
)
from pyoutcome.ledger.postings import movement_of
from pyoutcome.protocol import events
from pyoutcome.protocol.events import Event, Located
from tests.ledger.stories import ADDRESS, NAMES, Story, stories

MOVES_NOTHING = {"Activated", "Settled", "PayoutMoved", "ClaimRecorded"}


def on_chain(story: Story) -> EscrowBalances:
    """What the escrow's views would say at the end of the story."""
    return EscrowBalances(
        token_balance=story.tracked,
        tracked=story.tracked,
        funds=story.funds,
        providers={
            name: ProviderBalance(
                earned=box.earned,
                paid=box.paid,
                held=box.held,
                debt=box.debt,
                arrears=sum(box.owed.values()),
                claimable=box.claimable,
            )
            for name, box in zip(NAMES, story.boxes, strict=True)
        },
    )


def begun() -> Story:
    """An active escrow with 1,000 base units, before anything is settled."""
    story = Story(funds=1000)
    story.transact(events.Deposited(ADDRESS, 1000))
    story.transact(events.Activated(b"\1" * 32))
    return story


def refusal(story: Story) -> str:
    with pytest.raises(LedgerError) as caught:
        fold(story.located, NAMES)
    return caught.value.code


@given(stories())
def test_every_entry_sums_to_zero(story: Story) -> None:
    for entry in fold(story.located, NAMES).entries:
        assert 0 == sum(posting.amount for posting in entry.postings)
        assert all(posting.amount for posting in entry.postings)


@given(stories())
def test_the_books_agree_with_the_chain_to_the_base_unit(story: Story) -> None:
    journal = fold(story.located, NAMES)

    assert on_chain(story) == escrow_balances(journal)
    found = reconcile(journal, on_chain(story))
    assert ((), 4 + 5 * len(NAMES), 0) == (found.differences, found.compared, found.surplus)


@given(stories())
def test_each_movement_of_money_is_exactly_one_entry(story: Story) -> None:
    moved = [
        (located.block, located.index, type(located.event).__name__)
        for located in story.located
        if type(located.event).__name__ not in MOVES_NOTHING and _moves(located.event)
    ]

    assert moved == [(entry.block, entry.index, entry.kind) for entry in fold(story.located, NAMES).entries]


def _moves(event: Event) -> bool:
    return bool(getattr(event, "amount", None) or getattr(event, "change", None))


@given(stories())
def test_the_trial_balance_balances_and_has_the_escrow_s_money_on_the_debit_side(story: Story) -> None:
    lines = trial_balance(fold(story.located, NAMES))

    assert sum(line.debit for line in lines) == sum(line.credit for line in lines)
    assert story.tracked == sum(line.debit for line in lines if line.account == "assets:escrow")
    assert all((line.debit > 0) != (line.credit > 0) for line in lines)


@given(stories())
def test_promises_stand_in_pairs(story: Story) -> None:
    """What the client owes is what providers are owed, and the other way round for debt."""
    books = balances(fold(story.located, NAMES))

    assert books["client:owing"] == -sum(books[f"provider:{name}:arrears"] for name in NAMES)
    assert -books["client:recoverable"] == sum(books[f"provider:{name}:debt"] for name in NAMES)


@given(stories())
def test_the_rows_say_what_each_period_gave_each_provider(story: Story) -> None:
    rows = fold(story.located, NAMES).rows

    assert story.amounts == {(row.period, NAMES.index(row.provider)): row.amount for row in rows}
    assert all(row.amount == row.set_off + row.held + row.paid + row.owed - row.new_debt for row in rows)
    for index, box in enumerate(story.boxes):
        owed = {row.period: row.still_owed for row in rows if row.provider == NAMES[index] and row.still_owed}
        assert box.owed == owed


@given(stories())
def test_balances_at_a_block_are_those_of_the_story_cut_there(story: Story) -> None:
    whole = fold(story.located, NAMES)
    for block, _ in groupby(story.located, key=lambda located: located.block):
        cut = fold([located for located in story.located if located.block <= block], NAMES)
        assert balances(cut) == balances(whole, until_block=block)
        assert escrow_balances(cut) == escrow_balances(whole, until_block=block)


@given(stories())
def test_running_balances_end_where_the_balances_are(story: Story) -> None:
    journal = fold(story.located, NAMES)
    last: dict[str, int] = {}
    for entry, before in running_balances(journal):
        last = dict(before)
        for posting in entry.postings:
            last[posting.account] += posting.amount

    assert (last or balances(journal)) == balances(journal)


@given(stories(), st.data())
def test_an_event_given_twice_is_refused(story: Story, data: st.DataObject) -> None:
    at = data.draw(st.sampled_from(range(len(story.located))))
    story.located.insert(at, story.located[at])

    assert "events-out-of-order" == refusal(story)


@given(stories(), st.data())
def test_events_in_another_order_are_refused(story: Story, data: st.DataObject) -> None:
    at = data.draw(st.sampled_from(range(len(story.located) - 1)))
    story.located[at], story.located[at + 1] = story.located[at + 1], story.located[at]

    # Which rule is broken first depends on the two events; that one is broken does not.
    with pytest.raises(LedgerError):
        fold(story.located, NAMES)


@settings(max_examples=200)
@given(stories(), st.data())
def test_a_lost_event_never_goes_unseen(story: Story, data: st.DataObject) -> None:
    """Without one event that moves money, the books are refused or differ from the chain."""
    moving = [at for at, located in enumerate(story.located) if _moves(located.event)]
    if not moving:
        return
    at = data.draw(st.sampled_from(moving))
    lost = story.located.pop(at)
    try:
        journal = fold(story.located, NAMES)
    except LedgerError:
        return
    if isinstance(lost.event, events.ClaimRecorded):
        assert len(journal.claims) < sum(1 for box in story.boxes if box.owed or box.debt)
    else:
        assert reconcile(journal, on_chain(story)).differences


def test_a_surplus_nobody_booked_is_shown_and_is_no_difference() -> None:
    story = begun()
    chain = replace(on_chain(story), token_balance=1007)

    found = reconcile(fold(story.located, NAMES), chain)

    assert ((), 7) == (found.differences, found.surplus)


@pytest.mark.parametrize(
    ("altered", "what"),
    [
        ({"tracked": 999, "token_balance": 999}, ["tracked", "token balance"]),
        ({"token_balance": 999}, ["token balance"]),
        ({"funds": 1001}, ["funds"]),
        ({"client_claimable": 1}, ["client claimable"]),
    ],
)
def test_each_balance_that_differs_is_named(altered: dict[str, int], what: list[str]) -> None:
    story = begun()
    chain = replace(on_chain(story), **altered)  # type: ignore[arg-type]

    assert what == [found.what for found in reconcile(fold(story.located, NAMES), chain).differences]


@pytest.mark.parametrize("part", ["held", "debt", "arrears", "claimable", "bond"])
def test_each_balance_of_a_provider_that_differs_is_named(part: str) -> None:
    story = begun()
    chain = on_chain(story)
    altered = replace(chain.providers["B6"], **{part: 1})

    found = reconcile(fold(story.located, NAMES), replace(chain, providers={**chain.providers, "B6": altered}))

    assert [(part, "B6", 0, 1)] == [(d.what, d.provider, d.books, d.chain) for d in found.differences]


def test_an_event_without_a_rule_is_refused() -> None:
    class Taxed(Event):
        pass

    story = begun()
    story.transact(Taxed())

    assert "unknown-event" == refusal(story)


def test_every_event_of_the_contracts_has_a_rule() -> None:
    """A new event cannot be forgotten: the ledger must know each one that the Solidity interfaces declare."""
    interfaces = Path(__file__).parents[2] / "contracts" / "interfaces"
    declared = [
        name
        for file in ("IEscrowFactory.sol", "IEscrowEvents.sol")
        for name in re.findall(r"^\s*event (\w+)\(", (interfaces / file).read_text(), re.MULTILINE)
    ]
    assert 20 <= len(declared)
    declared = [name for name in declared if not name.endswith("InFull")]  # read as the events they stand for
    refuses = movement_of.dispatch(Event)
    assert [] == [name for name in declared if movement_of.dispatch(getattr(events, name)) is refuses]


CREDIT = events.Credited(1, 0, 100, 0, 5, 95, 0)
OWED = replace(CREDIT, paid=90, owed=5)
SETTLED = events.Settled(1, (100, 0, 0), 0)
PAID = events.Paid(0, ADDRESS, 95)


@pytest.mark.parametrize(
    ("happened", "code"),
    [
        ([SETTLED, replace(CREDIT, paid=94), PAID], "event-does-not-add-up"),
        ([SETTLED, replace(CREDIT, held=-5, paid=105), PAID], "event-does-not-add-up"),
        ([SETTLED, replace(CREDIT, amount=99, paid=94), replace(PAID, amount=94)], "credit-differs"),
        ([SETTLED], "credit-differs"),
        ([CREDIT, PAID], "credit-differs"),
        ([SETTLED, CREDIT, CREDIT, PAID], "credit-differs"),
        ([SETTLED, CREDIT, PAID, SETTLED], "settled-twice"),
        ([events.Settled(1, (100, 0), 0)], "event-does-not-add-up"),
        ([SETTLED, CREDIT], "payment-missing"),
        ([SETTLED, CREDIT, replace(PAID, amount=96)], "payment-missing"),
        ([PAID], "payment-missing"),
        ([replace(PAID, provider=3)], "unknown-provider"),
        ([replace(PAID, provider=-1)], "unknown-provider"),
        ([replace(PAID, amount=-1)], "event-does-not-add-up"),
        ([events.Withdrawn(1001)], "balance-below-zero"),
        ([events.Claimed(0, ADDRESS, 1)], "balance-below-zero"),
        ([events.Synced(-1001)], "balance-below-zero"),
        ([events.HoldbackReleased(0, 5, 1, 3)], "event-does-not-add-up"),
        ([events.HoldbackReleased(0, 5, 0, 5), events.Paid(0, ADDRESS, 5)], "balance-below-zero"),
        ([events.ArrearsPaid(1, 0, 5), events.Paid(0, ADDRESS, 5)], "arrears-differ"),
        ([SETTLED, OWED, replace(PAID, amount=90), events.ArrearsPaid(1, 0, 6)], "arrears-differ"),
        ([events.ClaimRecorded(0, 1)], "claim-differs"),
        ([events.ClaimRecorded(7, 1)], "unknown-provider"),
        ([events.Activated(b"\1" * 32)], "event-out-of-stage"),
        ([events.Cancelled()], "event-out-of-stage"),
        ([events.Closed(1000), SETTLED], "event-out-of-stage"),
    ],
)  # fmt: skip
def test_events_that_do_not_add_up_are_refused(happened: list[Event], code: str) -> None:
    story = begun()
    story.transact(*happened)

    assert code == refusal(story)


def test_debt_and_arrears_of_one_provider_cancel_at_once() -> None:
    story = begun()
    story.transact(SETTLED, replace(CREDIT, held=0, paid=0, owed=100))
    settled, credit = events.Settled(2, (-30, 0, 0), 0), events.Credited(2, 0, -30, 0, 0, 0, 0)
    story.transact(settled, credit)

    assert "debt-beside-arrears" == refusal(story)

    story.located.pop()
    story.located.pop()
    story.transact(settled, credit, events.ArrearsSetOff(1, 0, 30))
    account = provider_balances(fold(story.located, NAMES))["UA"]
    assert (70, 0, 70) == (account.earned, account.debt, account.arrears)


def test_arrears_of_one_period_are_not_paid_twice_out_of_another() -> None:
    story = begun()
    story.transact(SETTLED, replace(CREDIT, held=0, paid=95, owed=5), PAID)
    settled = events.Settled(2, (50, 0, 0), 0)
    story.transact(settled, events.Credited(2, 0, 50, 0, 0, 0, 50))
    payment = (events.ArrearsPaid(1, 0, 5), events.Paid(0, ADDRESS, 5))
    story.transact(*payment)
    fold(story.located, NAMES)

    story.transact(*payment)
    assert "arrears-differ" == refusal(story)


def test_one_provider_s_debt_is_not_set_off_by_another() -> None:
    story = begun()
    settled = events.Settled(1, (-10, 5, 0), 0)
    story.transact(settled, events.Credited(1, 0, -10, 0, 0, 0, 0), events.Credited(1, 1, 5, 5, 0, 0, 0))

    assert "balance-below-zero" == refusal(story)


def test_nothing_is_settled_before_activation() -> None:
    story = Story()
    story.transact(events.Deposited(ADDRESS, 1000))
    story.transact(SETTLED, CREDIT, PAID)

    assert "event-out-of-stage" == refusal(story)


def test_a_cancelled_offer_returns_everything() -> None:
    story = Story()
    story.transact(events.Deposited(ADDRESS, 1000))
    story.transact(events.Cancelled(), events.Refunded(1000))

    assert 0 == balances(fold(story.located, NAMES))["assets:escrow"]


def test_a_clock_that_runs_backwards_is_refused() -> None:
    story = begun()
    story.transact(SETTLED, CREDIT, PAID)
    story.located[-1] = replace(story.located[-1], timestamp=story.located[-1].timestamp - 1)

    assert "events-out-of-order" == refusal(story)


def test_a_block_has_one_time() -> None:
    story = begun()
    story.transact(SETTLED, CREDIT, PAID)
    story.located[-1] = replace(story.located[-1], timestamp=story.located[-1].timestamp + 1)

    assert "events-out-of-order" == refusal(story)


@pytest.mark.parametrize("names", [("UA", "UA"), ("a:b",), ("",), ("=1+1",), ("x" * 65,), ("two words",)])
def test_ids_that_cannot_stand_in_an_account_name_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(LedgerError) as caught:
        fold([], names)
    assert "provider-names" == caught.value.code


def test_without_events_the_books_are_empty() -> None:
    journal = fold([], NAMES)

    assert () == journal.entries
    assert {0} == set(balances(journal).values())


def test_one_settled_month_in_full() -> None:
    """The worked example of docs/ledger.md."""
    story = begun()
    story.transact(SETTLED, CREDIT, PAID)

    entries = fold(story.located, NAMES).entries[1:]

    assert [
        ("Credited", "UA credited for period 1", 1),
        ("Paid", f"UA paid at {ADDRESS}", None),
    ] == [(entry.kind, entry.narration, entry.period) for entry in entries]
    assert [
        [("client:funding", 100), ("provider:UA:payable", -95), ("provider:UA:held", -5)],
        [("provider:UA:payable", 95), ("assets:escrow", -95)],
    ] == [[(posting.account, posting.amount) for posting in entry.postings] for entry in entries]


def test_logs_of_one_block_keep_their_order_across_transactions() -> None:
    """Two transactions in one block are told apart by their hash; each must settle its own money."""
    story = begun()
    story.transact(SETTLED, CREDIT, PAID)
    last = story.located[-1]
    story.located[-1] = Located(last.event, last.block, last.index, b"\2" * 32, last.timestamp)

    assert "payment-missing" == refusal(story)
