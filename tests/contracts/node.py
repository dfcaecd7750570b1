"""The project's own anvil as a world for stories: anybody may act, at any moment, and can be told apart from the rest.

An act takes about a millisecond, a question a third of one: stories of thousands of acts take seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from tests.anvil import Line, connected, request, running_anvil

ANYONE: Final = "0x" + "01" * 20
REFUSES: Final = "0x5f5ffd"
"""Code of an account that takes no coin."""
RICH: Final = 10**30
_GAS: Final = hex(10**9)
_OPTIONS: Final = (
    "--hardfork", "prague", "--gas-limit", str(10**12), "--auto-impersonate", "--block-base-fee-per-gas", "0",
)  # fmt: skip


@dataclass(frozen=True)
class Reply:
    """What a call came to."""

    good: bool
    output: bytes
    """What it returned, or the reason it was refused with."""
    logs: tuple[tuple[str, tuple[bytes, ...], bytes], ...] = ()
    """Address, topics and data of each event."""


class Node:
    """A chain whose clock is ours; a refused call changes nothing."""

    def __init__(self, line: Line, now: int) -> None:
        self._line = line
        self.now = now
        self.chain_id = int(line.ask("eth_chainId"), 16)
        self._kept = ""

    # --- acts -------------------------------------------------------------------------------------------------------

    def deploy(self, creation: bytes) -> str:
        """Address of a new contract."""
        return str(self._send({"from": ANYONE, "data": f"0x{creation.hex()}"})["contractAddress"])

    def call(self, to: str, data: bytes, sender: str = ANYONE, value: int = 0) -> Reply:
        """One call with plenty of gas, at the present time."""
        call = {"from": sender, "to": to, "data": f"0x{data.hex()}", "value": hex(value)}
        answer = self._line.post(self._question(call))
        if "error" in answer:
            return Reply(False, bytes.fromhex(answer["error"]["data"][2:]))
        return Reply(True, bytes.fromhex(answer["result"][2:]), tuple(map(_log, self._send(call)["logs"])))

    def read(self, to: str, questions: Sequence[bytes]) -> list[bytes]:
        """What views answer now, all asked at once."""
        calls = ({"from": ANYONE, "to": to, "data": f"0x{data.hex()}"} for data in questions)
        answers = self._line.post([self._question(call, at) for at, call in enumerate(calls)])
        return [bytes.fromhex(answer["result"][2:]) for answer in sorted(answers, key=lambda one: one["id"])]

    def _question(self, call: dict[str, str], at: int = 0) -> dict[str, object]:
        return request("eth_call", {**call, "gas": _GAS}, "latest", {}, {"time": hex(self.now)}, number=at)

    def _send(self, call: dict[str, str]) -> Any:
        self._line.ask("evm_setNextBlockTimestamp", self.now)
        receipt = self._line.ask("eth_sendTransactionSync", {**call, "gas": _GAS, "gasPrice": "0x0"})
        assert "0x1" == receipt["status"], "what a call can do, the same transaction did not"
        return receipt

    # --- the world --------------------------------------------------------------------------------------------------

    def keep(self) -> None:
        """What ``start_over`` goes back to."""
        self._kept = self._line.ask("evm_snapshot")

    def start_over(self, now: int) -> None:
        """Everything is as it was when it was kept, at another time."""
        assert self._line.ask("evm_revert", self._kept)
        self.keep()
        self.now = now

    def coin_of(self, address: str) -> int:
        """Native coin of an account."""
        return int(self._line.ask("eth_getBalance", address, "latest"), 16)

    def set_coin(self, address: str, amount: int) -> None:
        self._line.ask("anvil_setBalance", address, hex(amount))

    def refuse_coin(self, address: str, refused: bool) -> None:
        """An account without code takes no coin from now on, or takes it again."""
        self._line.ask("anvil_setCode", address, REFUSES if refused else "0x")


def _log(log: dict[str, Any]) -> tuple[str, tuple[bytes, ...], bytes]:
    return log["address"], tuple(bytes.fromhex(topic[2:]) for topic in log["topics"]), bytes.fromhex(log["data"][2:])


@contextmanager
def running_node(now: int) -> Iterator[Node]:
    """A node of one's own, at a moment that is later than its first block."""
    with running_anvil(*_OPTIONS) as url, connected(url) as line:
        yield Node(line, now)
