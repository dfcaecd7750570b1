"""The least and the most that can be paid, proven, under both agreements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, zip_longest
from typing import TYPE_CHECKING

from pyoutcome.decimals import from_units, show

if TYPE_CHECKING:
    from pyoutcome.terms.agreement import Agreement
    from pyoutcome.terms.exposure import ProviderBounds


@dataclass(frozen=True)
class Span:
    """The least and the most, scaled by 10**18; negative: the provider owes it."""

    least: int
    most: int

    def to_dict(self) -> dict[str, object]:
        """For machines: exact decimal texts in the token's units."""
        return {"least": show(self.least), "most": show(self.most)}


@dataclass(frozen=True)
class SpanChange:
    """One span under both agreements; None where one has no such provider or period."""

    before: Span | None
    after: Span | None

    @property
    def same(self) -> bool:
        """Whether it is what it was."""
        return self.before == self.after

    def to_dict(self) -> dict[str, object]:
        """For machines."""
        return {
            "before": self.before and self.before.to_dict(),
            "after": self.after and self.after.to_dict(),
        }


@dataclass(frozen=True)
class PeriodSpans:
    """Successive periods that have the same spans, ``first`` to ``last``."""

    first: int
    last: int
    change: SpanChange


@dataclass(frozen=True)
class Extremes:
    """What one provider can be owed, or the client can owe in all."""

    provider: str | None
    """None: the client, for all providers together."""
    period: SpanChange
    """In the cheapest and in the dearest period."""
    term: SpanChange
    """Over the whole term."""
    periods: tuple[PeriodSpans, ...]
    """Period by period; of the client without any."""

    @property
    def same(self) -> bool:
        """Whether nothing of it differs."""
        return self.period.same and self.term.same and all(each.change.same for each in self.periods)

    def to_dict(self) -> dict[str, object]:
        """For machines."""
        return {
            "provider": self.provider,
            "period": self.period.to_dict(),
            "term": self.term.to_dict(),
            "periods": [{"first": each.first, "last": each.last, **each.change.to_dict()} for each in self.periods],
        }


def compare_extremes(before: Agreement, after: Agreement) -> tuple[Extremes, ...]:
    """For each provider of either, the new agreement's first, then for the client. FormulaError as in ``bounds``."""
    was, now = _by_provider(before), _by_provider(after)
    places = before.token.decimals, after.token.decimals
    names = [*now, *(each for each in was if each not in now)]
    found = [_of_provider(name, was.get(name), now.get(name), places) for name in names]
    old, new = before.bounds(), after.bounds()
    period = SpanChange(
        _span(old.least_per_period, old.most_per_period, places[0]),
        _span(new.least_per_period, new.most_per_period, places[1]),
    )
    term = SpanChange(
        _span(old.least_in_total, old.most_in_total, places[0]),
        _span(new.least_in_total, new.most_in_total, places[1]),
    )
    return (*found, Extremes(None, period, term, ()))


def _by_provider(agreement: Agreement) -> Mapping[str, ProviderBounds]:
    return {each.provider: each for each in agreement.bounds().providers}


def _of_provider(
    name: str, old: ProviderBounds | None, new: ProviderBounds | None, places: tuple[int, int]
) -> Extremes:
    period = SpanChange(
        None if old is None else _span(old.least, old.most, places[0]),
        None if new is None else _span(new.least, new.most, places[1]),
    )
    term = SpanChange(
        None if old is None else _span(old.least_in_total, old.most_in_total, places[0]),
        None if new is None else _span(new.least_in_total, new.most_in_total, places[1]),
    )
    was = [_span(*each, places[0]) for each in (old.periods if old else ())]
    now = [_span(*each, places[1]) for each in (new.periods if new else ())]
    return Extremes(name, period, term, _in_runs([SpanChange(*each) for each in zip_longest(was, now)]))


def _in_runs(changes: Sequence[SpanChange]) -> tuple[PeriodSpans, ...]:
    found: list[PeriodSpans] = []
    first = 1
    for change, run in groupby(changes):
        last = first + len(list(run)) - 1
        found.append(PeriodSpans(first, last, change))
        first = last + 1
    return tuple(found)


def _span(least: int, most: int, unit_decimals: int) -> Span:
    return Span(from_units(least, unit_decimals), from_units(most, unit_decimals))
