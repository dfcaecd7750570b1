"""Any story of wishes, deaths, lies, reorganisations and strangers ends with each call carried out once."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pyoutcome.chain.blocks import Call
from pyoutcome.chain.courier import Courier
from pyoutcome.chain.fees import GWEI, FeePolicy, Fees
from pyoutcome.chain.inflight import HELD
from pyoutcome.chain.signing import sign_call
from pyoutcome.errors import ChainError
from tests.anvil import Line
from tests.chain.couriers import Killed, Mortal, Post, post_and_node

QUICK = FeePolicy(stuck_seconds=1, stuck_blocks=1)
CONFIRMATIONS = 3
STORIES = int(os.environ.get("PYOUTCOME_STORIES", "10"))
STEPS = 60


class Liar(Mortal):
    """A line to the node that loses questions and answers, asks twice, delivers late, and errs."""

    def __init__(self, chance: Random) -> None:
        super().__init__(chance.randint(1, 25) if chance.random() < 0.3 else None, chance.random() < 0.5)
        self.random = chance
        self.late: list[Any] = []

    def guard(self, thing: Any) -> Any:
        """The network is lied about; the database only dies."""
        guarded = super().guard(thing)
        return _Twisted(guarded, self) if hasattr(thing, "send_many") else guarded


class _Twisted:
    def __init__(self, guarded: Any, liar: Liar) -> None:
        self._guarded, self._liar = guarded, liar

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._guarded, name)
        if not callable(found):
            return found

        def twisted(*arguments: Any, **named: Any) -> Any:
            match self._liar.random.randrange(60):
                case 0:
                    raise ChainError("network-timeout", "The question was lost.", "Ask again.")
                case 1:
                    found(*arguments, **named)
                    raise ChainError("network-timeout", "The answer was lost.", "Ask again.")
                case 2:
                    found(*arguments, **named)
                    return found(*arguments, **named)
                case 3:
                    raise ChainError("network-error", "The node is out of order.", "Ask later.")
                case 4 if name == "send_many":
                    self._liar.late.append(arguments[0])
                    raise ChainError("network-timeout", "It takes its time.", "Ask again.")
            return found(*arguments, **named)

        return twisted


class Story:
    """One key, one database, a node that makes blocks when told, and chance."""

    def __init__(self, post: Post, node: Line, chance: Random) -> None:
        self.post, self.node, self.chance = post, node, chance
        self.node.ask("evm_setAutomine", False)
        self.first_block = post.network.head().number
        self.wanted: list[str] = []
        self.late: list[list[bytes]] = []
        self.strangers = 0

    def courier(self, mortal: Mortal | None = None) -> Courier:
        """As a process would start it."""
        return self.post.courier(mortal, fees=QUICK, confirmations=CONFIRMATIONS)

    def want(self) -> None:
        """A process wants new things and what was wanted before, and perhaps dies."""
        self.wanted += [f"wish {len(self.wanted) + number}" for number in range(self.chance.randint(1, 3))]
        liar = Liar(self.chance)
        with suppress(Killed, ChainError):
            self.courier(liar).submit_many([self.post.wanted(one) for one in self.wanted[-5:]], self.post.signer)
        self.late += liar.late

    def attend(self) -> None:
        """A process looks after what is in flight, and perhaps dies."""
        liar = Liar(self.chance)
        with suppress(Killed, ChainError):
            self.courier(liar).attend(self.post.signer_of)
        self.late += liar.late

    def mine(self) -> None:
        """Blocks are made."""
        for _ in range(self.chance.randint(1, CONFIRMATIONS)):
            self.node.ask("evm_mine")

    def reorganise(self) -> None:
        """Blocks that are not final yet vanish with what was in them."""
        there = self.post.network.head().number - self.first_block - 1
        if there > 0:
            self.node.ask("anvil_reorg", min(there, self.chance.randint(1, CONFIRMATIONS)), [])

    def change_the_base_fee(self) -> None:
        """A block that may cost more than was offered."""
        self.node.ask("anvil_setNextBlockBaseFeePerGas", hex(self.chance.choice([1, 3, 9, 30]) * GWEI))
        self.node.ask("evm_mine")

    def forget(self) -> None:
        """The node loses everything that waits."""
        self.node.ask("anvil_dropAllTransactions")

    def deliver_late(self) -> None:
        """What was held up on its way arrives after all."""
        if self.late:
            self.post.network.send_many(self.late.pop(self.chance.randrange(len(self.late))))

    def a_stranger_comes(self) -> None:
        """Another program uses the key."""
        self.strangers += 1
        post, network = self.post, self.post.network
        call = Call(post.signer.address, post.echo, f"stranger {self.strangers}".encode())
        nonce = network.nonce(post.signer.address) + self.chance.randint(0, 1)
        with suppress(ChainError):
            network.send(sign_call(call, network.chain_id, nonce, Fees(GWEI, 100 * GWEI), 100_000, post.signer))

    def wishes(self) -> list[str]:
        """What was carried out of what was wanted."""
        return [one for one in self.post.landed() if one.startswith("wish")]

    def end(self) -> None:
        """In the end the line is good and nobody dies; what was given up or superseded is wanted anew."""
        courier = self.courier()
        for _ in range(60):
            for _ in range(CONFIRMATIONS + 1):
                self.node.ask("anvil_setNextBlockBaseFeePerGas", hex(GWEI))
                self.node.ask("evm_mine")
            flying = courier.attend(self.post.signer_of)
            missing = [one for one in self.wanted if not (found := courier.find(one)) or found.state not in HELD]
            if missing:
                courier.submit_many([self.post.wanted(one) for one in missing], self.post.signer)
            elif not flying:
                break
        assert sorted(self.wanted) == sorted(self.wishes()), (flying, missing)


@pytest.mark.parametrize("seed", range(STORIES))
def test_any_story_ends_with_each_call_carried_out_once(seed: int, tmp_path: Path) -> None:
    chance = Random(seed)
    with post_and_node(tmp_path) as (post, node):
        story = Story(post, node, chance)
        often = {
            story.want: 4, story.attend: 7, story.mine: 5, story.reorganise: 2, story.change_the_base_fee: 2,
            story.forget: 1, story.deliver_late: 2, story.a_stranger_comes: 1,
        }  # fmt: skip
        for step in chance.choices(list(often), list(often.values()), k=STEPS):
            step()
            wishes = story.wishes()
            assert len(set(wishes)) == len(wishes), step.__name__
        story.end()
