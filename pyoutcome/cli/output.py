"""How every command speaks: tables for people, ``--json`` for machines, errors and progress on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pyoutcome.errors import PyoutcomeError
from pyoutcome.settlement.progress import Progress, silent

if TYPE_CHECKING:
    from rich.console import Console

    from pyoutcome.workspace.disputing import Step

WIDTH = 118
"""Characters of a line in a file or pipe."""


def emit(document: Mapping[str, object], as_json: bool, draw: Callable[[Console], None]) -> None:
    """Prints a command's result: the document as one JSON object, or the drawing for people."""
    if as_json:
        sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
        return
    draw(_console())


def tell(step: Step, as_json: bool) -> None:
    """Prints what an act came to: its transaction, or who still has to sign."""
    from pyoutcome.cli import show

    pairs = {"transaction": step.transaction} if step.transaction else {}
    if step.missing:
        pairs["still to sign"] = ", ".join(step.missing)
    elif not step.transaction:
        pairs["next"] = "everybody has signed: hand it in with --submit"
    emit(step.to_dict(), as_json, lambda console: show.facts(console, step.did, pairs))


def _console() -> Console:
    from rich.console import Console

    # Piped into a file or pager there is no terminal to ask for its width: tables keep a readable one.
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)


def complain(error: PyoutcomeError, as_json: bool) -> None:
    """Prints an error to stderr: its code, where, why and what to do about it."""
    if as_json:
        document = {"error": describe(error)}
        sys.stderr.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
        return
    from rich.console import Console
    from rich.markup import escape

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(f"[bold red]error[/] [bold]{error.code}[/]")
    if error.where is not None:
        console.print(f"  at   {escape(str(error.where))}")
    console.print(f"  why  {escape(error.why)}")
    console.print(f"  fix  {escape(error.fix)}")


def describe(error: PyoutcomeError) -> dict[str, object]:
    """An error for machines."""
    where = error.where
    place = where and {"file": where.file, "line": where.line, "column": where.column, "path": where.path}
    return {"code": error.code, "why": error.why, "fix": error.fix, "where": place}


@contextmanager
def progress(as_json: bool) -> Iterator[Progress]:
    """A progress bar on stderr while something long runs; silent for machines and when stderr is not a terminal."""
    if as_json or not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None)

        def advance(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        yield advance
