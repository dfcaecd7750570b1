"""What each period of one agreement pays, by the terms that govern it and after what earlier periods left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from pyoutcome.audit import Story, sort_out
from pyoutcome.decimals import DECIMALS
from pyoutcome.errors import WorkspaceError
from pyoutcome.formula.state import State, empty_state
from pyoutcome.formula.verify import verify
from pyoutcome.protocol import MISSING, Located
from pyoutcome.terms.agreement import Agreement
from pyoutcome.terms.statement import Statement


@dataclass(frozen=True, eq=False)
class Version:
    """The agreement as it stands from a period on; each is its own."""

    agreement: Agreement
    anew: bool = False
    """Its first period starts with nothing of what earlier ones carried, instead of going on."""


class Pricing:
    """Statements of an escrow's periods; those of settled ones come from what they settled on."""

    def __init__(self, under: Callable[[int], Version], located: Callable[[], Sequence[Located]]) -> None:
        """``under``: the version that governs a period, the same object each time; ``located``: the escrow's events."""
        self._under = under
        self._located = located
        self._left: dict[int, Statement] = {}

    @cached_property
    def _story(self) -> Story:
        return sort_out(self._located())

    def is_settled(self, period: int) -> bool:
        """Whether a period has settled."""
        story = self._story.periods.get(period)
        return story is not None and story.settlement is not None

    def settled_values(self, period: int) -> Sequence[int | None]:
        """What a period settled on; where that was a default, every KPI's stand-in."""
        values = self._story.periods[period].values
        if values is None:
            return [None] * len(self._under(period).agreement.kpis)
        return [None if value == MISSING else value for value in values]

    def state(self, period: int, values: Sequence[int | None]) -> Statement:
        """A period's statement; where periods depend on one another, after the settled ones before it.

        WorkspaceError ``nothing-to-state`` while one of those is not settled.
        """
        agreement = self._under(period).agreement
        named = dict(zip((kpi.name for kpi in agreement.kpis), values, strict=True))
        if not agreement.program().sequential:
            return agreement.statement(period, named)
        return agreement.statement(period, named, self._state_before(period))

    def _state_before(self, period: int) -> State | None:
        """What all earlier periods left to a period of a sequential program; None before the first."""
        if period == 1:
            return None
        for number in range(1, period):
            if not self.is_settled(number):
                raise WorkspaceError(
                    "nothing-to-state",
                    f"What period {period} pays depends on period {number}, which is not settled yet.",
                    f"Settle period {number} first, or try values out with `pyoutcome explain`.",
                    period=period,
                )
            if number not in self._left:
                self._left[number] = self.state(number, self.settled_values(number))
        left, under = self._left[period - 1].state, self._under(period)
        return left if under is self._under(period - 1) else self._carry_over(under, left, period)

    def _carry_over(self, under: Version, left: State | None, period: int) -> State:
        """What an amendment lets its first period have of what earlier ones left."""
        shape = verify(under.agreement.program().data)
        unit = 10 ** (DECIMALS - under.agreement.token.decimals)
        earned = tuple(
            unit * sum(self._left[number].amounts[payee] for number in range(1, period)) for payee in shape.earned
        )
        if left is not None and not under.anew:
            return left._replace(earned=earned)
        depths = [row.depth for row in shape.header.histories]
        fresh = empty_state(depths, len(shape.to_date), len(shape.earned), under.agreement.token.decimals)
        return fresh._replace(earned=earned)
