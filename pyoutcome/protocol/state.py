"""What an escrow remembers, as frozen values; and the questions that can be asked of it without changing it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Final

from pyoutcome.protocol.deal import Deal, Rules

CLIENT: Final = -1
"""Owner number of the client; providers' tenures count from 0."""


class Stage(StrEnum):
    """Where the agreement stands."""

    OFFER = "offer"
    ACTIVE = "active"
    CLOSED = "closed"


class PeriodStage(StrEnum):
    """Where one period stands."""

    NONE = "none"
    DEFAULTED = "default"
    REPORTED = "reported"
    DISPUTED = "disputed"
    SETTLED = "settled"


class Mark(IntEnum):
    """What a version says about a slot's performance."""

    KEPT = 0
    BREACHED = 1
    LACKING = 2
    """A KPI that the slot supplies is missing: a breach, unless its holder posted its digest in time."""


class Standing(StrEnum):
    """What a settled period counts for in a slot's breach streak."""

    KEPT = "kept"
    BREACHED = "breached"
    NEUTRAL = "neutral"
    OPEN = "open"


@dataclass(frozen=True)
class Version:
    """One party's view of a period: values, and what the program makes of them."""

    by: int | None
    """Owner number of the challenger; None for the report or the default."""
    values: tuple[int, ...]
    amounts: tuple[int, ...]
    """Per slot, base units, truncated toward zero."""
    registers: tuple[int, ...]
    marks: tuple[Mark, ...]
    """Per slot; they move no money, but a breach streak is cause for step-in and termination."""
    error: int = 0
    """Code with which the program failed; amounts are then 0 and the registers unchanged."""
    stake: int = 0


@dataclass(frozen=True)
class Credit:
    """What one slot has had of one period, base units."""

    amount: int = 0
    """Signed sum of what was credited."""
    funded: int = 0
    """Of it, after set-off, what money was there for."""
    held: int = 0
    """Of ``funded``, what went to holdback: always trunc(rate x funded) until the tenure's holdback is released."""


@dataclass(frozen=True)
class Period:
    """One settlement interval."""

    stage: PeriodStage = PeriodStage.NONE
    proposals: int = 0
    """Reports and defaults accepted so far: the nonce of challenges and rulings."""
    versions: tuple[Version, ...] = ()
    """The report or default first, then the challengers'."""
    window_end: int = 0
    deadline: int = 0
    """Until here the arbitrator may rule."""
    settled_at: int | None = None
    final: Version | None = None
    agreements: int = 0
    """Uses of ``agree``: its nonce."""
    digests: frozenset[int] = frozenset()
    """Owners that posted their evidence digest in time."""
    credits: tuple[Credit, ...] = ()


@dataclass(frozen=True)
class Tenure:
    """One holder's time in a slot, with its money. Bases of the account identity:
    earned + fees == paid + held + arrears - debt - repaid."""

    slot: int
    holder: str
    payout: str
    first: int
    """First period that belongs to it."""
    bond: int = 0
    earned: int = 0
    fees: int = 0
    paid: int = 0
    """Became its own money: pushed or claimable."""
    held: int = 0
    debt: int = 0
    arrears: int = 0
    repaid: int = 0
    """Debt that its bond paid."""
    claimable: int = 0
    released: bool = False
    """Bond and holdback have been released; nothing more is held back."""


@dataclass(frozen=True)
class Owed:
    """One entry of the arrears queue."""

    period: int
    tenure: int
    amount: int


@dataclass(frozen=True)
class Accepted:
    """Rules in force from a period on, by amendment."""

    first: int
    rules: Rules
    at: int
    """When they were accepted; 0 for the first."""
    carry: tuple[int | None, ...] = ()
    """Per new register: the register of the rules before that it keeps, or None to start anew."""


@dataclass(frozen=True)
class Flow:
    """Everything that ever crossed the escrow's border, base units."""

    received: int = 0
    sent: int = 0
    synced: int = 0
    """Surplus found less losses taken from client funding."""
    given_up: int = 0
    """What owners gave up by claiming early."""


@dataclass(frozen=True)
class State:
    """The whole escrow."""

    deal: Deal
    stage: Stage
    last: int
    """Number of the last period; termination lowers it."""
    periods: tuple[Period, ...]
    tenures: tuple[Tenure, ...]
    accepted: tuple[Accepted, ...]
    registers: tuple[tuple[int, ...] | None, ...]
    """Per accepted rules: registers after its last settled period; None before the first."""
    funds: int = 0
    """Client funding that nobody else has a claim to."""
    client_claimable: int = 0
    queue: tuple[Owed, ...] = ()
    backups: tuple[str | None, ...] = ()
    activated_at: int = 0
    uncovered_since: int | None = None
    assignments: int = 0
    terminations: int = 0
    findings: frozenset[int] = frozenset()
    """Nonces of the arbitrator's findings already used."""
    flow: Flow = field(default_factory=Flow)

    def period(self, number: int) -> Period:
        """A period by its number, from 1."""
        return self.periods[number - 1]

    def accepted_index(self, number: int) -> int:
        """Which accepted rules govern a period: the latest amendment that reaches it."""
        return max(i for i, entry in enumerate(self.accepted) if entry.first <= number)

    def rules_of(self, number: int) -> Rules:
        """The rules that govern a period."""
        return self.accepted[self.accepted_index(number)].rules

    def holder_of(self, slot: int, number: int) -> int:
        """The tenure to which a slot's period belongs: the latest that starts no later."""
        return max(i for i, tenure in enumerate(self.tenures) if tenure.slot == slot and tenure.first <= number)

    def holders_of(self, number: int) -> tuple[int, ...]:
        """The tenures of a period, in slot order."""
        return tuple(self.holder_of(slot, number) for slot in range(len(self.deal.slots)))

    def periods_of(self, tenure: int) -> tuple[int, ...]:
        """The numbers of a tenure's periods up to the last one."""
        slot, first = self.tenures[tenure].slot, self.tenures[tenure].first
        return tuple(p for p in range(first, self.last + 1) if self.holder_of(slot, p) == tenure)

    def is_outgoing(self, tenure: int) -> bool:
        """Whether another tenure follows it in its slot."""
        return any(later.slot == self.tenures[tenure].slot for later in self.tenures[tenure + 1 :])

    def started(self, now: int) -> int:
        """How many periods have started, none beyond the last."""
        return min(self.deal.started(now), self.last)

    def settled(self, number: int) -> bool:
        """Whether a period is settled."""
        return self.period(number).stage is PeriodStage.SETTLED

    def all_settled(self) -> bool:
        """Whether every period up to the last one is settled."""
        return all(self.settled(number) for number in range(1, self.last + 1))

    def first_unsettled(self) -> int:
        """The lowest number of a period that is not settled; one more than the last if there is none."""
        return next((number for number in range(1, self.last + 1) if not self.settled(number)), self.last + 1)

    def turn_of(self, number: int) -> int | None:
        """When a period's turn came: 0 for an independent one; None while an earlier one keeps it waiting."""
        if not self.rules_of(number).pricing.sequential:
            return 0
        times = [period.settled_at for period in self.periods[: number - 1]]
        known = [time for time in times if time is not None]
        return max(known, default=0) if len(known) == len(times) else None

    def due_of(self, number: int) -> int | None:
        """From when missing evidence allows a default; None while it is not the period's turn."""
        turn = self.turn_of(number)
        if turn is None:
            return None
        entry = self.accepted[self.accepted_index(number)]
        return max(self.deal.end_of(number), self.activated_at, entry.at, turn) + entry.rules.evidence_window

    def required_cover(self, now: int) -> int:
        """Reserve of every period that has started and is not settled."""
        return sum(self.rules_of(p).reserve for p in range(1, self.started(now) + 1) if not self.settled(p))

    def release_date(self) -> int:
        """From when holdback is released by closing."""
        end = self.deal.end_of(self.last) if self.last else self.deal.start
        return end + self.deal.holdback_delay

    def stakes(self) -> int:
        """Stakes of all open challenges."""
        return sum(v.stake for period in self.periods for v in period.versions)

    def tracked(self) -> int:
        """Everything the escrow accounts for."""
        own = sum(tenure.bond + tenure.held + tenure.claimable for tenure in self.tenures)
        return self.funds + self.client_claimable + self.stakes() + own

    def streak_of(self, tenure: int, now: int) -> int:
        """Breaches in a row, counted back from the tenure's latest settled period in period order.

        A neutral period is passed over; a kept, an undecided or an unsettled one ends the row.
        """
        slot = self.tenures[tenure].slot
        numbers = self.periods_of(tenure)
        latest = max((p for p in numbers if self.settled(p)), default=0)
        count = 0
        for number in sorted((p for p in numbers if p <= latest), reverse=True):
            standing = self.standing(number, slot, now)
            if standing is not Standing.NEUTRAL:
                if standing is not Standing.BREACHED:
                    break
                count += 1
        return count

    def standing(self, number: int, slot: int, now: int) -> Standing:
        """What a period says about its slot's performance.

        Without the slot's evidence it is a breach, unless the holder posted its digest in time: then it is neutral.
        Until that time is over it is open.
        """
        final, due = self.period(number).final, self.due_of(number)
        if final is None or due is None:
            return Standing.OPEN
        if final.marks[slot] is not Mark.LACKING:
            return Standing.BREACHED if final.marks[slot] is Mark.BREACHED else Standing.KEPT
        if self.holder_of(slot, number) in self.period(number).digests:
            return Standing.NEUTRAL
        return Standing.BREACHED if now >= due else Standing.OPEN


def offer(deal: Deal) -> State:
    """The state of a freshly created escrow."""
    slots = deal.slots
    return State(
        deal=deal,
        stage=Stage.OFFER,
        last=len(deal.ends),
        periods=tuple(Period(credits=(Credit(),) * len(slots)) for _ in deal.ends),
        tenures=tuple(Tenure(i, slot.holder, slot.payout, 1) for i, slot in enumerate(slots)),
        accepted=(Accepted(1, deal.rules, 0),),
        registers=(None,),
        backups=tuple(slot.backup for slot in slots),
    )
