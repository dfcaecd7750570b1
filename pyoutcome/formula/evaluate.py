"""The evaluator: KPI values to line and payee amounts, with the reason for every figure.

This is the readable reference for amounts; the Solidity interpreter and ``machine.py`` are held equal to it by test.
One walk over the tree serves both plain evaluation and explanation; notes are taken only when asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal, TypeAlias

from pyoutcome.decimals import INT256_MAX, INT256_MIN, ONE, show
from pyoutcome.errors import FormulaError, did_you_mean
from pyoutcome.formula import arithmetic as a
from pyoutcome.formula import syntax as s
from pyoutcome.formula.printer import to_text
from pyoutcome.formula.rule import Item, ItemKind, Rule

NoteKind: TypeAlias = Literal["branch", "row", "segment", "band", "limit", "rounded", "truncated", "choice"]


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that decided a figure."""

    kind: NoteKind
    formula: str
    """The part of the formula it is about, as text."""
    span: s.Span
    """Where that part stands in the formula's text."""
    said: str
    """A sentence for people."""
    before: str = ""
    """The exact value before rounding or truncation: a decimal, or a fraction ``a/b`` where no decimal is exact."""
    after: str = ""
    """The value used from then on."""


@dataclass(frozen=True, slots=True)
class Step:
    """How one definition, line or payee amount came about."""

    kind: ItemKind
    name: str
    formula: str
    value: int
    """Scaled; of a yes/no definition 1 or 0."""
    inputs: tuple[tuple[str, int], ...]
    """Every name read and its value, in order of reading, each once. What a branch not taken would read is absent."""
    notes: tuple[Note, ...]
    said: str
    """A sentence for people."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one period, all numbers scaled by 10**18."""

    lines: tuple[int, ...]
    """Per line, in the rule's order, unsigned by the line's sign: what its formula gives."""
    amounts: tuple[int, ...]
    """Per payee: positive is owed to it, negative it owes."""
    definitions: tuple[int, ...]
    steps: tuple[Step, ...] = ()
    """In order of evaluation; empty unless an explanation was asked for."""


def evaluate(
    rule: Rule,
    values: Sequence[int],
    parameters: Sequence[int] | Mapping[str, int] | None = None,
    period: int = 1,
    *,
    explain: bool = False,
) -> Outcome:
    """The amounts of one period.

    ``values`` are the KPI values in KPI order, scaled (yes/no: 1 or 0). ``parameters`` replace the rule's own: all in
    order, or some by name. ``period`` counts from 1. Whether values lie in their ranges is the report's business, not
    checked here.

    Raises FormulaError ``overflow``, ``division-by-zero``, ``clamp-low-above-high``, ``round-step-not-positive``,
    ``curve-points-not-increasing``, ``bands-edges-decreasing``, ``choice-out-of-range``; ``inputs-do-not-fit`` for
    vectors of the wrong length.
    """
    names = _inputs(rule, values, parameters, period)
    run = _Run(rule, names, explain)
    steps: list[Step] = []
    results: dict[ItemKind, list[int]] = {
        "definition": [0] * len(rule.definitions),
        "line": [0] * len(rule.lines),
        "payee": [0] * len(rule.payees),
    }
    for item in rule.order:
        run.begin()
        try:
            value = run.value(item.formula)
        except FormulaError as problem:
            problem.details.setdefault("item", item.name)
            raise
        results[item.kind][item.index] = value
        if explain:
            steps.append(_step(item, value, run))
        if item.kind != "payee":
            names[item.name] = value
    return Outcome(tuple(results["line"]), tuple(results["payee"]), tuple(results["definition"]), tuple(steps))


def explain(
    rule: Rule,
    values: Sequence[int],
    parameters: Sequence[int] | Mapping[str, int] | None = None,
    period: int = 1,
) -> Outcome:
    """``evaluate`` with the steps filled in."""
    return evaluate(rule, values, parameters, period, explain=True)


def _inputs(
    rule: Rule, values: Sequence[int], parameters: Sequence[int] | Mapping[str, int] | None, period: int
) -> dict[str, int]:
    own = dict(rule.parameters)
    if isinstance(parameters, Mapping):
        for name in parameters:
            if name not in own:
                raise FormulaError(
                    "inputs-do-not-fit", f"The rule has no term {name!r}.", did_you_mean(name, own), name=name
                )
        own |= parameters
    elif parameters is not None:
        if len(parameters) != len(own):
            raise FormulaError(
                "inputs-do-not-fit",
                f"The rule has {len(own)} terms; {len(parameters)} values were given.",
                "Give one value per term, in order.",
            )
        own = dict(zip(own, parameters, strict=True))
    if len(values) != len(rule.kpis):
        raise FormulaError(
            "inputs-do-not-fit",
            f"The rule has {len(rule.kpis)} KPIs; {len(values)} values were given.",
            "Give one value per KPI, in order.",
        )
    names = {kpi.full_name: value for kpi, value in zip(rule.kpis, values, strict=True)} | own
    if not 1 <= period < 2**32 or any(not INT256_MIN <= value <= INT256_MAX for value in names.values()):
        raise FormulaError(
            "inputs-do-not-fit",
            "A value does not fit a signed 256-bit value, or the period is not counted from 1.",
            "Check the report.",
        )
    names["period"] = period * ONE
    return names


def _plain(value: Fraction) -> str:
    """A scaled exact value as text: a decimal if one is exact, else a fraction."""
    true = value / ONE
    rest = true.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        return f"{true.numerator}/{true.denominator}"
    digits = 0
    while true.denominator != 1:
        true, digits = true * 10, digits + 1
    sign, whole = ("-" if true < 0 else ""), str(abs(true.numerator)).rjust(digits + 1, "0")
    return f"{sign}{whole[:-digits]}.{whole[-digits:]}" if digits else f"{sign}{whole}"


class _Run:
    """One evaluation: the values known so far and, if asked for, the notes of the item at hand."""

    __slots__ = ("explain", "names", "notes", "read", "rule")

    def __init__(self, rule: Rule, names: dict[str, int], explain: bool) -> None:
        self.rule = rule
        self.names = names
        self.explain = explain
        self.begin()

    def begin(self) -> None:
        self.notes: list[Note] = []
        self.read: dict[str, int] = {}

    def value(self, node: s.Node) -> int:
        """The scaled value of a node; 1 or 0 of a yes/no."""
        return _READERS[type(node)](self, node)

    def note(self, kind: NoteKind, node: s.Node, said: str, before: str = "", after: str = "") -> None:
        if self.explain:
            self.notes.append(Note(kind, to_text(node), node.span, said, before, after))

    def lost(self, node: s.Node, exact: Fraction, used: int) -> int:
        """Take note of a truncation, if there was one."""
        if self.explain and exact != used:
            before, after = _plain(exact), show(used)
            said = f"{to_text(node)} is {before}, cut to 18 decimals: {after}."
            self.notes.append(Note("truncated", to_text(node), node.span, said, before, after))
        return used

    def number(self, node: s.Number) -> int:
        return node.value

    def truth(self, node: s.Truth) -> int:
        return int(node.value)

    def name(self, node: s.Name) -> int:
        value = self.names.get(node.name)
        if value is None:
            value = 0
            for part in self.rule.totals[node.name]:
                value = a.fit_word(value + self.names[part])
        if self.explain:
            self.read.setdefault(node.name, value)
        return value

    def neg(self, node: s.Neg) -> int:
        return a.fit_word(-self.value(node.operand))

    def absolute(self, node: s.Abs) -> int:
        return a.fit_word(abs(self.value(node.operand)))

    def plus(self, node: s.Plus) -> int:
        return a.fit_word(self.value(node.left) + self.value(node.right))

    def minus(self, node: s.Minus) -> int:
        return a.fit_word(self.value(node.left) - self.value(node.right))

    def product(self, node: s.Product) -> int:
        """The chain rule: all factors but the last from the left, then the last and the first divisor as one."""
        values = [self.value(node.factors[0])]
        last = len(node.factors) - 1
        for at, factor in enumerate(node.factors[1:], 1):
            values.append(self.value(factor))
            if at < last or not node.divisors:
                x, y = values
                values = [self.lost(node, Fraction(x * y, ONE), a.multiply(x, y))]
        result = values[0]
        for at, divisor in enumerate(node.divisors):
            z = self.value(divisor)
            if at == 0 and len(values) == 2:
                x, y = values
                result = a.multiply_divide(x, y, z)
                self.lost(node, Fraction(x * y, z), result)
            else:
                before, result = result, a.divide(result, z)
                self.lost(node, Fraction(before * ONE, z), result)
        return result

    def compare(self, node: s.Compare) -> int:
        for choice, label in ((node.left, node.right), (node.right, node.left)):
            if isinstance(choice, s.Name) and isinstance(label, s.Name):
                labels = self.rule.labels.get(choice.name)
                if labels is not None:
                    return int(a.holds(node.relation, self.name(choice), (labels.index(label.name) + 1) * ONE))
        return int(a.holds(node.relation, self.value(node.left), self.value(node.right)))

    def negation(self, node: s.Not) -> int:
        return int(not self.value(node.operand))

    def both(self, node: s.And) -> int:
        return self.value(node.right) if self.value(node.left) else 0

    def either(self, node: s.Or) -> int:
        return 1 if self.value(node.left) else self.value(node.right)

    def branch(self, node: s.If) -> int:
        met = self.value(node.condition)
        if self.explain:
            said = f"{to_text(node.condition)} {'holds' if met else 'does not hold'}, so "
            self.note("branch", node, f"{said}{to_text(node.then if met else node.otherwise)} applies.")
        return self.value(node.then if met else node.otherwise)

    def extreme(self, node: s.Min | s.Max) -> int:
        values = list(map(self.value, node.operands))
        least = isinstance(node, s.Min)
        result = min(values) if least else max(values)
        if self.explain:
            which, taken = "least" if least else "greatest", to_text(node.operands[values.index(result)])
            said = f"Of {len(values)} values the {which} is {taken} = {show(result)}."
            self.note("limit", node, said, after=show(result))
        return result

    def clamp(self, node: s.Clamp) -> int:
        x, low, high = self.value(node.of), self.value(node.low), self.value(node.high)
        result = a.clamp(x, low, high)
        if self.explain and result != x:
            said = f"{to_text(node.of)} is {show(x)}, {'raised' if x < low else 'lowered'} to the limit {show(result)}."
            self.note("limit", node, said, show(x), show(result))
        return result

    def outside(self, node: s.Outside) -> int:
        x, low, high = self.value(node.of), self.value(node.low), self.value(node.high)
        result = a.outside(x, low, high)
        if self.explain:
            place = "inside" if result == 0 else "below" if low - x == result else "above"
            said = f"{to_text(node.of)} is {show(x)}, {place} the range {show(low)} to {show(high)}"
            self.note("limit", node, f"{said}{f' by {show(result)}' if result else ''}.", show(x), show(result))
        return result

    def rounded(self, node: s.Round) -> int:
        x, step = self.value(node.of), self.value(node.step)
        result = a.round_step(x, step, node.mode)
        if self.explain:
            how = f"rounded {node.mode} to a multiple of {show(step)}"
            said = f"{to_text(node.of)} is {show(x)}, {how}: {show(result)}."
            self.note("rounded", node, said, show(x), show(result))
        return result

    def step(self, node: s.Step) -> int:
        x = self.value(node.of)
        edges: list[int] = []
        results: list[int] = []
        for row in node.rows:
            edges.append(self.value(row.at))
            results.append(self.value(row.value))
        results.append(self.value(node.otherwise))
        at = a.first_row(x, [row.edge for row in node.rows], edges)
        if self.explain:
            row_text = f"{node.rows[at].edge} {show(edges[at])}" if at < len(edges) else "otherwise"
            said = f"{to_text(node.of)} is {show(x)}: row '{row_text}' gives {show(results[at])}."
            self.note("row", node, said, show(x), show(results[at]))
        return results[at]

    def pick(self, node: s.Pick) -> int:
        x = self.value(node.choice)
        labels = self.rule.labels[node.choice.name]
        given = {row.label: row.value for row in node.rows}
        results: list[int] = []
        other: int | None = None
        for label in labels:
            if label in given:
                results.append(self.value(given[label]))
                continue
            if other is None and node.otherwise is not None:
                other = self.value(node.otherwise)
            results.append(other or 0)
        at = a.pick_row(x, len(labels))
        self.note("choice", node, f"{node.choice.name} is {labels[at]}, which gives {show(results[at])}.")
        return results[at]

    def bands(self, node: s.Bands) -> int:
        x = self.value(node.of)
        edges: list[int] = []
        rates: list[int] = []
        for row in node.rows:
            to = self.value(row.to)
            edges.append(a.fit_word(edges[-1] + to) if row.is_width and edges else to)
            rates.append(self.value(row.rate))
        rates.append(self.value(node.rest))
        result = a.bands(x, edges, rates)
        if self.explain:
            for part, rate in zip(a.band_parts(x, edges), rates, strict=True):
                if part:
                    paid = a.multiply(part, rate)
                    said = f"{show(part)} of {to_text(node.of)} at {show(rate)} is {show(paid)}."
                    self.note("band", node, said, _plain(Fraction(part * rate, ONE)), show(paid))
        return result

    def curve(self, node: s.Curve) -> int:
        x = self.value(node.of)
        xs: list[int] = []
        ys: list[int] = []
        for point in node.points:
            xs.append(self.value(point.x))
            ys.append(self.value(point.y))
        result = a.curve(x, xs, ys)
        if self.explain:
            at = a.segment(x, xs)
            inside = 0 <= at < len(xs) - 1
            if inside:
                ends = f"between {show(xs[at])} and {show(xs[at + 1])}"
                said = f"{to_text(node.of)} is {show(x)}, {ends}: {show(result)}."
                exact = Fraction(ys[at]) + Fraction((ys[at + 1] - ys[at]) * (x - xs[at]), xs[at + 1] - xs[at])
            else:
                side = "first" if at < 0 else "last"
                said = f"{to_text(node.of)} is {show(x)}, at or beyond the {side} point of the curve: {show(result)}."
                exact = Fraction(result)
            self.note("segment", node, said, _plain(exact), show(result))
        return result


_READERS: Final[dict[type[s.Node], Callable[..., int]]] = {
    s.Number: _Run.number,
    s.Truth: _Run.truth,
    s.Name: _Run.name,
    s.Neg: _Run.neg,
    s.Not: _Run.negation,
    s.Abs: _Run.absolute,
    s.Plus: _Run.plus,
    s.Minus: _Run.minus,
    s.Product: _Run.product,
    s.Compare: _Run.compare,
    s.And: _Run.both,
    s.Or: _Run.either,
    s.If: _Run.branch,
    s.Min: _Run.extreme,
    s.Max: _Run.extreme,
    s.Clamp: _Run.clamp,
    s.Outside: _Run.outside,
    s.Round: _Run.rounded,
    s.Step: _Run.step,
    s.Pick: _Run.pick,
    s.Bands: _Run.bands,
    s.Curve: _Run.curve,
}


def _step(item: Item, value: int, run: _Run) -> Step:
    types = run.rule.types
    shown = ("yes" if value else "no") if types.get(item.name) == "yes_no" else show(value)
    reads = ", ".join(f"{name} = {_shown(run.rule, name, read)}" for name, read in run.read.items())
    said = f"{item.name} is {shown}"
    said += f" = {to_text(item.formula)}" + (f", with {reads}." if reads else ".")
    return Step(item.kind, item.name, to_text(item.formula), value, tuple(run.read.items()), tuple(run.notes), said)


def _shown(rule: Rule, name: str, value: int) -> str:
    """A value as its type shows it: a number, yes or no, or a label."""
    kind = rule.types.get(name, "number")
    if kind == "choice":
        labels = rule.labels[name]
        return labels[value // ONE - 1] if value % ONE == 0 and 1 <= value // ONE <= len(labels) else show(value)
    return ("yes" if value else "no") if kind == "yes_no" else show(value)
