"""What a period waits for, decided from facts alone."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyoutcome.settlement.plan import At, Need, PeriodFacts, decide

READY = PeriodFacts(
    number=3,
    ends=1_000,
    now=1_500,
    active=True,
    stage=At.OPEN,
    until=0,
    challenged=False,
    waits_for=None,
    evidence_due=2_000,
    bundles_missing=(),
    verified_by=("V1", "V3"),
    quorum=2,
)


@pytest.mark.parametrize(
    ("changes", "need"),
    [
        ({}, Need.REPORT),
        ({"stage": At.SETTLED}, Need.NOTHING),
        ({"stage": At.ENDED, "now": 0, "active": False}, Need.NOTHING),
        ({"active": False}, Need.ACTIVATION),
        ({"now": 999}, Need.PERIOD_END),
        ({"now": 1_000}, Need.REPORT),
        ({"waits_for": 2}, Need.TURN),
        ({"waits_for": 2, "now": 999}, Need.PERIOD_END),
        ({"verified_by": ("V1",)}, Need.VERIFICATION),
        ({"verified_by": (), "bundles_missing": ("UA",)}, Need.BUNDLES),
        ({"stage": At.DEFAULTED, "until": 1_600}, Need.REPORT),
        ({"stage": At.DEFAULTED, "until": 1_600, "verified_by": ("V1",)}, Need.DEFAULT_WINDOW),
        ({"stage": At.DEFAULTED, "until": 1_500}, Need.SETTLE_DEFAULT),
        ({"stage": At.DEFAULTED, "until": 1_500, "verified_by": ()}, Need.SETTLE_DEFAULT),
        ({"stage": At.DEFAULTED, "until": 1_500, "challenged": True}, Need.DISPUTE),
        ({"stage": At.REPORTED, "until": 1_501}, Need.CHALLENGE_WINDOW),
        ({"stage": At.REPORTED, "until": 1_501, "challenged": True}, Need.CHALLENGE_WINDOW),
        ({"stage": At.REPORTED, "until": 1_500}, Need.SETTLE_REPORT),
        ({"stage": At.REPORTED, "until": 1_500, "challenged": True}, Need.DISPUTE),
        ({"stage": At.DISPUTED, "until": 1_501}, Need.RULING),
        ({"stage": At.DISPUTED, "until": 1_500}, Need.FALL_BACK),
    ],
)
def test_each_situation_needs_one_thing(changes: dict[str, object], need: Need) -> None:
    assert need == decide(replace(READY, **changes)).need  # type: ignore[arg-type]


def test_an_overdue_period_says_that_its_default_can_be_proposed() -> None:
    late = replace(READY, now=2_000, verified_by=())
    assert not decide(replace(late, now=1_999)).overdue
    assert decide(late).overdue
    assert "propose the default" in decide(late).why


def test_why_names_who_is_waited_for() -> None:
    facts = replace(READY, verified_by=(), bundles_missing=("UA", "EV"))
    assert "UA, EV" in decide(facts).why


@given(
    st.builds(
        PeriodFacts,
        number=st.integers(1, 9),
        ends=st.integers(0, 9),
        now=st.integers(0, 9),
        active=st.booleans(),
        stage=st.sampled_from(At),
        until=st.integers(0, 9),
        challenged=st.booleans(),
        waits_for=st.none() | st.integers(1, 9),
        evidence_due=st.integers(0, 9),
        bundles_missing=st.lists(st.sampled_from("ABC"), unique=True).map(tuple),
        verified_by=st.lists(st.sampled_from("VWX"), unique=True).map(tuple),
        quorum=st.integers(1, 3),
    )
)
def test_nothing_is_asked_of_a_settled_period_and_no_report_before_its_end(facts: PeriodFacts) -> None:
    decision = decide(facts)
    assert (facts.stage in (At.SETTLED, At.ENDED)) == (decision.need is Need.NOTHING)
    if decision.need in (Need.REPORT, Need.SETTLE_DEFAULT, Need.SETTLE_REPORT, Need.DISPUTE, Need.FALL_BACK):
        assert facts.active
        assert facts.now >= facts.ends
    if decision.need is Need.REPORT:
        assert len(facts.verified_by) >= facts.quorum
