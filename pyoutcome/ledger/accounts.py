"""The chart of accounts of one escrow: which accounts exist, what each holds and on which side it stands.

The books are those of the escrow as a trustee. ``assets:escrow`` is the money it keeps; the ``client:`` and
``provider:`` accounts say whose it is. Two pairs stand for promises without money behind them: arrears (the client owes
a provider) and debt (a provider owes the client). A debit is positive, a credit negative, all in whole base units.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from pyoutcome.errors import LedgerError

ESCROW: Final = "assets:escrow"
"""Debit. Money the escrow accounts for: ``tracked()`` on chain."""
FUNDING: Final = "client:funding"
"""Credit. The client's money that is not owed to anyone: ``funds()`` on chain."""
OWING: Final = "client:owing"
"""Debit. What the client owes to providers and has not funded: the sum of all arrears."""
CLIENT_CLAIMABLE: Final = "client:claimable"
"""Credit. The client's money whose transfer to it failed: ``clientClaimable()`` on chain."""
CLIENT_STAKE: Final = "client:stake"
"""Credit. Stakes of the client's open challenges."""
RECOVERABLE: Final = "client:recoverable"
"""Credit. What providers owe to the client: the sum of all debts."""


class Purse(StrEnum):
    """The accounts of each provider; the full name is ``provider:UA:held``."""

    PAYABLE = "payable"
    """Credit. Due in this transaction; empty again when it ends."""
    ARREARS = "arrears"
    """Credit. Settled but not yet covered by funds."""
    HELD = "held"
    """Credit. Held back until the release date."""
    CLAIMABLE = "claimable"
    """Credit. Paid money whose transfer failed; the provider fetches it."""
    BOND = "bond"
    """Credit. Deposited; pays in the end what the provider owes."""
    STAKE = "stake"
    """Credit. Stakes of the provider's open challenges."""
    DEBT = "debt"
    """Debit. What the provider owes; taken out of its later credits."""


_NAME = re.compile(r"\w[\w.-]{0,63}")
_DEBIT_SIDE: Final = frozenset({ESCROW, OWING})


def account_of(provider: str, purse: Purse) -> str:
    """Full account name of one of a provider's accounts."""
    return f"provider:{provider}:{purse}"


def chart_of_accounts(providers: tuple[str, ...]) -> tuple[str, ...]:
    """Every account of an escrow with these providers (their ids in contract order), in the order reports show them.

    Raises LedgerError ``provider-names`` if an id cannot stand in an account name or occurs twice.
    """
    if len(set(providers)) != len(providers) or not all(map(_NAME.fullmatch, providers)):
        raise LedgerError(
            "provider-names",
            "The providers' ids must be different, and made of letters, digits, points, hyphens or underscores.",
            "Pass the providers' ids of the agreement, in its order.",
            providers=providers,
        )
    purses = (account_of(provider, purse) for provider in providers for purse in Purse)
    return (ESCROW, FUNDING, OWING, CLIENT_CLAIMABLE, CLIENT_STAKE, RECOVERABLE, *purses)


def is_debit_account(account: str) -> bool:
    """Whether the account's balance stands on the debit side (positive); all others are negative or zero."""
    return account in _DEBIT_SIDE or account.endswith(f":{Purse.DEBT}")
