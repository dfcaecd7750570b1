"""Sending transactions: built, signed, handed in, waited for; a refusal comes back as an error in our own words."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from pyoutcome.chain.blocks import Call, Receipt, Reverted
from pyoutcome.chain.fees import Fees, quote
from pyoutcome.chain.network import Network
from pyoutcome.chain.reverts import explain
from pyoutcome.chain.signing import require_coin, require_signer, sign_call
from pyoutcome.errors import ChainError
from pyoutcome.protocol import Signer

WAIT_SECONDS: Final = 180.0
"""How long to wait for a transaction to stand in a block."""
POLL_SECONDS: Final = 1.0
LOCAL_POLL_SECONDS: Final = 0.01


@dataclass(frozen=True)
class Cost:
    """What sending a transaction may cost, in the network's native coin."""

    gas: int
    """Gas limit it would be sent with."""
    gas_price: int
    """Most wei it would pay per unit of gas."""
    local: bool
    """On a local chain the coin is play money."""

    @property
    def most(self) -> int:
        """The highest possible fee, wei."""
        return self.gas * self.gas_price


class Sender:
    """Sends calls to one network and waits for them."""

    def __init__(self, network: Network, *, wait: float = WAIT_SECONDS) -> None:
        self.network = network
        self._wait = wait

    def preview(self, call: Call) -> Cost:
        """What the call would cost at most, without sending it.

        Raises the error that sending would raise if the contract would refuse it.
        """
        try:
            gas = self.network.estimate_gas(call) * 5 // 4
        except Reverted as refusal:
            raise explain(refusal) from None
        return Cost(gas, self._fees().price, self.network.local)

    def send(self, call: Call, signer: Signer) -> Receipt:
        """Signs the call as a transaction, hands it in and waits until it stands in a block.

        A call that the contract would refuse is not sent. Raises the refusal as ProtocolError (``reverts.py``), and
        ChainError: ``not-enough-coin``, ``transaction-not-mined``, ``transaction-failed``, those of the network.
        """
        require_signer(call, signer)
        try:
            gas = self.network.allow_gas(call)
            fees = self._fees()
            require_coin(call, gas, fees, self.network.balance(call.sender))
            nonce = self.network.nonce(call.sender)
            raw = sign_call(call, self.network.chain_id, nonce, fees, gas, signer)
            receipt = self._await(self.network.send(raw))
            if not receipt.succeeded:
                # Between the trial and the block another transaction came first; ask again why.
                self.network.call(call)
        except Reverted as refusal:
            raise explain(refusal) from None
        if not receipt.succeeded:
            raise ChainError(
                "transaction-failed",
                f"Transaction 0x{receipt.transaction.hex()} is in block {receipt.block}, but the contract refused it.",
                "Read the state again; if the step is still needed, repeat it.",
                transaction="0x" + receipt.transaction.hex(),
            )
        return receipt

    def _fees(self) -> Fees:
        return quote(self.network.head().base_fee, self.network.priority_fee())

    def _await(self, transaction: bytes) -> Receipt:
        deadline = time.monotonic() + self._wait
        while True:
            receipt = self.network.receipt(transaction)
            if receipt is not None:
                return receipt
            if time.monotonic() >= deadline:
                raise ChainError(
                    "transaction-not-mined",
                    f"Transaction 0x{transaction.hex()} is in no block after {self._wait:g} seconds.",
                    "Look it up before repeating the step: it may still arrive.",
                    transaction="0x" + transaction.hex(),
                )
            time.sleep(LOCAL_POLL_SECONDS if self.network.local else POLL_SECONDS)
