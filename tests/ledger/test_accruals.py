"""Accruals: what the books of the parties say at the end of a day in between, and that settlement takes it back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pyoutcome.ledger import Expected, accrue, cut, escrow_book, fold, party_book
from pyoutcome.ledger.book import book_balances
from pyoutcome.protocol import events
from pyoutcome.protocol.events import Located
from tests.ledger.stories import NAMES, Story, stories

DAY = 86_400
START = int(datetime(2013, 1, 1, tzinfo=UTC).timestamp())
FIRST = date(2013, 1, 1)


def spread(story: Story) -> list[Located]:
    """Block n on day n after the first."""
    return [
        Located(each.event, each.block, each.index, each.transaction, START + DAY * each.block)
        for each in story.located
    ]


def expected(story: Story, late: int) -> list[Expected]:
    """Every settled period ended ``late`` days before; its amounts are those that settled."""
    found = []
    for each in spread(story):
        if isinstance(each.event, events.Settled):
            amounts = dict(zip(NAMES, each.event.amounts, strict=True))
            found.append(Expected(each.event.period, each.timestamp - late * DAY, amounts, estimate=False))
    return found


@given(stories(), st.integers(0, 16), st.integers(1, 5), st.sampled_from(["client", *NAMES]))
def test_income_at_a_day_is_all_that_was_earned_by_then_and_later_the_same_as_without(
    story: Story, day: int, late: int, whose: str
) -> None:
    journal = fold(spread(story), NAMES)
    book, periods = party_book(journal, whose), expected(story, late)
    on = FIRST + timedelta(day)
    accrued = accrue(book, journal.rows, [on], periods)
    assert all(0 == sum(posting.amount for posting in entry.postings) for entry in accrued.entries)

    end = START + (day + 1) * DAY - 1
    earned = {name: sum(period.amounts[name] for period in periods if period.ends <= end) for name in NAMES}
    then = book_balances(accrued, until=on)
    if whose == "client":
        assert earned == {name: then[f"expenses:outcome:{name}"] for name in NAMES}
    else:
        assert earned[whose] == -then["income:earned"]
    after = book_balances(accrued)
    assert book_balances(book) == {name: amount for name, amount in after.items() if name in book.accounts}
    assert not any(amount for name, amount in after.items() if ":accrued" in name)


@given(stories(), st.integers(0, 16), st.integers(1, 3), st.integers(1, 5))
def test_spans_with_accruals_at_both_ends_add_up(story: Story, day: int, more: int, late: int) -> None:
    journal = fold(spread(story), NAMES)
    book, periods = party_book(journal, "UA"), expected(story, late)
    on = FIRST + timedelta(day)
    upto = on + timedelta(more)
    both = accrue(book, journal.rows, [upto, on], periods)
    second = book_balances(cut(both, on + timedelta(1), upto))
    begin, end = START + (day + 1) * DAY - 1, START + (day + 1 + more) * DAY - 1
    earned = sum(period.amounts["UA"] for period in periods if begin < period.ends <= end)
    assert -earned == second["income:earned"]


def test_what_never_settles_stays_accrued_and_an_estimate_says_so() -> None:
    journal = fold((), NAMES)
    periods = [Expected(1, START, {"UA": 70, "B6": -30, "EV": 0}, estimate=True), Expected(2, START, {"UA": 5}, False)]
    client = accrue(party_book(journal, "client"), (), [FIRST], periods)
    kinds = [(entry.kind, entry.provider, entry.period) for entry in client.entries]
    assert [("Estimated", "UA", 1), ("Estimated", "B6", 1), ("Accrued", "UA", 2)] == kinds
    found = {name: amount for name, amount in book_balances(client).items() if amount}
    assert found == {
        "expenses:outcome:UA": 75, "liabilities:accrued:UA": -75, "expenses:outcome:B6": -30, "assets:accrued:B6": 30,
    }  # fmt: skip
    own = accrue(party_book(journal, "B6"), (), [FIRST], periods)
    assert {"income:earned": 30, "liabilities:accrued": -30} == {k: v for k, v in book_balances(own).items() if v}


def test_a_period_that_has_not_ended_and_the_escrow_know_no_accruals() -> None:
    journal = fold((), NAMES)
    periods = [Expected(1, START + DAY, {"UA": 70}, estimate=False)]
    for book in (party_book(journal, "UA"), escrow_book(journal)):
        assert book == accrue(book, (), [FIRST], periods)
    assert (escrow_book(journal)) == accrue(escrow_book(journal), (), [FIRST + timedelta(9)], periods)


def test_the_last_second_belongs_to_the_day() -> None:
    """What ends in it is accrued; what settles in it is settled."""
    story = Story()
    story.transact(events.Deposited("0x" + "22" * 20, 1000), events.Activated(b"\1" * 32))
    paid = (events.Credited(1, 0, 10, 0, 0, 10, 0), events.Paid(0, "0x" + "11" * 20, 10))
    story.transact(events.Settled(1, (10, 0, 0), 0), *paid)
    moments = {1: START, 2: START + DAY - 1}
    journal = fold([replace(each, timestamp=moments[each.block]) for each in story.located], NAMES)
    book = party_book(journal, "UA")
    assert book == accrue(book, journal.rows, [FIRST], [Expected(1, START, {"UA": 10}, estimate=False)])
    open_period = Expected(2, START + DAY - 1, {"UA": 7}, estimate=False)
    assert -17 == book_balances(accrue(book, journal.rows, [FIRST], [open_period]), until=FIRST)["income:earned"]


def test_a_period_agreed_anew_is_not_accrued_a_second_time() -> None:
    story = Story()
    story.transact(events.Deposited("0x" + "22" * 20, 1000), events.Activated(b"\1" * 32))
    credited = events.Credited(1, 0, 10, 0, 0, 10, 0)
    story.transact(events.Settled(1, (10, 0, 0), 0), credited, events.Paid(0, "0x" + "11" * 20, 10))
    story.block = 9
    again = events.Credited(1, 0, 5, 0, 0, 5, 0)
    story.transact(
        events.Agreed(1, 0, (1,)), events.Settled(1, (15, 0, 0), 0), again, events.Paid(0, "0x" + "11" * 20, 5)
    )
    journal = fold(spread(story), NAMES)
    book = party_book(journal, "UA")
    periods = [Expected(1, START, {"UA": 15}, estimate=False)]
    assert book == accrue(book, journal.rows, [FIRST + timedelta(5)], periods)
