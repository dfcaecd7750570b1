"""Amended periods are held to the amended terms, and an amendment that differs from the parties' file is found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from eth_utils.crypto import keccak

from pyoutcome.audit import Amendment, AuditReport, Kind, Subject, audit
from pyoutcome.audit.story import sort_out
from pyoutcome.audit.times import due_of
from pyoutcome.protocol import events
from pyoutcome.protocol.events import Located
from pyoutcome.protocol.messages import Terms, domain
from tests.audit.escrow import ARGUMENTS, CHAIN_ID, ENDS, FACTORY, SUBJECT, ToyEscrow, amounts
from tests.audit.spoiling import score, three_periods, told

OTHER_DIGEST, OTHER_PROGRAM = b"\xa1" * 32, b"another program"
OTHER_ARGUMENTS = replace(ARGUMENTS, quorum=3, evidence_window=2 * ARGUMENTS.evidence_window)
TERMS = Terms(OTHER_DIGEST, keccak(OTHER_PROGRAM), OTHER_ARGUMENTS.hash(), 7)
HASH = TERMS.digest(domain(CHAIN_ID, FACTORY))


def dearer(period: int, values: Sequence[int | None]) -> tuple[int, ...]:
    """From period 3 on each amount is one base unit more."""
    return tuple(amount + (period >= 3) for amount in amounts(period, values))


OTHER = Subject(OTHER_DIGEST, OTHER_PROGRAM, OTHER_ARGUMENTS, SUBJECT.providers, SUBJECT.kpis, dearer)
AMENDED = replace(SUBJECT, amendments=(Amendment(3, 7, OTHER),))


def accept(escrow: ToyEscrow, event: events.Amended, after: int) -> None:
    """Puts an acceptance into the story, right after one of its blocks."""
    at = next(number for number, located in enumerate(escrow.located) if located.block > after)
    last = escrow.located[at - 1]
    escrow.located.insert(at, replace(last, event=event, index=last.index + 1))


def run(escrow: ToyEscrow, subject: Subject) -> AuditReport:
    return audit(subject, escrow.located, escrow, escrow.view())


def test_an_amended_period_is_held_to_the_amended_terms() -> None:
    """The toy went on by the old terms: two signatures, and the old amounts."""
    escrow = three_periods()
    accept(escrow, events.Amended(3, HASH, ""), 3)
    report = run(escrow, AMENDED)
    assert [
        (Kind.QUORUM, "verifiers", 3, None, "3 of 3", "bits 101"),
        (Kind.AMOUNT, "amount", 3, "A", 400_001, 400_000),
        (Kind.AMOUNT, "amount", 3, "B", 300_001, 300_000),
        (Kind.AMOUNT, "amount", 3, "C", 500_001, 500_000),
    ] == told(report)
    assert [1, 2, 3] == [period.period for period in report.periods]


@pytest.mark.parametrize(
    ("said", "finding"),
    [
        ([], ("amendment 1", "accepted", "not accepted")),
        ([events.Amended(4, HASH, "")], ("first period of amendment 1", "3", "4")),
        ([events.Amended(3, b"\1" * 32, "")], ("terms hash of amendment 1", "0x" + HASH.hex(), "0x" + "01" * 32)),
        (
            [events.Amended(3, HASH, ""), events.Amended(4, b"\2" * 32, "")],
            ("amendment 2", "none", "from period 4 on"),
        ),
    ],
)
def test_an_amendment_other_than_the_file_s_is_found(said: list[events.Amended], finding: tuple[str, str, str]) -> None:
    escrow = ToyEscrow()
    escrow.begin(3_000_000)
    escrow.report(1, (score(900), score(800), score(700)))
    escrow.deposit(1)
    for event in said:
        accept(escrow, event, 2)
    assert [(Kind.TERMS, finding[0], None, None, *finding[1:])] == told(run(escrow, AMENDED))


def test_a_later_amendment_prevails_and_an_earlier_one_that_reaches_further_does_not() -> None:
    both = replace(SUBJECT, amendments=(Amendment(3, 7, OTHER), Amendment(2, 8, OTHER)))
    assert [0, 2, 2, 2] == [both.governing(number) for number in range(1, 5)]
    assert [0, 0, 1, 1] == [AMENDED.governing(number) for number in range(1, 5)]


def test_evidence_is_due_no_sooner_than_the_amendment_was_accepted() -> None:
    late = ENDS[2] + 5
    story = sort_out(
        [
            Located(events.Activated(b""), 1, 0, b"", 7),
            Located(events.Amended(3, HASH, ""), 2, 0, b"", late),
        ]
    )
    assert ENDS[1] + ARGUMENTS.evidence_window == due_of(SUBJECT, story, 2)
    assert late + OTHER_ARGUMENTS.evidence_window == due_of(OTHER, story, 3)
    assert ENDS[3] + OTHER_ARGUMENTS.evidence_window == due_of(OTHER, story, 4)
