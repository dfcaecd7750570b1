"""docs/language.md and docs/program-format.md say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pyoutcome.decimals import parse as n
from pyoutcome.decimals import show
from pyoutcome.formula import Definition, KpiShape, Line, Payee, Rule, encode, evaluate, parse, run, verify
from pyoutcome.formula.layout import STATE_OPS, Op
from pyoutcome.formula.machine import RUN_ERRORS
from pyoutcome.formula.tokens import RESERVED

DOCS = Path(__file__).parents[2] / "docs"
LANGUAGE = (DOCS / "language.md").read_text(encoding="utf-8")
FORMAT = (DOCS / "program-format.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"`([^`\n]+)` = (-?[0-9.]+)(?=[\s|.,]|$)", LANGUAGE)


def test_the_page_has_its_examples() -> None:
    assert 17 == len(EXAMPLES)


@pytest.mark.parametrize(("formula", "result"), EXAMPLES)
def test_an_example_of_the_language_page_gives_its_result(formula: str, result: str) -> None:
    made = Rule((), (), (), (Line("line", 0, 1, parse(formula)),), (Payee("A", parse("line")),))
    assert result.rstrip(".") == show(evaluate(made, ()).amounts[0])


def test_formulas_said_to_be_the_same_number_are() -> None:
    kpis = (KpiShape("hours", 0, 10**21, 0), KpiShape("rate", 0, 10**21, 0))
    ways = ["hours / 24 * rate", "hours * (rate / 24)", "hours * rate / 24"]
    assert all(f"`{way}`" in LANGUAGE for way in ways)
    lines = tuple(Line(f"way{at}", 0, 1, parse(way)) for at, way in enumerate(ways))
    made = Rule(kpis, (), (), lines, (Payee("A", parse("way0")),))
    assert 1 == len(set(evaluate(made, (7 * 10**18, 11 * 10**18)).lines))


def test_reserved_words_are_those_listed() -> None:
    listed = LANGUAGE.split("## Reserved words")[1].split("`")[1].split()
    assert sorted(RESERVED) == sorted(listed)


def test_every_instruction_is_in_the_format_page() -> None:
    table = FORMAT.split("## Instructions")[1].split("Any other byte is refused")[0]
    found: dict[str, int] = {}
    for row in re.findall(r"^\| ([A-Z0-9, ]+) \| ([0-9A-F, to]+) \|", table, re.MULTILINE):
        words = re.findall(r"[A-Z][A-Z0-9]*", row[0])
        first, *others = re.findall(r"[0-9A-F]{2}", row[1])
        codes = range(int(first, 16), int(first, 16) + len(words)) if "to" in row[1] else [first, *others]
        for word, code in zip(words, codes, strict=True):
            found[word] = code if isinstance(code, int) else int(code, 16)
    assert {op.name: op.value for op in Op} == found
    assert all(op.name in found for op in STATE_OPS)


def test_run_errors_and_faults_are_numbered_as_in_the_format_page() -> None:
    numbered = {
        code: int(number) for number, code in re.findall(r"^\| ([1-7]) \| `([a-z-]+)` \|", FORMAT, re.MULTILINE)
    }
    assert RUN_ERRORS == numbered
    faults = {
        code: int(number)
        for number, code in re.findall(r"^\| ([0-9]+) \| [A-Z]\w+ \| `(program-[a-z-]+)`", FORMAT, re.MULTILINE)
    }
    source = (Path(verify.__code__.co_filename)).read_text(encoding="utf-8")
    raised = re.findall(r"\"(program-[a-z-]+)\",.*?fault=([0-9]+)", source, re.DOTALL)
    assert faults == {code: int(number) for code, number in raised}
    assert list(range(1, 18)) == sorted(faults.values())


def test_the_program_read_byte_by_byte_is_what_the_encoder_writes() -> None:
    made = Rule(
        (KpiShape("on_time", 0, n("1"), 4), KpiShape("late", 0, n("500"), 0)),
        (("fee", n("250_000")),),
        (Definition("breach", parse("on_time < 80%")),),
        (
            Line("charge", 0, 1, parse("fee * curve(on_time, [70% gives 0.9, 90% gives 1])")),
            Line("credit", 0, -1, parse("late / 30 * fee if breach else 0")),
        ),
        (Payee("UA", parse("clamp(charge - credit, 0, fee)")),),
    )
    listing = FORMAT.split("byte by byte")[1].split("```")[1]
    written = re.findall(r"^((?:[0-9a-f]{2} )*[0-9a-f]{2})(?:  |$)", listing, re.MULTILINE)
    program = encode(made)
    assert program.data == bytes.fromhex(" ".join(written))
    assert f"{len(program.data)} bytes:" in FORMAT
    assert f"`{program.hash.hex()}`" in FORMAT
    shape = verify(program.data)
    lengths = [len(bytes.fromhex(each)) for each in written[4:]]
    assert lengths == [each.end - each.at for each in shape.instructions]
    result = run(program.data, (n("0.75"), n("3")), (n("250_000"),))
    assert (n("231_250"), n("25_000"), n("206_250")) == (*result.lines, *result.amounts)
