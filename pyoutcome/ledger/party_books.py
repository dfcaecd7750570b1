"""Each party's own books, by fixed postings from the escrow's.

What the escrow owes a party is that party's asset, so every posting to one of the party's accounts with the escrow has
its mirror here, with the sign turned. Where the mirrors of an entry do not cancel, money or a right came from outside:
one table says for each event where from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from pyoutcome.errors import LedgerError, did_you_mean
from pyoutcome.ledger.accounts import CLIENT_CLAIMABLE, CLIENT_STAKE, FUNDING, Purse, account_of
from pyoutcome.ledger.book import Book
from pyoutcome.ledger.entries import Entry, Posting
from pyoutcome.ledger.journal import Journal

CASH: Final = "assets:cash"
"""Debit. What the party's own wallet received from and sent to the escrow."""
EARNED: Final = "income:earned"
"""Credit. Settled amounts, in the period's own transaction; a period that costs the provider stands on the debit."""
_GIVEN_UP: Final = "expenses:given-up"
_STAKES_WON: Final = "income:stakes-won"
_STAKES_LOST: Final = "expenses:stakes-lost"
_FEES: Final = "income:fees"
_SURPLUS: Final = "income:surplus"
_LOSS: Final = "expenses:token-loss"

_PROVIDER: Final = {
    Purse.PAYABLE: "assets:escrow:payable",
    Purse.CLAIMABLE: "assets:escrow:claimable",
    Purse.BOND: "assets:escrow:bond",
    Purse.STAKE: "assets:escrow:stake",
    Purse.HELD: "assets:receivable:holdback",
    Purse.ARREARS: "assets:receivable:arrears",
    Purse.DEBT: "liabilities:debt",
}
"""A provider's accounts that mirror its accounts with the escrow."""
_CLIENT: Final = {
    FUNDING: "assets:escrow:funding",
    CLIENT_CLAIMABLE: "assets:escrow:claimable",
    CLIENT_STAKE: "assets:escrow:stake",
}
"""The client's accounts that mirror its accounts with the escrow."""
SET_ASIDE: Final = "assets:escrow:holdback"
"""Debit, the client's. Its money in the escrow that covers the holdback it still owes."""

_FROM_CASH: Final = frozenset(
    {
        *("Deposited", "Withdrawn", "Refunded", "Closed", "ClientDeferred", "ClientClaimed", "BondPosted"),
        *("Challenged", "StakeReturned", "Paid", "Claimed", "GivenUp"),
    }
)
"""Events in which tokens moved between the party and the escrow."""


def parties_of(journal: Journal) -> tuple[str, ...]:
    """Everyone with books of its own: the client, then the providers and those who took a place later."""
    return ("client", *journal.providers)


def party_book(journal: Journal, party: str) -> Book:
    """The own books of ``client`` or a provider. LedgerError ``no-such-books`` for anybody else."""
    if party == "client":
        return Book("client", _client_accounts(journal.providers), tuple(_client_entries(journal)))
    if party not in journal.providers:
        raise LedgerError(
            "no-such-books",
            f"{party!r} has no books: only the client and the providers move money.",
            did_you_mean(party, parties_of(journal)),
            party=party,
        )
    accounts = (CASH, *_PROVIDER.values(), EARNED, _FEES, _STAKES_WON, _STAKES_LOST, _GIVEN_UP)
    return Book(party, accounts, tuple(_provider_entries(journal, party)))


def _client_accounts(providers: tuple[str, ...]) -> tuple[str, ...]:
    each = (
        f"{kind}:{name}"
        for name in providers
        for kind in (
            "assets:claims",
            "liabilities:holdback",
            "liabilities:arrears",
            "expenses:outcome",
            "expenses:fees",
        )
    )
    return (CASH, *_CLIENT.values(), SET_ASIDE, *each, _SURPLUS, _STAKES_WON, _STAKES_LOST, _LOSS, _GIVEN_UP)


def _provider_entries(journal: Journal, name: str) -> Iterator[Entry]:
    mirrors = {account_of(name, purse): account for purse, account in _PROVIDER.items()}
    for entry in journal.entries:
        amounts: dict[str, int] = {}
        for posting in entry.postings:
            if posting.account in mirrors:
                _add(amounts, mirrors[posting.account], -posting.amount)
        rest = -sum(amounts.values())
        if rest:
            for account, amount in _provider_counterparts(entry, rest).items():
                _add(amounts, account, amount)
        if any(amounts.values()):
            yield _with(entry, amounts)


def _provider_counterparts(entry: Entry, rest: int) -> dict[str, int]:
    match entry.kind:
        case "Credited":
            return {EARNED: rest}
        case "FeePaid":
            return {_FEES: rest}
        case kind:
            return _counterparts(kind, entry, rest)


def _client_entries(journal: Journal) -> Iterator[Entry]:
    for entry in journal.entries:
        amounts: dict[str, int] = {}
        for posting in entry.postings:
            if posting.account in _CLIENT:
                _add(amounts, _CLIENT[posting.account], -posting.amount)
                continue
            _, _, owned = posting.account.partition("provider:")
            name, _, purse = owned.rpartition(":")
            if purse == Purse.HELD:
                # Held money is still the client's, and so is the promise to pay it: both stand in full.
                _add(amounts, f"liabilities:holdback:{name}", posting.amount)
                _add(amounts, SET_ASIDE, -posting.amount)
            elif purse == Purse.ARREARS:
                _add(amounts, f"liabilities:arrears:{name}", posting.amount)
            elif purse == Purse.DEBT:
                _add(amounts, f"assets:claims:{name}", posting.amount)
        rest = -sum(amounts.values())
        if rest:
            for account, amount in _client_counterparts(entry, rest).items():
                _add(amounts, account, amount)
        if any(amounts.values()):
            yield _with(entry, amounts)


def _client_counterparts(entry: Entry, rest: int) -> dict[str, int]:
    match entry.kind:
        case "Credited":
            return {f"expenses:outcome:{entry.provider}": rest}
        case "FeePaid":
            return {f"expenses:fees:{entry.provider}": rest}
        case "Synced":
            return {_SURPLUS if rest < 0 else _LOSS: rest}
        case kind:
            return _counterparts(kind, entry, rest)


def _counterparts(kind: str, entry: Entry, rest: int) -> dict[str, int]:
    """Where the rest of an entry came from or went to, for either side."""
    if kind == "StakeLost":
        return {_STAKES_WON if rest < 0 else _STAKES_LOST: rest}
    if kind in _FROM_CASH:
        return {CASH: rest - entry.given_up, _GIVEN_UP: entry.given_up}
    raise LedgerError(
        "no-counterpart",
        f"A {kind} entry gives or takes {abs(rest)} base units, and the books of the parties have no account for that.",
        "Fold the events again with the version of pyoutcome that wrote the journal.",
        entry=entry.number,
    )


def _add(amounts: dict[str, int], account: str, amount: int) -> None:
    amounts[account] = amounts.get(account, 0) + amount


def _with(entry: Entry, amounts: dict[str, int]) -> Entry:
    return replace(entry, postings=tuple(Posting(account, amount) for account, amount in amounts.items() if amount))
