"""What the events say about each period, sorted out of the stream without trusting it to be complete."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pyoutcome.protocol import events
from pyoutcome.protocol.events import Event, Located


@dataclass(frozen=True)
class Challenge:
    """A version that a party put beside a report or default."""

    event: events.Challenged
    at: int


@dataclass(frozen=True)
class Acceptance:
    """An amendment that the escrow accepted."""

    event: events.Amended
    at: int


@dataclass
class PeriodStory:
    """What happened to one period."""

    period: int
    report: events.Reported | None = None
    """The report that counts: the last one before settlement."""
    reported_at: int = 0
    proposal: events.DefaultProposed | None = None
    proposed_at: int = 0
    challenges: list[Challenge] = field(default_factory=list)
    """Against the report or default that counts."""
    dispute: events.Disputed | None = None
    disputed_at: int = 0
    ruling: events.Ruled | None = None
    ruled_at: int = 0
    fell_back_at: int = 0
    """When the report was left standing; 0 if it was not."""
    agreement: events.Agreed | None = None
    """The last one."""
    settlement: events.Settled | None = None
    """The first, or the one that followed the last agreement; any other makes no books."""
    settled_at: int = 0
    """When it settled first: the turn of later periods counts from then."""
    transaction: bytes = b""

    @property
    def basis(self) -> str:
        """What it settled on: ``agreement``, ``ruling``, ``report`` or ``default``."""
        if self.agreement is not None:
            return "agreement"
        if self.ruling is not None:
            return "ruling"
        return "default" if self.report is None else "report"

    @property
    def values(self) -> tuple[int, ...] | None:
        """The values it settled on; None for a default."""
        for said in (self.agreement, self.ruling, self.report):
            if said is not None:
                return said.values
        return None


@dataclass
class Story:
    """What happened to the escrow."""

    activations: list[bytes] = field(default_factory=list)
    """Terms hash of each activation; there is one at most."""
    activated_at: int = 0
    last: int | None = None
    """The last period, if the agreement was ended early."""
    amendments: list[Acceptance] = field(default_factory=list)
    """Those that the escrow accepted, in order."""
    periods: dict[int, PeriodStory] = field(default_factory=dict)

    def accepted_at(self, number: int) -> int:
        """When the amendment that governs a period was accepted; 0 where the first terms do."""
        return next((each.at for each in reversed(self.amendments) if each.event.first <= number), 0)

    def turn_of(self, number: int) -> int | None:
        """When the last of all earlier periods settled; None while one of them has not."""
        earlier = [self.periods.get(each) for each in range(1, number)]
        times = [each.settled_at for each in earlier if each is not None and each.settlement is not None]
        return max(times, default=0) if len(times) == len(earlier) else None


def sort_out(located: Iterable[Located]) -> Story:
    """The story of each period that the events mention."""
    story = Story()
    for place in located:
        event = place.event
        match event:
            case events.Activated():
                story.activations.append(event.terms_hash)
                story.activated_at = place.timestamp
            case events.Terminated():
                story.last = event.last
            case events.Amended():
                story.amendments.append(Acceptance(event, place.timestamp))
            case (
                events.Reported() | events.DefaultProposed() | events.Challenged() | events.Disputed() | events.Ruled()
                | events.FellBack() | events.Agreed() | events.Settled()
            ):  # fmt: skip
                _note(story.periods.setdefault(event.period, PeriodStory(event.period)), event, place)
    return story


def _note(period: PeriodStory, event: Event, place: Located) -> None:
    if isinstance(event, events.Agreed):
        period.agreement, period.transaction = event, b""
        return
    if period.settlement is not None and (period.agreement is None or period.transaction):
        return
    match event:
        case events.Reported():
            period.report, period.reported_at, period.challenges = event, place.timestamp, []
        case events.DefaultProposed():
            period.proposal, period.proposed_at = event, place.timestamp
        case events.Challenged():
            period.challenges.append(Challenge(event, place.timestamp))
        case events.Disputed():
            period.dispute, period.disputed_at = event, place.timestamp
        case events.Ruled():
            period.ruling, period.ruled_at = event, place.timestamp
        case events.FellBack():
            period.fell_back_at = place.timestamp
        case events.Settled():
            period.settled_at = period.settled_at or place.timestamp
            period.settlement, period.transaction = event, place.transaction
