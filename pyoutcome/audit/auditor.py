"""The audit: everything recomputed from the agreement, the raw records and the events, and compared with the chain."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pyoutcome.audit.deployed import check_amendments, check_deployed
from pyoutcome.audit.findings import AuditReport, Finding, Kind, Unit
from pyoutcome.audit.periods import PeriodCheck
from pyoutcome.audit.splits import check_splits
from pyoutcome.audit.story import Story, sort_out
from pyoutcome.audit.subject import ChainView, Evidence, Subject
from pyoutcome.errors import LedgerError
from pyoutcome.ledger import Journal, Reconciliation, fold, reconcile
from pyoutcome.protocol.events import Located

Progress = Callable[[int, int], None]
"""Called with periods done and periods in all."""


def audit(
    subject: Subject,
    located: Iterable[Located],
    evidence: Evidence,
    chain: ChainView,
    progress: Progress | None = None,
) -> AuditReport:
    """Recomputes every settlement of one escrow and reports each difference; a difference is never raised.

    ``located``: all events of the escrow in chain order, up to the block of ``chain``. ``evidence`` is asked once per
    reported period. Raises only what ``evidence`` raises when records cannot be read.
    """
    stream = tuple(located)
    tally = _Tally()
    tally.take(check_deployed(subject, chain))
    story = sort_out(stream)
    tally.take(_check_activation(chain, story))
    tally.take(check_amendments(subject, chain, story))
    governed = [subject, *(each.subject for each in subject.amendments)]
    checks = [PeriodCheck(each, chain, evidence, story) for each in governed]
    last = len(subject.arguments.ends)
    for number in range(1, last + 1):
        tally.take(checks[subject.governing(number)].check(number, story.periods.get(number)))
        if progress is not None:
            progress(number, last)
    strays = (set(story.periods) | chain.settled) - set(range(1, last + 1))
    tally.take(checks[0].check_stray(number) for number in sorted(strays))
    undisputed = {number: shares for check in checks for number, shares in check.undisputed.items()}
    journal, reconciliation = _check_books(subject, stream, chain, tally, undisputed)
    return AuditReport(
        findings=tuple(tally.findings),
        periods=tuple(sorted((each for check in checks for each in check.audited), key=lambda each: each.period)),
        pending=tuple(sorted(number for check in checks for number in check.pending)),
        providers=subject.providers,
        kpis=subject.kpis,
        compared=tally.compared,
        journal=journal,
        reconciliation=reconciliation,
        block=chain.block,
    )


@dataclass
class _Tally:
    """Comparisons so far."""

    findings: list[Finding] = field(default_factory=list)
    compared: int = 0

    def take(self, results: Iterable[Finding | None]) -> None:
        for result in results:
            self.compared += 1
            if result is not None:
                self.findings.append(result)


def _check_activation(chain: ChainView, story: Story) -> Iterator[Finding | None]:
    for terms_hash in story.activations:
        yield (
            None
            if terms_hash == chain.terms_hash
            else Finding(
                Kind.TERMS, "activated terms", "0x" + chain.terms_hash.hex(), "0x" + terms_hash.hex(), Unit.TEXT
            )
        )


def _check_books(
    subject: Subject,
    stream: Sequence[Located],
    chain: ChainView,
    tally: _Tally,
    undisputed: Mapping[int, tuple[int, ...]],
) -> tuple[Journal | None, Reconciliation | None]:
    """Books from the events, the splits they show, and their balances against the chain's."""
    try:
        journal = fold(stream, subject.providers)
    except LedgerError as error:
        # Events that make no books are what an audit is for: they are its finding, not its failure.
        tally.take([Finding(Kind.EVENTS, error.code, "events that make books", error.why, Unit.TEXT)])
        return None, None
    tally.take(check_splits(subject.arguments, stream, journal, undisputed))
    reconciliation = reconcile(journal, chain.balances)
    tally.take(
        Finding(Kind.BALANCE, found.what, found.books, found.chain, provider=found.provider)
        for found in reconciliation.differences
    )
    tally.compared += reconciliation.compared - len(reconciliation.differences)
    return journal, reconciliation
