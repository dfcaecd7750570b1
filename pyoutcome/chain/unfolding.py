"""What the escrow says in one event of the ordinary case, as the several events of the protocol it stands for.

A report repeats the bytes it came in, and a settlement in which nobody owes or is owed says its amounts only: the rest
follows from the terms. Ledger, audit and books see one form.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, Final

from pyoutcome.chain.blocks import Log
from pyoutcome.chain.contract import Contract
from pyoutcome.chain.eventlog import locate, place
from pyoutcome.decimals import ONE
from pyoutcome.errors import ChainError, ProtocolError
from pyoutcome.protocol import Event, Kpi, Located
from pyoutcome.protocol.events import Credited, Deferred, Paid, Reported, Settled
from pyoutcome.protocol.reports import unpack_said, unpack_settled

FOLDED: Final = {"Reported", "ReportedInFull", "SettledInFull"}


class Moment(ABC):
    """What has to be known of an escrow at the moment of a log."""

    @property
    @abstractmethod
    def holdback_rate(self) -> int:
        """Share of each credit that is held back, 18 decimals."""

    @abstractmethod
    def kpis_of(self, period: int) -> Sequence[Kpi]:
        """The KPIs of the terms that govern a period."""

    @abstractmethod
    def payout_of(self, provider: int) -> str:
        """Where a provider's money goes."""

    @abstractmethod
    def take(self, event: Event) -> None:
        """Notes what happened, so that the next log finds its own moment."""


def unfold(logs: Sequence[Log], interface: Contract, moment: Moment) -> Iterator[Located]:
    """The events of one escrow's logs, which are in order.

    Raises what ``locate`` raises, and ChainError ``bad-log`` for a report that does not fit the terms.
    """
    at = 0
    while at < len(logs):
        log = logs[at]
        at += 1
        found = interface.read_event(log)
        if found is None or found[0] not in FOLDED:
            located = locate(log, interface)
            moment.take(located.event)
            yield located
            continue
        name, fields = found
        period, amounts = fields.get("period", 0), fields.get("amounts", ())
        if name == "ReportedInFull":
            reported, amounts = _reported_in_full(log, fields["said"], moment)
            period = reported.period
            yield place(reported, log)
        elif name == "Reported":
            yield place(_reported(log, fields, moment), log)
        if name != "Reported":
            failed: dict[int, Log] = {}
            slots = range(len(amounts))
            while at < len(logs) and (event := _deferred(logs[at], log, interface)) is not None:
                if event.provider not in slots[max(failed, default=-1) + 1 :]:
                    break
                failed[event.provider] = logs[at]
                at += 1
            yield from _settled(log, period, amounts, failed, moment)


def _deferred(log: Log, before: Log, interface: Contract) -> Deferred | None:
    """The failed push that a log in the same transaction says, if it does."""
    found = interface.read_event(log) if log.transaction == before.transaction else None
    return Deferred(**found[1]) if found is not None and found[0] == "Deferred" else None


def _reported(log: Log, fields: dict[str, Any], moment: Moment) -> Reported:
    try:
        said = unpack_said(fields["said"], moment.kpis_of(fields["period"]))
    except ProtocolError:
        raise _bad_log(log, "Reported") from None
    return Reported(fields["period"], said.evidence_digest, said.values, said.verifiers)


def _reported_in_full(log: Log, packed: bytes, moment: Moment) -> tuple[Reported, tuple[int, ...]]:
    """The report, and the amounts that it settled."""
    period = int.from_bytes(packed[:2])
    try:
        said, amounts = unpack_settled(packed[2:], moment.kpis_of(period))
    except ProtocolError:
        raise _bad_log(log, "ReportedInFull") from None
    return Reported(period, said.evidence_digest, said.values, said.verifiers), amounts


def _bad_log(log: Log, event: str) -> ChainError:
    return ChainError(
        "bad-log",
        f"A log of transaction 0x{log.transaction.hex()} is not a well-formed {event} event.",
        "Use another node.",
        event=event,
    )


def _settled(
    log: Log, period: int, amounts: tuple[int, ...], failed: dict[int, Log], moment: Moment
) -> Iterator[Located]:
    """The settlement, every credit, and every push in the order of the payees."""
    yield place(Settled(period, amounts, 0), log)
    rests = []
    for provider, amount in enumerate(amounts):
        held = amount * moment.holdback_rate // ONE
        rests.append(amount - held)
        if amount:
            yield place(Credited(period, provider, amount, 0, held, amount - held, 0), log)
    last = log
    for provider, rest in enumerate(rests):
        if provider in failed:
            last = failed[provider]
            yield place(Deferred(provider, rest), last)
        elif rest:
            yield place(Paid(provider, moment.payout_of(provider), rest), last)
