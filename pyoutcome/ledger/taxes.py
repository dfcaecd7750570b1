"""Tax lines as data: postings that follow from those to a base account."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from pyoutcome.decimals import ONE, Rounding, parse, round_to
from pyoutcome.errors import NumberError
from pyoutcome.ledger.book import Book
from pyoutcome.ledger.entries import Entry, Posting
from pyoutcome.ledger.tables import read_table, table_malformed

COLUMNS: Final = ("name", "base", "rate", "on", "debit", "credit")
_ACCOUNT: Final = re.compile(r"(assets|liabilities|equity|income|expenses)(:\w[\w.-]{0,63}){1,6}")
_NAME: Final = re.compile(r"\w[\w .%-]{0,63}")


@dataclass(frozen=True)
class TaxLine:
    """One tax: a share of what is posted to a base account, posted to two others."""

    name: str
    base: str
    """Account, with all accounts below it."""
    rate: int
    """18 decimals."""
    within: bool
    """Whether the base holds the tax already; otherwise it comes on top."""
    debit: str
    """Debited when the base earns or spends; credited when it is reversed."""
    credit: str


def read_taxes(text: str, name: str = "taxes.csv") -> tuple[TaxLine, ...]:
    """Tax lines from CSV text with the columns ``name,base,rate,on,debit,credit``.

    ``on`` is ``net`` (on top of the base) or ``gross`` (within it). LedgerError ``table-malformed``.
    """
    found = []
    for line, row in read_table(text, COLUMNS, name):
        try:
            rate = parse(row["rate"])
        except NumberError as error:
            raise table_malformed(name, line, f"the rate {row['rate']!r} is not a plain number") from error
        accounts = all(_ACCOUNT.fullmatch(row[column]) for column in ("base", "debit", "credit"))
        if not accounts or not _NAME.fullmatch(row["name"]) or row["on"] not in {"net", "gross"} or not 0 < rate <= ONE:
            raise table_malformed(
                name, line, "name, accounts, `net` or `gross`, or a rate between 0 and 1 are not as they should be"
            )
        found.append(TaxLine(row["name"], row["base"], rate, row["on"] == "gross", row["debit"], row["credit"]))
    return tuple(found)


def add_taxes(book: Book, taxes: tuple[TaxLine, ...]) -> Book:
    """The book with two postings more for each posting to a base account, rounded half to even to base units."""
    named = dict.fromkeys(account for tax in taxes for account in (tax.debit, tax.credit))
    accounts = tuple(dict.fromkeys((*book.accounts, *named)))
    return replace(book, accounts=accounts, entries=tuple(_taxed(entry, taxes) for entry in book.entries))


def _taxed(entry: Entry, taxes: tuple[TaxLine, ...]) -> Entry:
    more = []
    for tax in taxes:
        for posting in entry.postings:
            if posting.account == tax.base or posting.account.startswith(f"{tax.base}:"):
                amount = _tax_of(posting, tax)
                more += [Posting(tax.debit, amount), Posting(tax.credit, -amount)] if amount else []
    return replace(entry, postings=(*entry.postings, *more))


def _tax_of(posting: Posting, tax: TaxLine) -> int:
    """Positive when the base grows on its own side: income by credits, expenses by debits."""
    base = -posting.amount if posting.account.startswith(("income:", "liabilities:", "equity:")) else posting.amount
    whole = ONE + tax.rate if tax.within else ONE
    return round_to(base * tax.rate, whole, Rounding.HALF_EVEN) // whole
