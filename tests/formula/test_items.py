"""The values of a rule: their order, their types, and what is refused wherever it stands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pyoutcome.decimals import ONE
from pyoutcome.errors import FormulaError
from pyoutcome.formula import Definition, KpiShape, Line, Payee, Register, Rule, parse
from pyoutcome.formula import syntax as s

OK = replace(KpiShape.yes_no("ok"), opening=1)
TIER = replace(KpiShape.choice("tier", ("gold", "base")), opening=ONE)
ONE_LINE = (Line("pay", 0, 1, parse("1")),)
PAYEES = (Payee("UA", parse("pay")),)


def test_what_counts_before_the_first_period_has_the_type_of_its_kpi() -> None:
    line = Line("pay", 0, 1, parse("1 if prev.ok and prev.tier == gold else 2"))
    made = Rule((OK, TIER), (), (), (line,), PAYEES)
    opened = {item.name: item.formula for item in made.order if item.kind == "opening"}
    assert {"opening of ok": s.Truth(value=True), "opening of tier": s.Number(ONE)} == opened


def test_items_know_their_place_among_their_kind() -> None:
    made = Rule(
        (OK,),
        (),
        (Definition("a", parse("period_of_year")), Definition("b", parse("prev.r"))),
        (Line("x", 0, 1, parse("a")), Line("y", 0, 1, parse("b"))),
        (Payee("UA", parse("x + y")), Payee("B6", parse("x"))),
        (Register("r", parse("1"), parse("year")),),
        4,
    )
    assert [
        ("start", 0, "start of r"),
        ("calendar", 0, "year"),
        ("calendar", 1, "period_of_year"),
        ("definition", 0, "a"),
        ("definition", 1, "b"),
        ("register", 0, "r"),
        ("line", 0, "x"),
        ("line", 1, "y"),
        ("payee", 0, "amount of UA"),
        ("payee", 1, "amount of B6"),
    ] == [(item.kind, item.index, item.name) for item in made.order]


def test_types_are_those_of_names_that_formulas_can_use() -> None:
    register = Register("met", parse("no"), parse("prev.ok"))
    made = Rule((OK, TIER), (("fee", ONE),), (), ONE_LINE, PAYEES, (register,))
    assert {
        "ok": "yes_no",
        "tier": "choice",
        "prev.ok": "yes_no",
        "prev.tier": "choice",
        "fee": "number",
        "period": "number",
        "to_date.pay": "number",
        "earned_before": "number",
        "earned_before.UA": "number",
        "prev.met": "yes_no",
        "met": "yes_no",
        "pay": "number",
    } == made.types


def test_an_amount_cannot_be_used_as_a_value() -> None:
    line = Line("pay", 0, 1, s.Name("amount of B6"))
    with pytest.raises(FormulaError) as caught:
        Rule((), (), (), (line,), (*PAYEES, Payee("B6", parse("1"))))
    assert "unknown-name" == caught.value.code


DEEP: s.Node = s.Number(1)
for _ in range(200):
    DEEP = s.Abs(DEEP)


@pytest.mark.parametrize("place", ["start", "next", "definition", "line", "amount"])
def test_no_formula_of_a_rule_is_too_deep(place: str) -> None:
    def at(here: str) -> s.Node:
        return DEEP if here == place else s.Number(1)

    with pytest.raises(FormulaError) as caught:
        Rule(
            (),
            (),
            (Definition("d", at("definition")),),
            (Line("pay", 0, 1, at("line")),),
            (Payee("UA", at("amount")),),
            (Register("r", at("start"), at("next")),),
        )
    assert "formula-too-deep" == caught.value.code


@pytest.mark.parametrize(
    ("definition", "line", "amount", "pointed"),
    [
        ("tier", "1", "pay", "d: 'tier' is a choice where a number or a yes/no is needed."),
        ("1", "tier", "pay", "pay: 'tier' is a choice where a number is needed."),
        ("1", "ok", "pay", "pay: 'ok' is a yes/no where a number is needed."),
        ("1", "1", "ok", "amount of UA: 'ok' is a yes/no where a number is needed."),
    ],
)
def test_what_is_paid_is_a_number_and_what_is_defined_no_choice(
    definition: str, line: str, amount: str, pointed: str
) -> None:
    with pytest.raises(FormulaError) as caught:
        Rule(
            (OK, TIER),
            (),
            (Definition("d", parse(definition)),),
            (Line("pay", 0, 1, parse(line)),),
            (Payee("UA", parse(amount)),),
        )
    assert ("wrong-type", pointed) == (caught.value.code, caught.value.why)


@pytest.mark.parametrize(
    ("start", "after", "said"),
    [
        ("1", "ok", "r: 'ok' is a yes/no where a number, as its start is, is needed."),
        ("no", "1", "r: '1' is a number where a yes/no, as its start is, is needed."),
    ],
)
def test_a_register_keeps_the_type_it_starts_with(start: str, after: str, said: str) -> None:
    with pytest.raises(FormulaError) as caught:
        Rule((OK,), (), (), ONE_LINE, PAYEES, (Register("r", parse(start), parse(after)),))
    assert ("wrong-type", said) == (caught.value.code, caught.value.why)


@pytest.mark.parametrize("what", ["KPIs", "parameters", "lines", "payees", "registers"])
def test_of_what_there_is_too_much_is_said(what: str) -> None:
    many = [f"n{at}" for at in range(256)]
    one = parse("1")
    with pytest.raises(FormulaError) as caught:
        Rule(
            tuple(KpiShape(name, 0, ONE, 0) for name in many) if what == "KPIs" else (),
            tuple((name, 0) for name in many) if what == "parameters" else (),
            (),
            tuple(Line(name, 0, 1, one) for name in many) if what == "lines" else ONE_LINE,
            tuple(Payee(name, one) for name in many) if what == "payees" else (Payee("UA", one),),
            tuple(Register(name, one, one) for name in many) if what == "registers" else (),
        )
    most = 63 if what == "payees" else 255
    assert f"The rule has 256 {what}; {most} is the most." == caught.value.why
