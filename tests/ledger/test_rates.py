"""Books in another currency, and tax lines: exact, balanced, and every figure says where it comes from."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyoutcome.decimals import ONE, to_decimal
from pyoutcome.errors import LedgerError
from pyoutcome.ledger import Rate, RateTable, add_taxes, convert, cut, escrow_book, fold, party_book
from pyoutcome.ledger.book import FORWARD, REVALUED, book_balances, book_worths
from pyoutcome.ledger.rates import read_rates, value_at
from pyoutcome.ledger.taxes import TaxLine, read_taxes
from tests.ledger.stories import NAMES, Story, stories

TABLE = "date,rate,source\n2013-02-01,1.25,ECB\n2013-01-01,1.2,ECB\n"


def test_a_day_without_a_rate_takes_the_last_one_before_it() -> None:
    table = read_rates(TABLE, "EUR")
    found = [table.on(date(2013, month, day)).value for month, day in ((1, 1), (1, 31), (2, 1), (12, 31))]
    assert [ONE * 6 // 5, ONE * 6 // 5, ONE * 5 // 4, ONE * 5 // 4] == found
    with pytest.raises(LedgerError) as refused:
        table.on(date(2012, 12, 31))
    assert "rate-missing" == refused.value.code


@pytest.mark.parametrize(
    "text",
    [
        "", "day,rate,source\n", "date,rate,source\n2013-01-01,1.2\n", "date,rate,source\n20130101,1.2,ECB\n",
        "date,rate,source\n2013-02-30,1.2,ECB\n", "date,rate,source\n2013-01-01,1.2e3,ECB\n",
        "date,rate,source\n2013-01-01,0,ECB\n", "date,rate,source\n2013-01-01,-1,ECB\n",
        "date,rate,source\n2013-01-01,1.2,\n", "date,rate,source\n2013-01-01,1.2,=HYPERLINK(1)\n",
        "date,rate,source\n2013-01-01,1.2,a\n2013-01-01,1.2,b\n", 'date,rate,source\n2013-01-01,1.2,"E"CB\n',
        'date,rate,source\n2013-01-01,1.2,"two\nlines"\n',
    ],
)  # fmt: skip
def test_a_table_that_is_not_one_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(LedgerError) as refused:
        read_rates(text, "EUR", "eur.csv")
    assert ("table-malformed", "eur.csv") == (refused.value.code, refused.value.where and refused.value.where.file)


def test_a_currency_is_three_capital_letters() -> None:
    with pytest.raises(LedgerError) as refused:
        read_rates(TABLE, "euro")
    assert "currency-malformed" == refused.value.code


@given(st.integers(-(10**24), 10**24), st.integers(1, 10**21), st.integers(0, 18))
def test_an_amount_is_valued_by_the_schoolbook(units: int, rate: int, decimals: int) -> None:
    with localcontext(prec=120):
        exact = Decimal(units).scaleb(-decimals) * to_decimal(rate)
        expected = exact.quantize(Decimal("0.01"), ROUND_HALF_EVEN)
        assert expected == Decimal(value_at(units, Rate(date(2013, 1, 1), rate, "x"), decimals, 2)).scaleb(-2)


def test_half_a_cent_goes_to_the_even_cent() -> None:
    """Tokens of three decimals, at par."""
    par = Rate(date(2013, 1, 1), ONE, "x")
    assert [0, 2, 2, 0, -2, -2] == [value_at(units, par, 3, 2) for units in (5, 15, 25, -5, -15, -25)]


@given(stories(), st.integers(1, 3 * ONE))
def test_a_valued_book_balances_in_both_currencies_entry_by_entry(story: Story, rate: int) -> None:
    journal = fold(story.located, NAMES)
    table = RateTable("EUR", (Rate(date(2012, 1, 1), rate, "test"),))
    for book in (escrow_book(journal), party_book(journal, "client")):
        valued = convert(book, table, 6)
        assert book_balances(book) == {k: v for k, v in book_balances(valued).items() if k in book.accounts}
        for entry in valued.entries:
            assert 0 == sum(posting.amount for posting in entry.postings)
            assert 0 == sum(posting.worth.amount for posting in entry.postings if posting.worth)
            rounding = [posting.worth for posting in entry.postings if posting.account == "equity:rounding"]
            # Each posting is off by half a cent at most.
            assert all(each and abs(each.amount) <= (len(entry.postings) - 1) / 2 for each in rounding)


@given(stories(), st.integers(1, 3 * ONE), st.sampled_from(["escrow", "client", "UA"]))
def test_a_valued_span_ends_at_the_rate_of_its_last_day_and_the_next_begins_there(
    story: Story, rate: int, whose: str
) -> None:
    journal = fold(story.located, NAMES)
    table = RateTable("EUR", (Rate(date(2012, 1, 1), ONE * 7 // 6, "A"), Rate(date(2013, 6, 1), rate, "B")))
    book = escrow_book(journal) if whose == "escrow" else party_book(journal, whose)
    valued = convert(book, table, 6)
    half, rest = cut(valued, until=date(2013, 6, 30)), cut(valued, date(2013, 7, 1), date(2013, 12, 31))
    for part in (half, rest):
        assert all(0 == sum(each.worth.amount for each in entry.postings if each.worth) for entry in part.entries)
    amounts, worths = book_balances(half), book_worths(half)
    for account in book.accounts:
        if not account.startswith(("income", "expenses")):
            assert value_at(amounts[account], table.rates[1], 6, 2) == worths[account]
    revalued = {each.account for entry in half.entries if entry.kind == REVALUED for each in entry.postings}
    assert not any(name.startswith(("income", "expenses", "equity")) for name in revalued - {"income:exchange"})
    opened = book_worths(rest)
    assert {name: worth for name, worth in worths.items() if worth and not name.startswith(("income", "expenses"))} == {
        name: worth for name, worth in opened.items() if worth and name != FORWARD
    }
    earned = sum(worth for name, worth in worths.items() if name.startswith(("income", "expenses")))
    assert earned == opened.get(FORWARD, 0)


TAXES = """\
name,base,rate,on,debit,credit
VAT,income:earned,20%,gross,income:earned:vat,liabilities:tax:vat
Levy,income:earned,0.03,net,expenses:levy,liabilities:tax:levy
"""


@given(stories())
def test_tax_lines_are_shares_of_their_base(story: Story) -> None:
    book = party_book(fold(story.located, NAMES), "UA")
    taxed = add_taxes(book, read_taxes(TAXES))
    before, after = book_balances(book), book_balances(taxed)
    assert before == {name: amount for name, amount in after.items() if name in before}
    assert after["income:earned:vat"] == -after["liabilities:tax:vat"]
    assert after["expenses:levy"] == -after["liabilities:tax:levy"]
    entries = len(book.entries)
    assert abs(after["expenses:levy"] - Decimal(-before["income:earned"]) * 3 / 100) <= entries
    assert abs(after["income:earned:vat"] - Decimal(-before["income:earned"]) * 20 / 120) <= entries
    for entry in taxed.entries:
        assert 0 == sum(posting.amount for posting in entry.postings)


def test_tax_lines_are_read_as_data() -> None:
    vat, levy = read_taxes(TAXES)
    expected = TaxLine("VAT", "income:earned", ONE // 5, True, "income:earned:vat", "liabilities:tax:vat")
    assert (expected, False) == (vat, levy.within)


@pytest.mark.parametrize(
    "line",
    ["VAT,earned,20%,gross,a,b", "VAT,income:earned,120%,net,expenses:x,liabilities:y",
     "VAT,income:earned,20%,often,expenses:x,liabilities:y", "=A,income:earned,20%,net,expenses:x,liabilities:y",
     "VAT,income:earned,much,net,expenses:x,liabilities:y"],
)  # fmt: skip
def test_a_tax_line_that_makes_no_sense_is_refused(line: str) -> None:
    with pytest.raises(LedgerError) as refused:
        read_taxes(f"{TAXES.splitlines()[0]}\n{line}\n")
    assert ("table-malformed", 2) == (refused.value.code, refused.value.where and refused.value.where.line)
