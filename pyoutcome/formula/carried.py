"""What a rule reads of earlier periods: its registers, histories, and sums to date."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pyoutcome.formula import syntax as s
from pyoutcome.formula.parts import Parts
from pyoutcome.formula.shapes import Item


@dataclass(frozen=True, slots=True)
class History:
    """A value whose last ``depth`` periods are kept."""

    name: str
    kpi: int | None
    """Index of the KPI; None for a definition, register or line."""
    depth: int
    opening: str | None
    """The item that says what counts before the first period (``opening of k``, ``start of r``); None: 0."""


@dataclass(frozen=True, slots=True)
class Carried:
    """All that is kept from one period to the next, in the order of ``docs/program-format.md``."""

    registers: int
    histories: tuple[History, ...]
    to_date: tuple[int, ...]
    """Lines whose sum to date is read, rising."""
    earned: tuple[int, ...]
    """Payees whose earned amounts are read, rising."""

    def __bool__(self) -> bool:
        return bool(self.registers or self.histories or self.to_date or self.earned)


def past_reads(rule: Parts, node: s.Node) -> Iterator[tuple[str, int, bool]]:
    """Names of values whose earlier periods a formula reads, how far back, and whether one period by itself."""
    for each in s.walk(node):
        if isinstance(each, s.Lag | s.SumLast):
            yield each.name, each.periods, isinstance(each, s.Lag)
        elif isinstance(each, s.Name):
            reading = rule.readings.get(each.name)
            if reading is not None and reading.kind == "kpi":
                yield rule.kpis[reading.index].full_name, 1, True


def find_carried(rule: Parts, order: tuple[Item, ...]) -> Carried:
    """What the rule carries; ``order`` is its order of evaluation."""
    depths: dict[str, int] = {}
    lagged: set[str] = set()
    sums: dict[str, set[int]] = {"to_date": set(), "earned": set()}
    for item in order:
        for name, periods, alone in past_reads(rule, item.formula):
            depths[name] = max(depths.get(name, 0), periods)
            if alone:
                lagged.add(name)
        for node in s.walk(item.formula):
            reading = rule.readings.get(node.name) if isinstance(node, s.Name) else None
            if reading is not None and reading.kind in sums:
                sums[reading.kind].add(reading.index)
    histories: list[History] = []
    for at, kpi in enumerate(rule.kpis):
        name = kpi.full_name
        if name in depths:
            opened = name in lagged and kpi.opening is not None
            histories.append(History(name, at, depths[name], f"opening of {name}" if opened else None))
    for item in order:
        if item.kind in ("definition", "register", "line") and item.name in depths:
            opened = item.kind == "register" and item.name in lagged
            histories.append(History(item.name, None, depths[item.name], f"start of {item.name}" if opened else None))
    return Carried(len(rule.registers), tuple(histories), tuple(sorted(sums["to_date"])), tuple(sorted(sums["earned"])))
