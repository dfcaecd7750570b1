"""Seven published mechanisms written by hand, to compare with: exact over scaled integers, and over arrays of floats.

Each function gives what the agreement pays its provider, and nothing else: no lines, no definitions, no checks of its
inputs, no carried state but its own. That is the fastest way a careful engineer would write one agreement.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pyoutcome.decimals import ONE

Array: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ByHand:
    """An agreement written twice by hand; KPI values come in the order of the rule."""

    name: str
    exact: Callable[[Sequence[int], Any], tuple[int, Any]]
    """Values of a period and what the period before left, to the amount and what it leaves."""
    arrays: Callable[[Sequence[Array], Any], tuple[Array, Any]]
    """The same for many scenarios."""
    start: Any = None
    """What is left before the first period, in the exact one."""
    periods: int = 1


FEE = 2_000 * ONE


def tiers(values: Sequence[int], _: Any) -> tuple[int, Any]:
    (uptime,) = values
    if uptime >= 99_900 * ONE // 1_000:
        return 0, None
    if uptime >= 99 * ONE:
        return -(FEE // 10), None
    if uptime >= 95 * ONE:
        return -(FEE // 4), None
    return -(FEE // 2), None


def tiers_of_arrays(values: Sequence[Array], _: Any) -> tuple[Array, Any]:
    (uptime,) = values
    share = np.where(uptime >= 99.9, 0.0, np.where(uptime >= 99, 0.1, np.where(uptime >= 95, 0.25, 0.5)))
    return share * -2_000.0, None


CEILING, TARGET, TARGET_FEE = 200_000 * ONE, 150_000 * ONE, 30_000 * ONE


def incentive(values: Sequence[int], _: Any) -> tuple[int, Any]:
    (cost,) = values
    shared = 4 * (TARGET - cost)
    shared = shared // 10 if shared >= 0 else -(-shared // 10)
    price = cost + TARGET_FEE + shared
    return (min(CEILING, price)), None


def incentive_of_arrays(values: Sequence[Array], _: Any) -> tuple[Array, Any]:
    (cost,) = values
    return np.minimum(cost + 30_000 + 0.4 * (150_000 - cost), 200_000), None


WEIGHTS = (35, 25, 25, 10, 5)


def scorecard(values: Sequence[int], _: Any) -> tuple[int, Any]:
    score = 0
    for weight, value in zip(WEIGHTS, values, strict=True):
        level = 55 * ONE // 100 + value // 200
        score += weight * level // 100
    return score, None


def scorecard_of_arrays(values: Sequence[Array], _: Any) -> tuple[Array, Any]:
    levels = [np.interp(value, [0.0, 100.0], [0.55, 1.05]) for value in values]
    weights = (0.35, 0.25, 0.25, 0.1, 0.05)
    return np.sum([weight * level for weight, level in zip(weights, levels, strict=True)], axis=0), None


def demurrage(values: Sequence[int], _: Any) -> tuple[int, Any]:
    total = 0
    for days in values:
        if days <= 5 * ONE:
            total += days * 1_000
        elif days <= 15 * ONE:
            total += 5_000 * ONE + (days - 5 * ONE) * 2_000
        else:
            total += 25_000 * ONE + (days - 15 * ONE) * 3_000
    return total, None


def demurrage_of_arrays(values: Sequence[Array], _: Any) -> tuple[Array, Any]:
    total = np.zeros_like(values[0])
    for days in values:
        total += np.clip(days, 0, 5) * 1_000 + np.clip(days - 5, 0, 10) * 2_000 + np.maximum(days - 15, 0) * 3_000
    return total, None


def blocks(values: Sequence[int], _: Any) -> tuple[int, Any]:
    network, host, fee = values
    begun = -(-network // (30 * ONE))
    network_share = min(begun * 5, 100)
    begun = -(-max(0, host - 60 * ONE) // (60 * ONE))
    host_share = min(begun * 5, 100)
    return -(network_share * fee // 100) - (host_share * fee // 100), None


def blocks_of_arrays(values: Sequence[Array], _: Any) -> tuple[Array, Any]:
    network, host, fee = values
    network_share = np.minimum(np.ceil(network / 30) * 0.05, 1)
    host_share = np.minimum(np.ceil(np.maximum(host - 60, 0) / 60) * 0.05, 1)
    return -(network_share * fee) - host_share * fee, None


def rebate(values: Sequence[int], left: tuple[int, int]) -> tuple[int, tuple[int, int]]:
    running, paid = left
    sold, returned = values
    running += sold - returned
    if running <= 0:
        due = 0
    elif running <= 2 * ONE:
        due = running * 10
    elif running <= 4 * ONE:
        due = 20 * ONE + (running - 2 * ONE) * 20
    elif running <= 8 * ONE:
        due = 60 * ONE + (running - 4 * ONE) * 30
    else:
        due = 180 * ONE
    return -(due - paid), (running, due)


def rebate_of_arrays(values: Sequence[Array], left: tuple[Array, Array] | None) -> tuple[Array, tuple[Array, Array]]:
    sold, returned = values
    running, paid = left if left is not None else (np.zeros_like(sold), np.zeros_like(sold))
    running = running + (sold - returned)
    due = np.clip(running, 0, 2) * 10 + np.clip(running - 2, 0, 2) * 20 + np.clip(running - 4, 0, 4) * 30
    return -(due - paid), (running, due)


def high_water(values: Sequence[int], mark: int) -> tuple[int, int]:
    (gross,) = values
    fee = (gross - mark) // 5 if gross > mark else 0
    net = gross - fee
    return fee, (max(mark, net))


def high_water_of_arrays(values: Sequence[Array], mark: Array | None) -> tuple[Array, Array]:
    (gross,) = values
    before = np.ones_like(gross) if mark is None else mark
    fee = 0.2 * np.maximum(gross - before, 0)
    return fee, np.maximum(before, gross - fee)


BY_HAND = (
    ByHand("sla-uptime-tiers", tiers, tiers_of_arrays),
    ByHand("far-fpif-ceiling-binds", incentive, incentive_of_arrays),
    ByHand("pavement-fdot-composite", scorecard, scorecard_of_arrays),
    ByHand("charter-graduated-demurrage", demurrage, demurrage_of_arrays),
    ByHand("sla-30min-blocks", blocks, blocks_of_arrays),
    ByHand("rebate-cumulative-units", rebate, rebate_of_arrays, (0, 0), 4),
    ByHand("fund-high-water-mark", high_water, high_water_of_arrays, ONE, 6),
)
