"""Words: the formula read aloud, with every one of its numbers."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from pyoutcome.formula import KpiShape, Line, Payee, Rule, parse, rule_to_words, to_words, walk
from pyoutcome.formula import syntax as s
from pyoutcome.formula.words import number_words
from tests.formula.strategies import rules


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("min(ceiling, cost + 12.5% * gain)", "the lesser of ceiling and (cost plus 12.5% times gain)"),
        ("max(a, b, 0)", "the greatest of a, b and 0"),
        ("a - (b - c)", "a less (b less c)"),
        ("hours / 24 * rate", "hours times rate divided by 24"),
        ("clamp(net, -500, 1_000)", "net, but not less than -500 and not more than 1_000"),
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
                "for n in bands: 5 per unit of the part up to 100; 7 per unit of the next 50; 9 per unit of the rest;"
                " nothing below zero"
            ),
        ),
        (
            "curve(x, [80 gives -100, 90 gives 0])",
            "the value on straight lines through -100 at 80 and 0 at 90, read at x and flat outside them",
        ),
        ("pick(tier, [gold gives 2, otherwise 1])", "2 if tier is gold; otherwise 1"),
        ("total.k * period", "the total of k over all providers times the number of the period"),
    ],
)
def test_a_formula_reads_like_this(formula: str, words: str) -> None:
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
        "Monthly fee is the share on time times 2, owed to UA.",
        "the service credit is 3, owed by UA.",
        "The amount of UA for the period is the fee less the service credit.",
    ] == [sentence.text for sentence in told]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(rules())
def test_every_number_and_name_of_a_rule_is_in_its_words(made: Rule) -> None:
    told = rule_to_words(made)
    formulas = [each.formula for each in made.definitions] + [each.formula for each in made.lines]
    formulas += [each.amount for each in made.payees]
    for sentence, formula in zip(told, formulas, strict=True):
        for node in walk(formula):
            if isinstance(node, s.Number):
                assert number_words(node) in sentence.text
            if isinstance(node, s.Name):
                assert node.name.removeprefix("total.") in sentence.text
