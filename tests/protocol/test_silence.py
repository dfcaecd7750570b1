"""Silence never pays: a silent supplier is never owed more than a truthful one, and nobody's silence harms another."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyoutcome.decimals import ONE
from pyoutcome.protocol import actions as act
from pyoutcome.protocol.deal import Deal
from pyoutcome.protocol.messages import MISSING
from pyoutcome.protocol.state import PeriodStage
from tests.protocol.profiles import CASES
from tests.protocol.theatre import CLIENT, Linear, Rising, Theatre, deal, with_rules

PRICINGS = pytest.mark.parametrize("pricing", [Linear(2), Rising(2)], ids=["independent", "sequential"])
MONTHS = st.lists(st.tuples(st.integers(0, 10), st.integers(0, 10)), min_size=4, max_size=4)


def owed(terms: Deal, months: list[tuple[int, int]], silent: set[int], *, defaults: bool) -> tuple[int, ...]:
    """What each payee earns when the first is silent in some months: reported as missing, or not reported at all."""
    theatre = Theatre(terms).begin()
    for number, values in enumerate(months, 1):
        if number in silent and defaults:
            theatre.default(number)
        elif number in silent:
            theatre.report(number, MISSING, values[1])
        else:
            theatre.report(number, *values)
        theatre.settle(number)
    theatre.close()
    return tuple(tenure.earned for tenure in theatre.state.tenures)


@PRICINGS
@CASES
@given(months=MONTHS, silent=st.sets(st.integers(1, 4)), defaults=st.booleans())
def test_a_silent_supplier_is_never_owed_more_than_a_truthful_one(
    pricing: Linear | Rising, months: list[tuple[int, int]], silent: set[int], defaults: bool
) -> None:
    terms = deal(pricing)
    assert owed(terms, months, silent, defaults=defaults)[0] <= owed(terms, months, set(), defaults=False)[0]


def test_the_law_depends_on_a_stand_in_no_better_than_the_worst() -> None:
    """With a stand-in of 5 instead of 0 the silent one gains: that is why ``check`` refuses such terms."""
    terms = deal()
    kind = tuple(replace(kpi, if_missing=5 * ONE) for kpi in terms.rules.kpis)
    lenient = with_rules(terms, kpis=kind)
    months = [(1, 1)] * 4
    assert owed(lenient, months, {1}, defaults=False)[0] > owed(lenient, months, set(), defaults=False)[0]


@CASES
@given(months=MONTHS, silent=st.sets(st.integers(1, 4)))
def test_one_suppliers_silence_takes_nothing_from_another(months: list[tuple[int, int]], silent: set[int]) -> None:
    terms = deal()
    assert owed(terms, months, set(), defaults=False)[1] == owed(terms, months, silent, defaults=False)[1]


def test_where_a_value_may_not_be_missing_one_suppliers_silence_harms_the_others() -> None:
    """No report is possible, so the default hits all: ``check`` must warn of such a KPI of a provider."""
    terms = deal()
    first, second = terms.rules.kpis
    strict = with_rules(terms, kpis=(replace(first, may_be_missing=False), second))
    theatre = Theatre(strict).begin()
    theatre.wait(theatre.deal.end_of(1))
    theatre.refused("bad-value", act.Report(1, (MISSING, 8 * ONE), (0, 1)))
    theatre.default(1)
    theatre.settle(1)
    assert -300 == theatre.state.tenures[1].earned


def test_a_posted_digest_makes_a_missing_value_neutral_for_the_breach_streak() -> None:
    for posted, streak in ((False, 1), (True, 0)):
        theatre = Theatre(deal()).begin()
        theatre.wait(theatre.deal.end_of(1))
        if posted:
            theatre.act(act.PostDigest("P0", 1))
        theatre.default(1)
        theatre.settle(1)
        assert (streak, 1) == (theatre.state.streak_of(0, theatre.now), theatre.state.streak_of(1, theatre.now))


def test_a_supplier_reported_missing_at_once_still_has_until_the_due_date_to_show_its_digest() -> None:
    """Verifiers could otherwise make a breach of a supplier that was in time."""
    theatre = Theatre(deal(challenge_window=0, streak=1)).begin()
    theatre.report(1, MISSING, 8)
    assert 0 == theatre.state.streak_of(0, theatre.now)
    theatre.refused("no-cause", act.TerminateForStreak(CLIENT, 0))
    theatre.act(act.PostDigest("P0", 1))
    theatre.wait(theatre.deal.end_of(1) + 20)
    assert 0 == theatre.state.streak_of(0, theatre.now)


def test_without_a_digest_it_becomes_a_breach_at_the_due_date() -> None:
    theatre = Theatre(deal(challenge_window=0, streak=1)).begin()
    theatre.report(1, MISSING, 8)
    theatre.wait(theatre.deal.end_of(1) + 19)
    assert 0 == theatre.state.streak_of(0, theatre.now)
    theatre.wait(theatre.now + 1)
    theatre.refused("too-late", act.PostDigest("P0", 1))
    assert 1 == theatre.state.streak_of(0, theatre.now)


def test_a_report_inside_the_default_window_replaces_the_default_and_opens_a_fresh_window() -> None:
    theatre = Theatre(deal()).begin()
    theatre.default(1)
    theatre.wait(theatre.now + 9)
    theatre.report(1, 8, 8)
    assert (PeriodStage.REPORTED, theatre.now + 15) == (
        theatre.state.period(1).stage,
        theatre.state.period(1).window_end,
    )


def test_a_default_has_its_window_even_where_reports_have_none() -> None:
    theatre = Theatre(deal(challenge_window=0)).begin()
    theatre.default(1)
    theatre.challenge(CLIENT, 1, 4, 4)
    theatre.refused("too-early", act.Settle(1))
    theatre.report(1, 8, 8)
    assert PeriodStage.SETTLED is theatre.state.period(1).stage
