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
from pyoutcome.ledger.entries import Entry, Posting
from pyoutcome.ledger.export import write_csv
from pyoutcome.ledger.journal import Folding, Journal, fold, name_tenures, running_balances
from pyoutcome.ledger.periods import PeriodRow
from pyoutcome.ledger.reconcile import Difference, Reconciliation, reconcile

__all__ = [
    "AccountBalance",
    "Difference",
    "Entry",
    "EscrowBalances",
    "Folding",
    "Journal",
    "PeriodRow",
    "Posting",
    "ProviderBalance",
    "Reconciliation",
    "TrialLine",
    "balances",
    "escrow_balances",
    "fold",
    "name_tenures",
    "provider_balances",
    "reconcile",
    "running_balances",
    "trial_balance",
    "write_csv",
]
