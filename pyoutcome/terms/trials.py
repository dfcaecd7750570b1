"""Warnings found by evaluating the rule at chosen values: cliffs, and rewards for silence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pyoutcome.decimals import show
from pyoutcome.errors import AgreementError, FormulaError, Where
from pyoutcome.formula.evaluate import Outcome, evaluate
from pyoutcome.formula.rule import Rule
from pyoutcome.formula.syntax import Compare, If, Name, Node, Number, Step, names, walk
from pyoutcome.terms.file import AgreementFile
from pyoutcome.terms.kpis import AgreementKpi
from pyoutcome.terms.lowering import Lowered
from pyoutcome.terms.problems import Path
from pyoutcome.terms.requirements import refuse_broken
from pyoutcome.terms.tree import Tree

_NOISE: Final = 100
"""Scaled units that truncation may add to a slope."""
_MOST_PROBES: Final = 64
"""Values of one KPI that are tried."""
_MOST_TRIALS: Final = 2000
"""Values of all KPIs together that are tried, so that a large agreement does not take minutes."""
_MOST_EDGES: Final = 500
"""Edges of tables and conditions that are looked at."""


@dataclass(frozen=True)
class Finding:
    """One warning."""

    code: str
    """Stable name, a heading in ``docs/agreement-file.md``."""
    why: str
    fix: str
    where: Where | None = None

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.why} [{self.code}] {self.fix}"


class Trials:
    """Evaluates the first period of a rule at chosen KPI values; later periods start from other states."""

    def __init__(self, file: AgreementFile, lowered: Lowered, tree: Tree) -> None:
        self.file = file
        self.lowered = lowered
        self.rule: Rule = lowered.rule
        self.tree = tree
        self.at = {kpi.name: position for position, kpi in enumerate(lowered.kpis)}

    def finding(self, code: str, path: Path, why: str, fix: str) -> Finding:
        return Finding(code, why, fix, self.tree.where(path))

    def cliffs(self) -> Iterator[Finding]:
        """Places where the smallest change of a KPI makes a line jump."""
        seen: set[tuple[str, str, int]] = set()
        for at, (line, origin) in enumerate(zip(self.rule.lines, self.lowered.origins, strict=True)):
            for name, edge in sorted(_edges(line.formula)):
                kpi = self.lowered.kpis[self.at[name]] if name in self.at else None
                if kpi is None or (origin.clause, kpi.kpi, edge) in seen or len(seen) >= _MOST_EDGES:
                    continue
                seen.add((origin.clause, kpi.kpi, edge))
                jump = self._jump(at, kpi, edge)
                if jump is not None:
                    before, after, low, high = jump
                    yield self.finding(
                        "cliff",
                        ("clauses", origin.clause),
                        f"Between {kpi.kpi} = {kpi.show(low)} and {kpi.show(high)} the amount jumps from "
                        f"{show(before)} to {show(after)} {self.file.token.symbol}.",
                        "If a small difference should not decide so much, use a curve.",
                    )

    def _jump(self, line: int, kpi: AgreementKpi, edge: int) -> tuple[int, int, int, int] | None:
        """Amounts just below and above an edge and the KPI's values there, if the line changes more than around it."""
        unit = kpi.shape.multiple
        below = edge - edge % unit
        for low, high in ((below - unit, below), (below, below + unit)):
            if not kpi.low <= low < high <= kpi.high:
                continue
            values = [max(low - unit, kpi.low), low, high, min(high + unit, kpi.high)]
            amounts = [self._line(line, {**self._middle(), kpi.name: value}) for value in values]
            known = [amount for amount in amounts if amount is not None]
            if len(known) < len(amounts):
                continue
            around = max(abs(known[1] - known[0]), abs(known[3] - known[2]))
            if abs(known[2] - known[1]) > around + _NOISE:
                return known[1], known[2], low, high
        return None

    def _middle(self) -> dict[str, int]:
        """A value inside every KPI's range."""
        found: dict[str, int] = {}
        for kpi in self.lowered.kpis:
            middle = (kpi.low + kpi.high) // 2
            found[kpi.name] = max(kpi.low, middle - middle % kpi.shape.multiple)
        return found

    def _line(self, line: int, values: dict[str, int]) -> int | None:
        outcome = self._evaluate(values)
        return None if outcome is None else outcome.lines[line]

    def _evaluate(self, values: dict[str, int]) -> Outcome | None:
        try:
            return evaluate(self.rule, [values[kpi.name] for kpi in self.lowered.kpis])
        except FormulaError:
            return None  # bounds() has said, or will say, what is wrong with the rule

    def rewarded_silence(self) -> Iterator[Finding]:
        """KPIs whose ``if_missing`` pays their supplier more than some value it could have to report."""
        providers = tuple(self.file.parties.providers)
        said: set[str] = set()
        for kpi in self.lowered.kpis:
            if kpi.kpi in said or not self._settles_without(kpi):
                continue
            suppliers = providers if kpi.provider is None else (kpi.provider,)
            worst = self._worse_than_missing(kpi, [providers.index(supplier) for supplier in suppliers])
            if worst is not None:
                difference, supplier, value = worst
                said.add(kpi.kpi)
                yield self.finding(
                    "silence-pays",
                    ("kpis", kpi.kpi, "if_missing"),
                    f"Without evidence {providers[supplier]} gets {show(difference)} {self.file.token.symbol} more "
                    f"than with {kpi.kpi} = {kpi.show(value)}, so it gains by not reporting.",
                    "Let 'if_missing' be the worst value of the range.",
                )

    def _settles_without(self, kpi: AgreementKpi) -> bool:
        """Can a period settle without a value of it? A rule on paper may leave that open."""
        return self.file.escrow is not None or kpi.declared.if_missing != "refuse"

    def _worse_than_missing(self, kpi: AgreementKpi, suppliers: list[int]) -> tuple[int, int, int] | None:
        """The greatest gain by silence, whose it is, and the value that would have paid so much less."""
        worst: tuple[int, int, int] | None = None
        probes = self._probes(kpi)
        for others in self._surroundings():
            silent = self._evaluate({**others, kpi.name: kpi.if_missing})
            for value in probes:
                told = self._evaluate({**others, kpi.name: value})
                if silent is None or told is None:
                    continue
                for payee in suppliers:
                    gain = silent.amounts[payee] - told.amounts[payee]
                    if gain > (worst[0] if worst else 0):
                        worst = (gain, payee, value)
        return worst

    def _surroundings(self) -> Iterator[dict[str, int]]:
        """Values of the other KPIs that a KPI is tried among."""
        yield self._middle()
        yield {kpi.name: kpi.low for kpi in self.lowered.kpis}
        yield {kpi.name: kpi.high for kpi in self.lowered.kpis}
        yield {kpi.name: kpi.if_missing for kpi in self.lowered.kpis}

    def _probes(self, kpi: AgreementKpi) -> list[int]:
        """Values of a KPI worth trying: the ends of its range and every constant inside it, with their neighbours."""
        unit = kpi.shape.multiple
        found = {kpi.low, kpi.high}
        for item in self.rule.order:
            if kpi.name in names(item.formula):
                for node in walk(item.formula):
                    if isinstance(node, Number) and kpi.low <= node.value <= kpi.high:
                        near = node.value - node.value % unit
                        found |= {each for each in (near - unit, near, near + unit) if kpi.low <= each <= kpi.high}
        most = max(4, min(_MOST_PROBES, _MOST_TRIALS // len(self.lowered.kpis)))
        ordered = sorted(found)
        return ordered if len(ordered) <= most else [*ordered[: most - 1], ordered[-1]]

    def broken_defaults(self) -> Iterator[Finding]:
        """Requirements that the values of a period without evidence break together."""
        if not all(self._settles_without(kpi) for kpi in self.lowered.kpis):
            return
        missing = [kpi.if_missing for kpi in self.lowered.kpis]
        for each in self.lowered.requirements:
            try:
                refuse_broken(self.lowered.checking, self.lowered.requirements, missing, 1)
            except (AgreementError, FormulaError) as error:
                if error.details.get("requirement") in (each.position, None):
                    yield self.finding(
                        "missing-breaks-requirement",
                        ("require", each.position),
                        "The values that stand in for missing ones do not meet this requirement together.",
                        "Choose other values for 'if_missing', or a requirement that they meet.",
                    )
                    return


def _edges(node: Node) -> set[tuple[str, int]]:
    """Constants at which a table or a condition on a single KPI switches."""
    found: set[tuple[str, int]] = set()
    for part in walk(node):
        if isinstance(part, Step) and isinstance(part.of, Name):
            found |= {(part.of.name, row.at.value) for row in part.rows if isinstance(row.at, Number)}
        if isinstance(part, If):
            for test in walk(part.condition):
                if isinstance(test, Compare) and isinstance(test.left, Name) and isinstance(test.right, Number):
                    found.add((test.left.name, test.right.value))
    return found
