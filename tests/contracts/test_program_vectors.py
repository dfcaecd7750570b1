"""The vectors that the forge tests run are those that the Python machine gives now, and reach everything."""

from __future__ import annotations

from tests.contracts.program_vectors import FILE, jobs, text
from tests.contracts.test_program_machine import FAULTY, expected_of


def test_the_file_is_what_the_python_machine_gives() -> None:
    assert text() == FILE.read_text(), "run: python -m tests.contracts.program_vectors"


def test_every_fault_and_every_error_of_a_run_is_among_them() -> None:
    answers = [expected_of(job) for job in jobs()]

    assert set(FAULTY) == {answer.fault for answer in answers}
    assert set(range(8)) == {outcome.error for answer in answers for outcome in answer.outcomes}
