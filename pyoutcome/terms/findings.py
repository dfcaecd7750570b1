"""Warnings: what an agreement may say, but perhaps should not. Found by reading and by evaluating the rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pyoutcome.decimals import from_units, show
from pyoutcome.errors import FormulaError, Where
from pyoutcome.formula.evaluate import Outcome, evaluate
from pyoutcome.formula.rule import Rule, unused
from pyoutcome.formula.syntax import Compare, Edge, If, Name, Node, Number, Step, names, walk
from pyoutcome.terms.exposure import AmountBounds
from pyoutcome.terms.file import AgreementFile
from pyoutcome.terms.kpis import AgreementKpi
from pyoutcome.terms.lowering import Lowered
from pyoutcome.terms.problems import Path
from pyoutcome.terms.tree import Tree

DAY: Final = 86_400
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


def find_warnings(file: AgreementFile, lowered: Lowered, bounds: AmountBounds, tree: Tree) -> list[Finding]:
    """All warnings, in the order of the file."""
    search = _Search(file, lowered, tree)
    found = [
        *search.waiting(),
        *search.quorum(),
        *search.unmeasured(),
        *search.unused(),
        *search.dead_rows(),
        *search.cliffs(),
        *search.rewarded_silence(),
        *search.fixed_amounts(bounds),
    ]
    return sorted(found, key=lambda finding: (finding.where.line or 0) if finding.where else 0)


class _Search:
    def __init__(self, file: AgreementFile, lowered: Lowered, tree: Tree) -> None:
        self.file = file
        self.lowered = lowered
        self.rule: Rule = lowered.rule
        self.tree = tree
        self.at = {kpi.name: position for position, kpi in enumerate(lowered.kpis)}

    def finding(self, code: str, path: Path, why: str, fix: str) -> Finding:
        return Finding(code, why, fix, self.tree.where(path))

    def waiting(self) -> Iterator[Finding]:
        for key in ("evidence_within", "default_window"):
            if getattr(self.file.escrow, key) < DAY:
                yield self.finding(
                    "short-window",
                    ("escrow", key),
                    "The window is shorter than a day.",
                    "On a public network give everybody at least 24 hours.",
                )

    def quorum(self) -> Iterator[Finding]:
        parties = self.file.parties
        if 2 * parties.quorum <= len(parties.verifiers):
            yield self.finding(
                "quorum-below-majority",
                ("parties", "quorum"),
                f"{parties.quorum} of {len(parties.verifiers)} verifiers can report, and others otherwise.",
                "Ask for more than half of the verifiers.",
            )

    def unmeasured(self) -> Iterator[Finding]:
        for name, kpi in self.file.kpis.items():
            if kpi.measure is None:
                yield self.finding(
                    "kpi-without-measure",
                    ("kpis", name),
                    f"Nothing says how {name!r} is counted, so it cannot be recomputed from records.",
                    "Add a 'measure', or agree elsewhere how the verifiers find the value.",
                )

    def unused(self) -> Iterator[Finding]:
        names_left = set(unused(self.rule))
        sections = (("kpis", "KPI"), ("terms", "term"), ("define", "definition"))
        for section, word in sections:
            for name in getattr(self.file, section):
                full = [each for each in names_left if each == name or each.rpartition(".")[0] == name]
                if full and not self._used_in_part(name, section):
                    yield self.finding(
                        "never-used",
                        (section, name),
                        f"No formula uses the {word} {name!r}, so it changes no amount.",
                        "Use it or delete it.",
                    )

    def _used_in_part(self, name: str, section: str) -> bool:
        """A KPI per provider is used if any provider's value is."""
        if section != "kpis":
            return False
        own = {kpi.name for kpi in self.lowered.kpis if kpi.kpi == name}
        return not own <= set(unused(self.rule))

    def dead_rows(self) -> Iterator[Finding]:
        said: set[tuple[str, str]] = set()
        for line, origin in zip(self.rule.lines, self.lowered.origins, strict=True):
            for node in walk(line.formula):
                if not (isinstance(node, Step) and isinstance(node.of, Name) and node.of.name in self.at):
                    continue
                kpi = self.lowered.kpis[self.at[node.of.name]]
                for text in _dead(node, kpi):
                    if (origin.clause, text) not in said:
                        said.add((origin.clause, text))
                        yield self.finding(
                            "row-outside-range",
                            ("clauses", origin.clause),
                            f"No value of {kpi.kpi}, {kpi.show(kpi.low)} to {kpi.show(kpi.high)}, meets '{text}'.",
                            "Correct the row or the KPI's range.",
                        )

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
            if kpi.kpi in said:
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

    def fixed_amounts(self, bounds: AmountBounds) -> Iterator[Finding]:
        for each in bounds.providers:
            if each.least == each.most:
                amount = show(from_units(each.most, self.file.token.decimals))
                yield self.finding(
                    "amount-never-changes",
                    ("settlement",) if self.file.settlement else ("clauses",),
                    f"{each.provider} always gets {amount} {self.file.token.symbol}, whatever it delivers.",
                    "Check the limits of the settlement and the clauses.",
                )


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


def _dead(step: Step, kpi: AgreementKpi) -> Iterator[str]:
    """Rows that no value of the KPI's range reaches, as text."""
    unit, reachable = kpi.shape.multiple, (kpi.low, kpi.high)
    for row in step.rows:
        if not isinstance(row.at, Number):
            return
        low, high = reachable
        at = row.at.value
        below, above = at - at % unit, at if at % unit == 0 else at - at % unit + unit
        holds = {
            Edge.AT_LEAST: (max(low, above), high),
            Edge.ABOVE: (max(low, below + unit), high),
            Edge.AT_MOST: (low, min(high, below)),
            Edge.BELOW: (low, min(high, above - unit)),
        }[row.edge]
        if holds[0] > holds[1]:
            yield f"{row.edge} {kpi.show(at)}"
            continue
        reachable = (low, holds[0] - unit) if row.edge in (Edge.AT_LEAST, Edge.ABOVE) else (holds[1] + unit, high)
    if reachable[0] > reachable[1]:
        yield "otherwise"
