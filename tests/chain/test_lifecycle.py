"""Windows, disputes, change of parties and terms, batches: through the client, on the embedded chain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from eth_utils.crypto import keccak

from pyoutcome.chain.batch import deploy_batch
from pyoutcome.chain.blocks import Call
from pyoutcome.chain.deal import Deal
from pyoutcome.chain.deployed import Done
from pyoutcome.chain.escrow import CLIENT, PeriodStage, Stage
from pyoutcome.chain.keys import KeySigner
from pyoutcome.chain.versions import Version
from pyoutcome.decimals import ONE
from pyoutcome.errors import ChainError, ProtocolError
from pyoutcome.protocol import MISSING, events, messages
from tests.chain.scene import DAY, ENDS, EVIDENCE, EVIDENCE_WINDOW, PROGRAM, RESERVE, STARTS, UNIT, Scene, scene_on

WINDOW, RULING = 4 * DAY, 6 * DAY


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One chain for all; each test has an escrow of its own, and the clock goes on."""
    with scene_on("embedded", tmp_path_factory.mktemp("chain")) as found:
        yield found


def anew(ground: Scene, nonce: int, *, begun: bool = True, **changes: object) -> Scene:
    """An escrow whose periods begin today, created with everybody's signatures, funded and active."""
    today = ground.network.now()
    arguments = replace(
        ground.deal.arguments,
        start=today,
        ends=tuple(today + end - STARTS for end in ENDS),
        activate_by=today + DAY,
        **{"challenge_window": WINDOW, "ruling_window": RULING, "stake_fixed": 7 * UNIT, "stake_share": ONE // 10}
        | changes,  # type: ignore[arg-type]
    )
    deal = replace(ground.deal, arguments=arguments, nonce=nonce)
    signatures = [party.sign(deal.terms.digest(ground.domain)) for party in (ground.client, *ground.providers)]
    escrow, _ = ground.factory.create(ground.outsider, deal, signatures)
    scene = replace(ground, deal=deal, escrow=escrow)
    if begun:
        scene.fund()
        escrow.activate(ground.outsider)
    return scene


def report(scene: Scene, period: int, *shares: str) -> Done:
    values = scene.values(*shares)
    end = scene.deal.arguments.ends[period - 1]
    if scene.network.now() < end:
        scene.network.advance_to(end)
    signed = scene.signed(scene.a_report(period, values))
    return scene.escrow.report(scene.outsider, period, values, EVIDENCE, signed)


def told(done: Done) -> list[events.Event]:
    return [located.event for located in done.events]


def endow(scene: Scene, who: KeySigner, amount: int) -> None:
    scene.token.mint(scene.outsider, who.address, amount)


def test_the_factory_accepts_the_signatures_it_creates_with(ground: Scene) -> None:
    scene = anew(ground, 1, begun=False)
    assert (True, Stage.OFFER) == (scene.escrow.is_accepted(), scene.escrow.stage())
    assert [events.Accepted(scene.terms_hash)] == [located.event for located in scene.escrow.history()]


def test_a_report_waits_for_its_window_and_settles_unchallenged(ground: Scene) -> None:
    scene = anew(ground, 2)
    assert [events.Reported(1, EVIDENCE, scene.values("0.5", "1"), 0b11)] == told(report(scene, 1, "0.5", "1"))
    found = scene.escrow.period_state(1)
    assert (PeriodStage.REPORTED, 1) == (found.stage, found.proposals)
    amounts = (500 * UNIT, 2_000 * UNIT)
    assert (Version(0, 0, scene.values("0.5", "1"), amounts),) == scene.escrow.versions(1)
    with pytest.raises(ProtocolError, match="too-early"):
        scene.escrow.settle(scene.outsider, 1)
    scene.network.advance_to(found.until)
    assert events.Settled(1, amounts, 0) == told(scene.escrow.settle(scene.outsider, 1))[0]
    assert () == scene.escrow.versions(1)


def test_a_challenge_is_disputed_and_ruled_between_the_versions(ground: Scene) -> None:
    scene = anew(ground, 3)
    first = scene.providers[0]
    report(scene, 1, "0.5", "1")
    theirs, ruled = scene.values("0.9", "1"), scene.values("0.8", "1")
    assert 40 * UNIT == scene.escrow.stake_of(1, theirs)
    assert 7 * UNIT == scene.escrow.stake_of(1, scene.values("0.51", "1"))
    with pytest.raises(ProtocolError, match="not-a-party"):
        scene.escrow.challenge(scene.outsider, 1, theirs)
    endow(scene, first, 40 * UNIT)
    assert [events.Challenged(1, 0, 40 * UNIT, theirs, (900 * UNIT, 2_000 * UNIT))] == told(
        scene.escrow.challenge(first, 1, theirs)
    )
    endow(scene, scene.outsider, 100 * UNIT)
    lower = scene.values("0.4", "1")
    message = messages.Challenge(scene.escrow.address, scene.terms_hash, 1, 1, lower)
    signature = scene.client.sign(message.digest(scene.domain))
    scene.escrow.challenge(scene.outsider, 1, lower, party=CLIENT, signature=signature)
    assert [0, 0, CLIENT] == [version.party for version in scene.escrow.versions(1)]

    with pytest.raises(ProtocolError, match="not-disputed"):
        scene.escrow.rule(scene.outsider, 1, ruled)
    scene.network.advance_to(scene.escrow.period_state(1).until)
    with pytest.raises(ProtocolError, match="other-versions"):
        scene.escrow.settle(scene.outsider, 1)
    opened = told(scene.escrow.dispute(scene.outsider, 1))
    assert isinstance(opened[0], events.Disputed)
    assert [400 * UNIT, 2_000 * UNIT] == [one.amount for one in opened if isinstance(one, events.Credited)]
    arbitrator = next(one for one in scene.network.test_accounts() if one.address == scene.deal.arguments.arbitrator)
    with pytest.raises(ProtocolError, match="ruling-outside"):
        scene.escrow.rule(arbitrator, 1, scene.values("0.95", "1"))
    with pytest.raises(ProtocolError, match="no-such-version"):
        scene.escrow.choose(arbitrator, 1, None)
    signed = messages.Ruling(scene.escrow.address, scene.terms_hash, 1, 1, ruled).digest(scene.domain)
    done = told(scene.escrow.rule(scene.outsider, 1, ruled, arbitrator.sign(signed)))
    assert events.Ruled(1, ruled) == done[0]
    assert [events.StakeReturned(1, 0, 40 * UNIT)] == [one for one in done if isinstance(one, events.StakeReturned)]
    assert [events.StakeLost(1, CLIENT, 0, 10 * UNIT)] == [one for one in done if isinstance(one, events.StakeLost)]
    assert 800 * UNIT == sum(
        one.event.amount
        for one in scene.escrow.history()
        if isinstance(one.event, events.Credited) and one.event.provider == 0
    )


def test_an_arbitrator_that_chooses_refuses_and_the_report_stands(ground: Scene) -> None:
    scene = anew(ground, 4, chooses=True)
    report(scene, 1, "0.5", "1")
    endow(scene, scene.client, 1_000 * UNIT)
    scene.escrow.challenge(scene.client, 1, scene.values("0", "1"))
    scene.network.advance_to(scene.escrow.period_state(1).until)
    arbitrator = next(one for one in scene.network.test_accounts() if one.address == scene.deal.arguments.arbitrator)
    done = told(scene.escrow.choose(arbitrator, 1, None))
    assert events.FellBack(1) == done[0]
    assert events.Settled(1, (500 * UNIT, 2_000 * UNIT), 0) in done


def test_a_report_replaces_a_challenged_default(ground: Scene) -> None:
    scene = anew(ground, 5)
    scene.network.advance_to(scene.deal.arguments.ends[0] + EVIDENCE_WINDOW)
    scene.escrow.propose_default(scene.outsider, 1)
    assert (Version(0, 0, (MISSING, MISSING), (0, 500 * UNIT)),) == scene.escrow.versions(1)
    endow(scene, scene.providers[1], 1_000 * UNIT)
    scene.escrow.challenge(scene.providers[1], 1, scene.values("0", "1"))
    done = told(report(scene, 1, "0", "0.75"))
    assert ["StakeReturned", "Paid", "Reported"] == [type(one).__name__ for one in done]
    assert 1 == len(scene.escrow.versions(1))
    assert 2 == scene.escrow.period_state(1).proposals


def test_client_and_payees_agree_on_a_period(ground: Scene) -> None:
    scene = anew(ground, 6)
    report(scene, 1, "0.5", "1")
    values = scene.values("0.7", "0.7")
    digest = messages.Agreed(scene.escrow.address, scene.terms_hash, 1, 0, values).digest(scene.domain)
    signatures = [party.sign(digest) for party in (scene.client, *scene.providers)]
    done = told(scene.escrow.agree(scene.outsider, 1, values, signatures))
    assert events.Agreed(1, 0, values) == done[0]
    assert (PeriodStage.SETTLED, 1) == (scene.escrow.period_state(1).stage, scene.escrow.period_state(1).agreements)
    with pytest.raises(ProtocolError, match="not-restatable"):
        scene.escrow.agree(scene.outsider, 1, values, signatures)


def test_an_amendment_governs_later_periods_and_their_reports_are_read_by_it(ground: Scene) -> None:
    scene = anew(ground, 7)
    arguments = scene.deal.arguments
    finer = tuple(replace(kpi, decimals=6) for kpi in arguments.kpis)
    new = Deal(replace(arguments, kpis=finer, challenge_window=0, quorum=1), scene.deal.agreement_digest, PROGRAM, 70)
    new_hash = new.terms.digest(scene.domain)
    deadline = scene.network.now() + DAY
    message = messages.Amendment(scene.escrow.address, scene.terms_hash, new_hash, 2, (), deadline)
    signatures = [party.sign(message.digest(scene.domain)) for party in (scene.client, *scene.providers)]
    (amended,) = told(scene.escrow.amend(scene.outsider, new, 2, deadline, (), signatures))
    assert isinstance(amended, events.Amended)
    assert (2, new_hash) == (amended.first, amended.terms_hash)
    assert (scene.terms_hash, new_hash) == (scene.escrow.terms_hash_of(1), scene.escrow.terms_hash_of(2))
    assert (arguments, new.arguments) == (scene.escrow.arguments_of(1), scene.escrow.arguments_of(2))
    coded = scene.escrow.amended_terms(amended.store)
    store = scene.factory.read("programStore", new.program_hash)
    assert (b"", store, new_hash) == (coded.program, coded.store, coded.terms_hash)

    scene.network.advance_to(arguments.ends[1])
    values = (ONE // 2 + 10**12, ONE)
    signed = messages.Report(scene.escrow.address, new_hash, 2, 0, values, EVIDENCE).digest(scene.domain)
    done = scene.escrow.report(scene.outsider, 2, values, EVIDENCE, {1: scene.verifiers[1].sign(signed)})
    assert events.Reported(2, EVIDENCE, values, 0b10) == told(done)[0]
    assert done.events == tuple(scene.escrow.events(done.receipt.block))
    assert told(done)[0] in [located.event for located in scene.escrow.history()]


def test_pushes_that_fail_and_moved_payouts_are_told_in_their_order(tmp_path: Path) -> None:
    """An ordinary settlement is one event on chain; what follows from it is told as if it had been several."""
    with scene_on("embedded", tmp_path, native=True) as ground:
        first, second = ground.deal.arguments.providers
        # The factory takes no coin.
        scene = anew(
            ground,
            8,
            begun=False,
            challenge_window=0,
            providers=(replace(first, payout=ground.factory.address), second),
        )
        scene.fund(10**19)
        scene.escrow.activate(scene.outsider)
        target = scene.network.test_accounts()[9].address
        scene.escrow.move_payout(scene.providers[1], 1, target)
        done = report(scene, 1, "0.5", "0.5")
        half, whole = ONE // 2, ONE
        assert [
            events.Reported(1, EVIDENCE, scene.values("0.5", "0.5"), 0b11),
            events.Settled(1, (half, whole), 0),
            events.Credited(1, 0, half, 0, half // 20, half - half // 20, 0),
            events.Credited(1, 1, whole, 0, whole // 20, whole - whole // 20, 0),
            events.Deferred(0, half - half // 20),
            events.Paid(1, target, whole - whole // 20),
        ] == told(done)
        places = [(located.block, located.index) for located in done.events]
        assert sorted(places) == places
        assert done.events == tuple(scene.escrow.events(done.receipt.block)) == tuple(scene.escrow.history()[-6:])
        assert half - half // 20 == scene.escrow.account(0).claimable
        assert [events.Claimed(0, target, half - half // 20)] == told(scene.escrow.claim(scene.providers[0], 0, target))


def test_a_slot_changes_hands_with_its_bond(ground: Scene) -> None:
    first, second = ground.deal.arguments.providers
    scene = anew(ground, 9, begun=False, challenge_window=0, providers=(replace(first, bond=100 * UNIT), second))
    endow(scene, scene.providers[0], 100 * UNIT)
    scene.fund()
    assert [events.BondPosted(0, 100 * UNIT)] == told(scene.escrow.post_bond(scene.providers[0], 0, 100 * UNIT))
    scene.escrow.activate(scene.outsider)
    incoming = scene.network.test_accounts()[8]
    message = messages.Assignment(scene.escrow.address, scene.terms_hash, 0, incoming.address, incoming.address, 2, 0)
    signatures = [party.sign(message.digest(scene.domain)) for party in (scene.client, scene.providers[0], incoming)]
    endow(scene, incoming, 100 * UNIT)
    done = told(scene.escrow.assign(incoming, 0, incoming.address, incoming.address, 2, signatures))
    assert [events.BondPosted(2, 100 * UNIT), events.Assigned(0, 2, incoming.address, 2)] == done
    assert (0, 2, 3) == (scene.escrow.holder_of(0, 1), scene.escrow.holder_of(0, 2), scene.escrow.tenures())
    assert (2, 2) == (scene.escrow.party_of(2, incoming.address), scene.escrow.account(2).first)
    report(scene, 1, "1", "1")
    report(scene, 2, "1", "1")
    assert 950 * UNIT == scene.token.balance(incoming.address)


def test_everybody_ends_it_and_it_closes(ground: Scene) -> None:
    scene = anew(ground, 10, challenge_window=0)
    message = messages.Termination(scene.escrow.address, scene.terms_hash, 1, 0)
    signatures = [party.sign(message.digest(scene.domain)) for party in (scene.client, *scene.providers)]
    (ended,) = told(scene.escrow.terminate_mutually(scene.outsider, 1, signatures))
    assert events.Terminated(1, events.Cause.MUTUAL) == ended
    assert (1, 1) == (scene.escrow.last_period(), scene.escrow.occasions().terminations)
    report(scene, 1, "1", "1")
    scene.network.advance_to(scene.deal.arguments.ends[0] + scene.deal.arguments.holdback_delay)
    scene.escrow.close(scene.outsider, 1)
    assert (Stage.CLOSED, 0) == (scene.escrow.stage(), scene.escrow.balance())


def test_the_arbitrator_s_finding_ends_it(ground: Scene) -> None:
    scene = anew(ground, 11)
    arbitrator = next(one for one in scene.network.test_accounts() if one.address == scene.deal.arguments.arbitrator)
    cause, party = keccak(b"fraud"), scene.providers[0].address
    digest = messages.Finding(scene.escrow.address, scene.terms_hash, cause, party, 5).digest(scene.domain)
    done = told(scene.escrow.terminate_on_finding(scene.outsider, cause, party, 5, arbitrator.sign(digest)))
    assert [events.Found(cause, party, 5), events.Terminated(1, events.Cause.FINDING)] == done


def test_many_are_created_and_reported_at_once_and_a_bad_one_fails_alone(ground: Scene) -> None:
    scene = anew(ground, 12, challenge_window=0)
    other = anew(ground, 13, challenge_window=0)
    deals = [replace(scene.deal, nonce=120), replace(scene.deal, program=PROGRAM[:-1]), replace(scene.deal, nonce=121)]
    with pytest.raises(ChainError):
        ground.factory.created(ground.outsider.address)
    deals[1] = replace(scene.deal, nonce=122, arguments=replace(scene.deal.arguments, token=ground.outsider.address))
    made, done = ground.factory.create_many(ground.outsider, deals)
    assert [True, False, True] == [escrow is not None for escrow in made]
    assert [events.NotCreated(1)] == [one for one in told(done) if isinstance(one, events.NotCreated)]
    for escrow, deal in zip(made, deals, strict=True):
        if escrow is not None:
            assert escrow.address == ground.factory.verify_deployed(deal).address

    own = replace(scene.deal, nonce=123, registered=False)
    carried, _ = ground.factory.create(ground.outsider, own)
    assert carried.address == ground.factory.verify_deployed(own).address
    assert PROGRAM == carried.program()

    batch = deploy_batch(ground.network, ground.outsider)
    scene.network.advance_to(max(scene.deal.arguments.ends[0], other.deal.arguments.ends[0]))
    packed = []
    for one, wrong in ((scene, False), (other, True), (other, False)):
        values = one.values("1", "0.5")
        signed = dict(one.signed(one.a_report(2 if wrong else 1, values)))
        packed.append((one.escrow.address, one.escrow.pack_report(1, values, EVIDENCE, signed)))
    first = len(packed[0][1]) + 22 + 8
    assert [events.Refused(other.escrow.address, first)] == told(batch.submit_many(ground.outsider, packed))
    assert [PeriodStage.SETTLED] * 2 == [one.escrow.period_state(1).stage for one in (scene, other)]
    with pytest.raises(ChainError, match="report-too-long"):
        batch.submit_many(ground.outsider, [(scene.escrow.address, bytes(2**16))])


def test_whoever_must_not_is_refused(ground: Scene) -> None:
    scene = anew(ground, 14)
    for code, act in (
        ("nothing-to-do", lambda: scene.escrow.record_uncovered(scene.outsider)),
        ("no-cause", lambda: scene.escrow.step_in(scene.client, 0, scene.client.address)),
        ("not-client", lambda: scene.escrow.terminate_for_convenience(scene.providers[0])),
        ("no-cause", lambda: scene.escrow.terminate_for_streak(scene.client, 0)),
        ("no-cause", lambda: scene.escrow.terminate_for_uncovered(scene.providers[0])),
        ("too-early", lambda: scene.escrow.post_digest(scene.client, 1, EVIDENCE)),
        ("not-proposed", lambda: scene.escrow.challenge(scene.client, 1, scene.values("0", "0"))),
        ("not-proposed", lambda: scene.escrow.dispute(scene.client, 1)),
        ("not-disputed", lambda: scene.escrow.fall_back(scene.client, 1)),
        ("nothing-to-do", lambda: scene.escrow.claim(scene.client, CLIENT, scene.client.address)),
        ("no-such-function", lambda: scene.escrow.sender.send(_nothing(scene), scene.outsider)),
    ):
        with pytest.raises((ProtocolError, ChainError)) as refused:
            act()
        assert code == refused.value.code
    assert RESERVE == scene.escrow.required_cover()


def _nothing(scene: Scene) -> Call:
    return Call(scene.outsider.address, scene.escrow.address, b"\x01\x02\x03\x04")
