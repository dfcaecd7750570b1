"""What an agreement can cost, and what must lie ready for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyoutcome import Agreement, Workspace
from pyoutcome.errors import FormulaError, PyoutcomeError
from pyoutcome.formula.machine import RUN_ERRORS
from tests.terms.deals import ESCROW, TWO, agree, deal
from tests.terms.rules import rule_of

PROVEN = ESCROW.replace("1000", "proven")


def test_what_one_provider_owes_does_not_lower_the_cover_of_another() -> None:
    clauses = "fee: {kind: fixed_fee, amount: 100, to: A}\nback: {kind: fixed_fee, amount: 40, to: B, pays: client}"
    agreement = Agreement.parse(deal(clauses, head=TWO, escrow=PROVEN))
    bounds = agreement.bounds()

    assert [(100 * 10**6, 100 * 10**6), (-40 * 10**6, -40 * 10**6)] == [
        (each.least, each.most) for each in bounds.providers
    ]
    assert 100 * 10**6 == bounds.most_per_period == agreement.escrow.reserve
    assert 60 * 10**6 == bounds.least_per_period
    assert (3 * 60 * 10**6, 3 * 60 * 10**6) == (bounds.least_in_total, bounds.most_in_total)


def test_a_cover_is_never_a_unit_too_small() -> None:
    for written, units in (("1000", 1000 * 10**6), ("0.0000001", 1), ("0", 0), ("2.5000001", 2_500_001)):
        text = deal("fee: {kind: fixed_fee, amount: 1}", escrow=ESCROW.replace("1000", written))
        assert units == Agreement.parse(text).escrow.reserve


def test_without_holdback_nothing_is_held() -> None:
    escrow = agree("fee: {kind: fixed_fee, amount: 1}").escrow
    assert (0, 0) == (escrow.holdback_rate, escrow.holdback_release)


FAILING = {
    "overflow": ("x * 1000000000000000 * x * 1000000000000000 * x * 1000000000000000 * x * x", "possible-overflow"),
    "division-by-zero": ("y / (x - y / 4)", "possible-division-by-zero"),
    "clamp-low-above-high": ("clamp(x, y, 5)", "possible-clamp-crossing"),
    "round-step-not-positive": ("round(y, x, up)", "possible-round-step"),
    "curve-points-not-increasing": ("curve(x, [y gives 1, 5 gives 2])", "possible-table-disorder"),
    "bands-edges-decreasing": ("bands(x, [upto y at 1, upto 5 at 2, rest at 0])", "possible-table-disorder"),
}
"""By run-time error: a formula that can end in it, and the code with which it is refused before anybody signs."""
RANGES = "x: {decimals: 2, range: [-10_000_000, 10_000_000]}\ny: {decimals: 2, range: [0, 10]}"


def test_every_run_time_error_but_one_can_come_of_reported_values() -> None:
    assert RUN_ERRORS.keys() - {"choice-out-of-range"} == FAILING.keys()


@pytest.mark.parametrize("error", FAILING)
def test_a_formula_that_can_fail_is_refused_with_values_that_make_it_fail(error: str) -> None:
    formula, code = FAILING[error]
    agreement = rule_of(f"fee: {{kind: formula, is: '{formula}'}}", RANGES, periods=2)

    for look in (agreement.check, agreement.bounds, agreement.words):
        with pytest.raises(FormulaError) as caught:
            look()
    assert code == caught.value.code
    assert f"It is fee = {formula}; it fails with x = " in caught.value.why
    assert caught.value.fix
    assert "clauses.fee.is" == caught.value.where.path if caught.value.where else ""
    [values] = caught.value.details["values"] if isinstance(caught.value.details["values"], tuple) else []
    with pytest.raises(FormulaError) as failed:
        agreement.statement(1, values)
    assert error == failed.value.code


def test_a_choice_that_is_none_of_its_labels_cannot_be_reported() -> None:
    clause = "fee: {kind: formula, is: 'pick(tier, [gold gives 2, otherwise 1])'}"
    agreement = rule_of(clause, "tier: {choices: [gold, base]}")
    assert [] == [each for each in agreement.check() if each.code.startswith("possible-")]
    with pytest.raises(PyoutcomeError) as caught:
        agreement.statement(1, {"tier": "silver"})
    assert "bad-kpi-value" == caught.value.code


def test_a_failure_that_takes_several_periods_is_shown_with_the_last_of_them() -> None:
    formula = "100 / (20 - sum_last(y, 2))"
    agreement = rule_of(f"fee: {{kind: formula, is: '{formula}'}}", RANGES, periods=3)
    with pytest.raises(FormulaError) as caught:
        agreement.check()
    assert "it fails in period 3 with" in caught.value.why
    periods = caught.value.details["values"]
    assert isinstance(periods, tuple)
    with pytest.raises(FormulaError) as failed:
        agreement.statements(periods)
    assert "division-by-zero" == failed.value.code


def test_a_failure_that_cannot_be_shown_is_refused_all_the_same() -> None:
    agreement = rule_of("fee: {kind: formula, is: y / (x * x + y * y - 2 * x * y + 0.01)}", RANGES)
    with pytest.raises(FormulaError) as caught:
        agreement.check()
    assert "possible-division-by-zero" == caught.value.code
    assert "no KPI values that do it were found" in caught.value.why


@pytest.mark.parametrize("error", ["overflow", "division-by-zero"])
def test_nobody_signs_an_agreement_that_can_fail(error: str, tmp_path: Path) -> None:
    formula, code = FAILING[error]
    kpis = RANGES.replace("{decimals", "{unit: u, if_missing: 1, decimals")
    written = tmp_path / "deal.yaml"
    written.write_text(deal(f"fee: {{kind: formula, is: '{formula}'}}", kpis), encoding="utf-8")
    with Workspace.create(tmp_path / "folder", written) as workspace:
        with pytest.raises(FormulaError) as caught:
            workspace.sign("client")
        assert code == caught.value.code
