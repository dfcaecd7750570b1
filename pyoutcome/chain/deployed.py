"""A contract at an address of a network: reading it, acting on it, and its events."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, Self

from pyoutcome.chain.blocks import ZERO_ADDRESS, Call, Log, Receipt, Reverted
from pyoutcome.chain.contract import Contract, contract
from pyoutcome.chain.eventlog import locate
from pyoutcome.chain.network import Network
from pyoutcome.chain.reverts import explain
from pyoutcome.chain.sender import Cost, Sender
from pyoutcome.errors import ChainError
from pyoutcome.protocol import Located, Signer


@dataclass(frozen=True)
class Done:
    """An act that stands in a block."""

    receipt: Receipt
    events: tuple[Located, ...]
    """What the contract said happened, in order."""

    @property
    def transaction(self) -> str:
        """Transaction hash, ``0x`` and 64 digits."""
        return "0x" + self.receipt.transaction.hex()


class Deployed:
    """One contract. ``artifact`` names the compiled contract whose interface it has, ``parts`` those it passes to."""

    artifact: str
    parts: tuple[str, ...] = ()

    def __init__(self, network: Network, address: str) -> None:
        """``address`` is a checksum address on ``network``; nothing is asked yet."""
        self.network = network
        self.address = address
        self.sender = Sender(network)
        self.block: int | None = None
        """The block after which it is read; None: the newest one."""

    def at(self, block: int | None) -> Self:
        """The same contract, read as it stood after a block."""
        past = copy(self)
        past.block = block
        return past

    @property
    def interface(self) -> Contract:
        """Functions, events and errors of the contract."""
        return contract(self.artifact, *self.parts)

    def read(self, function: str, *arguments: object) -> Any:
        """What a view function returns now, or returned after the contract's ``block``.

        Raises ChainError ``no-contract`` if there is no code at the address, ``not-our-contract`` if another
        contract answers, or the contract's own refusal.
        """
        try:
            data = self.network.call(self._question(function, arguments), self.block)
        except Reverted as refusal:
            raise explain(refusal) from None
        return self._answer(function, data)

    def read_many(self, questions: Sequence[tuple[str, tuple[object, ...]]]) -> list[Any]:
        """What several view functions return: name and arguments of each, asked together. Raises as ``read``."""
        calls = [self._question(*question) for question in questions]
        found = []
        for (function, _), data in zip(questions, self.network.call_many(calls, self.block), strict=True):
            if isinstance(data, Reverted):
                raise explain(data)
            if isinstance(data, Exception):
                raise data
            found.append(self._answer(function, data))
        return found

    def _question(self, function: str, arguments: tuple[object, ...]) -> Call:
        return Call(ZERO_ADDRESS, self.address, self.interface.encode(function, *arguments))

    def _answer(self, function: str, data: bytes) -> Any:
        if not data:
            self._require_answer()
        return self.interface.decode(function, data)

    def act(self, signer: Signer, function: str, *arguments: object, value: int = 0) -> Done:
        """Calls a function in a transaction and waits for it. Raises what ``Sender.send`` raises."""
        receipt = self.sender.send(self.compose(signer.address, function, arguments, value), signer)
        return Done(receipt, self._located(receipt))

    def preview(self, address: str, function: str, *arguments: object, value: int = 0) -> Cost:
        """What the act would cost ``address`` at most. Raises the refusal if it would be refused."""
        return self.sender.preview(self.compose(address, function, arguments, value))

    def compose(self, address: str, function: str, arguments: Sequence[object], value: int = 0) -> Call:
        """The message by which ``address`` calls a function."""
        return Call(address, self.address, self.interface.encode(function, *arguments), value)

    def _located(self, receipt: Receipt) -> tuple[Located, ...]:
        return tuple(self._read_logs([log for log in receipt.logs if log.address == self.address]))

    def _read_logs(self, logs: Sequence[Log]) -> list[Located]:
        return [locate(log, self.interface) for log in logs]

    def events(self, from_block: int = 0, to_block: int | None = None) -> list[Located]:
        """All events of the contract in these blocks (both included; up to the newest by default), in order."""
        last = self.network.head().number if to_block is None else to_block
        return self._read_logs(self.network.logs((self.address,), from_block, last))

    def _require_answer(self) -> None:
        """Nothing was answered: raises ChainError ``no-contract`` if there is or was nothing."""
        self.require_code()
        if self.block is not None:
            raise ChainError(
                "no-contract",
                f"After block {self.block} there was no contract at {self.address} on {self.network.name} yet.",
                "Name a later block.",
                address=self.address,
                block=self.block,
            )

    def require_code(self) -> None:
        """Raises ChainError ``no-contract`` if nothing is deployed at the address."""
        if not self.network.code(self.address):
            raise ChainError(
                "no-contract",
                f"There is no contract at {self.address} on {self.network.name}.",
                "Check the address and the network, or deploy the contract first.",
                address=self.address,
            )


def create_contract(network: Network, signer: Signer, artifact: str, *arguments: object) -> tuple[str, Receipt]:
    """Deploys a carried contract and returns its address."""
    receipt = Sender(network).send(Call(signer.address, None, contract(artifact).creation(*arguments)), signer)
    if receipt.created is None:
        raise ChainError(
            "nothing-created",
            f"Transaction 0x{receipt.transaction.hex()} should have created {artifact}, but the node names no address.",
            "Use another node to look it up.",
            transaction="0x" + receipt.transaction.hex(),
        )
    return receipt.created, receipt
