"""Mistakes in formulas: the line of the file, a caret under the character, and what to write instead."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyoutcome.errors import PyoutcomeError
from pyoutcome.terms import Agreement
from pyoutcome.terms.loader import read_text
from pyoutcome.terms.pointing import locate_character
from pyoutcome.terms.tree import Text
from tests.terms.rules import rule_file


def mistake(value: str) -> PyoutcomeError:
    """What is said about a formula that is written in the file like this."""
    text = rule_file("line:\n  kind: formula\n  is: " + value)
    with pytest.raises(PyoutcomeError) as caught:
        Agreement.parse(text, "deal.yaml")
    error = caught.value
    assert error.where is not None
    assert error.where.line is not None
    assert error.where.column is not None
    said, line, caret = error.why.split("\n")
    assert said.endswith(".")
    assert "^" == caret.strip()
    there = text.split("\n")[error.where.line - 1]
    assert line.strip() in there
    assert there[error.where.column - 1 :].startswith(line[len(caret) - 1 :][:1])
    return error


@pytest.mark.parametrize(
    ("formula", "at", "remedy"),
    [
        ("x + * 2", "* 2", "Write a number"),
        ("(x + 2", "", "check the brackets before"),
        ("x + 2)", ")", "no bracket open"),
        ("x 2", "2", "Put an operator between"),
        ("2 y", "y", "'*' between them"),
        ("2 x", "x", "'*' to multiply"),
        ("x ^ 2", "^", "x * x"),
        ("x ** 2", "* 2", "x * x"),
        ("5 if x = 2 else 3", "= 2", "'=='"),
        ("5 if x => 2 else 3", "=> 2", "'>='"),
        ("5 if x ≥ 2 else 3", "≥", "'>='"),
        ("if x > 2 then 5 else 6", "if x", "value first"),
        ("5 if x > 2", "", "otherwise"),
        ("5 when x > 2 otherwise 1", "when", "if condition else"),
        ("x is 5", "is", "'=='"),
        ("x > 5 & y > 2", "&", "'and'"),
        ("x > 5 or or y > 2", "or y", "Write a number"),
        ("x <= y <= 5", "<= 5", "a < b and b < c"),
        ("min(x)", ")", "min(a, b)"),
        ("min(x, )", ")", "min(a, b)"),
        ("min(x; 2)", ";", "','"),
        ("min(x, 2", "", "min(a, b)"),
        ("max x, 2", "x, 2", "max(a, b)"),
        ("Min(x, 2)", "Min", "'min'"),
        ("average(x)", "average", "Use one of: abs"),
        ("x * 5 %", "%", "directly after its number"),
        ("5 percent * x", "percent", "5%"),
        ("1,000 * x", ",000", "1_000"),
        ("x * 1.000,50", ",50", "decimal point"),
        ("1e5 * x", "e5", "no exponents"),
        (".5 * x", ".5", "0.5"),
        ("$5 * x", "$5", "currency"),
        ("€5 * x", "€5", "currency"),
        ("x × 2", "×", "'*'"),
        ("x – 2", "–", "minus of the keyboard"),
        ("“x” * 2", "“x", "without quotation marks"),
        ("round(x, 2)", ")", "half_up"),
        ("round(x, 0.01, halfup)", "halfup", "'half_up'"),
        ("step(x, [at_least 5 gives 1])", "])", "otherwise 0"),
        ("step(x, [5 gives 1, otherwise 0])", "5 gives", "at_least 99 gives 10"),
        ("curve(x, [[1, 2], [3, 4]])", "[1", "80 gives -100"),
        ("bands(x, [up to 5 at 1, rest at 2])", "up to", "'upto'"),
        ("0.1234567890123456789 * x", "0.12", "Round it"),
        ("xx * 2", "xx", "'x'"),
        ("5 + X", "X", "'x'"),
        ("x + (x > 2)", "x > 2", "if condition else"),
        ("3 if x else 2", "x else", "Compare it"),
        ("pick(x, [gold gives 1])", "x,", "'step'"),
    ],
)
def test_a_mistake_is_shown_where_it_is_and_with_a_remedy(formula: str, at: str, remedy: str) -> None:
    error = mistake(json.dumps(formula, ensure_ascii=False))
    assert remedy in error.fix
    _, line, caret = error.why.split("\n")
    assert line[len(caret) - 1 :].startswith(at or '"')


@pytest.mark.parametrize(
    "value",
    [
        "x + (y - )",
        "'x + (y - )'",
        '"x + (y - )"',
        '"x + \\u0028y - )"',
        '"x\\n + (y - )"',
        "x +\n    (y\n      - )",
        '"x +\n\n    (y\n      - )"',
        "'x +\n    (y - )'",
        "|\n    x +\n    (y\n     - )\n",
        ">-\n    x +\n\n    (y - )",
        ">2 # of pieces\n      x +\n    (y - )",
        "  x + (y - )  # a remark",
    ],
)
def test_however_a_formula_is_written_the_caret_is_under_its_character(value: str) -> None:
    _, line, caret = mistake(value).why.split("\n")
    assert ")" == line[len(caret) - 1]
    assert line.rstrip("'\" \t").endswith(")") or "# a remark" in line


def test_in_braces_and_lists_too() -> None:
    text = rule_file("line: {kind: curve, of: x, points: [[1, 2], [3, y y]]}")
    with pytest.raises(PyoutcomeError) as caught:
        Agreement.parse(text)
    _, line, caret = caught.value.why.split("\n")
    assert line[len(caret) - 1 :].startswith("y]]}")


STYLES = ("k: '{}'\n", 'k: "{}"\n', "k: |\n      {}\n", "k: >\n      {}\n", "k: 'a''b {}'\n", 'k: "\\u00e9\\n {}"\n')


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["a", "(", "+", "1.5", "é"]), min_size=1, max_size=12), st.data())
def test_every_character_of_a_value_is_found_again(words: list[str], data: st.DataObject) -> None:
    """Whatever the style: the place found holds that very character."""
    folded = data.draw(st.sampled_from([" ", "\n      ", "  ", "\n\n      "]))
    style = data.draw(st.sampled_from(STYLES))
    source = style.format(folded.join(words))
    value = read_text(source, "x").find(["k"])
    assert isinstance(value, Text)
    for at, character in enumerate(value.value):
        if not character.isspace():
            place = locate_character(source, value, at)
            found = source.split("\n")[place.line - 1][place.column - 1 :]
            assert found.startswith("\\u00e9" if at == 0 and "\\u" in source else character)
