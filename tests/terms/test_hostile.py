"""Whatever a file holds, the answer is an agreement or an error of ours: nothing else, and quickly."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyoutcome import Agreement
from pyoutcome.errors import PyoutcomeError
from pyoutcome.terms import problems_of
from pyoutcome.terms.loader import LARGEST

EXAMPLE = (Path(__file__).parents[2] / "examples" / "punctual-arrivals" / "agreement.yaml").read_text(encoding="utf-8")
LINES = EXAMPLE.splitlines()
WORDS = [
    *sorted(set(re.findall(r"[A-Za-z_]+|[0-9.%_-]+|[{}\[\],:&*!#'\"|>]", EXAMPLE))),
    "~", "<<", ".nan", "-.inf", "1e400", "0x10", "1:30", "-0", "9" * 200, "0." + "1" * 30, "null", "\t",
    "total.on_time",
    "on_time.UA", "prev.fee", "x if y else z", "(" * 150, "round(x, 0, up)", "1/0", "is_", "kind", "\u202e", "\ud7ff",
]  # fmt: skip


def read(text: str | bytes) -> Agreement | None:
    """The agreement, or None if the file was refused as it should be."""
    try:
        agreement = Agreement.parse(text, "hostile.yaml")
        agreement.digest()
        agreement.rule()
    except PyoutcomeError as error:
        for problem in problems_of(error):
            assert problem.where is not None
            assert "hostile.yaml" == problem.where.file
            assert problem.why
            assert problem.fix
        return None
    return agreement


@given(st.binary(max_size=400))
@settings(max_examples=150, deadline=None)
def test_any_bytes(data: bytes) -> None:
    assert read(data) is None


@given(st.text(max_size=300))
@settings(max_examples=150, deadline=None)
def test_any_text(text: str) -> None:
    assert read(text) is None


@given(st.data())
@settings(max_examples=120, deadline=None)
def test_the_example_with_words_replaced_by_others(data: st.DataObject) -> None:
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        pieces = re.split(r"([A-Za-z0-9_.%-]+)", lines[at])
        piece = data.draw(st.integers(0, len(pieces) - 1))
        pieces[piece] = data.draw(st.sampled_from(WORDS) | st.text(max_size=5))
        lines[at] = "".join(pieces)
    read("\n".join(lines))


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_the_example_with_lines_moved_dropped_and_doubled(data: st.DataObject) -> None:
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        line = lines.pop(at)
        for _ in range(data.draw(st.integers(0, 2))):
            lines.insert(data.draw(st.integers(0, len(lines))), line)
    read("\n".join(lines))


TREES = st.recursive(
    st.sampled_from(WORDS[:80]) | st.text("abcxyz 019.%-", max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS[:80]), inner, max_size=4),
    max_leaves=8,
)
SECTIONS = ("parties", "term", "token", "records", "kpis", "terms", "define", "clauses", "settlement", "escrow")


@given(st.sampled_from(SECTIONS), TREES)
@settings(max_examples=100, deadline=None)
def test_a_section_replaced_by_any_tree(section: str, tree: object) -> None:
    import yaml

    start = (
        len(LINES)
        if section == "define"
        else next(at for at, line in enumerate(LINES) if line.startswith(f"{section}:"))
    )
    end = next((at for at in range(start + 1, len(LINES)) if re.match(r"\w", LINES[at])), len(LINES))
    body = yaml.safe_dump({section: tree}, default_flow_style=True, width=10_000)
    inner = body.strip()[1:-1] if body.strip().startswith("{") else body
    read("\n".join([*LINES[:start], inner, *LINES[end:]]))


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "[" * 100_000,
        "{" * 100_000,
        "a: " + "x" * (LARGEST - 10),
        "\n".join(f"k{number}: v" for number in range(60_000)),
        "- " * 50_000,
        "? " * 50_000,
        "a: " + "((" * 40_000,
        "clauses: {a: {kind: formula, is: '" + "(" * 9000 + "1" + ")" * 9000 + "'}}",
        "clauses: {a: {kind: formula, is: '" + "-" * 9999 + "1'}}",
        "clauses: {a: {kind: formula, is: '" + "1+" * 4900 + "1'}}",
    ],
    ids=range(10),
)
def test_files_made_to_exhaust(text: str) -> None:
    assert read(text) is None


def test_a_rule_at_its_limits_is_refused_or_read_but_never_breaks() -> None:
    from tests.terms.deals import deal

    many = "\n".join(f"c{number}: {{kind: fixed_fee, amount: {number}}}" for number in range(100))
    agreement = Agreement.parse(deal(many))
    assert sum(range(100)) * 10**6 == agreement.statement(1, {"x": 0, "y": 0}).amounts[0]
    assert agreement.words()
    assert agreement.program().data
    assert read(deal(many + "\nmore: {kind: fixed_fee, amount: 1}")) is None
    thens = ", ".join("at_most: 5" for _ in range(21))
    assert read(deal(f"c: {{kind: fixed_fee, amount: 1, then: [{thens}]}}")) is None
    deep = "(" * 90 + "1" + " + 1)" * 90
    assert read(deal(f"c: {{kind: formula, is: {deep}}}")) is not None
