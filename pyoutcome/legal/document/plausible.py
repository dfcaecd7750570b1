"""Made-up KPI values that can stand together: no part is more than its whole, and no share is of nothing.

What the measures say of one another is kept (``populations``); what they do not say is not guessed. First the wholes
are set, then their parts, then the shares, each as near to what was wanted as it can be, and inside its range.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import Final

from pyoutcome.decimals import ONE, Rounding, round_to
from pyoutcome.legal.document.populations import Population, pairwise_apart, parts_of, population_of
from pyoutcome.terms import Agreement
from pyoutcome.terms.kpis import AgreementKpi
from pyoutcome.terms.measures import Count, DistinctCount, Greatest, Least, Percentile, Ratio, Sum, WeightedMean

_NEAR: Final = ONE // 100
"""How far from the wanted share one may be that whole numbers give, before the number it is a share of is changed."""


@dataclass(frozen=True)
class Wish:
    """What a grade of period asks of one KPI."""

    value: int
    spread: int
    """A value inside the range, between the middling one and an end; for a KPI that others are a part or share of."""
    way: int
    """Where to turn if the value cannot be: 1 up, -1 down, 0 to the nearest."""


class Plausible:
    """The relations between the KPIs of an agreement."""

    def __init__(self, agreement: Agreement) -> None:
        self.kpis: Sequence[AgreementKpi] = agreement.kpis
        found = {at: population_of(kpi) for at, kpi in enumerate(self.kpis) if kpi.shape.type == "number"}
        self.counted: Mapping[int, Population] = {at: each for at, each in found.items() if each is not None}

    def settle(self, wishes: Sequence[Wish]) -> tuple[int, ...]:
        """Values that do not contradict one another, as near to the wishes as can be."""
        values = [each.value for each in wishes]
        if not self.counted:
            return tuple(values)
        for at in self.wholes:
            if not self._fits(at, values):
                values[at] = wishes[at].spread
        for whole in self.wholes:
            self._shrink(whole, values)
        for lesser, greater in self._ordered:
            values[greater] = max(values[greater], values[lesser])
        sizes: dict[Population, int] = {}
        for at, ratio in self._ratios:
            self._set_share(at, ratio, values, sizes, wishes[at].way)
        for lesser, greater in self._nested_shares:
            values[lesser] = min(values[lesser], values[greater])
        for first, second in self._shares_apart:
            values[second] = min(values[second], max(ONE - values[first], self.kpis[second].low))
        for at in self._empty(values):
            values[at] = self.kpis[at].if_missing
        return tuple(values)

    # --- relations ----------------------------------------------------------------------------------------------------

    @cached_property
    def _amounts(self) -> list[int]:
        """KPIs that grow with every record: numbers and sums."""
        kinds = (Count, DistinctCount, Sum)
        return [at for at in self.counted if isinstance(self.kpis[at].declared.measure, kinds)]

    @cached_property
    def _parts(self) -> dict[int, list[int]]:
        """By whole: the KPIs that are a part of it."""
        pairs = [(whole, part) for whole in self._amounts for part in self._amounts if self._is_part(part, whole)]
        return {whole: [part for each, part in pairs if each == whole] for whole, _ in pairs}

    def _is_part(self, part: int, whole: int) -> bool:
        mine, its = self.kpis[part].declared.measure, self.kpis[whole].declared.measure
        if part == whole or not self.counted[part].within(self.counted[whole]):
            return False
        same = self.counted[part] == self.counted[whole]
        if isinstance(mine, Sum) and isinstance(its, Sum):
            if (mine.divide_by, mine.missing) != (its.divide_by, its.missing):
                return False
            limited = f"{mine.value} <= {its.value}" in self.counted[part].conditions
            return limited or (mine.value == its.value and (not same or part > whole))
        if isinstance(its, Count):
            return isinstance(mine, DistinctCount) or (isinstance(mine, Count) and (not same or part > whole))
        return isinstance(mine, DistinctCount) and isinstance(its, DistinctCount) and mine.of == its.of and not same

    @cached_property
    def _ratios(self) -> list[tuple[int, Ratio]]:
        measures = ((at, self.kpis[at].declared.measure) for at in self.counted)
        return [(at, measure) for at, measure in measures if isinstance(measure, Ratio)]

    @cached_property
    def wholes(self) -> list[int]:
        """Amounts that others are a part of, or a share or mean of, the widest first."""
        found = [
            at
            for at in self._amounts
            if at in self._parts or any(self._rests(other, at) for other in self.counted)
        ]  # fmt: skip
        return sorted(found, key=lambda at: (len(self.counted[at].conditions), self.counted[at].owner or "", at))

    def _rests(self, other: int, whole: int) -> bool:
        """Is a KPI without value, or without sense, if an amount is 0?"""
        measure, its = self.kpis[other].declared.measure, self.kpis[whole].declared.measure
        if other in self._amounts or isinstance(its, Sum):
            weighed = isinstance(measure, WeightedMean) and isinstance(its, Sum) and measure.weight == its.value
            return weighed and self.counted[other] == self.counted[whole]
        below, above = self._of(other)
        own = self.counted[whole]
        wanted = self.kpis[whole].declared.better == "higher" and own.within(below)
        return above == own or below.within(own) or (wanted and isinstance(measure, Ratio))

    @cached_property
    def _ordered(self) -> list[tuple[int, int]]:
        """Least, percentiles and greatest of the same numbers, from the lesser to the greater."""
        ranks: list[tuple[int, int]] = []
        for at in self.counted:
            match self.kpis[at].declared.measure:
                case Least():
                    ranks.append((-1, at))
                case Percentile() as measure:
                    ranks.append((measure.percent, at))
                case Greatest():
                    ranks.append((101 * ONE, at))
        ranks.sort()
        return [(one, two) for at, (_, one) in enumerate(ranks) for _, two in ranks[at + 1 :] if self._alike(one, two)]

    def _alike(self, one: int, two: int) -> bool:
        """Are two KPIs taken of the same numbers?"""
        keys = ("value", "divide_by", "missing")
        first, second = self.kpis[one].declared.measure, self.kpis[two].declared.measure
        same = all(getattr(first, key, None) == getattr(second, key, None) for key in keys)
        return same and self.counted[one] == self.counted[two]

    @cached_property
    def _pairs(self) -> list[tuple[int, Population, int, Population]]:
        """Shares of the same whole: each with what stands above its line."""
        told = [(at, *self._of(at)) for at, _ in self._ratios]
        return [(one, mine, two, its) for one, below, mine in told for two, under, its in told
                if one != two and below == under]  # fmt: skip

    @cached_property
    def _nested_shares(self) -> list[tuple[int, int]]:
        return [(one, two) for one, mine, two, its in self._pairs if mine.within(its) and mine != its]

    @cached_property
    def _shares_apart(self) -> list[tuple[int, int]]:
        return [(one, two) for one, mine, two, its in self._pairs if one < two and mine.apart(its)]

    # --- values -------------------------------------------------------------------------------------------------------

    def _fits(self, whole: int, values: Sequence[int]) -> bool:
        """Can an amount be, next to what was wanted of its parts and shares?"""
        if values[whole] <= 0 or sum(values[part] for part in self._together(whole)) > values[whole]:
            return False
        of_it = [(at, ratio) for at, ratio in self._ratios if self._of(at)[0] == self.counted[whole]]
        if not of_it or not isinstance(self.kpis[whole].declared.measure, Count):
            return True
        reached = (self._reach(values[at], values[whole] // ONE, self.kpis[at], ratio) for at, ratio in of_it)
        told = zip(of_it, reached, strict=True)
        return all(share is not None and abs(share - values[at]) <= _NEAR for (at, _), share in told)

    def _of(self, at: int) -> tuple[Population, Population]:
        """What stands below and above the line of a share; of another KPI what it is counted from, twice."""
        measure, own = self.kpis[at].declared.measure, self.counted[at]
        return parts_of(measure, own) if isinstance(measure, Ratio) else (own, own)

    def _together(self, whole: int) -> list[int]:
        """Parts of an amount that share nothing, and so add up."""
        found: list[int] = []
        for part in sorted(self._parts.get(whole, ()), key=lambda at: (len(self.counted[at].conditions), at)):
            if not self._sum_limited(part, whole) and pairwise_apart([self.counted[at] for at in (*found, part)]):
                found.append(part)
        return found

    def _sum_limited(self, part: int, whole: int) -> bool:
        mine, its = self.kpis[part].declared.measure, self.kpis[whole].declared.measure
        return isinstance(mine, Sum) and isinstance(its, Sum) and mine.value != its.value

    def _shrink(self, whole: int, values: list[int]) -> None:
        """No part above its whole, and none that share nothing together above it."""
        for part in self._parts.get(whole, ()):
            values[part] = self._grid(part, min(values[part], values[whole]))
        together = self._together(whole)
        total = sum(values[part] for part in together)
        for part in together if total > values[whole] else ():
            values[part] = self._grid(part, values[part] * values[whole] // total)

    def _grid(self, at: int, value: int) -> int:
        """The greatest value of a KPI that is not more, or the least of its range."""
        kpi = self.kpis[at]
        return max(kpi.low, value - value % kpi.shape.multiple)

    def _set_share(
        self, at: int, ratio: Ratio, values: list[int], sizes: dict[Population, int], way: int
    ) -> None:  # fmt: skip
        """A share that whole numbers can give, with those that are known."""
        below, above = self._of(at)
        kpi, known = self.kpis[at], self._known(values)
        part, whole = known.get(above), known.get(below, sizes.get(below))
        least = max((size for each, size in known.items() if each.within(above)), default=0)
        beside = max((size for each, size in known.items() if each.within(below) and each.apart(above)), default=0)
        if whole is None and part and values[at] > 0:
            whole = max(part + beside, ceil(part * ONE / values[at]))
            whole = max(whole, *(size for each, size in known.items() if each.within(below)))
        if whole:
            sizes[below] = whole
            if part is not None:
                values[at] = self._bounded(kpi, _quotient(min(part, whole), whole, kpi, ratio), values[at])
            else:
                reached = self._reach(values[at], whole, kpi, ratio, (way, least, whole - beside))
                values[at] = values[at] if reached is None else reached
        elif part == 0:
            values[at] = self._bounded(kpi, 0, values[at])
        elif whole is None and beside and values[at] >= ONE:
            values[at] = self._bounded(kpi, ONE - kpi.shape.multiple, values[at])
        elif whole is None and (least or part) and values[at] <= 0:
            values[at] = self._bounded(kpi, kpi.shape.multiple, values[at])

    def _known(self, values: Sequence[int]) -> dict[Population, int]:
        """How many records there are, where a KPI counts them; of different values there are at least as many."""
        counts = {}
        for at in self._amounts:
            if isinstance(self.kpis[at].declared.measure, Count):
                counts[self.counted[at]] = values[at] // ONE
        return counts

    @staticmethod
    def _bounded(kpi: AgreementKpi, value: int, otherwise: int) -> int:
        return value if kpi.low <= value <= kpi.high else otherwise

    @staticmethod
    def _reach(
        wanted: int, whole: int, kpi: AgreementKpi, ratio: Ratio, bounds: tuple[int, int, int] | None = None
    ) -> int | None:
        """The share nearest to what is wanted, on the side it should be on, that so many records can have.

        ``bounds``: the side, and the least and the most that can stand above the line.
        """
        way, least, most = bounds or (0, 0, whole)
        first = wanted * whole // ONE
        found = [
            share
            for part in range(max(least, first - 2), min(most, first + 3) + 1)
            if kpi.low <= (share := _quotient(part, whole, kpi, ratio)) <= kpi.high
        ]
        if not found and 0 <= least <= most <= whole:
            ends = (_quotient(part, whole, kpi, ratio) for part in (least, most))
            found = [share for share in ends if kpi.low <= share <= kpi.high]
        right = [share for share in found if (share - wanted) * way >= 0]
        return min(right or found, key=lambda share: abs(share - wanted), default=None)

    def _empty(self, values: Sequence[int]) -> Iterator[int]:
        """KPIs that have no value because there is nothing to take them of."""
        for whole in self._amounts:
            if values[whole] == 0:
                rests = (other for other in self.counted if self._rests(other, whole))
                yield from (other for other in rests if self._of(other)[0].within(self.counted[whole]))


def _quotient(part: int, whole: int, kpi: AgreementKpi, ratio: Ratio) -> int:
    """A share rounded as its measure says, scaled."""
    steps = 10**kpi.decimals
    return round_to(part * steps, whole, ratio.rounding or Rounding.HALF_UP) // whole * kpi.shape.multiple
