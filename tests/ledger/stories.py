"""Random money stories of an escrow: what happened, and where the money is, kept by a plain second count.

The second count knows no accounts and no debits: it moves numbers between boxes, the way a child would with coins.
How a credit is split is drawn at random, because the books must be right for any split.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st

from pyoutcome.protocol import events
from pyoutcome.protocol.events import Event, Located

NAMES = ("UA", "B6", "EV")
ADDRESS = "0x" + "11" * 20


@dataclass
class Boxes:
    """One provider's coins and promises."""

    earned: int = 0
    paid: int = 0
    held: int = 0
    debt: int = 0
    claimable: int = 0
    owed: dict[int, int] = field(default_factory=dict)
    """Arrears by period, oldest first."""


@dataclass
class Story:
    """Events so far and where all money is."""

    providers: tuple[str, ...] = NAMES
    located: list[Located] = field(default_factory=list)
    funds: int = 0
    boxes: list[Boxes] = field(default_factory=list)
    amounts: dict[tuple[int, int], int] = field(default_factory=dict)
    """Settled amount by period and provider."""
    block: int = 0

    def __post_init__(self) -> None:
        self.boxes = [Boxes() for _ in self.providers]

    @property
    def tracked(self) -> int:
        return self.funds + sum(box.held + box.claimable for box in self.boxes)

    def transact(self, *happened: Event) -> None:
        """One transaction in a block of its own; log indexes leave gaps, as other contracts' logs do."""
        self.block += 1
        for place, event in enumerate(happened):
            self.located.append(
                Located(event, self.block, 2 * place, self.block.to_bytes(32, "big"), 1_356_998_400 + 3600 * self.block)
            )


@st.composite
def stories(draw: st.DrawFn, steps: int = 14) -> Story:
    """A story of at most ``steps`` acts: activated, and possibly closed."""
    story = Story()
    _deposit(draw, story)
    story.transact(events.Activated(b"\1" * 32))
    acts = [_deposit, _settle, _settle, _settle, _pay_arrears, _claim, _sync, _withdraw, _move_payout]
    for _ in range(draw(st.integers(0, steps))):
        draw(st.sampled_from(acts))(draw, story)
    if draw(st.booleans()):
        _close(draw, story)
    return story


def _deposit(draw: st.DrawFn, story: Story) -> None:
    amount = draw(st.integers(0, 10**9))
    story.funds += amount
    story.transact(events.Deposited(ADDRESS, amount))


def _settle(draw: st.DrawFn, story: Story) -> None:
    period = len(story.amounts) // len(NAMES) + 1
    amounts = tuple(draw(st.integers(-(10**6), 10**9)) for _ in NAMES)
    happened: list[Event] = [events.Settled(period, amounts, 0)]
    for index, amount in enumerate(amounts):
        story.amounts[period, index] = amount
        happened += _credit(draw, story, period, index, amount)
    story.transact(*happened)


def _credit(draw: st.DrawFn, story: Story, period: int, index: int, amount: int) -> list[Event]:
    box = story.boxes[index]
    box.earned += amount
    if amount < 0:
        box.debt -= amount
        return [events.Credited(period, index, amount, 0, 0, 0, 0), *_cancel_arrears(box, index)]
    set_off = min(amount, box.debt)
    box.debt -= set_off
    covered = draw(st.integers(0, min(amount - set_off, story.funds)))
    if box.debt == 0 and draw(st.booleans()):
        covered = min(amount - set_off, story.funds)
    held = draw(st.integers(0, covered))
    paid, owed = covered - held, amount - set_off - covered
    story.funds -= covered
    box.held += held
    if owed:
        box.owed[period] = owed
    return [events.Credited(period, index, amount, set_off, held, paid, owed), *_push(draw, box, index, paid)]


def _cancel_arrears(box: Boxes, index: int) -> list[Event]:
    happened: list[Event] = []
    for period in list(box.owed):
        part = min(box.debt, box.owed[period])
        if part:
            box.debt -= part
            _take_owed(box, period, part)
            happened.append(events.ArrearsSetOff(period, index, part))
    return happened


def _push(draw: st.DrawFn, box: Boxes, index: int, amount: int) -> list[Event]:
    if not amount:
        return []
    box.paid += amount
    if draw(st.booleans()):
        return [events.Paid(index, ADDRESS, amount)]
    box.claimable += amount
    return [events.Deferred(index, amount)]


def _take_owed(box: Boxes, period: int, amount: int) -> None:
    box.owed[period] -= amount
    if not box.owed[period]:
        del box.owed[period]


def _pay_arrears(draw: st.DrawFn, story: Story) -> None:
    happened: list[Event] = []
    for index, box in enumerate(story.boxes):
        for period in list(box.owed):
            part = draw(st.integers(0, min(story.funds, box.owed[period])))
            if part:
                story.funds -= part
                _take_owed(box, period, part)
                held = draw(st.integers(0, part))
                box.held += held
                if held:
                    happened.append(events.ArrearsHeld(period, index, held))
                if part > held:
                    happened += [events.ArrearsPaid(period, index, part - held), *_push(draw, box, index, part - held)]
    story.transact(*happened)


def _claim(draw: st.DrawFn, story: Story) -> None:
    index = draw(st.sampled_from(range(len(NAMES))))
    amount, story.boxes[index].claimable = story.boxes[index].claimable, 0
    given_up = draw(st.integers(0, amount)) if draw(st.booleans()) else 0
    if amount:
        story.transact(events.Claimed(index, ADDRESS, amount - given_up), events.GivenUp(index, given_up))


def _sync(draw: st.DrawFn, story: Story) -> None:
    change = draw(st.integers(-story.funds, 10**6))
    story.funds += change
    story.transact(events.Synced(change))


def _withdraw(draw: st.DrawFn, story: Story) -> None:
    amount = draw(st.integers(0, story.funds))
    story.funds -= amount
    story.transact(events.Withdrawn(amount))


def _move_payout(draw: st.DrawFn, story: Story) -> None:
    story.transact(events.PayoutMoved(draw(st.sampled_from(range(len(NAMES)))), ADDRESS))


def _close(draw: st.DrawFn, story: Story) -> None:
    happened: list[Event] = []
    for index, box in enumerate(story.boxes):
        amount, box.held = box.held, 0
        set_off = min(amount, box.debt)
        box.debt -= set_off
        story.funds += set_off
        if amount:
            happened.append(events.HoldbackReleased(index, amount, set_off, amount - set_off))
            happened += _push(draw, box, index, amount - set_off)
        if remaining := sum(box.owed.values()) - box.debt:
            happened.append(events.ClaimRecorded(index, remaining))
    happened.append(events.Closed(story.funds))
    story.funds = 0
    story.transact(*happened)
