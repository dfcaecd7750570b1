"""An anvil that takes transactions from anybody, and tells what each cost and why."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from web3 import HTTPProvider
from web3.types import RPCEndpoint

from tests.anvil import running_anvil

LIMIT = 30_000_000
"""Gas that each transaction may take."""


@dataclass(frozen=True)
class Sent:
    """A transaction that was mined and did not fail."""

    hash: str
    gas: int
    """``gasUsed`` of its receipt: what its sender pays for."""
    created: str
    """Address of the contract it made, if it made one."""


class Anvil:
    """A local chain, by its address."""

    def __init__(self, url: str) -> None:
        self._provider = HTTPProvider(url, request_kwargs={"timeout": 120})
        self.chain_id = int(self.ask("eth_chainId"), 16)

    def ask(self, method: str, *parameters: object) -> Any:  # noqa: ANN401, RUF100
        reply = self._provider.make_request(RPCEndpoint(method), list(parameters))
        assert "error" not in reply, f"{method}: {reply['error']}"
        return reply["result"]

    def send(self, sender: str, to: str | None, data: bytes) -> Sent:
        """A transaction at a gas price of zero; it is an error if it reverts."""
        call = {"from": sender, "data": "0x" + data.hex(), "gas": hex(LIMIT), "gasPrice": "0x0"}
        if to is not None:
            call["to"] = to
        receipt = self._receipt(self.ask("eth_sendTransaction", call))
        assert receipt["status"] == "0x1", f"reverted: {self._reason(call)}"
        return Sent(receipt["transactionHash"], int(receipt["gasUsed"], 16), receipt["contractAddress"] or "")

    def _receipt(self, transaction: str) -> Any:
        """It is mined at once, but on a busy machine the answer comes before."""
        deadline = time.monotonic() + 30
        while (receipt := self.ask("eth_getTransactionReceipt", transaction)) is None:
            assert time.monotonic() < deadline, "not mined"
            time.sleep(0.005)
        return receipt

    def _reason(self, call: dict[str, str]) -> object:
        return self._provider.make_request(RPCEndpoint("eth_call"), [call, "latest"]).get("error")

    def read(self, to: str, data: bytes) -> bytes:
        return bytes.fromhex(self.ask("eth_call", {"to": to, "data": "0x" + data.hex()}, "latest")[2:])

    def advance_to(self, moment: int) -> None:
        """The next block is at ``moment``."""
        self.ask("evm_setNextBlockTimestamp", hex(moment))
        self.ask("evm_mine")

    def trace(self, sent: Sent) -> list[dict[str, Any]]:
        """Every step of a transaction."""
        options = {"disableStorage": True, "enableMemory": False, "enableReturnData": False}
        steps: list[dict[str, Any]] = self.ask("debug_traceTransaction", sent.hash, options)["structLogs"]
        return steps

    def data_of(self, sent: Sent) -> bytes:
        return bytes.fromhex(self.ask("eth_getTransactionByHash", sent.hash)["input"][2:])


@contextmanager
def fresh_anvil() -> Iterator[Anvil]:
    """One of its own, by the rules of the hard fork for which the contracts are compiled."""
    free = ("--gas-price", "0", "--block-base-fee-per-gas", "0")
    with running_anvil("--hardfork", "prague", "--steps-tracing", "--auto-impersonate", *free) as url:
        yield Anvil(url)
