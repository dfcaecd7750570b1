"""Any story of wishes, deaths, lies, reorganisations and strangers ends with each call carried out once."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pyoutcome.chain.fees import GWEI, FeePolicy, Fees
from pyoutcome.chain.inflight import HELD
from pyoutcome.chain.network import Call
from pyoutcome.chain.signing import sign_call
from pyoutcome.errors import ChainError, PyoutcomeError
from tests.chain.couriers import Killed, Mortal, post_and_node

QUICK = FeePolicy(stuck_seconds=1, stuck_blocks=1)
CONFIRMATIONS = 3


class Liar(Mortal):
    """A line to the node that loses questions and answers, asks twice, delivers late, and errs."""

    def __init__(self, seed: int, life: int | None, after: bool) -> None:
        super().__init__(life, after)
        self.random = Random(seed)
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
            match self._liar.random.randrange(12):
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


class Story(RuleBasedStateMachine):
    """One key, one database, a node that makes blocks when told."""

    def __init__(self) -> None:
        super().__init__()
        self.exits = ExitStack()
        folder = Path(self.exits.enter_context(tempfile.TemporaryDirectory()))
        self.post, self.node = self.exits.enter_context(post_and_node(folder))
        self.node.ask("evm_setAutomine", False)
        self.first_block = self.post.network.head().number
        self.wanted: list[str] = []
        self.late: list[list[bytes]] = []
        self.strangers = 0

    @initialize()
    def nothing_yet(self) -> None:
        assert [] == self.post.landed()

    @rule(many=st.integers(1, 3), life=st.none() | st.integers(1, 25), after=st.booleans(), seed=st.integers(0, 2**32))
    def want(self, many: int, life: int | None, after: bool, seed: int) -> None:
        """A process that wants new things and what was wanted before, and perhaps dies."""
        self.wanted += [f"wish {len(self.wanted) + number}" for number in range(many)]
        liar = Liar(seed, life, after)
        with suppress(Killed, ChainError):
            self.courier(liar).submit_many([self.post.wanted(one) for one in self.wanted[-4:]], self.post.signer)
        self.late += liar.late

    @rule(life=st.none() | st.integers(1, 25), after=st.booleans(), seed=st.integers(0, 2**32))
    def attend(self, life: int | None, after: bool, seed: int) -> None:
        """A process that looks after what is in flight, and perhaps dies."""
        liar = Liar(seed, life, after)
        with suppress(Killed, ChainError):
            self.courier(liar).attend(self.post.signer_of)
        self.late += liar.late

    @rule()
    def attend_in_peace(self) -> None:
        self.courier().attend(self.post.signer_of)

    @rule(blocks=st.integers(1, CONFIRMATIONS + 1))
    def mine(self, blocks: int) -> None:
        for _ in range(blocks):
            self.node.ask("evm_mine")

    @rule()
    def time_passes(self) -> None:
        self.node.ask("evm_increaseTime", 5)
        self.node.ask("evm_mine")

    @rule(depth=st.integers(1, CONFIRMATIONS))
    def reorganise(self, depth: int) -> None:
        """Blocks that are not final yet vanish with what was in them."""
        depth = min(depth, self.post.network.head().number - self.first_block - 1)
        if depth > 0:
            self.node.ask("anvil_reorg", depth, [])

    @rule(price=st.sampled_from([1, 3, 9, 30]))
    def change_the_base_fee(self, price: int) -> None:
        self.node.ask("anvil_setNextBlockBaseFeePerGas", hex(price * GWEI))
        self.node.ask("evm_mine")

    @rule()
    def forget(self) -> None:
        """The node loses everything that waits."""
        self.node.ask("anvil_dropAllTransactions")

    @precondition(lambda self: self.late)
    @rule()
    def deliver_late(self) -> None:
        """What was held up on its way arrives after all."""
        self.post.network.send_many(self.late.pop(0))

    @precondition(lambda self: self.strangers < 3)
    @rule(ahead=st.integers(0, 1))
    def a_stranger_comes(self, ahead: int) -> None:
        """Another program uses the key."""
        self.strangers += 1
        post, network = self.post, self.post.network
        call = Call(post.signer.address, post.echo, f"stranger {self.strangers}".encode())
        nonce = network.nonce(post.signer.address) + ahead
        with suppress(PyoutcomeError):
            network.send(sign_call(call, network.chain_id, nonce, Fees(GWEI, 100 * GWEI), 100_000, post.signer))

    @invariant()
    def nothing_is_carried_out_twice(self) -> None:
        landed = [one for one in self.post.landed() if one.startswith("wish")]
        assert len(set(landed)) == len(landed)

    def courier(self, mortal: Mortal | None = None) -> Any:
        return self.post.courier(mortal, fees=QUICK, confirmations=CONFIRMATIONS)

    def teardown(self) -> None:
        """In the end the line is good and nobody dies; what was superseded or cancelled is wanted anew."""
        with self.exits:
            courier = self.courier()
            for _ in range(40):
                self.node.ask("anvil_setNextBlockBaseFeePerGas", hex(GWEI))
                for _ in range(CONFIRMATIONS + 1):
                    self.node.ask("evm_mine")
                flying = courier.attend(self.post.signer_of)
                missing = [one for one in self.wanted if not (found := courier.find(one)) or found.state not in HELD]
                if missing:
                    courier.submit_many([self.post.wanted(one) for one in missing], self.post.signer)
                elif not flying:
                    break
            landed = [one for one in self.post.landed() if one.startswith("wish")]
            assert sorted(self.wanted) == sorted(landed), (flying, missing)


TestStory = Story.TestCase
TestStory.settings = settings(
    max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
