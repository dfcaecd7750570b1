"""What decided a figure, in sentences for people: written while it is worked out.

Numbers have thousands separators, and are percents where the formula or the KPI is written so. A part that has been
told about already stands as its value in what is told next, so that each sentence is about one step.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import fields, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from pyoutcome.decimals import ONE, show, show_grouped
from pyoutcome.formula import arithmetic as a
from pyoutcome.formula import syntax as s
from pyoutcome.formula.outcome import Note, NoteKind
from pyoutcome.formula.printer import to_text
from pyoutcome.formula.words import ROUNDED, list_words, number_words

if TYPE_CHECKING:
    from pyoutcome.formula.rule import Rule

_EDGES: Final = {
    s.Edge.AT_LEAST: "at least",
    s.Edge.ABOVE: "above",
    s.Edge.AT_MOST: "at most",
    s.Edge.BELOW: "below",
}


class Teller:
    """Takes notes about one item; ``percents`` are names whose values people read as percents."""

    def __init__(self, rule: Rule, percents: Collection[str] = ()) -> None:
        self.rule = rule
        self.percents = percents
        self.begin()

    def begin(self) -> None:
        """Start with the next item."""
        self.notes: list[Note] = []
        self.read: dict[str, int] = {}
        self._values: dict[int, int] = {}
        self._told: set[int] = set()

    def value(self, node: s.Node, value: int) -> None:
        """A part has been worked out."""
        self._values[id(node)] = value

    def closing(self, formula: s.Node, value: int) -> str:
        """How the figure follows from what has been told, as the last sentence; empty if that said it."""
        if isinstance(formula, s.If):
            return self.closing(formula.then if id(formula.then) in self._values else formula.otherwise, value)
        if id(formula) in self._told:
            return ""
        shown = self._shown(formula, value)
        if isinstance(formula, s.Number | s.Truth):
            return f"It is {shown}."
        if isinstance(formula, s.Name | s.Lag | s.SumLast):
            return f"{to_text(formula)} is {shown}."
        steps = dict.fromkeys((self._part(formula), self._filled(formula), shown))
        return f"{' = '.join(steps)}."

    # --- one note for each kind of step -------------------------------------------------------------------------------

    def lost(self, node: s.Node, exact: Fraction, used: int) -> None:
        """Decimals beyond 18 were cut."""
        before, after = plain(exact), show(used)
        self._note("truncated", node, f"{self._text(node)} is {before}, cut to 18 decimals: {after}.", before, after)

    def branch(self, node: s.If, met: int) -> None:
        """One side of an ``if``, before it is worked out."""
        side = self._text(node.then if met else node.otherwise)
        reads = dict(self._compared(node.condition))
        where = f" ({', '.join(f'{name} is {value}' for name, value in reads.items())})" if reads else ""
        holds = "holds" if met else "does not hold"
        self._note("branch", node, f"{self._text(node.condition)} {holds}{where}: {side}.")

    def _compared(self, condition: s.Node) -> Iterator[tuple[str, str]]:
        """The names that a condition has read and their values; beside a percent they are percents."""
        for each in s.walk(condition):
            parts = s.children(each)
            percent = isinstance(each, s.Compare) and any(map(self._is_percent, parts))
            for part in (*parts, *((each,) if each is condition else ())):
                if isinstance(part, s.Name) and part.name in self.read:
                    read = self.read[part.name]
                    yield part.name, show_grouped(read, percent=True) if percent else self._shown(part, read)

    def extreme(self, node: s.Min | s.Max, values: Sequence[int], result: int) -> None:
        """The least or greatest; beside a fixed value it is a limit, which changes something or does not."""
        fixed = [at for at, each in enumerate(node.operands) if self._is_fixed(each)]
        if len(values) == 2 and len(fixed) == 1:
            at = fixed[0]
            other, value, limit = node.operands[1 - at], values[1 - at], self._shown(node, values[at])
            least = isinstance(node, s.Min)
            if result == value:
                how = f"not {'above' if least else 'below'} the limit {limit}, which changes nothing"
            else:
                how = f"{'lowered' if least else 'raised'} to the limit {limit}"
            self._note("limit", node, f"{self._subject(other)} is {self._shown(node, value)}, {how}.", "", show(result))
            return
        parts = [f"{self._part(each)} = {self._shown(node, value)}"
                 for each, value in zip(node.operands, values, strict=True)]  # fmt: skip
        which = "least" if isinstance(node, s.Min) else "greatest"
        said = f"The {which} of {list_words(parts)} is {self._shown(node, result)}."
        self._note("limit", node, said, "", show(result))

    def clamp(self, node: s.Clamp, x: int, low: int, high: int, result: int) -> None:
        """A value between two limits."""
        said = f"{self._subject(node.of)} is {self._shown(node, x)}, "
        if result == x:
            said += f"within the limits {self._shown(node, low)} and {self._shown(node, high)}, which change nothing."
        else:
            said += f"{'raised' if x < low else 'lowered'} to the limit {self._shown(node, result)}."
        self._note("limit", node, said, show(x), show(result))

    def outside(self, node: s.Outside, x: int, low: int, high: int, result: int) -> None:
        """How far a value lies outside a range."""
        place = "inside" if result == 0 else "below" if low - x == result else "above"
        by = f" by {self._shown(node, result)}" if result else ""
        ends = f"{self._shown(node, low)} to {self._shown(node, high)}"
        said = f"{self._subject(node.of)} is {self._shown(node, x)}, {place} the range {ends}{by}."
        self._note("limit", node, said, show(x), show(result))

    def rounded(self, node: s.Round, x: int, step: int, result: int) -> None:
        """A rounding, and whether it changed the value."""
        how = ROUNDED[node.mode].format(show_grouped(step))
        after = "unchanged" if x == result else self._shown(node, result)
        said = f"{self._subject(node.of)} is {self._shown(node, x)}, {how}: {after}."
        self._note("rounded", node, said, show(x), show(result))

    def row(self, node: s.Step, x: int, edges: Sequence[int], at: int, result: int) -> None:
        """The row of a step table."""
        percent = self._is_percent(node.of) or any(self._is_percent(row.at) for row in node.rows)
        said = f"{self._subject(node.of)} is {show_grouped(x, percent=percent)}"
        if at < len(edges):
            said += f", {_EDGES[node.rows[at].edge]} {show_grouped(edges[at], percent=percent)}"
        else:
            said += ", for which no row but 'otherwise' holds"
        self._note("row", node, f"{said}: {self._shown(node, result)}.", show(x), show(result))

    def choice(self, node: s.Pick, label: str, result: int) -> None:
        """The row of a choice."""
        self._note("choice", node, f"{node.choice.name} is {label}: {self._shown(node, result)}.")

    def bands(self, node: s.Bands, x: int, edges: Sequence[int], rates: Sequence[int]) -> None:
        """What lies in each band."""
        whole = self._subject(node.of)
        parts = [(part, rate) for part, rate in zip(a.band_parts(x, edges), rates, strict=True) if part]
        for part, rate in parts:
            exact, paid = Fraction(part * rate, ONE), a.multiply(part, rate)
            inside = f"{show_grouped(part)} of {'that' if whole == 'That' else whole}"
            said = f"{inside} at {self._row_value(node, rate)} is {show_grouped(paid)}{_cut(exact, paid)}."
            self._note("band", node, said, plain(exact), show(paid))
        if len(parts) > 1:
            total = sum(a.multiply(part, rate) for part, rate in parts)
            last = self.notes.pop()
            self.notes.append(replace(last, said=f"{last.said} Together {show_grouped(total)}."))
        if not parts:
            self._note("band", node, f"{whole} is {show_grouped(x)}, so no band holds anything.", "0", "0")

    def segment(self, node: s.Curve, x: int, xs: Sequence[int], ys: Sequence[int], result: int) -> None:
        """The straight line of a curve."""
        percent = self._is_percent(node.of) or any(self._is_percent(point.x) for point in node.points)
        at = a.segment(x, xs)
        exact = Fraction(result)
        if 0 <= at < len(xs) - 1:
            exact = Fraction(ys[at]) + Fraction((ys[at + 1] - ys[at]) * (x - xs[at]), xs[at + 1] - xs[at])
            ends = [f"{show_grouped(xs[end], percent=percent)} (which gives {self._shown(node, ys[end])})"
                    for end in (at, at + 1)]  # fmt: skip
            place = f"between {' and '.join(ends)}"
        else:
            place = f"at or beyond the {'first' if at < 0 else 'last'} point of the curve"
        said = f"{self._subject(node.of)} is {show_grouped(x, percent=percent)}, {place}"
        said += f": {self._shown(node, result)}{_cut(exact, result)}."
        self._note("segment", node, said, plain(exact), show(result))

    # --- how parts are called -----------------------------------------------------------------------------------------

    def _note(self, kind: NoteKind, node: s.Node, said: str, before: str = "", after: str = "") -> None:
        self.notes.append(Note(kind, to_text(node), node.span, said, before, after))
        self._told.add(id(node))

    def _subject(self, node: s.Node) -> str:
        """A part at the beginning of a sentence: ``that`` if the sentence before was about it."""
        return "That" if id(node) in self._told else self._part(node)

    def _part(self, node: s.Node) -> str:
        """A part, with what has been told about as values."""
        if isinstance(node, s.Name | s.Number):
            return self._text(node)
        return to_text(self._replaced(node, lambda each: self._figure(each) if id(each) in self._told else None))

    def _filled(self, node: s.Node) -> str:
        """A part with values instead of names as well."""

        def figure(each: s.Node) -> s.Node | None:
            known = id(each) in self._told or isinstance(each, s.Name | s.Lag | s.SumLast)
            return self._figure(each) if known else None

        return to_text(self._replaced(node, figure))

    def _text(self, node: s.Node) -> str:
        return to_text(self._replaced(node, lambda _: None))

    def _figure(self, node: s.Node) -> s.Node | None:
        value = self._values.get(id(node))
        return None if value is None else s.Name(self._shown(node, value))

    def _replaced(self, node: s.Node, change: Callable[[s.Node], s.Node | None]) -> s.Node:
        """The part with changed parts in it, and percents as they were written."""
        changed = change(node)
        if changed is not None:
            return changed
        if isinstance(node, s.Number):
            return s.Name(number_words(node)) if node.text.endswith("%") else node
        parts: dict[str, object] = {}
        for each in fields(node):
            value = getattr(node, each.name)
            if isinstance(value, s.Node) and not (isinstance(node, s.Pick) and each.name == "choice"):
                parts[each.name] = self._replaced(value, change)
            elif isinstance(value, tuple) and value and isinstance(value[0], s.Node):
                parts[each.name] = tuple(self._replaced(item, change) for item in value)
        return replace(node, **parts) if parts else node  # type: ignore[arg-type]

    # --- how values are shown -----------------------------------------------------------------------------------------

    def _shown(self, node: s.Node, value: int) -> str:
        """A value of a part: a number, a percent, yes or no, or a label."""
        if isinstance(node, s.Name):
            kind = self.rule.types.get(node.name, "number")
            if kind == "yes_no":
                return "yes" if value else "no"
            if kind == "choice":
                labels = self.rule.labels[node.name]
                return labels[value // ONE - 1] if value % ONE == 0 and 0 < value // ONE <= len(labels) else show(value)
        if isinstance(node, s.Compare | s.And | s.Or | s.Not | s.Truth):
            return "yes" if value else "no"
        return show_grouped(value, percent=self._is_percent(node))

    def _row_value(self, node: s.Bands, rate: int) -> str:
        rates = (*(row.rate for row in node.rows), node.rest)
        return show_grouped(rate, percent=any(map(self._is_percent, rates)))

    def _is_fixed(self, node: s.Node) -> bool:
        """Is it a number or a term, which no report changes?"""
        return isinstance(node, s.Number) or (isinstance(node, s.Name) and node.name in dict(self.rule.parameters))

    def _is_percent(self, node: s.Node) -> bool:
        """Do people read its values as percents?"""
        match node:
            case s.Number():
                return node.text.endswith("%")
            case s.Name() | s.Lag() | s.SumLast():
                return node.name.removeprefix("prev.") in self.percents
            case s.Product():
                return not node.divisors and all(map(self._is_percent, node.factors))
            case s.Step() | s.Pick():
                values = [row.value for row in node.rows]
                return any(map(self._is_percent, values if node.otherwise is None else [*values, node.otherwise]))
            case s.Curve():
                return any(self._is_percent(point.y) for point in node.points)
            case s.If():
                return self._is_percent(node.then) or self._is_percent(node.otherwise)
            case s.Round():
                return self._is_percent(node.of)
            case s.Plus() | s.Minus() | s.Min() | s.Max() | s.Neg() | s.Abs() | s.Clamp() | s.Outside():
                return any(map(self._is_percent, s.children(node)))
            case _:
                return False


def _cut(exact: Fraction, used: int) -> str:
    """That a value was cut, if it was."""
    return "" if exact == used else f" (exactly {plain(exact)}, cut to 18 decimals)"


def plain(value: Fraction) -> str:
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
