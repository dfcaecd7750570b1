"""The text form: what is read, how it is printed, and where mistakes are shown."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyoutcome.decimals import ONE, Rounding
from pyoutcome.errors import FormulaError, Where
from pyoutcome.formula import (
    KpiShape,
    Line,
    Names,
    Payee,
    Rule,
    decode,
    encode,
    explain,
    names,
    parse,
    rename,
    rule_to_words,
    to_text,
    walk,
)
from pyoutcome.formula import syntax as s
from tests.formula.strategies import rules

a, b, c, d = (s.Name(letter) for letter in "abcd")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("1_000.50", s.Number(1000 * ONE + ONE // 2)),
        ("10%", s.Number(ONE // 10)),
        ("-5", s.Number(-5 * ONE)),
        ("yes", s.Truth(value=True)),
        ("fee.base", s.Name("fee.base")),
        ("prev.mark", s.Name("prev.mark")),
        ("a - b - c", s.Minus(s.Minus(a, b), c)),
        ("a - (b - c)", s.Minus(a, s.Minus(b, c))),
        ("a + b * c", s.Plus(a, s.Product((b, c), ()))),
        ("-a * b", s.Product((s.Neg(a), b), ())),
        ("a / b * c", s.Product((a, c), (b,))),
        ("a * (c / b)", s.Product((a, c), (b,))),
        ("a * b * c / d", s.Product((a, b, c), (d,))),
        ("a * -(b / c)", s.Product((a, s.Neg(b)), (c,))),
        ("a / (b / c)", s.Product((a,), (s.Product((b,), (c,)),))),
        ("a / b / c", s.Product((a,), (b, c))),
        ("not a < b and c or d", s.Or(s.And(s.Not(s.Compare(s.Relation.LT, a, b)), c), d)),
        ("a or b and c", s.Or(a, s.And(b, c))),
        ("a if b else c if d else a", s.If(b, a, s.If(d, c, a))),
        ("(a if b else c) if d else a", s.If(d, s.If(b, a, c), a)),
        ("min(a, b, c)", s.Min((a, b, c))),
        ("clamp(a, b, c)", s.Clamp(a, b, c)),
        ("round(a, 0.5, half_up)", s.Round(a, s.Number(ONE // 2), Rounding.HALF_UP)),
        ("sum_last(fee, 12)", s.SumLast("fee", 12)),
        ("step(a, [below 3 gives b, otherwise c])", s.Step(a, (s.StepRow(s.Edge.BELOW, s.Number(3 * ONE), b),), c)),
        ("pick(a, [b gives 1, otherwise c])", s.Pick(a, (s.PickRow("b", s.Number(ONE)),), c)),
        ("bands(a, [next b at c, rest at d])", s.Bands(a, (s.BandRow(is_width=True, to=b, rate=c),), d)),
        ("curve(a, [1 gives b, c gives d])", s.Curve(a, (s.Point(s.Number(ONE), b), s.Point(c, d)))),
    ],
)
def test_text_means_tree(text: str, tree: s.Node) -> None:
    assert tree == parse(text)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("min(ceiling,cost+20%*(target-cost))", "min(ceiling, cost + 0.2 * (target - cost))"),
        ("((a))+(b*c)", "a + b * c"),
        ("a-(b+c)", "a - (b + c)"),
        ("(a+b)*c", "(a + b) * c"),
        ("not(a<b)", "not a < b"),
        ("not(a and b)", "not (a and b)"),
        ("hours/24*rate", "hours * rate / 24"),
    ],
)
def test_printed_text_is_canonical(text: str, printed: str) -> None:
    assert printed == to_text(parse(text))


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(rules(size=4))
def test_printing_and_parsing_are_inverse(rule: Rule) -> None:
    for item in rule.order:
        assert item.formula == parse(to_text(item.formula))


@pytest.mark.parametrize(
    ("text", "at", "word"),
    [
        ("a < b < c", 6, "chained"),
        ("1 + ", 4, "end"),
        ("a @ b", 2, "'@'"),
        ("1e5", 1, "'e5'"),
        ("a b", 2, "'b'"),
        ("min(a)", 5, "','"),
        ("round(a, 1, half)", 12, "'half'"),
        ("step(a, [at_leest 3 gives 1, otherwise 0])", 9, "'at_leest'"),
        ("step(a, [at_least 3 gives 1])", 27, "','"),
        ("step(a, [otherwise 1])", 0, "row"),
        ("curve(a, [1 gives 2])", 19, "','"),
        ("bands(a, [upto 5 at 1])", 21, "','"),
        ("lag(a, 1.5)", 7, "whole"),
        ("at + 1", 0, "'at'"),
        ("prev + 1", 0, "'prev'"),
        ("1 + not a", 4, "'not'"),
        ("a if b", 6, "'else'"),
        ("a % b", 2, "'%'"),
        ("", 0, "end"),
    ],
)
def test_a_mistake_is_shown_at_its_character(text: str, at: int, word: str) -> None:
    with pytest.raises(FormulaError) as caught:
        parse(text)
    assert ("formula-syntax", at) == (caught.value.code, caught.value.details["at"])
    assert word in caught.value.why
    shown, caret = caught.value.why.splitlines()[1:]
    assert len(caret) - 1 == shown.index(text[:1] or " ", 4) + at if text else caret == "    ^"


def test_a_mistake_names_its_place_in_the_file() -> None:
    where = Where("deal.yaml", 7, 12, "clauses.fee.is")
    with pytest.raises(FormulaError) as caught:
        parse("1 +* 2", where)
    assert where == caught.value.where
    assert str(caught.value).startswith("deal.yaml:7:12 (clauses.fee.is): ")


@pytest.mark.parametrize("text", ["1.1234567890123456789", "1_", "9" * 100])
def test_an_impossible_number_is_refused(text: str) -> None:
    with pytest.raises(FormulaError) as caught:
        parse(text)
    assert "formula-number" == caught.value.code


@pytest.mark.parametrize(
    "text",
    [
        "(" * 3000,
        "-" * 3000 + "1",
        "not " * 2000 + "yes",
        "1" + " + 1" * 1500,
        "1" + " / 1" * 3 + " or 1" * 1500,
        "min(1," * 1000,
        "1 if yes else " * 700 + "1",
        "step(" * 1500,
        "1 + (" * 1500,
    ],
)
def test_hostile_depth_is_refused_without_running_out_of_stack(text: str) -> None:
    with pytest.raises(FormulaError) as caught:
        parse(text)
    assert caught.value.code in {"formula-too-deep", "formula-syntax"}


USUAL = """
-(x + 1)
--x
abs(x if a else y)
(x if a else y) + 1
1 + (x if a else y)
x + (y + z)
x - (y - z)
(x if a else y) - z
x / (y * z)
x / (y if a else z)
(x + 1) * -y
(x if a else y) < z
x < (y if a else z)
x < y + z
a and (b or c)
a and b or c
(a if b else c) and d
a and (b and c)
(a if b else c) or d
a or (b or c)
a or (b if c else d)
not (a and b)
not a and b
(x if a else y) if b else z
x if a else y if b else z
x if (a if b else c) else y
min(x if a else y, z)
clamp(x if a else y, 1, 2)
round(x if a else y, (1 if a else 2), up)
step(x if a else y, [at_least (1 if a else 2) gives 3 if a else 4, otherwise 5 if a else 6])
pick(tier, [gold gives 3 if a else 4, otherwise 5 if a else 6])
bands(x if a else y, [upto (1 if a else 2) at 3 if a else 4, next 5 at 6, rest at 7 if a else 8])
curve(x if a else y, [(1 if a else 2) gives (3 if a else 4), 5 gives 6])
"""


@pytest.mark.parametrize("text", USUAL.strip().splitlines())
def test_a_formula_is_written_with_the_brackets_it_needs_and_no_others(text: str) -> None:
    assert text == to_text(parse(text))


def test_a_long_text_is_refused() -> None:
    with pytest.raises(FormulaError) as caught:
        parse("1 " * 5001)
    assert "formula-too-long" == caught.value.code


@settings(max_examples=300)
@given(st.text(alphabet="ab01.%_ +-*/<>=!()[],\n", max_size=40) | st.text(max_size=20))
def test_any_text_is_a_formula_or_refused(text: str) -> None:
    try:
        tree = parse(text)
    except FormulaError:
        return
    assert tree == parse(to_text(tree))


def test_nodes_know_their_place_names_and_can_be_renamed() -> None:
    text = "step(total.k, [at_least x gives pick(c, [a gives y, otherwise lag(z, 2)]), otherwise 0])"
    tree = parse(text)
    spans = {to_text(node): text[slice(*node.span)] for node in walk(tree) if isinstance(node, s.Name | s.Pick)}
    assert all(spoken == written for spoken, written in spans.items())
    assert ["total.k", "x", "c", "y", "z"] == list(names(tree))
    assert ["total.k.UA", "x.UA", "c.UA", "y.UA", "z.UA"] == list(names(rename(tree, lambda name: f"{name}.UA")))


@pytest.mark.parametrize(("sign", "most"), [("+", 200), ("-", 200), ("*", 600), ("/", 600)])
def test_a_long_sum_works_up_to_the_documented_length_and_a_product_beyond(sign: str, most: int) -> None:
    """And everything that reads formulas takes it."""
    made = Rule(
        (KpiShape("x", 0, ONE, 0),),
        (),
        (),
        (Line("pay", 0, 1, parse(sign.join("x" * most))),),
        (Payee("A", parse("pay")),),
    )
    assert made == decode(encode(made).data, Names.of(made))
    assert explain(made, (ONE,)).steps
    assert rule_to_words(made)


@pytest.mark.parametrize("sign", ["+", "-", " and "])
def test_a_longer_one_is_refused_kindly(sign: str) -> None:
    with pytest.raises(FormulaError) as caught:
        parse(sign.join("x" * 201))
    assert "formula-too-deep" == caught.value.code
    assert "define" in caught.value.fix
