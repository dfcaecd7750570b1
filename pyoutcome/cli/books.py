"""Verbs that look at money: status, statement, audit, chart, export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pyoutcome.cli.options import Engine, Folder, Json, Records, open_workspace, read_records
from pyoutcome.cli.output import emit, progress


def add_to(app: typer.Typer) -> None:
    """Adds the verbs of this module."""
    app.command("status", rich_help_panel="Books")(status)
    app.command("statement", rich_help_panel="Books")(statement)
    app.command("audit", rich_help_panel="Books")(audit)
    app.command("chart", rich_help_panel="Books")(chart)
    app.command("journal", rich_help_panel="Books")(journal)


def status(folder: Folder = None, as_json: Json = False) -> None:
    """Shows where the agreement stands, its money, and what each period waits for.

    Examples:
        pyoutcome status
        pyoutcome status --json
    """
    from pyoutcome.cli import show

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
    from pyoutcome.cli import show

    with open_workspace(folder) as workspace:
        stated = workspace.statement(period)
        if provider is not None:
            workspace.parties.require(provider)
        emit(
            stated.to_dict(),
            as_json,
            lambda console: show.stated(console, workspace, stated, provider),
        )


def audit(folder: Folder = None, records: Records = None, engine: Engine = None, as_json: Json = False) -> None:
    """Recomputes every settlement from agreement, raw records and chain, and reports each difference.

    Exit status 1 if there is any.

    Examples:
        pyoutcome audit
        pyoutcome audit --records flights=/my/own/flights.csv
    """
    from pyoutcome.cli import show

    with progress(as_json) as advance, open_workspace(folder, progress=advance, engine=engine) as workspace:
        report = workspace.audit(read_records(records) or None)
        agreement = workspace.agreement
    emit(report.to_dict(), as_json, lambda console: show.audit(console, agreement, report))
    if report.differences:
        raise typer.Exit(1)


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
