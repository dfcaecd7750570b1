"""What every network can do.

The embedded chain and any JSON-RPC node answer the same few questions, so everything above this module (sending,
the escrow's client, the behaviour suite) is one code path for all of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from pyoutcome.chain.blocks import Block, Call, Head, Identity, Landing, Log, Receipt, Reverted
from pyoutcome.errors import ChainError

if TYPE_CHECKING:
    from web3 import Web3

    from pyoutcome.chain.keys import KeySigner
    from pyoutcome.chain.proofs import Proof

Asked = TypeVar("Asked")
Got = TypeVar("Got")


class Network(ABC):
    """A chain that can be read, written to and, if it is local, moved in time."""

    name: str
    """``embedded``, or the node's address without user name, password and path."""
    chain_id: int
    """Number of the chain; part of every signature."""
    local: bool
    """A chain of this machine for trying things out: well-known test accounts are allowed and time can be moved."""

    @abstractmethod
    def identity(self) -> Identity:
        """What a workspace records to recognise the chain."""

    @abstractmethod
    def head(self) -> Head:
        """The newest block."""

    @abstractmethod
    def block(self, number: int) -> Block | None:
        """The block with that number as the chain has it now; None if it has none yet."""

    @abstractmethod
    def balance(self, address: str, block: int | None = None) -> int:
        """Native coin of an address, wei; after a block that the chain has, or after the newest."""

    def block_hash(self, number: int) -> bytes | None:
        """Hash of the block of that number, 32 bytes; None if the chain has none (yet, or no more)."""
        found = self.block(number)
        return None if found is None else found.hash

    @abstractmethod
    def final_block(self) -> int | None:
        """Number of the newest block that the network calls final; None where it has no such thing."""

    @abstractmethod
    def nonce(self, address: str) -> int:
        """Number of the address's next transaction, pending ones counted."""

    @abstractmethod
    def nonce_at(self, address: str, block: int | None = None) -> int:
        """How many transactions of the address stand in blocks, up to ``block`` or the newest."""

    @abstractmethod
    def code(self, address: str) -> bytes:
        """Runtime code at an address; empty if there is none."""

    @abstractmethod
    def call(self, call: Call, block: int | None = None) -> bytes:
        """What the call would return after a block that the chain has, or after the newest. Raises Reverted.

        A node that does not keep the state of old blocks refuses (ChainError ``network-error``).
        """

    def call_many(self, calls: Sequence[Call], block: int | None = None) -> list[bytes | Reverted | ChainError]:
        """For each call what ``call`` gives or raises."""
        return _each(lambda call: self.call(call, block), calls)

    @abstractmethod
    def estimate_gas(self, call: Call) -> int:
        """Gas the call would need now. Raises Reverted."""

    @abstractmethod
    def allow_gas(self, call: Call) -> int:
        """Gas limit to send the call with. Raises Reverted if the network can tell now that the call would fail."""

    @abstractmethod
    def priority_fee(self) -> int:
        """Tip per unit of gas that gets a transaction into a block soon, wei."""

    @abstractmethod
    def send(self, raw: bytes) -> bytes:
        """Hands in a signed transaction; its hash. Raises Reverted where the network refuses failing ones."""

    @abstractmethod
    def receipt(self, transaction: bytes) -> Receipt | None:
        """The receipt of a transaction, or None while it is in no block."""

    @abstractmethod
    def knows(self, transactions: Sequence[bytes]) -> list[bool]:
        """For each transaction hash: is it in a block or waiting for one, as far as the network tells?"""

    def rehearse(self, calls: Sequence[Call]) -> list[int | Reverted | ChainError]:
        """For each call what ``allow_gas`` gives, or how it would be refused if it were the next transaction."""
        return _each(self.allow_gas, calls)

    def send_many(self, raws: Sequence[bytes]) -> list[bytes | Reverted | ChainError]:
        """Hands in signed transactions in this order; for each its hash or what ``send`` raises."""
        return _each(self.send, raws)

    def receipts(self, transactions: Sequence[bytes]) -> list[Receipt | None]:
        """What ``receipt`` gives for each."""
        return [self.receipt(transaction) for transaction in transactions]

    def landings(self, transactions: Sequence[bytes]) -> list[Landing | None]:
        """Where each stands, without its logs: all that is asked of many on their way, and much less to read."""
        return [*self.receipts(transactions)]

    @abstractmethod
    def logs(self, addresses: tuple[str, ...], first: int, last: int) -> list[Log]:
        """Logs of the addresses in blocks ``first`` to ``last`` (both included), in the chain's order."""

    def proof(self, number: int) -> Proof | None:  # noqa: ARG002 - for networks that can
        """What proves the logs of a block that the chain has; None where the network cannot give it."""
        return None

    @property
    @abstractmethod
    def web3(self) -> Web3:
        """The same network through web3.py, for whatever this class does not offer."""

    @abstractmethod
    def close(self) -> None:
        """Gives back what the connection holds. Closing twice is harmless."""

    def require_block(self, number: int) -> Block:
        """The block with that number. Raises ChainError ``block-unknown`` if the chain does not have it."""
        found = self.block(number)
        if found is None:
            raise ChainError(
                "block-unknown",
                f"{self.name} has no block {number}.",
                "Name a block that exists; the newest one's number is the chain's height.",
                block=number,
            )
        return found

    def now(self) -> int:
        """The network's clock: the timestamp of the newest block, unix seconds."""
        return self.head().timestamp

    def advance_to(self, timestamp: int) -> int:
        """Moves a local chain's clock forward to ``timestamp`` by a new block, and returns the clock.

        Raises ChainError: ``time-not-ours`` on a network that is not local, ``time-backwards``.
        """
        self.require_local_clock()
        now = self.now()
        if timestamp < now:
            raise ChainError(
                "time-backwards",
                f"The chain's clock stands at {now} and cannot go back to {timestamp}.",
                "Choose a later time, or start a new workspace whose chain begins earlier.",
                now=now,
                wanted=timestamp,
            )
        if timestamp > now:
            self._mine_at(timestamp)
        return self.now()

    @abstractmethod
    def _mine_at(self, timestamp: int) -> None:
        """Adds a block with that timestamp, which is after the newest block's."""

    def require_local_clock(self) -> None:
        """Raises ChainError ``time-not-ours`` where nobody can move the clock."""
        if not self.local:
            raise ChainError(
                "time-not-ours",
                f"The clock of {self.name} cannot be moved; only a local chain's can.",
                "Wait for the time to come, or use the embedded chain to try things out.",
            )

    def test_accounts(self) -> tuple[KeySigner, ...]:
        """The ten funded test accounts of a local chain. Everybody knows their keys.

        Raises ChainError ``test-keys-on-public-network``.
        """
        if not self.local:
            raise ChainError(
                "test-keys-on-public-network",
                f"{self.name} is not a local test chain, and everybody knows the keys of the test accounts.",
                "Create an encrypted keystore for each party and use that.",
                chain_id=self.chain_id,
            )
        from pyoutcome.chain.keys import derive_test_accounts

        return derive_test_accounts()

    def require(self, recorded: Identity) -> None:
        """Raises ChainError ``wrong-network`` unless this is the chain that was recorded."""
        found = self.identity()
        if recorded not in (found, Identity(found.chain_id)):
            what = (
                f"chain {recorded.chain_id}, but this is chain {found.chain_id}"
                if recorded.chain_id != found.chain_id
                else f"another chain with the same number {found.chain_id} (its first block differs)"
            )
            raise ChainError(
                "wrong-network",
                f"This workspace belongs to {what}.",
                "Connect to the network the workspace was made on; a local node started anew is a new one.",
                recorded=recorded.chain_id,
                found=found.chain_id,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} chain {self.chain_id}>"


def _each(do: Callable[[Asked], Got], things: Sequence[Asked]) -> list[Got | Reverted | ChainError]:
    def outcome(thing: Asked) -> Got | Reverted | ChainError:
        try:
            return do(thing)
        except (Reverted, ChainError) as refusal:
            return refusal

    return [outcome(thing) for thing in things]
