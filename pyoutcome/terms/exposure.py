"""The most and the least an agreement can pay, in base units, from the proven bounds of its rule."""

from __future__ import annotations

from dataclasses import dataclass

from pyoutcome.decimals import to_units_trunc
from pyoutcome.formula.bounds import bounds
from pyoutcome.formula.rule import Rule
from pyoutcome.formula.syntax import names


@dataclass(frozen=True)
class ProviderBounds:
    """What one provider can be owed, in base units; negative: it owes."""

    provider: str
    least: int
    """In the cheapest period."""
    most: int
    """In the dearest period."""
    least_in_total: int
    """Over the whole term."""
    most_in_total: int
    """Over the whole term."""


@dataclass(frozen=True)
class AmountBounds:
    """What the agreement can cost, in base units."""

    providers: tuple[ProviderBounds, ...]
    most_per_period: int
    """The most the client can owe for one period; what one provider owes never lowers what another is owed."""
    least_per_period: int
    """The least the client can owe for one period; negative: the providers owe it."""

    @property
    def most_in_total(self) -> int:
        """The most the client can owe over the whole term."""
        return sum(each.most_in_total for each in self.providers)

    @property
    def least_in_total(self) -> int:
        """The least the client can owe over the whole term."""
        return sum(each.least_in_total for each in self.providers)


def bound_amounts(rule: Rule, unit_decimals: int, periods: int) -> AmountBounds:
    """The bounds of a rule's amounts over ``periods`` periods, truncated as settlement truncates them."""
    changing = any("period" in names(item.formula) for item in rule.order)
    # A rule that does not read the number of the period has the same bounds in all of them.
    found = [
        [(to_units_trunc(low, unit_decimals), to_units_trunc(high, unit_decimals)) for low, high in of_period]
        for of_period in (bounds(rule, period=number) for number in range(1, periods + 1 if changing else 2))
    ]
    times = 1 if changing else periods
    providers = tuple(
        ProviderBounds(
            payee.name,
            min(of_period[at][0] for of_period in found),
            max(of_period[at][1] for of_period in found),
            times * sum(of_period[at][0] for of_period in found),
            times * sum(of_period[at][1] for of_period in found),
        )
        for at, payee in enumerate(rule.payees)
    )
    return AmountBounds(
        providers,
        max(sum(max(0, high) for _, high in of_period) for of_period in found),
        min(sum(low for low, _ in of_period) for of_period in found),
    )
