"""A rule with ranges for values: what its items can be, all of them or those that one value needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pyoutcome.decimals import ONE
from pyoutcome.errors import FormulaError
from pyoutcome.formula import intervals as iv
from pyoutcome.formula import syntax as s
from pyoutcome.formula.comparing import MIRROR, OPPOSITE, Truth, compared, narrowed
from pyoutcome.formula.intervals import View
from pyoutcome.formula.linear import rests_of, view_of
from pyoutcome.formula.printer import to_text
from pyoutcome.formula.rule import Item, Rule
from pyoutcome.formula.tables import bands_view, curve_view, refuse_width, round_view, step_view


class Range(NamedTuple):
    """Where a value lies: between ``low`` and ``high``, a multiple of ``grain``."""

    low: int
    high: int
    grain: int

    def view(self, name: str, *, slopes: bool) -> View:
        """As a variable of that name; without slopes only its range is followed, which is quicker."""
        if not slopes:
            return View(self.low, self.high, self.grain, None, 0)
        if self.low == self.high:
            return iv.constant(self.low)
        return View(self.low, self.high, self.grain, {name: iv.ITSELF}, 0)


Box = dict[str, Range]
"""Where every KPI and every value of earlier periods lies."""


class Walk:
    """What the items of a rule can be for values inside a box; each item is looked at once, when it is needed."""

    def __init__(
        self, rule: Rule, box: Box, parameters: Mapping[str, int], period: int, *, slopes: bool = True
    ) -> None:
        self.rule = rule
        self.views: dict[str, View] = {}
        self.truths: dict[str, Truth] = {}
        self.amounts: dict[int, View] = {}
        self.openings: dict[str, View] = {}
        self.done: set[int] = set()
        """Places in the rule's order."""
        self._put(box, slopes=slopes)
        for name, value in (dict(rule.parameters) | dict(parameters)).items():
            self.views[name] = iv.constant(value)
        self.views["period"] = iv.constant(period * ONE)

    def inside_box(self, box: Box, *, slopes: bool) -> Walk:
        """A walk with other ranges for some names: what is known of items stays until they are looked at again.

        Whoever makes it looks at every item that depends on one of the names, or asks for none of them.
        """
        made = object.__new__(Walk)
        made.rule = self.rule
        made.views, made.truths = dict(self.views), dict(self.truths)
        made.amounts, made.openings = dict(self.amounts), dict(self.openings)
        made.done = set()
        made._put(box, slopes=slopes)
        return made

    def _put(self, box: Box, *, slopes: bool) -> None:
        for name, within in box.items():
            self.views[name] = view = within.view(name, slopes=slopes)
            if self.rule.types.get(name) == "yes_no":
                self.truths[name] = Truth(within.high == 1, within.low == 0, (view,))

    def see_again(self, places: Iterable[int]) -> None:
        """Look at the items at these places anew; the others that they need have been seen."""
        self.done.difference_update(places)
        self.see(places)

    def see(self, places: Iterable[int]) -> None:
        """Look at the items at these places of the rule's order, which holds all that they need before them."""
        for place in places:
            if place not in self.done:
                self.done.add(place)
                item = self.rule.order[place]
                try:
                    self.take(item)
                except FormulaError as problem:
                    problem.details.setdefault("item", item.name)
                    raise

    def take(self, item: Item) -> None:
        """Find out about one item; what counts before the first period does so unless the box knows a later value."""
        name = item.name
        if item.kind in ("start", "opening"):
            source = name.removeprefix(f"{item.kind} of ")
            name = f"prev.{source}"
            if self.rule.types[name] != "yes_no":
                self.openings[source] = self.view(item.formula)
            if name in self.views:
                return
        if item.kind != "payee" and self.rule.types[name] == "yes_no":
            self.truths[name] = truth = self.truth(item.formula)
            self.views[name] = iv.View(int(not truth.may_fail), int(truth.may_hold), 1, None, 0)
            return
        view = self.view(item.formula)
        if item.kind == "payee":
            self.amounts[item.index] = view
        else:
            self.views[name] = view

    def view(self, node: s.Node) -> View:  # noqa: C901 - one case per kind of node
        match node:
            case s.Number():
                return iv.constant(node.value)
            case s.Name():
                return self.name(node.name)
            case s.Lag() | s.SumLast():
                known = self.views.get(to_text(node))
                before = self.openings.get(node.name) if isinstance(node, s.Lag) else None
                return known or before or iv.constant(0)
            case s.Neg():
                return iv.negative(self.view(node.operand))
            case s.Abs():
                return iv.absolute(self.view(node.operand))
            case s.Plus():
                return iv.add(self.view(node.left), self.view(node.right))
            case s.Minus():
                return iv.add(self.view(node.left), self.view(node.right), -1)
            case s.Product():
                return self.product(node)
            case s.Min() | s.Max():
                first, *others = [self.view(operand) for operand in node.operands]
                for other in others:
                    first = iv.extreme(first, other, least=isinstance(node, s.Min))
                return first
            case s.Clamp():
                return self.clamp(self.view(node.of), self.view(node.low), self.view(node.high))
            case s.Outside():
                of, low, high = self.view(node.of), self.view(node.low), self.view(node.high)
                far = iv.extreme(iv.add(low, of, -1), iv.add(of, high, -1), least=False)
                return iv.extreme(far, iv.constant(0), least=False)
            case s.Round():
                return round_view(self.view(node.of), self.view(node.step), node.mode)
            case s.If():
                return self.branch(node)
            case s.Pick():
                return self.pick(node)
            case s.Step():
                pairs = [(self.view(row.at), self.view(row.value)) for row in node.rows]
                edges = [row.edge for row in node.rows]
                return step_view(self.view(node.of), edges, pairs, self.view(node.otherwise))
            case s.Bands():
                return bands_view(self.view(node.of), *self.band_rows(node))
            case s.Curve():
                points = [(self.view(point.x), self.view(point.y)) for point in node.points]
                return curve_view(self.view(node.of), [x for x, _ in points], [y for _, y in points])
            case _:
                raise TypeError(f"{type(node).__name__} has no range")

    def name(self, name: str) -> View:
        if name in self.views:
            return self.views[name]
        if name in self.rule.readings:  # the only payee, named although it need not be
            return self.views["earned_before"]
        first, *others = self.rule.totals[name]
        total = self.views[first]
        for other in others:
            total = iv.add(total, self.views[other])
        return total

    @staticmethod
    def clamp(of: View, low: View, high: View) -> View:
        if low.high > high.low:
            raise FormulaError(
                "possible-clamp-crossing",
                "The lower limit of a clamp may lie above its upper limit.",
                "Choose limits whose ranges do not cross.",
            )
        return iv.extreme(iv.extreme(of, low, least=False), high, least=True)

    def product(self, node: s.Product) -> View:
        one = iv.constant(ONE)
        result = self.view(node.factors[0])
        last = len(node.factors) - 1
        held: View | None = None
        rest = rests_of(self.rule).get(id(node)) if node.divisors else None
        for at, factor in enumerate(node.factors[1:], 1):
            other = self.view(factor)
            if at == last and node.divisors:
                held = other
            else:
                result = iv.multiply_divide(result, other, one)
        for divisor in node.divisors:
            times, by = (result, one) if held is None else (held, result)
            result = iv.multiply_divide(result, held if held is not None else one, self.view(divisor))
            if rest is not None:
                result = iv.share(result, by, times, view_of(rest, self))
            held = rest = None
        return result

    def pick(self, node: s.Pick) -> View:
        choice = self.view(node.choice)
        given = {row.label: self.view(row.value) for row in node.rows}
        if node.otherwise is not None:
            other = self.view(node.otherwise)
            given |= {label: other for label in self.rule.labels[node.choice.name] if label not in given}
        views = [given[label] for label in self.rule.labels[node.choice.name]]
        return iv.jumped(views[choice.low // ONE - 1 : choice.high // ONE], (choice,))

    def band_rows(self, node: s.Bands) -> tuple[list[View], list[View]]:
        edges: list[View] = []
        for row in node.rows:
            to = self.view(row.to)
            if row.is_width and edges:
                if to.low < 0:
                    refuse_width()
                to = iv.add(edges[-1], to)
            elif to.low < 0 or (edges and to.low < edges[-1].high):
                refuse_width()
            edges.append(to)
        return edges, [*(self.view(row.rate) for row in node.rows), self.view(node.rest)]

    def branch(self, node: s.If) -> View:
        truth = self.truth(node.condition)
        views: list[View] = []
        for holds, possible, side in ((True, truth.may_hold, node.then), (False, truth.may_fail, node.otherwise)):
            refined = self.refined(node.condition, holds) if possible else None
            if refined is not None:
                views.append(self.inside(refined, side))
        return views[0] if len(views) == 1 else iv.jumped(views, truth.causes)

    def inside(self, refined: Mapping[str, View], node: s.Node) -> View:
        """The view of a node where some names are known more closely."""
        kept = {name: self.views[name] for name in refined}
        self.views.update(refined)
        try:
            return self.view(node)
        finally:
            self.views.update(kept)

    def refined(self, condition: s.Node, holds: bool) -> dict[str, View] | None:
        """What a condition tells of the names it compares, once it holds (or fails); None if that is impossible."""
        if isinstance(condition, s.Not):
            return self.refined(condition.operand, not holds)
        if isinstance(condition, s.And if holds else s.Or):
            first = self.refined(condition.left, holds)
            second = self.refined(condition.right, holds)
            if first is None or second is None:
                return None
            both = dict(first)
            for name, view in second.items():
                both[name] = view.within(both[name].low, both[name].high) if name in both else view
            return None if any(view.low > view.high for view in both.values()) else both
        if not isinstance(condition, s.Compare):
            return {}
        found: dict[str, View] = {}
        for left, relation, right in (
            (condition.left, condition.relation, condition.right),
            (condition.right, MIRROR[condition.relation], condition.left),
        ):
            if (
                isinstance(left, s.Name)
                and left.name in self.views
                and left.name not in self.rule.labels
                and not any(isinstance(node, s.If) for node in s.walk(right))  # else nested conditions cost 3^depth
            ):
                view = narrowed(self.views[left.name], relation if holds else OPPOSITE[relation], self.view(right))
                if view.low > view.high:
                    return None
                found[left.name] = view
        return found

    def truth(self, node: s.Node) -> Truth:
        """What is known of a condition."""
        match node:
            case s.Truth():
                return Truth(node.value, not node.value, ())
            case s.Name():
                return self.truths[node.name]
            case s.Not():
                inner = self.truth(node.operand)
                return Truth(inner.may_fail, inner.may_hold, inner.causes)
            case s.And() | s.Or():
                left = self.truth(node.left)
                stops = isinstance(node, s.Or)
                if not (left.may_fail if stops else left.may_hold):
                    return left
                right = self.truth_after(node)
                causes = left.causes + right.causes
                if stops:
                    return Truth(left.may_hold or right.may_hold, left.may_fail and right.may_fail, causes)
                return Truth(left.may_hold and right.may_hold, left.may_fail or right.may_fail, causes)
            case s.If():
                chosen = self.truth(node.condition)
                sides = [self.truth(node.then)] if chosen.may_hold else []
                sides += [self.truth(node.otherwise)] if chosen.may_fail else []
                causes = chosen.causes + tuple(cause for side in sides for cause in side.causes)
                return Truth(any(each.may_hold for each in sides), any(each.may_fail for each in sides), causes)
            case s.Compare():
                return self.compare(node)
            case _:
                raise TypeError(f"{type(node).__name__} is no condition")

    def truth_after(self, node: s.And | s.Or) -> Truth:
        """The right side of ``and`` or ``or``, looked at only where the left side leaves it open."""
        refined = self.refined(node.left, isinstance(node, s.And))
        if refined is None:
            return Truth(may_hold=isinstance(node, s.And), may_fail=isinstance(node, s.Or), causes=())
        kept = {name: self.views[name] for name in refined}
        self.views.update(refined)
        try:
            return self.truth(node.right)
        finally:
            self.views.update(kept)

    def compare(self, node: s.Compare) -> Truth:
        for choice, label in ((node.left, node.right), (node.right, node.left)):
            if isinstance(choice, s.Name) and isinstance(label, s.Name) and choice.name in self.rule.labels:
                position = iv.constant((self.rule.labels[choice.name].index(label.name) + 1) * ONE)
                return compared(self.views[choice.name], node.relation, position)
        return compared(self.view(node.left), node.relation, self.view(node.right))
