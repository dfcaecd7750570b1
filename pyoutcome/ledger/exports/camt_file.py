"""The owner's money in the escrow as a bank statement: ISO 20022 camt.053.001.08."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from pyoutcome.decimals import show
from pyoutcome.errors import LedgerError
from pyoutcome.ledger.book import Book
from pyoutcome.ledger.entries import Entry
from pyoutcome.ledger.exports import iso20022
from pyoutcome.ledger.exports.about import About
from pyoutcome.ledger.exports.iso20022 import add, add_amount, limited
from pyoutcome.ledger.rates import value_at
from pyoutcome.ledger.statements import BookStatement, balance_of

KIND: Final = "camt.053.001.08"
ACCOUNT: Final = "assets:escrow"
"""What is stated, with all accounts below it: the owner's money in the escrow, or all of it for the escrow."""


def write_camt(statement: BookStatement, about: About, path: Path) -> int:
    """Writes the statement and returns how many entries.

    Each event that changed the owner's money in the escrow is an entry: a credit adds to it. In a valued book the
    opening and closing balance are what the tokens were worth on the day before and the last day, and an entry of its
    own says what came from rates and rounding. LedgerError ``book-empty``, ``amount-does-not-fit``.
    """
    book = statement.book
    if not book.entries and (statement.since is None or statement.until is None):
        raise LedgerError(
            "book-empty",
            "Nothing has happened in these books, so they have no first and no last day.",
            "Give both days with --from and --to, or wait for the first deposit.",
        )
    first, last = statement.since or book.entries[0].day, statement.until or book.entries[-1].day
    document, message = iso20022.message(KIND, "BkToCstmrStmt")
    created = f"{last.isoformat()}T23:59:59Z"
    name = iso20022.reference(about.chain_id, about.escrow, book.owner, first, last, book.currency)
    add(message, "GrpHdr/MsgId", name)
    add(message[0], "CreDtTm", created)
    stated = add(message, "Stmt")
    add(stated, "Id", name)
    add(stated, "CreDtTm", created)
    add(stated, "FrToDt/FrDtTm", f"{first.isoformat()}T00:00:00Z")
    add(stated[-1], "ToDtTm", created)
    account = iso20022.add_account(stated, "Acct", book.owner, about.escrow, book, about)
    add(account, "Ownr/Nm", limited(about.name_of(book.owner), 140))
    moved = [(entry, _moved(entry, book)) for entry in statement.entries]
    moved = [(entry, amount) for entry, amount in moved if amount]
    units = balance_of(_only_opening(statement), ACCOUNT), balance_of(book, ACCOUNT)
    opening, closing = _value(units[0], book, about, first - timedelta(1)), _value(units[1], book, about, last)
    difference = closing - opening - sum(amount for _, amount in moved)
    _balance(stated, "OPBD", opening, first, statement, about)
    _balance(stated, "CLBD", closing, last, statement, about)
    _summary(stated, [*(amount for _, amount in moved), *([difference] if difference else [])], book, about)
    for entry, amount in moved:
        _entry(stated, entry, amount, book, about)
    if difference:
        _difference(stated, difference, last, book, about)
    held = about.money(units[1])
    add(stated, "AddtlStmtInf", limited(f"Closing balance in tokens: {held} {about.token}.", 500))
    iso20022.write_message(document, path)
    return len(moved)


def _only_opening(statement: BookStatement) -> Book:
    kept = tuple(entry for entry in statement.book.entries if entry not in statement.entries)
    return Book(statement.book.owner, statement.book.accounts, kept)


def _moved(entry: Entry, book: Book) -> int:
    """Change of the owner's money: cents of the book currency, or base units."""
    postings = [each for each in entry.postings if each.account == ACCOUNT or each.account.startswith(f"{ACCOUNT}:")]
    units = sum(posting.amount for posting in postings)
    if book.table is None or not units:
        return units
    return sum(posting.worth.amount for posting in postings if posting.worth)


def _value(units: int, book: Book, about: About, day: date) -> int:
    if book.table is None or not units:
        return units
    return value_at(units, book.table.on(day), about.decimals, book.cents)


def _balance(stated: ET.Element, kind: str, amount: int, day: date, statement: BookStatement, about: About) -> None:
    balance = add(stated, "Bal")
    add(balance, "Tp/CdOrPrtry/Cd", kind)
    add_amount(balance, "Amt", amount, statement.book, about)
    add(balance, "CdtDbtInd", _side(amount))
    add(balance, "Dt/Dt", day.isoformat())


def _side(amount: int) -> str:
    return "CRDT" if amount >= 0 else "DBIT"


def _summary(stated: ET.Element, amounts: list[int], book: Book, about: About) -> None:
    summary = add(stated, "TxsSummry")
    for name, some in (
        ("TtlNtries", amounts),
        ("TtlCdtNtries", [amount for amount in amounts if amount >= 0]),
        ("TtlDbtNtries", [amount for amount in amounts if amount < 0]),
    ):
        total = add(summary, name)
        add(total, "NbOfNtries", str(len(some)))
        add(total, "Sum", iso20022.amount_text(sum(abs(amount) for amount in some), book, about)[0])


def _entry(stated: ET.Element, entry: Entry, amount: int, book: Book, about: About) -> None:
    found = add(stated, "Ntry")
    add(found, "NtryRef", str(entry.number))
    add_amount(found, "Amt", amount, book, about)
    add(found, "CdtDbtInd", _side(amount))
    add(found, "Sts/Cd", "BOOK")
    add(found, "BookgDt/DtTm", entry.time)
    add(found, "ValDt/DtTm", entry.time)
    add(found, "AcctSvcrRef", f"{entry.block}-{entry.index}")
    _code(found, entry.kind)
    details = add(found, "NtryDtls/TxDtls")
    add(details, "Refs/AcctSvcrRef", f"{entry.block}-{entry.index}")
    if entry.transaction:
        add(details, "RmtInf/Ustrd", "0x" + entry.transaction.hex())
    add(found, "AddtlNtryInf", limited(f"{entry.narration}{_rate(entry, about)}", 500))


def _rate(entry: Entry, about: About) -> str:
    rate = next((posting.worth.rate for posting in entry.postings if posting.worth and posting.worth.rate), None)
    if rate is None:
        return ""
    return f"; 1 {about.token} = {show(rate.value)} on {rate.day.isoformat()}, {rate.source}"


def _difference(stated: ET.Element, amount: int, last: date, book: Book, about: About) -> None:
    found = add(stated, "Ntry")
    add(found, "NtryRef", "exchange")
    add_amount(found, "Amt", amount, book, about)
    add(found, "CdtDbtInd", _side(amount))
    add(found, "Sts/Cd", "BOOK")
    add(found, "BookgDt/Dt", last.isoformat())
    _code(found, "ExchangeDifference")
    add(
        found,
        "AddtlNtryInf",
        "Exchange and rounding difference between the rates of the days of booking and the last day",
    )


def _code(found: ET.Element, kind: str) -> None:
    code = add(found, "BkTxCd/Prtry")
    add(code, "Cd", limited(kind, 35))
    add(code, "Issr", "pyoutcome")
