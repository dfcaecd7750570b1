"""Verbs that look at money: status, statement, chart, journal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pyoutcome.cli.options import Folder, Json, open_workspace
from pyoutcome.cli.output import emit


def add_to(app: typer.Typer) -> None:
    """Adds the verbs of this module."""
    app.command("status", rich_help_panel="Books")(status)
    app.command("statement", rich_help_panel="Books")(statement)
    app.command("chart", rich_help_panel="Books")(chart)
    app.command("journal", rich_help_panel="Books")(journal)


def status(
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="A keeper's configuration: what it says of all its agreements."),
    ] = None,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Shows where the agreement stands, its money, and what each period waits for.

    With --config, where a keeper stands with every period of its agreements: attempts, last error, live transaction.

    Examples:
        pyoutcome status
        pyoutcome status --json
        pyoutcome status --config keeper.yaml
    """
    from pyoutcome.cli import show

    if config is not None:
        from pyoutcome.service.configuration import Setup
        from pyoutcome.service.telling import read_status

        kept = read_status(Setup.load(config).database)
        emit(kept.to_dict(), as_json, lambda console: show.kept(console, kept))
        return
    with open_workspace(folder) as workspace:
        found = workspace.status()
        emit(found.to_dict(), as_json, lambda console: show.status(console, workspace, found))


def statement(
    period: Annotated[int, typer.Option("--period", "-p", min=1, help="The period.")],
    provider: Annotated[str | None, typer.Option(help="Only this provider.")] = None,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Explains a period's payments line by line, from the chain or, before settlement, from the evidence there is.

    Examples:
        pyoutcome statement --period 1
        pyoutcome statement --period 9 --provider B6
    """
    from pyoutcome.cli import statements

    with open_workspace(folder) as workspace:
        stated = workspace.statement(period)
        if provider is not None:
            workspace.parties.require(provider)
        emit(
            stated.to_dict(),
            as_json,
            lambda console: statements.stated(console, workspace, stated, provider),
        )


def chart(
    out: Annotated[Path, typer.Argument(help="The picture's file: .svg or .png.")],
    kpi: Annotated[
        str | None, typer.Option(help="The KPI to draw above the payments; default: the first share.")
    ] = None,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Draws each provider's KPI and payment, period by period.

    Examples:
        pyoutcome chart payments.svg
    """
    from pyoutcome.workspace.picture import draw

    with open_workspace(folder) as workspace:
        path = draw(workspace, out, kpi)
    emit({"file": str(path)}, as_json, lambda console: console.print(f"Drawn: {path}"))


def journal(
    out: Annotated[Path, typer.Argument(help="The CSV file to write.")], folder: Folder = None, as_json: Json = False
) -> None:
    """Writes the escrow's double-entry journal as CSV, one posting a row; `export` knows more books and formats.

    Examples:
        pyoutcome journal journal.csv
    """
    from pyoutcome.workspace.exporting import Wanted, export_book

    with open_workspace(folder) as workspace:
        rows = export_book(workspace, "csv", out, Wanted())
    emit({"file": str(out), "rows": rows}, as_json, lambda console: console.print(f"Written: {out}, {rows} postings"))
