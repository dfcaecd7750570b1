"""What a rule pays in Python is what its program pays on chain: the example agreement, and random rules."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyoutcome.errors import FormulaError
from pyoutcome.formula import Rule, encode, evaluate, start_state
from pyoutcome.formula.machine import RUN_ERRORS
from pyoutcome.terms import Agreement
from tests.contracts.runner import ROOT, Case, Job, Runner
from tests.formula.strategies import rules_with_periods, rules_with_values, values_for

DEEP = 20 if os.environ.get("PYOUTCOME_HYPOTHESIS") == "deep" else 1
_SETTINGS = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
_BATCH = 50
"""Sets of values per call."""


@cache
def example() -> Rule:
    """The rule of the example agreement."""
    return Agreement.load(ROOT / "examples" / "punctual-arrivals.yaml").rule()


def expected_of(rule: Rule, values: tuple[int, ...], period: int) -> tuple[int, tuple[int, ...]]:
    """Error number and amounts as the evaluator has them."""
    try:
        return 0, evaluate(rule, values, period=period).amounts
    except FormulaError as error:
        return RUN_ERRORS[error.code], ()


def job_of(rule: Rule, values: tuple[int, ...], period: int) -> Job:
    return Job(encode(rule).data, (Case(values, tuple(value for _, value in rule.parameters), period),))


@settings(_SETTINGS, max_examples=20 * DEEP)
@given(data=st.data())
def test_the_example_agreement_pays_alike(runner: Runner, data: Any) -> None:
    """At least 1,000 random months a run."""
    rule = example()
    months = data.draw(st.lists(values_for(rule), min_size=_BATCH, max_size=_BATCH))
    parameters = tuple(value for _, value in rule.parameters)
    cases = tuple(Case(values, parameters, 1 + at % 12) for at, values in enumerate(months))

    (answer,) = runner.run([Job(encode(rule).data, cases)])

    assert answer.fault == 0
    for case, outcome in zip(cases, answer.outcomes, strict=True):
        assert expected_of(rule, case.kpis, case.period) == (outcome.error, outcome.amounts)


@settings(_SETTINGS, max_examples=15 * DEEP)
@given(st.lists(rules_with_periods(), min_size=4, max_size=4), st.sampled_from((0, 2, 6, 18)))
def test_random_rules_that_look_back_pay_alike(
    runner: Runner, made: list[tuple[Rule, tuple[tuple[int, ...], ...]]], unit_decimals: int
) -> None:
    """Amounts, errors and what is left, period by period."""
    jobs = []
    for rule, periods in made:
        parameters = tuple(value for _, value in rule.parameters)
        cases = tuple(Case(values, parameters, number) for number, values in enumerate(periods, 1))
        jobs.append(Job(encode(rule).data, cases, unit_decimals))

    answers = runner.run(jobs)

    for (rule, periods), answer in zip(made, answers, strict=True):
        assert answer.fault == 0
        state = start_state(rule, unit_decimals)
        for number, (values, outcome) in enumerate(zip(periods, answer.outcomes, strict=True), 1):
            error, amounts = 0, tuple[int, ...]()
            try:
                found = evaluate(rule, values, period=number, state=state)
                amounts, state = found.amounts, found.state or state
            except FormulaError as problem:
                error = RUN_ERRORS[problem.code]
            assert (error, amounts) == (outcome.error, outcome.amounts)
            assert (state.words() if rule.carried else ()) == outcome.state


@settings(_SETTINGS, max_examples=20 * DEEP)
@given(st.lists(rules_with_values(size=2, wild=True), min_size=10, max_size=10), st.integers(1, 40))
def test_random_rules_pay_alike(runner: Runner, made: list[tuple[Rule, tuple[int, ...]]], period: int) -> None:
    answers = runner.run([job_of(rule, values, period) for rule, values in made])

    for (rule, values), answer in zip(made, answers, strict=True):
        assert answer.fault == 0
        assert expected_of(rule, values, period) == (answer.outcomes[0].error, answer.outcomes[0].amounts)
