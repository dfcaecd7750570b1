"""A network seen at one glance asks once, and answers what the network answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from pyoutcome.chain.blocks import Call, Reverted
from pyoutcome.chain.escrow import EscrowClient
from pyoutcome.chain.glance import Glance
from pyoutcome.chain.network import Network
from pyoutcome.chain.sender import Sender
from pyoutcome.errors import ProtocolError
from tests.chain.conftest import refused
from tests.chain.echo import CREATION
from tests.chain.scene import Scene


class Counting:
    """A network that counts what it is asked."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.asked: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._network, name)

        def ask(*arguments: Any) -> Any:
            self.asked[name] += 1
            return found(*arguments)

        return ask if callable(found) else found


def glance_at(network: Network) -> tuple[Glance, Counting]:
    counting: Any = Counting(network)
    return Glance(counting), counting


def deploy(network: Network) -> tuple[str, str]:
    """The echo contract, and who sends."""
    signer = network.test_accounts()[0]
    created = Sender(network).send(Call(signer.address, None, CREATION), signer).created
    assert created is not None
    return created, signer.address


QUESTIONS: list[Callable[[Network, str, str], object]] = [
    lambda network, echo, who: network.head(),
    lambda network, echo, who: network.identity(),
    lambda network, echo, who: network.block(1),
    lambda network, echo, who: network.balance(who),
    lambda network, echo, who: network.code(echo),
    lambda network, echo, who: network.call(Call(who, echo, b"words")),
    lambda network, echo, who: network.call_many([Call(who, echo, b"one"), Call(who, echo, b"two")]),
    lambda network, echo, who: network.logs((echo,), 0, 1),
]


def test_everything_is_asked_once_until_somebody_looks_again(network: Network) -> None:
    echo, who = deploy(network)
    glance, counting = glance_at(network)
    for question in QUESTIONS:
        expected = question(network, echo, who)
        for _ in range(3):
            assert expected == question(glance, echo, who)
    assert {1} == set(counting.asked.values())
    glance.look_again()
    for question in QUESTIONS:
        question(glance, echo, who)
    assert {"identity"} == {name for name, times in counting.asked.items() if times == 1}


def test_the_clock_stands_still_until_somebody_looks_again(network: Network) -> None:
    glance, _ = glance_at(network)
    before = glance.now()
    network.advance_to(before + 1000)
    assert before == glance.now()
    glance.look_again()
    assert before + 1000 == glance.now()


def test_what_is_sent_by_it_is_seen(network: Network) -> None:
    glance, _ = glance_at(network)
    signer = glance.test_accounts()[0]
    before = glance.head().number, glance.balance(signer.address)
    echo, who = deploy(glance)
    assert glance.code(echo)
    assert before[0] < glance.head().number
    assert before[1] > glance.balance(who)
    glance.advance_to(glance.now() + 50)
    assert network.now() == glance.now()


def test_of_several_calls_only_the_unknown_are_asked(network: Network) -> None:
    echo, who = deploy(network)
    glance, counting = glance_at(network)
    known, other = (Call(who, echo, data) for data in (b"known", b"other"))
    bad = Call(who, echo, b"bad!", value=1)
    glance.call(known)
    found = glance.call_many([known, other, bad, other])
    assert [network.call(known), network.call(other)] == found[:2]
    assert found[1] == found[3]
    assert isinstance(found[2], Reverted)
    assert [known, other] == [call for call in (known, other, bad) if (call, None) in glance._seen]
    assert {"call": 1, "call_many": 1} == {name: counting.asked[name] for name in ("call", "call_many")}


def test_a_refusal_is_not_remembered(network: Network) -> None:
    echo, who = deploy(network)
    glance, counting = glance_at(network)
    for _ in range(2):
        with pytest.raises(Reverted):
            glance.call(Call(who, echo, b"bad!", value=1))
        with refused("block-unknown"):
            glance.require_block(10_000)
    assert 2 == counting.asked["call"]


def test_what_was_foreseen_is_not_asked_again(active: Scene) -> None:
    glance, counting = glance_at(active.network)
    seen, escrow = EscrowClient(glance, active.escrow.address), active.escrow
    seen.foresee_period(2)
    seen.foresee_money()
    assert {"call_many": 2} == dict(counting.asked)
    assert (escrow.stage(), escrow.last_period()) == (seen.stage(), seen.last_period())
    assert (escrow.terms_hash_of(2), escrow.terms_hash()) == (seen.terms_hash_of(2), seen.terms_hash())
    assert escrow.period_state(2) == seen.period_state(2)
    assert (escrow.tenures(), escrow.account(0)) == (seen.tenures(), seen.account(0))
    assert (escrow.funds(), escrow.required_cover()) == (seen.funds(), seen.required_cover())
    assert (escrow.queue_length(), escrow.client_claimable()) == (seen.queue_length(), seen.client_claimable())
    assert {"call_many": 2} == dict(counting.asked)


def test_what_is_foreseen_and_refused_is_told_when_it_is_asked(active: Scene) -> None:
    glance, _ = glance_at(active.network)
    seen = EscrowClient(glance, active.escrow.address)
    seen.foresee_period(99)
    with pytest.raises(ProtocolError) as told:
        seen.period_state(99)
    assert "no-such-period" == told.value.code
