"""Whether a period without evidence would settle at all: the values that stand in must be ones a report could hold."""

from __future__ import annotations

from pyoutcome.errors import AgreementError, FormulaError
from pyoutcome.formula.syntax import names
from pyoutcome.terms.lowering import Lowered
from pyoutcome.terms.problems import Path
from pyoutcome.terms.requirements import refuse_broken

_CLOCK = frozenset(("period", "year", "period_of_year"))


def find_broken_default(lowered: Lowered, periods: int) -> tuple[Path, str] | None:
    """Where in the file, and why, the values of a period without evidence are refused or may be; None if never.

    ``periods`` is the number of periods.
    """
    for kpi in lowered.kpis:
        if kpi.if_missing in kpi.declared.excluded(kpi.kpi):
            return ("kpis", kpi.kpi, "except"), f"Every value that could stand in for {kpi.name} is excluded."
    lasting = {kpi.name for kpi in lowered.kpis if kpi.takes_last}
    lasting |= {total for total, parts in lowered.rule.totals.items() if lasting & set(parts)}
    reads = {each.name: set(names(each.formula)) for each in lowered.checking.definitions}
    for each in lowered.requirements:
        for name in sorted(_reached(each.item, reads) & lasting):
            why = f"It reads {name!r}, whose last value may break it in a period without evidence."
            return ("require", each.position), why
    missing = [kpi.if_missing for kpi in lowered.kpis]
    by_period = any(_CLOCK & read for read in reads.values())
    for period in range(1, periods + 1 if by_period else 2):
        try:
            refuse_broken(lowered.checking, lowered.requirements, missing, period)
        except (AgreementError, FormulaError) as error:
            position = error.details.get("requirement", 0)
            why = "The values that stand in for missing ones do not meet this requirement together."
            return ("require", position if isinstance(position, int) else 0), why
    return None


def _reached(item: str, reads: dict[str, set[str]]) -> set[str]:
    """Every name that a value of the checking rule depends on."""
    found: set[str] = set()
    waiting = [item]
    while waiting:
        new = reads.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found
