"""One act in the making: the state it works on, the moment, and what the token does meanwhile.

A turn is changed in place while ``apply`` runs and thrown away afterwards; seen from outside ``apply`` is pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from pyoutcome.protocol.events import Event
from pyoutcome.protocol.state import Credit, Flow, Period, State, Tenure


@dataclass(frozen=True)
class World:
    """What the escrow sees of its token when an act begins."""

    balance: int
    """The escrow's balance before anything arrives by this act."""
    refusing: frozenset[str] = frozenset()
    """Payout addresses to which a transfer fails now."""


@dataclass
class Turn:
    """The working copy of one act."""

    state: State
    now: int
    world: World
    balance: int
    """The token balance as this act changes it."""
    below: bool = False
    """Whether the balance is below tracked, as the last sync found it: then nothing is pushed."""
    events: list[Event] = field(default_factory=list)

    def emit(self, event: Event) -> None:
        """Records an event."""
        self.events.append(event)

    def move_funds(self, change: int) -> None:
        """Moves client funding by ``change``."""
        self.state = replace(self.state, funds=self.state.funds + change)

    def set_tenure(self, index: int, **changes: object) -> Tenure:
        """Replaces fields of one tenure."""
        tenures = list(self.state.tenures)
        tenures[index] = replace(tenures[index], **changes)  # type: ignore[arg-type]
        self.state = replace(self.state, tenures=tuple(tenures))
        return tenures[index]

    def set_period(self, number: int, **changes: object) -> Period:
        """Replaces fields of one period."""
        periods = list(self.state.periods)
        periods[number - 1] = replace(periods[number - 1], **changes)  # type: ignore[arg-type]
        self.state = replace(self.state, periods=tuple(periods))
        return periods[number - 1]

    def set_credit(self, number: int, slot: int, credit: Credit) -> None:
        """Replaces what one slot has had of one period."""
        row = list(self.state.period(number).credits)
        row[slot] = credit
        self.set_period(number, credits=tuple(row))

    def count(self, *, received: int = 0, sent: int = 0, synced: int = 0, given_up: int = 0) -> None:
        """Counts what crosses the border, and moves the balance this act works with."""
        flow = self.state.flow
        moved = Flow(flow.received + received, flow.sent + sent, flow.synced + synced, flow.given_up + given_up)
        self.state = replace(self.state, flow=moved)
        self.balance += received - sent
