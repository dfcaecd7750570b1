"""What the events say about each period, sorted out of the stream without trusting it to be complete."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pyoutcome.protocol import events
from pyoutcome.protocol.events import Located


@dataclass
class PeriodStory:
    """What happened to one period."""

    period: int
    report: events.Reported | None = None
    """The report that counts: the last one before settlement."""
    reported_at: int = 0
    proposal: events.DefaultProposed | None = None
    proposed_at: int = 0
    settlement: events.Settled | None = None
    """The first; a second makes no books."""
    settled_at: int = 0
    transaction: bytes = b""


@dataclass
class Story:
    """What happened to the escrow."""

    activations: list[bytes] = field(default_factory=list)
    """Terms hash of each activation; there is one at most."""
    activated_at: int = 0
    periods: dict[int, PeriodStory] = field(default_factory=dict)


def sort_out(located: Iterable[Located]) -> Story:
    """The story of each period that the events mention."""
    story = Story()
    for place in located:
        event = place.event
        match event:
            case events.Activated():
                story.activations.append(event.terms_hash)
                story.activated_at = place.timestamp
            case events.Reported() | events.DefaultProposed() | events.Settled():
                _note(story.periods.setdefault(event.period, PeriodStory(event.period)), event, place)
    return story


def _note(
    period: PeriodStory, event: events.Reported | events.DefaultProposed | events.Settled, place: Located
) -> None:
    if period.settlement is not None:
        return
    match event:
        case events.Reported():
            period.report, period.reported_at = event, place.timestamp
        case events.DefaultProposed():
            period.proposal, period.proposed_at = event, place.timestamp
        case events.Settled():
            period.settlement, period.settled_at, period.transaction = event, place.timestamp, place.transaction
