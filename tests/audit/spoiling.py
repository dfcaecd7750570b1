"""Stories of the toy escrow, honest and spoiled."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from pyoutcome.audit import AuditReport, ChainView, Kind, audit
from pyoutcome.decimals import ONE
from pyoutcome.protocol.events import Event
from tests.audit.escrow import ENDS, PROVIDERS, SUBJECT, ToyEscrow

SCORES = st.one_of(
    st.none(),
    st.sampled_from((401, 600, 700, 777, 850, 901, 950, 1000)).map(lambda n: n * ONE // 1000),
    st.integers(0, 1000).map(lambda n: n * ONE // 1000),
)
SUMS = st.sampled_from((7, 60_000, 130_001, 300_000, 777_777, 1_500_000))
"""Deposits that leave some arrears unpaid, in part or whole. Drawn from few, so that hard cases are frequent."""
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
    escrow.begin(draw(SUMS))
    solvent = draw(st.booleans())
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
        if solvent and draw(st.booleans()):
            escrow.deposit(draw(SUMS))
        if draw(st.booleans()):
            escrow.pay_arrears(draw(st.integers(1, 4)))
        escrow.claim(draw(st.sampled_from(range(len(PROVIDERS)))))
    if draw(st.booleans()):
        while not escrow.close(draw(st.integers(1, 3))):
            pass
        escrow.deposit(draw(SUMS))
        escrow.pay_arrears(3)
    return escrow


def shift(escrow: ToyEscrow, kind: type[Event], seconds: int) -> None:
    """Moves the whole story from the first event of a kind on by some seconds."""
    first = next(at for at, located in enumerate(escrow.located) if isinstance(located.event, kind))
    block = escrow.located[first].block
    escrow.located = [
        replace(located, timestamp=located.timestamp + seconds) if located.block >= block else located
        for located in escrow.located
    ]
