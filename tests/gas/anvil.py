"""An anvil that takes transactions from anybody, and tells what each cost and why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.anvil import Line, connected, request, running_anvil

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
    """A local chain."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.chain_id = int(self.ask("eth_chainId"), 16)

    def ask(self, method: str, *parameters: object) -> Any:  # noqa: ANN401, RUF100
        return self._line.ask(method, *parameters)

    def send(self, sender: str, to: str | None, data: bytes) -> Sent:
        """A transaction at a gas price of zero; it is an error if it reverts."""
        call = {"from": sender, "data": "0x" + data.hex(), "gas": hex(LIMIT), "gasPrice": "0x0"}
        if to is not None:
            call["to"] = to
        receipt = self.ask("eth_sendTransactionSync", call)
        assert receipt["status"] == "0x1", f"reverted: {self._reason(call)}"
        return Sent(receipt["transactionHash"], int(receipt["gasUsed"], 16), receipt["contractAddress"] or "")

    def _reason(self, call: dict[str, str]) -> object:
        return self._line.post(request("eth_call", call, "latest")).get("error")

    def read(self, to: str, data: bytes) -> bytes:
        return bytes.fromhex(self.ask("eth_call", {"to": to, "data": "0x" + data.hex()}, "latest")[2:])

    def advance_to(self, moment: int) -> None:
        """The next block is at ``moment``."""
        self.ask("evm_setNextBlockTimestamp", hex(moment))
        self.ask("evm_mine")

    def trace(self, sent: Sent) -> list[dict[str, Any]]:
        """Every step of a transaction, on a chain that is traced."""
        options = {"disableStorage": True, "enableMemory": False, "enableReturnData": False}
        steps: list[dict[str, Any]] = self.ask("debug_traceTransaction", sent.hash, options)["structLogs"]
        return steps

    def data_of(self, sent: Sent) -> bytes:
        return bytes.fromhex(self.ask("eth_getTransactionByHash", sent.hash)["input"][2:])


@contextmanager
def fresh_anvil(*, traced: bool = False) -> Iterator[Anvil]:
    """One of its own, by the rules of the hard fork for which the contracts are compiled.

    Only a traced one can tell the steps of a transaction; it takes ten times as long for each.
    """
    free = ("--gas-price", "0", "--block-base-fee-per-gas", "0")
    options = ("--hardfork", "prague", "--auto-impersonate", *free, *(["--steps-tracing"] if traced else []))
    with running_anvil(*options) as url, connected(url) as line:
        yield Anvil(line)
