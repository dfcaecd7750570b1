"""The owner's money in the escrow as a bank statement: ISO 20022 camt.053.001.08."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from pyoutcome.decimals import show
from pyoutcome.errors import LedgerError
from pyoutcome.ledger.book import OPENING, Book
from pyoutcome.ledger.entries import Entry
from pyoutcome.ledger.exports import iso20022
from pyoutcome.ledger.exports.about import About
from pyoutcome.ledger.exports.iso20022 import add, add_amount, limited
from pyoutcome.ledger.statements import BookStatement, balance_of

KIND: Final = "camt.053.001.08"
ACCOUNT: Final = "assets:escrow"
"""What is stated, with all accounts below it: the owner's money in the escrow, or all of it for the escrow."""


def write_camt(statement: BookStatement, about: About, path: Path) -> int:
    """Writes the statement and returns how many entries.

    Each event that changed the owner's money in the escrow is an entry, and so is the exchange difference of a valued
    book: a credit adds to it. LedgerError ``book-empty``, ``amount-does-not-fit``.
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
    opening = sum(_moved(entry, book) for entry in book.entries if entry.kind == OPENING)
    closing = opening + sum(amount for _, amount in moved)
    _balance(stated, "OPBD", opening, first, statement, about)
    _balance(stated, "CLBD", closing, last, statement, about)
    _summary(stated, [amount for _, amount in moved], book, about)
    for entry, amount in moved:
        _entry(stated, entry, amount, book, about)
    held = about.money(balance_of(book, ACCOUNT))
    add(stated, "AddtlStmtInf", limited(f"Closing balance in tokens: {held} {about.token}.", 500))
    iso20022.write_message(document, path)
    return len(moved)


def _moved(entry: Entry, book: Book) -> int:
    """Change of the owner's money: cents of the book currency, or base units."""
    postings = [each for each in entry.postings if each.account == ACCOUNT or each.account.startswith(f"{ACCOUNT}:")]
    if book.table is None:
        return sum(posting.amount for posting in postings)
    return sum(posting.worth.amount for posting in postings if posting.worth)


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
    add(found, "NtryRef", str(entry.number) if entry.transaction else entry.kind)
    add_amount(found, "Amt", amount, book, about)
    add(found, "CdtDbtInd", _side(amount))
    add(found, "Sts/Cd", "BOOK")
    add(found, "BookgDt/DtTm", entry.time)
    add(found, "ValDt/DtTm", entry.time)
    place = f"{entry.block}-{entry.index}"
    if entry.transaction:
        add(found, "AcctSvcrRef", place)
    _code(found, entry.kind)
    if entry.transaction:
        details = add(found, "NtryDtls/TxDtls")
        add(details, "Refs/AcctSvcrRef", place)
        add(details, "RmtInf/Ustrd", "0x" + entry.transaction.hex())
    add(found, "AddtlNtryInf", limited(f"{entry.narration}{_rate(entry, about)}", 500))


def _rate(entry: Entry, about: About) -> str:
    rate = next((posting.worth.rate for posting in entry.postings if posting.worth and posting.worth.rate), None)
    if rate is None:
        return ""
    return f"; 1 {about.token} = {show(rate.value)} on {rate.day.isoformat()}, {rate.source}"


def _code(found: ET.Element, kind: str) -> None:
    code = add(found, "BkTxCd/Prtry")
    add(code, "Cd", limited(kind, 35))
    add(code, "Issr", "pyoutcome")
