"""Reports for many escrows in one transaction; one that is refused stops none of the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

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
"""Gas that one report of many may take."""
MOST_REPORT_BYTES: Final = 2**16 - 1


class BatchClient(Deployed):
    """One deployed batch. It has no rights and keeps nothing."""

    artifact = "EscrowBatch"

    def submit_many(
        self, signer: Signer, reports: Sequence[tuple[str, bytes]], allowance: int = MOST_REPORT_GAS
    ) -> Done:
        """Hands in packed reports (``EscrowClient.pack_report``) of several escrows, each with ``allowance`` gas.

        Events of the result are ``Refused``, one for each report that its escrow refused.
        Raises ChainError ``report-too-long``.
        """
        receipt = self.sender.send(self.compose_many(signer.address, reports, allowance), signer)
        return Done(receipt, self._located(receipt))

    def preview_many(
        self, address: str, reports: Sequence[tuple[str, bytes]], allowance: int = MOST_REPORT_GAS
    ) -> Cost:
        """What handing them in would cost ``address`` at most."""
        return self.sender.preview(self.compose_many(address, reports, allowance))

    def compose_many(
        self, address: str, reports: Sequence[tuple[str, bytes]], allowance: int = MOST_REPORT_GAS
    ) -> Call:
        """The message by which ``address`` hands them in."""
        return Call(address, self.address, self._data(reports, allowance))

    @staticmethod
    def preview_deployment(network: Network, address: str) -> Cost:
        """What deploying a batch would cost ``address`` at most."""
        return Sender(network).preview(Call(address, None, contract("EscrowBatch").creation()))

    def verify(self) -> None:
        """Checks that the code at the address is this package's. Raises ChainError ``foreign-code``."""
        if self.network.code(self.address) != load_artifact("EscrowBatch").runtime:
            raise foreign("the batch", self.address, "its code is not that of this version's EscrowBatch")

    def _data(self, reports: Sequence[tuple[str, bytes]], allowance: int) -> bytes:
        parts = [self.interface.functions["submitMany"].selector, allowance.to_bytes(4)]
        for escrow, packed in reports:
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
