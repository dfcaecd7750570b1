"""Random well-typed rules and values for them. Import ``rules`` and ``values_for`` from here in any test.

``rules(size)`` grows the number of items and the depth of formulas with ``size`` (1 small, 3 usual, 5 large).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from pyoutcome.decimals import INT256_MAX, INT256_MIN, ONE, Rounding
from pyoutcome.formula import syntax as s
from pyoutcome.formula.rule import Definition, KpiShape, Line, Payee, Register, Rule, net_of

words = st.one_of(
    st.integers(-1_000, 1_000).map(lambda n: n * ONE // 4),
    st.integers(-(10**9), 10**9).map(lambda n: n * 10**12),
    st.integers(-(10**30), 10**30),
    st.sampled_from([0, 1, -1, ONE, -ONE, INT256_MAX, INT256_MIN]),
    st.integers(INT256_MIN, INT256_MAX),
)
"""Any int256, mostly of a size that real values have."""
constants = st.one_of(
    st.integers(-200, 300).map(lambda n: n * ONE),
    st.integers(-(10**5), 10**5).map(lambda n: n * 10**16),
    st.integers(-(10**24), 10**24),
    st.sampled_from([0, ONE, 255 * ONE, 256 * ONE, 2**126, -(2**126), 2**126 + 1, INT256_MAX, -INT256_MAX]),
)
_small = st.integers(-6, 9).map(lambda n: n * ONE // 2)
_positive = st.one_of(st.integers(1, 400).map(lambda n: n * 10**16), st.integers(1, 60).map(lambda n: n * ONE))


@dataclass
class _Scope:
    numbers: list[str]
    truths: list[str]
    choices: dict[str, tuple[str, ...]]
    past: tuple[str, ...] = ()
    """Values whose earlier periods formulas may read."""


class _Maker:
    """Draws formulas over the names of a scope; ``tame`` ones with small numbers, dividing by constants only."""

    def __init__(self, draw: Any, scope: _Scope, *, tame: bool = False) -> None:
        self.draw = draw
        self.scope = scope
        self.tame = tame

    def below(self, most: int) -> int:
        return int(self.draw(st.integers(0, most - 1)))

    def constant(self) -> s.Number:
        return s.Number(self.draw(_small if self.tame else constants))

    def leaf(self) -> s.Node:
        if self.scope.past and not self.below(6):
            name = self.scope.past[self.below(len(self.scope.past))]
            return (s.Lag, s.SumLast)[self.below(2)](name, 1 + self.below(4))
        if self.scope.numbers and self.below(4):
            return s.Name(self.scope.numbers[self.below(len(self.scope.numbers))])
        return self.constant()

    def number(self, depth: int) -> s.Node:
        if depth <= 0:
            return self.leaf()
        kind = self.below(16)
        if kind == 0:
            return s.negate(self.number(depth - 1))
        if kind == 1:
            return s.Abs(self.number(depth - 1))
        if kind in (2, 3):
            return (s.Plus if kind == 2 else s.Minus)(self.number(depth - 1), self.number(depth - 2))
        if kind in (4, 5, 6):
            factors = tuple(self.number(depth - 1 - at) for at in range(1 + self.below(3)))
            return s.product(factors, tuple(self.divisor(depth - 2) for _ in range(self.below(3))))
        if kind == 7:
            return (s.Min, s.Max)[self.below(2)](tuple(self.number(depth - 1) for _ in range(2 + self.below(2))))
        if kind in (8, 9) and self.tame:
            return (s.Clamp, s.Outside)[kind - 8](self.number(depth - 1), s.Number(-ONE), s.Number(2 * ONE))
        if kind in (8, 9):
            return (s.Clamp, s.Outside)[kind - 8](self.number(depth - 1), self.leaf(), self.leaf())
        if kind == 10:
            step = s.Number(self.draw(_positive)) if self.tame or self.below(5) else self.leaf()
            return s.Round(self.number(depth - 1), step, tuple(Rounding)[self.below(6)])
        if kind == 11:
            return s.If(self.truth(depth - 1), self.number(depth - 1), self.number(depth - 2))
        if kind == 12 and self.scope.choices:
            return self.pick(depth)
        return (self.step, self.bands, self.curve)[kind % 3](depth)

    def divisor(self, depth: int) -> s.Node:
        return s.Number(self.draw(_positive)) if self.tame else self.number(depth)

    def truth(self, depth: int) -> s.Node:
        kind = self.below(8) if depth > 0 else self.below(4)
        if kind == 0:
            if self.scope.truths:
                return s.Name(self.scope.truths[self.below(len(self.scope.truths))])
            return s.Truth(value=bool(self.below(2)))
        if kind == 1 and self.scope.choices:
            name, labels = list(self.scope.choices.items())[self.below(len(self.scope.choices))]
            pair = (s.Name(name), s.Name(labels[self.below(len(labels))]))
            return s.Compare((s.Relation.EQ, s.Relation.NE)[self.below(2)], *pair)
        if kind == 4:
            return s.Not(self.truth(depth - 1))
        if kind in (5, 6):
            return (s.And, s.Or)[kind - 5](self.truth(depth - 1), self.truth(depth - 1))
        if kind == 7:
            return s.If(self.truth(depth - 1), self.truth(depth - 1), self.truth(depth - 1))
        return s.Compare(tuple(s.Relation)[self.below(6)], self.number(depth - 1), self.number(depth - 1))

    def cells(self, depth: int, count: int) -> list[s.Node]:
        """Values of rows: usually constants."""
        if self.below(3):
            return [self.constant() for _ in range(count)]
        return [self.number(depth - 2) for _ in range(count)]

    def rising(self, count: int, strict: bool) -> list[s.Node]:
        """Positions: usually constants in order, sometimes anything."""
        if self.below(5) == 0 and not self.tame:
            return [self.leaf_over_names() for _ in range(count)]
        at = self.draw(st.integers(-40, 60)) * ONE if strict else 0
        found: list[s.Node] = []
        for _ in range(count):
            at += self.draw(_positive) if strict or self.below(4) else 0
            found.append(s.Number(at))
        return found

    def leaf_over_names(self) -> s.Node:
        return s.Plus(self.leaf(), s.Number(self.draw(_positive)))

    def step(self, depth: int) -> s.Node:
        count = 1 + self.below(6)
        positions = self.rising(count, strict=True)
        values = self.cells(depth, count + 1)
        split = self.below(count + 1)
        down = [(at, (s.Edge.AT_MOST, s.Edge.BELOW)[self.below(2)]) for at in positions[:split]]
        up = [(at, (s.Edge.AT_LEAST, s.Edge.ABOVE)[self.below(2)]) for at in reversed(positions[split:])]
        ordered = up + down if self.below(2) else down + up
        rows = tuple(s.StepRow(edge, at, value) for (at, edge), value in zip(ordered, values, strict=False))
        return s.Step(self.number(depth - 1), rows, values[-1])

    def curve(self, depth: int) -> s.Node:
        count = 2 + self.below(4)
        points = zip(self.rising(count, strict=True), self.cells(depth, count), strict=True)
        return s.Curve(self.number(depth - 1), tuple(s.Point(x, y) for x, y in points))

    def bands(self, depth: int) -> s.Node:
        count = self.below(5)
        edges, rates = self.rising(count, strict=False), self.cells(depth, count + 1)
        widths = not self.below(3)
        if widths:
            edges = [s.Number(self.draw(_positive)) for _ in range(count)]
        rows = tuple(s.BandRow(widths, to, rate) for to, rate in zip(edges, rates, strict=False))
        return s.Bands(self.number(depth - 1), rows, rates[-1])

    def pick(self, depth: int) -> s.Node:
        name, labels = list(self.scope.choices.items())[self.below(len(self.scope.choices))]
        named = labels if self.below(2) or len(labels) == 1 else labels[:-1]
        rows = tuple(s.PickRow(label, value) for label, value in zip(named, self.cells(depth, len(named)), strict=True))
        return s.Pick(s.Name(name), rows, None if len(named) == len(labels) else self.number(depth - 2))


_FLAG = KpiShape("flag", 0, 1, 18, type="yes_no", opening=0)


@st.composite
def kpis(draw: Any, *, state: bool = False, tame: bool = False) -> tuple[KpiShape, ...]:
    """One to five KPIs of all types, some of them once per provider; with ``state`` some have opening values."""
    if tame:
        opening = draw(st.sampled_from([None, 0, 2 * ONE]))
        return (KpiShape("k0", -3 * ONE, 5 * ONE, 0, opening=opening), KpiShape("k1", 0, 2 * ONE, 1), _FLAG)
    found: list[KpiShape] = []
    for at in range(draw(st.integers(1, 4))):
        kind = draw(st.integers(0, 5))
        if kind == 0:
            found.append(KpiShape.yes_no(f"flag{at}"))
        elif kind == 1:
            found.append(KpiShape.choice(f"choice{at}", tuple(f"c{at}{label}" for label in "abc"[: 1 + at % 3])))
        else:
            decimals = draw(st.sampled_from([0, 2, 4, 18]))
            multiple = 10 ** (18 - decimals)
            low = draw(st.integers(-100, 100)) * ONE
            high = low + draw(st.integers(0, 2000)) * multiple
            providers = ("UA", "B6") if kind == 2 else (None,)
            found += [KpiShape(f"k{at}", low, high, decimals, provider) for provider in providers]
    if state:
        found = [replace(kpi, opening=draw(_values_of(kpi))) if draw(st.booleans()) else kpi for kpi in found]
    return tuple(found)


@st.composite
def rules(draw: Any, size: int = 3, *, state: bool = False, tame: bool = False) -> Rule:
    """A whole rule: KPIs of every type, terms, definitions, lines of every sign, and payees.

    With ``state`` also registers, histories, sums to date, opening values and the calendar. ``tame`` rules have small
    KPIs and constants, so that most of them have bounds and their amounts move.
    """
    shapes = draw(kpis(state=state, tame=tame))
    parameters = tuple((f"t{at}", draw(_small if tame else constants)) for at in range(draw(st.integers(0, 2))))
    scope = _Scope(
        [kpi.full_name for kpi in shapes if kpi.type == "number"] + [name for name, _ in parameters] + ["period"],
        [kpi.full_name for kpi in shapes if kpi.type == "yes_no"],
        {kpi.full_name: kpi.labels for kpi in shapes if kpi.type == "choice"},
    )
    scope.numbers += sorted({f"total.{kpi.name}" for kpi in shapes if kpi.provider})
    maker = _Maker(draw, scope, tame=tame)
    payees = draw(st.integers(1, 1 if tame else 3))
    plan = [draw(st.integers(0, 3)) for _ in range(1 + draw(st.integers(0, size)))]
    registers: list[tuple[str, s.Node, bool]] = []
    per_year = None
    if state:
        per_year = draw(st.sampled_from([None, 1, 3, 12]))
        registers = _add_state(maker, shapes, parameters, payees, plan)
        scope.numbers += ["year", "period_of_year"] if per_year else []
    definitions: list[Definition] = []
    lines: list[Line] = []
    nexts: list[Register] = []
    for at, kind in enumerate(plan):
        depth = draw(st.integers(1, size))
        if kind == 0:
            definitions.append(Definition(f"d{at}", maker.number(depth)))
            scope.numbers.append(f"d{at}")
        elif kind == 1:
            definitions.append(Definition(f"d{at}.met", maker.truth(depth)))
            scope.truths.append(f"d{at}.met")
        else:
            payee = draw(st.integers(1 if tame else 0, payees)) - 1
            sign = draw(st.integers(-1, 1)) if payee >= 0 else 0
            lines.append(Line(f"l{at}", payee if payee >= 0 else None, sign, maker.number(depth)))
            scope.numbers.append(f"l{at}")
        if registers and draw(st.booleans()):
            nexts.append(_next_register(maker, *registers.pop()))
    nexts += [_next_register(maker, *register) for register in registers]
    amounts = [
        net_of(tuple(lines), at)
        if tame or draw(st.booleans())
        else s.Clamp(maker.number(1), s.Number(-ONE), s.Number(ONE))
        for at in range(payees)
    ]
    return Rule(
        shapes,
        parameters,
        tuple(definitions),
        tuple(lines),
        tuple(Payee(f"P{at}", amount) for at, amount in enumerate(amounts)),
        tuple(nexts),
        per_year,
    )


def _add_state(
    maker: _Maker, shapes: tuple[KpiShape, ...], parameters: tuple[tuple[str, int], ...], payees: int, plan: list[int]
) -> list[tuple[str, s.Node, bool]]:
    """Put values of earlier periods into scope; name, start and kind of the registers still to get a next value."""
    scope = maker.scope
    opened = [kpi for kpi in shapes if kpi.opening is not None]
    scope.numbers += [f"prev.{kpi.full_name}" for kpi in opened if kpi.type == "number"]
    scope.truths += [f"prev.{kpi.full_name}" for kpi in opened if kpi.type == "yes_no"]
    scope.choices |= {f"prev.{kpi.full_name}": kpi.labels for kpi in opened if kpi.type == "choice"}
    scope.numbers += [f"to_date.l{at}" for at, kind in enumerate(plan) if kind > 1]
    scope.numbers += [f"earned_before.P{at}" for at in range(payees)] + (["earned_before"] if payees == 1 else [])
    early = _Maker(maker.draw, _Scope([name for name, _ in parameters], [], {}), tame=maker.tame)
    found: list[tuple[str, s.Node, bool]] = []
    for at in range(maker.below(4)):
        is_truth = not maker.below(3)
        start = early.truth(1) if is_truth else early.number(maker.below(2))
        (scope.truths if is_truth else scope.numbers).append(f"prev.r{at}")
        found.append((f"r{at}", start, is_truth))
    past = [kpi.full_name for kpi in shapes if kpi.type == "number"]
    past += [f"{'l' if kind > 1 else 'd'}{at}" for at, kind in enumerate(plan) if kind != 1]
    scope.past = (*past, *(name for name, _, is_truth in found if not is_truth))
    return found


def _next_register(maker: _Maker, name: str, start: s.Node, is_truth: bool) -> Register:
    """A register with its next value; from here on formulas may use it."""
    made = Register(name, start, maker.truth(2) if is_truth else maker.number(2))
    (maker.scope.truths if is_truth else maker.scope.numbers).append(name)
    return made


def _values_of(kpi: KpiShape) -> st.SearchStrategy[int]:
    multiples = st.integers(kpi.low // kpi.multiple, kpi.high // kpi.multiple)
    return st.one_of(st.sampled_from([kpi.low, kpi.high]), multiples.map(lambda n: n * kpi.multiple))


def values_for(rule: Rule) -> st.SearchStrategy[tuple[int, ...]]:
    """One value per KPI, inside its range and a multiple of its decimals; ends come up often."""
    return st.tuples(*(_values_of(kpi) for kpi in rule.kpis))


def wild_values_for(rule: Rule) -> st.SearchStrategy[tuple[int, ...]]:
    """One word per KPI, in its range or not; yes/no KPIs stay 0 or 1."""
    return st.tuples(*(st.integers(0, 1) if kpi.type == "yes_no" else words for kpi in rule.kpis))


@st.composite
def rules_with_values(draw: Any, size: int = 3, *, wild: bool = False) -> tuple[Rule, tuple[int, ...]]:
    """A rule and KPI values for it."""
    rule = draw(rules(size))
    return rule, draw(wild_values_for(rule) if wild else values_for(rule))


@st.composite
def rules_with_periods(draw: Any, size: int = 2, most: int = 6) -> tuple[Rule, tuple[tuple[int, ...], ...]]:
    """A rule that may look back, and KPI values for several periods: tame ones, now and then any words."""
    rule = draw(rules(size, state=True))
    values = st.one_of(values_for(rule), values_for(rule), values_for(rule), wild_values_for(rule))
    return rule, tuple(draw(values) for _ in range(draw(st.integers(1, most))))
