"""The own books of client and providers: balanced, and to the base unit what the reference machine says of each."""

from __future__ import annotations

from datetime import date
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyoutcome.errors import LedgerError
from pyoutcome.ledger import Entry, Journal, Posting, balances, fold
from pyoutcome.ledger.book import FORWARD, Book, book_balances, cut, escrow_book, is_result
from pyoutcome.ledger.party_books import parties_of, party_book
from pyoutcome.protocol import actions as act
from pyoutcome.protocol.events import Located
from pyoutcome.protocol.state import CLIENT as CLIENT_OWNER
from tests.ledger.stories import NAMES, Story, stories
from tests.ledger.test_machine_books import WALKS, Chronicle, names_of
from tests.protocol.theatre import CLIENT, deal
from tests.protocol.walk import walk

DAY = 86_400


def early_claims() -> Chronicle:
    """A provider and the client each fetch early what is left of a token that lost most of its balance."""
    story = Chronicle(deal(periods=1, challenge_window=0))
    story.begin(funds=2_000)
    story.refusing = frozenset({CLIENT, "P0$", "P1$"})
    story.report(1, 5, 5)
    story.wait(story.state.release_date())
    story.act(act.Close(3))
    story.wait(story.now + 1)
    story.balance //= 3
    story.act(act.Claim("P0", 0, "vault", early=True))
    story.act(act.Claim(CLIENT, CLIENT_OWNER, "vault", early=True))
    return story


@cache
def walks() -> tuple[tuple[Chronicle, Journal], ...]:
    """Long walks through every act of the reference machine, with the escrow's journal of each."""
    early = early_claims()
    made = [(early, fold(early.located, names_of(early.state)))]
    for seed in range(WALKS):
        story = Chronicle(deal(slots=2 + seed % 2))
        if seed % 4:
            story.begin(funds=story.deal.rules.reserve * (1 + seed % 3))
        walk(story, seed, 150, unlucky=seed % 2 == 0)
        made.append((story, fold(story.located, names_of(story.state))))
    return tuple(made)


def test_every_entry_of_every_book_sums_to_zero() -> None:
    for _, journal in walks():
        for party in parties_of(journal):
            book = party_book(journal, party)
            assert set() == {posting.account for entry in book.entries for posting in entry.postings} - {*book.accounts}
            assert [] == [entry for entry in book.entries if sum(posting.amount for posting in entry.postings)]


def test_a_provider_has_what_the_machine_says_it_has() -> None:
    for story, journal in walks():
        for tenure, name in zip(story.state.tenures, journal.providers, strict=True):
            own = book_balances(party_book(journal, name))
            expected = {
                "income:earned": -tenure.earned,
                "assets:receivable:holdback": tenure.held,
                "assets:receivable:arrears": tenure.arrears,
                "assets:escrow:claimable": tenure.claimable,
                "assets:escrow:bond": tenure.bond,
                "liabilities:debt": -tenure.debt,
                "assets:escrow:payable": 0,
            }
            assert expected == {account: own[account] for account in expected}


def test_the_client_has_and_owes_what_the_machine_says() -> None:
    for story, journal in walks():
        state, own = story.state, book_balances(party_book(journal, "client"))
        expected = {
            "assets:escrow:funding": state.funds,
            "assets:escrow:claimable": state.client_claimable,
            "assets:escrow:holdback": sum(tenure.held for tenure in state.tenures),
        }
        for tenure, name in zip(state.tenures, journal.providers, strict=True):
            expected[f"liabilities:holdback:{name}"] = -tenure.held
            expected[f"liabilities:arrears:{name}"] = -tenure.arrears
            expected[f"assets:claims:{name}"] = tenure.debt
            expected[f"expenses:outcome:{name}"] = tenure.earned
        assert expected == {account: own[account] for account in expected}


def test_what_crossed_the_border_of_the_escrow_is_in_somebodys_cash() -> None:
    """The machine counts tokens in and out by itself, knowing no accounts."""
    for story, journal in walks():
        books = [book_balances(party_book(journal, party)) for party in parties_of(journal)]
        flow = story.state.flow
        assert flow.sent - flow.received == sum(own["assets:cash"] for own in books)
        assert flow.given_up == sum(own["expenses:given-up"] for own in books)
        assert -flow.synced == books[0]["income:surplus"] + books[0]["expenses:token-loss"]


def test_early_claims_cost_both_sides_something() -> None:
    """Else the sums above would say nothing about what is given up."""
    _, journal = walks()[0]
    lost = [book_balances(party_book(journal, party))["expenses:given-up"] for party in parties_of(journal)]
    assert [True, True, False] == [amount > 0 for amount in lost]


def test_all_that_the_parties_have_with_the_escrow_is_all_it_keeps() -> None:
    for story, journal in walks():
        books = [book_balances(party_book(journal, party)) for party in parties_of(journal)]
        with_escrow = sum(
            amount for own in books for account, amount in own.items() if account.startswith("assets:escrow:")
        )
        assert story.state.tracked() == with_escrow
        stakes = sum(own["assets:escrow:stake"] for own in books)
        assert story.state.stakes() == stakes


def test_a_stake_that_one_loses_others_win() -> None:
    lost = 0
    for _, journal in walks():
        books = [book_balances(party_book(journal, party)) for party in parties_of(journal)]
        assert 0 == sum(own["income:stakes-won"] + own["expenses:stakes-lost"] for own in books)
        lost += sum(own["expenses:stakes-lost"] for own in books)
    assert lost > 0


@given(stories())
def test_any_split_of_any_credit_leaves_each_with_its_own(story: Story) -> None:
    journal = fold(story.located, NAMES)
    for box, name in zip(story.boxes, NAMES, strict=True):
        own = book_balances(party_book(journal, name))
        expected = (-box.earned, box.held, sum(box.owed.values()), box.claimable, -box.debt)
        accounts = ("income:earned", "assets:receivable:holdback", "assets:receivable:arrears",
                    "assets:escrow:claimable", "liabilities:debt")  # fmt: skip
        assert expected == tuple(own[account] for account in accounts)


def test_entries_keep_the_numbers_of_the_escrows_journal() -> None:
    story, journal = walks()[2]
    numbers = {entry.number: entry for entry in journal.entries}
    for party in parties_of(journal):
        for entry in party_book(journal, party).entries:
            assert numbers[entry.number].transaction == entry.transaction
    assert story.located


def test_nobody_else_has_books() -> None:
    with pytest.raises(LedgerError) as refused:
        party_book(Journal(NAMES, (), (), ()), "V1")
    assert "no-such-books" == refused.value.code


def test_an_event_without_a_counterpart_is_refused() -> None:
    """An entry that only a later version could have written."""
    entry = Entry(1, 1, 0, b"", 0, "Donated", "", (Posting("provider:UA:bond", -5), Posting("assets:escrow", 5)))
    with pytest.raises(LedgerError) as refused:
        party_book(Journal(("UA",), (entry,), (), ()), "UA")
    assert "no-counterpart" == refused.value.code


def spread(story: Story) -> list[Located]:
    """The same events, a day between blocks instead of an hour."""
    return [
        Located(each.event, each.block, each.index, each.transaction, 1_356_998_400 + DAY * each.block)
        for each in story.located
    ]


@given(stories(), st.integers(1, 20), st.integers(0, 20), st.sampled_from(["escrow", "client", "UA"]))
def test_a_book_cut_to_a_span_ends_with_the_balances_of_the_whole(
    story: Story, first: int, days: int, whose: str
) -> None:
    journal = fold(spread(story), NAMES)
    book = escrow_book(journal) if whose == "escrow" else party_book(journal, whose)
    since = date.fromordinal(date(2013, 1, 1).toordinal() + first)
    until = date.fromordinal(since.toordinal() + days)
    part = cut(book, since, until)

    assert all(since <= entry.day <= until for entry in part.entries)
    assert all(0 == sum(posting.amount for posting in entry.postings) for entry in part.entries)
    whole, shown = book_balances(book, until=until), book_balances(part)
    before = book_balances(book, until=date.fromordinal(since.toordinal() - 1))
    expected = {name: amount - (before[name] if is_result(name) else 0) for name, amount in whole.items()}
    brought = shown.pop(FORWARD, 0)
    assert expected == shown
    assert sum(amount for name, amount in before.items() if is_result(name)) == brought


@given(stories())
def test_a_book_cut_to_everything_is_the_book(story: Story) -> None:
    book = escrow_book(fold(story.located, NAMES))
    assert book == cut(book) == cut(book, date(2012, 12, 31))
    assert Book("escrow", book.accounts, ()) == cut(book, until=date(2012, 12, 31))
    assert balances(fold(story.located, NAMES)) == book_balances(book)
