"""One period with ranges for values: what it can pay, and where what it leaves can lie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor, gcd
from typing import TypeAlias

from pyoutcome.formula import intervals as iv
from pyoutcome.formula import syntax as s
from pyoutcome.formula.ends import Ends, range_of
from pyoutcome.formula.frame import Frame, Share
from pyoutcome.formula.linear import Terms
from pyoutcome.formula.opened import OpenedSum
from pyoutcome.formula.printer import to_text
from pyoutcome.formula.rule import Rule
from pyoutcome.formula.state import cut_to_units
from pyoutcome.formula.walk import Box, Range, Walk

Spread: TypeAlias = tuple[int, int]
"""Least and greatest."""
NOTHING = Range(0, 0, 0)


@dataclass(slots=True)
class Past:
    """Where everything that earlier periods left can lie."""

    registers: dict[str, Range] = field(default_factory=dict)
    histories: dict[str, tuple[Range, ...]] = field(default_factory=dict)
    """Newest first."""
    sums: dict[tuple[str, int], Range] = field(default_factory=dict)
    """Of ``sum_last``: by name and number of periods."""
    read: dict[str, Range] = field(default_factory=dict)
    """Sums to date that formulas read, by the name they use."""


@dataclass(frozen=True, slots=True)
class Change:
    """What one period adds to sums to date that no formula reads, and what it leaves."""

    amounts: tuple[Spread, ...]
    lines: tuple[Spread, ...]
    earned: tuple[Spread, ...]
    gaps: tuple[Spread, ...]
    ties: tuple[Spread, ...]
    shares: tuple[Spread, ...]
    past: Past


class PeriodRanges:
    """One period, given where what earlier ones left can lie."""

    def __init__(self, frame: Frame, past: Past, period: int) -> None:
        self.frame = frame
        self.rule = frame.rule
        self.past = past
        self.period = period
        self.box = self._find_box()
        self.whole = Walk(self.rule, self.box, frame.parameters, period)
        self.whole.see(range(len(self.rule.order)))
        self.ends = Ends(frame, self.box, self.whole)
        self._signed = [signed_lines(self.rule, payee) for payee in range(len(self.rule.payees))]

    def amounts(self) -> tuple[Range, ...]:
        """Per payee where its amount lies."""
        return tuple(self.ends.of(((1, payee.amount),), halving=True) for payee in self.rule.payees)

    def change(self) -> Change:
        """All that this period does."""
        amounts = self.amounts()
        lines = tuple(self.ends.of(_value(line.name), halving=True) for line in self.rule.lines)
        return Change(
            tuple((low, high) for low, high, _ in amounts),
            tuple(map(self._cut, lines)),
            tuple(map(self._cut, amounts)),
            tuple(self._gap(at, amounts[at], lines) for at in range(len(self.rule.payees))),
            tuple(self._tie(at, place, sign, lines[at]) for at, place, sign in self.frame.ties),
            tuple(self._share(share, lines, amounts) for share in self._shares()),
            self._next_past(lines, amounts),
        )

    def starts(self) -> dict[str, Range]:
        """Where the registers lie before this period."""
        views = {each.name: self.whole.views[f"prev.{each.name}"] for each in self.rule.registers}
        return {name: range_of(view.low, view.high, view.grain) for name, view in views.items()}

    def _find_box(self) -> Box:
        box = {kpi.full_name: range_of(kpi.low, kpi.high, kpi.multiple) for kpi in self.rule.kpis}
        box |= self.past.read
        box |= {f"prev.{name}": within for name, within in self.past.registers.items()}
        for node in self.frame.looks:
            earlier = self.past.histories.get(node.name, ())
            if isinstance(node, s.SumLast):
                if earlier:
                    box[to_text(node)] = self.past.sums[node.name, node.periods]
            elif node.periods <= len(earlier):
                box[to_text(node)] = earlier[node.periods - 1]
                if f"prev.{node.name}" in self.rule.readings:
                    box.setdefault(f"prev.{node.name}", earlier[0])
        return box

    def _cut(self, of: Range) -> Spread:
        decimals = self.frame.unit_decimals
        return cut_to_units(of.low, decimals), cut_to_units(of.high, decimals)

    def _gap(self, payee: int, amount: Range, lines: tuple[Range, ...]) -> Spread:
        """Where a payee's amount less its signed lines lies, all of them cut to base units."""
        mine = self._signed[payee]
        if [(self.rule.lines[at].name, sign) for at, sign in mine] == [(_name(self.rule.payees[payee].amount), 1)]:
            return 0, 0
        signed = [(-sign, s.Name(self.rule.lines[at].name)) for at, sign in mine]
        form = self.frame.form((1, self.rule.payees[payee].amount), *signed)
        return self._cut_sum(form, [(1, amount), *((-sign, lines[at]) for at, sign in mine)])

    def _tie(self, line: int, register: int, sign: int, amount: Range) -> Spread:
        """Where a line, cut to base units, plus or less what a register grows by lies."""
        return self._cut_sum(self.frame.tie(line, register, sign), [(1, amount)], whole=False)

    def _shares(self) -> tuple[Share, ...]:
        """The shares to follow, found at one point of the first period that is looked at."""
        if self.frame.shares is None:
            found = {share.place: share for end in (0, 1) for share in self._shares_at(end)}
            self.frame.shares = tuple(found.values())
        return self.frame.shares

    def _shares_at(self, end: int) -> Iterator[Share]:
        """What the shares are where every variable is at its least (0) or greatest (1)."""
        point = {name: Range(within[end], within[end], abs(within[end])) for name, within in self.box.items()}
        walk = self.whole.inside_box(point, slopes=False)
        walk.see(range(len(self.rule.order)))
        for line, place in self.frame.register_pairs:
            name = self.rule.registers[place].name
            grown = walk.views[name].low - walk.views[f"prev.{name}"].low
            part = walk.views[self.rule.lines[line].name].low
            if grown and part and abs(part) != abs(grown):
                yield Share(Fraction(part, grown), line=line, register=place)
        for payee, signed in enumerate(self._signed):
            net = sum(sign * walk.views[self.rule.lines[at].name].low for at, sign in signed)
            amount = walk.view(self.rule.payees[payee].amount).low
            if net and amount and net != amount:
                yield Share(Fraction(amount, net), payee=payee)

    def _share(self, share: Share, lines: tuple[Range, ...], amounts: tuple[Range, ...]) -> Spread:
        """Where a line less its share of a register's growth lies, or an amount less its share of the lines."""
        terms: list[tuple[Fraction, s.Node]] = []
        cut: list[tuple[Fraction, Range]] = []
        if share.line is not None and share.register is not None:
            name = self.rule.registers[share.register].name
            terms += [(Fraction(1), s.Name(self.rule.lines[share.line].name))]
            terms += [(-share.factor, s.Name(name)), (share.factor, s.Name(f"prev.{name}"))]
            cut.append((Fraction(1), lines[share.line]))
        elif share.payee is not None:
            terms.append((Fraction(1), self.rule.payees[share.payee].amount))
            cut.append((Fraction(1), amounts[share.payee]))
            for at, sign in self._signed[share.payee]:
                terms.append((-share.factor * sign, s.Name(self.rule.lines[at].name)))
                cut.append((-share.factor * sign, lines[at]))
        key = share, self.ends.depends(tuple((1, node) for _, node in terms))
        if key not in self.frame.opened:
            least, most = (OpenedSum(self.rule, self.whole, upper=upper).end(terms) for upper in (False, True))
            self.frame.opened[key] = least, most
        low, high = self.frame.opened[key]
        for count, part in cut:
            if part.grain % self.frame.unit:
                # what cutting takes away has the sign of the part
                most = abs(count) * (self.frame.unit - 1)
                takes = (part.low < 0, part.high > 0)
                low -= most * takes[count > 0]
                high += most * takes[count < 0]
        return floor(low), ceil(high)

    def _cut_sum(self, form: Terms, cut: list[tuple[int, Range]], *, whole: bool = True) -> Spread:
        """Where a sum lies, some of whose parts are cut to base units; ``whole`` if all are."""
        low, high, _ = self.ends.of(form)
        unit = self.frame.unit
        for sign, part in cut:
            # what cutting takes away has the sign of the part
            if part.grain % unit:
                takes = (part.low < 0, part.high > 0)
                low -= (unit - 1) * takes[sign > 0]
                high += (unit - 1) * takes[sign < 0]
        return (-(-low // unit) * unit, high // unit * unit) if whole else (low, high)

    def _next_past(self, lines: tuple[Range, ...], amounts: tuple[Range, ...]) -> Past:
        registers = {each.name: self.ends.of(_value(each.name)) for each in self.rule.registers}
        now = {each.name: self.ends.of(_value(each.name)) for each in self.rule.carried.histories}
        histories = {
            each.name: (now[each.name], *self.past.histories.get(each.name, ()))[: each.depth]
            for each in self.rule.carried.histories
        }
        sums = {
            (node.name, node.periods): self._next_sum(node, histories[node.name])
            for node in self.frame.looks
            if isinstance(node, s.SumLast)
        }
        read: dict[str, Range] = {}
        for at in self.rule.carried.to_date:
            line = self.rule.lines[at].name
            read[f"to_date.{line}"] = self._next_read(f"to_date.{line}", s.Name(line), lines[at])
        for at in self.rule.carried.earned:
            name = self.frame.earned_name(at)
            read[name] = self._next_read(name, self.rule.payees[at].amount, amounts[at])
        return Past(registers, histories, sums, read)

    def _next_sum(self, node: s.SumLast, history: tuple[Range, ...]) -> Range:
        """The sum over the last periods, this one included: of its parts, and as the sum before, moved on by one."""
        low = high = grain = 0
        for within in history[: node.periods]:
            low, high, grain = low + within.low, high + within.high, gcd(grain, within.grain)
            iv.make(low, high, 1, None, 0)
        before = self.past.histories.get(node.name, ())
        if before:
            leaving = before[node.periods - 1] if len(before) >= node.periods else NOTHING
            form = self.frame.form((1, node), (1, s.Name(node.name)))
            least, most, _ = self.ends.of(form)
            low, high = max(low, least - leaving.high), min(high, most - leaving.low)
        return range_of(low, high, grain)

    def _next_read(self, name: str, amount: s.Node, added: Range) -> Range:
        """A sum to date after this period: as sum of ranges, and as one value with what is added."""
        before, unit = self.past.read[name], self.frame.unit
        low, high = self._cut_sum(self.frame.form((1, s.Name(name)), (1, amount)), [(1, added)])
        least, most = add_spreads((before.low, before.high), self._cut(added))
        iv.make(max(low, least), min(high, most), 1, None, 0)
        exact = added.grain % unit == 0
        return range_of(max(low, least), min(high, most), gcd(before.grain, added.grain if exact else unit))


def _value(name: str) -> Terms:
    return ((1, s.Name(name)),)


def signed_lines(rule: Rule, payee: int) -> list[tuple[int, int]]:
    """Index and sign of the lines that a payee is owed or owes."""
    return [(at, line.sign) for at, line in enumerate(rule.lines) if line.payee == payee and line.sign]


def _name(node: s.Node) -> str | None:
    return node.name if isinstance(node, s.Name) else None


def add_spreads(x: Spread, y: Spread) -> Spread:
    """Where the sum of two values lies."""
    return x[0] + y[0], x[1] + y[1]
