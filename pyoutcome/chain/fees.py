"""What a unit of gas may cost: at first, and when a transaction waits too long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pyoutcome.errors import ChainError

GWEI: Final = 10**9


@dataclass(frozen=True)
class Fees:
    """The two prices of an EIP-1559 transaction, wei per unit of gas."""

    tip: int
    """Most that goes to whoever makes the block (``maxPriorityFeePerGas``)."""
    price: int
    """Most that is paid altogether (``maxFeePerGas``)."""


def quote(base_fee: int, tip: int) -> Fees:
    """Prices that stay good for a while.

    The base fee rises by at most an eighth per block: twice the present one covers five full blocks.
    """
    return Fees(tip, 2 * base_fee + tip)


@dataclass(frozen=True)
class FeePolicy:
    """How much a transaction may cost, and when it is offered more."""

    highest: int = 500 * GWEI
    """Most wei per unit of gas, whatever happens. Calls get eight ninths of it at most: the rest lets an empty
    transaction outbid any of them by the eighth that nodes ask for."""
    stuck_seconds: int = 60
    """A transaction that waits so long, by the chain's clock, is replaced by one that pays more,"""
    stuck_blocks: int = 2
    """if also so many blocks went by without it."""
    most_refusals: int = 3
    """A transaction that is refused so often, though it is its turn, is given up: its nonce is used for nothing. On a
    public network also ``stuck_seconds`` must have gone by."""

    def first(self, base_fee: int, tip: int) -> Fees:
        """Prices to begin with. Raises ChainError ``fee-above-limit`` if even the present base fee is too much."""
        return _within(quote(base_fee, tip), base_fee + tip, self._highest_of_calls)

    def raised(self, last: Fees, base_fee: int, tip: int) -> Fees:
        """Prices for a replacement: both at least an eighth higher, which nodes ask for, and good for the present fees.

        Raises ChainError ``fee-above-limit``.
        """
        return _raised(last, base_fee, tip, self._highest_of_calls)

    def raised_for_nothing(self, last: Fees, base_fee: int, tip: int, *, over_a_call: bool) -> Fees:
        """Prices for an empty transaction that takes a nonce from what ``last`` was offered for.

        A call (``over_a_call``) is outbid whatever was offered for it. After that, only the network's own price is a
        reason to offer more: twice what a new transaction would be offered now, and never above ``highest``.

        Raises ChainError ``fee-above-limit``.
        """
        most = 2 * quote(base_fee, tip).price
        if over_a_call:
            most = max(most, _eighth_more(last.price))
        return _raised(last, base_fee, tip, min(self.highest, most))

    @property
    def _highest_of_calls(self) -> int:
        return self.highest * 8 // 9


def _raised(last: Fees, base_fee: int, tip: int, limit: int) -> Fees:
    least = Fees(_eighth_more(last.tip), _eighth_more(last.price))
    wanted = quote(base_fee, max(least.tip, tip))
    wanted = Fees(wanted.tip, max(least.price, wanted.price))
    return _within(wanted, max(least.price, base_fee + wanted.tip), limit)


def _within(wanted: Fees, needed: int, limit: int) -> Fees:
    """What is wanted, or as much of it as the limit lets, if that is what is needed at least."""
    if limit < min(needed, wanted.price):
        raise ChainError(
            "fee-above-limit",
            f"A unit of gas would have to be offered {needed} wei, and the limit is {limit}.",
            "Wait until the network is cheaper, or raise the limit.",
            needed=needed,
            highest=limit,
        )
    return Fees(wanted.tip, min(wanted.price, limit))


def _eighth_more(price: int) -> int:
    return max(price + 1, -(-price * 9 // 8))
