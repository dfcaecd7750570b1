"""What each settled period gave each provider, and how it was split."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime

from pyoutcome.errors import LedgerError
from pyoutcome.protocol import events
from pyoutcome.protocol.events import Located

_Arrears = events.ArrearsPaid | events.ArrearsHeld | events.ArrearsSetOff


@dataclass(frozen=True)
class PeriodRow:
    """One provider in one period. Base units."""

    period: int
    provider: str
    amount: int
    """What the program gave, signed."""
    set_off: int = 0
    """The part that cancelled the provider's debt."""
    held: int = 0
    """The part held back."""
    paid: int = 0
    """The part paid at once, or left to claim."""
    owed: int = 0
    """The part that was not covered by funds at settlement."""
    new_debt: int = 0
    """What the provider owes from this period."""
    arrears_paid: int = 0
    """What of ``owed`` was paid later."""
    arrears_held: int = 0
    """What of ``owed`` was funded later and held back."""
    arrears_set_off: int = 0
    """What of ``owed`` the provider's own later debt cancelled."""
    program_error: int = 0
    """0, or the code with which the program failed (then the amount is 0)."""
    timestamp: int = 0
    """Unix seconds of settlement."""
    transaction: bytes = b""
    """Transaction of settlement."""

    @property
    def day(self) -> date:
        """Day of settlement in UTC."""
        return datetime.fromtimestamp(self.timestamp, UTC).date()

    @property
    def still_owed(self) -> int:
        """What of ``owed`` is still open."""
        return self.owed - self.arrears_paid - self.arrears_held - self.arrears_set_off

    def to_dict(self) -> dict[str, object]:
        """Plain data for JSON: amounts are texts."""
        plain: dict[str, object] = {name: str(getattr(self, name)) for name in _AMOUNTS}
        return {
            "period": self.period,
            "provider": self.provider,
            **plain,
            "still_owed": str(self.still_owed),
            "program_error": self.program_error,
            "timestamp": self.timestamp,
            "transaction": "0x" + self.transaction.hex(),
        }


_AMOUNTS = tuple(
    part.name
    for part in fields(PeriodRow)
    if part.name not in {"period", "provider", "program_error", "timestamp", "transaction"}
)


@dataclass
class Rows:
    """The rows while events arrive; also sees that every settled amount is credited in its own transaction."""

    slots: tuple[str, ...]
    """Names of the places."""
    providers: list[str]
    """Names of all who held one so far, by number; whoever writes the journal lets it grow."""
    rows: dict[tuple[int, str], PeriodRow] = field(default_factory=dict)
    credited: dict[tuple[int, str], int] = field(default_factory=dict)
    """What each got for a period so far, debt less than nothing."""
    opened: set[int] = field(default_factory=set)
    """Periods that may be credited in this transaction."""
    closing: dict[int, events.Settled] = field(default_factory=dict)
    """Periods that are settled in this transaction."""
    agreed: set[int] = field(default_factory=set)
    """Periods that are agreed in this transaction, and may therefore settle again."""
    settled: set[int] = field(default_factory=set)
    changes: list[tuple[int, int, int]] = field(default_factory=list)
    """Place, number of its new holder, first period."""

    def take(self, located: Located) -> None:
        """Takes note of one event."""
        event = located.event
        match event:
            case events.Agreed():
                self.agreed.add(event.period)
            case events.Disputed():
                self.opened.add(event.period)
            case events.Settled():
                self._settle(event, located)
            case events.Credited():
                self._credit(event)
            case events.ArrearsPaid() | events.ArrearsHeld() | events.ArrearsSetOff():
                self._take_arrears(event, self.providers[event.provider])
            case events.Assigned() | events.SteppedIn():
                self.changes.append((event.slot, event.provider, event.first))

    def end_transaction(self) -> None:
        """Refuses settled amounts that are not what was credited. An amount of zero needs no credit."""
        for period, event in self.closing.items():
            for name, amount in zip(self._holders(period), event.amounts, strict=True):
                if self.credited.get((period, name), 0) != amount:
                    raise _credit_differs(period, name)
        self.opened.clear()
        self.closing.clear()
        self.agreed.clear()

    def in_order(self) -> tuple[PeriodRow, ...]:
        """All rows of settled periods in the order of settlement."""
        return tuple(row for row in self.rows.values() if row.period in self.settled)

    def _holders(self, period: int) -> tuple[str, ...]:
        """Who holds the places in a period."""
        numbers = list(range(len(self.slots)))
        for slot, number, first in self.changes:
            if first <= period:
                numbers[slot] = number
        return tuple(self.providers[number] for number in numbers)

    def _settle(self, event: events.Settled, located: Located) -> None:
        if event.period in self.settled and event.period not in self.agreed:
            raise LedgerError(
                "settled-twice",
                f"Period {event.period} is settled a second time, and nobody agreed on that.",
                "Read the events from the chain again, each once.",
                period=event.period,
            )
        if len(event.amounts) != len(self.slots):
            raise LedgerError(
                "event-does-not-add-up",
                f"Period {event.period} settles {len(event.amounts)} amounts for {len(self.slots)} providers.",
                "Check that the events belong to the escrow of this agreement.",
                event="Settled",
            )
        self.settled.add(event.period)
        self.opened.add(event.period)
        self.closing[event.period] = event
        for name, amount in zip(self._holders(event.period), event.amounts, strict=True):
            # Settled again, or after a dispute, the row keeps what was credited before.
            row = self.rows.pop((event.period, name), PeriodRow(event.period, name, 0))
            self.rows[event.period, name] = replace(
                row, amount=amount, program_error=event.program_error, timestamp=located.timestamp,
                transaction=located.transaction,
            )  # fmt: skip

    def _credit(self, event: events.Credited) -> None:
        key = (event.period, self.providers[event.provider])
        if event.period not in self.opened or key[1] not in self._holders(event.period):
            raise _credit_differs(*key)
        self.credited[key] = self.credited.get(key, 0) + event.amount
        row = self.rows.get(key, PeriodRow(*key, 0))
        self.rows[key] = replace(
            row, set_off=row.set_off + event.set_off, held=row.held + event.held, paid=row.paid + event.paid,
            owed=row.owed + event.owed, new_debt=row.new_debt + max(-event.amount, 0),
        )  # fmt: skip

    def _take_arrears(self, event: _Arrears, provider: str) -> None:
        row = self.rows.get((event.period, provider))
        if row is None or event.amount > row.still_owed:
            raise LedgerError(
                "arrears-differ",
                f"{event.amount} base units of arrears of {provider} for period {event.period} were funded or set off, "
                f"more than the {row.still_owed if row else 0} that were owed.",
                "Read the events from the chain again, from the escrow's first block on.",
                period=event.period, provider=provider,
            )  # fmt: skip
        match event:
            case events.ArrearsPaid():
                row = replace(row, arrears_paid=row.arrears_paid + event.amount)
            case events.ArrearsHeld():
                row = replace(row, arrears_held=row.arrears_held + event.amount)
            case events.ArrearsSetOff():
                row = replace(row, arrears_set_off=row.arrears_set_off + event.amount)
        self.rows[event.period, provider] = row


def _credit_differs(period: int, provider: str) -> LedgerError:
    return LedgerError(
        "credit-differs",
        f"What {provider} was credited for period {period} is not what was settled.",
        "Read the events from the chain again; a Settled or Credited event is missing or wrong.",
        period=period, provider=provider,
    )  # fmt: skip
