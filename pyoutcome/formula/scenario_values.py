"""KPI values of many scenarios as people give them: arrays, checked, in units of each KPI's last decimal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pyoutcome.errors import FormulaError, did_you_mean
from pyoutcome.formula.rule import KpiShape, Rule

Array: TypeAlias = npt.NDArray[np.float64]
Values: TypeAlias = "Mapping[str, npt.ArrayLike] | npt.ArrayLike"


def _refuse(why: str, fix: str) -> FormulaError:
    return FormulaError("inputs-do-not-fit", why, fix)


def read_values(rule: Rule, values: Values) -> tuple[list[npt.NDArray[Any]], int, int]:
    """Per KPI its numbers (periods x scenarios), how many periods (0: no such dimension) and scenarios."""
    given: list[npt.NDArray[Any]]
    if isinstance(values, Mapping):
        full = [kpi.full_name for kpi in rule.kpis]
        for known_as in values:
            if known_as not in full:
                raise _refuse(f"The rule has no KPI {known_as!r}.", did_you_mean(known_as, full))
        missing = [known_as for known_as in full if known_as not in values]
        if missing:
            raise _refuse(f"No values are given for {', '.join(missing)}.", "Give one array for every KPI.")
        given = [np.asarray(values[known_as]) for known_as in full]
    else:
        whole = np.asarray(values)
        if whole.ndim not in (2, 3) or whole.shape[-2] != len(rule.kpis):
            raise _refuse(
                f"The rule has {len(rule.kpis)} KPIs, and an array of shape {whole.shape} was given.",
                "Give KPIs x scenarios, or periods x KPIs x scenarios.",
            )
        given = [whole[..., at, :] for at in range(len(rule.kpis))]
    for kpi, each in zip(rule.kpis, given, strict=True):
        if each.dtype.kind not in "biuf" or each.ndim > 2:
            raise _refuse(f"The values of {kpi.full_name} are no array of numbers.", "Give floats or whole numbers.")
    try:
        shape = np.broadcast_shapes(*(each.shape for each in given))
    except ValueError:
        raise _refuse(
            f"The values have different shapes: {', '.join(str(each.shape) for each in given)}.",
            "Give as many scenarios, and as many periods, for every KPI.",
        ) from None
    periods, count = (shape[0] if len(shape) == 2 else 0), (shape[-1] if shape else 1)
    if len(shape) == 2 and not periods:
        raise _refuse("There is no period.", "Give the values of at least one period.")
    return [np.broadcast_to(each, (periods or 1, count)) for each in given], periods, count


def power_of(kpi: KpiShape) -> int:
    """What makes numbers whole."""
    return 1 if kpi.type == "yes_no" else int(10**kpi.decimals)


def ends_of(kpi: KpiShape) -> tuple[int, int]:
    """Its range in units of its last decimal."""
    return -(-kpi.low // kpi.multiple), kpi.high // kpi.multiple


def _whole(given: npt.NDArray[Any], power: int) -> Array:
    """The numbers in units of the KPI's last decimal."""
    numbers: Array = np.multiply(given, power / 1, dtype=np.float64)  # also of narrower numbers
    return np.rint(numbers, numbers)


def take_numbers(given: npt.NDArray[Any], power: int, low: int, high: int, doubts: npt.NDArray[np.bool_]) -> Array:
    """The numbers of a KPI by period; scenarios outside its range are left to the exact evaluator."""
    numbers = _whole(given, power)
    if not (np.minimum.reduce(numbers, None) >= low / 1 and np.maximum.reduce(numbers, None) <= high / 1):
        if not np.isfinite(numbers).all():
            raise _refuse("A value is not finite.", "Give a number for every KPI in every scenario.")
        np.logical_or(doubts, ((numbers < low / 1) | (numbers > high / 1)).any(0), doubts)
    return numbers


def exact_words(kpi: KpiShape, column: npt.NDArray[Any]) -> list[list[int]]:
    """The exact words of a KPI, by period and scenario."""
    power, multiple = power_of(kpi), kpi.multiple
    if column.dtype.kind != "f":
        return [[int(value) * power * multiple for value in row] for row in column.tolist()]
    return [[int(value) * multiple for value in row] for row in _whole(column, power).tolist()]
