"""The verb `run`: the keeper, which moves the periods of many agreements on by itself."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from pyoutcome.cli.options import Json, ask_password


def add_to(app: typer.Typer) -> None:
    """Adds the verb of this module."""
    app.command("run", rich_help_panel="Evidence")(run)


def run(
    config: Annotated[Path, typer.Option("--config", "-c", help="The keeper's configuration.")] = Path("keeper.yaml"),
    once: Annotated[
        bool, typer.Option("--once", help="Stop when nothing can be done now, instead of waiting.")
    ] = False,
    wake: Annotated[bool, typer.Option("--wake", help="First try again what was parked or given up.")] = False,
    as_json: Json = False,
) -> None:
    """Runs the keeper: measures, verifies, reports, settles, claims and tells, for all agreements of its configuration.

    It goes on until it is stopped (SIGTERM, or Ctrl-C), and picks up where it was killed. Its log goes to stderr: one
    JSON object a line, or words if that is a terminal and --json is not given.

    Examples:
        pyoutcome run
        pyoutcome run --config /etc/pyoutcome/keeper.yaml --json
        pyoutcome run --once --wake
    """
    from pyoutcome.service.configuration import Setup
    from pyoutcome.service.logs import Redactor, start_log
    from pyoutcome.service.running import hide_secrets, run_keeper

    setup = Setup.load(config)
    redactor = Redactor()
    hide_secrets(setup, redactor)
    start_log(redactor, lines=as_json or not sys.stderr.isatty())
    run_keeper(setup, ask_password, once=once, wake=wake)
