"""Programs: bytes and back, the machine against the evaluator, and everything a registration refuses."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pyoutcome.decimals import ONE
from pyoutcome.decimals import parse as n
from pyoutcome.errors import FormulaError
from pyoutcome.formula import (
    Definition,
    KpiShape,
    Line,
    Names,
    Payee,
    Rule,
    bounds,
    decode,
    encode,
    evaluate,
    explain,
    parse,
    program_hash,
    rule_to_words,
    run,
    to_text,
    verify,
)
from pyoutcome.formula import syntax as s
from pyoutcome.formula.machine import RUN_ERRORS
from tests.formula.strategies import rules, rules_with_values

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much, HealthCheck.large_base_example]


def one_line(formula: str, amount: str = "clamp(pay, -1_000, 1_000)") -> Rule:
    kpis = (KpiShape("x", 0, n("100"), 2), KpiShape("y", n("1"), n("9"), 0))
    line = Line("pay", 0, 1, parse(formula))
    return Rule(kpis, (("fee", n("1000")),), (), (line,), (Payee("UA", parse(amount)),))


def outcome_or_error(rule: Rule, values: tuple[int, ...], period: int) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    try:
        found = evaluate(rule, values, period=period)
    except FormulaError as problem:
        return RUN_ERRORS[problem.code], (), ()
    return 0, found.lines, found.amounts


@pytest.mark.parametrize(
    ("formula", "code"),
    [
        ("x + fee", "0500 0600 20"),
        ("x / 24 * fee", "0500 0600 0318 24"),
        ("x * (fee / y)", "0500 0600 0501 24"),
        ("x * y * fee / 3 / 7", "0500 0501 22 0600 0303 24 0307 23"),
        ("x * -(y / 3)", "0500 0501 25 0303 24"),
        (
            "1 if x > 3 and y < 2 or not x == 0 else -0.5",
            "0500 0303 33 370008 0501 0302 30 380001 01 370005 01 36 380005 0500 01 32 36 370004 02 380004 040111fb",
        ),
        ("min(x, y, 300)", "0500 0501 27 04011403 27"),
        ("round(x, 0.05, half_even)", "0500 04011005 2a03"),
        ("outside(x, 2, 4)", "0500 0302 0304 2b"),
        (
            "step(x, [at_least 99 gives 10%, above 95 gives 0.05, otherwise 0])",
            "0500 48 02 04 0112 0110 63 0a 5f 05 00",
        ),
        ("step(x, [at_least y gives 1, otherwise 0])", "0500 0501 02 01 40 01 00"),
        ("curve(x, [80 gives -100, 90 gives 0])", "0500 49 02 0113 0114 08 ff 09 00"),
        ("bands(x, [upto 100 at 5, next 50 at 7%, rest at 0])", "0500 4a 02 0113 0210 0a 01f4 0f 0007 0000"),
        ("bands(x, [upto y at 5, next 50 at 7, rest at 0])", "0500 0501 0305 0501 0332 20 0307 01 42 02"),
        ("bands(x, [rest at 2])", "0500 0302 42 00"),
        ("2.5 * period", "04011119 0a 22"),
    ],
)
def test_a_formula_has_this_code(formula: str, code: str) -> None:
    program = encode(one_line(formula))
    start = 8 + 2 + 1
    assert bytes.fromhex(code) + bytes([0x09, 0]) == program.data[start : program.data.index(b"\x08\x00\x04")]


def test_header_names_counts_lines_and_payees() -> None:
    rule = Rule(
        (KpiShape("x", 0, ONE, 0, "UA"), KpiShape("x", 0, ONE, 0, "B6")),
        (("fee", ONE),),
        (Definition("all", parse("total.x")),),
        (
            Line("pay.UA", 0, 1, parse("x.UA * all")),
            Line("cut.B6", 1, -1, parse("x.B6")),
            Line("info", None, 0, parse("all")),
        ),
        (Payee("UA", parse("pay.UA")), Payee("B6", parse("-cut.B6"))),
    )
    program = encode(rule)
    assert "01 02 01 00 00 03 02 02" == program.data[:8].hex(" ")
    assert "01 40 02 81 03 3f" == program.data[8:14].hex(" ")
    assert "01 04" == program.data[14:16].hex(" ")
    assert ("all", "pay.UA", "cut.B6", "info", "amount of B6") == program.locals
    assert program_hash(program.data) == program.hash
    assert not program.sequential


@settings(max_examples=150, deadline=None, suppress_health_check=QUIET)
@given(rules())
def test_encode_and_decode_are_inverse(rule: Rule) -> None:
    data = encode(rule).data
    assert data == encode(decode(data, Names.of(rule))).data
    verify(data)


def test_decode_without_names_reads_the_rule() -> None:
    rule = decode(encode(one_line("min(fee, x * 2)")).data)
    assert "min(term1, kpi1 * 2)" == to_text(rule.lines[0].formula)
    assert "clamp(line1, -1000, 1000)" == to_text(rule.payees[0].amount)


@settings(max_examples=300, deadline=None, suppress_health_check=QUIET)
@given(rules_with_values(), st.integers(1, 400))
def test_machine_equals_evaluator(case: tuple[Rule, tuple[int, ...]], period: int) -> None:
    rule, values = case
    result = run(encode(rule).data, values, [value for _, value in rule.parameters], period)
    assert outcome_or_error(rule, values, period) == (result.error, result.lines, result.amounts)


@settings(max_examples=200, deadline=None, suppress_health_check=QUIET)
@given(rules_with_values(size=2, wild=True), st.integers(1, 2**32 - 1))
def test_machine_fails_as_the_evaluator_fails(case: tuple[Rule, tuple[int, ...]], period: int) -> None:
    rule, values = case
    result = run(encode(rule).data, values, [value for _, value in rule.parameters], period)
    assert outcome_or_error(rule, values, period) == (result.error, result.lines, result.amounts)


@pytest.mark.parametrize(
    ("formula", "x", "error"),
    [
        ("x * 10_000_000_000_000_000_000_000_000_000_000_000_000_000", 10**59, 1),
        ("1 / x", 0, 2),
        ("clamp(y, x, 3)", n("4"), 3),
        ("round(y, x, up)", 0, 4),
        ("curve(y, [x gives 0, 1 gives 1])", ONE, 5),
        ("bands(y, [upto x at 1, rest at 2])", -ONE, 6),
    ],
)
def test_run_errors_have_their_numbers(formula: str, x: int, error: int) -> None:
    rule = one_line(formula)
    assert error == run(encode(rule).data, (x, ONE), (ONE,)).error
    with pytest.raises(FormulaError) as caught:
        evaluate(rule, (x, ONE))
    assert error == RUN_ERRORS[caught.value.code]


def test_a_choice_beyond_its_labels_is_an_error() -> None:
    kpi = KpiShape.choice("tier", ("gold", "base"))
    rule = Rule(
        (kpi,),
        (),
        (),
        (Line("pay", 0, 1, parse("pick(tier, [gold gives 2, base gives 1])")),),
        (Payee("A", parse("pay")),),
    )
    data = encode(rule).data
    assert (ONE,) == run(data, (2 * ONE,)).amounts
    for bad in (0, 3 * ONE, -ONE, ONE + 1):
        assert 7 == run(data, (bad,)).error


def test_an_amount_may_be_any_name_and_only_a_line_needs_no_code_of_its_own() -> None:
    assert ("pay",) == encode(one_line("x", amount="pay")).locals
    assert ("pay", "amount of UA") == encode(one_line("x", amount="y")).locals


def test_a_total_is_the_sum_over_all_providers() -> None:
    kpis = tuple(KpiShape("x", 0, n("9"), 0, provider) for provider in ("UA", "B6", "EV"))
    made = Rule(kpis, (), (), (Line("pay", 0, 1, parse("total.x")),), (Payee("UA", parse("pay")),))
    data = encode(made).data
    assert "05 00 05 01 20 05 02 20 09 00" == data[11:].hex(" ")
    assert (n("7"),) == run(data, (ONE, 2 * ONE, 4 * ONE)).amounts == evaluate(made, (ONE, 2 * ONE, 4 * ONE)).amounts


def test_a_rule_that_pays_nobody_has_no_program() -> None:
    made = Rule((KpiShape("x", 0, ONE, 0),), (), (), (Line("info", None, 0, parse("x")),), ())
    with pytest.raises(FormulaError) as caught:
        encode(made)
    assert ("program-payees", {"fault": 4, "offset": 6}) == (caught.value.code, caught.value.details)


def test_a_program_may_fill_the_room_there_is_and_no_more() -> None:
    def least_of(operands: int) -> Rule:
        line = Line("pay", 0, 1, s.Min((*[s.Name("period")] * 2, *[s.Name("x")] * (operands - 2))))
        return Rule((KpiShape("x", 0, ONE, 0),), (), (), (line,), (Payee("UA", parse("pay")),))

    whole = encode(least_of(5_458)).data
    assert 16_384 == len(whole)
    verify(whole)
    with pytest.raises(FormulaError) as caught:
        encode(least_of(5_459))
    assert ("program-too-long", {"size": 16_387}) == (caught.value.code, caught.value.details)


@pytest.mark.parametrize(("values", "terms"), [((ONE,), (ONE,)), ((ONE, ONE), ()), ((ONE, ONE, ONE), (ONE,))])
def test_a_program_runs_on_as_many_values_and_terms_as_it_names(
    values: tuple[int, ...], terms: tuple[int, ...]
) -> None:
    data = encode(one_line("x + y + fee")).data
    assert (3 * ONE,) == run(data, (ONE, ONE), (ONE,)).amounts
    with pytest.raises(FormulaError) as caught:
        run(data, values, terms)
    assert "inputs-do-not-fit" == caught.value.code


def test_a_run_is_of_the_first_period_unless_told() -> None:
    assert (2 * ONE,) == run(encode(one_line("period * 2")).data, (ONE, ONE), (ONE,)).amounts


HEAD = "01 02 01 00 00 01 01"
"""Two KPIs, one parameter, one line, one payee; the stack depth follows."""


def program(code: str, depth: int = 1, line: str = "00 40", payee: str = "00", head: str = HEAD) -> bytes:
    return bytes.fromhex(f"{head} {depth:02x} {line} {payee} {code}")


def past(code: str, *rows: str) -> bytes:
    """One line, one payee and histories."""
    return bytes.fromhex(f"01 02 01 00 {len(rows):02x} 01 01 01 00 40 {' '.join(rows)} 00 {code}")


def register(code: str, line: str = "01 40", register: str = "02", payee: str = "01") -> bytes:
    """One line, one payee and one register."""
    return bytes.fromhex(f"01 02 01 01 00 01 01 01 {line} {register} {payee} {code}")


@pytest.mark.parametrize(
    ("data", "fault", "offset", "code"),
    [
        (b"", 1, 0, "program-size"),
        (program(""), 1, 0, "program-size"),
        (program("01" * 16_400), 1, 0, "program-size"),
        (program("0100 0900", head="02 02 01 00 00 01 01"), 2, 0, "program-version"),
        (past("01 0900", "00 00 ff"), 3, 10, "program-state"),
        (past("01 0900", *["00 7f ff"] * 9), 3, 10, "program-state"),
        (bytes.fromhex("01 00 00 00 00 00 00 01 01 0900"), 4, 6, "program-payees"),
        (program("01 0900", line="00 c0"), 5, 9, "program-line-sign"),
        (program("01 0900", line="00 41"), 5, 9, "program-line-sign"),
        (program("01 0900", line="00 7f"), 5, 9, "program-line-sign"),
        (program("fe 0900"), 6, 11, "program-opcode"),
        (program("04 05 00 01"), 7, 11, "program-immediate"),
        (program("04 00 00 0900"), 8, 11, "program-constant"),
        (program("04 01 25 01 0900"), 8, 11, "program-constant"),
        (program("04 20 24" + "7f" * 32 + "0900"), 8, 11, "program-constant"),
        (program("0502 0900"), 9, 11, "program-index"),
        (program("0601 0900"), 9, 11, "program-index"),
        (program("0800 0900"), 9, 11, "program-index"),
        (program("0700 0900"), 9, 11, "program-index"),
        (program("0c01 0900"), 9, 11, "program-index"),
        (program("0b01 0900"), 9, 11, "program-index"),
        (program("0d0001 0900"), 9, 11, "program-index"),
        (past("0d0003 0900", "00 02 ff"), 9, 14, "program-index"),
        (past("0e0000 0900", "00 02 ff"), 9, 14, "program-index"),
        (past("0e0001 0900 01 0901", "00 02 01"), 9, 14, "program-index"),
        (past("0e0001 0900", "02 02 ff"), 9, 10, "program-index"),
        (past("0e0001 0900", "01 82 ff"), 9, 10, "program-index"),
        (past("0d0001 0900", "00 02 01"), 9, 10, "program-index"),
        (register("0700 0900 01 0901 01 0902"), 9, 12, "program-index"),
        (register("01 0900 01 0901", register="02"), 9, 10, "program-index"),
        (program("01 0900", payee="01"), 9, 10, "program-index"),
        (program("01 0901"), 10, 12, "program-set"),
        (program("01 01 0900 0901", depth=2), 10, 13, "program-set"),
        (program("01 370003 01 0900 01 0901"), 10, 16, "program-set"),
        (program("01 370000 01 0900"), 11, 12, "program-jump"),
        (program("01 370010 01 0900"), 11, 12, "program-jump"),
        (program("20 0900"), 12, 11, "program-stack"),
        (program("01 370001 01 01 20 0900", depth=2), 12, 16, "program-stack"),
        (program("01 380001 01 01 0900"), 12, 15, "program-stack"),
        (program("01 0900", depth=2), 13, 7, "program-stack-depth"),
        (program("01" * 65 + "20" * 64 + "0900", depth=64), 13, 75, "program-stack-depth"),
        (program("01 0900 01"), 14, 15, "program-ending"),
        (program("01 02 2a06 0900", depth=2), 15, 13, "program-mode"),
        (program("01 49 01 0113 0114 08 ff 0900"), 16, 12, "program-table"),
        (program("01 49 02 0113 0114 09 ff 08 00 0900"), 16, 12, "program-table"),
        (program("01 49 02 0013 0114 ff 00 0900"), 16, 12, "program-table"),
        (program("01 48 01 04 0112 0112 01 01 00 0900"), 16, 12, "program-table"),
        (program("01 4a 01 0112 0112 ff 01 00 0900"), 16, 12, "program-table"),
        (program("01 4a 01 0124 0112 64 01 00 0900"), 16, 12, "program-table"),
        (
            program("01 0900 01 0901", head="01 02 01 00 00 02 01", line="00 40 00 40", payee="01"),
            17,
            10,
            "program-header-local",
        ),
        (register("01 0900 01 0901 01 0902", register="00"), 17, 10, "program-header-local"),
        (register("01 0900 01 0901 01 0902", line="00 40"), 17, 8, "program-header-local"),
        (register("01 0900 01 0901 01 0902", payee="02"), 17, 11, "program-header-local"),
    ],
)
def test_registration_refuses(data: bytes, fault: int, offset: int, code: str) -> None:
    """The offset is of the instruction or header entry at fault."""
    with pytest.raises(FormulaError) as caught:
        verify(data)
    assert (code, {"fault": fault, "offset": offset}) == (caught.value.code, caught.value.details)


@pytest.mark.parametrize(
    "code",
    [
        "040112 01 0900",  # 10^18 written long
        "0301 0900",  # PUSH8 1 is ONE
        "04021200 05 0900",  # a leading zero byte
        "0500 0501 0303 22 22 0900",  # a product not multiplied from the left
        "0500 0501 22 0303 23 0900",  # a division not fused
        "0500 01 01 01 40 01 00 0900",  # a table of constants without its constant form
        "01 25 0900",  # minus zero
        "0500 49 02 0212 0112 0001 00 0002 01 0900",  # a column wider than needed
    ],
)
def test_decode_refuses_what_the_encoder_would_not_write(code: str) -> None:
    data = program(code)
    fixed = data[:7] + bytes([_depth(data)]) + data[8:]
    verify(fixed)
    with pytest.raises(FormulaError) as caught:
        decode(fixed)
    assert "program-not-canonical" == caught.value.code


def _depth(data: bytes) -> int:
    for depth in range(1, 9):
        try:
            verify(data[:7] + bytes([depth]) + data[8:])
        except FormulaError as problem:
            if problem.code != "program-stack-depth":
                raise
        else:
            return depth
    raise AssertionError("no depth fits")


@settings(max_examples=250, deadline=None, suppress_health_check=QUIET)
@given(rules(size=2), st.data())
def test_altered_bytes_never_break_the_readers(rule: Rule, data: st.DataObject) -> None:
    good = bytearray(encode(rule).data)
    for _ in range(data.draw(st.integers(1, 3))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    altered = bytes(good)
    try:
        shape = verify(altered)
    except FormulaError:
        return
    run(shape, [ONE] * shape.header.kpis, [ONE] * shape.header.parameters)
    try:
        read = decode(altered)
    except FormulaError as problem:
        assert "program-not-canonical" == problem.code  # noqa: PT017 - either outcome is fine, but not another code
    else:
        assert altered == encode(read).data


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
@example(bytes.fromhex("01000000000001"))
def test_any_bytes_are_a_program_or_refused(data: bytes) -> None:
    for read in (verify, decode):
        try:
            read(data)
        except FormulaError as problem:
            assert problem.code.startswith("program-")  # noqa: PT017 - either outcome is fine, but not another code


HOSTILE = {
    "pick in otherwise": ("pick(tier, [a gives 1, otherwise ", "2", "])"),
    "condition in condition": ("(x if x < ", "5", " else 3)"),
    "or in and": ("1 if x < 2 and x > (", "3", ") or x < 1 else 2"),
    "width in width": ("bands(x, [upto 5 at x, next 1 at 2, next ", "1", " at x, rest at 1])"),
    "sum": ("x + (", "1", ")"),
    "step": ("step(x, [above 3 gives ", "x", ", otherwise 1])"),
}


@pytest.mark.parametrize("shape", HOSTILE)
@pytest.mark.parametrize("depth", [10, 24, 33, 45, 90])
def test_nesting_costs_no_more_than_its_length(shape: str, depth: int) -> None:
    """Any formula is refused or worked out at once: nothing doubles with each level."""
    before, core, after = HOSTILE[shape]
    kpis = (KpiShape("x", ONE, 4 * ONE, 0), KpiShape.choice("tier", ("a", "b", "c")))
    try:
        line = Line("pay", 0, 1, parse(before * depth + core + after * depth))
        made = Rule(kpis, (), (), (line,), (Payee("A", parse("pay")),))
    except FormulaError as problem:
        assert "formula-too-deep" == problem.code  # noqa: PT017 - or it is a rule
        return
    for work in (bounds, rule_to_words, encode, lambda rule: explain(rule, (2 * ONE, 2 * ONE))):
        try:
            work(made)
        except FormulaError as problem:
            assert problem.code in {"program-too-long", "program-stack-depth", "overflow", "possible-overflow"}  # noqa: PT017
