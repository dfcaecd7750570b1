"""When each act on a period was allowed. All windows are half-open: their first second is inside, their end outside."""

from __future__ import annotations

from collections.abc import Iterator

from pyoutcome.audit.findings import Finding, Kind, Unit
from pyoutcome.audit.story import PeriodStory, Story
from pyoutcome.audit.subject import Subject


def turn_of(subject: Subject, story: Story, number: int) -> int | None:
    """When a period's turn came: 0 where periods do not depend on one another; None while an earlier one is open."""
    return story.turn_of(number) if subject.sequential else 0


def due_of(subject: Subject, story: Story, number: int) -> int | None:
    """From when missing evidence allowed the default; None while it is not the period's turn."""
    turn = turn_of(subject, story, number)
    if turn is None:
        return None
    arguments = subject.arguments
    accepted = story.accepted_at(number)
    return max(arguments.ends[number - 1], story.activated_at, accepted, turn) + arguments.evidence_window


def last_moment(subject: Subject, story: PeriodStory | None, due: int) -> int:
    """From when nothing in the agreement lets a period stay unsettled any longer."""
    arguments = subject.arguments
    last = due + arguments.default_window
    if story is None:
        return last
    if story.report is not None or story.proposal is not None:
        last = max(last, _window_end(subject, story))
    return last + (arguments.ruling_window if story.challenges else 0)


def check_times(subject: Subject, story: Story, period: PeriodStory) -> Iterator[Finding | None]:
    """Each act of a settled period not before and not after its time: None where it was in time."""
    number, arguments = period.period, subject.arguments
    turn = turn_of(subject, story, number)
    if turn is None:
        yield Finding(Kind.TIME, "settlement", "after all earlier periods", "before one of them", Unit.TEXT, number)
    end = max(arguments.ends[number - 1], turn or 0)
    if period.report is not None:
        yield _not_before(number, "report", end, period.reported_at)
    if period.proposal is not None:
        due = due_of(subject, story, number)
        yield _not_before(number, "default proposed", due or 0, period.proposed_at)
    if period.agreement is not None:
        yield _not_before(number, "agreement", end, period.settled_at)
        return
    if period.report is None and period.proposal is None:
        yield Finding(Kind.PERIOD, "report or default", "one of them", "neither", Unit.TEXT, number)
        return
    yield from _check_dispute(subject, period)


def _check_dispute(subject: Subject, period: PeriodStory) -> Iterator[Finding | None]:
    """Challenges, dispute, ruling and fallback; without them the settlement after the window."""
    number, window_end = period.period, _window_end(subject, period)
    for challenge in period.challenges:
        yield _before(number, "challenge", window_end, challenge.at)
    if not period.challenges:
        what = "default settled" if period.report is None else "report settled"
        yield _not_before(number, what, window_end, period.settled_at)
        return
    deadline = window_end + subject.arguments.ruling_window
    yield _not_before(number, "dispute", window_end, period.disputed_at)
    told = period.dispute.deadline if period.dispute else 0
    yield (
        None
        if told == deadline
        else Finding(Kind.TIME, "arbitrator's deadline", str(deadline), str(told), Unit.TEXT, number)
    )
    if period.ruling is not None:
        yield _before(number, "ruling", deadline, period.ruled_at)
    # An adapter's refusal lets the report stand at once; a person's silence only from its deadline on.
    elif not subject.arguments.chooses:
        yield _not_before(number, "fallback", deadline, period.fell_back_at)


def _window_end(subject: Subject, period: PeriodStory) -> int:
    if period.report is not None:
        return period.reported_at + subject.arguments.challenge_window
    return period.proposed_at + subject.arguments.default_window


def _not_before(number: int, what: str, earliest: int, at: int) -> Finding | None:
    return None if at >= earliest else Finding(Kind.TIME, what, f"not before {earliest}", f"at {at}", Unit.TEXT, number)


def _before(number: int, what: str, end: int, at: int) -> Finding | None:
    return None if at < end else Finding(Kind.TIME, what, f"before {end}", f"at {at}", Unit.TEXT, number)
