"""Double-entry books of an escrow, folded from its events."""

from pyoutcome.ledger.balances import (
    AccountBalance,
    EscrowBalances,
    ProviderBalance,
    TrialLine,
    balances,
    escrow_balances,
    provider_balances,
    trial_balance,
)
from pyoutcome.ledger.book import Book, book_balances, book_worths, cut, escrow_book
from pyoutcome.ledger.entries import Entry, Posting, Rate, Worth
from pyoutcome.ledger.export import write_csv
from pyoutcome.ledger.journal import Journal, fold, name_tenures, running_balances
from pyoutcome.ledger.party_books import parties_of, party_book
from pyoutcome.ledger.periods import PeriodRow
from pyoutcome.ledger.reconcile import Difference, Reconciliation, reconcile

__all__ = [
    "AccountBalance",
    "Book",
    "Difference",
    "Entry",
    "EscrowBalances",
    "Journal",
    "PeriodRow",
    "Posting",
    "ProviderBalance",
    "Rate",
    "Reconciliation",
    "TrialLine",
    "Worth",
    "balances",
    "book_balances",
    "book_worths",
    "cut",
    "escrow_balances",
    "escrow_book",
    "fold",
    "name_tenures",
    "parties_of",
    "party_book",
    "provider_balances",
    "reconcile",
    "running_balances",
    "trial_balance",
    "write_csv",
]
