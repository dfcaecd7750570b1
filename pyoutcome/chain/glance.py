"""A network seen at one glance: the same question is asked once, until somebody looks again.

Whoever decides about an agreement asks the same things over and over: is there code, how far is the clock, where does
the period stand. Within one decision the answers must not differ anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from pyoutcome.chain.blocks import Block, Call, Head, Identity, Log, Receipt, Reverted
from pyoutcome.chain.network import Network

if TYPE_CHECKING:
    from web3 import Web3

    from pyoutcome.chain.proofs import Proof
    from pyoutcome.errors import ChainError

Answer = TypeVar("Answer")


class Glance(Network):
    """A network whose answers about its state are remembered until ``look_again``, or until something is sent by it.

    Refusals and errors are not remembered. Not for several threads at once.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._seen: dict[Hashable, Any] = {}
        self._identity: Identity | None = None
        self.name, self.chain_id, self.local = network.name, network.chain_id, network.local

    def look_again(self) -> None:
        """From now on everything is asked anew."""
        self._seen.clear()

    def _once(self, key: Hashable, ask: Callable[[], Answer]) -> Answer:
        if key not in self._seen:
            self._seen[key] = ask()
        found: Answer = self._seen[key]
        return found

    # --- remembered ---------------------------------------------------------------------------------------------------

    def identity(self) -> Identity:
        """What the network is; asked once for ever, because a connection is to one chain."""
        if self._identity is None:
            self._identity = self._network.identity()
        return self._identity

    def head(self) -> Head:
        """The newest block."""
        return self._once("head", self._network.head)

    def block(self, number: int) -> Block | None:
        """The block with that number."""
        return self._once(("block", number), lambda: self._network.block(number))

    def balance(self, address: str, block: int | None = None) -> int:
        """Native coin of an address."""
        return self._once(("balance", address, block), lambda: self._network.balance(address, block))

    def code(self, address: str) -> bytes:
        """Code at an address."""
        return self._once(("code", address), lambda: self._network.code(address))

    def call(self, call: Call, block: int | None = None) -> bytes:
        """What a call returns."""
        return self._once((call, block), lambda: self._network.call(call, block))

    def call_many(self, calls: Sequence[Call], block: int | None = None) -> list[bytes | Reverted | ChainError]:
        """What several return; only those not known yet are asked."""
        new = [call for call in dict.fromkeys(calls) if (call, block) not in self._seen]
        told = dict(zip(new, self._network.call_many(new, block), strict=True)) if new else {}
        self._seen |= {(call, block): answer for call, answer in told.items() if isinstance(answer, bytes)}
        return [told[call] if call in told else self._seen[call, block] for call in calls]

    def logs(self, addresses: tuple[str, ...], first: int, last: int) -> list[Log]:
        """Logs of the addresses."""
        return list(self._once(("logs", addresses, first, last), lambda: self._network.logs(addresses, first, last)))

    # --- handed on ----------------------------------------------------------------------------------------------------

    def final_block(self) -> int | None:
        """As the network."""
        return self._network.final_block()

    def nonce(self, address: str) -> int:
        """As the network."""
        return self._network.nonce(address)

    def nonce_at(self, address: str, block: int | None = None) -> int:
        """As the network."""
        return self._network.nonce_at(address, block)

    def estimate_gas(self, call: Call) -> int:
        """As the network."""
        return self._network.estimate_gas(call)

    def allow_gas(self, call: Call) -> int:
        """As the network."""
        return self._network.allow_gas(call)

    def rehearse(self, calls: Sequence[Call]) -> list[int | Reverted | ChainError]:
        """As the network."""
        return self._network.rehearse(calls)

    def priority_fee(self) -> int:
        """As the network."""
        return self._network.priority_fee()

    def send(self, raw: bytes) -> bytes:
        """As the network; then everything is asked anew."""
        return self._sent(lambda: self._network.send(raw))

    def send_many(self, raws: Sequence[bytes]) -> list[bytes | Reverted | ChainError]:
        """As the network; then everything is asked anew."""
        return self._sent(lambda: self._network.send_many(raws))

    def _sent(self, send: Callable[[], Answer]) -> Answer:
        try:
            return send()
        finally:
            self.look_again()

    def receipt(self, transaction: bytes) -> Receipt | None:
        """As the network; what stands in a block now may be newer than what was seen."""
        self.look_again()
        return self._network.receipt(transaction)

    def receipts(self, transactions: Sequence[bytes]) -> list[Receipt | None]:
        """As the network; then everything is asked anew."""
        self.look_again()
        return self._network.receipts(transactions)

    def knows(self, transactions: Sequence[bytes]) -> list[bool]:
        """As the network."""
        return self._network.knows(transactions)

    def proof(self, number: int) -> Proof | None:
        """As the network."""
        return self._network.proof(number)

    def _mine_at(self, timestamp: int) -> None:
        self._sent(lambda: self._network.advance_to(timestamp))

    @property
    def web3(self) -> Web3:
        """As the network."""
        return self._network.web3

    def close(self) -> None:
        """Closes the network."""
        self._network.close()
