"""All parts of a rule together, not yet checked, and the names that follow from them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

from pyoutcome.formula.shapes import Definition, KpiShape, Line, Payee, Register

ReadingKind: TypeAlias = Literal["register", "kpi", "to_date", "earned"]


@dataclass(frozen=True, slots=True)
class Reading:
    """A value of earlier periods that a name stands for."""

    kind: ReadingKind
    index: int
    """Which register, KPI (its value one period ago), line or payee."""


@dataclass(frozen=True)
class Parts:
    """What a rule is made of, and nothing that needs an order of evaluation."""

    kpis: tuple[KpiShape, ...]
    parameters: tuple[tuple[str, int], ...]
    """Name and scaled value of each term of the agreement; on chain a vector beside the program."""
    definitions: tuple[Definition, ...]
    lines: tuple[Line, ...]
    payees: tuple[Payee, ...]
    registers: tuple[Register, ...] = ()
    """Values carried from period to period; all are updated together, from the values of the period before."""
    periods_per_year: int | None = None
    """Makes ``year`` (from 1) and ``period_of_year`` known; None: they are refused."""

    @cached_property
    def labels(self) -> dict[str, tuple[str, ...]]:
        """The labels of every choice, by its full name."""
        found = {kpi.full_name: kpi.labels for kpi in self.kpis if kpi.type == "choice"}
        return found | {f"prev.{name}": labels for name, labels in found.items()}

    @cached_property
    def totals(self) -> dict[str, tuple[str, ...]]:
        """For each ``total.k``: the full names of the KPIs it adds, in KPI order."""
        found: dict[str, list[str]] = {}
        for kpi in self.kpis:
            if kpi.provider is not None and kpi.type == "number":
                found.setdefault(f"total.{kpi.name}", []).append(kpi.full_name)
        return {name: tuple(parts) for name, parts in found.items()}

    @cached_property
    def readings(self) -> dict[str, Reading]:
        """Every name of a value of earlier periods that formulas may use, and what it stands for."""
        found = {f"prev.{each.name}": Reading("register", at) for at, each in enumerate(self.registers)}
        found |= {
            f"prev.{kpi.full_name}": Reading("kpi", at) for at, kpi in enumerate(self.kpis) if kpi.opening is not None
        }
        found |= {f"to_date.{line.name}": Reading("to_date", at) for at, line in enumerate(self.lines)}
        found |= {f"earned_before.{payee.name}": Reading("earned", at) for at, payee in enumerate(self.payees)}
        if len(self.payees) == 1:
            found["earned_before"] = Reading("earned", 0)
        return found
