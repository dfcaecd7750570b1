"""Types of formulas - number, yes/no, choice - and the order of their tables."""

from __future__ import annotations

from itertools import pairwise
from typing import Final, NoReturn

from pyoutcome.decimals import INT256_MAX, show
from pyoutcome.errors import FormulaError
from pyoutcome.formula import syntax as s
from pyoutcome.formula.printer import to_text
from pyoutcome.formula.shapes import MOST_ITEMS, Item, KpiType


def refuse_type(item: Item, node: s.Node, wanted: str, found: KpiType) -> NoReturn:
    """Raise ``wrong-type``: ``found`` where ``wanted`` is needed."""
    shown = {"number": "a number", "yes_no": "a yes/no", "choice": "a choice"}[found]
    raise FormulaError(
        "wrong-type",
        f"{item.name}: '{to_text(node)[:80]}' is {shown} where {wanted} is needed.",
        _TYPE_REMEDIES.get((found, wanted), "Compare numbers to get a yes/no; use 'pick' to make a choice a number."),
        item=item.name,
        span=node.span,
    )


_TYPE_REMEDIES: Final = {
    ("yes_no", "a number"): "Say which number a condition gives: 'a if condition else b'.",
    ("number", "a yes/no"): "Compare it with something, such as 'x > 0'.",
    ("choice", "a number"): "Use 'pick' to give each label a number.",
    ("choice", "a yes/no"): "Compare it with one of its labels, such as 'tier == gold'.",
    ("number", "a choice"): "Only a KPI with 'choices' can be picked by; for a number use 'step'.",
    ("yes_no", "a choice"): "Only a KPI with 'choices' can be picked by; for a yes/no write 'a if condition else b'.",
}


class Types:
    """Types of one item's formula, given those of all names before it; checks its tables on the way."""

    def __init__(self, item: Item, types: dict[str, KpiType], labels: dict[str, tuple[str, ...]]) -> None:
        self.item = item
        self.types = types
        self.labels = labels

    def need(self, node: s.Node, wanted: KpiType) -> None:
        """Refuse a node of another type."""
        found = self.of(node)
        if found != wanted:
            refuse_type(self.item, node, "a number" if wanted == "number" else "a yes/no", found)

    def of(self, node: s.Node) -> KpiType:  # noqa: C901 - one case per kind of node
        """The type of a node; refuses what has none."""
        match node:
            case s.Number():
                if abs(node.value) > INT256_MAX:  # the least int256 has no positive twin, so no text
                    raise FormulaError("rule-size", "A constant does not fit a 256-bit value.", "Use a larger unit.")
                return "number"
            case s.Truth():
                return "yes_no"
            case s.Name():
                if node.name not in self.types:
                    raise FormulaError(
                        "wrong-type",
                        f"{self.item.name}: {node.name!r} is a label of a choice and has no value by itself.",
                        "Compare the choice with it (choice == label), or use it in 'pick'.",
                        item=self.item.name,
                        span=node.span,
                    )
                return self.types[node.name]
            case s.Compare():
                self.compare(node)
                return "yes_no"
            case s.Not() | s.And() | s.Or():
                for child in s.children(node):
                    self.need(child, "yes_no")
                return "yes_no"
            case s.If():
                self.need(node.condition, "yes_no")
                found = self.of(node.then)
                if found == "choice":
                    refuse_type(self.item, node.then, "a number or a yes/no", found)
                self.need(node.otherwise, found)
                return found
            case s.Pick():
                self.pick(node)
                return "number"
            case s.Step() | s.Bands() | s.Curve():
                self.table(node)
                return "number"
            case _:
                for child in s.children(node):
                    self.need(child, "number")
                return "number"

    def compare(self, node: s.Compare) -> None:
        for choice, label in ((node.left, node.right), (node.right, node.left)):
            if isinstance(choice, s.Name) and choice.name in self.labels:
                equality = node.relation in (s.Relation.EQ, s.Relation.NE)
                if not (equality and isinstance(label, s.Name) and label.name in self.labels[choice.name]):
                    raise FormulaError(
                        "pick-labels",
                        f"{self.item.name}: '{to_text(node)[:80]}' does not compare a choice with one of its labels.",
                        f"Use == or != with one of: {', '.join(self.labels[choice.name])}.",
                        item=self.item.name,
                        span=node.span,
                    )
                return
        self.need(node.left, "number")
        self.need(node.right, "number")

    def pick(self, node: s.Pick) -> None:
        labels = self.labels.get(node.choice.name)
        if labels is None:
            refuse_type(self.item, node.choice, "a choice", self.of(node.choice))
        named = [row.label for row in node.rows]
        missing = [label for label in labels if label not in named]
        needless = node.otherwise is not None and not missing
        if (
            not set(named) <= set(labels)
            or len(set(named)) < len(named)
            or needless
            or (missing and node.otherwise is None)
        ):
            raise FormulaError(
                "pick-labels",
                f"{self.item.name}: the labels of 'pick({node.choice.name}, ...)' are not exactly those of the choice.",
                f"Give each of {', '.join(labels)} one row, or 'otherwise' for those left out.",
                item=self.item.name,
                span=node.span,
            )
        for row in node.rows:
            self.need(row.value, "number")
        if node.otherwise is not None:
            self.need(node.otherwise, "number")

    def table(self, node: s.Step | s.Bands | s.Curve) -> None:
        for child in s.children(node):
            for part in s.children(child) if isinstance(child, s.StepRow | s.BandRow | s.Point) else (child,):
                self.need(part, "number")
        rows = node.points if isinstance(node, s.Curve) else node.rows
        least = 2 if isinstance(node, s.Curve) else 1 if isinstance(node, s.Step) else 0
        if not least <= len(rows) <= MOST_ITEMS:
            raise FormulaError(
                "rule-size",
                f"{self.item.name}: a table has {len(rows)} rows; {least} to {MOST_ITEMS} are possible.",
                "Add or remove rows.",
                item=self.item.name,
                span=node.span,
            )
        if isinstance(node, s.Step):
            self.step_rows(node)
        elif isinstance(node, s.Curve):
            xs = [point.x.value for point in node.points if isinstance(point.x, s.Number)]
            self.ordered(node, xs, all(a < b for a, b in pairwise(xs)))
        else:
            widths = [row.to.value for row in node.rows if row.is_width and isinstance(row.to, s.Number)]
            edges = [row.to.value for row in node.rows if not row.is_width and isinstance(row.to, s.Number)]
            rising = all(a <= b for a, b in pairwise((0, *edges)))
            self.ordered(node, edges, rising and all(width >= 0 for width in widths) and _edges_rise(node))

    def ordered(self, node: s.Node, numbers: list[int], fine: bool) -> None:
        if not fine:
            bad = next(((a, b) for a, b in pairwise(numbers) if a >= b), None)
            which = f": {show(bad[1])} stands after {show(bad[0])}" if bad else ""
            raise FormulaError(
                "table-order",
                f"{self.item.name}: the rows of '{to_text(node)[:80]}' do not rise from first to last{which}.",
                "Order the rows by their first number, each number once.",
                item=self.item.name,
                span=node.span,
            )

    def step_rows(self, node: s.Step) -> None:
        low: tuple[int, int] | None = None  # what no row before has taken: from low to high,
        high: tuple[int, int] | None = None  # each as (value, 1 just above it / 0 at it or just below)
        empty = False
        for row in node.rows:
            if not isinstance(row.at, s.Number):
                continue
            at = row.at.value
            upward = row.edge in (s.Edge.AT_LEAST, s.Edge.ABOVE)
            cut = (at, 1 if row.edge in (s.Edge.ABOVE, s.Edge.AT_MOST) else 0)
            wins = not empty and ((high is None or cut < high) if upward else (low is None or low < cut))
            if not wins:
                raise FormulaError(
                    "row-never-wins",
                    f"{self.item.name}: the row '{row.edge} {to_text(row.at)}' can never win; rows before it take all.",
                    "Reorder the rows: the first row that holds wins.",
                    item=self.item.name,
                    span=row.span,
                )
            if upward:
                high = cut if high is None or cut < high else high
            else:
                low = cut if low is None or low < cut else low
            empty = low is not None and high is not None and low >= high


def _edges_rise(node: s.Bands) -> bool:
    """Do the constant edges rise, widths counted from the edge before, as far as constants tell?"""
    before: int | None = 0
    for row in node.rows:
        if not isinstance(row.to, s.Number):
            before = None
            continue
        edge = row.to.value if not row.is_width else None if before is None else before + row.to.value
        if edge is not None and before is not None and edge < before:
            return False
        before = edge
    return True
