"""What the example agreement pays in Python is what its program pays on chain, for a thousand random months.

Random rules and agreements are compared in ``test_program_machine.py``.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyoutcome.errors import FormulaError
from pyoutcome.formula import Rule, encode, evaluate
from pyoutcome.formula.machine import RUN_ERRORS
from pyoutcome.terms import Agreement
from tests.compiling import ROOT
from tests.contracts.runner import Case, Job, Runner
from tests.formula.strategies import values_for

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
    return Agreement.load(ROOT / "examples" / "punctual-arrivals" / "agreement.yaml").rule()


def expected_of(rule: Rule, values: tuple[int, ...], period: int) -> tuple[int, tuple[int, ...]]:
    """Error number and amounts as the evaluator has them."""
    try:
        return 0, evaluate(rule, values, period=period).amounts
    except FormulaError as error:
        return RUN_ERRORS[error.code], ()


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
