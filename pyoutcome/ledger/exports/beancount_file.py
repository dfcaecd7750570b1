"""Books as Beancount text: accounts opened, rates as prices, entries as transactions, balances asserted at the end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final, TextIO

from pyoutcome.decimals import show, show_units
from pyoutcome.ledger.accounts import is_debit_account
from pyoutcome.ledger.book import Book, book_balances
from pyoutcome.ledger.entries import Entry, Posting, Rate
from pyoutcome.ledger.exports.about import About

_COMMODITY: Final = re.compile(r"[A-Z][A-Z0-9.-]{0,21}[A-Z0-9]")
_ROOTS: Final = frozenset({"assets", "liabilities", "equity", "income", "expenses"})
_NOT_IN_A_NAME: Final = re.compile(r"[^A-Za-z0-9]+")


def write_beancount(book: Book, about: About, file: TextIO) -> int:
    """Writes the book as one ledger file and returns how many postings.

    The token is a commodity of its own. In a valued book each posting carries its rate as price, and its rounded worth
    as metadata; rounding differences, which have no tokens, are left out.
    """
    commodity = commodity_of(about.token, book.currency)
    file.writelines(f"{line}\n" for line in _head(book, about, commodity))
    if not book.entries:
        return 0
    names = account_names(book.accounts)
    used = dict.fromkeys(posting.account for entry in book.entries for posting in entry.postings if posting.amount)
    first, last = book.entries[0].day, book.entries[-1].day
    file.writelines(f'{first} open {names[account]} {commodity}\n  account: "{account}"\n' for account in used)
    for rate in _rates(book):
        price = f"{show(rate.value)} {book.currency}"
        file.writelines((f"{rate.day} price {commodity} {price}\n", f"  source: {_text(rate.source)}\n"))
    written = 0
    for entry in book.entries:
        kept = [posting for posting in entry.postings if posting.amount]
        if kept:
            file.writelines(f"{line}\n" for line in _transaction(book, about, entry, kept, names, commodity))
            written += len(kept)
    file.write("\n")
    for account, amount in book_balances(book).items():
        if account in used:
            # Beancount holds balances against the start of a day, and with a tolerance unless it is told none.
            file.write(f"{last + timedelta(1)} balance {names[account]} {about.money(amount)} ~ 0 {commodity}\n")
    return written


def _head(book: Book, about: About, commodity: str) -> Iterator[str]:
    yield f'option "title" {_text(f"{about.title}: {about.name_of(book.owner)}")}'
    yield f'option "operating_currency" "{book.currency or commodity}"'
    yield ""
    day = book.entries[0].day if book.entries else date(2000, 1, 1)
    yield f"{day} commodity {commodity}"
    yield f"  name: {_text(about.token)}"
    yield f"  decimals: {about.decimals}"
    yield f"  agreement: {_text(about.agreement)}"
    if about.escrow:
        yield f"  escrow: {_text(about.escrow)}"
        yield f"  chain: {about.chain_id}"
    yield ""


def _rates(book: Book) -> list[Rate]:
    found = {
        posting.worth.rate
        for entry in book.entries
        for posting in entry.postings
        if posting.worth and posting.worth.rate
    }
    return sorted(found, key=lambda rate: rate.day)


def _transaction(
    book: Book, about: About, entry: Entry, kept: list[Posting], names: dict[str, str], commodity: str
) -> Iterator[str]:
    yield ""
    yield f"{entry.day} * {_text(entry.narration)}"
    yield f"  entry: {entry.number}"
    yield f'  event: "{entry.kind}"'
    yield f'  time: "{entry.time}"'
    if entry.transaction:
        yield f"  block: {entry.block}"
        yield f'  transaction: "0x{entry.transaction.hex()}"'
    if entry.period is not None:
        yield f"  period: {entry.period}"
    if entry.provider is not None:
        yield f"  provider: {_text(entry.provider)}"
    for posting in kept:
        rate = posting.worth.rate if posting.worth else None
        price = f" @ {show(rate.value)} {book.currency}" if rate else ""
        yield f"  {names[posting.account]}  {about.money(posting.amount)} {commodity}{price}"
        if posting.worth:
            yield f"    worth: {show_units(posting.worth.amount, book.cents, book.cents)} {book.currency}"
            if rate:
                yield f"    rate-date: {rate.day}"


def _text(words: str) -> str:
    """A text in quotes; quotes and backslashes inside are escaped."""
    plain = words.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{plain}"'


def commodity_of(symbol: str, currency: str | None) -> str:
    """The token's name as Beancount allows it, different from the book currency's."""
    plain = re.sub(r"[^A-Z0-9.-]", "", symbol.upper())
    allowed = _COMMODITY.fullmatch(plain) and plain not in {"NULL", "TRUE", "FALSE", currency}
    return plain if allowed else f"TOKEN-{plain}"[:20].rstrip("-.")


def account_names(accounts: tuple[str, ...]) -> dict[str, str]:
    """Beancount's name of each account: one of five roots, parts of letters, digits and hyphens, no two alike."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for account in accounts:
        parts = account.split(":")
        if parts[0] not in _ROOTS:
            # The trustee's books say whose money it is; which side it stands on says the root.
            parts.insert(0, "assets" if is_debit_account(account) else "liabilities")
        plain = name = ":".join(_part(part) for part in parts)
        number = 1
        while name.casefold() in taken:
            number += 1
            name = f"{plain}-{number}"
        taken.add(name.casefold())
        found[account] = name
    return found


def _part(part: str) -> str:
    plain = _NOT_IN_A_NAME.sub("-", part).strip("-") or "X"
    return plain[0].upper() + plain[1:]
