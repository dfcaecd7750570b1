"""How each payee's amount moves with each KPI: direction, cliffs, ranges in which nothing moves.

A direction is **proven** where the slopes of the rule's ranges (``walk.py``) leave no other, wherever the other KPIs
lie in their ranges; that is said but for rounding, of the first period. Otherwise it is **tried**: seen at every value
where a formula turns, at both sides of it and between, at the given settings of the other KPIs. That an amount moves,
or moves both ways, is always certain: two evaluations witness it. Cliffs are exact differences of two evaluations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress

from pyoutcome.decimals import DECIMALS
from pyoutcome.errors import FormulaError
from pyoutcome.formula.cut import Cut, Scene, Setting, find_dependents
from pyoutcome.formula.influence import Cliff, Dead, Direction, Influence, Move, Piece
from pyoutcome.formula.period_ranges import PeriodRanges
from pyoutcome.formula.recurrence import Recurrence
from pyoutcome.formula.rule import Item, Rule
from pyoutcome.formula.study import Study, Walks
from pyoutcome.formula.walk import Walk

__all__ = ["Cliff", "Dead", "Direction", "Influence", "Move", "Piece", "Setting", "find_influences"]


def find_influences(
    rule: Rule,
    settings: Sequence[Setting],
    *,
    corners: int = 0,
    also: Mapping[int, Sequence[int]] | None = None,
    admits: Callable[[Sequence[int]], bool] | None = None,
) -> tuple[Influence, ...]:
    """Every KPI's influence on every payee it reaches, and on the sum of all where it reaches several.

    ``settings`` are of one period; the last ``corners`` of them are looked at only for a KPI that moves nothing at the
    others. ``also`` names values of KPIs that are looked at in any case. ``admits`` says which KPI values a report may
    hold. Settings at which the rule has no value are left out; without any there is nothing to tell of a KPI.
    """
    return tuple(_Search(rule, settings, corners, also or {}, admits).influences())


class _Search:
    def __init__(
        self,
        rule: Rule,
        settings: Sequence[Setting],
        corners: int,
        also: Mapping[int, Sequence[int]],
        admits: Callable[[Sequence[int]], bool] | None,
    ) -> None:
        self.rule = rule
        self.settings = settings
        self.usual = len(settings) - corners
        self.also = also
        self.admits = admits
        self.dependents = find_dependents(rule)
        self.places = {
            name: [at for at, item in enumerate(rule.order) if item in items or item.kind in ("start", "opening")]
            for name, items in self.dependents.items()
        }
        self.scenes: dict[int, Scene | None] = {}
        self.whole: Walk | None = None
        if all(setting.period == 1 for setting in settings):
            follow = Recurrence(rule, {}, DECIMALS)  # in the first period nothing has been cut to base units
            try:
                self.whole = PeriodRanges(follow.frame, follow.past, 1).whole
            except FormulaError:
                self.whole = None  # the bounds say what cannot be proven; here only trials are left

    def scene(self, at: int) -> Scene | None:
        """The rule at a setting; None where it has no value, or no report may say so."""
        if at not in self.scenes:
            setting = self.settings[at]
            self.scenes[at] = None
            if self.admits is None or self.admits(setting.values):
                with suppress(FormulaError):
                    self.scenes[at] = Scene(self.rule, setting)
        return self.scenes[at]

    def influences(self) -> Iterator[Influence]:
        for kpi, shape in enumerate(self.rule.kpis):
            items = self.dependents[shape.full_name]
            payees: list[int | None] = [*sorted(item.index for item in items if item.kind == "payee")]
            if len(payees) > 1:
                payees.append(None)
            usual = self.cut(kpi, items, range(self.usual)) if payees else []
            walks: Walks = {}
            studies = self.study(kpi, payees, usual, walks)
            for at in range(self.usual, len(self.settings) if payees else 0):
                if any(study.moves for study in studies):
                    break
                studies = self.study(kpi, payees, usual + self.cut(kpi, items, range(at, at + 1)), walks)
            for study in studies:
                yield study.influence()

    def study(self, kpi: int, payees: list[int | None], cuts: list[tuple[int, Cut]], walks: Walks) -> list[Study]:
        """What there is to say of a KPI, for each payee; nothing if it can be moved at no setting."""
        name = self.rule.kpis[kpi].full_name
        items, places = self.dependents[name], self.places[name]
        if not cuts:
            return []
        return [Study(self.rule, self.whole, kpi, payee, cuts, items, places, walks) for payee in payees]

    def cut(self, kpi: int, items: tuple[Item, ...], settings: range) -> list[tuple[int, Cut]]:
        """The KPI moved at each setting that can be worked out."""
        found: list[tuple[int, Cut]] = []
        for at in settings:
            scene = self.scene(at)
            if scene is not None:
                cut = Cut(scene, kpi, items, self.admits)
                for value in self.also.get(kpi, ()):
                    cut.at(value)
                if len(cut.points()) > 1:
                    found.append((at, cut))
        return found
