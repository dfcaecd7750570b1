"""Every part of a formula knows where it was written; a mistake is shown where it stands."""

from __future__ import annotations

import pytest

from pyoutcome.errors import FormulaError, Where
from pyoutcome.formula import parse, walk
from pyoutcome.formula import syntax as s
from pyoutcome.formula.tokens import is_name, tokenize

EVERYTHING = """
round( clamp(a, -1, 2) + outside(b, 1, 2) * min(a, b, c) / max(a, -b) - abs(-(a)) ,0.5, half_even)
  if not (a < b or yes) and c == no
  else step(a - 1, [at_least 5 gives 1, below -c gives a / (b / c), otherwise lag(a, 2) ])
     + pick( tier , [ gold gives 12.5%, base gives sum_last(a, 12), otherwise prev.b.UA ])
     + pick( prev.tier, [gold gives 1])
     + bands(a, [upto 5 at 1 + 1, next b at 2, rest at curve(a, [1 gives -1, b + 1 gives 2])])
"""


def test_each_part_stands_where_it_says() -> None:
    """What stands there reads as that part, brackets around it left out."""
    tree = parse(EVERYTHING)
    seen = {type(node).__name__ for node in walk(tree)}
    kinds = {kind.__name__ for kind in s.Node.__subclasses__()}
    assert kinds == seen
    for node in walk(tree):
        text = EVERYTHING[slice(*node.span)]
        if isinstance(node, s.StepRow | s.PickRow | s.BandRow | s.Point):
            (*_, last) = s.children(node)
            assert text.startswith(str(getattr(node, "edge", getattr(node, "label", ""))))
            assert (text, node.span[1]) == (text.strip(), last.span[1])
        else:
            assert node == parse(text)
            assert text == text.strip()


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("step(a, [above 5 gives 1, otherwise 0])", [(9, 24)]),
        ("pick(a, [b gives 1, c gives 22, otherwise 0])", [(9, 18), (20, 30)]),
        ("bands(a, [upto 5 at 1, next 10 at 2, rest at 0])", [(10, 21), (23, 35)]),
        ("curve(a, [1 gives 1, 2 gives 22])", [(10, 19), (21, 31)]),
    ],
)
def test_a_row_reaches_from_its_first_word_to_the_end_of_its_value(text: str, spans: list[tuple[int, int]]) -> None:
    rows = (s.StepRow, s.PickRow, s.BandRow, s.Point)
    assert spans == [node.span for node in walk(parse(text)) if isinstance(node, rows)]


def test_a_number_keeps_how_it_was_written() -> None:
    texts = [node.text for node in walk(parse("1_000 + -12.5% - -(3)")) if isinstance(node, s.Number)]
    assert ["1_000", "-12.5%", "-3"] == texts
    assert "" == s.negate(s.Number(5)).text  # type: ignore[attr-defined]
    twice = s.negate(s.negate(s.Number(5, "5")))
    assert (5, "") == (twice.value, twice.text)  # type: ignore[attr-defined]


def test_a_product_behind_a_minus_sign_points_at_the_sign() -> None:
    text = "a * -(b / c)"
    product = parse(text)
    assert isinstance(product, s.Product)
    assert ["a", "-(b / c)"] == [text[slice(*factor.span)] for factor in product.factors]


def test_products_are_merged_in_the_order_they_are_written() -> None:
    a, b, c, d, e = (s.Name(letter) for letter in "abcde")
    assert s.Product((a, b, c), (d, e)) == s.product((s.product((a, b), (d,)), c), (e,))
    assert s.Product((s.Neg(a), b, c), (d,)) == s.product((s.Neg(s.product((a, b), (d,))), c))
    assert a == s.product((a,))
    assert s.Product((a,), (b,)) == s.product((a,), (b,))


def test_a_mistake_is_shown_under_its_own_line() -> None:
    with pytest.raises(FormulaError) as caught:
        parse("a +\n\tb +\r\n  @ c\n+ d")
    assert ["    \t@ c".replace("\t", "  "), "      ^"] == caught.value.why.splitlines()[1:]
    assert ("a +\n\tb +\r\n  @ c\n+ d", 12) == (caught.value.details["formula"], caught.value.details["at"])


def test_tabs_and_carriage_returns_do_not_move_the_caret() -> None:
    with pytest.raises(FormulaError) as caught:
        parse("\ta + @\r")
    assert ["     a + @ ", "         ^"] == caught.value.why.splitlines()[1:]


def test_of_a_long_line_the_part_around_the_mistake_is_shown() -> None:
    with pytest.raises(FormulaError) as caught:
        parse("1 + " * 30 + "@" + " + 1" * 30)
    shown, caret = caught.value.why.splitlines()[1:]
    assert ("@", 50, 100) == (shown[len(caret) - 1], len(caret) - 5, len(shown) - 4)
    assert "1 + " * 30 + "@" + " + 1" * 19 + " + " == caught.value.details["formula"]


def test_where_the_formula_stands_is_handed_on_with_every_refusal() -> None:
    where = Where("deal.yaml", 7)
    deep = "(" * 150 + "1" + ")" * 150
    wide = " + ".join(["1"] * 201)
    codes = []
    for text in ("1 +", "1 @", "1.1234567890123456789", "x" * 10_001, deep, wide, "min + 1", "lag(a, 0)"):
        with pytest.raises(FormulaError) as caught:
            parse(text, where)
        assert where == caught.value.where
        codes.append(caught.value.code)
    number, long, deeper = "formula-number", "formula-too-long", "formula-too-deep"
    assert ["formula-syntax"] * 2 + [number, long, deeper, deeper] + ["formula-syntax"] * 2 == codes


def test_how_long_a_formula_may_be() -> None:
    parse("x" * 200 + " " * 9_800)
    with pytest.raises(FormulaError) as caught:
        parse("x" * 200 + " " * 9_801)
    assert ("formula-too-long", {"length": 10_001}) == (caught.value.code, caught.value.details)


def test_an_impossible_number_is_shown_where_it_starts() -> None:
    with pytest.raises(FormulaError) as caught:
        parse("a + 1." + "1" * 80)
    assert ("formula-number", 4) == (caught.value.code, caught.value.details["at"])


def test_how_deep_a_formula_may_be() -> None:
    parse("(" * 98 + "1" + ")" * 98)
    parse(" + ".join(["1"] * 200))
    tree: s.Node = s.Number(1)
    for _ in range(199):
        tree = s.Abs(tree)
    s.refuse_depth(tree)
    with pytest.raises(FormulaError) as caught:
        s.refuse_depth(s.Abs(tree))
    assert ("formula-too-deep", {"deepest": 200}) == (caught.value.code, caught.value.details)


def test_what_stood_side_by_side_does_not_add_to_the_depth() -> None:
    parse("min(" + ", ".join(["(((a)))"] * 300) + ")")
    parse(" + ".join(["(1 if a < 1 else 2)"] * 150))
    parse("step(a, [" + ", ".join(f"above {300 - at} gives (1)" for at in range(150)) + ", otherwise 1])")


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("a", True),
        ("on_time.UA", True),
        ("A9_", True),
        ("a.min", True),
        ("a" * 200, True),
        ("a" * 201, False),
        ("min", False),
        ("min.a", False),
        ("9a", False),
        ("_a", False),
        ("a.", False),
        ("a b", False),
        ("", False),
        ("ä", False),
    ],
)
def test_what_may_be_a_name(text: str, fine: bool) -> None:
    assert fine == is_name(text)


def test_tokens_have_kinds_and_places() -> None:
    found = [(token.kind, token.text, token.start, token.end) for token in tokenize("ab <= 1.5%\n")]
    assert [("name", "ab", 0, 2), ("sign", "<=", 3, 5), ("number", "1.5%", 6, 10), ("end", "", 11, 11)] == found


@pytest.mark.parametrize(
    "name", ["period", "year", "period_of_year", "earned_before", "prev.a", "to_date.a", "total.a"]
)
def test_values_of_time_and_state_are_names(name: str) -> None:
    assert s.Name(name) == parse(name)


@pytest.mark.parametrize("text", ["total", "to_date", "prev", "period.a", "year.a", "gives", "down", "rest.a", "min"])
def test_words_of_the_language_are_no_names(text: str) -> None:
    with pytest.raises(FormulaError) as caught:
        parse(text)
    assert "formula-syntax" == caught.value.code


@pytest.mark.parametrize("periods", ["1", "999"])
def test_periods_to_look_back_are_counted(periods: str) -> None:
    assert s.Lag("a", int(periods)) == parse(f"lag(a, {periods})")


@pytest.mark.parametrize("periods", ["0", "000", "1000", "1.0", "10%", "-1", "a", "1_0"])
def test_periods_to_look_back_are_one_to_999(periods: str) -> None:
    with pytest.raises(FormulaError) as caught:
        parse(f"lag(a, {periods})")
    assert ("formula-syntax", 7) == (caught.value.code, caught.value.details["at"])
