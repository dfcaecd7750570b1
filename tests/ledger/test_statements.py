"""Statements of books: opening, movements and closing of every account, and the periods of the span."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pyoutcome.ledger import escrow_book, fold, party_book, state_book
from pyoutcome.ledger.book import book_balances
from tests.ledger.stories import NAMES, Story, stories

FIRST = date(2013, 1, 1)
START = int(datetime(2013, 1, 1, tzinfo=UTC).timestamp())


@given(stories(), st.integers(0, 10), st.integers(0, 10), st.sampled_from(["escrow", "client", "UA"]))
def test_a_statement_opens_moves_and_closes_and_names_the_periods_of_its_days(
    story: Story, first: int, days: int, whose: str
) -> None:
    journal = fold([replace(each, timestamp=START + 86_400 * each.block) for each in story.located], NAMES)
    book = escrow_book(journal) if whose == "escrow" else party_book(journal, whose)
    since = FIRST + timedelta(first)
    until = since + timedelta(days)
    found = state_book(book, journal.rows, since, until)

    for line in found.lines:
        assert line.opening + line.debits - line.credits == line.closing
        assert min(line.debits, line.credits) >= 0
    assert 0 == sum(line.opening for line in found.lines) == sum(line.closing for line in found.lines)
    own = [row for row in journal.rows if whose in ("escrow", "client", row.provider)]
    assert [row for row in own if since <= row.day <= until] == list(found.periods)
    trial = found.trial_balance()
    assert sum(line.debit for line in trial) == sum(line.credit for line in trial)
    assert all(since <= entry.day <= until for entry in found.entries)
    plain = json.loads(json.dumps(found.to_dict()))
    assert [str(line.closing) for line in found.lines] == [line["closing"] for line in plain["accounts"]]
    assert (since.isoformat(), until.isoformat(), whose) == (plain["since"], plain["until"], plain["owner"])


@given(stories())
def test_without_days_a_statement_is_of_everything(story: Story) -> None:
    journal = fold(story.located, NAMES)
    found = state_book(escrow_book(journal), journal.rows)
    assert {line.account: line.closing for line in found.lines if line.closing} == {
        name: amount for name, amount in book_balances(escrow_book(journal)).items() if amount
    }
    assert (journal.rows, journal.entries) == (found.periods, found.entries)
