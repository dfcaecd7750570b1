"""The command `pyoutcome`: every verb a thin face over the Python API. Heavy libraries load when a verb needs them."""

from __future__ import annotations

import gc
import os
import sys
from copy import copy
from typing import Annotated

import typer

from pyoutcome.cli import (
    agreements,
    auditing,
    books,
    building,
    changing,
    comparing,
    dealing,
    documents,
    evidence,
    exporting,
    inspecting,
    lifecycle,
    measuring,
    paying,
    proving,
    running,
    schemas,
    signing,
    starting,
    telling,
)
from pyoutcome.cli.polite import PoliteGroup

app = typer.Typer(
    name="pyoutcome",
    cls=PoliteGroup,
    help="Contracts that pay for results and can prove it. Start with `pyoutcome demo`.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for room in (
    telling,
    starting,
    agreements,
    comparing,
    documents,
    measuring,
    signing,
    dealing,
    evidence,
    proving,
    running,
    lifecycle,
    changing,
    paying,
    books,
    auditing,
    exporting,
    inspecting,
    schemas,
    building,
):
    room.add_to(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"pyoutcome {version('pyoutcome')}")
        raise typer.Exit


@app.callback()
def main_options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options of the command itself."""


def main() -> None:
    """Entry point."""
    # A verb makes many lasting objects while it starts and few that refer to one another: searching for those so often
    # takes a fifth of a short verb's time.
    gc.set_threshold(200_000, 20, 20)
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # it asks every installed package for one
    only(sys.argv[1:])()


def only(arguments: list[str]) -> typer.Typer:
    """The command with no other verb than the one that the arguments ask for; with all if it is none of them."""
    wanted = [each for each in app.registered_commands if each.name in arguments[:1]]
    if not wanted:
        return app
    found = copy(app)
    found.registered_commands, found.registered_groups = wanted, []
    return found
