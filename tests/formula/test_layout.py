"""Numbers as bytes: the shortest way, up to the limits of the format."""

from __future__ import annotations

import pytest
from hypothesis import given

from pyoutcome.decimals import INT256_MAX, INT256_MIN, ONE
from pyoutcome.formula import KpiShape, Line, Payee, Rule, encode, parse, verify
from pyoutcome.formula import syntax as s
from pyoutcome.formula.layout import Columns, Op, constant_bytes, signed_width
from tests.formula.strategies import words


@pytest.mark.parametrize(
    ("value", "width"),
    [
        (0, 1),
        (127, 1),
        (128, 2),
        (255, 2),
        (32_767, 2),
        (32_768, 3),
        (-1, 1),
        (-128, 1),
        (-129, 2),
        (-32_768, 2),
        (-32_769, 3),
        (INT256_MAX, 32),
        (INT256_MIN, 32),
    ],
)
def test_a_signed_number_takes_as_few_bytes_as_hold_it(value: int, width: int) -> None:
    assert width == signed_width(value)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (0, "01"),
        (ONE, "02"),
        (2 * ONE, "03 02"),
        (255 * ONE, "03 ff"),
        (256 * ONE, "04 02 12 01 00"),
        (-ONE, "04 01 12 ff"),
        (1, "04 01 00 01"),
        (10**36, "04 01 24 01"),
        (10**37, "04 01 24 0a"),
        (250, "04 01 01 19"),
    ],
)
def test_a_constant_has_its_shortest_instruction(value: int, code: str) -> None:
    assert code == constant_bytes(value).hex(" ")


@given(words)
def test_a_pushed_constant_is_read_back(value: int) -> None:
    code = constant_bytes(value)
    if code[0] == Op.PUSH:
        assert value == int.from_bytes(code[3:], "big", signed=True) * 10 ** code[2]
        assert len(code) == 3 + code[1]


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        (Columns((0,), (0, 0)), "01 00 01 00 00 00 00"),
        (
            Columns((10**37,), (-(10**37), 5)),
            "01 24 10 00 0a" + (-(10**37)).to_bytes(16, "big", signed=True).hex() + "05".zfill(32),
        ),
        (Columns((100, 250), (7, 128)), "01 01 02 00 0a 0007 19 0080"),
    ],
)
def test_a_column_shares_its_width_and_its_zeros(columns: Columns, code: str) -> None:
    assert bytes.fromhex(code).hex(" ") == columns.encode().hex(" ")
    assert columns == Columns.decode(columns.encode(), len(columns.xs), len(columns.ys))


@pytest.mark.parametrize(
    ("value", "op"), [(2**126, Op.STEPC), (-(2**126), Op.STEPC), (2**126 + 1, Op.STEP), (-(2**126) - 1, Op.STEP)]
)
def test_numbers_up_to_a_limit_stand_in_the_table_itself(value: int, op: Op) -> None:
    for at, then in ((value, 0), (0, value)):
        table = s.Step(s.Name("x"), (s.StepRow(s.Edge.BELOW, s.Number(at), s.Number(then)),), s.Number(1))
        made = Rule((KpiShape("x", 0, ONE, 0),), (), (), (Line("pay", 0, 1, table),), (Payee("UA", parse("pay")),))
        instructions = verify(encode(made).data).instructions
        assert [op] == [each.op for each in instructions if each.op in (Op.STEP, Op.STEPC)]
