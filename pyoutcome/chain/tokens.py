"""ERC-20 tokens: balances, allowances, and the worthless test token of local chains."""

from __future__ import annotations

from typing import Final

from eth_utils.crypto import keccak

from pyoutcome.chain.deployed import Deployed, Done, create_contract
from pyoutcome.chain.network import Network
from pyoutcome.errors import ChainError
from pyoutcome.protocol import Signer
from pyoutcome.protocol.messages import hash_struct

PERMIT_TYPE: Final = "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"


class TokenClient(Deployed):
    """One ERC-20 token. Amounts are base units."""

    artifact = "TestToken"

    def decimals(self) -> int:
        """Digits after the decimal point."""
        return int(self.read("decimals"))

    def symbol(self) -> str:
        """Short name."""
        return str(self.read("symbol"))

    def balance(self, address: str) -> int:
        """Base units an address has."""
        return int(self.read("balanceOf", address))

    def allowance(self, owner: str, spender: str) -> int:
        """Base units ``spender`` may draw from ``owner``."""
        return int(self.read("allowance", owner, spender))

    def approve(self, signer: Signer, spender: str, amount: int) -> Done:
        """Lets ``spender`` draw up to ``amount`` from the signer."""
        return self._transact(signer, "approve", spender, amount)

    def sign_permit(self, signer: Signer, spender: str, amount: int, deadline: int) -> bytes:
        """The signer's ERC-2612 permit to draw ``amount`` until ``deadline`` (unix seconds): 65 bytes r, s, v.

        Raises ChainError ``no-permit`` if the token knows none.
        """
        try:
            separator, nonce = bytes(self.read("DOMAIN_SEPARATOR")), int(self.read("nonces", signer.address))
        except ChainError as error:
            if error.code not in ("call-refused", "not-our-contract", "no-such-function"):
                raise
            raise ChainError(
                "no-permit",
                f"The token at {self.address} takes no signed permits (ERC-2612).",
                "Fund without --permit: an approval and the deposit are two transactions.",
                address=self.address,
            ) from error
        values = (signer.address, spender, amount, nonce, deadline)
        return signer.sign(keccak(b"\x19\x01" + separator + hash_struct(PERMIT_TYPE, values)))

    def mint(self, signer: Signer, to: str, amount: int) -> Done:
        """Makes ``amount`` out of nothing; only the test token can."""
        return self._transact(signer, "mint", to, amount)

    def _transact(self, signer: Signer, function: str, to: str, amount: int) -> Done:
        # A token's own logs are not events of the protocol.
        receipt = self.sender.send(self.compose(signer.address, function, (to, amount)), signer)
        return Done(receipt, ())


def deploy_test_token(network: Network, signer: Signer, name: str, symbol: str) -> TokenClient:
    """A new test token with 6 decimals that anyone can mint; it stands for no money."""
    address, _ = create_contract(network, signer, "TestToken", name, symbol)
    return TokenClient(network, address)
