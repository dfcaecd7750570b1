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
    """Most wei per unit of gas, whatever happens."""
    stuck_seconds: int = 60
    """A transaction that waits so long, by the chain's clock, is replaced by one that pays more,"""
    stuck_blocks: int = 2
    """if also so many blocks went by without it."""
    most_refusals: int = 3
    """A transaction that is refused so often, though it is its turn, is given up: its nonce is used for nothing. On a
    public network also ``stuck_seconds`` must have gone by."""

    def first(self, base_fee: int, tip: int) -> Fees:
        """Prices to begin with. Raises ChainError ``fee-above-limit`` if even the present base fee is too much."""
        wanted = quote(base_fee, tip)
        if wanted.price > self.highest and base_fee + tip > self.highest:
            raise self._too_much(base_fee + tip)
        return Fees(tip, min(wanted.price, self.highest))

    def raised(self, last: Fees, base_fee: int, tip: int) -> Fees:
        """Prices for a replacement: both at least an eighth higher, which nodes ask for, and good for the present fees.

        Raises ChainError ``fee-above-limit``.
        """
        least = Fees(_eighth_more(last.tip), _eighth_more(last.price))
        wanted = quote(base_fee, max(least.tip, tip))
        price = max(least.price, wanted.price)
        if price > self.highest:
            price = self.highest
            needed = max(least.price, base_fee + wanted.tip)
            if price < needed:
                raise self._too_much(needed)
        return Fees(wanted.tip, price)

    def _too_much(self, needed: int) -> ChainError:
        return ChainError(
            "fee-above-limit",
            f"A unit of gas would have to be offered {needed} wei, and the limit is {self.highest}.",
            "Wait until the network is cheaper, or raise the limit.",
            needed=needed,
            highest=self.highest,
        )


def _eighth_more(price: int) -> int:
    return max(price + 1, -(-price * 9 // 8))
