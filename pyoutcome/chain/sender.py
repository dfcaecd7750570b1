"""Sending transactions: built, signed, handed in, waited for; a refusal comes back as an error in our own words."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from eth_utils.address import to_canonical_address
from eth_utils.crypto import keccak
from rlp import encode as rlp_encode

from pyoutcome.chain.network import Call, Network, Receipt, Reverted
from pyoutcome.chain.reverts import explain
from pyoutcome.errors import ChainError
from pyoutcome.protocol import Signer

WAIT_SECONDS: Final = 180.0
"""How long to wait for a transaction to stand in a block."""
POLL_SECONDS: Final = 1.0
LOCAL_POLL_SECONDS: Final = 0.01
DYNAMIC_FEE: Final = b"\x02"
"""Type of an EIP-1559 transaction."""


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
        tip = self.network.priority_fee()
        return Cost(gas, self._price(tip), self.network.local)

    def send(self, call: Call, signer: Signer) -> Receipt:
        """Signs the call as a transaction, hands it in and waits until it stands in a block.

        A call that the contract would refuse is not sent. Raises the refusal as ProtocolError (``reverts.py``), and
        ChainError: ``not-enough-coin``, ``transaction-not-mined``, ``transaction-failed``, those of the network.
        """
        if call.sender != signer.address:
            raise ChainError(
                "wrong-signer",
                f"A transaction of {call.sender} cannot be signed by {signer.address}.",
                "Use the key of the party that acts.",
            )
        try:
            gas = self.network.allow_gas(call)
            raw = self._sign(call, gas, signer)
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

    def _price(self, tip: int) -> int:
        # The base fee rises by at most an eighth per block: twice the present one covers five full blocks.
        return 2 * self.network.head().base_fee + tip

    def _sign(self, call: Call, gas: int, signer: Signer) -> bytes:
        tip = self.network.priority_fee()
        price = self._price(tip)
        needed = gas * price + call.value
        balance = self.network.balance(call.sender)
        if balance < needed:
            raise ChainError(
                "not-enough-coin",
                f"{call.sender} has {balance} wei, and this transaction may need {needed}.",
                "Send native coin to that address; fees are paid in it.",
                address=call.sender,
                balance=balance,
                needed=needed,
            )
        to = to_canonical_address(call.to) if call.to else b""
        nonce = self.network.nonce(call.sender)
        fields: list[object] = [self.network.chain_id, nonce, tip, price, gas, to, call.value, call.data, []]
        signature = signer.sign(keccak(DYNAMIC_FEE + rlp_encode(fields)))
        r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:64])
        return bytes(DYNAMIC_FEE + rlp_encode([*fields, signature[64] - 27, r, s]))

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
