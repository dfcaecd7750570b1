"""What the owner of a book owes, as orders to a bank: ISO 20022 pain.001.001.09."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from pyoutcome.decimals import show
from pyoutcome.errors import LedgerError
from pyoutcome.ledger.accounts import CLIENT_CLAIMABLE, Purse
from pyoutcome.ledger.book import Book, book_balances
from pyoutcome.ledger.exports import iso20022
from pyoutcome.ledger.exports.about import About
from pyoutcome.ledger.exports.iso20022 import BankAccount, add, add_amount, limited
from pyoutcome.ledger.rates import value_at
from pyoutcome.ledger.statements import BookStatement

KIND: Final = "pain.001.001.09"


@dataclass(frozen=True)
class Due:
    """One sum that the owner of a book owes now."""

    creditor: str
    units: int
    """Base units."""
    why: str
    """In words, for the one who is paid."""


def dues_of(book: Book) -> tuple[Due, ...]:
    """What the owner owes at the end of a book: the client arrears, a provider its debt, the escrow what waits to be
    claimed."""
    found = []
    for account, balance in book_balances(book).items():
        creditor, why = _creditor(account, book.owner)
        if creditor and balance < 0:
            found.append(Due(creditor, -balance, why))
    return tuple(found)


def _creditor(account: str, owner: str) -> tuple[str, str]:
    if owner == "client" and account.startswith("liabilities:arrears:"):
        return account.removeprefix("liabilities:arrears:"), "Arrears"
    if owner == "escrow" and account == CLIENT_CLAIMABLE:
        return "client", "Claimable"
    if owner == "escrow" and account.endswith(f":{Purse.CLAIMABLE}"):
        return account.removeprefix("provider:").removesuffix(f":{Purse.CLAIMABLE}"), "Claimable"
    if owner not in ("client", "escrow") and account == "liabilities:debt":
        return "client", "Debt"
    return "", ""


def write_pain(
    statement: BookStatement, about: About, path: Path, banks: Mapping[str, BankAccount] | None = None
) -> int:
    """Writes one credit transfer for each due and returns how many.

    In a valued book the amounts are those of the last day's rate. ``banks`` gives accounts by party, with postal
    addresses where they are known; who has none is named by its address on chain. LedgerError ``nothing-to-pay``,
    ``amount-does-not-fit``.
    """
    book, accounts = statement.book, banks or {}
    day = statement.until or (book.entries[-1].day if book.entries else date(2000, 1, 1))
    orders = [(due, amount) for due in dues_of(book) if (amount := _value(due.units, book, about, day))]
    if not orders:
        raise LedgerError(
            "nothing-to-pay",
            f"{about.name_of(book.owner)} owes nothing in these books.",
            "Choose another party: the client owes arrears, a provider its debt, the escrow what waits to be claimed.",
            owner=book.owner,
        )
    total = iso20022.amount_text(sum(amount for _, amount in orders), book, about)[0]
    name = iso20022.reference(about.chain_id, about.escrow, book.owner, day, book.currency, KIND)
    document, message = iso20022.message(KIND, "CstmrCdtTrfInitn")
    header = add(message, "GrpHdr")
    add(header, "MsgId", name)
    add(header, "CreDtTm", f"{day.isoformat()}T23:59:59Z")
    add(header, "NbOfTxs", str(len(orders)))
    add(header, "CtrlSum", total)
    add(header, "InitgPty/Nm", limited(about.name_of(book.owner), 140))
    payment = add(message, "PmtInf")
    add(payment, "PmtInfId", name)
    add(payment, "PmtMtd", "TRF")
    add(payment, "NbOfTxs", str(len(orders)))
    add(payment, "CtrlSum", total)
    add(payment, "ReqdExctnDt/Dt", day.isoformat())
    iso20022.add_party(payment, "Dbtr", book.owner, about, accounts.get(book.owner))
    _account(payment, "DbtrAcct", book.owner, book, about, accounts)
    iso20022.add_agent(payment, "DbtrAgt", book.owner, accounts)
    for due, amount in orders:
        order = add(payment, "CdtTrfTxInf")
        add(order, "PmtId/EndToEndId", iso20022.reference(name, due.creditor, due.why))
        add_amount(add(order, "Amt"), "InstdAmt", amount, book, about)
        iso20022.add_agent(order, "CdtrAgt", due.creditor, accounts)
        iso20022.add_party(order, "Cdtr", due.creditor, about, accounts.get(due.creditor))
        _account(order, "CdtrAcct", due.creditor, book, about, accounts)
        tokens = f"{about.money(due.units)} {about.token}{_rate(book, day)}"
        add(order, "RmtInf/Ustrd", limited(f"{due.why} on {day.isoformat()}: {tokens}; {about.agreement}", 140))
    iso20022.write_message(document, path)
    return len(orders)


def _account(
    parent: ET.Element, name: str, owner: str, book: Book, about: About, accounts: Mapping[str, BankAccount]
) -> None:
    address = iso20022.address_of(owner, about)
    iso20022.add_account(parent, name, owner, address, book, about, accounts.get(owner))


def _value(units: int, book: Book, about: About, day: date) -> int:
    return units if book.table is None else value_at(units, book.table.on(day), about.decimals, book.cents)


def _rate(book: Book, day: date) -> str:
    if book.table is None:
        return ""
    rate = book.table.on(day)
    return f" at {show(rate.value)} ({rate.source}, {rate.day.isoformat()})"
