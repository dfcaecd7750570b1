"""Books as tables, read back by the csv module, PyArrow and openpyxl: every balance comes out as it went in."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
import zipfile
from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path

import openpyxl
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyoutcome.decimals import ONE
from pyoutcome.errors import LedgerError
from pyoutcome.ledger import Book, Entry, Posting, Rate, RateTable, convert, escrow_book, fold, party_book, state_book
from pyoutcome.ledger.book import book_balances, book_worths
from pyoutcome.ledger.exports import About, write_book, write_csv
from pyoutcome.ledger.exports.xlsx_file import exact
from tests.ledger.stories import NAMES, Story, stories

ABOUT = About("deal", "A deal", "TUSD", 6, "0x" + "11" * 20, 1, {"UA": "=United", "client": "Client"})
RATES = RateTable("EUR", (Rate(date(2012, 12, 31), 923_456_789 * ONE // 10**9, "ECB 2012-12-31"),))


def books(story: Story) -> list[Book]:
    """The escrow's, each party's own, and one valued in euro."""
    journal = fold(story.located, NAMES)
    own = [party_book(journal, party) for party in ("client", *NAMES)]
    return [escrow_book(journal), *own, convert(own[0], RATES, 6)]


def huge(amount: int) -> Book:
    """A book with one entry of this amount."""
    postings = (Posting("assets:cash", amount), Posting("income:earned", -amount))
    entry = Entry(1, 1, 0, b"\1" * 32, 1_356_998_400, "Credited", "=1+1", postings)
    return Book("UA", ("assets:cash", "income:earned"), (entry,))


def nonzero(balances: dict[str, int]) -> dict[str, int]:
    return {account: amount for account, amount in balances.items() if amount}


@given(stories())
def test_the_csv_gives_back_every_balance(story: Story) -> None:
    for book in books(story):
        file = io.StringIO(newline="")
        written = write_csv(book, file, 6)

        file.seek(0)
        rows = list(csv.DictReader(file))
        assert written == len(rows)
        totals: defaultdict[str, int] = defaultdict(int)
        worths: defaultdict[str, Decimal] = defaultdict(Decimal)
        for row in rows:
            totals[row["account"]] += int(row["base_units"])
            worths[row["account"]] += Decimal(row.get("worth", "0"))
        assert nonzero(book_balances(book)) == nonzero(totals)
        assert nonzero(book_worths(book)) == {name: int(100 * worth) for name, worth in worths.items() if worth}


@given(stories())
def test_the_csv_shows_whole_tokens_beside_base_units(story: Story) -> None:
    file = io.StringIO(newline="")
    write_csv(escrow_book(fold(story.located, NAMES)), file, 6)

    file.seek(0)
    for row in csv.DictReader(file):
        whole, _, part = row["amount"].partition(".")
        assert (6, int(row["base_units"])) == (len(part), int(whole + part))
        assert ("2013-", "Z") == (row["time"][:5], row["time"][-1])


@given(stories())
def test_a_valued_line_says_at_what_rate_of_which_day_by_whom(story: Story) -> None:
    file = io.StringIO(newline="")
    write_csv(convert(escrow_book(fold(story.located, NAMES)), RATES, 6), file, 6)

    file.seek(0)
    for row in csv.DictReader(file):
        rounding = row["account"] == "equity:rounding"
        said = ("", "", "") if rounding else ("0.923456789", "2012-12-31", "ECB 2012-12-31")
        assert ("EUR", *said) == (row["currency"], row["rate"], row["rate_date"], row["rate_source"])


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


@pytest.fixture
def story() -> Story:
    """One story that every run tells alike: deposits, three periods, a failed transfer."""
    from pyoutcome.protocol import events

    told = Story()
    told.transact(events.Deposited("0x" + "22" * 20, 10**9))
    told.transact(events.Activated(b"\1" * 32))
    for period in (1, 2, 3):
        credited = [events.Credited(period, at, 1_000_003 + at, 0, 50_000, 950_003 + at, 0) for at in range(3)]
        moved = [events.Paid(0, "0x" + "11" * 20, 950_003), events.Paid(1, "0x" + "11" * 20, 950_004)]
        amounts = tuple(each.amount for each in credited)
        told.transact(events.Settled(period, amounts, 0), *credited, *moved, events.Deferred(2, 950_005))
    return told


def test_json_names_its_layout_and_holds_book_and_statement(story: Story, tmp_path: Path) -> None:
    for book in books(story):
        path = tmp_path / "book.json"
        statement = state_book(book, fold(story.located, NAMES).rows)
        written = write_book("json", statement, ABOUT, path)
        assert written == sum(len(entry.postings) for entry in statement.book.entries)
        found = json.loads(path.read_text(encoding="utf-8"))
        assert ("pyoutcome-books-1", book.owner) == (found["layout"], found["owner"])
        postings = [posting for entry in found["entries"] for posting in entry["postings"]]
        for line in found["accounts"]:
            moved = [int(posting["amount"]) for posting in postings if posting["account"] == line["account"]]
            assert int(line["closing"]) == sum(moved) == int(line["debits"]) - int(line["credits"])


def test_parquet_keeps_types_and_every_digit(story: Story, tmp_path: Path) -> None:
    for book in books(story):
        path = tmp_path / "book.parquet"
        statement = state_book(book, ())
        written = write_book("parquet", statement, ABOUT, path)
        book = statement.book
        table = pyarrow.parquet.read_table(path)
        assert written == table.num_rows
        types = {name: str(table.schema.field(name).type) for name in ("base_units", "amount", "time", "entry")}
        assert types == {
            "base_units": "decimal128(38, 0)", "amount": "decimal128(38, 6)", "entry": "int64",
            "time": "timestamp[us, tz=UTC]",
        }  # fmt: skip
        totals: defaultdict[str, int] = defaultdict(int)
        worths: defaultdict[str, Decimal] = defaultdict(Decimal)
        for row in table.to_pylist():
            assert str(row["base_units"]) == row["base_units_text"]
            assert row["base_units"] == row["amount"].scaleb(6)
            totals[row["account"]] += int(row["base_units"])
            worths[row["account"]] += row.get("worth", Decimal(0))
        assert nonzero(book_balances(book)) == nonzero(totals)
        assert nonzero(book_worths(book)) == {name: int(100 * worth) for name, worth in worths.items() if worth}


def test_parquet_holds_38_digits_and_refuses_39(tmp_path: Path) -> None:
    path = tmp_path / "book.parquet"
    write_book("parquet", state_book(huge(10**38 - 1), ()), ABOUT, path)
    assert [10**38 - 1, 1 - 10**38] == [int(row["base_units"]) for row in pyarrow.parquet.read_table(path).to_pylist()]
    with pytest.raises(LedgerError) as refused:
        write_book("parquet", state_book(huge(10**38), ()), ABOUT, path)
    assert "amount-too-long" == refused.value.code


def cells(path: Path, sheet: str) -> list[dict[str, object]]:
    rows = list(openpyxl.load_workbook(path)[sheet].iter_rows(values_only=True))
    return [dict(zip((str(name) for name in rows[0]), row, strict=False)) for row in rows[1:]]


def exactly(cell: object) -> Decimal:
    """What a spreadsheet's cell says: its shortest text, as a spreadsheet shows it."""
    return Decimal(str(cell))


def test_a_workbook_has_every_posting_account_and_period(story: Story, tmp_path: Path) -> None:
    journal = fold(story.located, NAMES)
    for book in books(story):
        path = tmp_path / "book.xlsx"
        statement = state_book(book, journal.rows)
        written = write_book("xlsx", statement, ABOUT, path)
        rows = cells(path, "Postings")
        assert written == len(rows)
        totals: defaultdict[str, Decimal] = defaultdict(Decimal)
        for row in rows:
            assert exactly(row["base_units"]) == exactly(row["amount"]).scaleb(6)
            totals[str(row["account"])] += exactly(row["base_units"])
        assert nonzero(book_balances(book)) == {name: int(total) for name, total in totals.items() if total}
        shown = {row["account"]: exactly(row["closing"]) for row in cells(path, "Accounts") if row["unit"] == "TUSD"}
        assert {line.account: Decimal(line.closing).scaleb(-6) for line in statement.lines} == shown
        assert [(row.period, row.provider, Decimal(row.amount)) for row in statement.periods] == [
            (int(str(row["period"])), str(row["provider"]), exactly(row["amount"]).scaleb(6))
            for row in cells(path, "Periods")
        ]
        if statement.by_period:
            split = cells(path, "By period")
            assert [line.period for line in statement.by_period] == [row["period"] for row in split]
            assert [Decimal(line.closing).scaleb(-6) for line in statement.by_period] == [
                exactly(row["closing"]) for row in split
            ]
            for account, closing in shown.items():
                assert closing == sum(exactly(row["closing"]) for row in split if row["account"] == account)


@given(st.integers(-(10**20), 10**20), st.integers(0, 18))
def test_a_number_too_long_for_a_spreadsheet_is_text(units: int, decimals: int) -> None:
    text = str(Decimal(units).scaleb(-decimals, None) if decimals else Decimal(units))
    plain = format(Decimal(text), "f")
    cell = exact(plain)
    if isinstance(cell, Decimal):
        # What the writer puts into the file, read as any spreadsheet reads it: as a binary number.
        assert Decimal(plain) == Decimal(f"{cell:.16G}") == Decimal(repr(float(f"{cell:.16G}")))
    else:
        assert plain == cell
        significant = plain.rstrip("0") if "." in plain else plain
        assert len(re.sub(r"[-.]", "", significant).lstrip("0")) > 15


def test_long_amounts_and_formulas_stay_text_in_a_workbook(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    write_book("xlsx", state_book(huge(10**18 + 1), ()), ABOUT, path)
    first = cells(path, "Postings")[0]
    assert (str(10**18 + 1), "1000000000000.000001", "=1+1") == (
        first["base_units"], first["amount"], first["narration"],
    )  # fmt: skip
    with zipfile.ZipFile(path) as archive:
        assert not [name for name in archive.namelist() if b"<f>" in archive.read(name)]


@pytest.mark.parametrize("file_format", ["csv", "parquet", "xlsx", "json", "beancount", "camt053", "pdf"])
def test_the_same_book_gives_the_same_bytes(story: Story, tmp_path: Path, file_format: str) -> None:
    statement = state_book(books(story)[-1], ())
    for name in ("one", "two"):
        write_book(file_format, statement, ABOUT, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_workbook_refuses_more_than_its_rows(tmp_path: Path) -> None:
    [entry] = huge(1).entries
    book = Book("UA", ("assets:cash", "income:earned"), (entry,) * 524_288)
    with pytest.raises(LedgerError) as refused:
        write_book("xlsx", state_book(book, ()), ABOUT, tmp_path / "book.xlsx")
    assert "too-many-lines" == refused.value.code


def test_other_formats_are_named(tmp_path: Path) -> None:
    with pytest.raises(LedgerError) as refused:
        write_book("xls", state_book(huge(1), ()), ABOUT, tmp_path / "book.xls")
    assert ("no-such-format", True) == (refused.value.code, "xlsx" in refused.value.fix)


def test_a_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(LedgerError) as refused:
        write_book("xlsx", state_book(huge(1), ()), ABOUT, tmp_path / "book.xlsx")
    assert "library-missing" == refused.value.code
