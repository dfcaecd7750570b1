"""What registration accepts up to its very limits, and which byte it blames when one goes beyond them."""

from __future__ import annotations

import pytest

from pyoutcome.decimals import INT256_MAX, INT256_MIN, ONE
from pyoutcome.errors import FormulaError
from pyoutcome.formula import run, verify
from pyoutcome.formula.layout import Op


def program(
    code: str, depth: int = 1, line: str = "00 40", payees: str = "00", head: str = "01 02 01 00 00 01"
) -> bytes:
    """Two KPIs, one parameter, one line; the code starts at offset 11 with one payee."""
    count = len(bytes.fromhex(payees))
    return bytes.fromhex(f"{head} {count:02x} {depth:02x} {line} {payees} {code}")


def refused(data: bytes) -> tuple[str, object, object]:
    with pytest.raises(FormulaError) as caught:
        verify(data)
    return caught.value.code, caught.value.details["fault"], caught.value.details["offset"]


WHOLE = bytes.fromhex(
    "01 02 01 02 02 02 02 01"  # two KPIs, a parameter, two registers, histories, lines and payees
    "04 40 05 81"  # lines in locals 4 and 5
    "02 03"  # next values of the registers in locals 2 and 3
    "00 01 ff 05 82 00"  # the first KPI one period back; local 5 two periods back, opening in local 0
    "06 07" + "".join(f"01 09 {at:02x}" for at in range(8))  # amounts in locals 6 and 7
)


def test_a_header_may_name_everything_it_can() -> None:
    shape = verify(WHOLE)
    assert (22, 8, True) == (shape.start, shape.locals, shape.sequential)
    assert ((4, 0, 1), (5, 1, -1)) == shape.header.lines
    assert ((2, 3), (6, 7)) == (shape.header.registers, shape.header.payees)


@pytest.mark.parametrize(
    ("at", "byte", "fault", "offset"),
    [
        (8, 8, 9, 8),  # no such local: a line,
        (10, 8, 9, 10),
        (12, 8, 9, 12),  # the next value of a register,
        (13, 8, 9, 13),
        (14, 2, 9, 14),  # the KPI of a history,
        (17, 8, 9, 17),  # its local,
        (16, 8, 9, 14),  # its opening,
        (19, 8, 9, 17),
        (20, 8, 9, 20),  # an amount
        (21, 8, 9, 21),
        (9, 0xC0, 5, 9),  # signs and payees of lines
        (11, 0xC0, 5, 11),
        (11, 0x82, 5, 11),
        (11, 0x7F, 5, 11),
        (15, 0x00, 3, 14),  # histories without depth
        (18, 0x80, 3, 14),
        (10, 4, 17, 10),  # shared locals: of two lines,
        (12, 4, 17, 12),  # of a register's next value with a line,
        (12, 1, 17, 12),  # with a start value,
        (13, 2, 17, 13),  # with another register's,
        (20, 2, 17, 20),  # of an amount with a register's,
        (20, 0, 17, 20),  # with a start value,
        (21, 6, 17, 21),  # with another amount
    ],
)
def test_each_entry_of_a_header_is_blamed_at_its_place(at: int, byte: int, fault: int, offset: int) -> None:
    changed = bytearray(WHOLE)
    changed[at] = byte
    assert (fault, offset) == refused(bytes(changed))[1:]


def test_amounts_may_share_the_local_of_a_line() -> None:
    for at, byte in ((20, 4), (21, 5)):
        changed = bytearray(WHOLE)
        changed[at] = byte
        verify(bytes(changed))
    both = bytearray(WHOLE)
    both[20] = both[21] = 4
    verify(bytes(both))


def test_there_may_be_sixty_three_payees() -> None:
    assert 63 == len(verify(program("01 0900", payees="00" * 63)).header.payees)
    assert ("program-payees", 4, 6) == refused(program("01 0900", payees="00" * 64))


def test_a_line_pays_one_of_the_payees_there_are() -> None:
    verify(program("01 02 20 0900", depth=2, line="00 40"))
    assert ("program-line-sign", 5, 9) == refused(program("01 02 20 0900", depth=2, line="00 41"))


def test_histories_may_keep_a_thousand_and_twenty_four_values() -> None:
    rows = ["00 7f ff"] * 8 + ["00 08 ff"]
    data = f"01 02 01 00 {len(rows):02x} 01 01 01 00 40 {' '.join(rows)} 00 01 0900"
    assert 1_024 == sum(row.depth for row in verify(bytes.fromhex(data)).header.histories)
    assert ("program-state", 3, 10) == refused(bytes.fromhex(data.replace("08 ff", "09 ff")))


def test_a_program_cut_off_is_refused() -> None:
    for count in range(len(WHOLE)):
        code, fault, _ = refused(WHOLE[:count])
        if count <= 22:  # not even one byte of code
            assert ("program-size", 1) == (code, fault)
        else:
            assert code in {"program-immediate", "program-index", "program-ending"}


def test_an_opening_value_is_set_before_a_lag_reads_it() -> None:
    past = "01 02 01 00 01 01 01 01 01 40 00 02 00 01"
    verify(bytes.fromhex(f"{past} 01 0900 0e0001 0901"))
    assert ("program-index", 9, 14) == refused(bytes.fromhex(f"{past} 0e0001 0900 01 0901"))


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("04 01 24 01", 10**36),
        ("04 20 00 7f" + "ff" * 31, INT256_MAX),
        ("04 20 00 80" + "00" * 31, INT256_MIN),
        ("04 20 00 " + "ff" * 32, -1),
        ("04 02 00 0102", 258),
    ],
)
def test_a_constant_may_be_any_word(code: str, value: int) -> None:
    assert (value,) == run(program(f"{code} 0900"), (0, 0), (0,)).lines


@pytest.mark.parametrize("code", ["04 21 00 " + "00" * 33, "04 00 00", "04 01 25 01", "04 20 01 7f" + "ff" * 31])
def test_a_constant_of_an_impossible_width_or_size_is_refused(code: str) -> None:
    assert ("program-constant", 8, 11) == refused(program(f"{code} 0900"))


def curve(wx: int = 1, ex: int = 0, wy: int = 1, ey: int = 0, xs: tuple[int, int] = (1, 2)) -> bytes:
    """A constant curve through two points, from offset 12 on."""
    numbers = b"".join(x.to_bytes(wx, "big") + bytes(wy) for x in xs) if wx else bytes(2 * wy)
    return program("01 49 02" + bytes([wx, ex, wy, ey]).hex() + numbers.hex() + "0900")


def test_the_columns_of_a_table_may_be_sixteen_bytes_wide_and_end_in_thirty_six_zeros() -> None:
    for data in (curve(), curve(wx=16, wy=16), curve(ex=36), curve(ey=36)):
        table = verify(data).instructions[1]
        assert (Op.CURVEC, 12, 2) == (table.op, table.at, table.number)


@pytest.mark.parametrize(
    "data",
    [
        curve(wx=0),
        curve(wx=17),
        curve(wy=0),
        curve(wy=17),
        curve(ex=37),
        curve(ey=37),
        curve(xs=(1, 1)),
        curve(xs=(2, 1)),
        program("01 49 01 0100 0100 01 00 0900"),  # one point
        program("01 48 00 0100 0100 00 0900"),  # no row
        program("01 4a 00 0100 0100 00 0900"),  # no band
        program("01 48 01 04 0100 0100 01 00 00 0900"),  # a bit for a second row
        program("01 4a 02 0100 0100 02 00 01 00 00 0900"),  # falling edges
        program("01 4a 01 0100 0100 ff 00 00 0900"),  # an edge below zero
    ],
)
def test_a_table_that_cannot_be_is_refused(data: bytes) -> None:
    assert ("program-table", 16, 12) == refused(data)


def test_bands_may_be_empty_and_start_at_zero() -> None:
    data = program("0500 4a 03 0112 0112 00 07 01 08 01 09 03 0900")
    assert (ONE * (8 + 3 * 2),) == run(data, (3 * ONE, 0), (0,)).lines


def test_a_table_cut_off_is_not_the_same_as_nothing_after_it() -> None:
    whole = curve()[:-2]
    assert ("program-ending", 14, len(whole)) == refused(whole)
    for left in range(1, 7):
        assert ("program-immediate", 7, 12) == refused(whole[:-left])


@pytest.mark.parametrize("code", ["40 00", "41 01", "43 00"])
def test_tables_have_rows(code: str) -> None:
    assert ("program-table", 16, 13) == refused(program(f"01 01 {code} 0900", depth=2))


def test_bands_without_rows_have_one_rate_for_all() -> None:
    assert (6 * ONE,) == run(program("0500 0302 42 00 0900", depth=2), (3 * ONE, 0), (0,)).lines


def test_the_stack_may_be_sixty_four_words_deep() -> None:
    verify(program("01" * 64 + "20" * 63 + "0900", depth=64))
    assert ("program-stack-depth", 13, 75) == refused(program("01" * 65 + "20" * 64 + "0900", depth=65))


def test_two_hundred_and_fifty_five_values_can_be_stored() -> None:
    code = "".join(f"01 09 {at:02x}" for at in range(256))
    assert 255 == verify(program(code[: -len("01 09 ff")])).locals
    assert ("program-set", 10, 11 + 3 * 255 + 1) == refused(program(code))


def test_a_jump_lands_on_code() -> None:
    assert ("program-jump", 11, 12) == refused(program("01 370002 0900"))
    verify(program("01 370004 01 380001 02 0900"))


@pytest.mark.parametrize(
    ("code", "offset"),
    [
        ("01 01 370006 01 01 370001 01 0900", 18),  # two jumps to one place, one word and two words deep
        ("01 370001 01 01 20 0900", 16),  # past the jump one word, over it none
        ("01 380001 01 01 0900", 15),  # nothing comes after a jump that always jumps
        ("01 20 0900", 12),
    ],
)
def test_all_ways_to_a_place_bring_the_same_stack(code: str, offset: int) -> None:
    assert ("program-stack", 12, offset) == refused(program(code, depth=3))
