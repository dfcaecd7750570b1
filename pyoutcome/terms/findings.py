"""Warnings: what an agreement may say, but perhaps should not. Those of its incentives: ``incentive_findings.py``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from pyoutcome.decimals import ONE, from_units, show
from pyoutcome.errors import AgreementError
from pyoutcome.formula.rule import Rule, unused
from pyoutcome.formula.syntax import Bands, Edge, Name, Number, Step, names, walk
from pyoutcome.terms.clause_checks import constant_of
from pyoutcome.terms.clauses import Scorecard
from pyoutcome.terms.exposure import AmountBounds
from pyoutcome.terms.file import AgreementFile
from pyoutcome.terms.finding import Finding
from pyoutcome.terms.incentive_findings import Incentives
from pyoutcome.terms.kpis import AgreementKpi
from pyoutcome.terms.lowering import Lowered
from pyoutcome.terms.parties import Escrow
from pyoutcome.terms.problems import Path, raise_problems
from pyoutcome.terms.shaping import PaymentShape
from pyoutcome.terms.tree import Tree

DAY: Final = 86_400


def find_warnings(
    file: AgreementFile, lowered: Lowered, bounds: AmountBounds, shape: PaymentShape, tree: Tree
) -> list[Finding]:
    """All warnings and notes, in the order of the file.

    AgreementError ``silence-pays`` where an escrow would settle without evidence for more than with some, unless the
    file says that the parties accept it.
    """
    search = _Search(file, lowered, tree)
    incentives = Incentives(file, lowered, shape, tree)
    silence = list(incentives.rewarded_silence())
    if silence and file.escrow is not None:
        raise_problems(
            [AgreementError("silence-pays", finding.why, finding.fix, where=finding.where) for finding in silence]
        )
    found = [
        *(search.of_escrow(file.escrow) if file.escrow is not None else ()),
        *search.unused(),
        *search.dead_rows(),
        *search.empty_bands(),
        *search.weights(),
        *silence,
        *incentives.cliffs(),
        *incentives.directions(),
        *incentives.dead_ends(),
        *incentives.idle(),
        *incentives.broken_defaults(),
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

    def of_escrow(self, escrow: Escrow) -> Iterator[Finding]:
        """What matters once the agreement is deployed."""
        yield from self.waiting(escrow)
        yield from self.quorum()
        yield from self.unmeasured()

    def waiting(self, escrow: Escrow) -> Iterator[Finding]:
        for key in ("evidence_within", "default_window"):
            if getattr(escrow, key) < DAY:
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
        required = {name for each in self.lowered.requirements for name in names(each.formula)}
        names_left = set(unused(self.rule)) - required
        sections = (("kpis", "KPI"), ("terms", "term"), ("define", "definition"), ("state", "state"))
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

    def empty_bands(self) -> Iterator[Finding]:
        """Bands that end where the one before ends, so that their rate never applies."""
        said: set[tuple[str, int]] = set()
        for line, origin in zip(self.rule.lines, self.lowered.origins, strict=True):
            for node in walk(line.formula):
                rows = [row for row in node.rows if not row.is_width] if isinstance(node, Bands) else []
                for before, row in pairwise(rows):
                    one, two = before.to, row.to
                    if not isinstance(one, Number) or one != two or (origin.clause, one.value) in said:
                        continue
                    said.add((origin.clause, one.value))
                    rate = f" {show(row.rate.value)}" if isinstance(row.rate, Number) else ""
                    yield self.finding(
                        "empty-band",
                        ("clauses", origin.clause),
                        f"Two bands end at {show(one.value)}, so the rate{rate} of the second never applies.",
                        "Correct its end, or delete it.",
                    )

    def weights(self) -> Iterator[Finding]:
        """Constant weights that are shares or percentages, but do not make a whole."""
        for name, clause in self.file.clauses.items():
            if not isinstance(clause, Scorecard) or clause.combine != "sum":
                continue
            known = [constant_of(item.weight, self.file) for item in clause.items]
            total = sum(weight for weight in known if weight is not None)
            if None not in known and total not in (ONE, 100 * ONE):
                yield self.finding(
                    "weights-not-whole",
                    ("clauses", name, "items"),
                    f"The weights add up to {show(total)}, neither 1 (100%) nor 100.",
                    "Correct the weights, if they are meant to be shares of a whole.",
                )

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
