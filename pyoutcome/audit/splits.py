"""Whether each amount was set off, held, paid and owed as the rules of the protocol say.

The rules are the protocol's own functions, run from the position that the books give just before each act. So a wrong
act is found where it happened, and what follows from it is not found again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from pyoutcome.audit.findings import Finding, Kind, Unit
from pyoutcome.audit.position import Position
from pyoutcome.ledger import Journal
from pyoutcome.protocol import events
from pyoutcome.protocol.arguments import Arguments
from pyoutcome.protocol.events import Event, Located
from pyoutcome.protocol.money import collect_debt, credit, release, serve_queue

_ARREARS = (events.ArrearsHeld, events.ArrearsPaid)
_ARREARS_RUN = (*_ARREARS, events.Paid, events.Deferred)
_CREDIT_PARTS: dict[str, Callable[[events.Credited], int]] = {
    "set_off": lambda event: event.set_off,
    "held": lambda event: event.held,
    "paid": lambda event: event.paid,
    "owed": lambda event: event.owed,
}


def check_splits(
    arguments: Arguments,
    located: Sequence[Located],
    journal: Journal,
    undisputed: Mapping[int, tuple[int, ...]] | None = None,
) -> Iterator[Finding | None]:
    """One item per comparison: None where equal. ``located`` are the events that ``journal`` was folded from,
    ``undisputed`` what each disputed period gives every provider at once."""
    splits = _Splits(arguments, journal, undisputed or {})
    for transaction in _transactions(located):
        yield from splits.check(transaction)


class _Splits:
    """Goes through the events, and at the first event of each act asks the protocol what the act must do."""

    def __init__(self, arguments: Arguments, journal: Journal, undisputed: Mapping[int, tuple[int, ...]]) -> None:
        self._position = Position(arguments, journal)
        self._undisputed = undisputed
        self._names = journal.providers

    def check(self, transaction: Sequence[Located]) -> Iterator[Finding | None]:
        in_run = False
        for at, located in enumerate(transaction):
            event, rest = located.event, [later.event for later in transaction[at:]]
            if isinstance(event, events.Settled):
                yield from self._settlement(event.period, event.amounts, located.timestamp, rest[1:])
            elif isinstance(event, events.Disputed) and event.period in self._undisputed:
                targets = self._undisputed[event.period]
                yield from self._settlement(event.period, targets, located.timestamp, rest[1:])
            elif isinstance(event, events.BondTaken):
                yield self._bond(event, located.timestamp)
            elif isinstance(event, _ARREARS) and not in_run:
                yield self._arrears(located.timestamp, rest)
            elif isinstance(event, events.HoldbackReleased):
                yield from self._release(event, located.timestamp)
            in_run = isinstance(event, _ARREARS) or (in_run and isinstance(event, _ARREARS_RUN))
            self._position.pass_event(located)
            if isinstance(event, events.Closed):
                yield from self._closing(event)

    def _settlement(
        self, period: int, targets: tuple[int, ...], now: int, rest: Sequence[Event]
    ) -> Iterator[Finding | None]:
        """Set-off first, then one split of the funds, holdback out of what is funded; debt cancels own arrears."""
        happened = _before(rest, (events.Settled, events.Disputed))
        turn = self._position.turn(now)
        credit(turn, period, targets)
        for index, name in enumerate(self._names):
            for what, part in _CREDIT_PARTS.items():
                expected, actual = (_credited(given, index, part) for given in (turn.events, happened))
                yield _compare(what, expected, actual, period, name)
            expected, actual = (_set_off(given, index) for given in (turn.events, happened))
            yield _compare("arrears set off", expected, actual, period, name)

    def _arrears(self, now: int, rest: Sequence[Event]) -> Finding | None:
        """A run of arrears payments serves the queue's oldest entries, each in full while the funds last."""
        actual = [event for event in _leading(rest, _ARREARS_RUN) if isinstance(event, _ARREARS)]
        turn = self._position.turn(now)
        serve_queue(turn, len({(event.period, event.provider) for event in actual}))
        expected = [event for event in turn.events if isinstance(event, _ARREARS)]
        if expected == actual:
            return None
        return Finding(Kind.SPLIT, "arrears paid", self._told(expected), self._told(actual), Unit.TEXT)

    def _release(self, event: events.HoldbackReleased, now: int) -> Iterator[Finding | None]:
        """Holdback leaves after its date, or when its holder has gone, cancels what debt it can, and is paid whole."""
        turn = self._position.turn(now)
        name, date = self._names[event.provider], turn.state.release_date()
        yield (
            None
            if now >= date or turn.state.is_outgoing(event.provider)
            else Finding(Kind.TIME, "holdback released", f"not before {date}", f"at {now}", Unit.TEXT, provider=name)
        )
        release(turn, event.provider)
        expected = [released for released in turn.events if isinstance(released, events.HoldbackReleased)]
        yield _compare("holdback set off", sum(one.set_off for one in expected), event.set_off, None, name)
        if event.paid:
            yield _compare("holdback paid", sum(one.paid for one in expected), event.paid, None, name)

    def _bond(self, event: events.BondTaken, now: int) -> Finding | None:
        """A debt takes the bond before it takes holdback, and no more than it is."""
        turn = self._position.turn(now)
        collect_debt(turn, event.provider)
        expected = sum(taken.amount for taken in turn.events if isinstance(taken, events.BondTaken))
        return _compare("bond taken", expected, event.amount, None, self._names[event.provider])

    def _closing(self, closed: events.Closed) -> Iterator[Finding | None]:
        """After closing nothing is held, and the client got nothing back while anyone was owed."""
        for name in self._names:
            yield _compare("held after closing", 0, self._position.held(name), None, name)
        yield _compare("refund while arrears are owed", 0, closed.amount if self._position.queue else 0, None, None)

    def _told(self, payments: Sequence[events.ArrearsHeld | events.ArrearsPaid]) -> str:
        return ", ".join(
            f"{self._names[event.provider]} for period {event.period}: {event.amount}"
            f"{' held' if isinstance(event, events.ArrearsHeld) else ''}"
            for event in payments
        )


def _compare(what: str, expected: int, actual: int, period: int | None, provider: str | None) -> Finding | None:
    return None if expected == actual else Finding(Kind.SPLIT, what, expected, actual, period=period, provider=provider)


def _credited(given: Sequence[Event], provider: int, part: Callable[[events.Credited], int]) -> int:
    return sum(part(event) for event in given if isinstance(event, events.Credited) and event.provider == provider)


def _set_off(given: Sequence[Event], provider: int) -> int:
    return sum(
        event.amount for event in given if isinstance(event, events.ArrearsSetOff) and event.provider == provider
    )


def _transactions(located: Sequence[Located]) -> Iterator[list[Located]]:
    group: list[Located] = []
    for event in located:
        if group and (event.block, event.transaction) != (group[-1].block, group[-1].transaction):
            yield group
            group = []
        group.append(event)
    if group:
        yield group


def _before(given: Sequence[Event], kinds: tuple[type[Event], ...]) -> list[Event]:
    """The events up to the next one of these kinds."""
    return list(_leading(given, kinds, negate=True))


def _leading(
    given: Sequence[Event], kinds: type[Event] | tuple[type[Event], ...], *, negate: bool = False
) -> Iterator[Event]:
    for event in given:
        if isinstance(event, kinds) == negate:
            return
        yield event
