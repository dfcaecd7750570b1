"""Rounding taken out of a sum: what is rounded and what is added to it can cancel, which rounding hides.

``earned + round(min(net, cap - earned), 0.01, down)`` is at most the cap, because earlier amounts were rounded to the
same steps: a sum of a rounded value and multiples of the step lies no further from the sum without rounding than the
next multiples. Rounding only ever rises with what is rounded, so it can be taken out of limits as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from pyoutcome.decimals import Rounding
from pyoutcome.formula import syntax as s
from pyoutcome.formula.walk import Range, Walk

_MIRRORED: Final = {Rounding.FLOOR: Rounding.CEIL, Rounding.CEIL: Rounding.FLOOR}


class Rounded(NamedTuple):
    """A value that is another one rounded."""

    of: s.Node
    step: int
    """Scaled."""
    mode: Rounding


def find_rounding(node: s.Node, formulas: Mapping[str, s.Node], walk: Walk) -> Rounded | None:
    """What a value is the rounding of, seen through names and limits; None if there is no constant step."""
    match node:
        case s.Name() if node.name in formulas:
            return find_rounding(formulas[node.name], formulas, walk)
        case s.Round():
            step = walk.view(node.step)
            return Rounded(node.of, step.low, node.mode) if step.low == step.high else None
        case s.Min() | s.Max():
            within = _all_rounded(node.operands, formulas, walk)
            return within and Rounded(type(node)(within[0]), *within[1])
        case s.Clamp():
            within = _all_rounded((node.of, node.low, node.high), formulas, walk)
            if within is None:
                return None
            of, low, high = within[0]  # limits may cross before they are rounded
            return Rounded(s.Min((s.Max((of, low)), high)), *within[1])
        case _:
            return None


def _all_rounded(
    nodes: tuple[s.Node, ...], formulas: Mapping[str, s.Node], walk: Walk
) -> tuple[tuple[s.Node, ...], tuple[int, Rounding]] | None:
    """The nodes before rounding, if all are rounded alike or multiples of the step; and how."""
    found = [find_rounding(node, formulas, walk) for node in nodes]
    ways = {(each.step, each.mode) for each in found if each is not None}
    if len(ways) != 1:
        return None
    (step, mode) = ways.pop()
    if any(each is None and walk.view(node).grain % step for each, node in zip(found, nodes, strict=True)):
        return None
    inner = tuple(node if each is None else each.of for each, node in zip(found, nodes, strict=True))
    return inner, (step, mode)


def round_sum(whole: Range, others: Range, part: Range, times: int, how: Rounded) -> tuple[int, int]:
    """Where ``others`` plus (``times`` 1) or less (-1) a rounded ``part`` lies; ``whole`` is where it does unrounded.

    ``others`` is a multiple of the step.
    """
    step = how.step
    mode = _MIRRORED.get(how.mode, how.mode) if times < 0 else how.mode
    low, high = (part.low, part.high) if times > 0 else (-part.high, -part.low)
    floors, ceils = ([way * (way * end // step) * step for end in whole[:2]] for way in (1, -1))
    match mode:
        case Rounding.FLOOR:
            return floors[0], floors[1]
        case Rounding.CEIL:
            return ceils[0], ceils[1]
        case Rounding.HALF_UP | Rounding.HALF_EVEN:
            return -((step - 2 * whole.low) // (2 * step)) * step, (2 * whole.high + step) // (2 * step) * step
        case Rounding.DOWN:  # where the part is below zero the sum is at most what is added to it, and so on
            least = floors[0] if low >= 0 else ceils[0] if high <= 0 else min(ceils[0], others.low)
            most = ceils[1] if high <= 0 else floors[1] if low >= 0 else max(floors[1], others.high)
            return max(least, floors[0]), min(most, ceils[1])
        case Rounding.UP:
            return (ceils if low >= 0 else floors)[0], (floors if high <= 0 else ceils)[1]
