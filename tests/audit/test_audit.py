"""An honest escrow has no differences; each kind of dishonesty is found, named and counted to the base unit."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from pyoutcome.audit import Kind, audit
from pyoutcome.errors import AgreementError
from pyoutcome.protocol import events
from pyoutcome.protocol.events import Located
from tests.audit.escrow import ARGUMENTS, ENDS, FAILS, PROVIDERS, SUBJECT, ToyEscrow
from tests.audit.spoiling import find, honest, run, score, shift, spoil, three_periods, told

CONTRACTS = Path(__file__).parents[2] / "contracts" / "interfaces"


@given(honest())
def test_an_honest_escrow_has_no_differences(escrow: ToyEscrow) -> None:
    report = run(escrow)

    assert [] == told(report)
    assert (0, len(ENDS) * len(PROVIDERS), ()) == (report.differences, report.settled, report.pending)


def test_the_report_carries_every_figure() -> None:
    report = run(three_periods())

    assert [] == told(report)
    assert [1, 2, 3] == [period.period for period in report.periods]
    assert [(400_000, 300_000, 200_000), (400_000, -100_000, -500_000), (400_000, 300_000, 500_000)] == [
        period.settled for period in report.periods
    ]
    assert (4,) == report.pending
    assert report.compared > 60
    assert report.journal is not None
    assert report.reconciliation is not None
    plain = json.loads(json.dumps(report.to_dict()))
    assert ["400000", "-100000", "-500000"] == plain["periods"][1]["settled"]
    assert (0, [4], "0") == (plain["differences"], plain["pending"], plain["surplus"])


def test_progress_is_told_period_by_period() -> None:
    escrow, steps = three_periods(), list[tuple[int, int]]()

    audit(SUBJECT, escrow.located, escrow, escrow.view(), lambda done, of: steps.append((done, of)))

    assert [(1, 4), (2, 4), (3, 4), (4, 4)] == steps


DECLARED = set(re.findall(r"^\s*event (\w+)\(", (CONTRACTS / "IOutcomeEscrow.sol").read_text(), re.MULTILINE))


# --- terms ---


@pytest.mark.parametrize(
    ("altered", "what"),
    [
        ({"agreement_digest": b"\x01" * 32}, ["agreement digest"]),
        ({"program": b"another"}, ["program"]),
        ({"arguments": replace(ARGUMENTS, holdback_rate=0)}, ["argument holdback_rate"]),
        ({"arguments": replace(ARGUMENTS, ends=ENDS[:3], quorum=1)}, ["argument quorum", "argument ends"]),
        ({"nonce": 2}, ["terms hash"]),
        ({"chain_id": 1}, ["terms hash"]),
        ({"factory": "0x" + "ee" * 20}, ["terms hash"]),
        ({"terms_hash": b"\x01" * 32}, ["terms hash", "activated terms"]),
    ],
)
def test_other_terms_than_the_agreement_s_are_found(altered: dict[str, object], what: list[str]) -> None:
    escrow = three_periods()

    report = run(escrow, replace(escrow.view(), **altered))  # type: ignore[arg-type]

    assert [(Kind.TERMS, name) for name in what] == [(found.kind, found.what) for found in report.findings]


def test_activation_of_other_terms_is_found() -> None:
    escrow = three_periods()
    spoil(escrow, find(escrow, events.Activated), events.Activated(b"\x02" * 32))

    assert [(Kind.TERMS, "activated terms")] == [(found.kind, found.what) for found in run(escrow).findings]


# --- values and amounts ---


def test_a_value_that_the_records_do_not_give_is_found_with_what_it_cost() -> None:
    escrow = three_periods()
    escrow.records[1] = (score(900), score(750), score(700))

    assert [
        (Kind.VALUE, "score.B", 1, "B", score(750), score(800)),
        (Kind.RECORDS, "amount", 1, "B", 250_000, 300_000),
    ] == told(run(escrow))


def test_a_value_reported_although_the_records_have_none_is_found() -> None:
    escrow = three_periods()
    escrow.records[3] = (score(900), score(800), None)

    assert [
        (Kind.VALUE, "score.C", 3, "C", "missing", score(1000)),
        (Kind.RECORDS, "amount", 3, "C", -500_000, 500_000),
    ] == told(run(escrow))


def test_a_zero_is_not_a_missing_value_even_where_it_pays_the_same() -> None:
    escrow = three_periods()
    escrow.records[2] = (score(900), score(400), 0)

    assert [(Kind.VALUE, "score.C", 2, "C", 0, "missing")] == told(run(escrow))


def test_an_altered_amount_is_found_though_all_that_follows_from_it_fits() -> None:
    escrow = three_periods()
    spoil(escrow, events.Settled(1, (400_000, 300_000, 200_000), 0), events.Settled(1, (400_000, 300_020, 200_000), 0))
    spoil(
        escrow,
        events.Credited(1, 1, 300_000, 0, 15_000, 285_000, 0),
        events.Credited(1, 1, 300_020, 0, 15_001, 285_019, 0),
    )
    payment = find(escrow, events.Paid, provider=1, amount=285_000)
    spoil(escrow, payment, events.Paid(1, ARGUMENTS.providers[1].payout, 285_019))

    found = told(run(escrow))

    assert (Kind.AMOUNT, "amount", 1, "B", 300_000, 300_020) == found[0]
    assert [
        ("tracked", None, -19), ("funds", None, -20), ("token balance", None, -19),
        ("held", "B", 1),
    ] == [(what, provider, expected - actual) for kind, what, _, provider, expected, actual in found[1:]
          if kind is Kind.BALANCE and isinstance(expected, int) and isinstance(actual, int)]  # fmt: skip
    assert 4 == len(found[1:])


def test_a_program_failure_that_the_agreement_does_not_have_is_found() -> None:
    escrow = three_periods()
    spoil(escrow, events.Settled(1, (400_000, 300_000, 200_000), 0), events.Settled(1, (400_000, 300_000, 200_000), 9))

    assert [(Kind.AMOUNT, "program failed", 1, None, "no", "yes")] == told(run(escrow))


def test_a_failed_program_settles_zero() -> None:
    escrow = ToyEscrow()
    escrow.begin(1_500_000)
    escrow.report(1, (FAILS, score(900), score(900)))

    report = run(escrow)

    assert [] == told(report)
    assert (0, 0, 0) == report.periods[0].expected


@pytest.mark.parametrize("values", [(), (0,), (0, 0, 0, 0)])
def test_a_report_with_another_number_of_values_is_found_and_not_a_crash(values: tuple[int, ...]) -> None:
    escrow = three_periods()
    report = find(escrow, events.Reported, period=1)
    assert isinstance(report, events.Reported)
    spoil(escrow, report, replace(report, values=values))

    assert (Kind.VALUE, "number of values", 1, None, "3", str(len(values))) in told(run(escrow))


def test_values_that_the_agreement_cannot_price_are_found_and_not_a_crash() -> None:
    def refuse(period: int, values: object) -> tuple[int, ...]:
        raise AgreementError("bad-kpi-value", f"{values} in period {period}.", "Give values in range.")

    escrow = three_periods()
    report = audit(replace(SUBJECT, amounts=refuse), escrow.located, escrow, escrow.view())

    assert [(Kind.AMOUNT, number) for number in (1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3)] == [
        (found.kind, found.period) for found in report.findings
    ]


# --- evidence, quorum, time ---


def test_a_report_on_other_bundles_is_found() -> None:
    escrow = three_periods()
    report = find(escrow, events.Reported, period=2)
    assert isinstance(report, events.Reported)
    spoil(escrow, report, replace(report, evidence_digest=b"\x05" * 32))

    assert [(Kind.EVIDENCE, "evidence digest", 2)] == [(f.kind, f.what, f.period) for f in run(escrow).findings]


@pytest.mark.parametrize("verifiers", [0, 0b100, 0b1011])
def test_too_few_or_unknown_verifiers_are_found(verifiers: int) -> None:
    escrow = three_periods()
    report = find(escrow, events.Reported, period=2)
    assert isinstance(report, events.Reported)
    spoil(escrow, report, replace(report, verifiers=verifiers))

    assert [(Kind.QUORUM, 2)] == [(f.kind, f.period) for f in run(escrow).findings]


def test_a_report_before_the_period_s_end_is_found_and_one_at_its_end_is_not() -> None:
    escrow = ToyEscrow()
    escrow.begin(1_500_000)
    escrow.report(1, (score(900),) * 3)
    shift(escrow, events.Reported, -60)
    assert [] == told(run(escrow))

    shift(escrow, events.Reported, -1)
    assert [(Kind.TIME, "report", 1)] == [(f.kind, f.what, f.period) for f in run(escrow).findings]


def test_a_default_before_its_time_is_found() -> None:
    escrow = ToyEscrow()
    escrow.begin(1_500_000)
    escrow.propose_default(1)
    escrow.settle_default(1)
    shift(escrow, events.DefaultProposed, -60)
    assert [] == told(run(escrow))

    shift(escrow, events.DefaultProposed, -1)
    assert [(Kind.TIME, "default proposed")] == [(f.kind, f.what) for f in run(escrow).findings]
    shift(escrow, events.DefaultProposed, 1)
    shift(escrow, events.Settled, -61)
    assert [(Kind.TIME, "default settled")] == [(f.kind, f.what) for f in run(escrow).findings]


def test_the_wait_for_evidence_runs_from_activation_if_that_is_later() -> None:
    """A replay of history is activated after its periods are over, and does not start in default."""
    escrow = ToyEscrow()
    escrow.now = ENDS[3]
    escrow.begin(1_500_000)
    activated = escrow.located[-1].timestamp
    escrow.now = activated + ARGUMENTS.evidence_window - 60
    escrow.propose_default(1)
    view = escrow.view()
    assert ([], (1, 2, 3, 4)) == (told(run(escrow, view)), run(escrow, view).pending)
    escrow.settle_default(1)
    view = replace(escrow.view(), now=view.now)
    assert [] == told(run(escrow, view))

    shift(escrow, events.DefaultProposed, -1)
    assert [(Kind.TIME, "default proposed")] == [(f.kind, f.what) for f in run(escrow, view).findings]


def test_a_second_settlement_does_not_hide_the_first() -> None:
    escrow = three_periods()
    escrow.located.append(
        Located(events.Settled(1, (1, 1, 1), 0), escrow.block + 1, 0, b"\x63" * 32, escrow.now),
    )

    report = run(escrow)

    assert [(Kind.EVENTS, "settled-twice")] == [(f.kind, f.what) for f in report.findings]
    assert (400_000, 300_000, 200_000) == report.periods[0].settled


def test_a_settlement_out_of_nothing_is_found() -> None:
    escrow = three_periods()
    escrow.located.remove(next(x for x in escrow.located if x.event == find(escrow, events.Reported, period=3)))

    found = told(run(escrow))

    assert (Kind.PERIOD, "report or default", 3, None, "one of them", "neither") == found[0]


# --- periods ---


def test_a_period_without_its_events_is_found() -> None:
    escrow = three_periods()
    block = next(x.block for x in escrow.located if x.event == find(escrow, events.Settled, period=2))
    escrow.located = [located for located in escrow.located if located.block != block]

    found = told(run(escrow))

    assert (Kind.PERIOD, "settled", 2, None, "yes", "no") == found[0]
    # Without the debts of period 2, their set-off in period 3 overdraws an account: there are no books.
    assert [(Kind.EVENTS, "balance-below-zero")] == [(kind, what) for kind, what, *_ in found[1:]]


def test_a_period_settled_only_by_events_is_found() -> None:
    escrow = three_periods()
    chain = replace(escrow.view(), settled=frozenset({1, 2}))

    assert [(Kind.PERIOD, "settled", 3, None, "no", "yes")] == told(run(escrow, chain))


def test_an_unsettled_period_waits_until_nothing_excuses_it() -> None:
    escrow = three_periods()
    escrow.records[4] = (score(900), score(800), score(100))
    last = ENDS[3] + ARGUMENTS.evidence_window + ARGUMENTS.default_window

    waiting = run(escrow, replace(escrow.view(), now=last - 1))
    overdue = run(escrow, replace(escrow.view(), now=last))

    assert ([], (4,)) == (told(waiting), waiting.pending)
    assert [
        (Kind.PERIOD, "unsettled amount", 4, "A", 400_000, 0),
        (Kind.PERIOD, "unsettled amount", 4, "B", 300_000, 0),
        (Kind.PERIOD, "unsettled amount", 4, "C", -400_000, 0),
    ] == told(overdue)


def test_a_period_that_the_agreement_does_not_have_is_found() -> None:
    escrow = three_periods()
    chain = replace(escrow.view(), settled=frozenset({1, 2, 3, 5}))

    assert [(Kind.PERIOD, 5)] == [(f.kind, f.period) for f in run(escrow, chain).findings]


def test_the_honest_stories_visit_everything_the_escrow_can_say() -> None:
    """The first test above proves little if its stories are dull."""
    seen: Counter[str] = Counter()

    @settings(max_examples=150, derandomize=True, database=None)
    @given(honest())
    def look(escrow: ToyEscrow) -> None:
        seen.update({type(located.event).__name__ for located in escrow.located} | set(hard_cases(escrow)))

    look()
    silent = {"Withdrawn", "Synced", "GivenUp", "Cancelled", "PayoutMoved", "ProgramRegistered", "EscrowCreated"}
    wanted = (DECLARED - silent) | {"several at once", "one in pieces", "after closing", "failed program"}
    assert set() == {name for name in wanted if seen[name] < 3}


def hard_cases(escrow: ToyEscrow) -> Iterator[str]:
    """Names of what is easily got wrong and happens in this story."""
    paid = [located for located in escrow.located if isinstance(located.event, events.ArrearsPaid)]
    closed = [located.block for located in escrow.located if isinstance(located.event, events.Closed)]
    if max(Counter(located.block for located in paid).values(), default=0) > 1:
        yield "several at once"
    pieces = Counter((x.event.period, x.event.provider) for x in paid if isinstance(x.event, events.ArrearsPaid))
    if max(pieces.values(), default=0) > 1:
        yield "one in pieces"
    if closed and any(located.block > closed[0] for located in paid):
        yield "after closing"
    if any(located.event.program_error for located in escrow.located if isinstance(located.event, events.Settled)):
        yield "failed program"
