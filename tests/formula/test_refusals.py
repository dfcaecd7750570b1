"""What a refused rule says to machines, and how far a rule may go before it is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pyoutcome.decimals import INT256_MAX, INT256_MIN, ONE
from pyoutcome.decimals import parse as n
from pyoutcome.errors import FormulaError
from pyoutcome.formula import Definition, KpiShape, Line, Payee, Register, Rule, parse
from pyoutcome.formula import syntax as s

KPIS = (
    KpiShape("x", 0, n("100"), 2, opening=0),
    KpiShape("y", 0, n("100"), 2),
    KpiShape.yes_no("ok"),
    KpiShape.choice("tier", ("gold", "base")),
    KpiShape.choice("grade", ("high", "low")),
)
PAYEES = (Payee("UA", parse("pay")),)
X = KPIS[0]


def rule(formula: str, register: tuple[str, str] | None = None, payees: tuple[Payee, ...] = PAYEES) -> Rule:
    registers = (Register("r", parse(register[0]), parse(register[1])),) if register else ()
    return Rule(KPIS, (("fee", ONE),), (), (Line("pay", 0, 1, parse(formula)),), payees, registers)


def small(
    kpis: tuple[KpiShape, ...] = (X,),
    terms: tuple[tuple[str, int], ...] = (),
    definitions: tuple[Definition, ...] = (),
    lines: tuple[Line, ...] = (Line("pay", 0, 1, parse("1")),),
    payees: tuple[Payee, ...] = PAYEES,
    per_year: int | None = None,
) -> Rule:
    return Rule(kpis, terms, definitions, lines, payees, (), per_year)


def refused(made: object) -> FormulaError:
    assert callable(made)
    with pytest.raises(FormulaError) as caught:
        made()
    return caught.value


@pytest.mark.parametrize(
    ("formula", "code", "pointed"),
    [
        ("1 + (x + ok)", "wrong-type", "ok"),
        ("1 + (1 if tier == 1 else 0)", "pick-labels", "tier == 1"),
        ("1 + (1 if tier < gold else 0)", "pick-labels", "tier < gold"),
        ("1 + (1 if tier == high else 0)", "pick-labels", "tier == high"),
        ("1 + (1 if gold == ok else 0)", "wrong-type", "gold"),
        ("1 + pick(x, [gold gives 1, otherwise 0])", "wrong-type", "x"),
        ("1 + pick(tier, [gold gives 1])", "pick-labels", "pick(tier, [gold gives 1])"),
        ("1 + pick(tier, [gold gives 1, high gives 2])", "pick-labels", "pick(tier, [gold gives 1, high gives 2])"),
        ("1 + pick(tier, [gold gives ok, base gives 2])", "wrong-type", "ok"),
        ("1 + pick(tier, [gold gives 1, otherwise ok])", "wrong-type", "ok"),
        ("1 + (tier if ok else tier)", "wrong-type", "tier"),
        ("1 + (1 if ok else yes)", "wrong-type", "yes"),
        ("1 + (1 if ok and x else 2)", "wrong-type", "x"),
        ("1 + (1 if not x else 2)", "wrong-type", "x"),
        ("1 + (1 if ok < 1 else 2)", "wrong-type", "ok"),
        ("1 + (1 if 1 < ok else 2)", "wrong-type", "ok"),
        ("1 + step(x, [above 3 gives ok, otherwise 0])", "wrong-type", "ok"),
        ("1 + step(x, [above 3 gives 1, otherwise ok])", "wrong-type", "ok"),
        ("1 + step(ok, [above 3 gives 1, otherwise 0])", "wrong-type", "ok"),
        ("1 + curve(x, [1 gives 1, 2 gives -ok])", "wrong-type", "ok"),
        ("1 + bands(x, [upto 1 at ok, rest at 0])", "wrong-type", "ok"),
        ("1 + step(x, [above 3 gives 1, above 4 gives 2, otherwise 0])", "row-never-wins", "above 4 gives 2"),
        ("1 + curve(x, [2 gives 1, 1 gives 2])", "table-order", "curve(x, [2 gives 1, 1 gives 2])"),
        (
            "1 + bands(x, [upto 2 at 1, upto 1 at 2, rest at 0])",
            "table-order",
            "bands(x, [upto 2 at 1, upto 1 at 2, rest at 0])",
        ),
        ("1 + lag(ok, 2)", "wrong-type", "lag(ok, 2)"),
    ],
)
def test_a_refusal_names_the_value_and_points_into_its_formula(formula: str, code: str, pointed: str) -> None:
    problem = refused(lambda: rule(formula))
    assert (code, "pay") == (problem.code, problem.details["item"])
    span = problem.details["span"]
    assert isinstance(span, tuple)
    assert pointed == formula[slice(*span)]


@pytest.mark.parametrize(
    ("formula", "code", "name"),
    [
        ("fea * 2", "unknown-name", "fea"),
        ("prev.y", "no-opening", "prev.y"),
        ("year", "no-calendar", "year"),
        ("lag(fee, 3)", "no-history", "fee"),
        ("lag(fea, 3)", "unknown-name", "fea"),
    ],
)
def test_a_refusal_names_what_is_missing_and_where(formula: str, code: str, name: str) -> None:
    problem = refused(lambda: rule(formula))
    assert (code, {"name": name, "item": "pay"}) == (problem.code, problem.details)


def test_whose_earnings_are_meant_must_be_said_when_several_earn() -> None:
    two = (*PAYEES, Payee("B6", parse("1")))
    assert rule("earned_before").sequential
    assert rule("earned_before.B6", payees=two).sequential
    problem = refused(lambda: rule("earned_before", payees=two))
    assert ("payee-needed", {"name": "earned_before", "item": "pay"}) == (problem.code, problem.details)


def test_a_start_that_is_not_known_at_signing_names_its_register() -> None:
    problem = refused(lambda: rule("x", ("fee + x", "1")))
    assert ("register-start", {"name": "x", "item": "r"}) == (problem.code, problem.details)


@pytest.mark.parametrize("known", ["x", "fee", "pay", "period", "prev.x", "to_date.pay", "earned_before.UA", "prev.r"])
def test_a_name_that_is_nearly_right_is_offered(known: str) -> None:
    assert f"Did you mean {known!r}?" == refused(lambda: rule(f"{known}_", ("1", "2"))).fix


def test_only_what_has_a_past_is_offered_where_one_is_read() -> None:
    assert "Did you mean 'pay'?" == refused(lambda: rule("lag(pay_, 1)")).fix
    assert "'fee'" not in refused(lambda: rule("lag(fee_, 1)")).fix


@pytest.mark.parametrize(
    ("name", "twice"), [("x", True), ("fee", True), ("pay", True), ("two words", False), ("min", False)]
)
def test_a_name_that_cannot_be_is_named(name: str, twice: bool) -> None:
    problem = refused(lambda: small(terms=(("fee", 1),), definitions=(Definition(name, parse("1")),)))
    assert ("rule-name", {"name": name}) == (problem.code, problem.details)
    assert twice == ("twice" in problem.why)


def test_a_label_is_the_name_of_nothing_else() -> None:
    kpi = KpiShape.choice("tier", ("pay", "base"))
    problem = refused(lambda: small((kpi,)))
    assert ("rule-name", {"name": "pay"}) == (problem.code, problem.details)
    small((KpiShape.choice("tier", ("a", "b")), KpiShape.choice("grade", ("a", "b"))))


def test_every_provider_has_its_own_name() -> None:
    assert "rule-name" == refused(lambda: small(payees=(*PAYEES, Payee("UA", parse("1"))))).code


@pytest.mark.parametrize(
    "kpi",
    [
        KpiShape("k", INT256_MIN, INT256_MAX, 18),
        KpiShape("k", 5 * ONE, 5 * ONE, 0),
        KpiShape("k", -ONE, ONE, 0, opening=-ONE),
        KpiShape("k", -ONE, ONE, 0, opening=ONE),
        KpiShape("k", 0, ONE // 10, 1),
        replace(KpiShape.yes_no("k"), opening=1),
        replace(KpiShape.choice("k", ("a",)), opening=ONE),
        KpiShape.choice("k", tuple(f"l{at}" for at in range(255))),
    ],
)
def test_a_kpi_may_go_to_its_limits(kpi: KpiShape) -> None:
    assert (kpi,) == small((kpi,)).kpis


@pytest.mark.parametrize(
    "kpi",
    [
        KpiShape("k", INT256_MIN - 1, 0, 18),
        KpiShape("k", 0, INT256_MAX + 1, 18),
        KpiShape("k", 0, ONE, -1),
        KpiShape("k", ONE // 2, ONE, 0),
        KpiShape("k", 0, ONE, 0, opening=2 * ONE),
        KpiShape("k", 0, ONE, 0, opening=-ONE),
        KpiShape("k", 0, ONE, 0, opening=ONE // 2),
        KpiShape("k", 0, ONE, 0, labels=("a",)),
        replace(KpiShape.yes_no("k"), labels=("a",)),
        replace(KpiShape.yes_no("k"), high=2),
        replace(KpiShape.yes_no("k"), low=1),
        replace(KpiShape.choice("k", ("a", "b")), high=ONE),
        replace(KpiShape.choice("k", ("a", "b")), low=0),
        replace(KpiShape.choice("k", ("a", "b")), decimals=18),
        KpiShape.choice("k", ("a.b",)),
        KpiShape.choice("k", ("a b",)),
        KpiShape.choice("k", tuple(f"l{at}" for at in range(256))),
    ],
)
def test_a_kpi_beyond_its_limits_is_refused_by_name(kpi: KpiShape) -> None:
    problem = refused(lambda: small((kpi,)))
    assert ("rule-kpi", {"kpi": "k"}) == (problem.code, problem.details)


def test_a_term_is_any_word() -> None:
    small(terms=(("low", INT256_MIN), ("high", INT256_MAX)))
    for value in (INT256_MIN - 1, INT256_MAX + 1):
        assert "rule-size" == refused(lambda value=value: small(terms=(("t", value),))).code


def test_a_constant_has_a_text() -> None:
    for value in (INT256_MAX, -INT256_MAX):
        small(lines=(Line("pay", 0, 1, s.Number(value)),))
    for value in (INT256_MIN, INT256_MAX + 1):
        assert "rule-size" == refused(lambda value=value: small(lines=(Line("pay", 0, 1, s.Number(value)),))).code


def test_a_contract_year_has_one_to_366_periods() -> None:
    for count in (1, 366):
        assert count == small(per_year=count).periods_per_year
    for count in (0, 367):
        assert "rule-size" == refused(lambda count=count: small(per_year=count)).code


@pytest.mark.parametrize(("payee", "sign"), [(1, 1), (-1, 1), (None, 1), (None, -1), (0, 2), (0, -2)])
def test_an_impossible_line_is_refused_by_name(payee: int | None, sign: int) -> None:
    problem = refused(lambda: small(lines=(Line("pay", payee, sign, parse("1")),)))
    assert ("rule-line", {"name": "pay"}) == (problem.code, problem.details)


def test_a_line_may_be_owed_either_way_or_only_shown() -> None:
    lines = tuple(
        Line(f"l{at}", payee, sign, parse("1")) for at, (payee, sign) in enumerate([(1, 1), (1, -1), (0, 0), (None, 0)])
    )
    small(lines=lines, payees=(Payee("UA", parse("l0")), Payee("B6", parse("l1"))))


def many(count: int) -> tuple[str, ...]:
    return tuple(f"n{at}" for at in range(count))


def test_how_many_of_each_a_rule_may_have() -> None:
    one = parse("1")

    def kpis(count: int) -> Rule:
        return small(tuple(KpiShape(name, 0, ONE, 0) for name in many(count)))

    def terms(count: int) -> Rule:
        return small(terms=tuple((name, 0) for name in many(count)))

    def payees(count: int) -> Rule:
        return small(payees=tuple(Payee(name, one) for name in many(count)))

    def values(count: int) -> Rule:  # and a line and a payee
        return small(definitions=tuple(Definition(name, one) for name in many(count - 2)))

    for make, most in ((kpis, 255), (terms, 255), (payees, 63), (values, 255)):
        make(most)
        assert "rule-size" == refused(lambda make=make, most=most: make(most + 1)).code
    assert "rule-size" == refused(lambda: small(lines=tuple(Line(name, 0, 1, one) for name in many(256)))).code


@pytest.mark.parametrize(
    ("table", "least"),
    [
        (
            lambda rows: s.Step(
                s.Name("x"), tuple(s.StepRow(s.Edge.BELOW, s.Number(at), s.Number(1)) for at in rows), s.Number(0)
            ),
            1,
        ),
        (
            lambda rows: s.Bands(
                s.Name("x"), tuple(s.BandRow(False, s.Number(at), s.Number(1)) for at in rows), s.Number(0)
            ),
            0,
        ),
        (lambda rows: s.Curve(s.Name("x"), tuple(s.Point(s.Number(at), s.Number(1)) for at in rows)), 2),
    ],
    ids=["step", "bands", "curve"],
)
def test_how_many_rows_a_table_may_have(table: object, least: int) -> None:
    def with_rows(count: int) -> Rule:
        assert callable(table)
        return small(lines=(Line("pay", 0, 1, table(range(count))),))

    for count in (least, 255):
        with_rows(count)
    for count in {least - 1, 256} - {-1}:
        problem = refused(lambda count=count: with_rows(count))
        assert ("rule-size", {"item": "pay", "span": (0, 0)}) == (problem.code, problem.details)


def test_how_far_and_how_much_a_rule_may_look_back() -> None:
    rule("lag(x, 127)")
    assert "history-too-long" == refused(lambda: rule("lag(x, 128)")).code

    def histories(last: int) -> Rule:
        depths = [127] * 8 + [last]  # 1,016 and the last
        kpis = tuple(KpiShape(name, 0, ONE, 0) for name in many(9))
        total = " + ".join(f"lag({name}, {depth})" for name, depth in zip(many(9), depths, strict=True))
        return small(kpis, lines=(Line("pay", 0, 1, parse(total)),))

    histories(8)
    assert "history-too-long" == refused(lambda: histories(9)).code


@pytest.mark.parametrize(
    ("table", "fine"),
    [
        ("step(x, [at_least 5 gives 1, at_least 4 gives 2, otherwise 3])", True),
        ("step(x, [above 5 gives 1, at_least 5 gives 2, otherwise 3])", True),
        ("step(x, [at_least 5 gives 1, above 5 gives 2, otherwise 3])", False),
        ("step(x, [at_least 5 gives 1, at_least 5 gives 2, otherwise 3])", False),
        ("step(x, [below 5 gives 1, at_most 5 gives 2, otherwise 3])", True),
        ("step(x, [at_most 5 gives 1, at_most 5 gives 2, otherwise 3])", False),
        ("step(x, [below 5 gives 1, below 4 gives 2, otherwise 3])", False),
        ("step(x, [at_most 4 gives 1, above 5 gives 2, below 5 gives 3, otherwise 4])", True),
        ("step(x, [at_most 4 gives 1, above 4 gives 2, below 9 gives 3, otherwise 4])", False),
        ("step(x, [at_most 4 gives 1, at_least 4 gives 2, otherwise 4])", True),
        ("step(x, [above y gives 1, above 5 gives 2, above 5 gives 3, otherwise 4])", False),
        ("step(x, [above 5 gives 1, above y gives 2, at_least 5 gives 3, otherwise 4])", True),
        ("bands(x, [upto 0 at 1, upto 0 at 2, next 0 at 3, upto 0 at 4, rest at 5])", True),
        ("bands(x, [upto 2 at 1, next 3 at 2, upto 5 at 3, rest at 5])", True),
        ("bands(x, [upto 2 at 1, next 3 at 2, upto 4 at 3, rest at 5])", False),
        ("bands(x, [next 2 at 1, next 3 at 2, upto 4 at 3, rest at 5])", False),
        ("bands(x, [upto y at 1, upto 3 at 2, upto 2 at 3, rest at 5])", False),
        ("bands(x, [upto y at 1, next 3 at 2, upto 2 at 3, rest at 5])", True),
        ("bands(x, [upto 3 at 1, upto y at 2, upto 3 at 3, rest at 5])", True),
        ("bands(x, [upto 3 at 1, next -1 at 2, rest at 5])", False),
        ("curve(x, [1 gives 1, y gives 2, 2 gives 1])", True),
        ("curve(x, [1 gives 1, y gives 2, 1 gives 1])", False),
    ],
)
def test_rows_of_constants_have_an_order_and_each_can_win(table: str, fine: bool) -> None:
    if fine:
        rule(table)
    else:
        assert refused(lambda: rule(table)).code in {"row-never-wins", "table-order"}
