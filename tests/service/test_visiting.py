"""What a look notes once its transaction was handed in, or turns out to have been carried out before."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import Mock

import pytest

from pyoutcome.chain.inflight import LIVE, InFlight, State
from pyoutcome.service.visiting import ON_ITS_WAY, Visit
from pyoutcome.settlement.patience import LONGEST
from pyoutcome.settlement.standing import Look, Standing

STANDING = Standing(
    agreement="parcels", number=1, need="report", why="Verified.", next_look=0, chain_due=None, attempts=0,
    error=None, error_why=None, error_fix=None, parked=False, done=False, purpose=None, owner="me", woken=0,
)  # fmt: skip
FLIGHT = InFlight(
    id=1, purpose="report 0x12 1 0", sender="0x34", nonce=0, hash=b"", state=State.SENT, block=None,
    confirmations=0, error=None,
)  # fmt: skip


def sent(state: State, **before: object) -> tuple[bool, Look]:
    visit = Visit(Mock(), [replace(STANDING, **before)], looks={1: Look("report", "Verified.", 5000, chain_due=7)})  # type: ignore[arg-type]
    return visit.sent(1, replace(FLIGHT, state=state)), visit.looks[1]


@pytest.mark.parametrize("state", LIVE)
def test_what_is_on_its_way_is_waited_for(state: State) -> None:
    on_its_way = Look("report", f"Verified. {ON_ITS_WAY}", LONGEST, chain_due=7, purpose=FLIGHT.purpose)
    assert (True, on_its_way) == sent(state)


@pytest.mark.parametrize(
    "before", [{}, {"purpose": "reports of many"}, {"error": "network-timeout"}, {"error": "machine-failed"}]
)
def test_a_look_that_was_older_than_what_was_carried_out_is_repeated_at_once(before: dict[str, object]) -> None:
    assert (False, Look("report", "Verified.", 0, chain_due=7, purpose=FLIGHT.purpose)) == sent(State.FINAL, **before)


@pytest.mark.parametrize("before", [{"purpose": FLIGHT.purpose}, {"error": "transaction-not-taken"}])
def test_a_second_look_that_wants_what_was_carried_out_has_failed(before: dict[str, object]) -> None:
    handed_in, look = sent(State.FINAL, **before)
    assert look.error is not None
    assert (False, "transaction-not-taken", True, None) == (handed_in, look.error.code, look.counts, look.purpose)
