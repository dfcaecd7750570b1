"""The statement as PDF, read back by pypdf: every figure of the statement stands on its pages."""

from __future__ import annotations

import io
import re
from datetime import date
from pathlib import Path

import pypdf
import pytest

from pyoutcome.decimals import ONE, show_money
from pyoutcome.errors import LedgerError
from pyoutcome.ledger import (
    Book,
    BookStatement,
    Rate,
    RateTable,
    convert,
    escrow_book,
    fold,
    party_book,
    state_book,
)
from pyoutcome.ledger.exports import About, write_book
from pyoutcome.protocol import events
from tests.ledger.stories import NAMES, Story

ABOUT = About(
    "deal", 'A #deal, $of$ *ours* _with_ "quotes" <and> \\more', "TUSD", 6, "0x" + "11" * 20, 31337,
    {"UA": "United #sys.inputs", "client": "Ça & Söhne"},
)  # fmt: skip
RATES = RateTable("EUR", (Rate(date(2012, 12, 31), ONE * 6 // 7, "Bank #1"), Rate(date(2013, 1, 4), ONE, "Bank #2")))


def told(periods: int = 12) -> Story:
    """Every period another amount; the fifth costs UA something, the seventh is owed for a day."""
    story = Story()
    story.transact(events.Deposited("0x" + "ff" * 20, 10**13), events.Activated(b"\1" * 32))
    for period in range(1, periods + 1):
        story.block = 24 * period - 1
        amount = 1_234_567_891 * period if period % 5 else -987_654_321
        owed = amount if period == 7 else 0
        set_off = 987_654_321 if period == 6 else 0
        held = (amount - owed - set_off) // 20 if amount > 0 else 0
        paid = amount - owed - held - set_off if amount > 0 else 0
        credited = events.Credited(period, 0, amount, set_off, held, paid, owed)
        pushed = [events.Paid(0, "0x" + "22" * 20, paid)] if paid else []
        story.transact(events.Settled(period, (amount, 0, 0), 0), credited, *pushed)
        if owed:
            story.transact(events.ArrearsPaid(period, 0, owed), events.Deferred(0, owed))
    return story


def text_of(path: Path) -> str:
    """All pages, every run of white space one blank."""
    pages = pypdf.PdfReader(io.BytesIO(path.read_bytes())).pages
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pages))


def books() -> list[Book]:
    journal = fold(told().located, NAMES)
    plain = [escrow_book(journal), *(party_book(journal, party) for party in ("client", "UA"))]
    return [*plain, *(convert(book, RATES, 6) for book in plain)]


def statements() -> list[BookStatement]:
    rows = fold(told().located, NAMES).rows
    return [
        state_book(book, rows, since, until)
        for book in books()
        for since, until in ((None, None), (date(2013, 1, 5), date(2013, 1, 9)))
    ]


@pytest.mark.parametrize(
    "statement", statements(), ids=lambda each: f"{each.book.owner}-{each.since}-{each.book.currency}"
)
def test_every_figure_is_on_the_pages(statement: BookStatement, tmp_path: Path) -> None:
    path = tmp_path / "statement.pdf"
    assert sum(len(entry.postings) for entry in statement.entries) == write_book("pdf", statement, ABOUT, path)
    found = text_of(path)
    for line in statement.lines:
        figures = (line.opening, line.debits, line.credits, line.closing)
        assert " ".join((line.account, *(show_money(figure, 6) for figure in figures))) in found
    for line in statement.worths:
        figures = (line.opening, line.debits, line.credits, line.closing)
        assert " ".join((line.account, *(show_money(figure, 2) for figure in figures))) in found
    for entry in statement.entries:
        for posting in entry.postings:
            assert not posting.amount or f"{posting.account} {show_money(abs(posting.amount), 6)}" in found
        if any(posting.amount for posting in entry.postings):
            assert f"{entry.day.isoformat()} {entry.number} {entry.narration}" in found
    for row in statement.periods:
        for figure in (row.amount, row.held, row.paid, row.owed, row.set_off, row.new_debt):
            assert not figure or show_money(figure, 6) in found
    total = sum(row.amount for row in statement.periods)
    assert re.search(rf"Total {re.escape(show_money(total, 6))} ", found)
    assert f"Books of {ABOUT.name_of(statement.book.owner)} Days" in found
    assert ABOUT.title in found
    assert f"Escrow {ABOUT.escrow} on chain 31337" in found


def test_the_rates_stand_below_the_figures_they_made(tmp_path: Path) -> None:
    book = convert(party_book(fold(told().located, NAMES), "UA"), RATES, 6)
    write_book("pdf", state_book(book, ()), ABOUT, tmp_path / "x.pdf")
    found = text_of(tmp_path / "x.pdf")
    assert "1 TUSD = 0.857142857142857142 EUR on 2012-12-31 (Bank #1)." in found
    assert "1 TUSD = 1 EUR on 2013-01-04 (Bank #2)." in found


def test_an_empty_book_has_a_statement_too(tmp_path: Path) -> None:
    assert 0 == write_book("pdf", state_book(escrow_book(fold((), NAMES)), ()), ABOUT, tmp_path / "x.pdf")
    assert "Page 1 of 1" in text_of(tmp_path / "x.pdf")


def test_pages_are_numbered_and_say_whose_they_are(tmp_path: Path) -> None:
    write_book("pdf", state_book(books()[2], ()), ABOUT, tmp_path / "x.pdf")
    reader = pypdf.PdfReader(tmp_path / "x.pdf")
    assert len(reader.pages) > 1
    for number, page in enumerate(reader.pages, 1):
        found = re.sub(r"\s+", " ", page.extract_text())
        assert f"Page {number} of {len(reader.pages)}" in found
        assert "deal, books of United #sys.inputs." in found
    assert reader.metadata is not None
    assert f"Statement of account: {ABOUT.title}" == reader.metadata.title


def test_more_than_a_reader_could_turn_is_refused(tmp_path: Path) -> None:
    book = books()[2]
    long = Book(book.owner, book.accounts, book.entries[:1] * 20_001)
    with pytest.raises(LedgerError) as refused:
        write_book("pdf", state_book(long, ()), ABOUT, tmp_path / "x.pdf")
    assert "too-many-lines" == refused.value.code
