"""``scripts/fuzz``: long searches for anything on which two sides disagree."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from random import Random
from typing import Final

from tests.compiling import ROOT
from tests.contracts.runner import Runner, running_contract
from tests.corpus.published import NAMES
from tests.corpus.tightness import Tightness, measure
from tests.fuzz.evidence import THINGS, search_evidence
from tests.fuzz.searches import SEARCHES
from tests.fuzz.tally import Tally

_OF_ALL: Final = {"bytes": 0.7, "rules": 0.2, "agreements": 0.1}
"""Shares of the cases when all three are searched."""
_ABOUT: Final = """\
programs    random program bytes, random rules of the payment language and random agreement files, on random values and
            carried state: the Python evaluator and machine against the contracts on anvil
bounds      the published mechanisms: proven least and most of each payee against what a search finds
evidence    a small bundle and small files of records with each byte changed to each other value: none may be accepted
tests PATH  the property tests of some folders, twenty times as long

A mismatch prints the batch, the program's bytes, the values and both results, and exits with 1. The same --seed and
--only BATCH see it again.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run one search; the exit status."""
    parser = argparse.ArgumentParser(
        prog="scripts/fuzz", description=_ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    programs = commands.add_parser("programs", help="Python against Solidity")
    programs.add_argument("--cases", type=int, default=20_000, help="program runs to compare, at least (20,000)")
    programs.add_argument("--seed", default="1", help="any word; the same word gives the same search (1)")
    programs.add_argument("--of", choices=SEARCHES, action="append", help="only programs made from these; repeatable")
    programs.add_argument("--only", metavar="BATCH", help="one batch, as a mismatch names it: rules/17")
    programs.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1), help="processes")
    programs.add_argument("--root", type=Path, default=ROOT, help="a checkout with other contracts to compare with")
    tightness = commands.add_parser("bounds", help="how tight the proven bounds are")
    tightness.add_argument("mechanism", nargs="*", default=NAMES, help="names of published mechanisms (all)")
    tightness.add_argument("--rounds", type=int, default=300, help="attempts to better each end of each amount (300)")
    tightness.add_argument("--seed", type=int, default=1)
    evidence = commands.add_parser("evidence", help="every byte of evidence changed")
    evidence.add_argument("--of", choices=THINGS, action="append", help="changes of these only; repeatable")
    evidence.add_argument("--values", type=int, choices=range(1, 256), metavar="N", help="values per byte")
    tests = commands.add_parser("tests", help="property tests, twenty times as long")
    tests.add_argument("path", nargs="*", default=["tests/protocol", "tests/contracts"])
    chosen = parser.parse_args(arguments)
    if chosen.command == "bounds":
        return show_bounds(chosen.mechanism, chosen.rounds, chosen.seed)
    if chosen.command == "evidence":
        return search_evidence(chosen.of or list(THINGS), chosen.values)
    if chosen.command == "tests":
        os.environ["PYOUTCOME_HYPOTHESIS"] = "deep"
        many = os.environ.get("PYTEST_WORKERS", "2")
        os.execv(  # noqa: S606 - the same Python, on our own tests
            sys.executable, [sys.executable, "-m", "pytest", "-n", many, "--durations=10", *chosen.path]
        )
    return compare_programs(chosen)


def compare_programs(chosen: argparse.Namespace) -> int:
    """Search in batches until there are enough cases of every kind."""
    started = time.monotonic()
    print("compiling the contracts", file=sys.stderr)
    tally = Tally()
    with running_contract(chosen.root.resolve()) as url:
        if chosen.only:
            tally = search(url, chosen.seed, chosen.only)
        else:
            kinds = chosen.of or list(SEARCHES)
            whole = sum(_OF_ALL[kind] for kind in kinds)
            with ProcessPoolExecutor(chosen.workers) as pool:
                for kind in kinds:
                    wanted = int(chosen.cases * _OF_ALL[kind] / whole) + 1
                    tally.add(search_for(pool, url, chosen.seed, kind, wanted))
    print(f"seed {chosen.seed}, {time.monotonic() - started:.0f} s\n\n{tally.table()}")
    for mismatch in tally.mismatches:
        print(f"\nMISMATCH {mismatch}")
    return 1 if tally.mismatches else 0


def search_for(pool: ProcessPoolExecutor, url: str, seed: str, kind: str, wanted: int) -> Tally:
    """Batches of one kind until ``wanted`` cases have run."""
    tally = Tally()
    numbers = iter(range(10**9))
    while tally.cases < wanted and not tally.mismatches:
        # a fixed number at a time, so that the number of workers changes nothing but the time
        names = [f"{kind}/{next(numbers)}" for _ in range(4)]
        for found in pool.map(search, [url] * len(names), [seed] * len(names), names):
            tally.add(found)
            print(f"\r{kind}: {tally.cases:,} of {wanted:,} cases", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return tally


def search(url: str, seed: str, name: str) -> Tally:
    """One batch, made from the seed and its name."""
    kind = name.partition("/")[0]
    found = SEARCHES[kind](Runner(url), Random(f"{seed}/{name}"))
    found.mismatches = [f"in batch {name} of seed {seed}: {each}" for each in found.mismatches]
    return found


def show_bounds(mechanisms: Iterable[str], rounds: int, seed: int) -> int:
    """A table of proven and found bounds; fails if anything lies outside."""
    outside = 0
    print(f"{'mechanism':36}{'periods':>8}  {'monotonic':10}{'a period':>10}{'in total':>10}")
    for row in tightness_of(mechanisms, rounds, seed):
        shares = [share(row.proven, row.attained), share(row.proven_total, row.attained_total)]
        outside += not (contains(row.proven, row.attained) and contains(row.proven_total, row.attained_total))
        monotonic = "yes" if row.monotonic else "no"
        print(f"{row.mechanism:36}{row.periods:8}  {monotonic:10}{shares[0]:>10}{shares[1]:>10}")
    print(f"\nattained: 100 %, or the part of the proven range that a search found. Outside the bounds: {outside}")
    return 1 if outside else 0


def tightness_of(mechanisms: Iterable[str], rounds: int, seed: int) -> Iterator[Tightness]:
    """One row per payee of each mechanism."""
    for mechanism in mechanisms:
        yield from measure(mechanism, rounds, seed)


def contains(proven: tuple[int, int], found: tuple[int, int]) -> bool:
    """Does nothing lie outside?"""
    return proven[0] <= found[0] and found[1] <= proven[1]


def share(proven: tuple[int, int], found: tuple[int, int]) -> str:
    """How much of a proven range was found."""
    if proven == found:
        return "100 %"
    return f"{(found[1] - found[0]) * 10_000 // (proven[1] - proven[0]) / 100:.2f} %"


if __name__ == "__main__":
    sys.exit(main())
