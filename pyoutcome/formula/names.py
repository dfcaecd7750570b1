"""The names that a program's bytes do not hold."""

from __future__ import annotations

from dataclasses import dataclass

from pyoutcome.decimals import INT256_MAX, INT256_MIN
from pyoutcome.formula.rule import KpiShape, Rule
from pyoutcome.formula.verify import Shape


@dataclass(frozen=True, slots=True)
class Names:
    """What bytes do not say: names, and the shapes of the KPIs."""

    kpis: tuple[KpiShape, ...]
    parameters: tuple[tuple[str, int], ...]
    definitions: tuple[str, ...]
    """In the program's order of evaluation; with ``year`` and ``period_of_year`` where formulas use them."""
    lines: tuple[tuple[str, str], ...]
    """Name and title."""
    payees: tuple[str, ...]
    registers: tuple[str, ...] = ()
    periods_per_year: int | None = None
    """What ``year`` and ``period_of_year`` among the definitions count by."""

    @classmethod
    def of(cls, rule: Rule) -> Names:
        """The names of a rule one already has, to compare a program with it."""
        return cls(
            rule.kpis,
            rule.parameters,
            tuple(item.name for item in rule.order if item.kind in ("definition", "calendar")),
            tuple((line.name, line.title) for line in rule.lines),
            tuple(payee.name for payee in rule.payees),
            tuple(register.name for register in rule.registers),
            rule.periods_per_year,
        )

    @classmethod
    def made_up(cls, shape: Shape) -> Names:
        """kpi1, term1, value1, carried1, line1, payee1 and so on; KPIs are taken to be numbers of any size.

        A program over yes/no or choice KPIs needs real names: bytes do not tell the types of KPIs.
        """
        header = shape.header
        return cls(
            tuple(KpiShape(f"kpi{at}", INT256_MIN, INT256_MAX, 18) for at in range(1, header.kpis + 1)),
            tuple((f"term{at}", 0) for at in range(1, header.parameters + 1)),
            tuple(f"value{at}" for at in range(1, len(free_locals(shape)) + 1)),
            tuple((f"line{at}", "") for at in range(1, len(header.lines) + 1)),
            tuple(f"payee{at}" for at in range(1, len(header.payees) + 1)),
            tuple(f"carried{at}" for at in range(1, len(header.registers) + 1)),
        )


def free_locals(shape: Shape) -> list[int]:
    """The locals that the header gives no meaning: definitions."""
    header = shape.header
    taken = {local for local, _, _ in header.lines} | set(header.payees) | set(header.registers)
    taken |= set(range(len(header.registers))) | {row.opening for row in header.histories if row.opening is not None}
    return [at for at in range(shape.locals) if at not in taken]
