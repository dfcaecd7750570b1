"""What an explanation says, word for word: it is what parties read when they disagree."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pyoutcome.decimals import INT256_MAX, INT256_MIN, ONE
from pyoutcome.decimals import parse as n
from pyoutcome.errors import FormulaError
from pyoutcome.formula import Definition, KpiShape, Line, Note, Payee, Rule, evaluate, explain, parse

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


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("7", "pay is 7 = 7."),
        ("a if high else 1", "pay is 2000 = a if high else 1, with high = yes, a = 2000."),
        ("a if low else 1", "pay is 1 = a if low else 1, with low = no."),
        ("a if tier == base else 1", "pay is 2000 = a if tier == base else 1, with tier = base, a = 2000."),
    ],
)
def test_a_step_says_its_figure_and_what_it_has_read(formula: str, said: str) -> None:
    definitions = (Definition("high", parse("a > 5")), Definition("low", parse("a < 5")))
    made = Rule(KPIS, (), definitions, (Line("pay", 0, 1, parse(formula)),), (Payee("UA", parse("pay")),))
    steps = explain(made, (2_000 * ONE, 0, 3 * ONE)).steps
    assert said == steps[2].said
    assert ["high is yes = a > 5, with a = 2000.", "low is no = a < 5, with a = 2000."] == [
        step.said for step in steps[:2]
    ]


@pytest.mark.parametrize(
    ("tier", "shown"), [("0", "0"), ("0.5", "0.5"), ("1.5", "1.5"), ("1", "gold"), ("3", "base"), ("4", "4")]
)
def test_a_value_that_is_no_label_is_shown_as_the_number_it_is(tier: str, shown: str) -> None:
    step = explain(rule("a if tier == silver else 1"), (0, 0, n(tier))).steps[0]
    assert f"pay is 1 = a if tier == silver else 1, with tier = {shown}." == step.said


def test_an_explanation_has_its_steps_however_often_a_rule_has_run() -> None:
    made = rule("a + 1")
    for _ in range(10):
        evaluate(made, (0, 0, ONE))
        outcome = evaluate(made, (0, 0, ONE), explain=True, percents={"a"})
    assert ["pay", "amount of UA"] == [step.name for step in outcome.steps]
    assert "a + 1 = 0% + 1 = 100%." == outcome.steps[0].closing


@pytest.mark.parametrize(
    ("formula", "tier", "found"),
    [
        ("1 if not a > 2 else 5", 1, "5"),
        ("1 if not a > 9 else 5", 1, "1"),
        ("1 if a > 2 or b > 2 else 5", 1, "1"),
        ("1 if a > 9 or b > 2 else 5", 1, "5"),
        ("1 if a > 9 or b < 2 else 5", 1, "1"),
        ("pick(tier, [gold gives 5, otherwise 0])", 1, "5"),
        ("pick(tier, [gold gives 5, otherwise 0])", 3, "0"),
    ],
)
def test_what_is_explained_is_what_is_paid(formula: str, tier: int, found: str) -> None:
    made = rule(formula)
    assert (
        n(found)
        == explain(made, (3 * ONE, ONE, tier * ONE)).lines[0]
        == evaluate(made, (3 * ONE, ONE, tier * ONE)).lines[0]
    )


def test_an_answer_is_worth_one_or_nothing() -> None:
    texts = ("a > 2 or b > 2", "not a > 2", "a > 2 and b < 2")
    definitions = tuple(Definition(f"d{at}", parse(text)) for at, text in enumerate(texts))
    lines = (Line("pay", 0, 1, parse("1 if d0 and not d1 and d2 else 0")),)
    made = Rule(KPIS, (), definitions, lines, (Payee("UA", parse("pay")),))
    assert (1, 0, 1) == explain(made, (3 * ONE, ONE, ONE)).definitions
    assert (0, 1, 0) == explain(made, (ONE, ONE, ONE)).definitions


def test_a_total_is_explained_as_the_sum_over_all_providers() -> None:
    kpis = tuple(KpiShape("sold", 0, 9 * ONE, 0, provider) for provider in ("UA", "B6", "EV"))
    made = Rule(kpis, (), (), (Line("pay", 0, 1, parse("total.sold * 2")),), (Payee("UA", parse("pay")),))
    step = explain(made, (ONE, 2 * ONE, 4 * ONE)).steps[0]
    assert (14 * ONE, (("total.sold", 7 * ONE),)) == (step.value, step.inputs)


TOLD = """
share * cost -> share * cost = 95% * 12.34 = 11.723.
share * share -> share * share = 95% * 95% = 90.25%.
share / 2 -> share / 2 = 95% / 2 = 0.475.
-share -> -share = -95%.
abs(share - 1) -> abs(share - 1) = abs(95% - 1) = 5%.
min(share, 0.5) -> share is 95%, lowered to the limit 50%.
max(5, cost, fee) -> The greatest of 5 = 5, cost = 12.34 and fee = 2,000 is 2,000.
clamp(share, 0.2, 0.8) -> share is 95%, lowered to the limit 80%.
clamp(cost, 12.34, 12.34) -> cost is 12.34, within the limits 12.34 and 12.34, which change nothing.
outside(share, 0.1, 0.2) -> share is 95%, above the range 10% to 20% by 75%.
round(share, 0.1, down) -> share is 95%, rounded toward zero to a multiple of 0.1: 90%.
round(share * cost, 1, up) -> share * cost is 11.723, rounded away from zero to a multiple of 1: 12.
round(cost, 0.01, up) -> cost is 12.34, rounded away from zero to a multiple of 0.01: unchanged.
step(share, [at_least 0.9 gives 5, otherwise 1]) -> share is 95%, at least 90%: 5.
step(cost, [at_least 5 gives 5%, otherwise share]) -> cost is 12.34, at least 5: 5%.
pick(tier, [gold gives 5%, otherwise 0]) -> tier is silver: 0%.
pick(tier, [gold gives 1, silver gives 10, otherwise 20]) -> tier is silver: 10.
pick(tier, [silver gives 0.1, otherwise 5%]) -> tier is silver: 10%.
pick(tier, [silver gives 0.1, gold gives 5%, base gives 0]) -> tier is silver: 10%.
curve(share, [0 gives 0, 1 gives 10]) -> share is 95%, between 0% (which gives 0) and 100% (which gives 10): 9.5.
curve(cost, [0 gives 0%, 100 gives 50%]) -> cost is 12.34, between 0 (which gives 0%) and 100 (which gives 50%): 6.17%.
curve(cost, [12.34 gives 0, 20 gives 1]) -> cost is 12.34, at or beyond the first point of the curve: 0.
curve(cost, [0 gives 0, 12.34 gives 1]) -> cost is 12.34, at or beyond the last point of the curve: 1.
bands(cost, [upto 10 at 5%, rest at 10%]) -> 10 of cost at 5% is 0.5. | 2.34 of cost at 10% is 0.234. Together 0.734.
bands(share, [rest at cost]) -> 0.95 of share at 12.34 is 11.723.
cost if share >= 90% else 0 -> share >= 90% holds (share is 95%): cost. | cost is 12.34.
cost if ok else 0 -> ok holds (ok is yes): cost. | cost is 12.34.
cost if not ok else 7 -> not ok does not hold (ok is yes): 7. | It is 7.
cost if tier == gold else 7 -> tier == gold does not hold (tier is silver): 7. | It is 7.
cost if tier == silver else 7 -> tier == silver holds (tier is silver): cost. | cost is 12.34.
cost if good else 7 -> good holds (good is yes): cost. | cost is 12.34.
cost if good and ok else 7 -> good and ok holds (good is yes, ok is yes): cost. | cost is 12.34.
cost if 1 > 2 else 7 -> 1 > 2 does not hold: 7. | It is 7.
5% if ok else 1 -> ok holds (ok is yes): 5%. | It is 5%.
0.1 if ok else 5% -> ok holds (ok is yes): 0.1. | It is 0.1.
0.1 if not ok else 5% -> not ok does not hold (ok is yes): 5%. | It is 5%.
max(cost, 0) + 5 -> cost is 12.34, not below the limit 0, which changes nothing. | 12.34 + 5 = 17.34.
prev.share * cost -> prev.share * cost = 50% * 12.34 = 6.17.
lag(share, 1) * cost -> lag(share, 1) * cost = 50% * 12.34 = 6.17.
sum_last(share, 2) + 1 -> sum_last(share, 2) + 1 = 0% + 1 = 100%.
lag(share, 1) -> lag(share, 1) is 50%.
share -> share is 95%.
5% -> It is 5%.
bands(min(cost, 5), [rest at 2]) -> cost is 12.34, lowered to the limit 5. | 5 of that at 2 is 10.
1 if share > 0.5 and ok else 0 -> share > 0.5 and ok holds (ok is yes, share is 95%): 1. | It is 1.
min(cost, 5) * 5% + cost -> cost is 12.34, lowered to the limit 5. | 5 * 5% + cost = 5 * 5% + 12.34 = 12.59.
clamp(min(cost, 5), 1, 4) -> cost is 12.34, lowered to the limit 5. | That is 5, lowered to the limit 4.
7 -> It is 7.
(cost if ok else 7) * 2 -> ok holds (ok is yes): cost. | 12.34 * 2 = 24.68.
(5 if share > 0.9 else 7) + 1 -> share > 0.9 holds (share is 95%): 5. | 5 + 1 = 6.
min(fee, cost) -> cost is 12.34, not above the limit 2,000, which changes nothing.
max(share, 1%) -> share is 95%, not below the limit 1%, which changes nothing.
min(5, fee) -> The least of 5 = 5 and fee = 2,000 is 5.
max(5, fee) -> The greatest of 5 = 5 and fee = 2,000 is 2,000.
share * 5% * cost -> share * 5% * cost = 95% * 5% * 12.34 = 0.58615.
bands(cost, [rest at 2]) * 50% -> 12.34 of cost at 2 is 24.68. | 24.68 * 50% = 12.34.
"""
"""With a share of 95 %, at first 50 %, a cost of 12.34, ok, in the tier silver, and a fee of 2,000."""


@pytest.mark.parametrize("row", TOLD.strip().splitlines())
def test_shares_are_told_as_percents_and_answers_and_labels_as_words(row: str) -> None:
    formula, said = row.split(" -> ")
    kpis = (
        replace(KpiShape("share", 0, ONE, 4), opening=n("0.5")),
        KpiShape("cost", 0, n("9999"), 2),
        KpiShape.yes_no("ok"),
        KpiShape.choice("tier", ("gold", "silver", "base")),
    )
    good = Definition("good", parse("share >= 0.9"))
    lines = (Line("pay", 0, 1, parse(formula)),)
    made = Rule(kpis, (("fee", n("2000")),), (good,), lines, (Payee("UA", parse("pay")),))
    steps = evaluate(made, (n("0.95"), n("12.34"), 1, 2 * ONE), explain=True, percents={"share"}).steps
    (step,) = (each for each in steps if each.name == "pay")
    assert said == " | ".join([*(note.said for note in step.notes), *filter(None, [step.closing])])


def test_an_amount_in_no_band_is_zero_before_and_after() -> None:
    (note,) = notes("bands(a, [upto 2 at 3, rest at 5])", "-1")
    assert ("0", "0") == (note.before, note.after)


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("(0 if ok else 5%) * a", "ok does not hold (ok is no): 5%. 5% * a = 5% * 2 = 0.1."),
        ("(5% if not ok else 1) * a", "not ok holds (ok is no): 5%. 5% * a = 5% * 2 = 0.1."),
        ("(pick(tier, [gold gives 1, otherwise 5%]) if not ok else 1)",
         "not ok holds (ok is no): pick(tier, [gold gives 1, otherwise 5%]). tier is gold: 100%."),
        ("1 if tier == gold else 2", "tier == gold holds (tier is gold): 1. It is 1."),
    ],
)  # fmt: skip
def test_what_was_answered_no_and_shares_of_one_branch(formula: str, said: str) -> None:
    kpis = (KpiShape("a", 0, 9 * ONE, 0), KpiShape.yes_no("ok"), TIER)
    definitions = (Definition("met", parse("a > 1 and not ok")), Definition("missed", parse("a > 1 and ok")))
    lines = (Line("pay", 0, 1, parse(f"{formula} + (0 if met or missed else 0)")), Line("own", 0, 1, parse(formula)))
    made = Rule(kpis, (), definitions, lines, (Payee("UA", parse("pay")),))
    steps = {each.name: each for each in explain(made, (2 * ONE, 0, ONE)).steps}
    own = steps["own"]
    assert said == " ".join([*(note.said for note in own.notes), *filter(None, [own.closing])])
    assert "a > 1 and not ok = 2 > 1 and not no = yes." == steps["met"].closing
    assert "a > 1 and ok = 2 > 1 and no = no." == steps["missed"].closing


@pytest.mark.parametrize(("tier", "shown"), [("0", "0"), ("1", "gold"), ("1.5", "1.5"), ("3", "base"), ("4", "4")])
def test_a_condition_shows_a_label_or_the_number_that_is_none(tier: str, shown: str) -> None:
    (note,) = explain(rule("1 if tier == silver else 2"), (0, 0, n(tier))).steps[0].notes
    assert f"tier == silver does not hold (tier is {shown}): 2." == note.said


def test_zero_has_no_sign() -> None:
    (note,) = notes("curve(a, [0 gives 0, 2 gives 4])", "0")
    assert ("0", "0") == (note.before, note.after)
