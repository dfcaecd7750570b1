"""One period recomputed: from the raw records to the values, from the values to the amounts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pyoutcome.audit.findings import AuditedPeriod, Finding, Kind, Unit
from pyoutcome.audit.story import PeriodStory
from pyoutcome.audit.subject import ChainView, Evidence, Subject
from pyoutcome.errors import AgreementError, FormulaError, NumberError
from pyoutcome.protocol.events import Reported, Settled
from pyoutcome.protocol.messages import MISSING

_MISSING_WORD = "missing"


class PeriodCheck:
    """Holds one period against its recomputation; iterate ``check`` once, then read ``audited``."""

    def __init__(self, subject: Subject, chain: ChainView, evidence: Evidence, activated_at: int) -> None:
        self._subject = subject
        self._chain = chain
        self._evidence = evidence
        self._activated_at = activated_at
        self.audited: list[AuditedPeriod] = []
        self.pending: list[int] = []

    def check(self, number: int, story: PeriodStory | None) -> Iterator[Finding | None]:
        """One item per comparison: None where equal."""
        settlement = story.settlement if story else None
        yield self._compare_text(
            number, Kind.PERIOD, "settled", _yes(number in self._chain.settled), _yes(settlement is not None)
        )
        if story is None or settlement is None:
            if number not in self._chain.settled:
                yield from self._unsettled(number)
            return
        yield from self._times(number, story)
        if story.report is None:
            yield from self._settled(story, settlement, (None,) * len(self._subject.kpis), None)
            return
        yield from self._report(number, story.report)
        reported = tuple(None if value == MISSING else value for value in story.report.values)
        recomputed = tuple(self._evidence.values(number))
        yield from self._values(number, reported, recomputed)
        yield from self._settled(story, settlement, reported, recomputed)

    def check_stray(self, number: int) -> Finding:
        """The finding for a period that the agreement does not have."""
        return Finding(Kind.PERIOD, "period of the agreement", "none", "settled or reported", Unit.TEXT, number)

    def _unsettled(self, number: int) -> Iterator[Finding | None]:
        """Not settled is a difference only when nothing in the agreement allows it any longer."""
        arguments = self._subject.arguments
        last = self._due(number) + arguments.default_window
        if not self._activated_at or self._chain.now < last:
            self.pending.append(number)
            return
        expected, _ = self._amounts(number, tuple(self._evidence.values(number)))
        for provider, amount in zip(self._subject.providers, expected, strict=True):
            yield Finding(Kind.PERIOD, "unsettled amount", amount, 0, period=number, provider=provider)

    def _due(self, number: int) -> int:
        arguments = self._subject.arguments
        return max(arguments.ends[number - 1], self._activated_at) + arguments.evidence_window

    def _times(self, number: int, story: PeriodStory) -> Iterator[Finding | None]:
        """Each act not before its time; equal is in time, as all windows are half-open."""
        acts: list[tuple[str, int, int]] = []
        if story.report is not None:
            acts.append(("report", self._subject.arguments.ends[number - 1], story.reported_at))
        if story.proposal is not None:
            settles_at = story.proposed_at + self._subject.arguments.default_window
            acts.append(("default proposed", self._due(number), story.proposed_at))
            if story.report is None:
                acts.append(("default settled", settles_at, story.settled_at))
        elif story.report is None:
            yield Finding(Kind.PERIOD, "report or default", "one of them", "neither", Unit.TEXT, number)
        for what, earliest, at in acts:
            yield (
                None
                if at >= earliest
                else Finding(Kind.TIME, what, f"not before {earliest}", f"at {at}", Unit.TEXT, number)
            )

    def _report(self, number: int, report: Reported) -> Iterator[Finding | None]:
        arguments = self._subject.arguments
        known = report.verifiers & ((1 << len(arguments.verifiers)) - 1)
        enough = known == report.verifiers and known.bit_count() >= arguments.quorum
        yield None if enough else Finding(
            Kind.QUORUM, "verifiers", f"{arguments.quorum} of {len(arguments.verifiers)}", f"bits {report.verifiers:b}",
            Unit.TEXT, number,
        )  # fmt: skip
        digest = self._evidence.digest(number)
        expected = "stored bundles" if digest is None else "0x" + digest.hex()
        yield self._compare_text(
            number, Kind.EVIDENCE, "evidence digest", expected, "0x" + report.evidence_digest.hex()
        )

    def _values(
        self, number: int, reported: Sequence[int | None], recomputed: Sequence[int | None]
    ) -> Iterator[Finding | None]:
        if not len(self._subject.kpis) == len(reported) == len(recomputed):
            yield Finding(Kind.VALUE, "number of values", str(len(recomputed)), str(len(reported)), Unit.TEXT, number)
            return
        for kpi, expected, actual in zip(self._subject.kpis, recomputed, reported, strict=True):
            yield (
                None
                if expected == actual
                else Finding(
                    Kind.VALUE,
                    kpi,
                    _value(expected),
                    _value(actual),
                    Unit.VALUE,
                    number,
                    _provider_of(kpi, self._subject),
                )
            )

    def _settled(
        self,
        story: PeriodStory,
        settlement: Settled,
        reported: tuple[int | None, ...],
        recomputed: tuple[int | None, ...] | None,
    ) -> Iterator[Finding | None]:
        number = story.period
        expected, failed = self._amounts(number, reported)
        actual = settlement.amounts
        yield self._compare_text(
            number, Kind.AMOUNT, "program failed", _yes(failed), _yes(settlement.program_error != 0)
        )
        yield from self._compare_amounts(number, Kind.AMOUNT, expected, actual)
        if recomputed is not None and recomputed != reported:
            expected, _ = self._amounts(number, recomputed)
            yield from self._compare_amounts(number, Kind.RECORDS, expected, actual)
        self.audited.append(
            AuditedPeriod(number, recomputed is None, reported, recomputed, expected, actual, story.transaction)
        )

    def _amounts(self, number: int, values: Sequence[int | None]) -> tuple[tuple[int, ...], bool]:
        """Amounts for these values, and whether the program fails on them (the amounts are then 0)."""
        nothing = (0,) * len(self._subject.providers)
        if len(values) != len(self._subject.kpis):
            return nothing, True
        try:
            return self._subject.amounts(number, values), False
        except (AgreementError, FormulaError, NumberError):
            # Values that the agreement cannot price at all are no reason to stop: what they settled shows as a finding.
            return nothing, True

    def _compare_amounts(
        self, number: int, kind: Kind, expected: Sequence[int], actual: Sequence[int]
    ) -> Iterator[Finding | None]:
        if len(expected) != len(actual):
            yield Finding(kind, "number of amounts", str(len(expected)), str(len(actual)), Unit.TEXT, number)
            return
        for provider, should, did in zip(self._subject.providers, expected, actual, strict=True):
            yield None if should == did else Finding(kind, "amount", should, did, period=number, provider=provider)

    def _compare_text(self, number: int, kind: Kind, what: str, expected: str, actual: str) -> Finding | None:
        return None if expected == actual else Finding(kind, what, expected, actual, Unit.TEXT, number)


def _yes(true: bool) -> str:
    return "yes" if true else "no"


def _value(value: int | None) -> int | str:
    return _MISSING_WORD if value is None else value


def _provider_of(kpi: str, subject: Subject) -> str | None:
    _, _, provider = kpi.rpartition(".")
    return provider if provider in subject.providers else None
