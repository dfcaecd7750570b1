"""Reports, or settlements, of many escrows in one transaction; one that is refused stops none of the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from eth_utils.address import to_canonical_address

from pyoutcome.chain.artifact import load_artifact
from pyoutcome.chain.blocks import Call
from pyoutcome.chain.contract import contract
from pyoutcome.chain.deployed import Deployed, Done, create_contract
from pyoutcome.chain.network import Network
from pyoutcome.chain.parts import foreign
from pyoutcome.chain.sender import Cost, Sender
from pyoutcome.errors import ChainError
from pyoutcome.protocol import Signer

MOST_REPORT_GAS: Final = 1_000_000
"""Gas that one report or settlement of many may take."""
MOST_REPORT_BYTES: Final = 2**16 - 1
Together = Literal["submitMany", "settleMany"]
"""What the items of one transaction are: packed reports, or settlements."""


class BatchClient(Deployed):
    """One deployed batch. It has no rights and keeps nothing."""

    artifact = "EscrowBatch"

    def submit_many(
        self,
        signer: Signer,
        items: Sequence[tuple[str, bytes]],
        allowance: int = MOST_REPORT_GAS,
        act: Together = "submitMany",
    ) -> Done:
        """Hands in packed reports (``EscrowClient.pack_report``) of several escrows, each with ``allowance`` gas.

        With ``act`` ``settleMany`` the items are settlements (``EscrowClient.pack_settlement``) of periods whose window
        is over. Events of the result are ``Refused``, one for each item that its escrow refused.
        Raises ChainError ``report-too-long``.
        """
        receipt = self.sender.send(self.compose_many(signer.address, items, allowance, act), signer)
        return Done(receipt, self._located(receipt))

    def preview_many(
        self,
        address: str,
        items: Sequence[tuple[str, bytes]],
        allowance: int = MOST_REPORT_GAS,
        act: Together = "submitMany",
    ) -> Cost:
        """What handing them in would cost ``address`` at most."""
        return self.sender.preview(self.compose_many(address, items, allowance, act))

    def compose_many(
        self,
        address: str,
        items: Sequence[tuple[str, bytes]],
        allowance: int = MOST_REPORT_GAS,
        act: Together = "submitMany",
    ) -> Call:
        """The message by which ``address`` hands them in."""
        return Call(address, self.address, self._data(items, allowance, act))

    @staticmethod
    def preview_deployment(network: Network, address: str) -> Cost:
        """What deploying a batch would cost ``address`` at most."""
        return Sender(network).preview(Call(address, None, contract("EscrowBatch").creation()))

    def verify(self) -> None:
        """Checks that the code at the address is this package's. Raises ChainError ``foreign-code``."""
        if self.network.code(self.address) != load_artifact("EscrowBatch").runtime:
            raise foreign("the batch", self.address, "its code is not that of this version's EscrowBatch")

    def _data(self, items: Sequence[tuple[str, bytes]], allowance: int, act: Together) -> bytes:
        parts = [self.interface.functions[act].selector, allowance.to_bytes(4)]
        for escrow, packed in items:
            if len(packed) > MOST_REPORT_BYTES:
                raise ChainError(
                    "report-too-long",
                    f"The report for {escrow} has {len(packed)} bytes; a batch takes at most {MOST_REPORT_BYTES}.",
                    "Hand it in by itself.",
                    escrow=escrow,
                )
            parts += [to_canonical_address(escrow), len(packed).to_bytes(2), packed]
        return b"".join(parts)


def deploy_batch(network: Network, signer: Signer) -> BatchClient:
    """Deploys a batch; one per network is enough for everybody."""
    address, _ = create_contract(network, signer, "EscrowBatch")
    return BatchClient(network, address)
