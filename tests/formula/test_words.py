"""Words: the formula read aloud, with every one of its numbers."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from pyoutcome.formula import KpiShape, Line, Payee, Register, Rule, parse, rule_to_words, to_words, walk
from pyoutcome.formula import syntax as s
from pyoutcome.formula.tokens import RESERVED
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
        ("prev.mark", "mark at the end of the period before"),
        ("x - to_date.pay", "x less the sum of pay in all earlier periods"),
        ("earned_before", "what the provider has earned in all earlier periods"),
        ("earned_before.UA", "what UA has earned in all earlier periods"),
        ("sum_last(x, 12)", "the sum of x over the last 12 periods before this one"),
        ("sum_last(x, 1)", "the sum of x over the period before this one"),
        ("lag(x, 3)", "x of 3 periods ago"),
        (
            "year + period_of_year",
            "the number of the contract year plus the number of the period within its contract year",
        ),
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
        (
            "mark is carried from period to period: before the first period it is start_mark; at the end of each"
            " period it becomes the greater of mark at the end of the period before and x."
        ),
        "Before the first period, x counts as 5.",
        "A contract year has 12 periods, the first beginning with period 1.",
        "A period before the first counts as 0, unless a value is said to be another before the first period.",
    ] == [told.text for told in rule_to_words(made) if told.kind not in ("line", "payee")]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(rules(), rules(state=True))
def test_every_number_and_name_of_a_rule_is_in_its_words(plain: Rule, carrying: Rule) -> None:
    for made in (plain, carrying):
        told: dict[tuple[str, str], str] = {}
        told |= {(sentence.kind, sentence.name): sentence.text for sentence in rule_to_words(made)}
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
