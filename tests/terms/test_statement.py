"""Statements: they add up, say why, and go out as texts."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

from pyoutcome import Agreement
from pyoutcome.decimals import ONE
from tests.terms.deals import agree

EXAMPLE = Path(__file__).parents[2] / "examples" / "punctual-arrivals" / "agreement.yaml"
VALUES = {"on_time.UA": Decimal("0.7733"), "cancelled.UA": Decimal("0.0169"), "arrivals.UA": Decimal(3586)}


def test_every_line_says_what_it_read_and_why() -> None:
    agreement = Agreement.load(EXAMPLE)
    statement = agreement.statement(2, {kpi.name: VALUES.get(kpi.name) for kpi in agreement.kpis})
    lines = {line.clause: line for line in statement.of("UA").lines}

    assert [("on_time.UA", "77.33%")] == [(each.name, each.shown) for each in lines["punctuality"].inputs]
    assert (
        "on_time.UA is 77.33%, between 75% (which gives 0) and 90% (which gives 180,000): 27,960."
        == lines["punctuality"].sentence
    )
    assert (
        "cancelled.UA is 1.69%, at most 3%: 5%. 5% * monthly_fee = 5% * 250,000 = 12,500."
        == lines["cancellations"].sentence
    )
    assert "86 of arrivals.UA at 20 is 1,720. Together 131,720." in lines["volume"].sentence
    assert -12_500 * ONE == lines["cancellations"].amount
    assert 12_500 * ONE == lines["cancellations"].value
    assert "is 397,180, not below the limit 180,000, which changes nothing." in statement.of("UA").sentence
    assert "is 62,500, raised to the limit 180,000." in statement.of("EV").sentence
    assert ["limit", "limit"] == [reason.kind for reason in statement.of("EV").reasons]
    assert agreement.digest() == statement.digest
    assert agreement.periods[1] == statement.period


def test_as_json_it_has_no_numbers_and_loses_nothing() -> None:
    agreement = Agreement.load(EXAMPLE)
    statement = agreement.statement(1, {kpi.name: VALUES.get(kpi.name) for kpi in agreement.kpis})
    data = json.loads(json.dumps(statement.to_dict()))

    def leaves(value: object) -> list[object]:
        if isinstance(value, dict):
            return [leaf for each in value.values() for leaf in leaves(each)]
        if isinstance(value, list):
            return [leaf for each in value for leaf in leaves(each)]
        return [value]

    assert {str, bool, type(None)} >= {type(leaf) for leaf in leaves(data)}
    united = data["providers"][0]
    assert sum(Decimal(line["amount"]) for line in united["lines"]) == Decimal(united["net"])
    assert str(statement.of("UA").units) == united["units"]
    assert "397180" == united["paid"]
    assert {
        "name": "on_time.B6",
        "title": "On-time share",
        "provider": "B6",
        "value": "0",
        "shown": "0.00%",
        "missing": True,
    } in data["kpis"]


def test_as_text_it_names_every_line_and_what_is_missing() -> None:
    agreement = Agreement.load(EXAMPLE)
    text = agreement.statement(1, {kpi.name: VALUES.get(kpi.name) for kpi in agreement.kpis}).to_text()
    for said in ("Punctuality bonus or malus", "131720.00", "United Air Lines (UA), TUSD", "on_time.B6", "397180.00"):
        assert said in text


def test_what_is_smaller_than_a_base_unit_stays_with_the_payer() -> None:
    agreement = agree("fee: {kind: formula, is: y / 3}")
    for y, units in ((1, 333_333), (-1, -333_333)):
        each = agreement.statement(1, {"x": Decimal(0), "y": Decimal(y)}).of("A")
        assert units == each.units
        assert y * (ONE // 3) == each.amount
        assert each.amount - units * 10**12 == each.truncated


def test_definitions_are_shown() -> None:
    agreement = agree("fee: {kind: formula, is: double if big else 0}", define="double: 2 * x\nbig: x > 3")
    statement = agreement.statement(1, {"x": Decimal(5), "y": Decimal(0)})
    assert {"double": "10", "big": "yes"} == {value.name: value.shown for value in statement.values}
    assert {"big": "yes", "double": "10"} == {each.name: each.shown for each in statement.of("A").lines[0].inputs}
