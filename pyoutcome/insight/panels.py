"""What a picture of payments shows, panel by panel: exact values, nothing drawn yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from pyoutcome.decimals import from_units, show
from pyoutcome.errors import AgreementError, did_you_mean
from pyoutcome.formula.influence import Direction, Influence
from pyoutcome.terms.kpis import AgreementKpi

if TYPE_CHECKING:
    from pyoutcome.terms.agreement import Agreement

MOST_PANELS: Final = 24
"""Panels of one picture."""
_SAID: Final = {
    Direction.RISES: "rises",
    Direction.FALLS: "falls",
    Direction.FLAT: "stays the same",
    Direction.MIXED: "rises and falls",
}


@dataclass(frozen=True)
class Panel:
    """One payee's amount against one KPI; values and amounts scaled by 10**18."""

    kpi: AgreementKpi
    payee: str | None
    """None: the sum of all."""
    influence: Influence
    """At the setting drawn, its only one."""
    others: str
    """Where the other KPIs are; empty if there are none."""
    said: str
    """How the amount moves over all settings, and whether that is proven."""
    least: int
    """Proven least amount of a period."""
    most: int
    """Proven greatest amount of a period."""

    @property
    def points(self) -> tuple[tuple[int, int], ...]:
        """Values of the KPI inside the view, and amounts, rising."""
        points = self.influence.points[0][1]
        if self.kpi.shape.type != "number":
            return points
        low, high = self.view
        parts = self.influence.pieces
        inside = [(x, paid) for x, paid in points if low < x < high]
        return ((low, parts[0].before), *inside, (high, parts[-1].after))

    @property
    def edges(self) -> tuple[int, ...]:
        """Where one part of the range ends and the next begins, of two neighbours at a cliff the rounder one."""
        cliffs = {cliff.last: cliff.first for cliff in self.influence.cliffs}
        inner = {part.first for part in self.influence.pieces[1:]}
        rounder = {min(edge, cliffs.get(edge, edge), key=_digits) for edge in inner}
        return tuple(sorted(rounder - {self.kpi.low, self.kpi.high}))

    @property
    def view(self) -> tuple[int, int]:
        """The part of the range worth drawing: all of it, but for long ends in which nothing moves."""
        parts, edges = self.influence.pieces, self.edges
        low, high = self.kpi.low, self.kpi.high
        if not edges:
            return low, high
        margin = max((edges[-1] - edges[0]) // 4, (high - low) // 50, self.kpi.shape.multiple)
        step = 1
        while step * 10 <= margin:
            step *= 10
        step = max(step, self.kpi.shape.multiple)
        if parts[0].direction is Direction.FLAT and edges[0] - low > (high - low) // 3:
            low = max(low, (edges[0] - margin) // step * step)
        if parts[-1].direction is Direction.FLAT and high - edges[-1] > (high - low) // 3:
            high = min(high, -(-(edges[-1] + margin) // step) * step)
        return low, high


def _digits(value: int) -> int:
    """How many digits it takes to write a value."""
    return len(show(value).strip("-0").replace(".", ""))


def find_panels(
    agreement: Agreement, kpis: Sequence[str], payees: Sequence[str], at: Mapping[str, int]
) -> tuple[Panel, ...]:
    """The panels of a picture, KPIs in the agreement's order, inside them payees.

    ``kpis`` are names with or without provider, ``payees`` provider ids; empty means all. The other KPIs stand at
    ``at`` (full names, scaled values), the rest of them at the setting, of those ``check`` tries, at which the KPI
    moves most. AgreementError ``unknown-kpi``, ``unknown-party``, ``nothing-to-plot``, ``too-many-panels``.
    """
    known = [kpi.name for kpi in agreement.kpis] + list(dict.fromkeys(kpi.kpi for kpi in agreement.kpis))
    for name in (*kpis, *at):
        if name not in known:
            raise AgreementError("unknown-kpi", f"There is no KPI {name!r}.", did_you_mean(name, known), kpi=name)
    for name in payees:
        if name not in agreement.providers:
            raise AgreementError(
                "unknown-party", f"There is no provider {name!r}.", did_you_mean(name, agreement.providers)
            )
    panels = tuple(_panels(agreement, kpis, payees, at))
    if not panels:
        raise AgreementError(
            "nothing-to-plot",
            "No payment that was asked for depends on a KPI that was asked for.",
            "Leave out --kpi and --payee to see all there is.",
        )
    if len(panels) > MOST_PANELS:
        raise AgreementError(
            "too-many-panels",
            f"The picture would have {len(panels)} panels.",
            f"The limit is {MOST_PANELS}; choose KPIs with --kpi or providers with --payee.",
        )
    return panels


def _panels(agreement: Agreement, kpis: Sequence[str], payees: Sequence[str], at: Mapping[str, int]) -> Iterator[Panel]:
    shape, bounds, decimals = agreement.shape(), agreement.bounds(), agreement.token.decimals

    @lru_cache
    def influences(values: tuple[int, ...]) -> dict[tuple[int, int | None], Influence]:
        return {(each.kpi, each.payee): each for each in agreement.shape_at(values)}

    for each in shape.influences:
        kpi = agreement.kpis[each.kpi]
        payee = None if each.payee is None else agreement.providers[each.payee]
        if kpis and kpi.name not in kpis and kpi.kpi not in kpis:
            continue
        if payees and payee not in payees:
            continue
        chosen = shape.settings[each.setting]
        values = tuple(at.get(one.name, value) for one, value in zip(agreement.kpis, chosen.values, strict=True))
        drawn = influences(values).get((each.kpi, each.payee))
        if drawn is None:
            continue
        least, most = bounds.least_per_period, bounds.most_per_period
        if each.payee is not None:
            own = bounds.providers[each.payee]
            least, most = own.least, own.most
        said = _SAID[each.direction]
        if each.direction is not Direction.MIXED:
            said += ", proven" if each.proven else ", tried"
        yield Panel(
            kpi,
            payee,
            drawn,
            _others(agreement, kpi, values, chosen.name if values == chosen.values else ""),
            said,
            from_units(least, decimals),
            from_units(most, decimals),
        )


def _others(agreement: Agreement, kpi: AgreementKpi, values: tuple[int, ...], name: str) -> str:
    """Where the other KPIs are that this one's provider shares terms with."""
    if len(agreement.kpis) == 1:
        return ""
    if name:
        return f"others at their {name}"
    told = [
        f"{one.name} {one.tell(value)}"
        for one, value in zip(agreement.kpis, values, strict=True)
        if one.name != kpi.name and (kpi.provider is None or one.provider in (None, kpi.provider))
    ]
    return ", ".join(told)
