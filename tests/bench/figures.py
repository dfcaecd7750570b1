"""What ``scripts/bench`` measures: speed next to code by hand, how long an analysis takes, how long programs are.

Time is the processor's, not the clock's, so that other work on the machine disturbs little.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from time import process_time
from typing import Final

import numpy as np

from pyoutcome.decimals import ONE
from pyoutcome.formula import Rule, decode, encode, evaluate, start_state
from pyoutcome.formula.decode import Names
from pyoutcome.formula.scenarios import evaluate_many
from pyoutcome.terms import Agreement
from tests.bench.by_hand import BY_HAND, Array, ByHand
from tests.corpus.published import NAMES, load_agreement

LIMITS: Final[Mapping[str, float]] = {
    "evaluate_scalar": 6,
    "evaluate_vector": 3,
    "analyse_ms": 50,
    "program_bytes": 60,
    "program_bytes_most": 200,
    "measure_time": 1.2,
    "measure_memory": 1.5,
    "measure_linear": 1.1,
    "verify_time": 1,
    "reindex_s": 60,
    "audit_s": 60,
    "differences": 0,
    "history": 1.2,
    "memory_growth": 1.25,
    "keeper_history": 1.2,
    "document_s": 2,
    "compare_s": 1,
}
"""The greatest value that each figure may have."""
FLOORS: Final[Mapping[str, float]] = {"settle_rate": 0.7, "batch_rate": 2, "batch_gain": 2}
"""The least value that each of these must have."""
_STORIES: Final = 60
_ROUNDS: Final = 31
_SCENARIOS: Final = 100_000


@dataclass(frozen=True)
class Figure:
    """One measured value, and where it comes from."""

    name: str
    value: float
    of: str
    median: float | None = None
    """Over all agreements measured, where ``value`` is the worst."""

    @property
    def limit(self) -> float | None:
        return LIMITS.get(self.name)

    @property
    def holds(self) -> bool:
        least = FLOORS.get(self.name)
        return (self.limit is None or self.value <= self.limit) and (least is None or self.value >= least)


def measure() -> tuple[list[Figure], dict[str, tuple[float, float]]]:
    """All figures, and the two ratios of each agreement written by hand."""
    ratios: dict[str, tuple[float, float]] = {}
    for hand in BY_HAND:
        rule = load_agreement(hand.name).rule()
        ratios[hand.name] = (compare_scalar(hand, rule), compare_vector(hand, rule))
    scalar, vector = ({name: both[at] for name, both in ratios.items()} for at in (0, 1))
    figures = [worst("evaluate_scalar", scalar), worst("evaluate_vector", vector), *analyse()]
    sizes = {name: len(load_agreement(name).program().data) for name in NAMES}
    figures.append(Figure("program_bytes", sorted(sizes.values())[len(sizes) // 2], "median of the mechanisms"))
    figures.append(worst("program_bytes_most", sizes))
    return figures, ratios


def worst(name: str, values: Mapping[str, float]) -> Figure:
    """The greatest of several values as a figure."""
    of = max(values, key=lambda each: values[each])
    return Figure(name, values[of], of, median(values.values()))


def ratio(ours: Callable[[], object], theirs: Callable[[], object]) -> float:
    """How many times as long ours takes: the median of rounds in which both run, in turn."""
    found: list[float] = []
    for at in range(_ROUNDS):
        times: dict[Callable[[], object], float] = {}
        for work in (ours, theirs) if at % 2 else (theirs, ours):
            begun = process_time()
            work()
            times[work] = process_time() - begun
        found.append(times[ours] / times[theirs])
    return median(found)


def draw(rule: Rule, count: int) -> list[list[int]]:
    """Scaled values per KPI, on the whole of its range."""
    random = np.random.default_rng(20_260_101)
    return [
        [
            int(v) * kpi.multiple
            for v in random.integers(kpi.low // kpi.multiple, kpi.high // kpi.multiple, count, endpoint=True)
        ]
        for kpi in rule.kpis
    ]


def compare_scalar(hand: ByHand, rule: Rule) -> float:
    """``evaluate`` against the function by hand, after both gave the same amounts."""
    rows = [tuple(row) for row in zip(*draw(rule, _STORIES * hand.periods), strict=True)]
    stories = [rows[at : at + hand.periods] for at in range(0, len(rows), hand.periods)]
    begin = start_state(rule) if rule.sequential else None

    def ours() -> list[int]:
        found: list[int] = []
        for story in stories:
            state = begin
            for period, values in enumerate(story, 1):
                outcome = evaluate(rule, values, None, period, state)
                state = outcome.state
                found.append(outcome.amounts[0])
        return found

    def theirs() -> list[int]:
        found: list[int] = []
        for story in stories:
            left = hand.start
            for values in story:
                amount, left = hand.exact(values, left)
                found.append(amount)
        return found

    if ours() != theirs():
        raise AssertionError(f"{hand.name} by hand pays something else than its agreement")
    return ratio(ours, theirs)


def compare_vector(hand: ByHand, rule: Rule) -> float:
    """``evaluate_many`` against NumPy by hand, after both gave the same amounts."""
    columns: list[Array] = [
        np.array([value / ONE for value in column]).reshape(hand.periods, -1)
        for column in draw(rule, hand.periods * (_SCENARIOS // hand.periods))
    ]
    values = {kpi.full_name: column for kpi, column in zip(rule.kpis, columns, strict=True)}
    payee = rule.payees[0].name

    def ours() -> Array:
        return evaluate_many(rule, values).amounts[payee]

    def theirs() -> Array:
        found = np.empty_like(columns[0])
        left = None
        for period in range(hand.periods):
            found[period], left = hand.arrays([column[period] for column in columns], left)
        return found

    if not np.allclose(ours(), theirs(), rtol=1e-9, atol=1e-6):
        raise AssertionError(f"{hand.name} by hand in NumPy pays something else than its agreement")
    return ratio(ours, theirs)


def analyse() -> list[Figure]:
    """Milliseconds for each mechanism: its program and back, and its bounds and warnings, from a fresh agreement."""
    coding: dict[str, float] = {}
    checking: dict[str, float] = {}
    for name in NAMES:
        rule = load_agreement(name).rule()
        coding[name] = least_time(lambda rule=rule: decode(encode(rule).data, Names.of(rule)))  # type: ignore[misc]
        checking[name] = min(_checked(load_agreement(name)) for _ in range(3))
    together = {name: max(coding[name], checking[name]) for name in NAMES}
    return [worst("analyse_ms", together), worst("code_ms", coding), worst("check_ms", checking)]


def least_time(work: Callable[[], object]) -> float:
    """Milliseconds of the fastest of a few runs."""
    times: list[float] = []
    for _ in range(3):
        begun = process_time()
        work()
        times.append((process_time() - begun) * 1_000)
    return min(times)


def _checked(agreement: Agreement) -> float:
    begun = process_time()
    agreement.bounds()
    agreement.check()
    return (process_time() - begun) * 1_000
