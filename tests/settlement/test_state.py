"""What the keeper remembers: one keeper at a time for each row, waits that double and end, and news that wake."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import Engine

from pyoutcome.errors import ChainError, EvidenceError
from pyoutcome.settlement.outgoing import Outgoing
from pyoutcome.settlement.patience import HOUR, LONGEST, SECOND, Patience
from pyoutcome.settlement.standing import LEASE, Known, Look, Standing
from pyoutcome.settlement.state import KeeperState

NAMES = ["one", "two"]
CHAIN = "31337:00"
ENDS = [1000, 2000, 3000]
PATIENCE = Patience(3)
FAULT = EvidenceError("evidence-value-differs", "It differs.", "Look at it.")
DOWN = ChainError("network-unreachable", "No answer.", "Wait.")


class Clock:
    """A clock that a test sets, milliseconds."""

    def __init__(self) -> None:
        self.now = 1_700_000_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def state(engine: Engine, clock: Clock) -> KeeperState:
    made = KeeperState(engine, "first", clock)
    for name in NAMES:
        made.register(Known(name, f"/deals/{name}", CHAIN, f"0x{name}", 5), ENDS)
    return made


def places(standings: Sequence[Standing]) -> list[tuple[str, int]]:
    return [(each.agreement, each.number) for each in standings]


def claim_one(state: KeeperState) -> Standing:
    """The first agreement's first period, which has ended."""
    state.strike(CHAIN, ENDS[0])
    claimed = state.claim(["one"], 10)
    state.release(each for each in claimed if each.number != 1)
    return next(each for each in claimed if each.number == 1)


# --- when something is due --------------------------------------------------------------------------------------------


def test_a_new_agreement_is_looked_at_as_a_whole_and_its_periods_when_they_end(state: KeeperState) -> None:
    assert [("one", 0), ("two", 0)] == places(state.claim(NAMES, 10))
    assert 2 == state.strike(CHAIN, ENDS[0])
    assert [("one", 1), ("two", 1)] == places(state.claim(NAMES, 10))


def test_the_clock_of_one_chain_ends_no_period_on_another(state: KeeperState) -> None:
    assert 0 == state.strike("1:ff", ENDS[-1])
    assert 6 == state.strike(CHAIN, ENDS[-1])
    assert 0 == state.strike(CHAIN, ENDS[-1])


def test_what_is_registered_again_keeps_its_rows(state: KeeperState) -> None:
    state.strike(CHAIN, ENDS[0])
    state.register(Known("one", "/elsewhere", CHAIN, "0xone", 5), ENDS)
    assert "/elsewhere" == state.known()["one"].folder
    assert [("one", 0), ("one", 1)] == places(state.claim(["one"], 10))


def test_the_oldest_comes_first_and_no_more_than_asked_for(state: KeeperState) -> None:
    state.strike(CHAIN, ENDS[-1])
    assert 3 == len(state.claim(NAMES, 3))
    assert 5 == len(state.claim(NAMES, 10))


# --- one keeper at a time ---------------------------------------------------------------------------------------------


def test_what_one_keeper_has_claimed_no_other_gets(state: KeeperState, engine: Engine, clock: Clock) -> None:
    second = KeeperState(engine, "second", clock)
    claimed = state.claim(NAMES, 10)
    assert [] == second.claim(NAMES, 10)
    state.release(claimed)
    assert places(claimed) == places(second.claim(NAMES, 10))


def test_the_lease_of_a_dead_keeper_ends_and_that_of_a_living_one_is_extended(
    state: KeeperState, engine: Engine, clock: Clock
) -> None:
    second = KeeperState(engine, "second", clock)
    one, two = state.claim(NAMES, 10)
    clock.now += LEASE - SECOND
    state.extend([one])
    clock.now += 2 * SECOND
    assert [("two", 0)] == places(second.claim(NAMES, 10))
    # It was too slow for the second: what it found out is not written over what the new keeper does.
    state.note([(two, Look("agreement", "Old news.", LONGEST))], PATIENCE)
    assert "Old news." not in {each.why for each in state.standings()}


def test_the_claims_of_one_that_is_known_to_be_dead_are_taken_back(
    state: KeeperState, engine: Engine, clock: Clock
) -> None:
    second = KeeperState(engine, "second", clock)
    claimed = state.claim(NAMES, 10)
    assert {"first"} == second.owners()
    assert len(claimed) == second.bury("first")
    assert places(claimed) == places(second.claim(NAMES, 10))


def test_two_that_claim_at_the_same_time_share(state: KeeperState, engine: Engine, clock: Clock) -> None:
    state.strike(CHAIN, ENDS[-1])
    got: list[tuple[str, int]] = []

    def work(name: str) -> None:
        keeper = KeeperState(engine, name, clock)
        while found := keeper.claim(NAMES, 1):
            got.extend(places(found))

    workers = [Thread(target=work, args=(f"keeper {number}",)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert 8 == len(got) == len(set(got))


# --- trying again -----------------------------------------------------------------------------------------------------


@given(st.integers(min_value=1, max_value=10**6))
def test_waits_double_from_a_second_to_an_hour(failures: int) -> None:
    wait = Patience().wait(failures)
    assert wait == min(HOUR, SECOND * 2 ** min(failures - 1, 20))


def test_a_failure_is_tried_again_later_and_later_and_then_parked(state: KeeperState, clock: Clock) -> None:
    standing = claim_one(state)
    for failures in (1, 2):
        [standing] = state.note([(standing, Look("bundles", "Waits.", LONGEST, error=FAULT))], PATIENCE)
        assert (failures, "evidence-value-differs", False) == (standing.attempts, standing.error, standing.parked)
        clock.now += PATIENCE.wait(failures) - 1
        assert ("one", 1) not in places(state.claim(["one"], 10))
        clock.now += 1
        [standing] = [each for each in state.claim(["one"], 10) if each.number == 1]
    [standing] = state.note([(standing, Look("bundles", "Waits.", LONGEST, error=FAULT))], PATIENCE)
    assert standing.parked
    clock.now += 10 * HOUR
    assert ("one", 1) not in places(state.claim(["one"], 10))


def test_a_success_forgets_the_failures(state: KeeperState, clock: Clock) -> None:
    [failed] = state.note([(claim_one(state), Look("bundles", "Waits.", LONGEST, error=FAULT))], PATIENCE)
    clock.now += HOUR
    again = next(each for each in state.claim(["one"], 10) if each.number == 1)
    assert 1 == failed.attempts == again.attempts
    [fine] = state.note([(again, Look("report", "Signed.", SECOND))], PATIENCE)
    assert (0, None, None) == (fine.attempts, fine.error, fine.error_why)


def test_what_is_not_a_period_s_own_fault_never_parks_it(state: KeeperState, clock: Clock) -> None:
    standing = claim_one(state)
    for _ in range(5):
        look = Look("report", "Signed.", LONGEST, error=DOWN, counts=False)
        [standing] = state.note([(standing, look)], PATIENCE)
        clock.now += HOUR
        [standing] = [each for each in state.claim(["one"], 10) if each.number == 1]
    assert (5, False) == (standing.attempts, standing.parked)


def test_news_wake_what_is_parked_and_a_hand_does_too(state: KeeperState) -> None:
    for wake in (lambda: state.wake(["one"]), lambda: state.wake_parked()):
        state.strike(CHAIN, ENDS[0])
        standing = next(each for each in state.claim(["one"], 10) if each.number == 1)
        [parked] = state.note([(standing, Look("bundles", "Waits.", LONGEST, ENDS[0], error=FAULT))], Patience(1))
        assert parked.parked
        wake()
        [woken] = [each for each in state.standings(["one"]) if each.number == 1]
        assert (False, 0) == (woken.parked, woken.attempts)
        state.release(state.claim(["one"], 10))


def test_what_arrives_during_a_look_is_looked_at_once_more(state: KeeperState) -> None:
    standing = claim_one(state)
    state.note([(standing, Look("bundles", "Waits.", LONGEST))], PATIENCE)
    state.wake(["one"])
    standing = next(each for each in state.claim(["one"], 10) if each.number == 1)
    state.wake(["one"])
    [after] = state.note([(standing, Look("bundles", "Waits.", LONGEST, error=FAULT))], Patience(1))
    assert not after.parked
    assert ("one", 1) in places(state.claim(["one"], 10))


def test_news_leave_running_and_settled_periods_alone(state: KeeperState) -> None:
    state.note([(claim_one(state), Look("nothing", "Settled.", LONGEST, done=True))], PATIENCE)
    state.wake(["one"])
    assert [("one", 0)] == places(state.claim(["one"], 10))
    assert ("one", 2) not in places(state.claim(["one"], 10))


def test_what_the_chain_takes_back_is_opened_again(state: KeeperState) -> None:
    state.note([(claim_one(state), Look("nothing", "Settled.", LONGEST, done=True))], PATIENCE)
    state.reopen("one")
    assert ("one", 1) in places(state.claim(["one"], 10))


# --- transactions -----------------------------------------------------------------------------------------------------


def test_the_end_of_a_transaction_wakes_who_waits_for_it(state: KeeperState) -> None:
    standing = claim_one(state)
    state.note([(standing, Look("report", "On its way.", LONGEST, purpose="report 1"))], PATIENCE)
    assert not state.is_idle(["one"])
    assert 1 == state.in_flight()
    state.wake_purposes(["report 2"])
    assert ("one", 1) not in places(state.claim(["one"], 10))
    state.wake_purposes(["report 1"])
    [found] = [each for each in state.claim(["one"], 10) if each.number == 1]
    assert "report 1" == found.purpose


def test_a_transaction_for_many_is_noted_before_it_is_made(state: KeeperState) -> None:
    state.tag([claim_one(state)], "reports abc")
    assert ["reports abc"] == [each.purpose for each in state.standings(["one"]) if each.number == 1]


def test_idle_is_when_nothing_is_due_and_nothing_on_its_way(state: KeeperState) -> None:
    assert not state.is_idle(NAMES)
    claimed = state.claim(NAMES, 10)
    state.note([(each, Look("agreement", "Fine.", LONGEST)) for each in claimed], PATIENCE)
    assert state.is_idle(NAMES)


# --- clocks that jump -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jump", [400 * 24 * HOUR, -400 * 24 * HOUR])
def test_a_clock_that_jumps_delays_nothing_for_longer_than_an_hour(state: KeeperState, clock: Clock, jump: int) -> None:
    state.note([(claim_one(state), Look("bundles", "Waits.", LONGEST))], PATIENCE)
    held = state.claim(["two"], 10)
    clock.now += jump
    clock.now += HOUR + 1
    assert ("one", 1) in places(state.claim(["one"], 10))
    assert set(places(held)) <= set(places(state.claim(["two"], 10)))


@pytest.mark.parametrize("need", ["bundles", "period-end"])
def test_a_wait_written_by_a_clock_that_was_ahead_ends_when_the_clock_is_set_right(
    state: KeeperState, clock: Clock, need: str
) -> None:
    steady = Clock()
    kept = KeeperState(state.engine, "second", clock, steady)
    kept.claim([], 10)
    clock.now += HOUR // 2
    steady.now += 1
    [one] = [each for each in kept.claim(["one"], 10) if each.number == 0]
    kept.note([(one, Look("agreement", "Waits.", 5000))], PATIENCE)
    assert 2 == kept.strike(CHAIN, ENDS[0])
    if need == "bundles":
        kept.note([(each, Look(need, "Waits.", 5000)) for each in kept.claim(["one"], 10)], PATIENCE)
    clock.now -= HOUR // 2
    assert [("one", 0), ("one", 1)] == places(kept.claim(["one"], 10))


def test_a_keeper_that_starts_ends_waits_that_were_written_by_a_clock_that_was_ahead(
    engine: Engine, state: KeeperState, clock: Clock
) -> None:
    clock.now += HOUR // 2
    state.note([(claim_one(state), Look("bundles", "Waits.", LONGEST, error=FAULT))], PATIENCE)
    clock.now -= HOUR // 2
    after = KeeperState(engine, "second", clock)
    after.nudge(["two"])
    assert [("two", 0), ("two", 1)] == places(after.claim(["two"], 10))
    assert ("one", 1) not in places(after.claim(["one"], 10))
    clock.now += 1001
    assert ("one", 1) in places(after.claim(["one"], 10))


# --- what goes out ----------------------------------------------------------------------------------------------------


def test_each_thing_goes_to_each_channel_once(state: KeeperState) -> None:
    outgoing = Outgoing(state)
    assert outgoing.put("alert settled one 1", ["mail", "webhook"], "settled", "one", 1, "{}")
    assert not outgoing.put("alert settled one 1", ["mail", "webhook"], "settled", "one", 1, "{}")
    assert outgoing.put("alert settled one 1", ["mail", "pager"], "settled", "one", 1, "{}")
    claimed = outgoing.claim(10)
    assert {"mail", "webhook", "pager"} == {each.channel for each in claimed}
    assert [] == outgoing.claim(10)
    for each in claimed:
        outgoing.note(each, None, PATIENCE)
    assert 0 == outgoing.waiting()


def test_what_does_not_arrive_is_tried_again_and_then_given_up_until_a_hand_says_so(
    state: KeeperState, clock: Clock
) -> None:
    outgoing = Outgoing(state)
    outgoing.put("alert settled one 1", ["mail"], "settled", "one", 1, "{}")
    for failures in (1, 2, 3):
        [item] = outgoing.claim(10)
        assert (failures == 3) == outgoing.note(item, "no answer", PATIENCE)
        clock.now += HOUR
    assert [] == outgoing.claim(10)
    assert [("alert settled one 1", "mail", "no answer")] == outgoing.given_up()
    assert 1 == outgoing.retry()
    assert ["mail"] == [each.channel for each in outgoing.claim(10)]


def test_a_keeper_that_starts_looks_at_what_waits_and_leaves_what_fails_its_wait(state: KeeperState) -> None:
    one = claim_one(state)
    state.note([(one, Look("bundles", "Waits.", LONGEST))], PATIENCE)
    state.nudge(["one"])
    one = next(each for each in state.claim(["one"], 10) if each.number == 1)
    state.note([(one, Look("bundles", "Waits.", LONGEST, error=FAULT))], Patience(1))
    state.nudge(["one"])
    assert ("one", 1) not in places(state.claim(["one"], 10))
