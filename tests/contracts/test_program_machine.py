"""The contracts' verifier and machine give what the Python ones give, on every program and every input."""

from __future__ import annotations

import os
from itertools import count, pairwise, product
from random import Random
from typing import Final

import pytest

from pyoutcome.formula.layout import Op
from tests.contracts.programs import ONE, random_case, random_program
from tests.contracts.runner import Answer, Case, Job, Runner
from tests.fuzz.programs import expected_of as python_answer
from tests.fuzz.searches import SEARCHES
from tests.fuzz.tally import Tally

DEEP: Final = 20 if os.environ.get("PYOUTCOME_HYPOTHESIS") == "deep" else 1
"""How many times as long `scripts/fuzz tests` searches."""
CASES: Final = {"bytes": 1_500, "rules": 300, "agreements": 200}
"""Program runs to compare at least; `scripts/fuzz programs` compares 20,000."""


def expected_of(job: Job) -> Answer:
    """What the Python verifier and machine make of a job."""
    return python_answer(job)[1]


def compare(runner: Runner, jobs: list[Job]) -> set[int]:
    """Holds both against each other; the run-time errors seen."""
    answers = runner.run(jobs)
    assert [expected_of(job) for job in jobs] == answers
    return {outcome.error for answer in answers for outcome in answer.outcomes}


def test_two_thousand_random_cases_run_alike(runner: Runner) -> None:
    """Results, errors, refusals, and every word that is left after each period; all instructions, all errors."""
    whole = Tally()
    for kind, wanted in CASES.items():
        tally = Tally()
        for number in count():
            if tally.cases >= wanted * DEEP:
                break
            tally.add(SEARCHES[kind](runner, Random(f"tests/{DEEP}/{kind}/{number}")))
        whole.add(tally)
    print(whole.table())

    assert [] == whole.mismatches
    assert whole.cases >= 2_000
    assert whole.periods >= 800
    assert whole.refused >= 50
    assert {op.name for op in Op} == whole.instructions.keys()
    assert set(range(8)) == whole.errors.keys()


def test_only_a_run_without_error_changes_the_state(runner: Runner) -> None:
    random = Random(7)
    jobs = []
    for _ in range(50):
        program, kpis, parameters = random_program(random, size=6, state=True)
        jobs.append(Job(program, tuple(random_case(random, kpis, parameters) for _ in range(6)), 6))

    answers = runner.run(jobs)

    steps = [step for answer in answers for step in pairwise(answer.outcomes) if step[0].state]
    failed = [(before, after) for before, after in steps if after.error]
    went = [(before, after) for before, after in steps if not after.error]
    assert [before.state for before, _ in failed] == [after.state for _, after in failed]
    assert [before.state[0] + 1 for before, _ in went] == [after.state[0] for _, after in went]
    assert len(failed) > 20
    assert len(went) > 20


def test_every_fault_is_found_alike(runner: Runner) -> None:
    """One program per fault of docs/program-format.md, each with that fault alone."""
    jobs = [Job(bytes.fromhex(text)) for text in FAULTY.values()]

    answers = runner.run(jobs)

    assert list(FAULTY) == [answer.fault for answer in answers]
    assert list(FAULTY) == [expected_of(job).fault for job in jobs]


def test_faults_are_found_wherever_they_stand(runner: Runner) -> None:
    jobs = [Job(bytes.fromhex(text)) for _, text in ALSO_FAULTY]

    answers = runner.run(jobs)

    assert [fault for fault, _ in ALSO_FAULTY] == [answer.fault for answer in answers]
    assert [fault for fault, _ in ALSO_FAULTY] == [expected_of(job).fault for job in jobs]


@pytest.mark.parametrize("read", ["0c00", "0b00"], ids=["to_date", "earned"])
def test_a_sum_to_date_that_does_not_fit_is_an_overflow(runner: Runner, read: str) -> None:
    """The only line and amount is KPI 0; another local reads its sum."""
    program = bytes.fromhex("0101000000010101" + "0040" + "00" + "05000900" + read + "0901")
    most = 2**255 - 1
    job = Job(program, tuple(Case((value,), (), 1) for value in (most, 1, -1, 0)))

    (answer,) = runner.run([job])

    assert expected_of(job) == answer
    assert [0, 1, 0, 0] == [outcome.error for outcome in answer.outcomes]
    assert [(1, most), (1, most), (2, most - 1), (3, most - 1)] == [outcome.state for outcome in answer.outcomes]


def test_a_curve_needs_differences_that_fit_only_between_its_points(runner: Runner) -> None:
    """The five KPIs are x and two points whose rise does not fit; at and outside the points there is no rise."""
    program = bytes.fromhex("0105000000000105" + "00" + "05000501050205030504" + "4102" + "0900")
    least, most = -(2**255), 2**255 - 1
    job = Job(program, tuple(Case((x, 0, least, ONE, most), (), 1) for x in (least, -1, 0, 1, ONE - 1, ONE, most)))

    (answer,) = runner.run([job])

    assert expected_of(job) == answer
    assert [0, 0, 0, 1, 1, 0, 0] == [outcome.error for outcome in answer.outcomes]
    assert [(least,)] * 3 + [()] * 2 + [(most,)] * 2 == [outcome.amounts for outcome in answer.outcomes]


def arithmetic(op: int, takes: int) -> bytes:
    """The program that applies one instruction to its KPIs."""
    pushes = "".join(f"05{at:02x}" for at in range(takes))
    return bytes.fromhex(f"01{takes:02x}00000000010{takes}" + "00" + pushes + f"{op:02x}" + "0900")


@pytest.mark.parametrize("takes", [1, 2, 3])
def test_arithmetic_at_the_edges_of_words(runner: Runner, takes: int) -> None:
    """Every instruction on every combination of the words at which its ways part."""
    edges = (-(2**255), -(2**128), -1, 0, 2**127, 2**128, 2**255 - 1)
    cases = tuple(Case(words, (), 1) for words in product(edges, repeat=takes))

    jobs = [Job(arithmetic(op, takes), cases) for op in ARITHMETIC[takes]]

    assert compare(runner, jobs) >= {0, 1}


@pytest.mark.parametrize("seed", range(2 * DEEP))
def test_products_of_512_bits_are_exact(runner: Runner, seed: int) -> None:
    """MUL, DIV and MULDIV on words of any length, quotients near the limits among them."""
    random = Random(seed)
    rows = []
    for _ in range(100):
        x, y = (random.getrandbits(random.randrange(100, 256)) - 2**255 * random.randrange(2) for _ in range(2))
        z = abs(x * y) // 2**255 + random.randrange(-1, 2 ** random.randrange(1, 200))
        rows.append((x, y, min(z, 2**255 - 1) * random.choice((1, -1))))
    jobs = [Job(arithmetic(0x24, 3), tuple(Case(row, (), 1) for row in rows))]
    jobs += [Job(arithmetic(op, 2), tuple(Case(row[:2], (), 1) for row in rows)) for op in (0x22, 0x23)]

    compare(runner, jobs)


def test_choices_and_bands_refuse_what_lies_just_beside_them(runner: Runner) -> None:
    """PICK of two values by KPI 0, and BANDS of one edge, KPI 1: a hair off is an error."""
    pick = bytes.fromhex("0102000000000103" + "00" + "05000202" + "4302" + "0900")
    bands = bytes.fromhex("0102000000000104" + "00" + "050005010202" + "4201" + "0900")
    choices = (-ONE, -1, 0, 1, ONE - 1, ONE, ONE + 1, 2 * ONE, 2 * ONE + 1, 3 * ONE)
    jobs = [
        Job(pick, tuple(Case((x, 0), (), 1) for x in choices)),
        Job(bands, tuple(Case((x, edge), (), 1) for x in (-ONE, ONE) for edge in (-1, 0, 1))),
    ]

    picked, banded = runner.run(jobs)

    assert [expected_of(job) for job in jobs] == [picked, banded]
    assert [7, 7, 7, 7, 7, 0, 7, 0, 7, 7] == [outcome.error for outcome in picked.outcomes]
    assert [6, 0, 0, 6, 0, 0] == [outcome.error for outcome in banded.outcomes]


@pytest.mark.parametrize("mode", range(6))
def test_rounding_goes_each_way_of_every_mode(runner: Runner, mode: int) -> None:
    """Halves, what lies beside them, both signs, and the ends of int256."""
    program = bytes.fromhex("0102000000000102" + "00" + "05000501" + f"2a{mode:02x}" + "0900")
    least, most = -(2**255), 2**255 - 1
    values = [sign * number for number in (0, 1, 4, 5, 6, 9, 10, 14, 15, 16, 25, most) for sign in (1, -1)] + [least]
    job = Job(program, tuple(Case((x, step), (), 1) for x in values for step in (10, 1, most, 0, -10, least)))

    (answer,) = runner.run([job])

    assert expected_of(job) == answer


def test_every_fault_of_state_is_found_alike(runner: Runner) -> None:
    programs = [Job(bytes.fromhex(stateful(**changes))) for _, changes in STATEFUL]

    answers = runner.run(programs)

    assert [fault for fault, _ in STATEFUL] == [answer.fault for answer in answers]
    assert [fault for fault, _ in STATEFUL] == [expected_of(job).fault for job in programs]


def stateful(
    line: str = "02",
    after: str = "01",
    history: str = "000200",
    payee: str = "03",
    start: str = "02",
    register: str = "0700",
    to_date: str = "0c00",
    lag: str = "0e0002",
    sum_last: str = "0d0002",
    earned: str = "0b00",
) -> str:
    """A program of one KPI, register, history, line and payee whose six locals read each kind of state."""
    code = "".join(part + f"09{at:02x}" for at, part in enumerate((start, register, to_date, lag, sum_last, earned)))
    counts = f"01010001{len(history) // 6:02x}010101"
    return counts + line + "40" + after + history + payee + code


ARITHMETIC: Final = {
    1: (0x25, 0x26, 0x36),
    2: (*range(0x20, 0x24), 0x27, 0x28, *range(0x30, 0x36)),
    3: (0x24, 0x29, 0x2B),
}
"""Instructions without immediates by the words they take."""

STATEFUL: Final[tuple[tuple[int, dict[str, str]], ...]] = (
    (0, {}),
    (0, {"history": "0582ff"}),
    (0, {"history": "007f00" * 8}),
    (3, {"history": "007f00" * 8 + "000900"}),
    (3, {"history": "000000"}),
    (3, {"history": "000200" + "0080ff"}),
    (9, {"register": "0701"}),
    (9, {"start": "0700"}),
    (9, {"to_date": "0c01"}),
    (9, {"earned": "0b01"}),
    (9, {"lag": "0e0102"}),
    (9, {"lag": "0e0000"}),
    (9, {"lag": "0e0003"}),
    (9, {"sum_last": "0d0100"}),
    (9, {"sum_last": "0d0000"}),
    (9, {"sum_last": "0d0003"}),
    (9, {"history": "000203"}),
    (9, {"history": "000206", "lag": "01"}),
    (9, {"history": "010200"}),
    (9, {"history": "068200"}),
    (9, {"after": "06"}),
    (17, {"after": "00"}),
    (17, {"after": "02"}),
    (17, {"line": "00"}),
    (17, {"payee": "00"}),
    (17, {"payee": "01"}),
)
"""Number of the fault and what is changed; KPI 0 or local 5 is the source, local 0 the opening value."""


# Header 01 kpis parameters registers histories lines payees depth, tables, code; the good one: `ONE SET 0`, one payee.
FAULTY = {
    0: "0100000000000101 00 02 0900",
    1: "0100000000000101 00",
    2: "0200000000000101 00 02 0900",
    3: "0100000001000101 0080ff 00 02 0900",
    4: "0100000000000001 02 0900",
    5: "0100000000010101 00c0 00 02 0900",
    6: "0100000000000101 00 99 0900",
    7: "0100000000000101 00 02 0900 0421",
    8: "0100000000000101 00 042100 0900" + "00" * 33,
    9: "0100000000000101 00 0500 0900",
    10: "0100000000000101 00 02 0901",
    11: "0100000000000101 00 02 380000 0900",
    12: "0100000000000101 00 0220 0900",
    13: "0100000000000102 00 02 0900",
    14: "0100000000000101 00 02 0900 02",
    15: "0100000000000102 00 0202 2a06 0900",
    16: "0100000000000101 00 02 4800 01000100 00 0900",
    17: "0100000000020101 003f 003f 00 02 0900",
}

# More ways to the same faults: what is cut short where, tables with wrong numbers, ways that meet on different stacks.
ALSO_FAULTY = (
    (7, "0100000000000101 00 02 0900 09"),
    (7, "0100000000000101 00 02 0900 04020001"),
    (7, "0100000000000101 00 02 0900 40"),
    (7, "0100000000000101 00 02 0900 4001"),
    (7, "0100000000000101 00 02 0900 48010001"),
    (7, "0100000000000101 00 02 4801000100010005"),
    (12, "0100000000000103 00 0202 370006 0202 370001 20 0900"),
    (13, "0100000000000141 00" + "02" * 65 + "20" * 64 + "0900"),
    (16, "0100000000000104 00 02020202 4001f0 0900"),
    (16, "0100000000000101 00 02 48010000000100 05 0000 0900"),
    (16, "0100000000000101 00 02 48010011000100" + "00" * 19 + "0900"),
    (16, "0100000000000101 00 02 48010001250100 00 0000 0900"),
    (16, "0100000000000101 00 02 4a02 01000100 0503 000000 0900"),
    (16, "0100000000000101 00 02 4902 01000100 0500 0500 0900"),
    (16, "0100000000000101 00 02 4902 01000100 0500 0300 0900"),
    (16, "0100000000000101 00 02 4902 10000100" + "00" * 17 + "40" + "00" * 14 + "01 00 0900"),
    (16, "0100000000000101 00 02 4902 01001000 00" + "00" * 16 + "01 bf" + "ff" * 15 + "0900"),
)
