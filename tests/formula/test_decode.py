"""What is read out of a program: the formula one would have written, or the place where no formula fits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pyoutcome.decimals import INT256_MAX, INT256_MIN, ONE
from pyoutcome.errors import FormulaError
from pyoutcome.formula import (
    Definition,
    KpiShape,
    Line,
    Names,
    Payee,
    Register,
    Rule,
    decode,
    encode,
    net_of,
    parse,
    to_text,
    verify,
)

KPIS = (
    KpiShape("x", 0, 9 * ONE, 0, opening=ONE),
    KpiShape("y", 0, 9 * ONE, 0),
    replace(KpiShape.yes_no("ok"), opening=1),
    replace(KpiShape.choice("tier", ("gold", "silver", "base")), opening=2 * ONE),
)


def rule(formula: str) -> Rule:
    return Rule(
        KPIS,
        (("fee", ONE),),
        (Definition("half", parse("x / 2")), Definition("met", parse("x > 1"))),
        (Line("pay", 0, 1, parse(formula), "Payment"), Line("info", None, 0, parse("x"))),
        (Payee("UA", parse("pay")), Payee("B6", parse("clamp(pay, -1, 1)"))),
        (Register("r", parse("fee"), parse("prev.r + x")), Register("t", parse("no"), parse("prev.t or ok"))),
        12,
    )


@pytest.mark.parametrize(
    "formula",
    [
        "x + y - fee",
        "x * y * fee / half / 7",
        "x / y",
        "-x * abs(y)",
        "x - -3",
        "min(x, y, 300)",
        "max(x, y, half, fee)",
        "min(max(x, y), fee)",
        "clamp(x, 1, y)",
        "outside(x, 1, y)",
        "round(x, 0.5, half_even)",
        "round(x, 0.5, ceil)",
        "1 if met else 2",
        "1 if yes else 2",
        "1 if no else 2",
        "1 if not met else 2",
        "1 if not (met and ok) else 2",
        "1 if met and ok else 2",
        "1 if ok and met else 2",
        "1 if met or ok else 2",
        "1 if met and (ok or x > 3) else 2",
        "1 if x > 3 and prev.ok else 2",
        "1 if x > 3 and prev.t else 2",
        "1 if x > 3 and ok else 2",
        "1 if (met if ok else no) else 2",
        "1 if x < 1 or x <= 2 or x == 3 or x >= 4 or x > 5 or x != 6 else 2",
        "1 if tier == gold else 2",
        "1 if tier != base else 2",
        "1 if prev.tier == silver else 2",
        "pick(tier, [gold gives 1, silver gives x, base gives 3])",
        "pick(prev.tier, [gold gives 1, silver gives 2, base gives 3])",
        "step(x, [above 8 gives 1, at_least 5 gives 2, below 1 gives 3, at_most 2 gives 4, otherwise 5])",
        "step(x, [above y gives 1, at_least 5 gives fee, otherwise 5])",
        "curve(x, [1 gives 2, 3 gives -4])",
        "curve(x, [y gives 2, 3 gives fee])",
        "bands(x, [upto 1 at 2, upto 3 at 4, rest at 5])",
        "bands(x, [upto y at 2, upto 3 at fee, rest at 5])",
        "bands(x, [rest at 2])",
        "prev.x + lag(x, 2) + lag(y, 1) + sum_last(half, 3) + lag(pay, 1)",
        "prev.r + r",
        "to_date.info + earned_before.B6",
        "year + period_of_year + period",
        "0.125 + 1 + 0 + 255 + 256 + 123456789.000000000000000001",
    ],
)
def test_the_formula_is_read_back_as_it_would_be_written(formula: str) -> None:
    made = rule(formula)
    found = decode(encode(made).data, Names.of(made))
    assert formula == to_text(found.lines[0].formula)
    assert [(line.name, line.payee, line.sign, line.title) for line in made.lines] == [
        (line.name, line.payee, line.sign, line.title) for line in found.lines
    ]
    assert (made.definitions, made.payees, made.registers) == (found.definitions, found.payees, found.registers)
    assert (made.parameters, made.periods_per_year) == (found.parameters, found.periods_per_year)
    read = {name for name in ("x", "ok", "tier") if f"prev.{name}" in formula}
    assert tuple(kpi if kpi.name in read else replace(kpi, opening=None) for kpi in made.kpis) == tuple(
        kpi if kpi.name in read else replace(kpi, opening=None) for kpi in found.kpis
    )


def test_an_opening_value_is_read_out_of_the_program_and_not_believed() -> None:
    made = rule("prev.x + lag(y, 1) + (1 if prev.ok else 2)")
    names = Names.of(made)
    other = replace(names, kpis=tuple(replace(kpi, opening=None) for kpi in names.kpis))
    found = decode(encode(made).data, other)
    assert [ONE, None, 1, None] == [kpi.opening for kpi in found.kpis]


@pytest.mark.parametrize("part", ["kpis", "parameters", "definitions", "lines", "payees", "registers"])
def test_names_of_another_agreement_do_not_fit(part: str) -> None:
    made = rule("x")
    names = Names.of(made)
    given = getattr(names, part)
    for other in (given[:-1], (*given, given[0])):
        with pytest.raises(FormulaError) as caught:
            decode(encode(made).data, replace(names, **{part: other}))  # type: ignore[arg-type]
        assert "names-do-not-fit" == caught.value.code


def program(code: str, depth: int) -> bytes:
    """One line, one payee; the code starts at offset 11."""
    return bytes.fromhex(f"01 02 01 00 00 01 01 {depth:02x} 00 40 00 {code}")


@pytest.mark.parametrize(
    ("data", "offset"),
    [
        (program("0301 0900", 1), 11),  # one, written long
        (program("0500 370009 0501 370004 02 380001 01 0900", 1), 18),  # two conditions with one otherwise
        (program("0500 370005 02 02 380002 01 01 20 0900", 2), 18),  # a choice between pairs
        (program("0501 0500 370005 02 20 380002 01 20 0900", 2), 19),  # a side that takes what lay there before
        (program("0500 0501 370003 380001 25 0900", 2), 18),  # a side without any value
        (program("0500 02 20 01 02 4302 0900", 3), 17),  # a choice that is no KPI
        (bytes.fromhex("01 02 01 00 00 01 01 01 01 40 00 0500 0900 0800 0901"), 15),  # an amount used as a value
        (bytes.fromhex("01 02 01 00 01 01 01 01 01 40 00 81 ff 00 0500 0900 0e0001 0901"), 18),  # or looked back on
        (bytes.fromhex("01 02 01 00 01 01 01 01 01 40 00 01 00 01 0600 0900 0e0001 0901"), 14),  # opened by a term
    ],
)
def test_a_program_that_no_formula_has_is_refused_at_its_place(data: bytes, offset: int) -> None:
    verify(data)
    with pytest.raises(FormulaError) as caught:
        decode(data)
    assert ("program-not-canonical", {"offset": offset}) == (caught.value.code, caught.value.details)


def nested(levels: int, *, in_otherwise: bool) -> bytes:
    """A choice inside a side of a choice, and so on."""
    code = bytes([2])
    for _ in range(levels):
        if in_otherwise:
            code = bytes.fromhex("0136 370004 02 38") + len(code).to_bytes(2, "big") + code
        else:
            code = bytes.fromhex("0136 37") + (len(code) + 3).to_bytes(2, "big") + code + bytes.fromhex("380001 01")
    return program(code.hex() + "0900", 1)


@pytest.mark.parametrize(("in_otherwise", "before"), [(True, 9), (False, 5)])
def test_choices_nested_too_deep_are_refused_where_they_become_so(in_otherwise: bool, before: int) -> None:
    decode(nested(150, in_otherwise=in_otherwise))
    with pytest.raises(FormulaError) as caught:
        decode(nested(260, in_otherwise=in_otherwise))
    assert ("program-not-canonical", {"offset": 11 + 200 * before + 5}) == (caught.value.code, caught.value.details)


def test_net_lines_are_read_back() -> None:
    lines = (Line("fee", 0, 1, parse("x")), Line("cut", 0, -1, parse("y")))
    made = Rule(KPIS[:2], (), (), lines, (Payee("UA", net_of(lines, 0)),))
    found = decode(encode(made).data, Names.of(made))
    assert "fee - cut" == to_text(found.payees[0].amount)
    assert (1, -1) == tuple(line.sign for line in found.lines)


def test_without_names_a_program_reads_with_plain_ones() -> None:
    """A KPI that the program picks by is a choice of as many labels, wherever in the formula it stands."""
    pays = (
        "(x + 1 if x > fee else 3 + pick(size, [small gives y * 2, large gives half])) * y"
        " + pick(tier, [gold gives x if x > y else y, silver gives fee, base gives -4]) - min(x, y)"
    )
    shows = "pick(size, [small gives x, large gives y])"
    made = replace(
        rule("x"),
        kpis=(*KPIS[:2], KpiShape.choice("size", ("small", "large")), KPIS[3]),
        lines=(
            Line("pay", 0, 1, parse(pays), "Payment"),
            Line("info", None, 0, parse(shows)),
        ),
        definitions=(Definition("half", parse("x / 2")),),
        registers=(Register("r", parse("fee"), parse("prev.r + x")),),
    )
    found = decode(encode(made).data)
    assert ["kpi1", "kpi2", "kpi3", "kpi4"] == [kpi.name for kpi in found.kpis]
    assert [(), (), ("kpi3_label1", "kpi3_label2"), ("kpi4_label1", "kpi4_label2", "kpi4_label3")] == [
        kpi.labels for kpi in found.kpis
    ]
    assert (INT256_MIN, INT256_MAX, 18) == (found.kpis[0].low, found.kpis[0].high, found.kpis[0].decimals)
    by_size = "pick(kpi3, [kpi3_label1 gives kpi2 * 2, kpi3_label2 gives value1])"
    by_tier = (
        "pick(kpi4, [kpi4_label1 gives kpi1 if kpi1 > kpi2 else kpi2, kpi4_label2 gives term1, kpi4_label3 gives -4])"
    )
    assert [
        f"(kpi1 + 1 if kpi1 > term1 else 3 + {by_size}) * kpi2 + {by_tier} - min(kpi1, kpi2)",
        "pick(kpi3, [kpi3_label1 gives kpi1, kpi3_label2 gives kpi2])",
    ] == [to_text(line.formula) for line in found.lines]
    assert [("line1", ""), ("line2", "")] == [(line.name, line.title) for line in found.lines]
    assert (("term1", 0),) == found.parameters
    assert [("payee1", "line1"), ("payee2", "clamp(line1, -1, 1)")] == [
        (payee.name, to_text(payee.amount)) for payee in found.payees
    ]
    assert [("carried1", "prev.carried1 + kpi1")] == [(each.name, to_text(each.next)) for each in found.registers]


def test_what_is_known_of_kpis_and_terms_stays_when_names_are_made_up() -> None:
    kpis = (KpiShape("sold", 0, 9 * ONE, 2, "UA"), KpiShape.yes_no("ok"))
    made = Rule(
        kpis,
        (("fee", 3 * ONE),),
        (),
        (Line("pay", 0, 1, parse("sold.UA * fee if ok else 0")),),
        (Payee("UA", parse("pay")),),
    )
    names = Names.made_up(verify(encode(made).data), kpis, (3 * ONE,))
    assert (KpiShape("kpi1", 0, 9 * ONE, 2), KpiShape.yes_no("kpi2")) == names.kpis
    assert (("term1", 3 * ONE),) == names.parameters
    assert "kpi1 * term1 if kpi2 else 0" == to_text(decode(encode(made).data, names).lines[0].formula)


def test_shapes_of_too_few_kpis_do_not_fit_a_program() -> None:
    data = encode(rule("pick(tier, [gold gives x, otherwise y])")).data
    for given in range(4):
        with pytest.raises(FormulaError) as caught:
            decode(data, Names.made_up(verify(data), KPIS[:given]))
        assert "names-do-not-fit" == caught.value.code


def test_a_kpi_that_is_all_a_line_picks_by_is_a_choice() -> None:
    lines = (Line("pay", 0, 1, parse("pick(tier, [gold gives 1, silver gives 2, base gives 4])")),)
    made = Rule((KPIS[3],), (), (), lines, (Payee("UA", parse("pay")),))
    assert 3 == len(decode(encode(made).data).kpis[0].labels)
