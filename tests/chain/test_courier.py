"""Transactions that survive everything: each wanted call lands once, however often the courier dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from pyoutcome.chain.blocks import Call
from pyoutcome.chain.fees import FeePolicy
from pyoutcome.chain.inflight import InFlight, State, Wanted
from pyoutcome.chain.keys import KeySigner
from pyoutcome.database import open_database
from pyoutcome.errors import ChainError, ProtocolError, PyoutcomeError
from tests.chain.conftest import KINDS, refused
from tests.chain.couriers import Killed, Mortal, Post, post_on, state_of


@pytest.fixture(params=KINDS)
def post(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Post]:
    """A fresh chain of either kind, with the logging contract and an empty outbox."""
    with post_on(request.param, tmp_path) as found:
        yield found


def test_a_wanted_call_lands_and_is_final(post: Post) -> None:
    courier = post.courier()
    assert courier.find("one") is None
    sent = courier.submit(post.wanted("one"), post.signer)
    assert ("one", post.signer.address, 0, State.SENT, None) == (
        sent.purpose, sent.sender, sent.nonce, sent.state, sent.error
    )  # fmt: skip
    (done,) = post.finish(courier)
    receipt = post.network.receipt(done.hash)
    assert receipt is not None
    assert (State.FINAL, receipt.block, sent.hash, 0) == (done.state, done.block, done.hash, done.confirmations)
    assert done == courier.find("one")
    assert [] == courier.attend(post.signer_of)
    assert ["one"] == post.landed()


def test_a_purpose_is_sent_once_however_often_it_is_wanted(post: Post) -> None:
    first = post.courier().submit(post.wanted("one"), post.signer)
    assert first.id == post.courier().submit(post.wanted("one"), post.signer).id
    post.finish()
    assert State.FINAL == post.courier().submit(post.wanted("one"), post.signer).state
    outcomes = post.courier().submit_many([post.wanted(name) for name in ("one", "two", "two")], post.signer)
    assert [0, 1, 1] == [one.nonce for one in outcomes if isinstance(one, InFlight)]
    post.finish()
    assert ["one", "two"] == post.landed()


def test_what_the_contract_would_refuse_is_not_recorded(post: Post) -> None:
    refusal = keccak(text="AlreadySettled(uint256)")[:4] + encode(["uint256"], [7])
    bad = Wanted("bad", Call(post.signer.address, post.echo, refusal, value=1))
    with pytest.raises(ProtocolError) as info:
        post.courier().submit(bad, post.signer)
    assert "already-settled" == info.value.code
    assert post.courier().find("bad") is None
    good = post.courier().submit_many([post.wanted("one"), bad, post.wanted("two")], post.signer)
    assert [InFlight, ProtocolError, InFlight] == [type(one) for one in good]
    post.finish()
    assert ["one", "two"] == post.landed()
    assert 2 == post.network.nonce(post.signer.address)


def test_a_call_is_signed_by_its_sender_and_paid_by_its_balance(post: Post) -> None:
    poor = KeySigner(keccak(b"poor"))
    with refused("wrong-signer"):
        post.courier().submit(post.wanted("one"), poor)
    with refused("not-enough-coin"):
        post.courier().submit(Wanted("one", Call(poor.address, post.echo, b"one")), poor)
    assert post.courier().find("one") is None


def test_a_fee_above_the_limit_is_not_offered(post: Post) -> None:
    with refused("fee-above-limit"):
        post.courier(fees=FeePolicy(highest=1)).submit(post.wanted("one"), post.signer)
    assert post.courier().find("one") is None


def test_many_land_in_the_order_they_were_wanted(post: Post) -> None:
    names = [f"number {number}" for number in range(130)]
    outcomes = post.courier().submit_many([post.wanted(name) for name in names], post.signer)
    assert list(range(130)) == [one.nonce for one in outcomes if isinstance(one, InFlight)]
    post.finish()
    assert names == post.landed()


def live(post: Post, purposes: tuple[str, ...], mortal: Mortal, looks: int = 2) -> None:
    """One life of a process that wants these; raises Killed."""
    courier = post.courier(mortal)
    outcomes = courier.submit_many([post.wanted(purpose) for purpose in purposes], post.signer)
    assert not [one for one in outcomes if isinstance(one, PyoutcomeError)]
    for _ in range(looks):
        courier.attend(post.signer_of)


def test_killed_before_or_after_any_step_everything_lands_once(post: Post) -> None:
    wanted: list[str] = []
    for after in (False, True):
        for life in count(1):
            pair = (f"{after} {life} a", f"{after} {life} b")
            wanted += pair
            mortal = Mortal(life, after)
            try:
                live(post, pair, mortal)
            except Killed:
                live(post, pair, Mortal())
            post.finish()
            if mortal.steps < life:
                break
        assert life > 12
    assert wanted == post.landed()
    assert len(wanted) == post.network.nonce(post.signer.address)


def test_killed_twice_while_it_is_wanted_everything_lands_once(tmp_path: Path) -> None:
    """Any step of one life, then any of the next, which begins where the first ended."""
    with post_on("anvil", tmp_path) as post:
        live(post, ("first",), mortal := Mortal(), looks=0)
        lives = range(1, mortal.steps + 1)
        wanted = [f"{first} {second}" for first in lives for second in lives]
        for purpose in wanted:
            first, second = map(int, purpose.split())
            for life, after in ((first, bool(second % 2)), (second, bool(first % 2))):
                with suppress(Killed):
                    live(post, (purpose,), Mortal(life, after), looks=0)
            live(post, (purpose,), Mortal(), looks=0)
        post.finish()
        assert sorted(["first", *wanted]) == sorted(post.landed())


def test_a_lost_outbox_never_sends_what_the_contract_refuses_twice(post: Post, tmp_path: Path) -> None:
    """What is done is known from the chain, so an empty outbox begins anew with the chain's next nonce."""
    post.courier().submit(post.wanted("one"), post.signer)
    post.finish()
    post.engine.dispose()
    post.engine = open_database(tmp_path / "another.sqlite")
    assert 1 == post.courier().submit(post.wanted("two"), post.signer).nonce
    post.finish()
    assert ["one", "two"] == post.landed()
    assert (None, State.FINAL) == (state_of(post, "one"), state_of(post, "two"))


def test_an_answer_that_never_came_changes_nothing(post: Post) -> None:
    class Deaf(Mortal):
        """Hands in, and hears nothing."""

        def guard(self, thing: object) -> object:
            guarded = super().guard(thing)
            if hasattr(thing, "send_many"):
                send_many = thing.send_many

                def deaf(raws: list[bytes]) -> None:
                    send_many(raws)
                    raise ChainError("network-timeout", "Nothing came.", "Try again.")

                guarded.send_many = deaf
            return guarded

    outcome = post.courier(Deaf()).submit(post.wanted("one"), post.signer)
    assert State.RECORDED == outcome.state
    assert "network-timeout" in (outcome.error or "")
    assert [State.FINAL] == [one.state for one in post.finish()]
    assert ["one"] == post.landed()


def test_what_the_embedded_chain_refuses_though_the_trial_passed_is_cancelled(tmp_path: Path) -> None:
    class Hopeful(Mortal):
        """Every trial passes."""

        def guard(self, thing: Any) -> Any:
            guarded = super().guard(thing)
            if hasattr(thing, "rehearse"):
                guarded.rehearse = lambda calls: [1_000_000] * len(calls)
            return guarded

    with post_on("embedded", tmp_path) as post:
        bad = Wanted("bad", Call(post.signer.address, post.echo, b"no!!", value=1))
        courier = post.courier(Hopeful())
        assert State.SENT == courier.submit(bad, post.signer).state
        assert State.SENT == courier.submit(post.wanted("one"), post.signer).state
        bad_one, good = post.finish()
        assert (State.CANCELLED, State.FINAL) == (bad_one.state, good.state)
        assert "[transaction-given-up]" in (bad_one.error or "")
        assert ["one"] == post.landed()
