"""Random programs, as bytes: the Python verifier and machine against the contracts' own.

They run on random values, sequential ones over several periods each from what the one before left, and some are altered
so that most of them must be refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from pyoutcome.errors import FormulaError
from pyoutcome.formula.machine import begin, run
from pyoutcome.formula.verify import Shape, verify
from tests.contracts.programs import mutated, random_case, random_program
from tests.contracts.runner import Answer, Job, Outcome, Runner
from tests.fuzz.tally import Tally

PERIODS = 5
"""Of a sequential program."""


def make_jobs(random: Random, alone: int = 20, sequential: int = 12, altered: int = 16) -> list[Job]:
    """Programs and what to run them on: some values for each, in turn if it looks back."""
    jobs: list[Job] = []
    for at in range(alone + sequential + altered):
        looks_back = at >= alone and at % 2 == 0 if at >= alone + sequential else at >= alone
        program, kpis, parameters = random_program(random, size=random.choice((6, 12, 18, 30)), state=looks_back)
        if at >= alone + sequential:
            program = mutated(random, program)
            kpis, parameters = (program[1], program[2]) if len(program) > 2 else (0, 0)
            if max(kpis, parameters) > 8:
                kpis = parameters = 0
        periods = PERIODS if looks_back else 3
        cases = tuple(random_case(random, kpis, parameters) for _ in range(periods))
        if at >= alone + sequential and (len(program) < 3 or (program[1], program[2]) != (kpis, parameters)):
            cases = ()
        jobs.append(Job(program, cases, random.choice((0, 2, 6, 18))))
    return jobs


def expected_of(job: Job) -> tuple[Shape | None, Answer]:
    """What the Python verifier and machine make of a job; no shape of a program they refuse."""
    try:
        shape = verify(job.program)
    except FormulaError as refusal:
        return None, Answer(int(str(refusal.details["fault"])), ())
    outcomes = []
    state = begin(shape, job.unit_decimals) if shape.sequential else None
    for case in job.cases:
        result = run(shape, case.kpis, case.parameters, case.period, state)
        # An error leaves the state as it was.
        state = result.state or state
        outcomes.append(Outcome(result.error, result.locals, result.amounts, state.words() if state else ()))
    return shape, Answer(0, tuple(outcomes))


def compare(jobs: Sequence[Job], answers: Sequence[Answer], source: str = "bytes") -> Tally:
    """Hold the answers of the contract against those of Python and count what was seen."""
    tally = Tally()
    for job, actual in zip(jobs, answers, strict=True):
        shape, expected = expected_of(job)
        if shape is None:
            # With several faults either may name any one; what counts is that the program is refused.
            if not actual.fault:
                tally.differs(job, "a program that Python refuses is accepted", expected, actual)
            tally.saw_refused(actual.fault)
            continue
        if expected != actual:
            tally.differs(job, "results differ", expected, actual)
        tally.saw(shape, actual)
        tally.sources[source] += 1
    return tally


def search_programs(runner: Runner, random: Random) -> Tally:
    """One batch."""
    jobs = make_jobs(random)
    return compare(jobs, runner.run(jobs))
