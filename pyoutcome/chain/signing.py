"""From a call to the bytes that are handed in: a signed EIP-1559 transaction."""

from __future__ import annotations

from typing import Final

from eth_utils.address import to_canonical_address
from eth_utils.crypto import keccak
from rlp import encode as rlp_encode

from pyoutcome.chain.blocks import Call
from pyoutcome.chain.fees import Fees
from pyoutcome.errors import ChainError
from pyoutcome.protocol import Signer

DYNAMIC_FEE: Final = b"\x02"
"""Type of an EIP-1559 transaction."""


def sign_call(call: Call, chain_id: int, nonce: int, fees: Fees, gas: int, signer: Signer) -> bytes:
    """The call as a signed transaction; its hash is the Keccak hash of the bytes."""
    to = to_canonical_address(call.to) if call.to else b""
    fields: list[object] = [chain_id, nonce, fees.tip, fees.price, gas, to, call.value, call.data, []]
    signature = signer.sign(keccak(DYNAMIC_FEE + rlp_encode(fields)))
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:64])
    return bytes(DYNAMIC_FEE + rlp_encode([*fields, signature[64] - 27, r, s]))


def require_signer(call: Call, signer: Signer) -> None:
    """Raises ChainError ``wrong-signer`` unless the signer is the one who acts."""
    if call.sender != signer.address:
        raise ChainError(
            "wrong-signer",
            f"A transaction of {call.sender} cannot be signed by {signer.address}.",
            "Use the key of the party that acts.",
        )


def require_coin(call: Call, gas: int, fees: Fees, balance: int) -> None:
    """Raises ChainError ``not-enough-coin`` unless the balance covers the transaction's value and highest fee."""
    needed = gas * fees.price + call.value
    if balance < needed:
        raise ChainError(
            "not-enough-coin",
            f"{call.sender} has {balance} wei, and this transaction may need {needed}.",
            "Send native coin to that address; fees are paid in it.",
            address=call.sender,
            balance=balance,
            needed=needed,
        )
