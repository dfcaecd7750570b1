"""A courier at a node that forgets, asks more, refuses, and serves other programs with the same key."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_utils.crypto import keccak

from pyoutcome.chain.blocks import Head
from pyoutcome.chain.fees import GWEI, FeePolicy, quote
from pyoutcome.chain.inflight import Entry, InFlight, State, Wanted
from pyoutcome.chain.outbox import Outbox
from pyoutcome.chain.rpc import LOCAL_GAS_LIMIT
from pyoutcome.errors import ChainError
from tests.anvil import Line
from tests.chain.couriers import QUICK, Killed, Mortal, Picky, Post, entry_of, look, post_and_node, stranger

# --- forgotten, and waiting too long ----------------------------------------------------------------------------------


def test_what_the_node_forgets_is_handed_in_again(node_post: tuple[Post, Line]) -> None:
    post, node = node_post
    sent = post.courier().submit(post.wanted("one"), post.signer)
    node.ask("anvil_dropTransaction", "0x" + sent.hash.hex())
    assert [False] == post.network.knows([sent.hash])
    assert State.SENT == look(post).state
    assert [True] == post.network.knows([sent.hash])
    node.ask("evm_mine")
    assert State.FINAL == look(post).state
    assert ["one"] == post.landed()


def test_what_waits_too_long_is_offered_more_by_at_least_an_eighth(node_post: tuple[Post, Line]) -> None:
    post, node = node_post
    courier = post.courier(fees=QUICK)
    sent = courier.submit(post.wanted("one"), post.signer)
    first = entry_of(post, "one").newest.fees
    node.ask("anvil_setNextBlockBaseFeePerGas", hex(first.price + 1))
    node.ask("evm_mine")
    seen = look(post, courier)
    assert (State.SENT, sent.nonce) == (seen.state, seen.nonce)
    assert sent.hash != seen.hash
    second = entry_of(post, "one").newest.fees
    assert second.price >= max(2 * first.price, post.network.head().base_fee)
    assert 8 * second.tip >= 9 * first.tip
    node.ask("evm_mine")
    done = look(post, courier)
    assert (State.FINAL, seen.hash) == (done.state, done.hash)
    assert ["one"] == post.landed()


class Later(Mortal):
    """The chain's clock and blocks have gone on."""

    def __init__(self, seconds: int, blocks: int) -> None:
        super().__init__()
        self.seconds, self.blocks = seconds, blocks

    def guard(self, thing: Any) -> Any:
        guarded = super().guard(thing)
        if hasattr(thing, "head"):

            def head() -> Head:
                now: Head = thing.head()
                return replace(now, number=now.number + self.blocks, timestamp=now.timestamp + self.seconds)

            guarded.head = head
        return guarded


def test_only_what_waits_both_time_and_blocks_is_offered_more(node_post: tuple[Post, Line]) -> None:
    post, node = node_post
    sent = post.courier().submit(post.wanted("one"), post.signer)
    for seconds, blocks in ((0, 100), (59, 100), (10_000, 0), (10_000, 1)):
        assert sent.hash == look(post, post.courier(Later(seconds, blocks))).hash
    replaced = look(post, post.courier(Later(60, 2)))
    assert sent.hash != replaced.hash
    assert [True] == post.network.knows([replaced.hash])
    assert replaced.hash == look(post, post.courier(Later(61, 3))).hash  # which has its own time
    node.ask("evm_mine")
    assert (State.FINAL, replaced.hash) == ((done := look(post)).state, done.hash)
    assert ["one"] == post.landed()


def test_what_waits_behind_another_is_not_offered_more(node_post: tuple[Post, Line]) -> None:
    post, _ = node_post
    sent = post.courier().submit_many([post.wanted("one"), post.wanted("two")], post.signer)
    seen = post.courier(Later(60, 2)).attend(post.signer_of)
    assert [False, True] == [before == after for before, after in zip(sent, seen, strict=True)]


def test_any_attempt_may_be_the_one_that_lands(node_post: tuple[Post, Line]) -> None:
    post, node = node_post
    courier = post.courier(fees=QUICK)
    courier.submit(post.wanted("one"), post.signer)
    before = entry_of(post, "one")
    (raw,) = Outbox(post.engine, post.network.identity()).raws([before])
    node.ask("anvil_setNextBlockBaseFeePerGas", hex(before.newest.fees.price + 1))
    node.ask("evm_mine")
    newer = look(post, courier)
    node.ask("anvil_dropTransaction", "0x" + newer.hash.hex())
    node.ask("anvil_setNextBlockBaseFeePerGas", hex(GWEI))
    post.network.send(raw)  # somebody held on to the first form
    node.ask("evm_mine")
    done = look(post, courier)
    assert (State.FINAL, before.hash) == (done.state, done.hash)
    assert ["one"] == post.landed()


def test_no_more_than_the_limit_is_offered_and_the_reason_is_told_until_fees_fall(
    node_post: tuple[Post, Line],
) -> None:
    post, node = node_post
    sent = post.courier().submit(post.wanted("one"), post.signer)
    price = entry_of(post, "one").newest.fees.price
    limited = post.courier(fees=FeePolicy(price + price // 16, 1, 1))
    node.ask("anvil_setNextBlockBaseFeePerGas", hex(4 * price))
    node.ask("evm_mine")
    for _ in range(2):
        seen = look(post, limited)
        assert (State.SENT, sent.hash) == (seen.state, seen.hash)
        assert "[fee-above-limit]" in (seen.error or "")
    node.ask("anvil_setNextBlockBaseFeePerGas", hex(GWEI))
    node.ask("evm_mine")  # anvil has forgotten what offers less than the last base fee
    assert (State.SENT, None) == ((seen := look(post, limited)).state, seen.error)
    node.ask("evm_mine")
    done = look(post, limited)
    assert (State.FINAL, None) == (done.state, done.error)
    assert ["one"] == post.landed()


def test_offering_more_needs_the_key_and_handing_in_again_does_not(node_post: tuple[Post, Line]) -> None:
    post, node = node_post
    courier = post.courier(fees=QUICK)
    sent = courier.submit(post.wanted("one"), post.signer)
    node.ask("anvil_dropTransaction", "0x" + sent.hash.hex())
    (seen,) = courier.attend(lambda address: None)
    assert (State.SENT, None) == (seen.state, seen.error)
    node.ask("anvil_setNextBlockBaseFeePerGas", hex(entry_of(post, "one").newest.fees.price + 1))
    node.ask("evm_mine")
    (seen,) = courier.attend(lambda address: None)
    assert sent.hash == seen.hash
    assert "[no-key-to-replace]" in (seen.error or "")


# --- the same key in other hands --------------------------------------------------------------------------------------


def test_a_nonce_that_a_stranger_used_is_given_up_and_the_call_gets_another(node_post: tuple[Post, Line]) -> None:
    post, node = node_post
    with pytest.raises(Killed):
        post.courier(Mortal(at="send_many")).submit(post.wanted("one"), post.signer)
    assert State.RECORDED == entry_of(post, "one").state
    post.network.send(stranger(post, 0))
    for _ in range(2):  # it waits in the pool, and may still go away
        seen = look(post, confirmations=1)
        assert State.RECORDED == seen.state
        assert "[nonce-used-elsewhere]" in (seen.error or "")
    node.ask("evm_mine")
    for _ in range(2):  # and in a block, which may still go away too
        assert State.RECORDED == look(post, confirmations=1).state
    node.ask("evm_mine")
    assert State.SUPERSEDED == look(post, confirmations=1).state
    again = post.courier().submit(post.wanted("one"), post.signer)
    assert (State.SENT, 1) == (again.state, again.nonce)
    node.ask("evm_mine")
    post.finish()
    assert ["stranger", "one"] == post.landed()


def test_a_stranger_s_transaction_that_vanishes_lets_ours_through(node_post: tuple[Post, Line]) -> None:
    post, node = node_post
    with pytest.raises(Killed):
        post.courier(Mortal(at="send_many")).submit(post.wanted("one"), post.signer)
    taken = post.network.send(stranger(post, 0))
    assert State.RECORDED == look(post).state
    node.ask("anvil_dropTransaction", "0x" + taken.hex())
    assert (State.SENT, None) == ((seen := look(post)).state, seen.error)
    node.ask("evm_mine")
    assert State.FINAL == look(post).state
    assert ["one"] == post.landed()


def test_a_nonce_that_a_stranger_took_and_lost_is_filled(node_post: tuple[Post, Line]) -> None:
    post, node = node_post
    taken = post.network.send(stranger(post, 0))
    assert 1 == post.courier().submit(post.wanted("one"), post.signer).nonce
    assert ["one"] == [found.purpose for found in post.courier().attend(post.signer_of)]
    node.ask("anvil_dropTransaction", "0x" + taken.hex())
    one, filler = post.courier().attend(post.signer_of)
    assert (1, 0, State.SENT) == (one.nonce, filler.nonce, filler.state)
    node.ask("evm_mine")
    one, filler = sorted(post.courier().attend(post.signer_of), key=lambda found: found.id)
    assert (State.FINAL, State.CANCELLED) == (one.state, filler.state)
    assert ["one"] == post.landed()


def test_two_couriers_that_miss_the_same_nonce_fill_it_once(node_post: tuple[Post, Line]) -> None:
    post, node = node_post
    taken = post.network.send(stranger(post, 0))
    post.courier().submit(post.wanted("one"), post.signer)
    node.ask("anvil_dropTransaction", "0x" + taken.hex())

    class Overtaken(Mortal):
        """Another courier fills the nonce while this one thinks about it."""

        def guard(self, thing: Any) -> Any:
            guarded = super().guard(thing)
            if hasattr(thing, "at_nonce"):

                def at_nonce(sender: str, nonce: int) -> Entry | None:
                    found: Entry | None = thing.at_nonce(sender, nonce)
                    assert 2 == len(post.courier().attend(post.signer_of))
                    return found

                guarded.at_nonce = at_nonce
            return guarded

    assert ["one"] == [found.purpose for found in post.courier(Overtaken()).attend(post.signer_of)]
    node.ask("evm_mine")
    assert 2 == len(post.finish())
    assert ["one"] == post.landed()


def test_a_nonce_is_not_filled_above_the_limit_and_what_waits_behind_it_says_so(node_post: tuple[Post, Line]) -> None:
    post, node = node_post
    taken = post.network.send(stranger(post, 0))
    post.courier().submit(post.wanted("one"), post.signer)
    node.ask("anvil_dropTransaction", "0x" + taken.hex())
    assert "[fee-above-limit]" in (look(post, fees=FeePolicy(highest=1)).error or "")
    post.courier().attend(post.signer_of)
    node.ask("evm_mine")
    post.finish()
    assert ["one"] == post.landed()


# --- refused ----------------------------------------------------------------------------------------------------------


class Stubborn(Later):
    """A node that refuses whatever it is handed, in the words of its choice; time has gone on."""

    def __init__(self, seconds: int, blocks: int, *, takes: bool) -> None:
        super().__init__(seconds, blocks)
        self.takes = takes

    def guard(self, thing: Any) -> Any:
        guarded = super().guard(thing)
        if hasattr(thing, "send_many"):

            def refuse(raws: list[bytes]) -> list[object]:
                if self.takes:
                    thing.send_many(raws)
                return [ChainError("network-error", "The node refused it: not like this.", "Try again.")] * len(raws)

            guarded.send_many = refuse
        return guarded


def test_what_is_refused_and_there_all_the_same_is_sent(node_post: tuple[Post, Line]) -> None:
    post, node = node_post
    sent = post.courier(Stubborn(0, 0, takes=True)).submit(post.wanted("one"), post.signer)
    assert (State.SENT, None) == (sent.state, sent.error)
    node.ask("evm_mine")
    assert State.FINAL == look(post).state


def test_a_replacement_that_is_refused_leaves_the_earlier_form_in_place_and_says_so(
    node_post: tuple[Post, Line],
) -> None:
    post, node = node_post
    sent = post.courier().submit(post.wanted("one"), post.signer)
    courier = post.courier(Stubborn(60, 2, takes=False))
    for _ in range(3):
        seen = look(post, courier)
        assert State.SENT == seen.state
        assert "[network-error]" in (seen.error or "")
    assert 2 == len(entry_of(post, "one").attempts)
    node.ask("evm_mine")
    done = look(post)
    assert (State.FINAL, sent.hash, None) == (done.state, done.hash, done.error)


def test_what_the_node_will_never_take_is_cancelled_and_the_others_go_on(node_post: tuple[Post, Line]) -> None:
    post, node = node_post
    courier = post.courier(Picky(b"one"))
    courier.submit_many([post.wanted(name) for name in ("zero", "one", "two")], post.signer)
    node.ask("evm_mine")
    seen: list[InFlight] = []
    for _ in range(4):
        seen = courier.attend(post.signer_of)
    node.ask("evm_mine")
    seen = courier.attend(post.signer_of)
    assert {"one": State.CANCELLED, "two": State.FINAL} == {one.purpose: one.state for one in seen}
    assert "[transaction-given-up]" in (seen[0].error or "")
    assert "no." in (seen[0].error or "")
    assert ["zero", "two"] == post.landed()
    assert 3 == post.courier().submit(post.wanted("one"), post.signer).nonce


def test_on_a_public_network_nothing_is_given_up_within_a_minute(tmp_path: Path) -> None:
    with post_and_node(tmp_path, "--chain-id", "9999") as (post, _):
        courier = post.courier(Picky(b"one"))
        courier.submit(post.wanted("one"), post.signer)
        for _ in range(5):
            assert State.RECORDED == look(post, courier).state
        assert 5 < entry_of(post, "one").refusals
        assert 1 == len(entry_of(post, "one").attempts)
        entry = entry_of(post, "one")
        seen = look(post, post.courier(Stubborn(60, 0, takes=False)))
        assert "[transaction-given-up]" in (seen.error or "")
        assert entry.newest.fees != entry_of(post, "one").newest.fees


def test_nothing_is_given_up_before_it_is_its_turn(node_post: tuple[Post, Line]) -> None:
    post, node = node_post
    courier = post.courier(Picky(b"two"))
    courier.submit_many([post.wanted("one"), post.wanted("two")], post.signer)
    for _ in range(5):
        _, two = courier.attend(post.signer_of)
        assert State.RECORDED == two.state
        assert "[network-error]" in (two.error or "")
    assert 1 == len(entry_of(post, "two").attempts)
    node.ask("evm_mine")
    for _ in range(3):
        courier.attend(post.signer_of)
    assert entry_of(post, "two").newest.cancels


def test_a_call_that_fails_in_its_block_is_told_once_that_is_final(node_post: tuple[Post, Line]) -> None:
    post, node = node_post
    courier = post.courier(confirmations=1)
    courier.submit(post.wanted("one"), post.signer)
    code = node.ask("eth_getCode", post.echo, "latest")
    node.ask("anvil_setCode", post.echo, "0x5f5ffd")
    node.ask("evm_mine")
    seen = look(post, courier)
    assert State.MINED == seen.state
    assert "[transaction-failed]" in (seen.error or "")
    node.ask("evm_mine")
    assert State.FAILED == look(post, courier).state
    node.ask("anvil_setCode", post.echo, code)
    assert (State.SENT, 1) == ((again := courier.submit(post.wanted("one"), post.signer)).state, again.nonce)


def test_a_sender_without_coin_is_told_and_goes_on_when_it_has_some(node_post: tuple[Post, Line]) -> None:
    post, node = node_post
    with pytest.raises(Killed):
        post.courier(Mortal(at="send_many")).submit(post.wanted("one"), post.signer)
    node.ask("anvil_setBalance", post.signer.address, "0x1")
    for _ in range(4):
        seen = look(post)
        assert State.RECORDED == seen.state
        assert "[not-enough-coin]" in (seen.error or "")
    node.ask("anvil_setBalance", post.signer.address, hex(10**20))
    assert (State.SENT, None) == ((seen := look(post)).state, seen.error)
    node.ask("evm_mine")
    assert State.FINAL == look(post).state


def test_of_many_only_those_are_recorded_that_the_balance_pays_together(node_post: tuple[Post, Line]) -> None:
    post, node = node_post
    fee = LOCAL_GAS_LIMIT * quote(post.network.head().base_fee, post.network.priority_fee()).price
    node.ask("anvil_setBalance", post.signer.address, hex(5 * fee // 2))
    outcomes = post.courier().submit_many([post.wanted(name) for name in ("one", "two", "three")], post.signer)
    assert [InFlight, InFlight, ChainError] == [type(one) for one in outcomes]
    assert "not-enough-coin" == getattr(outcomes[2], "code", None)
    assert post.courier().find("three") is None


def test_another_courier_s_newer_view_is_kept(node_post: tuple[Post, Line]) -> None:
    """One courier looks, another one finishes, and then the first writes down what it saw."""
    post, node = node_post
    post.courier().submit(post.wanted("one"), post.signer)

    class Slow(Mortal):
        def guard(self, thing: Any) -> Any:
            guarded = super().guard(thing)
            if hasattr(thing, "knows"):

                def knows(hashes: list[bytes]) -> list[bool]:
                    node.ask("evm_mine")
                    assert State.FINAL == look(post).state
                    guarded.knows = thing.knows
                    return [False] * len(hashes)

                guarded.knows = knows
            return guarded

    post.courier(Slow()).attend(post.signer_of)
    assert State.FINAL == entry_of(post, "one").state
    assert ["one"] == post.landed()


def test_each_chain_has_its_own_transactions(node_post: tuple[Post, Line], tmp_path: Path) -> None:
    post, _ = node_post
    post.courier().submit(post.wanted("one"), post.signer)
    with post_and_node(tmp_path, "--chain-id", "1337") as (other, _):
        other.engine.dispose()
        other.engine = post.engine
        assert other.courier().find("one") is None
        assert [] == other.courier().attend(other.signer_of)
        assert 0 == other.courier().submit(Wanted("one", other.wanted("one").call), other.signer).nonce


def test_hashes_are_those_of_the_recorded_bytes(node_post: tuple[Post, Line]) -> None:
    post, _ = node_post
    sent = post.courier().submit(post.wanted("one"), post.signer)
    (raw,) = Outbox(post.engine, post.network.identity()).raws([entry_of(post, "one")])
    assert keccak(raw) == sent.hash
