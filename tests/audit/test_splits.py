"""Wrong splits and wrong balances are found where they happened, whether or not they add up."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyoutcome.audit import Kind, audit
from pyoutcome.errors import EvidenceError
from pyoutcome.ledger import EscrowBalances
from pyoutcome.protocol import events
from pyoutcome.protocol.events import Event, Located
from tests.audit.escrow import ARGUMENTS, SUBJECT, ToyEscrow
from tests.audit.spoiling import find, honest, run, score, shift, spoil, three_periods, told


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


def test_arrears_paid_in_pieces_hold_back_what_one_payment_would() -> None:
    escrow = ToyEscrow()
    escrow.begin(19)
    escrow.report(1, (score(1000), score(500), score(500)))
    for piece in (39, 41, 1_001, 333_333):
        escrow.deposit(piece)
        escrow.pay_arrears(1)
        assert [] == told(run(escrow))

    assert (19 + 39 + 41 + 1_001 + 333_333) // 20 == escrow.accounts[0].held
    held = find(escrow, events.ArrearsHeld, amount=2)
    assert isinstance(held, events.ArrearsHeld)
    at = next(i for i, located in enumerate(escrow.located) if located.event == held)
    paid, push = escrow.located[at + 1].event, escrow.located[at + 2].event
    assert isinstance(paid, events.ArrearsPaid)
    assert isinstance(push, events.Paid)
    spoil(escrow, held, replace(held, amount=1))
    spoil(escrow, paid, replace(paid, amount=paid.amount + 1))
    spoil(escrow, push, replace(push, amount=push.amount + 1))
    assert (Kind.SPLIT, "arrears paid") == told(run(escrow))[0][:2]


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

    shift(escrow, events.HoldbackReleased, -60)
    assert [] == told(run(escrow))
    shift(escrow, events.HoldbackReleased, -1)
    assert {(Kind.TIME, "holdback released")} == {(kind, what) for kind, what, *_ in told(run(escrow))}
    shift(escrow, events.HoldbackReleased, 61)

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
        (Kind.SPLIT, "holdback set off", None, "A", 60_000, 0),
        (Kind.SPLIT, "holdback paid", None, "A", 0, 60_000),
    ] == told(run(escrow))[:2]


def test_holdback_kept_at_closing_is_found() -> None:
    escrow = three_periods()
    escrow.report(4, (score(900), score(800), score(800)))
    escrow.close()
    assert [] == told(run(escrow))
    release = find(escrow, events.HoldbackReleased, provider=1)
    payment = _last_payment(escrow, 1)
    escrow.located = [located for located in escrow.located if located.event not in (release, payment)]

    assert (Kind.SPLIT, "held after closing", None, "B", 0, 40_000) in told(run(escrow))


def _last_payment(escrow: ToyEscrow, provider: int) -> Event:
    payments = [x.event for x in escrow.located if isinstance(x.event, events.Paid) and x.event.provider == provider]
    return payments[-1]


def test_a_refund_while_a_provider_is_owed_is_found() -> None:
    escrow = short_of_funds()
    for period in (3, 4):
        escrow.report(period, (score(500),) * 3)
    escrow.now = ARGUMENTS.holdback_release
    for index, account in enumerate(escrow.accounts):
        escrow._said += [events.HoldbackReleased(index, account.held, 0, account.held), *_paid(index, account.held)]
    owed = [sum(amount for _, provider, amount in escrow.queue if provider == index) for index in range(3)]
    escrow._said += [events.ClaimRecorded(index, amount) for index, amount in enumerate(owed) if amount]
    escrow._said.append(events.Closed(1_000))
    escrow._mine()

    assert (Kind.SPLIT, "refund while arrears are owed", None, None, 0, 1_000) in told(run(escrow))


def _paid(provider: int, amount: int) -> list[Event]:
    return [events.Paid(provider, ARGUMENTS.providers[provider].payout, amount)]


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
