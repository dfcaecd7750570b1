"""Balances of the books: per account, as a trial balance, and in the escrow's own terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pyoutcome.ledger.accounts import CLIENT_CLAIMABLE, ESCROW, FUNDING, Purse, account_of, chart_of_accounts
from pyoutcome.ledger.journal import Journal

_EARNING: Final = ("Credited", "ArrearsPaid", "HoldbackReleased", "FeePaid")
"""Entries whose payable part is pay; bonds and stakes that come back are none."""


@dataclass(frozen=True, kw_only=True)
class AccountBalance:
    """Money of one provider, as the escrow's ``account`` view says it. Base units."""

    held: int
    """Kept until the holdback date."""
    debt: int
    """What the provider owes."""
    arrears: int
    """Credited but not yet covered by funds."""
    claimable: int
    """Paid money whose transfer failed."""
    bond: int = 0
    """Deposited for what it may owe."""


@dataclass(frozen=True, kw_only=True)
class ProviderBalance(AccountBalance):
    """The same with what only the books know. Base units."""

    earned: int
    """Sum of settled amounts, signed."""
    paid: int
    """Paid out or made claimable so far: settled amounts and fees, not bonds and stakes that came back."""


@dataclass(frozen=True)
class EscrowBalances:
    """Everything an escrow holds and for whom. Base units. Filled from the books or from the chain's views."""

    token_balance: int
    """What the token itself says the escrow's address holds; in the books the same as ``tracked``."""
    tracked: int
    """What the escrow accounts for: funds, holdback, bonds, stakes and what waits to be claimed."""
    funds: int
    """The client's money that is not owed to anyone."""
    providers: Mapping[str, AccountBalance]
    """By provider id; a later holder of a place has its own."""
    client_claimable: int = 0
    """The client's money whose transfer to it failed."""


@dataclass(frozen=True)
class TrialLine:
    """One account of a trial balance; one of the two columns is zero. Base units."""

    account: str
    debit: int
    credit: int


def balances(journal: Journal, *, until_block: int | None = None) -> dict[str, int]:
    """Balance of every account (a debit is positive), after ``until_block`` or after the last entry."""
    result = dict.fromkeys(chart_of_accounts(journal.providers), 0)
    for entry in journal.entries:
        if until_block is not None and entry.block > until_block:
            break
        for posting in entry.postings:
            result[posting.account] += posting.amount
    return result


def trial_balance(journal: Journal, *, until_block: int | None = None) -> tuple[TrialLine, ...]:
    """Every account that has a balance; the two columns have equal sums."""
    return tuple(
        TrialLine(account, max(balance, 0), max(-balance, 0))
        for account, balance in balances(journal, until_block=until_block).items()
        if balance
    )


def escrow_balances(journal: Journal, *, until_block: int | None = None) -> EscrowBalances:
    """The books in the escrow's own terms, to be held against the chain's views."""
    books = balances(journal, until_block=until_block)
    return EscrowBalances(
        token_balance=books[ESCROW],
        tracked=books[ESCROW],
        funds=-books[FUNDING],
        providers=provider_balances(journal, until_block=until_block),
        client_claimable=-books[CLIENT_CLAIMABLE],
    )


def provider_balances(journal: Journal, *, until_block: int | None = None) -> dict[str, ProviderBalance]:
    """Every provider's money, with what it earned and was paid."""
    books = balances(journal, until_block=until_block)
    earned = dict.fromkeys(journal.providers, 0)
    paid = dict.fromkeys(journal.providers, 0)
    for entry in journal.entries:
        if entry.provider is None or (until_block is not None and entry.block > until_block):
            continue
        amounts = {posting.account: posting.amount for posting in entry.postings}
        payable = amounts.get(account_of(entry.provider, Purse.PAYABLE), 0)
        if entry.kind in _EARNING:
            paid[entry.provider] -= payable
        if entry.kind == "Credited":
            # Each purse of the provider moved by its part of the amount, debt included.
            earned[entry.provider] -= sum(amounts.get(account_of(entry.provider, purse), 0) for purse in Purse)
    return {
        name: ProviderBalance(
            earned=earned[name],
            paid=paid[name],
            held=-books[account_of(name, Purse.HELD)],
            debt=books[account_of(name, Purse.DEBT)],
            arrears=-books[account_of(name, Purse.ARREARS)],
            claimable=-books[account_of(name, Purse.CLAIMABLE)],
            bond=-books[account_of(name, Purse.BOND)],
        )
        for name in journal.providers
    }
