"""Mutation run over modules of ``pyoutcome/formula``; ``docs/mutations.md`` says what it found and means.

For each module: mutmut makes mutants, mypy and the tests judge them, and the verdicts
are kept under ``build/mutations``. At the end come a table and every survivor.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Final, TypeAlias

import libcst as cst
from mutmut.__main__ import _run
from mutmut.configuration import config
from mutmut.mutation import file_mutation
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code

FOLDER: Final = Path("pyoutcome/formula")
KEPT: Final = Path("build/mutations")
COLUMNS: Final = ("mutants", "killed by tests", "refused by mypy", "timed out", "survived")
KINDS: Final = {"killed": "killed by tests", "caught by type check": "refused by mypy", "timeout": "timed out"}

Verdicts: TypeAlias = dict[str, list[str]]
"""Verdict and, of a survivor, the changed lines, by mutant."""


def is_text(node: cst.BaseExpression) -> bool:
    """Is an argument words: a string, or a choice of strings?"""
    if isinstance(node, cst.IfExp):
        return is_text(node.body) and is_text(node.orelse)
    return isinstance(node, cst.BaseString)


def words_of(call: cst.Call) -> list[cst.BaseExpression]:
    """The arguments of a call that are only the words of an error: its why and its fix."""
    called = call.func.attr if isinstance(call.func, cst.Attribute) else call.func
    name = called.value if isinstance(called, cst.Name) else ""
    given = [arg.value for arg in call.args if arg.keyword is None]
    if name.endswith("Error"):
        return given[1:3]
    return [each for each in given if is_text(each)] if name.lstrip("_").startswith("refuse") else []


def strict_of(call: cst.CSTNode) -> list[cst.BaseExpression]:
    """The ``strict=True`` of a ``zip``: a check that two rows made by the same code are equally long."""
    is_zip = isinstance(call, cst.Call) and isinstance(call.func, cst.Name) and call.func.value == "zip"
    return [arg.value for arg in call.args if arg.keyword is not None] if is_zip else []  # type: ignore[attr-defined]


class Chosen(file_mutation.MutationVisitor):
    """mutmut's choice of what to change, without the words of errors and the checks of ``zip``."""

    def _skip_node_and_children(self, node: cst.CSTNode) -> bool:
        left_out = self.__dict__.setdefault("left_out", set())
        if isinstance(node, cst.Call):
            left_out.update(words_of(node) + strict_of(node))
        return node in left_out or bool(super()._skip_node_and_children(node))

    def _removes_ignored_code(self, node: cst.CSTNode, mutated_node: cst.CSTNode) -> bool:
        if len(strict_of(mutated_node)) < len(strict_of(node)):
            return True
        return bool(super()._removes_ignored_code(node, mutated_node))


def run_modules(modules: list[str], workers: int, tests: list[str], *, again: bool) -> None:
    """Judge the mutants of some modules: all of them, or those that survived the run before."""
    file_mutation.MutationVisitor = Chosen  # type: ignore[misc]
    config().only_mutate = [f"{FOLDER}/{module}.py" for module in modules]  # the others run at full speed
    if tests:
        config().pytest_add_cli_args_test_selection[:] = tests
    known: dict[str, Verdicts] = {module: read_verdicts(module) if again else {} for module in modules}
    survivors = [name for found in known.values() for name, (verdict, _) in found.items() if verdict not in KINDS]
    if again and not survivors:
        return
    if again:
        config().type_check_command.clear()  # they have passed it
    _run(survivors if again else [f"pyoutcome.formula.{module}.x*" for module in modules], workers)
    KEPT.mkdir(parents=True, exist_ok=True)
    for module, found in known.items():
        codes = json.loads(Path("mutants", FOLDER, f"{module}.py.meta").read_text())["exit_code_by_key"]
        for name in found.keys() - codes.keys():  # of code that has changed
            del found[name]
        for name in set(survivors) & set(codes) if again else codes:
            verdict = status_by_exit_code[codes[name]]
            diff = "" if verdict in KINDS else get_diff_for_mutant(name, path=FOLDER / f"{module}.py")
            found[name] = [verdict, "\n".join(line for line in diff.splitlines()[2:] if line[:1] in "+-")]
        (KEPT / f"{module}.json").write_text(json.dumps(found, indent=1))


def read_verdicts(module: str) -> Verdicts:
    """What the run before found."""
    found: Verdicts = json.loads((KEPT / f"{module}.json").read_text())
    return found


def report(modules: list[str]) -> None:
    """Print a row per module and, below, what survived."""
    print(f"| module | {' | '.join(COLUMNS)} |\n|---|{'---:|' * len(COLUMNS)}")
    total: Counter[str] = Counter()
    survivors: list[str] = []
    for module in modules:
        found = read_verdicts(module)
        counts = Counter(KINDS.get(verdict, "survived") for verdict, _ in found.values()) + Counter(mutants=len(found))
        total += counts
        survivors += [f"{name}: {verdict}\n{diff}" for name, (verdict, diff) in found.items() if verdict not in KINDS]
        print(f"| `{module}` | {' | '.join(str(counts[column]) for column in COLUMNS)} |")
    print(f"| all | {' | '.join(str(total[column]) for column in COLUMNS)} |")
    for each in survivors:
        print(f"\n{each}")


def main() -> None:
    """Read the command line; try each module in a process of its own."""
    reader = argparse.ArgumentParser(prog="scripts/mutate", description=__doc__)
    reader.add_argument("modules", nargs="*", metavar="MODULE", help="such as arithmetic; without any, all of them")
    reader.add_argument("--workers", type=int, default=2, help="mutants tried at once (2)")
    reader.add_argument("--tests", nargs="+", default=[], metavar="FILE", help="try these tests only; sooner done")
    reader.add_argument("--survivors", action="store_true", help="try again only what survived the run before")
    reader.add_argument("--report", action="store_true", help="run nothing; say what the runs before found")
    reader.add_argument("--together", action="store_true", help="in one process: sooner for many small modules")
    asked = reader.parse_args()
    modules = asked.modules or sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")
    if asked.together:
        shutil.rmtree("mutants", ignore_errors=True)
        run_modules(modules, asked.workers, asked.tests, again=asked.survivors)
    elif not asked.report:
        options = ["--together", f"--workers={asked.workers}", *(["--survivors"] if asked.survivors else [])]
        options += ["--tests", *asked.tests] if asked.tests else []
        for module in modules:
            subprocess.run([sys.executable, __file__, module, *options], check=True)  # noqa: S603 - this very file
    report([module for module in modules if (KEPT / f"{module}.json").exists()])


if __name__ == "__main__":
    main()
