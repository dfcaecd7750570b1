"""The verb for developers of the contracts: compile."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyoutcome.cli.options import Json
from pyoutcome.cli.output import emit

if TYPE_CHECKING:
    from rich.console import Console


def add_to(app: typer.Typer) -> None:
    """Adds the verbs of this module."""
    app.command("compile", rich_help_panel="Developers")(compile_)


def compile_(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; compare with what the package carries.")
    ] = False,
    root: Annotated[Path, typer.Option(help="The repository's folder.")] = Path(),
    as_json: Json = False,
) -> None:
    """Compiles the Solidity contracts of a source checkout. Users never need this: the package carries them compiled.

    Examples:
        pyoutcome compile
        pyoutcome compile --check
    """
    from pyoutcome.chain.compiler import check_artifacts, write_artifacts

    if not check:
        written = [str(path) for path in write_artifacts(root)]
        emit({"written": written}, as_json, lambda console: console.print("\n".join(["Written:", *written])))
        return
    differences = check_artifacts(root)
    document = {"differences": [{"contract": each.name, "problem": each.problem} for each in differences]}

    def draw(console: Console) -> None:
        for each in differences:
            console.print(f"{each.name} is {each.problem}")
        console.print(f"compile: {len(differences)} differences between the sources and the carried contracts")

    emit(document, as_json, draw)
    if differences:
        raise typer.Exit(1)
