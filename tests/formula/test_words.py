"""Words: the formula read aloud, with every one of its numbers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import product as pairs

import pytest
from hypothesis import HealthCheck, given, settings

from pyoutcome.decimals import ONE, Rounding, show_grouped
from pyoutcome.errors import FormulaError
from pyoutcome.formula import (
    Definition,
    KpiShape,
    Line,
    Payee,
    Register,
    Rule,
    parse,
    rule_to_words,
    to_text,
    to_words,
    walk,
)
from pyoutcome.formula import syntax as s
from pyoutcome.formula.rule_words import kpi_value_words, kpi_words
from pyoutcome.formula.tokens import RESERVED
from pyoutcome.formula.words import list_words, number_words
from tests.formula.mutations import mutants, rule_mutants
from tests.formula.strategies import rules

QUIET = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("min(ceiling, cost + 12.5% * gain)", "the lesser of ceiling and (cost plus 12.5% of gain)"),
        ("max(a, b, 0)", "the greatest of a, b and 0"),
        ("a - (b - c)", "a less (b less c)"),
        ("hours / 24 * rate", "hours times rate divided by 24"),
        ("clamp(net, -500, 1_000)", "net, but not less than -500 and not more than 1,000"),
        (
            "fee if share >= 90% and not late else 0",
            "fee if (share is at least 90%) and (it is not so that late), otherwise 0",
        ),
        ("round(x, 0.01, half_up)", "x rounded to the nearest multiple of 0.01, ties away from zero"),
        (
            "step(x, [at_least 99 gives 10, above 95 gives 5, otherwise 0])",
            "the first that holds of: 10 if x is at least 99; 5 if x is more than 95; otherwise 0",
        ),
        (
            "bands(n, [upto 100 at 5, next 50 at 7, rest at 9])",
            (
                "the sum over n in bands: 5 per unit of the part up to 100; 7 per unit of the next 50; 9 per unit of "
                "the rest; nothing below zero"
            ),
        ),
        (
            "curve(x, [80 gives -100, 90 gives 0])",
            "the value on straight lines through -100 at 80 and 0 at 90, read at x and flat outside them",
        ),
        (
            "bands(x, [upto 1 at 2, upto 3 at 4, rest at 5])",
            (
                "the sum over x in bands: 2 per unit of the part up to 1; 4 per unit of the part from there up to 3; "
                "5 per unit of the rest; nothing below zero"
            ),
        ),
        (
            "step(year, [at_most 1 gives 5, at_most 2 gives 7, otherwise 9])",
            "5 in contract year 1; 7 in contract year 2; 9 in every later contract year",
        ),
        ("pick(tier, [gold gives 2, otherwise 1])", "2 if tier is gold; otherwise 1"),
        ("prev.mark", "mark at the end of the period before"),
        ("x - to_date.pay", "x less (the sum of pay in all earlier periods)"),
        ("earned_before", "what the provider has earned in all earlier periods"),
        ("earned_before.UA", "what UA has earned in all earlier periods"),
        ("sum_last(x, 12)", "the sum of x over the last 12 periods before this one"),
        ("sum_last(x, 1)", "the sum of x over the period before this one"),
        ("lag(x, 3)", "x 3 periods ago"),
        (
            "year + period_of_year",
            "the number of the contract year plus the number of the period within its contract year",
        ),
        ("total.k * period", "(the total of k over all providers) times the number of the period"),
    ],
)
def test_a_formula_reads_like_this(formula: str, words: str) -> None:
    assert words == to_words(parse(formula))


READ = """
-x -> minus x
-(x + 1) -> minus (x plus 1)
abs(x) -> the size of x without its sign
abs(x - y) -> the size of (x less y) without its sign
x + y - z -> x plus y less z
x - y + z -> x less y plus z
x * y + z / 2 -> x times y plus z divided by 2
5% * x * y -> 5% of x times y
x * 5% * y -> x times 5% times y
5% * x / y / 2 -> 5% of x divided by y divided by 2
5 * x -> 5 times x
(x + 1) * (y - 2) -> (x plus 1) times (y less 2)
prev.x * total.y -> (x at the end of the period before) times (the total of y over all providers)
x if ok else y -> x if ok, otherwise y
x if a < b else y -> x if a is less than b, otherwise y
x if (ok if a == b else late) else y -> x if (ok if a is equal to b, otherwise late), otherwise y
x if a <= b or a > c else y -> x if (a is at most b) or (a is more than c), otherwise y
x if a >= b and not ok else y -> x if (a is at least b) and (it is not so that ok), otherwise y
x if a != b else (y if yes else z) -> x if a is not equal to b, otherwise (y if yes, otherwise z)
x * 2 > y + 1 -> x times 2 is more than (y plus 1)
min(x, y) -> the lesser of x and y
max(x, y + 1) -> the greater of x and (y plus 1)
max(x, y) -> the greater of x and y
min(x, y, z) -> the least of x, y and z
outside(x, 1, y + 2) -> how far x lies outside the range from 1 to (y plus 2)
clamp(x + 1, y, z * 2) -> (x plus 1), but not less than y and not more than (z times 2)
round(x, 0.5, down) -> x rounded toward zero to a multiple of 0.5
round(x + 1, 0.5, up) -> (x plus 1) rounded away from zero to a multiple of 0.5
round(x, y, half_even) -> x rounded to the nearest multiple of y, ties to the even multiple
round(x, 1, floor) -> x rounded down to a multiple of 1
round(x, y * 2, ceil) -> x rounded up to a multiple of (y times 2)
step(period, [at_most 1 gives 5, otherwise 9]) -> 5 in period 1; 9 in every later period
step(x, [at_most 1 gives 5, otherwise 9]) -> the first that holds of: 5 if x is at most 1; otherwise 9
pick(tier, [gold gives x + 1, silver gives 2]) -> (x plus 1) if tier is gold; 2 if tier is silver
bands(x, [rest at 2]) -> the sum over x in bands: 2 per unit of the whole; nothing below zero
lag(x, 1) -> x 1 period ago
sum_last(x, 2) * 2 -> (the sum of x over the last 2 periods before this one) times 2
prev.x + 1 -> (x at the end of the period before) plus 1
earned_before * 2 -> (what the provider has earned in all earlier periods) times 2
yes -> yes
no -> no
(x if ok else y) - z -> (x if ok, otherwise y) less z
(x if ok else y) + z -> (x if ok, otherwise y) plus z
flights.UA + 1 -> flights.UA plus 1
1_234.5 -> 1,234.5
12.5% -> 12.5%
a == b -> a is equal to b
"""


@pytest.mark.parametrize("row", READ.strip().splitlines())
def test_every_operation_reads_like_this(row: str) -> None:
    formula, words = row.split(" -> ")
    assert words == to_words(parse(formula))


def test_a_rule_reads_as_sentences_in_the_words_of_its_names() -> None:
    made = Rule(
        (KpiShape("x", 0, 10**18, 0),),
        (),
        (),
        (Line("fee", 0, 1, parse("x * 2"), "Monthly fee"), Line("credit", 0, -1, parse("3"))),
        (Payee("UA", parse("fee - credit")),),
    )
    told = rule_to_words(made, {"x": "the share on time", "fee": "the fee", "credit": "the service credit"}.__getitem__)
    assert [
        "the share on time is a whole number from 0 to 1.",
        "Monthly fee (the fee) is the share on time times 2, owed to UA.",
        "the service credit is 3, owed by UA.",
        "The amount of UA for the period is the fee less the service credit.",
    ] == [sentence.text for sentence in told]


def test_what_is_carried_reads_as_sentences() -> None:
    made = Rule(
        (
            KpiShape("x", 0, 10**20, 0, opening=5 * 10**18),
            KpiShape.choice("tier", ("gold", "base")),
        ),
        (("start_mark", 10**18),),
        (),
        (Line("fee", 0, 1, parse("max(0, x - prev.mark) + lag(x, 2) * year")),),
        (Payee("UA", parse("fee")),),
        (Register("mark", parse("start_mark"), parse("max(prev.mark, x)")),),
        12,
    )
    assert [
        "x is a whole number from 0 to 100.",
        "Before the first period, x counts as 5.",
        "tier is one of gold or base.",
        "start_mark is 1.",
        (
            "mark is carried from period to period: before the first period it is start_mark; at the end of each"
            " period it becomes the greater of (mark at the end of the period before) and x."
        ),
        "A contract year has 12 periods, the first beginning with period 1.",
        "A period before the first counts as 0, unless a value is said to be another before the first period.",
    ] == [told.text for told in rule_to_words(made) if told.kind not in ("line", "payee")]


def test_every_kind_of_sentence_is_in_the_words_of_the_names() -> None:
    made = Rule(
        (
            replace(KpiShape("share", 0, ONE, 4), opening=ONE // 2),
            replace(KpiShape.yes_no("ok"), opening=1),
            replace(KpiShape.yes_no("late"), opening=0),
            replace(KpiShape.choice("tier", ("gold", "silver", "base")), opening=2 * ONE),
            KpiShape("level", 0, 1_234 * ONE, 1),
        ),
        (("least", 1_000 * ONE),),
        (Definition("gain", parse("share - prev.share")),),
        (
            Line("pay", 0, 1, parse("gain * year")),
            Line("memo", 0, 0, parse("share")),
            Line("note", None, 0, parse("level")),
        ),
        (Payee("UA", parse("pay")),),
        (Register("mark", parse("least + 1"), parse("share")),),
        1,
    )
    told = rule_to_words(made, lambda name: f"<{name}>")
    assert [
        ("kpi", "share", "<share> is a number from 0 to 1 with 4 decimals."),
        ("opening", "share", "Before the first period, <share> counts as 0.5."),
        ("kpi", "ok", "<ok> is yes or no."),
        ("opening", "ok", "Before the first period, <ok> counts as yes."),
        ("kpi", "late", "<late> is yes or no."),
        ("opening", "late", "Before the first period, <late> counts as no."),
        ("kpi", "tier", "<tier> is one of gold, silver or base."),
        ("opening", "tier", "Before the first period, <tier> counts as silver."),
        ("kpi", "level", "<level> is a number from 0 to 1,234 with 1 decimal."),
        ("term", "least", "<least> is 1,000."),
        ("definition", "gain", "<gain> means <share> less (<share> at the end of the period before)."),
        (
            "register",
            "mark",
            (
                "<mark> is carried from period to period: before the first period it is <least> plus 1;"
                " at the end of each period it becomes <share>."
            ),
        ),
        ("line", "pay", "<pay> is <gain> times the number of the contract year, owed to UA."),
        ("line", "memo", "<memo> is <share>, shown only, of UA."),
        ("line", "note", "<note> is <level>, shown only."),
        ("payee", "UA", "The amount of UA for the period is <pay>."),
        ("calendar", "year", "A contract year has 1 period, the first beginning with period 1."),
    ] == [(each.kind, each.name, each.text) for each in told]
    (twice,) = (each for each in rule_to_words(replace(made, periods_per_year=2)) if each.kind == "calendar")
    assert "A contract year has 2 periods, the first beginning with period 1." == twice.text
    last = rule_to_words(replace(made, lines=(Line("pay", 0, 1, parse("lag(share, 2)")),)))[-1]
    assert ("opening", "") == (last.kind, last.name)


def test_values_of_a_kpi_are_said_as_people_report_them() -> None:
    share = KpiShape("share", 0, ONE, 4)
    assert "a share from 0% to 100% in steps of 0.01%" == kpi_words(share, percent=True)
    assert ("92.5%", "0.925") == (
        kpi_value_words(share, ONE * 925 // 1000, percent=True),
        kpi_value_words(share, ONE * 925 // 1000),
    )


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(rules(), rules(state=True))
def test_every_number_and_name_of_a_rule_is_in_its_words(plain: Rule, carrying: Rule) -> None:
    for made in (plain, carrying):
        told: dict[tuple[str, str], str] = {}
        told |= {(sentence.kind, sentence.name): sentence.text for sentence in rule_to_words(made)}
        for name, value in made.parameters:
            assert f"{name} is {show_grouped(value)}." == told["term", name]
        for kpi in made.kpis:
            said = told["kpi", kpi.full_name]
            assert set(kpi.labels) <= set(said.rstrip(".").replace(",", "").split())
            if kpi.type == "number":
                assert f" number from {show_grouped(kpi.low)} to {show_grouped(kpi.high)}" in said
                assert ("a whole" if kpi.decimals == 0 else f"with {kpi.decimals} decimals.") in said
        formulas = [("definition", each.name, each.formula) for each in made.definitions]
        formulas += [("line", each.name, each.formula) for each in made.lines]
        formulas += [("payee", each.name, each.amount) for each in made.payees]
        for register in made.registers:
            formulas += [("register", register.name, each) for each in (register.start, register.next)]
        for kind, name, formula in formulas:
            for node in walk(formula):
                if isinstance(node, s.Number):
                    assert number_words(node) in told[kind, name]
                if isinstance(node, s.SumLast | s.Lag):
                    assert node.periods == 1 or f"{node.periods} periods" in told[kind, name]
                if isinstance(node, s.Name | s.SumLast | s.Lag):
                    first, _, rest = node.name.partition(".")
                    spoken = {"year": "contract year", "period_of_year": "within", "earned_before": "has earned"}
                    assert (rest if first in RESERVED and rest else spoken.get(first, node.name)) in told[kind, name]


@pytest.mark.parametrize(
    ("written", "said"),
    [("0.05 * x", "0.05 times x"), ("5% * x", "5% of x"), ("x * 5.50%", "x times 5.5%"), ("-1_234.50", "-1,234.5")],
)
def test_a_number_is_said_with_a_percent_sign_where_it_was_written_with_one(written: str, said: str) -> None:
    assert said == to_words(parse(written))


@QUIET
@given(rules(), rules(state=True))
def test_a_formula_that_differs_in_one_place_reads_otherwise(plain: Rule, carrying: Rule) -> None:
    for made in (plain, carrying):
        for item in made.order:
            told = to_words(item.formula)
            others = [other for other in mutants(item.formula, ("k0", "prev.k0", "d1")) if other != item.formula]
            for other in others[:: len(others) // 80 + 1]:
                assert told != to_words(other)


@QUIET
@given(rules(), rules(state=True))
def test_a_rule_that_differs_in_one_place_reads_otherwise(plain: Rule, carrying: Rule) -> None:
    for made in (plain, carrying):
        told = rule_to_words(made)
        others = list(rule_mutants(made))
        for other in others[:: len(others) // 25 + 1]:
            try:
                changed = replace(made, **other)
            except FormulaError:
                continue
            assert changed == made or [each.text for each in told] != [each.text for each in rule_to_words(changed)]


@QUIET
@given(rules(state=True))
def test_formulas_that_are_the_same_read_the_same(made: Rule) -> None:
    for item in made.order:
        assert to_words(item.formula) == to_words(parse(to_text(item.formula)))


def test_no_two_small_formulas_read_the_same() -> None:
    """All formulas of one operation, and very many of two, over a few values: every text belongs to one tree."""
    numbers = [s.Name("a"), s.Name("prev.a"), s.Number(ONE), s.Number(-ONE), s.Number(ONE // 20, "5%")]
    truths = [s.Name("t"), s.Truth(value=True)]
    told: dict[str, s.Node] = {}

    def tell(formula: s.Node) -> None:
        assert formula == told.setdefault(to_words(formula), formula)

    small = list(combined(numbers, truths))
    choose = random.Random(1)
    inner = choose.sample([each for each in small if not is_truth(each)], 24)
    conditions = choose.sample([each for each in small if is_truth(each)], 8)
    for formula in (*small, *combined([*numbers[:3], *inner], [*truths, *conditions])):
        tell(formula)
    assert len(told) > 20_000


def is_truth(node: s.Node) -> bool:
    if isinstance(node, s.If):
        return is_truth(node.then)
    return isinstance(node, s.Compare | s.Not | s.And | s.Or | s.Truth) or node == s.Name("t")


def combined(numbers: list[s.Node], truths: list[s.Node]) -> Iterator[s.Node]:
    """Every operation and table over these operands."""
    a, one, zero = s.Name("a"), s.Number(ONE), s.Number(0)
    for x in numbers:
        yield from (s.negate(x), s.Abs(x), s.Bands(a, (), x))
        yield from (s.Round(x, one, Rounding.DOWN), s.Round(one, x, Rounding.HALF_UP))
    for x, y in pairs(numbers, numbers):
        yield from (s.Plus(x, y), s.Minus(x, y), s.Min((x, y)), s.Max((x, y)), s.Min((x, y, a)), s.Max((a, x, y)))
        yield from (s.product((x, y)), s.product((x,), (y,)), s.product((x,), (y, a)), s.product((x, y), (a,)))
        yield from (s.Compare(s.Relation.LT, x, y), s.Compare(s.Relation.GE, x, y))
        yield from (s.Clamp(x, zero, y), s.Clamp(a, x, y), s.Outside(y, x, zero))
        yield s.Curve(a, (s.Point(x, zero), s.Point(y, one)))
        yield s.Curve(x, (s.Point(zero, y), s.Point(one, zero)))
        yield from (s.Bands(x, (s.BandRow(wide, one, y),), zero) for wide in (True, False))
        yield from (s.Step(x, (s.StepRow(edge, y, one),), zero) for edge in s.Edge)
        yield from (s.Step(a, (s.StepRow(s.Edge.BELOW, x, y),), zero), s.Step(a, (s.StepRow(s.Edge.ABOVE, one, x),), y))
        yield s.Pick(s.Name("c"), (s.PickRow("g", x),), y)
        yield s.Pick(s.Name("c"), (s.PickRow("g", x), s.PickRow("h", y)), None)
        yield from (s.If(truth, x, y) for truth in truths)
    for p, q in pairs(truths, truths):
        yield from (s.And(p, q), s.Or(p, q), s.Not(p), *(s.If(truth, p, q) for truth in truths[:4]))


def test_words_are_listed_as_in_english() -> None:
    told = [list_words(()), list_words(["a"]), list_words(iter("ab")), list_words("abc"), list_words("abc", "or")]
    assert ["", "a", "a and b", "a, b and c", "a, b or c"] == told
