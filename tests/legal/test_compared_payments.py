"""What given KPI values pay under two agreements is what the evaluator says, and every refusal is told."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyoutcome.decimals import ONE, from_units, to_units_trunc
from pyoutcome.errors import AgreementError
from pyoutcome.formula.evaluate import evaluate, evaluate_all
from pyoutcome.legal.comparison import compare
from pyoutcome.legal.comparison.payments import compare_payments
from pyoutcome.legal.comparison.values import read_values_file
from pyoutcome.terms import Agreement
from tests.terms.deals import agree

EXAMPLE = (Path(__file__).parents[2] / "examples" / "punctual-arrivals" / "agreement.yaml").read_text(encoding="utf-8")
OLD = Agreement.parse(EXAMPLE)
NEW = Agreement.parse(
    EXAMPLE.replace("otherwise: 15%", "otherwise: 40%").replace("at_least: 180000", "at_least: 20000")
)
SALES = """\
agreement: sales
term: {periods: 4}
kpis: {sold: {range: [0, 100], if_missing: 0}}
state: {all_sold: {sum: sold}}
clauses:
  price: {kind: formula, is: sold * 2 + all_sold}
"""
DEARER = SALES.replace("sold * 2", "sold * 3")


def worked_out(agreement: Agreement, texts: dict[str, str]) -> list[int]:
    """The evaluator's amounts, cut to base units."""
    found = evaluate(agreement.rule(), agreement.values_of(texts)).amounts
    return [from_units(to_units_trunc(each, 6), 6) for each in found]


shares = st.integers(0, 10_000).map(lambda each: str(Decimal(each) / 10_000))
months = st.fixed_dictionaries(
    {kpi.name: st.integers(0, 10_000).map(str) if kpi.kpi == "arrivals" else shares for kpi in OLD.kpis}
)


@settings(max_examples=25, deadline=None)
@given(values=st.lists(months, min_size=1, max_size=3))
def test_payments_are_those_of_the_evaluator_and_somebody_gains_what_another_loses(
    values: list[dict[str, str]],
) -> None:
    found = compare_payments(OLD, NEW, dict(enumerate(values, 1)))
    for number, texts in enumerate(values, 1):
        was, now = worked_out(OLD, texts), worked_out(NEW, texts)
        of_period = [each for each in found.payments if each.period == number]
        assert [*OLD.providers] == [each.provider for each in of_period]
        assert was == [each.before for each in of_period]
        assert now == [each.after for each in of_period]
        for each in of_period:
            assert each.change is not None
            assert each.gains == ("provider" if each.change > 0 else "client" if each.change < 0 else None)
    for total in found.totals():
        own = [each for each in found.payments if each.provider == total.provider]
        assert sum(each.change or 0 for each in own) == total.change
        by_clause = sum(each.change for each in found.clauses if each.provider == total.provider)
        assert by_clause == total.change


def test_by_hand() -> None:
    """One hundred per cent cancelled: 40 % of the fee instead of 15 %, and a floor of 20,000 instead of 180,000."""
    values = {1: {f"{kpi}.UA": text for kpi, text in (("on_time", "0"), ("cancelled", "1"), ("arrivals", "0"))}}
    found = compare_payments(OLD, NEW, values)
    united = found.payments[0]
    # 250,000 - 150,000 - 37,500 is raised to 180,000; 250,000 - 150,000 - 100,000 is raised to 20,000.
    assert (180_000 * ONE, 20_000 * ONE, "client") == (united.before, united.after, united.gains)
    assert {("cancellations", "UA"): -62_500 * ONE, ("settlement", "UA"): (20_000 - 117_500) * ONE} == {
        (each.clause, each.provider): each.change for each in found.clauses if each.provider == "UA"
    }
    assert {"on_time.B6", "cancelled.B6", "arrivals.B6", "on_time.EV", "cancelled.EV", "arrivals.EV"} == set(
        found.missing
    )


def test_what_is_cut_to_base_units_belongs_to_the_settlement() -> None:
    """A token with six decimals: a third of 100 is 33.333333, a seventh 14.285714."""
    old, new = (agree(f"fee: {{kind: formula, is: x / {parts}}}") for parts in (3, 7))
    found = compare_payments(old, new, {1: {"x": "100", "y": "0"}})
    [payment] = found.payments
    assert (33_333_333 * 10**12, 14_285_714 * 10**12) == (payment.before, payment.after)
    fee, cut = found.clauses
    assert (("fee", "settlement"), payment.change) == ((fee.clause, cut.clause), fee.change + cut.change)
    assert (-333_333_333_333, -285_714_285_714) == (cut.before, cut.after)


def test_a_value_that_one_agreement_refuses_is_told_and_not_summed() -> None:
    narrow = Agreement.parse(EXAMPLE.replace("range: [0, 10000]", "range: [0, 5000]"))
    found = compare_payments(OLD, narrow, {1: {"arrivals.UA": "6000"}, 2: {"arrivals.UA": "4000"}})
    assert [(1, "after", "bad-kpi-value")] == [(each.period, each.side, each.code) for each in found.refused]
    assert [None, None, None, 0, 0, 0] == [each.change for each in found.payments]
    # Period 2 alone: 250,000 - 150,000 - 37,500 + 2,500 at 40 + 1,000 at 30 + 500 at 20.
    assert [202_500 * ONE, 180_000 * ONE, 180_000 * ONE] == [each.before for each in found.totals()]


def test_a_value_of_no_kpi_is_refused() -> None:
    with pytest.raises(AgreementError) as refused:
        compare_payments(OLD, NEW, {1: {"on_tim.UA": "1"}})
    assert "unknown-kpi" == refused.value.code


def test_a_period_that_one_agreement_does_not_have_is_told() -> None:
    short = Agreement.parse(EXAMPLE.replace("periods: 12", "periods: 6"))
    found = compare_payments(OLD, short, {7: {}, 10**8: {}})
    assert [(7, "after"), (10**8, "after"), (10**8, "before")] == [(each.period, each.side) for each in found.refused]
    assert {"no-such-period"} == {each.code for each in found.refused}


def test_a_provider_that_leaves_gets_nothing_under_the_new_agreement() -> None:
    gone = Agreement.parse(EXAMPLE.replace("    EV: {name: ExpressJet Airlines}\n", ""))
    found = compare_payments(OLD, gone, {1: {}})
    assert ("EV", 180_000 * ONE, 0) == (
        found.payments[-1].provider, found.payments[-1].before, found.payments[-1].after,
    )  # fmt: skip
    assert "client" == found.payments[-1].gains


def amounts(text: str, sold: list[int]) -> list[int]:
    found = evaluate_all(Agreement.parse(text).rule(), [[each * ONE] for each in sold])
    return [each.amounts[0] for each in found]


def test_a_rule_that_looks_back_is_followed_from_the_first_period() -> None:
    sold = [5, 7, 11]
    values = {number: {"sold": str(each)} for number, each in enumerate(sold, 1)}
    found = compare_payments(Agreement.parse(SALES), Agreement.parse(DEARER), values)
    assert amounts(SALES, sold) == [each.before for each in found.payments]
    assert amounts(DEARER, sold) == [each.after for each in found.payments]


@pytest.mark.parametrize(("anew", "third"), [(False, 11 * 3 + 23), (True, 11 * 3 + 11)])
def test_from_a_later_period_it_goes_on_from_what_the_old_rule_left_or_anew(anew: bool, third: int) -> None:
    values = {number: {"sold": str(each)} for number, each in enumerate([5, 7, 11], 1)}
    found = compare_payments(Agreement.parse(SALES), Agreement.parse(DEARER), values, 3, anew=anew)
    [last] = found.payments
    assert (3, (11 * 2 + 23) * ONE, third * ONE) == (last.period, last.before, last.after)


def test_without_values_no_payment_is_told() -> None:
    assert compare(OLD, NEW).payments is None


def test_a_file_of_values_is_read_as_it_is_written(tmp_path: Path) -> None:
    file = tmp_path / "values.csv"
    file.write_text("\ufeffperiod, on_time.UA ,cancelled.UA\n2,77.33%,missing\n\n1,,0.01\n", encoding="utf-8")
    assert {2: {"on_time.UA": "77.33%", "cancelled.UA": None}, 1: {"on_time.UA": None, "cancelled.UA": "0.01"}} == (
        read_values_file(file)
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "period,x\n",
        "month,x\n1,2\n",
        "period,x,x\n1,2,3\n",
        "period,x\n1\n",
        "period,x\n1,2,3\n",
        "period,x\n0,2\n",
        "period,x\n-1,2\n",
        "period,x\n1.5,2\n",
        "period,x\n١,2\n",
        "period,x\n1,2\n1,3\n",
        "period,x\n99999999999999999999,2\n",
        'period,x\n1,"2\n',
        'period,x\n1,"2"3\n',
    ],
)
def test_what_is_no_file_of_values_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "values.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(AgreementError) as refused:
        read_values_file(file)
    assert "values-malformed" == refused.value.code


@given(data=st.binary(max_size=200))
def test_any_bytes_are_values_or_refused(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.getbasetemp() / "any.csv"
    file.write_bytes(data)
    code = ""
    try:
        found = read_values_file(file)
    except AgreementError as refused:
        found, code = {}, refused.code
    assert found or code == "values-malformed"
