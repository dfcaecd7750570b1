"""What an agreement can cost, and what must lie ready for it."""

from __future__ import annotations

import pytest

from pyoutcome import Agreement
from pyoutcome.errors import FormulaError
from tests.terms.deals import ESCROW, TWO, agree, deal

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


@pytest.mark.parametrize(
    ("formula", "code"), [("1 / x", "possible-division-by-zero"), ("x * x * x * x * x * x * x", "possible-overflow")]
)
def test_what_cannot_be_bounded_is_refused_by_the_check(formula: str, code: str) -> None:
    agreement = agree(f"fee: {{kind: formula, is: {formula}}}")
    with pytest.raises(FormulaError) as caught:
        agreement.check()
    assert code == caught.value.code
