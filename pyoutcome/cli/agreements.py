"""Verbs on an agreement file, without any network: check, explain and plot."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyoutcome.cli.options import Json
from pyoutcome.cli.output import emit
from pyoutcome.errors import AgreementError, WorkspaceError, did_you_mean

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
    app.command("plot", rich_help_panel="Agreement")(plot)


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
    from pyoutcome.cli import checked, shaped
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
    emit(document, as_json, lambda console: checked.check(console, agreement, findings, full=full))


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
    from pyoutcome.cli import show, statements

    agreement = load(file)
    if not value:
        words = agreement.words()
        emit({"agreement": agreement.id, "words": words}, as_json, lambda console: show.words(console, words))
        return
    given: dict[str, str | None] = dict.fromkeys(kpi.name for kpi in agreement.kpis)
    given |= {name: None if text == "missing" else text for name, text in read_pairs(value)}
    statement = agreement.statement(period, given)
    emit(statement.to_dict(), as_json, lambda console: statements.statement(console, agreement, statement))


def plot(
    file: File = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The picture's file: .svg, .png, .html or .json (Vega-Lite).")
    ] = Path("payments.svg"),
    kpi: Annotated[
        list[str] | None, typer.Option("--kpi", help="Only this KPI, with or without provider; may be repeated.")
    ] = None,
    payee: Annotated[
        list[str] | None, typer.Option("--payee", help="Only this provider's amount; may be repeated.")
    ] = None,
    at: Annotated[
        list[str] | None, typer.Option("--at", help="KPI=VALUE: where a KPI stands while others are drawn.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Draws what a period pays against each KPI: bends, bands, cliffs with the money at stake, proven least and most.

    The other KPIs stand where --at says; without it at the setting, of those that check tries, at which the KPI drawn
    moves most. Each panel says which.

    Examples:
        pyoutcome plot agreement.yaml --out payments.svg
        pyoutcome plot agreement.yaml --kpi on_time --payee UA --at arrivals.UA=3586 --out united.png
    """
    from pyoutcome.insight import Plot, save_payments

    agreement = load(file)
    kpis = {each.name: each for each in agreement.kpis}
    values: dict[str, int] = {}
    for name, text in read_pairs(at or []):
        if name not in kpis:
            raise AgreementError("unknown-kpi", f"There is no KPI {name!r}.", did_you_mean(name, kpis), kpi=name)
        values[name] = kpis[name].read(text)
    path = save_payments(agreement, Plot(kpi or (), payee or (), values), out)
    emit({"file": str(path)}, as_json, lambda console: console.print(f"Drawn: {path}"))


def read_pairs(options: list[str]) -> list[tuple[str, str]]:
    """``KPI=VALUE`` options as pairs. WorkspaceError ``bad-value-option``."""
    pairs: list[tuple[str, str]] = []
    for each in options:
        name, equals, text = each.partition("=")
        if not equals:
            raise WorkspaceError(
                "bad-value-option", f"{each!r} is not of the form KPI=VALUE.", "Write, for example, on_time.UA=77.33%."
            )
        pairs.append((name, text))
    return pairs


def load(file: Path | None) -> Agreement:
    """The agreement in a file, or that of the workspace around the current folder."""
    from pyoutcome.terms.agreement import Agreement

    if file is None:
        from pyoutcome.workspace.files import WorkspaceFiles, find_workspace

        file = WorkspaceFiles(find_workspace(Path.cwd())).agreement
    return Agreement.load(file)
