"""What is remarkable in a period although nothing is wrong: no records, unusual counts, values next to a threshold.

All of it follows from the records and the agreement, so that everybody who measures finds the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from pyoutcome.decimals import DECIMALS, show
from pyoutcome.evidence.findings import Finding
from pyoutcome.formula.syntax import Bands, Compare, Name, Node, Number, Step, walk

if TYPE_CHECKING:
    from pyoutcome.formula.rule import Rule
    from pyoutcome.terms.kpis import AgreementKpi

USUAL: Final = 10
"""Fewer things than this in the middle one of the periods before make no usual count."""


def find_absent(source: str, anchor: str, period: int, things: int) -> Iterator[Finding]:
    """The finding on a period in which a source has nothing at all."""
    if not things:
        yield Finding("records-absent", source, 0, f"No record of {source} has its {anchor} in period {period}.")


def find_unusual(kpi: str, period: int, counts: Mapping[int, int]) -> Iterator[Finding]:
    """The finding on a period with far more or fewer things than the periods before it; ``counts`` by period."""
    before = sorted(counts.get(number, 0) for number in range(1, period))
    if not before:
        return
    # Twice the median, so that it is a whole number for an even number of periods too.
    doubled = before[len(before) // 2] + before[(len(before) - 1) // 2]
    now = counts.get(period, 0)
    if doubled < 2 * USUAL or doubled <= 4 * now <= 4 * doubled:
        return
    than = "less than half" if 4 * now < doubled else "more than twice"
    usual = show(doubled * 10**DECIMALS // 2)
    yield Finding(
        "count-unusual", kpi, now, f"{kpi} looks at {now} in period {period}, {than} the median of before, {usual}."
    )


def turning_points(kpi: AgreementKpi, rule: Rule) -> list[int]:
    """The numbers at which the payment rule turns over a KPI, rising.

    The edges of tables and bands over it, and the numbers it is compared with; the ends of its range are none.
    """
    if kpi.shape.type != "number":
        return []
    edges = {edge for item in rule.order for edge in _edges(item.formula, kpi.name, dict(rule.parameters))}
    return sorted(edges - {kpi.low, kpi.high})


def find_thresholds(kpi: AgreementKpi, rule: Rule, value: int | None) -> Iterator[Finding]:
    """The finding on a value within one unit of its last decimal of a number at which the payment rule turns."""
    if value is None or kpi.shape.type != "number":
        return
    unit = 10 ** (DECIMALS - kpi.decimals)
    near = [edge for edge in turning_points(kpi, rule) if abs(value - edge) <= unit]
    if near:
        told = " and ".join(kpi.show(edge) for edge in near)
        yield Finding(
            "value-near-threshold",
            kpi.name,
            0,
            f"{kpi.name} is {kpi.show(value)}, within one unit of its last decimal of {told}, where the payment turns.",
        )


def _edges(formula: Node, kpi: str, parameters: Mapping[str, int]) -> Iterator[int]:
    for node in walk(formula):
        found: list[Node] = []
        match node:
            case Step(of=Name(name=name)) if name == kpi:
                found = [row.at for row in node.rows]
            case Bands(of=Name(name=name)) if name == kpi:
                # A band told by its width begins where nobody has written a number.
                found = [row.to for row in node.rows if not row.is_width]
            case Compare(left=Name(name=name)) if name == kpi:
                found = [node.right]
            case Compare(right=Name(name=name)) if name == kpi:
                found = [node.left]
        for at in found:
            if isinstance(at, Number):
                yield at.value
            elif isinstance(at, Name) and at.name in parameters:
                yield parameters[at.name]
