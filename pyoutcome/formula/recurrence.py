"""Bounds carried from period to period: where registers, histories and sums to date can lie after each.

Nothing is widened or guessed: after period n stand the ranges that n periods can produce. A sum to date is bounded as
one value with the amount that is added to it (``to_date + line``), so that ``entitlement - to_date`` is known to leave
the entitlement and not the sum of all changes it ever made; sums over the last periods likewise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil, floor

from pyoutcome.formula.frame import Frame, Share
from pyoutcome.formula.period_ranges import NOTHING, Change, Past, PeriodRanges, Spread, add_spreads, signed_lines
from pyoutcome.formula.rule import Rule
from pyoutcome.formula.walk import Range


class Recurrence:
    """A rule followed through its periods, in order."""

    def __init__(self, rule: Rule, parameters: Mapping[str, int], unit_decimals: int) -> None:
        self.rule = rule
        self.frame = Frame(rule, parameters, unit_decimals)
        self.past = Past()
        self.starts: dict[str, Range] = {}
        self.lines: list[Spread] = [(0, 0)] * len(rule.lines)
        self.earned: list[Spread] = [(0, 0)] * len(rule.payees)
        self.gaps: list[Spread] = [(0, 0)] * len(rule.payees)
        """Earned less the signed lines of the payee: small where settlement leaves the net amount alone."""
        self.ties: list[Spread] = [(0, 0)] * len(self.frame.ties)
        """Of a line and a register it reads: the line's sum plus (or less) what the register grew by."""
        self.shares: list[Spread] = []
        """Of each share that the frame follows: what the sums differ by."""
        for at in rule.carried.to_date:
            self.past.read[f"to_date.{rule.lines[at].name}"] = NOTHING
        for at in rule.carried.earned:
            self.past.read[self.frame.earned_name(at)] = NOTHING
        self.known: tuple[int, Past, Change] | None = None

    def step(self, period: int) -> tuple[Spread, ...]:
        """Per payee the range of the period's amount; then the past includes this period."""
        change = self._change(period)
        self.past = change.past
        self.shares = self.shares or [(0, 0)] * len(change.shares)
        for kept, added in (
            (self.lines, change.lines),
            (self.earned, change.earned),
            (self.gaps, change.gaps),
            (self.ties, change.ties),
            (self.shares, change.shares),
        ):
            kept[:] = [add_spreads(before, more) for before, more in zip(kept, added, strict=True)]
        for at, line in enumerate(self.rule.lines):
            self._narrow(self.lines, at, f"to_date.{line.name}")
        for at in range(len(self.rule.payees)):
            self._narrow(self.earned, at, self.frame.earned_name(at))
        return change.amounts

    def amounts(self, period: int) -> tuple[Spread, ...]:
        """Per payee the range of a period's amount, from the past as it is."""
        return tuple((low, high) for low, high, _ in PeriodRanges(self.frame, self.past, period).amounts())

    def totals(self) -> tuple[Spread, ...]:
        """Per payee where the sum of its amounts so far lies: by its own, and by those of its lines."""
        found: list[Spread] = []
        for payee, (low, high) in enumerate(self.earned):
            least, most = self.gaps[payee]
            net_least, net_most = self._net(payee)
            found.append((max(low, least + net_least), min(high, most + net_most)))
        for share, (low, high) in self._followed():
            if share.payee is not None:
                ends = [share.factor * end for end in self._net(share.payee)]
                narrow(found, share.payee, low + floor(min(ends)), high + ceil(max(ends)))
        return tuple(found)

    def _net(self, payee: int) -> Spread:
        """Where the sum of a payee's signed lines so far lies."""
        totals = self.line_totals()
        signed = [(totals[at], sign) for at, sign in signed_lines(self.rule, payee)]
        least = sum(low if sign > 0 else -high for (low, high), sign in signed)
        return least, sum(high if sign > 0 else -low for (low, high), sign in signed)

    def _followed(self) -> Iterator[tuple[Share, Spread]]:
        """Every share with what its two sums differ by."""
        return zip(self.frame.shares or (), self.shares, strict=True)

    def line_totals(self) -> tuple[Spread, ...]:
        """Per line where the sum of its amounts so far lies: by its own, and by the registers it reads."""
        found = list(self.lines)
        for (line, place, sign), (low, high) in zip(self.frame.ties, self.ties, strict=True):
            name = self.rule.registers[place].name
            if name not in self.past.registers:
                continue
            first, now = self.starts[name], self.past.registers[name]
            grown = (now.low - first.high, now.high - first.low)
            low, high = (low - grown[1], high - grown[0]) if sign > 0 else (low + grown[0], high + grown[1])
            narrow(found, line, low, high)
        for share, (low, high) in self._followed():
            if share.line is not None and share.register is not None:
                name = self.rule.registers[share.register].name
                first, now = self.starts[name], self.past.registers[name]
                ends = [share.factor * end for end in (now.low - first.high, now.high - first.low)]
                narrow(found, share.line, low + floor(min(ends)), high + ceil(max(ends)))
        return tuple(found)

    def _narrow(self, kept: list[Spread], at: int, name: str) -> None:
        """A sum that formulas read is known more closely."""
        if name in self.past.read:
            narrow(kept, at, *self.past.read[name][:2])

    def _change(self, period: int) -> Change:
        if self.known is not None:
            number, past, change = self.known
            if past == self.past and (number == period or not self.frame.counts):
                return change
        this = PeriodRanges(self.frame, self.past, period)
        change = this.change()
        if not self.starts:
            self.starts = this.starts()
        self.known = (period, self.past, change)
        return change


def narrow(kept: list[Spread], at: int, low: int, high: int) -> None:
    """Something is known more closely."""
    kept[at] = (max(kept[at][0], low), min(kept[at][1], high))
