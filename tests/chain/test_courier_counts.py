"""A courier at a node that counts wrongly, a sender without coin, and programs that share a key but no database."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from pyoutcome.chain.blocks import Call
from pyoutcome.chain.courier import Courier
from pyoutcome.chain.inflight import MOST_AHEAD, InFlight, State, Wanted
from pyoutcome.chain.networks import connect
from pyoutcome.chain.outbox import Outbox
from pyoutcome.database import open_database
from pyoutcome.errors import ChainError, PyoutcomeError
from tests.anvil import Line, running_anvil
from tests.chain.conftest import refused
from tests.chain.couriers import QUICK, Killed, Mortal, Post, entry_of, look, open_post, stranger

# --- counts -----------------------------------------------------------------------------------------------------------


class Liar(Mortal):
    """A node that counts a sender's transactions in its own way."""

    def __init__(
        self, pending: Callable[[int], int] = lambda true: true, in_blocks: Callable[[int], int] = lambda true: true
    ) -> None:
        super().__init__()
        self.pending, self.in_blocks = pending, in_blocks

    def guard(self, thing: Any) -> Any:
        guarded = super().guard(thing)
        if hasattr(thing, "nonce_at"):
            guarded.nonce = lambda address: self.pending(thing.nonce(address))
            guarded.nonce_at = lambda address, block=None: self.in_blocks(thing.nonce_at(address, block))
        return guarded


@pytest.mark.parametrize(
    "liar",
    [
        Liar(lambda true: true + MOST_AHEAD + 1),
        Liar(lambda true: 2**63 - 1),
        Liar(in_blocks=lambda true: true + 1_000_000),
        Liar(lambda true: max(true - 1, 0)),
    ],
    ids=["more wait than anybody made", "the most there can be", "more in blocks than with those that wait", "fewer"],
)
def test_counts_that_contradict_what_is_known_are_not_believed_and_cost_no_nonce(
    node_post: tuple[Post, Line], liar: Liar
) -> None:
    post, node = node_post
    post.courier().submit(post.wanted("one"), post.signer)
    node.ask("evm_mine")
    post.finish()
    with refused("nonce-count-odd"):
        post.courier(liar).submit(post.wanted("two"), post.signer)
    assert post.courier().find("two") is None
    assert 1 == post.courier().submit(post.wanted("two"), post.signer).nonce
    node.ask("evm_mine")
    post.finish()
    assert ["one", "two"] == post.landed()


def test_nonces_given_out_here_count_whatever_the_node_forgets(node_post: tuple[Post, Line]) -> None:
    post, node = node_post
    low = post.courier(Liar(lambda true: 0, lambda true: 0))
    assert [0, 1, 2] == [low.submit(post.wanted(name), post.signer).nonce for name in ("one", "two", "three")]
    node.ask("evm_mine")
    post.finish()
    assert 3 == low.submit(post.wanted("four"), post.signer).nonce
    node.ask("evm_mine")
    post.finish()
    assert ["one", "two", "three", "four"] == post.landed()


def test_an_empty_database_and_a_count_that_is_too_low_cost_no_second_transaction(
    node_post: tuple[Post, Line],
) -> None:
    post, node = node_post
    post.network.send(stranger(post, 0))
    node.ask("evm_mine")
    low = post.courier(Liar(lambda true: 0, lambda true: 0))
    assert State.RECORDED == low.submit(post.wanted("one"), post.signer).state
    assert "[nonce-used-elsewhere]" in (look(post).error or "")
    post.finish()
    assert 1 == low.submit(post.wanted("one"), post.signer).nonce
    node.ask("evm_mine")
    post.finish()
    assert ["stranger", "one"] == post.landed()


def test_a_few_too_many_are_filled_although_the_node_goes_on_lying(node_post: tuple[Post, Line]) -> None:
    post, node = node_post
    liar = Liar(lambda true: true + 3)
    assert 3 == post.courier(liar).submit(post.wanted("one"), post.signer).nonce
    courier = post.courier(liar, fees=QUICK)
    assert ["one"] == [found.purpose for found in courier.attend(post.signer_of)]  # others may be on their way
    node.ask("evm_increaseTime", 2)
    node.ask("evm_mine")
    assert 4 == len(courier.attend(post.signer_of))
    node.ask("evm_mine")
    post.finish(courier)
    assert ["one"] == post.landed()
    assert 4 == post.network.nonce(post.signer.address)


def test_a_node_that_lies_alike_about_all_costs_nothing_for_what_it_skipped_and_that_is_told(
    node_post: tuple[Post, Line],
) -> None:
    post, node = node_post
    liar = Liar(lambda true: true + 1_000_000, lambda true: true + 1_000_000)
    assert 1_000_000 == post.courier(liar).submit(post.wanted("one"), post.signer).nonce
    for _ in range(3):
        found = post.courier(fees=QUICK).attend(post.signer_of)
        assert [("one", "nonce-out-of-reach")] == [(each.purpose, each.trouble) for each in found]
        node.ask("evm_mine")
    assert 0 == post.network.nonce(post.signer.address)


def test_what_the_node_still_knows_is_not_given_up_for_a_count(node_post: tuple[Post, Line]) -> None:
    post, node = node_post
    post.courier().submit(post.wanted("one"), post.signer)
    liar = post.courier(Liar(lambda true: true + 5, lambda true: true + 5))
    for _ in range(4):
        assert State.SENT == look(post, liar).state
    assert 0 == liar.submit(post.wanted("one"), post.signer).nonce
    node.ask("evm_mine")
    assert State.FINAL == look(post, liar).state
    assert ["one"] == post.landed()


@pytest.mark.parametrize("seed", range(4))
def test_a_node_that_counts_at_random_skips_and_doubles_nothing(node_post: tuple[Post, Line], seed: int) -> None:
    post, node = node_post
    chance = random.Random(seed)

    def about(true: int) -> int:
        return max(0, chance.choice((true, true, true + chance.randrange(4), true - chance.randrange(4))))

    courier = post.courier(Liar(lambda true: chance.choice((about(true), 1 << 40)), about), fees=QUICK)
    names = [f"number {number}" for number in range(12)]
    done: set[str] = set()
    for _ in range(120):
        try:
            courier.submit_many([post.wanted(name) for name in names], post.signer)
        except ChainError as error:
            assert "nonce-count-odd" == error.code  # noqa: PT017 - every other error fails the test too
        courier.attend(post.signer_of)
        node.ask("evm_mine")
        done = {name for name in names if (found := post.courier().find(name)) and found.state is State.FINAL}
        if len(done) == len(names):
            break
    assert set(names) == done
    post.finish()
    assert sorted(names) == sorted(post.landed())


# --- coin -------------------------------------------------------------------------------------------------------------


def broke(post: Post, node: Line, coin: int = 1) -> None:
    node.ask("anvil_setBalance", post.signer.address, hex(coin))


def test_what_waits_behind_a_transaction_without_coin_says_so_and_all_go_on_when_there_is_some(
    node_post: tuple[Post, Line],
) -> None:
    post, node = node_post
    names = ("one", "two", "three")
    with pytest.raises(Killed):
        post.courier(Mortal(at="send_many")).submit_many([post.wanted(name) for name in names], post.signer)
    broke(post, node)
    for _ in range(3):
        found = post.courier(fees=QUICK).attend(post.signer_of)
        node.ask("evm_mine")
    assert ["not-enough-coin", "waits-behind-another", "waits-behind-another"] == [each.trouble for each in found]
    assert "its transaction 0, which cannot go on (not-enough-coin)" in (found[2].error or "")
    broke(post, node, 10**20)
    assert {None} == {each.trouble for each in post.courier().attend(post.signer_of)[:1]}
    node.ask("evm_mine")
    post.finish()
    assert list(names) == post.landed()


def test_what_cannot_be_paid_is_not_offered_more_while_it_waits(node_post: tuple[Post, Line]) -> None:
    post, node = node_post
    sent = post.courier().submit(post.wanted("one"), post.signer)
    broke(post, node)
    dear = hex(entry_of(post, "one").newest.fees.price + 1)
    for _ in range(5):
        node.ask("anvil_setNextBlockBaseFeePerGas", dear)
        node.ask("evm_mine")
        assert "not-enough-coin" == look(post, fees=QUICK).trouble
    assert 1 == len(entry_of(post, "one").attempts)
    broke(post, node, 10**20)
    assert sent.hash != look(post, fees=QUICK).hash
    node.ask("evm_mine")
    assert State.FINAL == look(post).state
    assert ["one"] == post.landed()


def test_a_missing_nonce_is_not_filled_without_coin(node_post: tuple[Post, Line]) -> None:
    post, node = node_post
    taken = post.network.send(stranger(post, 0))
    post.courier().submit(post.wanted("one"), post.signer)
    node.ask("anvil_dropTransaction", "0x" + taken.hex())
    broke(post, node)
    assert "not-enough-coin" == look(post).trouble
    broke(post, node, 10**20)
    assert 2 == len(post.courier().attend(post.signer_of))
    node.ask("evm_mine")
    post.finish()
    assert ["one"] == post.landed()


# --- a key in two databases -------------------------------------------------------------------------------------------


def test_programs_with_one_key_and_a_database_each_send_everything_once(tmp_path: Path) -> None:
    names = {which: [f"{which} {number}" for number in range(8)] for which in ("left", "right")}
    with running_anvil("--block-time", "1") as url, connect(url, tmp_path) as network:
        post = open_post(network, tmp_path / "post.sqlite")
        failures: list[BaseException] = []

        def run(which: str) -> None:
            try:
                with connect(url, tmp_path) as own:
                    engine = open_database(tmp_path / f"{which}.sqlite")
                    live(Courier(own, Outbox(engine, own.identity())), names[which])
                    engine.dispose()
            except BaseException as error:  # noqa: BLE001 - told by the main thread
                failures.append(error)

        def live(courier: Courier, mine: list[str]) -> None:
            wanted = [Wanted(name, Call(post.signer.address, post.echo, name.encode())) for name in mine]
            for _ in range(2000):
                outcomes: list[InFlight | PyoutcomeError] = []
                for one in wanted:
                    try:
                        outcomes += courier.submit_many([one], post.signer)
                    except ChainError as error:
                        assert "nonce-count-odd" == error.code  # noqa: PT017 - the other's may not be seen yet
                        break
                    courier.attend(post.signer_of)
                assert not [each for each in outcomes if isinstance(each, PyoutcomeError)]
                if [State.FINAL] * len(wanted) == [each.state for each in outcomes if isinstance(each, InFlight)]:
                    return
            raise AssertionError("never done")

        threads = [Thread(target=run, args=(which,)) for which in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        post.engine.dispose()
        if failures:
            raise failures[0]
        assert sorted([*names["left"], *names["right"]]) == sorted(post.landed())
