"""From an offer to an active escrow through its client: one suite, on the embedded chain and on anvil."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_utils.crypto import keccak

from pyoutcome.chain.blocks import ZERO_ADDRESS
from pyoutcome.chain.escrow import EscrowClient, Stage
from pyoutcome.chain.factory import FactoryClient, Prediction, deploy_factory
from pyoutcome.protocol import Domain, events
from tests.chain.conftest import refused
from tests.chain.scene import (
    ACTIVATE_BY,
    PROGRAM,
    RESERVE,
    UNIT,
    Scene,
    names,
    nothing_happens,
)

# --- the offer --------------------------------------------------------------------------------------------------------


def test_the_escrow_is_where_it_was_predicted_and_carries_exactly_the_deal(offer: Scene) -> None:
    prediction = offer.factory.predict(offer.deal)
    assert Prediction(offer.escrow.address, offer.terms_hash) == prediction
    verified = offer.factory.verify_deployed(offer.deal)
    assert offer.deal.arguments == verified.arguments()
    assert offer.deal.program_hash == verified.program_hash()
    assert PROGRAM == verified.program()
    assert offer.terms_hash == verified.terms_hash()
    assert offer.factory.address == verified.factory()
    assert 0 == offer.factory.find_nonce(replace(offer.deal.terms, nonce=99), verified.terms_hash())
    assert Stage.OFFER == verified.stage()
    (created,) = offer.factory.events()[1:]
    deal = (offer.escrow.address, offer.client.address, offer.terms_hash, offer.deal.agreement_digest)
    assert events.EscrowCreated(*deal) == created.event == offer.factory.created(offer.escrow.address)


def test_creating_or_registering_again_changes_nothing(offer: Scene) -> None:
    again, done = offer.factory.create(offer.outsider, offer.deal)
    assert (offer.escrow.address, ()) == (again.address, done.events)
    number = offer.network.head().number
    assert offer.deal.program_hash == offer.factory.register_program(offer.outsider, PROGRAM)
    assert number == offer.network.head().number


def test_every_part_of_the_deal_moves_the_address(offer: Scene) -> None:
    deal = offer.deal
    others = [
        replace(deal, nonce=1),
        replace(deal, agreement_digest=keccak(b"another agreement")),
        replace(deal, arguments=replace(deal.arguments, reserve=RESERVE + 1)),
    ]
    predictions = [offer.factory.predict(one) for one in (deal, *others)]
    assert 4 == len({one.escrow for one in predictions}) == len({one.terms_hash for one in predictions})
    for other in others:
        with refused("no-contract"):
            offer.factory.verify_deployed(other)


def test_programs_and_arguments_are_checked_before_anything_is_created(offer: Scene) -> None:
    with nothing_happens(offer, "bad-program"):
        offer.factory.register_program(offer.outsider, PROGRAM[:-1])
    with nothing_happens(offer, "unknown-program"):
        offer.factory.create(offer.outsider, replace(offer.deal, program=PROGRAM[:-4] + b"\0" + PROGRAM[-3:]))
    arguments = offer.deal.arguments
    too_few = replace(arguments, kpis=arguments.kpis[:1])
    with nothing_happens(offer, "bad-arguments") as info:
        offer.factory.create(offer.outsider, replace(offer.deal, arguments=too_few))
    assert {"rule": 12} == info.value.details


def test_what_is_not_the_factory_or_the_escrow_is_not_trusted(offer: Scene) -> None:
    with refused("no-contract"):
        EscrowClient(offer.network, offer.outsider.address).stage()
    with refused("no-contract"):
        FactoryClient(offer.network, offer.outsider.address).predict(offer.deal)
    with refused("foreign-code"):
        FactoryClient(offer.network, offer.token.address).verify()
    with pytest.raises(Exception, match=r"call-refused|not-our-contract"):
        EscrowClient(offer.network, offer.token.address).stage()
    other = deploy_factory(offer.network, offer.outsider)
    other.verify()
    with refused("no-contract"):
        other.verify_deployed(offer.deal)


def test_an_offer_is_accepted_with_exactly_all_signatures(offer: Scene) -> None:
    signatures = offer.party_signatures()
    digest, nonce = offer.deal.agreement_digest, offer.deal.nonce
    client, first, second = signatures
    people = [offer.client.address, *(provider.address for provider in offer.providers)]
    for index, wrong in (
        (0, []),
        (2, [client, first]),
        (0, [first, first, second]),
        (1, [client, second, first]),
        (1, [client, offer.outsider.sign(offer.terms_hash), second]),
        (3, [*signatures, second]),
    ):
        with nothing_happens(offer, "bad-party-signature") as info:
            offer.escrow.accept(offer.outsider, digest, nonce, wrong)
        assert [*people, ZERO_ADDRESS][index] == info.value.details["party"]
    for other in ((keccak(b"other words"), nonce), (digest, nonce + 1)):
        with nothing_happens(offer, "other-terms"):
            offer.escrow.accept(offer.outsider, *other, signatures)
    assert not offer.escrow.is_accepted()
    done = offer.escrow.accept(offer.outsider, digest, nonce, signatures)
    assert [events.Accepted(offer.terms_hash)] == [located.event for located in done.events]
    assert offer.escrow.is_accepted()
    with nothing_happens(offer, "nothing-to-do"):
        offer.accept()


def test_an_escrow_starts_accepted_and_with_the_first_reserve(offer: Scene) -> None:
    with nothing_happens(offer, "bad-party-signature"):
        offer.escrow.activate(offer.outsider)
    offer.accept()
    with nothing_happens(offer, "short-of-funds") as info:
        offer.escrow.activate(offer.outsider)
    assert {"available": 0, "needed": RESERVE} == info.value.details
    offer.fund(RESERVE)
    done = offer.escrow.activate(offer.outsider)
    assert [events.Activated(offer.terms_hash)] == [located.event for located in done.events]
    assert Stage.ACTIVE == offer.escrow.stage()
    with nothing_happens(offer, "wrong-stage"):
        offer.escrow.activate(offer.outsider)


def test_signatures_for_another_chain_factory_or_deal_are_worth_nothing(offer: Scene) -> None:
    offer.fund()
    terms, domain = offer.deal.terms, offer.domain
    for digest in (
        terms.digest(Domain(1, domain.factory)),
        terms.digest(Domain(domain.chain_id, offer.escrow.address)),
        replace(terms, nonce=1).digest(domain),
        replace(terms, agreement_digest=keccak(b"other words")).digest(domain),
    ):
        signatures = [party.sign(digest) for party in (offer.client, *offer.providers)]
        with nothing_happens(offer, "bad-party-signature"):
            offer.escrow.accept(offer.outsider, offer.deal.agreement_digest, offer.deal.nonce, signatures)


def test_an_offer_that_is_not_accepted_in_time_gives_the_money_back(offer: Scene) -> None:
    offer.fund(500 * UNIT)
    with nothing_happens(offer, "too-early") as info:
        offer.escrow.cancel(offer.outsider)
    assert {"possible_from": ACTIVATE_BY} == info.value.details
    assert "2013-01-06 00:00:00 UTC" in info.value.why
    offer.network.advance_to(ACTIVATE_BY)
    with nothing_happens(offer, "too-late"):
        offer.accept()
    with nothing_happens(offer, "too-late"):
        offer.escrow.activate(offer.outsider)
    assert ["Cancelled", "Refunded"] == names(offer.escrow.cancel(offer.outsider))
    assert (500 * UNIT, 0, Stage.CLOSED) == (
        offer.token.balance(offer.client.address),
        offer.escrow.balance(),
        offer.escrow.stage(),
    )
