"""Random rules of the payment language: evaluator against Python machine against the contracts.

Rules come from the strategies of the tests, so that they are drawn as the property tests draw them; Hypothesis only
draws here, and a mismatch is kept as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from pyoutcome.errors import FormulaError
from pyoutcome.formula import Rule, decode, encode, evaluate, start_state
from pyoutcome.formula.decode import Names
from pyoutcome.formula.machine import RUN_ERRORS
from tests.contracts.runner import Case, Job, Outcome, Runner
from tests.formula.strategies import rules_with_periods
from tests.fuzz.programs import compare
from tests.fuzz.tally import Tally

_BATCH = 12


@dataclass(frozen=True)
class Told:
    """A rule with the values of some periods."""

    rule: Rule
    periods: tuple[tuple[int, ...], ...]
    unit_decimals: int

    def job(self) -> Job:
        """The same for the machines."""
        terms = tuple(value for _, value in self.rule.parameters)
        cases = tuple(Case(values, terms, number) for number, values in enumerate(self.periods, 1))
        return Job(encode(self.rule).data, cases, self.unit_decimals)


def evaluated(told: Told) -> list[tuple[int, tuple[int, ...], tuple[int, ...]]]:
    """Error, amounts and state words of each period as the evaluator has them."""
    state = start_state(told.rule, told.unit_decimals)
    found: list[tuple[int, tuple[int, ...], tuple[int, ...]]] = []
    for number, values in enumerate(told.periods, 1):
        error, amounts = 0, tuple[int, ...]()
        try:
            outcome = evaluate(told.rule, values, period=number, state=state)
            amounts, state = outcome.amounts, outcome.state or state
        except FormulaError as problem:
            error = RUN_ERRORS[problem.code]
        found.append((error, amounts, state.words() if told.rule.carried else ()))
    return found


def compare_rules(runner: Runner, told: Sequence[Told], source: str) -> Tally:
    """All three on the same values; the program must also read back as the same program."""
    jobs = [each.job() for each in told]
    answers = runner.run(jobs)
    tally = compare(jobs, answers, source)
    for each, job, actual in zip(told, jobs, answers, strict=True):
        expected = evaluated(each)
        # What Hypothesis draws from a seed depends on the modules that are loaded, so the rule itself is kept too.
        made = f"\n  of {each.rule!r}"
        if actual.fault:
            tally.differs(job, f"the contract refuses what the encoder wrote{made}", 0, actual.fault)
        elif expected != [seen(outcome) for outcome in actual.outcomes]:
            tally.differs(job, f"the evaluator differs from the contract{made}", expected, actual.outcomes)
        if encode(decode(job.program, Names.of(each.rule))).data != job.program:
            tally.differs(job, f"the program reads back as another one{made}", job.program.hex(), "")
    return tally


def seen(outcome: Outcome) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    """The part of an outcome that the evaluator has too."""
    return outcome.error, outcome.amounts, outcome.state


def search_rules(runner: Runner, random: Random) -> Tally:
    """One batch."""
    told: list[Told] = []

    @seed(random.getrandbits(64))
    @settings(
        max_examples=_BATCH, phases=[Phase.generate], database=None, suppress_health_check=list(HealthCheck),
        deadline=None,
    )  # fmt: skip
    @given(rules_with_periods(size=3), st.sampled_from((0, 2, 6, 18)))
    def draw(made: tuple[Rule, tuple[tuple[int, ...], ...]], unit_decimals: int) -> None:
        told.append(Told(*made, unit_decimals))

    draw()
    return compare_rules(runner, told, "rules")
