"""What each settled period gave each provider, and how it was split."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

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
    def new_debt(self) -> int:
        """What the provider owes from this period."""
        return max(-self.amount, 0)

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
            "new_debt": str(self.new_debt),
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

    rows: dict[tuple[int, str], PeriodRow] = field(default_factory=dict)
    uncredited: dict[tuple[int, str], int] = field(default_factory=dict)
    """Amounts settled in this transaction and not yet credited."""
    settled: set[int] = field(default_factory=set)

    def take(self, located: Located, providers: tuple[str, ...]) -> None:
        """Takes note of one event."""
        event = located.event
        match event:
            case events.Settled():
                self._settle(event, located, providers)
            case events.Credited():
                key = (event.period, providers[event.provider])
                if self.uncredited.pop(key, None) != event.amount:
                    raise _credit_differs(*key)
                self.rows[key] = replace(
                    self.rows[key], set_off=event.set_off, held=event.held, paid=event.paid, owed=event.owed
                )
            case events.ArrearsPaid() | events.ArrearsHeld() | events.ArrearsSetOff():
                self._take_arrears(event, providers[event.provider])

    def end_transaction(self) -> None:
        """Refuses a settled amount that was not credited. An amount of zero needs no credit."""
        for (period, provider), amount in self.uncredited.items():
            if amount:
                raise _credit_differs(period, provider)
        self.uncredited.clear()

    def in_order(self) -> tuple[PeriodRow, ...]:
        """All rows in the order of settlement."""
        return tuple(self.rows.values())

    def _settle(self, event: events.Settled, located: Located, providers: tuple[str, ...]) -> None:
        if event.period in self.settled:
            raise LedgerError(
                "settled-twice",
                f"Period {event.period} is settled a second time; a period settles once.",
                "Read the events from the chain again, each once.",
                period=event.period,
            )
        if len(event.amounts) != len(providers):
            raise LedgerError(
                "event-does-not-add-up",
                f"Period {event.period} settles {len(event.amounts)} amounts for {len(providers)} providers.",
                "Check that the events belong to the escrow of this agreement.",
                event="Settled",
            )
        self.settled.add(event.period)
        for name, amount in zip(providers, event.amounts, strict=True):
            self.uncredited[event.period, name] = amount
            self.rows[event.period, name] = PeriodRow(
                event.period, name, amount, program_error=event.program_error, timestamp=located.timestamp,
                transaction=located.transaction,
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
