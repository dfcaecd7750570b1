"""What a rule refuses to be."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from pyoutcome.decimals import ONE
from pyoutcome.decimals import parse as n
from pyoutcome.errors import FormulaError
from pyoutcome.formula import (
    Definition,
    KpiShape,
    Line,
    Payee,
    Rule,
    names,
    net_of,
    parse,
    sums_of_quotients,
    to_text,
    unused,
)
from pyoutcome.formula.decode import Names, decode
from pyoutcome.formula.encode import encode
from tests.formula.strategies import rules

KPIS = (
    KpiShape("x", 0, n("100"), 2),
    KpiShape("y", 0, n("100"), 2, "UA"),
    KpiShape("y", 0, n("100"), 2, "B6"),
    KpiShape.yes_no("ok"),
    KpiShape.choice("tier", ("gold", "base")),
)


def rule(formula: str, **definitions: str) -> Rule:
    return Rule(
        KPIS,
        (("fee", ONE),),
        tuple(Definition(name, parse(text)) for name, text in definitions.items()),
        (Line("pay", 0, 1, parse(formula)),),
        (Payee("UA", parse("pay")),),
    )


@pytest.mark.parametrize(
    ("formula", "code", "said"),
    [
        ("fea * 2", "unknown-name", "'fea'"),
        ("y", "unknown-name", "'y'"),
        ("total.x", "unknown-name", "'total.x'"),
        ("prev.x", "no-opening", "'prev.x'"),
        ("prev.nothing", "unknown-name", "'prev.nothing'"),
        ("to_date.x", "unknown-name", "'to_date.x'"),
        ("earned_before.B6", "unknown-name", "'earned_before.B6'"),
        ("sum_last(fee, 3)", "no-history", "'fee'"),
        ("lag(nothing, 3)", "unknown-name", "'nothing'"),
        ("lag(ok, 3)", "wrong-type", "'lag(ok, 3)'"),
        ("lag(x, 128)", "history-too-long", "128 periods"),
        ("year", "no-calendar", "'year'"),
        ("period_of_year", "no-calendar", "'period_of_year'"),
        ("pay + 1", "cycle", "pay"),
        ("x + ok", "wrong-type", "'ok' is a yes/no"),
        ("1 if x else 2", "wrong-type", "'x' is a number"),
        ("ok == yes", "wrong-type", "'ok' is a yes/no"),
        ("not x", "wrong-type", "'x' is a number"),
        ("ok", "wrong-type", "'ok' is a yes/no"),
        ("x if ok else ok", "wrong-type", "'ok' is a yes/no"),
        ("tier + 1", "wrong-type", "'tier' is a choice"),
        ("gold", "wrong-type", "'gold' is a label"),
        ("1 if tier < gold else 0", "pick-labels", "label"),
        ("1 if tier == 1 else 0", "pick-labels", "label"),
        ("pick(x, [gold gives 1, otherwise 0])", "wrong-type", "'x' is a number"),
        ("pick(tier, [gold gives 1])", "pick-labels", "exactly"),
        ("pick(tier, [gold gives 1, gold gives 2, base gives 3])", "pick-labels", "exactly"),
        ("pick(tier, [gold gives 1, base gives 2, otherwise 3])", "pick-labels", "exactly"),
        ("step(x, [at_least 5 gives 1, at_least 7 gives 2, otherwise 3])", "row-never-wins", "at_least 7"),
        ("step(x, [below 5 gives 1, at_least 5 gives 2, above 9 gives 4, otherwise 3])", "row-never-wins", "above 9"),
        ("step(x, [at_most 5 gives 1, below 5 gives 2, otherwise 3])", "row-never-wins", "below 5"),
        ("curve(x, [2 gives 1, 2 gives 3])", "table-order", "curve"),
        ("bands(x, [upto 9 at 1, upto 8 at 3, rest at 0])", "table-order", "bands"),
        ("bands(x, [upto -1 at 1, rest at 0])", "table-order", "bands"),
        ("bands(x, [next 3 at 1, upto 2 at 1, rest at 0])", "table-order", "bands"),
        ("bands(x, [next -3 at 1, rest at 0])", "table-order", "bands"),
    ],
)
def test_a_rule_refuses(formula: str, code: str, said: str) -> None:
    with pytest.raises(FormulaError) as caught:
        rule(formula)
    assert code == caught.value.code
    assert said in caught.value.why


def test_a_near_miss_is_answered() -> None:
    with pytest.raises(FormulaError) as caught:
        rule("fe * 2")
    assert "Did you mean 'fee'?" == caught.value.fix


def test_a_cycle_names_only_its_members() -> None:
    with pytest.raises(FormulaError) as caught:
        rule("one", one="two + 1", two="three * 2", three="two - 1")
    assert ("two", "three") == caught.value.details["names"]


def test_edges_that_touch_are_both_reachable() -> None:
    made = rule("step(x, [at_least 5 gives 1, below 5 gives 2, otherwise 3])")
    assert 1 == len(made.lines)


@pytest.mark.parametrize(
    ("kpi", "code"),
    [
        (KpiShape("x", 2, 1, 18), "rule-kpi"),
        (KpiShape("x", 0, ONE // 2, 0), "rule-kpi"),
        (KpiShape("x", 0, ONE, 19), "rule-kpi"),
        (KpiShape("x", 0, 2**255, 18), "rule-kpi"),
        (KpiShape("x", 0, ONE, 18, type="yes_no"), "rule-kpi"),
        (KpiShape.choice("x", ()), "rule-kpi"),
        (KpiShape.choice("x", ("one", "one")), "rule-kpi"),
        (KpiShape.choice("x", ("pay", "one")), "rule-name"),
        (KpiShape("pay", 0, ONE, 0), "rule-name"),
        (KpiShape("min", 0, ONE, 0), "rule-name"),
        (KpiShape("two words", 0, ONE, 0), "rule-name"),
    ],
)
def test_an_impossible_kpi_is_refused(kpi: KpiShape, code: str) -> None:
    with pytest.raises(FormulaError) as caught:
        Rule((kpi,), (), (), (Line("pay", 0, 1, parse("1")),), (Payee("UA", parse("pay")),))
    assert code == caught.value.code


@pytest.mark.parametrize(("payee", "sign"), [(1, 1), (-1, 1), (None, 1), (0, 2)])
def test_an_impossible_line_is_refused(payee: int | None, sign: int) -> None:
    with pytest.raises(FormulaError) as caught:
        Rule((), (), (), (Line("pay", payee, sign, parse("1")),), (Payee("UA", parse("pay")),))
    assert "rule-line" == caught.value.code


def test_too_many_payees_are_refused() -> None:
    with pytest.raises(FormulaError) as caught:
        Rule((), (), (), (), tuple(Payee(f"P{at}", parse("1")) for at in range(64)))
    assert "rule-size" == caught.value.code


def test_net_adds_what_is_owed_to_and_by_a_payee() -> None:
    lines = (
        Line("credit.UA", 0, -1, parse("1")),
        Line("fee.UA", 0, 1, parse("2")),
        Line("fee.B6", 1, 1, parse("3")),
        Line("shown.UA", 0, 0, parse("4")),
    )
    assert ["-credit.UA + fee.UA", "fee.B6", "0"] == [to_text(net_of(lines, payee)) for payee in (0, 1, 2)]


def test_what_nothing_mentions_is_listed() -> None:
    made = rule("total.y", spare="x")
    assert ("ok", "tier", "fee", "spare") == unused(made)


def test_what_is_read_of_earlier_periods_is_mentioned() -> None:
    kpis = (KpiShape("k", 0, ONE, 0, "UA", opening=0), KpiShape("k", 0, ONE, 0, "B6", opening=0))
    lines = (Line("a", 0, 1, parse("prev.k.UA")), Line("b", 0, 1, parse("to_date.a")), Line("c", 0, 1, parse("1")))
    made = Rule(kpis, (), (), lines, (Payee("UA", parse("b + earned_before.UA")),))
    assert ("k.B6", "c") == unused(made)


def test_every_type_of_kpi_can_be_a_providers_own() -> None:
    flag, tier = KpiShape.yes_no("ok", "UA"), KpiShape.choice("tier", ("gold", "base"), "UA")
    assert ("ok.UA", "yes_no", ()) == (flag.full_name, flag.type, flag.labels)
    assert ("tier.UA", "choice", ("gold", "base")) == (tier.full_name, tier.type, tier.labels)


def test_sums_of_quotients_are_found() -> None:
    made = rule("x / 3 + fee / 3 - 1 + part", part="(x - fee) / 3 + x / 4 * fee - 2 / 3")
    assert [("part", "(x - fee) / 3 + x * fee / 4"), ("pay", "x / 3 + fee / 3")] == [
        (name, to_text(node)) for name, node in sums_of_quotients(made)
    ]


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(rules())
def test_order_does_not_depend_on_the_order_of_definitions_in_the_file(made: Rule) -> None:
    turned = Rule(made.kpis, made.parameters, made.definitions[::-1], made.lines, made.payees)
    position = {item.name: at for at, item in enumerate(turned.order)}
    for item in turned.order:
        assert all(position[name] < position[item.name] for name in names(item.formula) if name in position)
    data = encode(turned).data
    assert data == encode(decode(data, Names.of(turned))).data
