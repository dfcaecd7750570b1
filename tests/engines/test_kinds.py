"""Every kind of measure over random records: what each engine makes of it is what plain Python makes of it.

Many measures stand in one agreement, so that an engine that needs long for a pass still answers for many.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.counting import open_records
from pyoutcome.evidence.measures.planning import plan_measures
from pyoutcome.evidence.recomputation import Recomputation
from pyoutcome.evidence.values import divide, read_figure
from pyoutcome.terms.agreement import Agreement
from pyoutcome.terms.calendar import Period
from pyoutcome.terms.kpis import AgreementKpi
from tests.engines.conftest import ENGINES
from tests.engines.random_measures import ROWS, TERMS, Written, agree, passes, write
from tests.evidence.reference import RefusedError, Result, Row, Told, compute

# A pass costs Spark a second, however few records and however many measures it has; its first batch is a small one.
BATCHES, PASSES, EACH = (3, 2, 16) if "spark" in ENGINES else (10, 3, 6)
# To make a failing batch smaller would take minutes, and the measure that fails is named without it.
PHASES = [Phase.explicit, Phase.reuse, Phase.generate]


def measured(agreement: Agreement, path: Path, engine: str | None = None) -> list[Result]:
    """Of each KPI the exact value of every period and provider, or the code of what stops it."""
    whole = Recomputation.read(agreement, {"log": path}, engine=engine)
    found: dict[str, Result] = {kpi.kpi: {} for kpi in agreement.kpis}
    for kpi in agreement.kpis:
        for period in agreement.periods:
            found[kpi.kpi][period.number, kpi.provider] = exact(whole, kpi, period)
    return list(found.values())


def exact(whole: Recomputation, kpi: AgreementKpi, period: Period) -> Fraction | str | None:
    """A value before it was rounded."""
    with pytest.MonkeyPatch.context() as patch:
        # The text beside a value is DuckDB's whatever engine ran; it is tried below.
        patch.setattr(whole, "_query", lambda *_: "")
        try:
            held, _ = whole._value(kpi, period)
        except EvidenceError as error:
            return error.code
    if held.denominator == 0:
        assert held.value is None
        return None
    fraction = Fraction(held.numerator, held.denominator or 1)
    assert int((fraction * 10**6).__floor__()) * 10**12 == held.value
    return fraction


@settings(max_examples=BATCHES, deadline=None, phases=PHASES, suppress_health_check=list(HealthCheck))
@given(st.lists(passes(EACH), min_size=PASSES, max_size=PASSES), ROWS, st.booleans())
def test_every_measure_is_what_plain_python_computes(
    engine_name: str, tmp_path: Path, drawn: list[list[tuple[Written, Told]]], rows: list[Row], late: bool
) -> None:
    terms = replace(TERMS, late=timedelta(days=5) if late else None)
    rule = "{column: got, within: 5 days}" if late else "counts"
    path = write(tmp_path / "log.csv", rows)
    together: list[tuple[Written, Result]] = []
    for held in drawn:
        for written, told in held:
            expected = refused_or(lambda told=told: compute(rows, told, terms), RefusedError)  # type: ignore[misc]
            if not isinstance(expected, str):
                together.append((written, expected))
                continue
            # What stops a pass stops all of it.
            alone = agree([written], rule)
            assert expected == refused_or(lambda alone=alone: measured(alone, path, engine_name), EvidenceError)  # type: ignore[misc]
            break
    if together:
        agreement = agree([written for written, _ in together], rule)
        for (written, expected), found in zip(together, measured(agreement, path, engine_name), strict=True):
            assert expected == found, written
        if engine_name == "duckdb":
            check_queries(agreement, path)
    event(f"{len(together)} measures")


def refused_or(call: Callable[[], Any], error: type[Exception]) -> Any:
    """What a call gives, or the code of its refusal."""
    try:
        return call()
    except error as refused:
        return getattr(refused, "code", str(refused))


def check_queries(agreement: Agreement, path: Path) -> None:
    """The query that stands beside a value gives its figures."""
    [plan] = plan_measures(agreement)
    plans = {measure.kpi: measure for scan in plan.scans for measure in scan.measures}
    whole = Recomputation.read(agreement, {"log": path})
    with open_records(plan, path) as (engine, *_):
        for kpi in agreement.kpis:
            measure = plans[kpi.kpi]
            for period in agreement.periods[:: 1 + len(plans) // 4]:
                try:
                    held, _ = whole._value(kpi, period)
                except EvidenceError:
                    continue
                [row] = engine.rows(held.query)
                cells = zip(measure.aggregates.items(), row, strict=True)
                quotient = divide(measure, {name: read_figure(each, aggregate) for (name, aggregate), each in cells})
                assert (held.numerator, held.denominator) == (quotient.numerator, quotient.denominator)
