"""Double-entry books of an escrow, folded from its events."""

from pyoutcome.ledger.accruals import Expected, accrue
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
from pyoutcome.ledger.exports.csv_file import write_csv
from pyoutcome.ledger.journal import Folding, Journal, fold, name_tenures, place_of_name, running_balances
from pyoutcome.ledger.party_books import parties_of, party_book
from pyoutcome.ledger.periods import PeriodRow
from pyoutcome.ledger.rates import RateTable, read_rates
from pyoutcome.ledger.reconcile import Difference, Reconciliation, reconcile
from pyoutcome.ledger.statements import AccountLine, BookStatement, state_book
from pyoutcome.ledger.taxes import TaxLine, add_taxes, read_taxes
from pyoutcome.ledger.valued import convert

__all__ = [
    "AccountBalance",
    "AccountLine",
    "Book",
    "BookStatement",
    "Difference",
    "Entry",
    "EscrowBalances",
    "Expected",
    "Folding",
    "Journal",
    "PeriodRow",
    "Posting",
    "ProviderBalance",
    "Rate",
    "RateTable",
    "Reconciliation",
    "TaxLine",
    "TrialLine",
    "Worth",
    "accrue",
    "add_taxes",
    "balances",
    "book_balances",
    "book_worths",
    "convert",
    "cut",
    "escrow_balances",
    "escrow_book",
    "fold",
    "name_tenures",
    "parties_of",
    "party_book",
    "place_of_name",
    "provider_balances",
    "read_rates",
    "read_taxes",
    "reconcile",
    "running_balances",
    "state_book",
    "trial_balance",
    "write_csv",
]
