"""Reconciliation: the books against what the chain says, to the base unit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

from pyoutcome.ledger.balances import AccountBalance, EscrowBalances, escrow_balances
from pyoutcome.ledger.journal import Journal

_NOTHING = AccountBalance(held=0, debt=0, arrears=0, claimable=0)


@dataclass(frozen=True)
class Difference:
    """One balance that is not the same in the books and on chain. Base units."""

    what: str
    """Name of the balance: ``tracked``, ``funds``, ``token balance``, ``held`` and so on."""
    provider: str | None
    """Whose it is; None for the escrow as a whole."""
    books: int
    chain: int


@dataclass(frozen=True)
class Reconciliation:
    """Result of one comparison."""

    differences: tuple[Difference, ...]
    compared: int
    """How many balances were compared."""
    surplus: int
    """Tokens that anyone sent to the escrow's address and that no act has booked yet. Not a difference: the next
    act makes them client funding. Base units."""


def reconcile(journal: Journal, chain: EscrowBalances) -> Reconciliation:
    """Compares every balance of the books with the chain's, as of the journal's last event."""
    pairs = tuple(_pairs(escrow_balances(journal), chain))
    surplus = max(chain.token_balance - chain.tracked, 0)
    differences = tuple(
        Difference(what, provider, books, actual) for what, provider, books, actual in pairs if books != actual
    )
    return Reconciliation(differences, len(pairs), surplus)


def _pairs(books: EscrowBalances, chain: EscrowBalances) -> Iterator[tuple[str, str | None, int, int]]:
    yield "tracked", None, books.tracked, chain.tracked
    yield "funds", None, books.funds, chain.funds
    yield "client claimable", None, books.client_claimable, chain.client_claimable
    # Less than tracked means that money is gone; more is a surplus that is not booked yet.
    yield "token balance", None, books.token_balance, min(chain.token_balance, chain.tracked)
    for name in dict.fromkeys((*books.providers, *chain.providers)):
        ours, theirs = books.providers.get(name, _NOTHING), chain.providers.get(name, _NOTHING)
        for part in fields(AccountBalance):
            yield part.name, name, getattr(ours, part.name), getattr(theirs, part.name)
