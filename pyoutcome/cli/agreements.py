"""Verbs on an agreement file, without any network: check and explain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyoutcome.cli.options import Json
from pyoutcome.cli.output import emit
from pyoutcome.errors import WorkspaceError

if TYPE_CHECKING:
    from pyoutcome.terms.agreement import Agreement

File = Annotated[
    Path | None,
    typer.Argument(help="An agreement file; by default that of the workspace you are in.", show_default=False),
]


def add_to(app: typer.Typer) -> None:
    """Adds the verbs of this module."""
    app.command("check", rich_help_panel="Agreement")(check)
    app.command("explain", rich_help_panel="Agreement")(explain)


def check(
    file: File = None,
    full: Annotated[
        bool, typer.Option("--full", help="Every part of every KPI's range, and every finding in full.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Checks an agreement: what is wrong, what is doubtful, the most and least it can ever pay, and its incentives.

    Examples:
        pyoutcome check agreement.yaml
        pyoutcome check agreement.yaml --full
        pyoutcome check --json
    """
    from pyoutcome.cli import shaped, show
    from pyoutcome.evidence import plan_measures

    agreement = load(file)
    if agreement.deployable:  # a bare rule is not measured
        plan_measures(agreement)
    findings, bounds = agreement.check(), agreement.bounds()
    document = {
        "agreement": agreement.id,
        "digest": "0x" + agreement.digest().hex(),
        "program_hash": "0x" + agreement.program().hash.hex(),
        "program_bytes": len(agreement.program().data),
        "sequential": agreement.program().sequential,
        "bounds": {each.provider: {"least": str(each.least), "most": str(each.most)} for each in bounds.providers},
        "most_per_period": str(bounds.most_per_period),
        "most_in_total": str(bounds.most_in_total),
        "least_in_total": str(bounds.least_in_total),
        "reserve": str(agreement.escrow.reserve) if agreement.deployable else None,
        "shape": shaped.document(agreement),
        "findings": [
            {
                "severity": finding.severity,
                "code": finding.code,
                "why": finding.why,
                "fix": finding.fix,
                "where": str(finding.where or ""),
            }
            for finding in findings
        ],
    }
    emit(document, as_json, lambda console: show.check(console, agreement, findings, full=full))


def explain(
    file: File = None,
    period: Annotated[int, typer.Option("--period", "-p", min=1, help="The period to work out.")] = 1,
    value: Annotated[
        list[str] | None,
        typer.Option("--value", "-v", help="KPI=VALUE, such as on_time.UA=77.33%; 'missing' for a missing one."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Says the agreement in plain words, or, with KPI values, what a period would pay and why.

    Values that are not given are missing, and the agreement's stand-in counts.

    Examples:
        pyoutcome explain agreement.yaml
        pyoutcome explain agreement.yaml -v on_time.UA=77.33% -v cancelled.UA=0.69% -v arrivals.UA=3586
    """
    from pyoutcome.cli import show

    agreement = load(file)
    if not value:
        words = agreement.words()
        emit({"agreement": agreement.id, "words": words}, as_json, lambda console: show.words(console, words))
        return
    given: dict[str, str | None] = dict.fromkeys(kpi.name for kpi in agreement.kpis)
    for each in value:
        name, equals, text = each.partition("=")
        if not equals:
            raise WorkspaceError(
                "bad-value-option", f"{each!r} is not of the form KPI=VALUE.", "Write, for example, on_time.UA=77.33%."
            )
        given[name] = None if text == "missing" else text
    statement = agreement.statement(period, given)
    emit(statement.to_dict(), as_json, lambda console: show.statement(console, agreement, statement))


def load(file: Path | None) -> Agreement:
    """The agreement in a file, or that of the workspace around the current folder."""
    from pyoutcome.terms.agreement import Agreement

    if file is None:
        from pyoutcome.workspace.files import WorkspaceFiles, find_workspace

        file = WorkspaceFiles(find_workspace(Path.cwd())).agreement
    return Agreement.load(file)
