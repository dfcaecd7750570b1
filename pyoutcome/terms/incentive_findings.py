"""Findings that follow from the shape of the payments: cliffs, wrong directions, dead ranges, rewards for silence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pyoutcome.decimals import group_digits, show
from pyoutcome.errors import FormulaError
from pyoutcome.formula.evaluate import evaluate
from pyoutcome.formula.influence import SLIGHT, Cliff, Direction, Influence, Move
from pyoutcome.formula.state import cut_to_units, unit_of
from pyoutcome.terms.defaults import find_broken_default
from pyoutcome.terms.file import AgreementFile
from pyoutcome.terms.finding import Finding, Severity
from pyoutcome.terms.kpis import AgreementKpi
from pyoutcome.terms.lowering import Lowered
from pyoutcome.terms.problems import Path
from pyoutcome.terms.shaping import PaymentShape, is_priced, state_after
from pyoutcome.terms.tree import Tree

_SETTLEMENT: Final = "settlement"


class Incentives:
    """What the shape of the payments says about the incentives they give."""

    def __init__(self, file: AgreementFile, lowered: Lowered, shape: PaymentShape, tree: Tree) -> None:
        self.file = file
        self.lowered = lowered
        self.rule = lowered.rule
        self.shape = shape
        self.tree = tree
        self.providers = tuple(file.parties.providers)
        self.unit = unit_of(file.token.decimals)
        """A gain of less is truncation."""

    def finding(self, code: str, path: Path, why: str, fix: str, severity: Severity = "warning") -> Finding:
        return Finding(code, why, fix, self.tree.where(path), severity)

    def money(self, scaled: int) -> str:
        """An amount with its unit."""
        return f"{self.amount(scaled)} {self.file.token.symbol}"

    def amount(self, scaled: int) -> str:
        """An amount for people, cut to whole base units."""
        return group_digits(show(cut_to_units(scaled, self.file.token.decimals)))

    def others(self, kpi: int, setting: int) -> str:
        """Where the other KPIs are, as the end of a sentence."""
        if len(self.lowered.kpis) == 1:
            return ""
        chosen = self.shape.settings[setting]
        if chosen.name:
            return f" (the other KPIs at their {chosen.name})"
        told = [
            f"{each.name} = {each.tell(value)}"
            for at, (each, value) in enumerate(zip(self.lowered.kpis, chosen.values, strict=True))
            if at != kpi
        ]
        return f" ({', '.join(told)})"

    def concerned(self) -> Iterator[tuple[AgreementKpi, Influence]]:
        """Every KPI with each payee whose performance it measures: its own, or all of them."""
        for each in self.shape.influences:
            kpi = self.lowered.kpis[each.kpi]
            if each.payee is not None and kpi.provider in (None, self.providers[each.payee]):
                yield kpi, each

    def payee(self, influence: Influence) -> str:
        return self.providers[influence.payee or 0]

    def cliffs(self) -> Iterator[Finding]:
        """Places where the smallest change of a KPI makes an amount jump."""
        found: dict[tuple[str, str, int], list[tuple[Cliff, Influence]]] = {}
        for each in self.shape.influences:
            if each.payee is None:
                continue
            for cliff in each.cliffs:
                clause = self.lowered.origins[cliff.line].clause if cliff.line is not None else _SETTLEMENT
                found.setdefault((clause, self.lowered.kpis[each.kpi].kpi, cliff.first), []).append((cliff, each))
        for (clause, name, _), cliffs in found.items():
            cliff, each = max(cliffs, key=lambda pair: abs(pair[0].change))
            kpi = self.lowered.kpis[each.kpi]
            whose = f" of {self.payee(each)}" if len(self.providers) > 1 else ""
            more = len({other.payee for _, other in cliffs}) - 1
            yield self.finding(
                "cliff",
                ("clauses", clause) if clause in self.file.clauses else (_SETTLEMENT,),
                f"Between {name} = {kpi.tell(cliff.first)} and {kpi.tell(cliff.last)} the amount{whose} jumps by "
                f"{self.money(abs(cliff.change))}, from {self.amount(cliff.before)} to {self.amount(cliff.after)}"
                f"{self.others(each.kpi, cliff.setting)}{f'; {more} other providers alike' if more else ''}.",
                "If a small difference should not decide so much, use a curve.",
            )

    def directions(self) -> Iterator[Finding]:
        """KPIs whose better values pay their provider less."""
        said: set[tuple[str, str]] = set()
        for kpi, each in self.concerned():
            better = kpi.declared.better
            if better is None or kpi.shape.type == "choice":
                continue
            adverse, wrong = (each.fall, Direction.FALLS) if better == "higher" else (each.rise, Direction.RISES)
            code = "wrong-direction" if each.direction is wrong else "worse-pays-more"
            if adverse is None or abs(adverse.change) * SLIGHT < each.moves or (code, kpi.kpi) in said:
                continue
            said.add((code, kpi.kpi))
            yield self._direction(kpi, each, adverse, code)

    def _direction(self, kpi: AgreementKpi, each: Influence, adverse: Move, code: str) -> Finding:
        lower = kpi.declared.better == "lower"
        worse, good = (adverse.last, adverse.first) if lower else (adverse.first, adverse.last)
        costs = (
            f"{self.payee(each)} gets {self.money(abs(adverse.change))} less with {kpi.name} = {kpi.tell(good)} than "
            f"with the worse {kpi.tell(worse)}{self.others(each.kpi, adverse.setting)}"
        )
        if code == "wrong-direction":
            proven = "proven for all values of the others" if each.proven else "at all values tried"
            return self.finding(
                "wrong-direction",
                ("kpis", kpi.kpi, "better"),
                f"{kpi.kpi} is declared better when {kpi.declared.better}, but better values never pay more, {proven}: "
                f"{costs}.",
                "Correct 'better', or the clause that prices the KPI.",
            )
        return self.finding(
            "worse-pays-more",
            ("kpis", kpi.kpi),
            f"Being better can cost money: {costs}.",
            "Let the amount rise with performance, or leave out 'better' if neither way is better as such.",
        )

    def dead_ends(self) -> Iterator[Finding]:
        """Ranges on the bad side of a KPI in which being still worse costs nothing more."""
        said: set[str] = set()
        for kpi, each in self.concerned():
            better, moved = kpi.declared.better, each.direction is not Direction.FLAT
            if better is None or not moved or kpi.kpi in said:
                continue
            worst = kpi.low if better == "higher" else kpi.high
            for dead in each.dead:
                if worst not in (dead.first, dead.last):
                    continue
                edge = dead.last if worst == dead.first else dead.first
                said.add(kpi.kpi)
                proven = "proven for all values of the other KPIs" if dead.proven else "at all values tried"
                yield self.finding(
                    "worse-costs-nothing",
                    ("kpis", kpi.kpi),
                    f"{'Below' if better == 'higher' else 'Above'} {kpi.name} = {kpi.tell(edge)} being worse costs "
                    f"nothing more: to the worst value, {kpi.tell(worst)}, {self.payee(each)} gets the same, {proven}.",
                    "If every step should count, extend the table or the limit; otherwise nothing needs to be done.",
                    "note",
                )

    def idle(self) -> Iterator[Finding]:
        """KPIs that formulas use and that move no amount all the same."""
        moving = {
            each.kpi for each in (*self.shape.influences, *self.shape.later) if each.direction is not Direction.FLAT
        }
        names = {self.lowered.kpis[at].kpi for at in moving}
        said: set[str] = set()
        for at, kpi in enumerate(self.lowered.kpis):
            if kpi.kpi in names or kpi.kpi in said or not is_priced(self.rule, kpi.name) or self._moves_later(at):
                continue
            said.add(kpi.kpi)
            own = [each for each in self.shape.influences if each.kpi == at]
            proven = all(each.proven for each in own)
            yield self.finding(
                "moves-nothing",
                ("kpis", kpi.kpi),
                f"No amount changes with {kpi.kpi}, {'proven' if proven else 'at all values tried'}, "
                "although formulas use it.",
                "Check the clauses and limits behind it, or leave it for information.",
                "note",
            )

    def _moves_later(self, at: int) -> bool:
        """Does a value of the first period change the amounts of the second?"""
        if not self.rule.sequential:
            return False
        found = set()
        values = list(self.shape.settings[0].values)
        for value in (self.lowered.kpis[at].low, self.lowered.kpis[at].high):
            first = [*values[:at], value, *values[at + 1 :]]
            left = state_after(self.rule, first, self.file.token.decimals)
            try:
                found.add(evaluate(self.rule, values, period=2, state=left).amounts if left else None)
            except FormulaError:
                found.add(None)
        return len(found) > 1

    def settles_without(self, kpi: AgreementKpi) -> bool:
        """Can a period settle without a value of it? A rule on paper may leave that open."""
        return self.file.escrow is not None or kpi.declared.if_missing != "refuse"

    def rewarded_silence(self) -> Iterator[Finding]:
        """KPIs whose ``if_missing`` pays their supplier more than some value it could have to report."""
        said: set[str] = set()
        for at, kpi in enumerate(self.lowered.kpis):
            if kpi.kpi in said or kpi.declared.silence_may_pay or not self.settles_without(kpi):
                continue
            suppliers = range(len(self.providers)) if kpi.provider is None else [self.providers.index(kpi.provider)]
            gains = [gain for payee in suppliers if (gain := self._gain(at, kpi, payee)) is not None]
            if gains:
                difference, supplier, value, setting, when = max(gains)
                said.add(kpi.kpi)
                gets = "can get, by the value of the period before," if kpi.takes_last else "gets"
                yield self.finding(
                    "silence-pays",
                    ("kpis", kpi.kpi, "if_missing"),
                    f"Without evidence {self.providers[supplier]} {gets} {self.money(difference)} more {when}than with "
                    f"{kpi.kpi} = {kpi.tell(value)}{self.others(at, setting)}, so it gains by not reporting.",
                    "Let 'if_missing' be the worst value of the range, or, if the parties accept this, write "
                    "'silence_may_pay: yes' at the KPI.",
                )

    def _gain(self, at: int, kpi: AgreementKpi, payee: int) -> tuple[int, int, int, int, str] | None:
        """The greatest gain by silence: how much, whose, the value that pays so much less, the setting, and when."""
        best: tuple[int, int, int, int, str] | None = None
        influence = self.shape.of(at, payee)
        for setting, paid in influence.points if influence is not None else ():
            amounts = dict(paid)
            if kpi.if_missing not in amounts:
                continue
            worst = min(amounts, key=lambda value: (amounts[value], value))
            # The last value may have been any.
            gain = (max(amounts.values()) if kpi.takes_last else amounts[kpi.if_missing]) - amounts[worst]
            if gain > (best[0] if best else self.unit):
                best = (gain, payee, worst, setting, "")
        if best is None and self.rule.sequential:
            points = influence.points if influence is not None else ()
            best = self._later_gain(at, kpi, payee, [value for _, paid in points for value, _ in paid])
        return best

    def _later_gain(
        self, at: int, kpi: AgreementKpi, payee: int, tried: Sequence[int]
    ) -> tuple[int, int, int, int, str] | None:
        """The greatest gain in two periods together, the second with every KPI at its setting."""
        best: tuple[int, int, int, int, str] | None = None
        values = sorted({kpi.low, kpi.high, *tried})
        step = max(1, len(values) // 8)
        for setting, chosen in enumerate(self.shape.settings[:4]):
            standing_in = {kpi.low, kpi.high, kpi.if_missing} if kpi.takes_last else {kpi.if_missing}
            paid = [self._two_periods(at, value, chosen.values, payee) for value in sorted(standing_in)]
            silent = max((each for each in paid if each is not None), default=None)
            for value in {*values[::step], kpi.low, kpi.high}:
                told = self._two_periods(at, value, chosen.values, payee)
                if silent is None or told is None:
                    continue
                if silent - told > (best[0] if best else self.unit):
                    best = (silent - told, payee, value, setting, "in this period and the next together ")
        return best

    def _two_periods(self, at: int, value: int, others: Sequence[int], payee: int) -> int | None:
        first = [*others[:at], value, *others[at + 1 :]]
        left = state_after(self.rule, first, self.file.token.decimals)
        if left is None:
            return None
        try:
            return (
                evaluate(self.rule, first).amounts[payee]
                + evaluate(self.rule, others, period=2, state=left).amounts[payee]
            )
        except FormulaError:
            return None

    def broken_defaults(self) -> Iterator[Finding]:
        """Requirements that the values of a period without evidence break together."""
        if not all(self.settles_without(kpi) for kpi in self.lowered.kpis):
            return
        broken = find_broken_default(self.lowered, 1)
        if broken is not None:
            path, why = broken
            yield self.finding(
                "missing-breaks-requirement",
                path,
                why,
                "Choose other values for 'if_missing', or a requirement that they meet.",
            )
