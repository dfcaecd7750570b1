"""An honest escrow has no differences; each kind of dishonesty is found, named and counted to the base unit."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyoutcome.audit import AuditReport, ChainView, Kind, audit
from pyoutcome.decimals import ONE
from pyoutcome.errors import EvidenceError
from pyoutcome.ledger import EscrowBalances
from pyoutcome.protocol import events
from pyoutcome.protocol.events import Event, Located
from tests.audit.escrow import ARGUMENTS, ENDS, FAILS, PROVIDERS, SUBJECT, ToyEscrow

SCORES = st.one_of(st.none(), st.integers(0, 1000).map(lambda thousandths: thousandths * ONE // 1000))
VALUES = st.tuples(SCORES, SCORES, SCORES)


def score(thousandths: int) -> int:
    return thousandths * ONE // 1000


def run(escrow: ToyEscrow, chain: ChainView | None = None) -> AuditReport:
    return audit(SUBJECT, escrow.located, escrow, chain or escrow.view())


def told(report: AuditReport) -> list[tuple[Kind, str, int | None, str | None, int | str, int | str]]:
    return [(f.kind, f.what, f.period, f.provider, f.expected, f.actual) for f in report.findings]


def three_periods() -> ToyEscrow:
    """Three settled periods: all paid in full, then a debt, then its set-off."""
    escrow = ToyEscrow()
    escrow.begin(3_000_000)
    escrow.report(1, (score(900), score(800), score(700)))
    escrow.report(2, (score(900), score(400), None))
    escrow.report(3, (score(900), score(800), score(1000)))
    return escrow


def spoil(escrow: ToyEscrow, old: Event, new: Event) -> None:
    """Replaces one event of the story."""
    at = next(i for i, located in enumerate(escrow.located) if located.event == old)
    escrow.located[at] = replace(escrow.located[at], event=new)


def find(escrow: ToyEscrow, kind: type[Event], **what: object) -> Event:
    return next(
        located.event
        for located in escrow.located
        if isinstance(located.event, kind) and all(getattr(located.event, k) == v for k, v in what.items())
    )


@st.composite
def honest(draw: st.DrawFn) -> ToyEscrow:
    """A story with shortages, arrears, failed transfers, debts, defaults and closing."""
    escrow = ToyEscrow()
    escrow.begin(draw(st.integers(0, 2_000_000)))
    for period in range(1, len(ENDS) + 1):
        escrow.refusing = set(draw(st.lists(st.sampled_from(range(len(PROVIDERS))), max_size=1)))
        if draw(st.integers(0, 4)):
            escrow.report(period, draw(VALUES))
        else:
            escrow.propose_default(period)
            if draw(st.booleans()):
                escrow.report(period, draw(VALUES))
            else:
                escrow.settle_default(period)
        if draw(st.booleans()):
            escrow.deposit(draw(st.integers(0, 1_000_000)))
        if draw(st.booleans()):
            escrow.pay_arrears(draw(st.integers(1, 4)))
        escrow.claim(draw(st.sampled_from(range(len(PROVIDERS)))))
    if draw(st.booleans()):
        escrow.close()
        escrow.deposit(draw(st.integers(0, 100_000)))
        escrow.pay_arrears(3)
    return escrow


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
        ("earned", "B", 20), ("paid", "B", 19), ("held", "B", 1),
    ] == [(what, provider, expected - actual) for kind, what, _, provider, expected, actual in found[1:]
          if kind is Kind.BALANCE and isinstance(expected, int) and isinstance(actual, int)]  # fmt: skip
    assert 6 == len(found[1:])


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


def shift(escrow: ToyEscrow, kind: type[Event], seconds: int) -> None:
    """Moves the whole story from the first event of a kind on by some seconds."""
    first = next(at for at, located in enumerate(escrow.located) if isinstance(located.event, kind))
    block = escrow.located[first].block
    escrow.located = [
        replace(located, timestamp=located.timestamp + seconds) if located.block >= block else located
        for located in escrow.located
    ]


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


# --- splits ---


def test_a_wrong_split_is_found_though_it_adds_up() -> None:
    escrow = three_periods()
    spoil(
        escrow,
        events.Credited(1, 0, 400_000, 0, 20_000, 380_000, 0),
        events.Credited(1, 0, 400_000, 0, 19_999, 380_001, 0),
    )
    payment = find(escrow, events.Paid, provider=0, amount=380_000)
    spoil(escrow, payment, events.Paid(0, ARGUMENTS.providers[0].payout, 380_001))

    found = told(run(escrow))

    assert [
        (Kind.SPLIT, "held", 1, "A", 20_000, 19_999),
        (Kind.SPLIT, "paid", 1, "A", 380_000, 380_001),
    ] == found[:2]
    assert {Kind.BALANCE} == {kind for kind, *_ in found[2:]}


def test_a_debt_that_was_not_set_off_is_found() -> None:
    escrow = three_periods()
    credited = find(escrow, events.Credited, period=3, provider=1)
    assert events.Credited(3, 1, 300_000, 100_000, 10_000, 190_000, 0) == credited
    spoil(escrow, credited, events.Credited(3, 1, 300_000, 0, 10_000, 190_000, 100_000))

    found = told(run(escrow))

    # Debt beside arrears makes no books at all.
    assert [(Kind.EVENTS, "debt-beside-arrears")] == [(kind, what) for kind, what, *_ in found]


def short_of_funds() -> ToyEscrow:
    """Two periods with too little money, then more of it."""
    escrow = ToyEscrow()
    escrow.begin(700_000)
    escrow.report(1, (score(1000), score(900), score(800)))
    escrow.report(2, (score(900), score(300), score(900)))
    escrow.deposit(1_000_000)
    return escrow


def test_money_that_was_owed_though_there_were_funds_is_found() -> None:
    escrow = three_periods()
    spoil(
        escrow,
        events.Credited(1, 2, 200_000, 0, 10_000, 190_000, 0),
        events.Credited(1, 2, 200_000, 0, 10_000, 189_000, 1_000),
    )
    payment = find(escrow, events.Paid, provider=2, amount=190_000)
    spoil(escrow, payment, events.Paid(2, ARGUMENTS.providers[2].payout, 189_000))

    found = told(run(escrow))

    # C's debt of period 2 would have cancelled these arrears, so the books end there.
    assert (Kind.EVENTS, "debt-beside-arrears") == found[0][:2]


def test_a_shortage_shared_out_unfairly_is_found() -> None:
    escrow = ToyEscrow()
    escrow.begin(700_000)
    escrow.report(1, (score(1000), score(900), score(800)))
    first, second = (find(escrow, events.Credited, period=1, provider=index) for index in (0, 1))
    assert isinstance(first, events.Credited)
    assert isinstance(second, events.Credited)
    spoil(escrow, first, replace(first, paid=first.paid + 7, owed=first.owed - 7))
    spoil(escrow, second, replace(second, paid=second.paid - 7, owed=second.owed + 7))
    payments = [find(escrow, events.Paid, provider=index, amount=c.paid) for index, c in enumerate((first, second))]
    for payment, change in zip(payments, (7, -7), strict=True):
        assert isinstance(payment, events.Paid)
        spoil(escrow, payment, replace(payment, amount=payment.amount + change))

    found = told(run(escrow))

    assert [
        (Kind.SPLIT, "paid", 1, "A", first.paid, first.paid + 7),
        (Kind.SPLIT, "owed", 1, "A", first.owed, first.owed - 7),
        (Kind.SPLIT, "paid", 1, "B", second.paid, second.paid - 7),
        (Kind.SPLIT, "owed", 1, "B", second.owed, second.owed + 7),
    ] == found[:4]


def test_arrears_paid_out_of_turn_are_found() -> None:
    escrow = short_of_funds()
    assert [] == told(run(escrow))
    period, provider, owed = escrow.queue.pop()
    escrow.queue.insert(0, (period, provider, owed))
    escrow.pay_arrears(1)

    found = told(run(escrow))

    assert [(Kind.SPLIT, "arrears paid")] == [(kind, what) for kind, what, *_ in found]
    assert f"C for period 2: {owed * 19 // 20}" in str(found[0][5])


def test_arrears_paid_in_part_though_there_were_funds_are_found() -> None:
    escrow = short_of_funds()
    escrow.pay_arrears(1)
    paid = escrow.located[-2].event
    push = escrow.located[-1].event
    assert isinstance(paid, events.ArrearsPaid)
    assert isinstance(push, events.Paid)
    spoil(escrow, paid, replace(paid, amount=paid.amount - 20))
    spoil(escrow, push, replace(push, amount=push.amount - 20))

    assert (Kind.SPLIT, "arrears paid") == told(run(escrow))[0][:2]


def test_holdback_released_early_or_for_the_wrong_sum_is_found() -> None:
    escrow = three_periods()
    escrow.report(4, (score(100), score(800), score(800)))
    escrow.close()
    assert [] == told(run(escrow))
    assert events.HoldbackReleased(0, 60_000, 60_000, 0) == find(escrow, events.HoldbackReleased, provider=0)

    shift(escrow, events.HoldbackReleased, -3600)
    assert {(Kind.TIME, "holdback released")} == {(kind, what) for kind, what, *_ in told(run(escrow))}
    shift(escrow, events.HoldbackReleased, 3600)

    closing = next(
        at for at, located in enumerate(escrow.located) if isinstance(located.event, events.HoldbackReleased)
    )
    place = escrow.located[closing]
    escrow.located = [
        *escrow.located[:closing],
        replace(place, event=events.HoldbackReleased(0, 60_000, 0, 60_000)),
        replace(place, index=place.index + 1, event=events.Paid(0, ARGUMENTS.providers[0].payout, 60_000)),
        *(replace(later, index=later.index + 1) for later in escrow.located[closing + 1 :]),
    ]
    claim = find(escrow, events.ClaimRecorded, provider=0)
    assert isinstance(claim, events.ClaimRecorded)
    spoil(escrow, claim, replace(claim, amount=claim.amount - 60_000))
    refund = find(escrow, events.Closed)
    assert isinstance(refund, events.Closed)
    spoil(escrow, refund, events.Closed(refund.amount - 60_000))

    assert [
        (Kind.SPLIT, "holdback released: set_off", None, "A", 60_000, 0),
        (Kind.SPLIT, "holdback released: paid", None, "A", 0, 60_000),
    ] == told(run(escrow))[:2]


# --- books and balances ---


@pytest.mark.parametrize("part", ["tracked", "funds"])
def test_a_wrong_balance_is_found(part: str) -> None:
    escrow = three_periods()
    chain = escrow.view()
    actual: int = getattr(chain.balances, part)
    balances: EscrowBalances = replace(chain.balances, **{part: actual + 1})  # type: ignore[arg-type]

    found = told(run(escrow, replace(chain, balances=balances)))

    assert (Kind.BALANCE, part, None, None, actual, actual + 1) in found


def test_tokens_that_are_gone_are_found_and_a_gift_is_not_held_against_anyone() -> None:
    escrow = three_periods()
    chain = escrow.view()
    tracked = chain.balances.tracked

    gone = run(escrow, replace(chain, balances=replace(chain.balances, token_balance=tracked - 5)))
    gift = run(escrow, replace(chain, balances=replace(chain.balances, token_balance=tracked + 5)))

    assert [(Kind.BALANCE, "token balance", None, None, tracked, tracked - 5)] == told(gone)
    assert [] == told(gift)
    assert gift.reconciliation is not None
    assert 5 == gift.reconciliation.surplus


@given(honest(), st.data())
def test_losing_any_event_that_moves_money_is_found(escrow: ToyEscrow, data: st.DataObject) -> None:
    chain = escrow.view()
    moving = [x for x in escrow.located if getattr(x.event, "amount", 0)]
    lost = data.draw(st.sampled_from(moving)) if moving else None
    if lost is None:
        return
    escrow.located.remove(lost)

    report = audit(SUBJECT, escrow.located, escrow, chain)

    if isinstance(lost.event, events.ClaimRecorded):
        assert report.differences == 0  # it moves nothing: what is owed is in the balances anyway
    else:
        assert report.differences > 0


def test_events_that_make_no_books_are_a_finding_not_an_error() -> None:
    escrow = three_periods()
    stray = Located(events.Paid(0, ARGUMENTS.client, 1), 99, 0, b"\x63" * 32, escrow.now)
    escrow.located.append(stray)

    report = run(escrow)

    assert [(Kind.EVENTS, "payment-missing")] == [(f.kind, f.what) for f in report.findings]
    assert (None, None) == (report.journal, report.reconciliation)


def test_records_that_cannot_be_read_stop_the_audit() -> None:
    class NoRecords(ToyEscrow):
        def values(self, period: int) -> tuple[int | None, ...]:
            raise EvidenceError("records-missing", f"No records for period {period}.", "Bring the records.")

    escrow = three_periods()
    with pytest.raises(EvidenceError):
        audit(SUBJECT, escrow.located, NoRecords(), escrow.view())
