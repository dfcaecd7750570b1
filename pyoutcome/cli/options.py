"""Options that many commands share."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyoutcome.errors import WorkspaceError
from pyoutcome.settlement.progress import Progress, silent

if TYPE_CHECKING:
    from pyoutcome.workspace import Intent, Workspace

Folder = Annotated[
    Path | None,
    typer.Option(
        "--workspace", "-w", envvar="PYOUTCOME_WORKSPACE", help="The workspace folder; by default the one you are in."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]
Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="Do not ask before a step that moves money or cannot be undone.")
]
Periods = Annotated[
    list[int] | None,
    typer.Option(
        "--period", "-p", min=1, help="A period's number; may be given several times. Default: all that apply."
    ),
]


Records = Annotated[
    list[str] | None,
    typer.Option(
        "--records",
        help="NAME=FILE: raw records to use instead of the workspace's (a file, folder, pattern, URL or table); may be "
        "given several times.",
    ),
]
Engine = Annotated[
    str | None,
    typer.Option(
        "--engine",
        envvar="PYOUTCOME_ENGINE",
        show_envvar=True,
        help="Where records are counted: duckdb (the default), postgresql://user@host/database, spark or "
        "spark://host:7077. The values are the same.",
    ),
]
Party = Annotated[str, typer.Option("--as", help="The party that acts: client, a provider or a verifier.")]
By = Annotated[str, typer.Option("--as", help="The party that signs and pays the transaction.")]


def read_records(given: list[str] | None) -> dict[str, list[str]]:
    """``NAME=FILE`` options by source name; one name may have several. WorkspaceError ``bad-records-option``."""
    found: dict[str, list[str]] = {}
    for each in given or []:
        name, equals, place = each.partition("=")
        if not name or not equals or not place:
            raise WorkspaceError(
                "bad-records-option",
                f"{each!r} does not name records.",
                "Write NAME=FILE, such as flights=flights.csv; a folder, a pattern, a URL or a table may stand there.",
            )
        found.setdefault(name, []).append(place)
    return found


def open_workspace(
    folder: Path | None,
    yes: bool = False,
    progress: Progress = silent,
    *,
    quiet: bool = False,
    engine: str | None = None,
) -> Workspace:
    """The workspace a command works in; says what each irreversible step will move and cost unless ``quiet``, and on
    public networks asks first unless ``yes``."""
    from pyoutcome.workspace import Workspace, find_workspace

    found = folder if folder is not None else find_workspace(Path.cwd())
    return Workspace.open(
        found,
        password=ask_password,
        confirm=lambda intent: confirm(intent, yes, quiet),
        progress=progress,
        engine=engine,
    )


def ask_password(party: str) -> str:
    """A keystore's password: from PYOUTCOME_PASSWORD_<PARTY> or a prompt; never from an argument."""
    name = f"PYOUTCOME_PASSWORD_{party.upper().replace('-', '_')}"
    given = os.environ.get(name)
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise WorkspaceError(
            "password-needed",
            f"The key of {party} is encrypted and there is no terminal to ask for its password.",
            f"Set the environment variable {name}, or run the command in a terminal.",
        )
    return str(typer.prompt(f"Password for the key of {party}", hide_input=True, err=True))


def confirm(intent: Intent, yes: bool, quiet: bool) -> None:
    """Says what a step will move and cost; on public networks asks before it is signed."""
    decided = intent.local or yes
    if not (quiet and decided):
        typer.echo(str(intent), err=True)
    if decided:
        return
    if not sys.stdin.isatty():
        raise WorkspaceError(
            "not-confirmed",
            f"Nobody is there to confirm: {intent.does}.",
            "Run the command in a terminal, or add --yes.",
        )
    typer.confirm("Go on?", abort=True, err=True)
