"""A courier on a chain that is reorganised, and when a transaction is final."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyoutcome.chain.courier import CONFIRMATIONS
from pyoutcome.chain.inflight import State
from pyoutcome.chain.outbox import Outbox
from tests.anvil import Line
from tests.chain.couriers import Mortal, Picky, Post, entry_of, look, post_and_node


def test_a_transaction_is_final_when_enough_blocks_stand_on_its_own(node_post: tuple[Post, Line]) -> None:
    post, node = node_post
    courier = post.courier(confirmations=2)
    assert State.SENT == courier.submit(post.wanted("one"), post.signer).state
    assert (State.SENT, None, 0) == ((seen := look(post, courier)).state, seen.block, seen.confirmations)
    for confirmations in (0, 1):
        node.ask("evm_mine")
        assert (State.MINED, confirmations) == ((seen := look(post, courier)).state, seen.confirmations)
    node.ask("evm_mine")
    assert (State.FINAL, 2) == ((seen := look(post, courier)).state, seen.confirmations)


def test_on_a_public_network_its_own_finality_decides_or_else_twelve_blocks(tmp_path: Path) -> None:
    """anvil calls the block 64 before the newest final."""
    with post_and_node(tmp_path, "--chain-id", "9999") as (post, node):
        assert not post.network.local
        courier, other = post.courier(), post.courier(Silent())
        courier.submit(post.wanted("one"), post.signer)
        node.ask("anvil_mine", hex(CONFIRMATIONS - 1))
        assert State.MINED == look(post, other).state
        node.ask("anvil_mine", "0x1")
        assert State.MINED == look(post, courier).state
        assert State.FINAL == look(post, other).state
        courier.submit(post.wanted("two"), post.signer)
        node.ask("anvil_mine", hex(63))
        assert State.MINED == look(post, courier).state
        node.ask("anvil_mine", "0x1")
        assert State.FINAL == look(post, courier).state


class Silent(Mortal):
    """A node that does not know what is final."""

    def guard(self, thing: Any) -> Any:
        guarded = super().guard(thing)
        if hasattr(thing, "final_block"):
            guarded.final_block = lambda: None
        return guarded


def test_what_a_reorganisation_takes_away_is_handed_in_again(node_post: tuple[Post, Line]) -> None:
    post, node = node_post
    courier = post.courier(confirmations=3)
    sent = courier.submit(post.wanted("one"), post.signer)
    node.ask("evm_mine")
    node.ask("evm_mine")
    assert (State.MINED, 1) == ((seen := look(post, courier)).state, seen.confirmations)
    node.ask("anvil_reorg", 2, [])
    assert [] == post.landed()
    assert (State.SENT, None) == ((seen := look(post, courier)).state, seen.block)
    node.ask("evm_mine")
    seen = look(post, courier)
    assert (State.MINED, sent.hash) == (seen.state, seen.hash)
    node.ask("anvil_mine", "0x3")
    assert State.FINAL == look(post, courier).state
    assert ["one"] == post.landed()


def test_a_reorganisation_moves_a_transaction_to_another_block(node_post: tuple[Post, Line]) -> None:
    post, node = node_post
    courier = post.courier(confirmations=3)
    courier.submit(post.wanted("one"), post.signer)
    (raw,) = Outbox(post.engine, post.network.identity()).raws([entry_of(post, "one")])
    node.ask("evm_mine")
    before = look(post, courier)
    node.ask("anvil_reorg", 1, [["0x" + raw.hex(), 0]])
    after = look(post, courier)
    assert (State.MINED, before.block) == (after.state, after.block)
    assert post.network.block_hash(after.block or 0) == entry_of(post, "one").block_hash
    node.ask("anvil_mine", "0x3")
    assert State.FINAL == look(post, courier).state
    assert ["one"] == post.landed()


class Stale(Mortal):
    """A node that goes on telling of transactions whose blocks the others have dropped."""

    def __init__(self) -> None:
        super().__init__()
        self.told: dict[bytes, Any] = {}

    def guard(self, thing: Any) -> Any:
        guarded = super().guard(thing)
        if hasattr(thing, "landings"):

            def landings(hashes: list[bytes]) -> list[Any]:
                self.told |= {hash_: one for hash_, one in zip(hashes, thing.landings(hashes), strict=True) if one}
                return [self.told.get(hash_) for hash_ in hashes]

            guarded.landings = landings
        return guarded


def test_a_receipt_of_a_block_that_is_not_on_the_chain_makes_nothing_final(node_post: tuple[Post, Line]) -> None:
    post, node = node_post
    courier = post.courier(Stale(), confirmations=1)
    courier.submit(post.wanted("one"), post.signer)
    node.ask("evm_mine")
    assert State.MINED == look(post, courier).state
    node.ask("anvil_reorg", 1, [])
    node.ask("anvil_dropAllTransactions")
    node.ask("anvil_mine", "0x3")
    assert State.MINED == look(post, courier).state
    assert State.SENT == look(post, confirmations=1).state  # a better node
    node.ask("anvil_mine", "0x2")
    post.finish(post.courier(confirmations=1))
    assert ["one"] == post.landed()


def test_a_reorganisation_deeper_than_finality_is_noticed_when_the_purpose_is_wanted_again(tmp_path: Path) -> None:
    with post_and_node(tmp_path) as (post, node):
        snapshot = node.ask("evm_snapshot")
        for name in ("one", "two"):
            post.courier().submit(post.wanted(name), post.signer)
        post.finish()
        node.ask("evm_revert", snapshot)
        assert [] == post.landed()
        assert State.SENT == post.courier().submit(post.wanted("two"), post.signer).state
        post.finish()
        assert ["one", "two"] == post.landed()  # the nonce of the first had to be filled, and is by the first itself


def test_after_a_deep_reorganisation_what_had_failed_or_was_given_up_is_not_carried_out_late(
    node_post: tuple[Post, Line],
) -> None:
    """Both were wanted anew since; their nonces are filled, their calls are not repeated."""
    post, node = node_post
    snapshot, courier = node.ask("evm_snapshot"), post.courier()
    picky = post.courier(Picky(b"given up"))
    picky.submit(post.wanted("given up"), post.signer)
    for _ in range(3):
        picky.attend(post.signer_of)
    node.ask("evm_mine")
    assert State.CANCELLED == look(post).state
    courier.submit(post.wanted("failed"), post.signer)
    code = node.ask("eth_getCode", post.echo, "latest")
    node.ask("anvil_setCode", post.echo, "0x5f5ffd")
    node.ask("evm_mine")
    assert State.FAILED == look(post).state
    node.ask("anvil_setCode", post.echo, code)
    wanted = [post.wanted(name) for name in ("given up", "failed", "last")]
    cancelled = entry_of(post, "given up")
    courier.submit_many(wanted, post.signer)
    node.ask("evm_mine")
    assert [State.FINAL] * 3 == [found.state for found in courier.attend(post.signer_of)]
    node.ask("evm_revert", snapshot)
    assert State.SENT == courier.submit(wanted[-1], post.signer).state
    for _ in range(4):
        courier.attend(post.signer_of)
    assert cancelled == Outbox(post.engine, post.network.identity()).at_nonce(post.signer.address, 0)
    node.ask("evm_mine")
    assert [] == [found for found in post.finish(courier) if found.state is not State.FINAL]
    assert ["given up", "failed", "last"] == post.landed()
