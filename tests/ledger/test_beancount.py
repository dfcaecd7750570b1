"""Books as Beancount text, opened by Beancount's own loader and checker."""

from __future__ import annotations

import io
import re
from datetime import date
from decimal import Decimal

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from pyoutcome.decimals import ONE
from pyoutcome.ledger import Book, Rate, RateTable, convert, cut, escrow_book, fold, party_book
from pyoutcome.ledger.book import book_balances
from pyoutcome.ledger.exports import About
from pyoutcome.ledger.exports.beancount_file import account_names, commodity_of, write_beancount
from tests.ledger.reading import directives, load, totals
from tests.ledger.stories import NAMES, Story, stories

ABOUT = About("deal", 'A "deal" \\ of ours', "TUSD", 6, "0x" + "11" * 20, 1)
RATES = RateTable("EUR", (Rate(date(2012, 12, 31), ONE * 6 // 7, 'The "bank"'), Rate(date(2013, 1, 2), ONE, "Bank")))


def text_of(book: Book, about: About = ABOUT) -> str:
    file = io.StringIO()
    write_beancount(book, about, file)
    return file.getvalue()


@settings(max_examples=25)
@given(stories())
def test_beancount_finds_no_fault_and_the_same_balances(story: Story) -> None:
    journal = fold(story.located, NAMES)
    plain = [escrow_book(journal), *(party_book(journal, party) for party in ("client", "UA"))]
    for book in (*plain, *(convert(each, RATES, 6) for each in plain), cut(plain[1], date(2013, 1, 1))):
        entries, errors = load(text_of(book))
        assert [] == errors
        expected = {name: Decimal(amount).scaleb(-6) for name, amount in book_balances(book).items() if amount}
        assert expected == {name: total for name, total in totals(entries).items() if total}


@settings(max_examples=20)
@given(stories(), st.data())
def test_one_base_unit_more_anywhere_is_a_fault(story: Story, chance: st.DataObject) -> None:
    """The balances at the end are held without tolerance."""
    text = text_of(escrow_book(fold(story.located, NAMES)))
    numbers = list(re.finditer(r"-?[0-9]+\.[0-9]{6}(?= (?:~ 0 )?TUSD)", text))
    assume(numbers)
    found = chance.draw(st.sampled_from(numbers))
    changed = Decimal(found.group()) + Decimal("0.000001")
    assert [] != load(f"{text[: found.start()]}{changed}{text[found.end() :]}")[1]


@given(stories())
def test_entries_carry_what_an_auditor_follows(story: Story) -> None:
    book = convert(escrow_book(fold(story.located, NAMES)), RATES, 6)
    entries, _ = load(text_of(book))
    made = directives(entries, "Transaction")
    assert [("0x" + entry.transaction.hex(), Decimal(entry.number)) for entry in book.entries] == [
        (entry.meta["transaction"], entry.meta["entry"]) for entry in made
    ]
    prices = {(each.date, each.amount.number, each.meta["source"]) for each in directives(entries, "Price")}
    assert prices <= {(rate.day, Decimal(rate.value) / ONE, rate.source) for rate in RATES.rates}
    for ours, theirs in zip(book.entries, made, strict=True):
        kept = [posting for posting in ours.postings if posting.amount]
        for posting, read in zip(kept, theirs.postings, strict=True):
            assert posting.worth is not None
            assert Decimal(posting.worth.amount) / 100 == read.meta["worth"].number
            assert ("EUR", Decimal(ABOUT.money(posting.amount))) == (read.price.currency, read.units.number)


@given(st.lists(st.text("ab-_.ÄΩ9:", min_size=1, max_size=4).map(lambda part: f"provider:{part}:held"), unique=True))
def test_no_two_accounts_get_the_same_name_and_all_are_allowed(accounts: list[str]) -> None:
    names = account_names(tuple(accounts))
    assert len(accounts) == len({name.casefold() for name in names.values()})
    opened = "".join(f"2013-01-01 open {name}\n" for name in names.values())
    assert [] == load(opened)[1]


@given(st.text(max_size=30), st.sampled_from([None, "EUR", "USDC"]))
@example("EUR", "EUR")
@example("null", None)
@example("x", None)
@example("USDC.E-2", "EUR")
def test_any_symbol_becomes_a_commodity_of_its_own(symbol: str, currency: str | None) -> None:
    name = commodity_of(symbol, currency)
    assert name != currency
    assert [] == load(f"2013-01-01 commodity {name}\n")[1]


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=40))
def test_no_name_breaks_out_of_its_quotes(words: str) -> None:
    journal = fold((), ("UA",))
    _, errors = load(text_of(escrow_book(journal), About(words, words, "TUSD", 6, words)))
    assert [] == errors
