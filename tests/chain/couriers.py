"""A contract that logs what it is sent, and ways for a courier to die or be lied to between any two steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sqlalchemy import event
from sqlalchemy.engine import Engine

from pyoutcome.chain.blocks import Call
from pyoutcome.chain.courier import Courier
from pyoutcome.chain.fees import GWEI, FeePolicy, Fees
from pyoutcome.chain.inflight import LIVE, Entry, InFlight, State, Wanted
from pyoutcome.chain.keys import KeySigner, derive_test_accounts
from pyoutcome.chain.network import Network
from pyoutcome.chain.networks import connect
from pyoutcome.chain.outbox import Outbox
from pyoutcome.chain.sender import Sender
from pyoutcome.chain.signing import sign_call
from pyoutcome.database import open_database
from pyoutcome.errors import ChainError
from pyoutcome.protocol import Signer
from tests.anvil import Line, connected, running_anvil
from tests.chain.echo import CREATION
from tests.chain.scene import fresh_network


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the package catches it."""


@dataclass
class Mortal:
    """Passes calls on until its life is over: dies before or after carrying out a step."""

    life: int | None = None
    """Steps left; None for ever."""
    after: bool = False
    """Dies after the last step was carried out, not before."""
    at: str | None = None
    """Or it dies at the first step of this name."""
    steps: int = 0

    def guard(self, thing: Any) -> Any:
        """``thing``, each of whose methods is a step."""
        mortal = self

        class Guard:
            def __getattr__(self, name: str) -> Any:
                found = getattr(thing, name)
                return mortal.step(found, name) if callable(found) else found

        return Guard()

    def step(self, do: Callable[..., Any], name: str) -> Callable[..., Any]:
        """The same, as a step that may be the last."""

        def stepped(*arguments: Any, **named: Any) -> Any:
            self.steps += 1
            last = name == self.at or (self.life is not None and self.steps >= self.life)
            if last and not self.after:
                raise Killed(name)
            result = do(*arguments, **named)
            if last:
                raise Killed(name)
            return result

        return stepped


@dataclass
class Post:
    """A chain with the logging contract, and a database of transactions in flight."""

    network: Network
    engine: Engine
    echo: str
    signer: KeySigner

    def courier(self, mortal: Mortal | None = None, fees: FeePolicy | None = None, **options: Any) -> Courier:
        """A courier as a process would start it anew; ``mortal`` may kill it."""
        outbox: Any = Outbox(self.engine, self.network.identity())
        network: Any = self.network
        if mortal is not None:
            outbox, network = mortal.guard(outbox), mortal.guard(network)
        return Courier(cast(Network, network), cast(Outbox, outbox), fees=fees, **options)

    def wanted(self, purpose: str) -> Wanted:
        """A call that logs its purpose."""
        return Wanted(purpose, Call(self.signer.address, self.echo, purpose.encode()))

    def signer_of(self, address: str) -> Signer | None:
        """The one key of this post."""
        return self.signer if address == self.signer.address else None

    def landed(self) -> list[str]:
        """Purposes whose calls were carried out, in the chain's order."""
        return [log.data.decode() for log in self.network.logs((self.echo,), 0, self.network.head().number)]

    def finish(self, courier: Courier | None = None, looks: int = 200) -> list[InFlight]:
        """Attends until nothing is in flight; the last look's outcome of each transaction."""
        courier = courier or self.courier()
        last: dict[int, InFlight] = {}
        for _ in range(looks):
            found = courier.attend(self.signer_of)
            last |= {one.id: one for one in found}
            if all(one.state not in LIVE for one in found):
                return list(last.values())
        raise AssertionError(f"still in flight: {[one for one in last.values() if one.state in LIVE]}")


def state_of(post: Post, purpose: str) -> State | None:
    """The state a purpose is in."""
    found = post.courier().find(purpose)
    return found.state if found else None


def open_post(network: Network, database: Path | str) -> Post:
    """The contract on that network, and an empty outbox."""
    signer, deployer = derive_test_accounts()[1:3]
    echo = Sender(network).send(Call(deployer.address, None, CREATION), deployer).created
    assert echo is not None
    engine = open_database(database)
    if engine.dialect.name == "sqlite":
        # Nobody here pulls the plug of the machine, and waiting for the disk takes most of the time.
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
        engine.dispose()
    return Post(network, engine, echo, signer)


@contextmanager
def post_on(kind: str, folder: Path) -> Iterator[Post]:
    """A post on a fresh network of that kind."""
    with fresh_network(kind, folder) as network:
        post = open_post(network, folder / "outbox.sqlite")
        yield post
        post.engine.dispose()


@contextmanager
def post_and_node(folder: Path, *options: str) -> Iterator[tuple[Post, Line]]:
    """A post on anvil, and a line to make the node misbehave."""
    with running_anvil(*options) as url, connect(url, folder) as network, connected(url) as node:
        post = open_post(network, folder / "outbox.sqlite")
        yield post, node
        post.engine.dispose()


QUICK = FeePolicy(stuck_seconds=1, stuck_blocks=1)
"""Offers more after one block."""


def look(post: Post, courier: Courier | None = None, **options: Any) -> InFlight:
    """How the one transaction in flight stands after a look."""
    (found,) = (courier or post.courier(**options)).attend(post.signer_of)
    return found


def entry_of(post: Post, purpose: str) -> Entry:
    return Outbox(post.engine, post.network.identity()).find([purpose])[purpose]


def stranger(post: Post, nonce: int, data: bytes = b"stranger", price: int = 50 * GWEI) -> bytes:
    """A transaction of another program with the same key."""
    call = Call(post.signer.address, post.echo, data)
    return sign_call(call, post.network.chain_id, nonce, Fees(GWEI, price), 100_000, post.signer)


class Picky(Mortal):
    """A node that will not take what carries some bytes."""

    def __init__(self, unwanted: bytes) -> None:
        super().__init__()
        self.unwanted = unwanted

    def guard(self, thing: Any) -> Any:
        guarded = super().guard(thing)
        if hasattr(thing, "send_many"):

            def pick(raws: list[bytes]) -> list[object]:
                no = ChainError("network-error", "The node refused it: no.", "Ask another.")
                return [no if self.unwanted in raw else thing.send_many([raw])[0] for raw in raws]

            guarded.send_many = pick
        return guarded
