"""The verb `compare`: two agreements side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyoutcome.cli.options import Folder, Json
from pyoutcome.cli.output import emit
from pyoutcome.errors import WorkspaceError

if TYPE_CHECKING:
    from pyoutcome.legal.comparison import Values
    from pyoutcome.terms.agreement import Agreement


def add_to(app: typer.Typer) -> None:
    """Adds the verb of this module."""
    app.command("compare", rich_help_panel="Agreement")(compare)


def compare(
    old: Annotated[
        Path | None,
        typer.Argument(
            help="The agreement as it was; by default that of the workspace you are in.", show_default=False
        ),
    ] = None,
    new: Annotated[
        Path | None,
        typer.Argument(
            help="The agreement as it is to be. With one file only, that is the new one.", show_default=False
        ),
    ] = None,
    evidence: Annotated[
        str | None, typer.Option("--evidence", "-e", help="A workspace, folder or address with evidence bundles.")
    ] = None,
    values: Annotated[
        Path | None,
        typer.Option("--values", help="A CSV file of KPI values: 'period' and a column for each KPI, a row a period."),
    ] = None,
    amendment: Annotated[
        int | None,
        typer.Option("--amendment", min=1, help="The workspace's amendment of this number; by default the latest."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write a document: .md, .html, .docx or .pdf.")
    ] = None,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Compares two agreements clause by clause: words, numbers, least and most, payments on given values, and shape.

    Without files the workspace's latest amendment is compared with what it replaces.

    Examples:
        pyoutcome compare agreement.yaml cheaper.yaml
        pyoutcome compare agreement.yaml cheaper.yaml --values year.csv --out changes.html
        pyoutcome compare cheaper.yaml --evidence .
        pyoutcome compare --amendment 1
    """
    from pyoutcome.legal.comparison import compare as compare_agreements
    from pyoutcome.legal.comparison.report import make_report

    before, after, first, anew = _choose(old, new, amendment, folder)
    given = _values(evidence, values, before, after)
    found = compare_agreements(before, after, given, first, anew=anew)
    if out is not None:
        from pyoutcome.legal.document.writing import write_document

        write_document(make_report(found), out)
        emit({**found.to_dict(), "file": str(out)}, as_json, lambda console: console.print(f"Written: {out}"))
        return
    from pyoutcome.cli.drawing import draw

    emit(found.to_dict(), as_json, lambda console: draw(console, make_report(found)))


def _choose(
    old: Path | None, new: Path | None, amendment: int | None, folder: Path | None
) -> tuple[Agreement, Agreement, int, bool]:
    """The two agreements, the first period of the new one, and whether its carried values start anew."""
    from pyoutcome.terms.agreement import Agreement

    if old is not None and amendment is not None:
        raise WorkspaceError(
            "bad-comparison",
            "Both files and an amendment of the workspace are named.",
            "Name two files, one file to compare with the workspace's agreement, or an amendment's number.",
        )
    if old is not None and new is not None:
        return Agreement.load(old), Agreement.load(new), 1, False
    from pyoutcome.workspace.files import WorkspaceFiles, find_workspace

    files = WorkspaceFiles(folder if folder is not None else find_workspace(Path.cwd()))
    if old is not None:
        return Agreement.load(files.agreement), Agreement.load(old), 1, False
    from pyoutcome.workspace.comparing import find_amendment

    found = find_amendment(files, amendment)
    return Agreement.load(found.before), Agreement.load(found.after), found.first, found.anew


def _values(evidence: str | None, values: Path | None, before: Agreement, after: Agreement) -> Values | None:
    if evidence is not None and values is not None:
        raise WorkspaceError(
            "bad-comparison",
            "Both evidence and a file of values are named.",
            "Give --evidence or --values, not both.",
        )
    if values is not None:
        from pyoutcome.legal.comparison.values import read_values_file

        return read_values_file(values)
    if evidence is not None:
        from pyoutcome.workspace.comparing import read_evidence

        return read_evidence(evidence, (before.digest(), after.digest()))
    return None
