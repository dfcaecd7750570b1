"""The names that a program's bytes do not hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pyoutcome.decimals import INT256_MAX, INT256_MIN
from pyoutcome.formula.layout import Op, stack_use
from pyoutcome.formula.rule import KpiShape, Rule
from pyoutcome.formula.verify import Instruction, Shape


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
    def made_up(
        cls, shape: Shape, kpis: Sequence[KpiShape] | None = None, parameters: Sequence[int] | None = None
    ) -> Names:
        """kpi1, term1, value1, carried1, line1, payee1 and so on.

        ``kpis`` are the shapes of the KPIs, ``parameters`` the values of the terms, where they are known; without them
        KPIs are taken to be numbers of any size and terms to be 0. A KPI that the program picks by is a choice, with as
        many labels as it picks from. A program over yes/no KPIs needs their shapes: bytes do not tell their types.
        """
        header = shape.header
        given = list(kpis) if kpis is not None else [KpiShape("", INT256_MIN, INT256_MAX, 18)] * header.kpis
        for at, labels in _choices(shape).items():
            if at < len(given):
                given[at] = KpiShape.choice("", tuple(f"kpi{at + 1}_label{label}" for label in range(1, labels + 1)))
        values = parameters if parameters is not None else [0] * header.parameters
        return cls(
            tuple(replace(kpi, name=f"kpi{at}", provider=None) for at, kpi in enumerate(given, 1)),
            tuple((f"term{at}", value) for at, value in enumerate(values, 1)),
            tuple(f"value{at}" for at in range(1, len(free_locals(shape)) + 1)),
            tuple((f"line{at}", "") for at in range(1, len(header.lines) + 1)),
            tuple(f"payee{at}" for at in range(1, len(header.payees) + 1)),
            tuple(f"carried{at}" for at in range(1, len(header.registers) + 1)),
        )


def _choices(shape: Shape) -> dict[int, int]:
    """The KPIs that a program picks by, by index, and how many labels they have."""
    found: dict[int, int] = {}
    stack: list[int | None] = []
    for here in shape.instructions:
        if here.op in (Op.JZ, Op.JMP):
            del stack[-1:]  # a condition; or the value of one branch, in whose place the other's is put
            continue
        takes, gives = stack_use(here.op, here.number)
        source = stack[-takes] if here.op is Op.PICK and len(stack) >= takes else None
        if source is not None:
            found[source] = here.number
        del stack[max(0, len(stack) - takes) :]
        stack += [_kpi_of(here, shape)] * gives
    return found


def _kpi_of(here: Instruction, shape: Shape) -> int | None:
    """The KPI whose value, of now or before, an instruction leaves."""
    if here.op is Op.KPI:
        return here.number
    if here.op is not Op.LAG or shape.header.histories[here.number].is_local:
        return None
    return shape.header.histories[here.number].source


def free_locals(shape: Shape) -> list[int]:
    """The locals that the header gives no meaning: definitions."""
    header = shape.header
    taken = {local for local, _, _ in header.lines} | set(header.payees) | set(header.registers)
    taken |= set(range(len(header.registers))) | {row.opening for row in header.histories if row.opening is not None}
    return [at for at in range(shape.locals) if at not in taken]
