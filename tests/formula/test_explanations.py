"""What an explanation says, word for word: it is what parties read when they disagree."""

from __future__ import annotations

import pytest

from pyoutcome.decimals import INT256_MAX, INT256_MIN, ONE
from pyoutcome.decimals import parse as n
from pyoutcome.errors import FormulaError
from pyoutcome.formula import KpiShape, Line, Note, Payee, Rule, evaluate, explain, parse

TIER = KpiShape.choice("tier", ("gold", "silver", "base"))
KPIS = (KpiShape("a", INT256_MIN, INT256_MAX, 18), KpiShape("b", INT256_MIN, INT256_MAX, 18), TIER)


def rule(formula: str) -> Rule:
    return Rule(KPIS, (), (), (Line("pay", 0, 1, parse(formula)),), (Payee("UA", parse("pay")),))


def notes(formula: str, a: str = "0", b: str = "0", tier: int = 1) -> tuple[Note, ...]:
    return explain(rule(formula), (n(a), n(b), tier * ONE)).steps[0].notes


@pytest.mark.parametrize(
    ("formula", "a", "kind", "said", "before", "after"),
    [
        (
            "a / 3",
            "-2",
            "truncated",
            "a / 3 is -2/3, cut to 18 decimals: -0.666666666666666666.",
            "-2/3",
            "-0.666666666666666666",
        ),
        ("1 if a > 3 else 2", "4", "branch", "a > 3 holds (a is 4): 1.", "", ""),
        ("1 if a > 3 else 2", "3", "branch", "a > 3 does not hold (a is 3): 2.", "", ""),
        ("min(a, 5, 3)", "4", "limit", "The least of a = 4, 5 = 5 and 3 = 3 is 3.", "", "3"),
        ("max(a, 3)", "4", "limit", "a is 4, not below the limit 3, which changes nothing.", "", "4"),
        ("max(3, a)", "2", "limit", "a is 2, raised to the limit 3.", "", "3"),
        ("min(a, 3)", "4", "limit", "a is 4, lowered to the limit 3.", "", "3"),
        ("min(a, 3)", "2", "limit", "a is 2, not above the limit 3, which changes nothing.", "", "2"),
        ("clamp(a, 2, 5)", "2", "limit", "a is 2, within the limits 2 and 5, which change nothing.", "2", "2"),
        ("clamp(a, 2, 5)", "1", "limit", "a is 1, raised to the limit 2.", "1", "2"),
        ("clamp(a, 2, 5)", "6", "limit", "a is 6, lowered to the limit 5.", "6", "5"),
        ("outside(a, 2, 5)", "1", "limit", "a is 1, below the range 2 to 5 by 1.", "1", "1"),
        ("outside(a, 2, 5)", "2", "limit", "a is 2, inside the range 2 to 5.", "2", "0"),
        ("outside(a, 2, 5)", "8.5", "limit", "a is 8.5, above the range 2 to 5 by 3.5.", "8.5", "3.5"),
        (
            "round(a, 0.5, up)",
            "1.2",
            "rounded",
            "a is 1.2, rounded away from zero to a multiple of 0.5: 1.5.",
            "1.2",
            "1.5",
        ),
        ("step(a, [above 2 gives 7, otherwise 9])", "3", "row", "a is 3, above 2: 7.", "3", "7"),
        (
            "step(a, [above 2 gives 7, otherwise 9])",
            "2",
            "row",
            "a is 2, for which no row but 'otherwise' holds: 9.",
            "2",
            "9",
        ),
        (
            "curve(a, [1 gives 4, 3 gives 5, 7 gives 1])",
            "6",
            "segment",
            "a is 6, between 3 (which gives 5) and 7 (which gives 1): 2.",
            "2",
            "2",
        ),
        (
            "curve(a, [2 gives 4, 5 gives 5])",
            "3",
            "segment",
            (
                "a is 3, between 2 (which gives 4) and 5 (which gives 5): "
                "4.333333333333333333 (exactly 13/3, cut to 18 decimals)."
            ),
            "13/3",
            "4.333333333333333333",
        ),
        (
            "curve(a, [2 gives 4, 5 gives 6])",
            "2",
            "segment",
            "a is 2, at or beyond the first point of the curve: 4.",
            "4",
            "4",
        ),
        (
            "curve(a, [2 gives 4, 5 gives 6])",
            "5",
            "segment",
            "a is 5, at or beyond the last point of the curve: 6.",
            "6",
            "6",
        ),
    ],
)
def test_a_note_says_what_decided(formula: str, a: str, kind: str, said: str, before: str, after: str | None) -> None:
    (note,) = notes(formula, a)
    assert (kind, formula, said, before) == (note.kind, note.formula, note.said, note.before)
    assert after == note.after


def test_each_band_that_something_falls_into_has_a_note() -> None:
    said = [
        (note.kind, note.said) for note in notes("bands(a, [upto 2 at 3, upto 2 at 9, next 4 at 1, rest at 5])", "5")
    ]
    assert [("band", "2 of a at 3 is 6."), ("band", "3 of a at 1 is 3. Together 9.")] == said
    (cut,) = notes("bands(a, [rest at b])", "0.0000000001", "0.0000000005")
    assert ("0.00000000000000000005", "0") == (cut.before, cut.after)


def test_a_choice_says_which_label_it_is() -> None:
    formula = "pick(tier, [silver gives b, otherwise 0 - b])"
    said = [note.said for tier in (1, 2, 3) for note in notes(formula, b="4", tier=tier)]
    assert ["tier is gold: -4.", "tier is silver: 4.", "tier is base: -4."] == said
    assert "choice" == notes(formula)[0].kind


def test_what_is_left_out_of_a_pick_is_worked_out_even_if_another_row_applies() -> None:
    made = rule("pick(tier, [gold gives 1, otherwise 1 / b])")
    assert ONE == evaluate(made, (0, ONE, ONE)).lines[0]
    with pytest.raises(FormulaError) as caught:
        explain(made, (0, 0, ONE))
    assert "division-by-zero" == caught.value.code


@pytest.mark.parametrize(
    ("a", "b", "exact"),
    [
        ("0.0000000001", "0.0000000015", "0.00000000000000000015"),
        ("-0.0000000001", "0.0000000015", "-0.00000000000000000015"),
        ("0.5", "1.000000000000000001", "0.5000000000000000005"),
        ("-1.5", "1.000000000000000001", "-1.5000000000000000015"),
    ],
)
def test_what_was_cut_off_is_shown_whole(a: str, b: str, exact: str) -> None:
    (note,) = notes("a * b", a, b)
    assert ("truncated", exact) == (note.kind, note.before)


def test_every_truncation_of_a_chain_is_noted_in_order() -> None:
    third, last = "0.333333333333333333", "0.041666666666666666"
    found = [(note.before, note.after) for note in notes("a * b / 3 / 8", "1", "1")]
    assert [("1/3", third), (f"{last}625", last)] == found
    three = [(note.before, note.after) for note in notes("a * b * 2", "0.0000000001", "0.0000000005")]
    assert [("0.00000000000000000005", "0")] == three


def test_a_note_points_at_its_part_of_the_formula() -> None:
    formula = "1 + round(a, 5, down)"
    (note,) = notes(formula, "7")
    assert "round(a, 5, down)" == note.formula == formula[slice(*note.span)]


def test_an_explanation_reads_each_name_once_and_only_what_it_needs() -> None:
    made = rule("a * a + (b if tier == silver else 1)")
    step = explain(made, (2 * ONE, 7 * ONE, ONE)).steps[0]
    assert (("a", 2 * ONE), ("tier", ONE)) == step.inputs
    assert "pay is 5 = a * a + (b if tier == silver else 1), with a = 2, tier = gold." == step.said
