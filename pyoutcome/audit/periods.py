"""One period recomputed: from the raw records to the values, from the values to the amounts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pyoutcome.audit.findings import AuditedPeriod, Finding, Kind, Unit
from pyoutcome.audit.story import PeriodStory, Story
from pyoutcome.audit.subject import ChainView, Evidence, Subject
from pyoutcome.audit.times import check_times, due_of, last_moment
from pyoutcome.decimals import ONE
from pyoutcome.errors import AgreementError, FormulaError, NumberError
from pyoutcome.protocol.events import Reported, Settled
from pyoutcome.protocol.messages import MISSING

_MISSING_WORD = "missing"


class PeriodCheck:
    """Holds periods of the same terms against their recomputation; iterate ``check``, then read ``audited``."""

    def __init__(self, subject: Subject, chain: ChainView, evidence: Evidence, story: Story) -> None:
        self._subject = subject
        self._chain = chain
        self._evidence = evidence
        self._story = story
        self.audited: list[AuditedPeriod] = []
        self.pending: list[int] = []
        self.undisputed: dict[int, tuple[int, ...]] = {}
        """Per disputed period: what each provider gets under every version, base units."""

    def check(self, number: int, story: PeriodStory | None) -> Iterator[Finding | None]:
        """One item per comparison: None where equal."""
        settlement = story.settlement if story else None
        yield self._compare_text(
            number, Kind.PERIOD, "settled", _yes(number in self._chain.settled), _yes(settlement is not None)
        )
        if story is not None:
            yield from self._disputes(number, story)
        if story is None or settlement is None:
            if number not in self._chain.settled:
                yield from self._unsettled(number, story)
            return
        yield from check_times(self._subject, self._story, story)
        if story.report is not None:
            yield from self._report(number, story.report)
        reported = self._given(story.values)
        if story.basis != "report":
            yield from self._settled(story, settlement, reported, None)
            return
        recomputed = tuple(self._evidence.values(number))
        yield from self._values(number, reported, recomputed)
        yield from self._settled(story, settlement, reported, recomputed)

    def _given(self, values: Sequence[int] | None) -> tuple[int | None, ...]:
        """Values as the agreement takes them; None for a default."""
        if values is None:
            return (None,) * len(self._subject.kpis)
        return tuple(None if value == MISSING else value for value in values)

    def check_stray(self, number: int) -> Finding:
        """The finding for a period that the agreement does not have."""
        return Finding(Kind.PERIOD, "period of the agreement", "none", "settled or reported", Unit.TEXT, number)

    def _unsettled(self, number: int, story: PeriodStory | None) -> Iterator[Finding | None]:
        """Not settled is a difference only when nothing in the agreement allows it any longer."""
        if self._story.last is not None and number > self._story.last:
            return
        due = due_of(self._subject, self._story, number)
        waits = due is None or not self._story.activated_at
        if waits or self._chain.now < last_moment(self._subject, story, due or 0):
            self.pending.append(number)
            return
        expected, _ = self._amounts(number, tuple(self._evidence.values(number)))
        for provider, amount in zip(self._subject.providers, expected, strict=True):
            yield Finding(Kind.PERIOD, "unsettled amount", amount, 0, period=number, provider=provider)

    def _disputes(self, number: int, story: PeriodStory) -> Iterator[Finding | None]:
        """Each version's amounts and stake, and what is undisputed between them."""
        if not story.challenges:
            return
        arguments = self._subject.arguments
        base, _ = self._amounts(number, self._given(None if story.report is None else story.report.values))
        rows = [base]
        for challenge in story.challenges:
            event = challenge.event
            amounts, _ = self._amounts(number, self._given(event.values))
            yield from self._compare_amounts(number, Kind.DISPUTE, amounts, event.amounts)
            apart = sum(abs(one - other) for one, other in zip(amounts, base, strict=True))
            least = max(arguments.stake_fixed, -(-arguments.stake_share * apart // ONE))
            enough = event.stake >= least
            yield None if enough else Finding(Kind.DISPUTE, "stake", least, event.stake, period=number)
            rows.append(amounts)
        columns = list(zip(*rows, strict=True))
        if story.dispute is not None:
            self.undisputed[number] = tuple(max(0, min(column)) for column in columns)
        if story.ruling is not None and story.agreement is None:
            ruled, _ = self._amounts(number, self._given(story.ruling.values))
            for provider, amount, column in zip(self._subject.providers, ruled, columns, strict=True):
                inside = min(column) <= amount <= max(column)
                yield None if inside else Finding(
                    Kind.DISPUTE, "ruled amount", f"{min(column)} to {max(column)}", str(amount), Unit.TEXT, number,
                    provider,
                )  # fmt: skip

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
            AuditedPeriod(number, story.basis, reported, recomputed, expected, actual, story.transaction)
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
