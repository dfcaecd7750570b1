"""How long the verbs that write paper take, as whole commands: Python's start, reading, proving, writing.

Seconds are the processor's, user and system, of the command's own process; the least of a few runs, after one that is
not counted, so that Python has its compiled files as it has for everybody who ran the command before.
"""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from pyoutcome.terms import Agreement
from tests.bench.figures import Figure, worst

EXAMPLES: Final = Path(__file__).parents[2] / "examples"
FORMATS: Final = ("md", "html", "docx", "pdf")
COMPARED: Final = ("text", "html", "docx")
IN_WORKSPACE: Final = "customer-support"
"""The agreement that is signed, deployed and measured, and has its document and its evidence looked at as well."""
_RUNS: Final = 2
_TERM: Final = re.compile(r"^( +\w+: )([0-9][0-9_]*)( *#.*)?$", re.MULTILINE)
_CLAUSE: Final = "\nclauses:\n  further_fee: {{title: Further fee, kind: fixed_fee, amount: 125, to: {payee}}}\n"


def agreements() -> dict[str, Path]:
    """All agreements that come with the project, by name."""
    return {path.parent.name: path for path in sorted(EXAMPLES.glob("*/agreement.yaml"))}


def change_number(text: str) -> str:
    """The agreement with the first term that is a whole number, and may be larger by one, larger by one."""
    begin = text.index("\nterms:")
    for found in _TERM.finditer(text, begin):
        changed = f"{text[: found.start(2)]}{int(found[2]) + 1}{text[found.end(2) :]}"
        if _can_be_read(changed):
            return changed
    raise AssertionError("no number of the agreement can be changed")


def add_clause(text: str) -> str:
    """The agreement with one clause more."""
    payee = Agreement.parse(text).providers[0]
    return text.replace("\nclauses:\n", _CLAUSE.format(payee=payee), 1)


def _can_be_read(text: str) -> bool:
    from pyoutcome.errors import PyoutcomeError

    try:
        Agreement.parse(text).check()
    except PyoutcomeError:
        return False
    return True


class Commands:
    """Runs ``pyoutcome`` as people do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

    def run(self, *arguments: str | Path, folder: Path | None = None) -> float:
        """Seconds of the processor that a command took; CalledProcessError if it failed."""
        program = Path(sys.executable).with_name("pyoutcome")
        begun = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [program, *arguments],
            cwd=folder or self.folder,
            env=self.environment,
            check=True,
            stdout=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
        )
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        return ended.ru_utime - begun.ru_utime + ended.ru_stime - begun.ru_stime

    def least(self, *arguments: str | Path, folder: Path | None = None) -> float:
        """The least of a few runs."""
        return min(self.run(*arguments, folder=folder) for _ in range(_RUNS))

    def document(self, path: Path | None = None, folder: Path | None = None) -> dict[str, float]:
        """Of an agreement file, or of a workspace's agreement: seconds by format."""
        named = () if path is None else (path,)
        return {
            form: self.least("document", *named, "--out", self.folder / f"agreement.{form}", folder=folder)
            for form in FORMATS
        }

    def compare(self, *arguments: str | Path, folder: Path | None = None) -> dict[str, float]:
        """Seconds by form."""
        outs = {form: () if form == "text" else ("--out", self.folder / f"changes.{form}") for form in COMPARED}
        return {form: self.least("compare", *arguments, *outs[form], folder=folder) for form in COMPARED}

    def open_workspace(self) -> Path:
        """A workspace with an agreement signed by all, deployed, and its first period measured."""
        folder = self.folder / "deal"
        self.run("init", folder, "--agreement", IN_WORKSPACE)
        providers = Agreement.load(agreements()[IN_WORKSPACE]).providers
        for party in ("client", *providers):
            self.run("sign", "--as", party, folder=folder)
        self.run("deploy", folder=folder)
        self.run("fund", "300_000", folder=folder)
        for party in providers:
            self.run("measure", "--as", party, "--period", "1", folder=folder)
        return folder


def measure(say: Callable[[str], None] = print) -> tuple[list[Figure], dict[str, dict[str, float]]]:
    """The slowest of all commands, and the seconds of each by agreement."""
    found: dict[str, dict[str, float]] = {}
    with TemporaryDirectory() as made:
        commands = Commands(Path(made))
        for name, path in agreements().items():
            say(name)
            text = path.read_text(encoding="utf-8")
            commands.run("check", path)
            commands.document(path) if not found else None  # what each format needs is compiled then
            found[name] = {f"document {form}": each for form, each in commands.document(path).items()}
            for what, change in (("number", change_number), ("clause", add_clause)):
                changed = Path(made) / f"{name}-{what}.yaml"
                changed.write_text(change(text), encoding="utf-8")
                for form, each in commands.compare(path, changed).items():
                    found[name][f"compare {what} {form}"] = each
        say("a workspace")
        folder = commands.open_workspace()
        changed = Path(made) / f"{IN_WORKSPACE}-number.yaml"
        found["in a workspace"] = {
            **{f"document {form}": each for form, each in commands.document(folder=folder).items()},
            **{f"compare number {form}": each
               for form, each in commands.compare(changed, "--evidence", ".", folder=folder).items()},
        }  # fmt: skip
    return [slowest("document_s", found, "document"), slowest("compare_s", found, "compare")], found


def slowest(name: str, found: Mapping[str, Mapping[str, float]], verb: str) -> Figure:
    """The slowest command of a verb, over all agreements."""
    return worst(name, {f"{of}: {what}": each for of, all_of in found.items()
                        for what, each in all_of.items() if what.startswith(verb)})  # fmt: skip


def rows(found: Mapping[str, Mapping[str, float]]) -> Sequence[tuple[str, ...]]:
    """A table: an agreement a row; of comparisons the slower of the two changes."""
    return [
        (
            name,
            *(f"{each[f'document {form}']:.2f}" for form in FORMATS),
            *(f"{max(v for what, v in each.items() if what.startswith('compare') and what.endswith(form)):.2f}"
              for form in COMPARED),
        )
        for name, each in found.items()
    ]  # fmt: skip
