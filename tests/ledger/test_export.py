"""Exports say what the books say, in plain data that other tools read."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict

from hypothesis import given

from pyoutcome.ledger import balances, fold, write_csv
from tests.ledger.stories import NAMES, Story, stories


@given(stories())
def test_the_csv_gives_back_every_balance(story: Story) -> None:
    journal = fold(story.located, NAMES)
    file = io.StringIO(newline="")
    written = write_csv(journal, file, 6)

    file.seek(0)
    rows = list(csv.DictReader(file))
    assert written == len(rows)
    totals: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        totals[row["account"]] += int(row["base_units"])
    assert {account: amount for account, amount in balances(journal).items() if amount} == {
        account: amount for account, amount in totals.items() if amount
    }


@given(stories())
def test_the_csv_shows_whole_tokens_beside_base_units(story: Story) -> None:
    file = io.StringIO(newline="")
    write_csv(fold(story.located, NAMES), file, 6)

    file.seek(0)
    for row in csv.DictReader(file):
        whole, _, part = row["amount"].partition(".")
        assert (6, int(row["base_units"])) == (len(part), int(whole + part))
        assert ("2013-", "Z") == (row["time"][:5], row["time"][-1])


@given(stories())
def test_the_plain_data_survives_json_with_amounts_as_texts(story: Story) -> None:
    journal = fold(story.located, NAMES)

    plain = json.loads(json.dumps(journal.to_dict()))

    assert [str(posting.amount) for entry in journal.entries for posting in entry.postings] == [
        posting["amount"] for entry in plain["entries"] for posting in entry["postings"]
    ]
    assert [(row.period, row.provider, str(row.amount), str(row.still_owed)) for row in journal.rows] == [
        (row["period"], row["provider"], row["amount"], row["still_owed"]) for row in plain["periods"]
    ]
    assert [{"provider": name, "amount": str(amount)} for name, amount in journal.claims] == plain["claims"]
