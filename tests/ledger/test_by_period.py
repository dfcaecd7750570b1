"""A provider's book by period: it adds up to the account, and says of each period what a plain count says."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pyoutcome.ledger import fold, party_book, state_book
from pyoutcome.ledger.by_period import PeriodLine, lines_by_period, split_by_period
from pyoutcome.protocol import events
from tests.ledger.stories import ADDRESS, NAMES, Story, stories

FIRST = date(2013, 1, 1)
START = int(datetime(2013, 1, 1, tzinfo=UTC).timestamp())


def of(lines: tuple[PeriodLine, ...], account: str) -> dict[int | None, int]:
    """What each period closes with on an account."""
    return {line.period: line.closing for line in lines if line.account == account and line.closing}


@given(stories(), st.integers(0, 10), st.integers(0, 10), st.sampled_from(NAMES))
def test_the_periods_of_every_account_add_up_to_its_line_in_the_statement(
    story: Story, first: int, days: int, whose: str
) -> None:
    journal = fold([replace(each, timestamp=START + 86_400 * each.block) for each in story.located], NAMES)
    book = party_book(journal, whose)
    since = FIRST + timedelta(first)
    for span in ((None, None), (since, since + timedelta(days)), (since, None), (None, since)):
        statement = state_book(book, journal.rows, *span)
        added: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        for line in statement.by_period:
            for at, amount in enumerate((line.opening, line.debits, line.credits, line.closing)):
                added[line.account][at] += amount
        told = {line.account: [line.opening, line.debits, line.credits, line.closing] for line in statement.lines}
        # A forwarded result of nothing is no line of the statement, though periods may have gained and lost.
        assert told == {account: sums for account, sums in added.items() if account in told or any(sums)}


@given(stories(), st.sampled_from(NAMES))
def test_a_posting_is_the_sum_of_its_parts_which_have_its_sign(story: Story, whose: str) -> None:
    for entry, parts in split_by_period(party_book(fold(story.located, NAMES), whose)):
        for posting in entry.postings:
            amounts = [amount for account, (_, amount) in parts if account == posting.account]
            assert posting.amount == sum(amounts)
            assert all((amount > 0) == (posting.amount > 0) for amount in amounts)
        assert {posting.account for posting in entry.postings} == {account for account, _ in parts}


@given(stories())
def test_earnings_and_arrears_of_a_period_are_what_was_settled_and_is_still_owed(story: Story) -> None:
    journal = fold(story.located, NAMES)
    for number, name in enumerate(NAMES):
        lines = lines_by_period(party_book(journal, name))
        rows = [row for row in journal.rows if row.provider == name]
        assert {row.period: -row.amount for row in rows if row.amount} == of(lines, "income:earned")
        owed = {period: amount for period, amount in story.boxes[number].owed.items() if amount}
        assert owed == of(lines, "assets:receivable:arrears")


@given(stories())
def test_nothing_is_drawn_that_is_not_there(story: Story) -> None:
    """No period holds back, is owed or owes less than nothing, and what is payable is gone in every period."""
    journal = fold(story.located, NAMES)
    for name in NAMES:
        lines = lines_by_period(party_book(journal, name))
        for account, sign in (
            ("assets:receivable:holdback", 1),
            ("assets:escrow:claimable", 1),
            ("liabilities:debt", -1),
        ):
            assert all(sign * amount > 0 for amount in of(lines, account).values())
        assert {} == of(lines, "assets:escrow:payable")


def test_a_payment_a_debt_and_a_released_holdback_are_of_the_periods_they_were_earned_in() -> None:
    story = Story()
    story.transact(events.Deposited(ADDRESS, 1000))
    story.transact(events.Activated(bytes(32)))

    def settle(period: int, *more: events.Event, amount: int, set_off: int = 0, held: int = 0, owed: int = 0) -> None:
        paid = max(amount, 0) - set_off - held - owed
        story.transact(
            events.Settled(period, (amount, 0, 0), 0),
            events.Credited(period, 0, amount, set_off, held, paid, owed),
            *more,
            *([events.Paid(0, ADDRESS, paid)] if paid else []),
        )

    settle(1, amount=100, held=5)
    settle(2, amount=100, held=5, owed=40)
    story.transact(events.ArrearsPaid(2, 0, 30), events.Deferred(0, 30))
    settle(3, events.ArrearsSetOff(2, 0, 10), amount=-60)
    settle(4, amount=100, held=0, set_off=42)
    story.transact(events.HoldbackReleased(0, 10, 8, 2), events.Paid(0, ADDRESS, 2))
    story.transact(events.Claimed(0, ADDRESS, 30))
    lines = lines_by_period(party_book(fold(story.located, NAMES), "UA"))
    assert {1: -100, 2: -100, 3: 60, 4: -100} == of(lines, "income:earned")
    # Of February 55 came at once and 30 by a claim; 10 of it met March's debt, and so did 42 of April and the holdback
    # of January, whose 5 are the oldest, with 3 of February's: of that the last 2 were paid.
    assert {1: 95, 2: 55 + 30 + 2, 4: 58} == of(lines, "assets:cash")
    for account in ("liabilities:debt", "assets:receivable:holdback", "assets:receivable:arrears"):
        assert {} == of(lines, account)
    assert ["3"] == sorted({str(line.period) for line in lines if line.account == "liabilities:debt"})
