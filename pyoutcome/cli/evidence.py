"""Verbs that turn records into settled periods: measure, verify, report, settle, default."""

from __future__ import annotations

from typing import Annotated

import typer

from pyoutcome.cli.options import By, Engine, Folder, Json, Party, Periods, Records, Yes, open_workspace, read_records
from pyoutcome.cli.output import emit, progress


def add_to(app: typer.Typer) -> None:
    """Adds the verbs of this module."""
    app.command("measure", rich_help_panel="Evidence")(measure)
    app.command("bundle", rich_help_panel="Evidence")(bundle)
    app.command("verify", rich_help_panel="Evidence")(verify)
    app.command("report", rich_help_panel="Evidence")(report)
    app.command("settle", rich_help_panel="Evidence")(settle)
    app.command("default", rich_help_panel="Evidence")(default)


def measure(
    party: Party,
    period: Periods = None,
    records: Records = None,
    provable: Annotated[
        bool, typer.Option("--provable", help="Sign a root over the records too, so that `prove` can show single ones.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Write over another bundle that is there for the period.")
    ] = False,
    engine: Engine = None,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Measures a provider's KPIs from the raw records and signs an evidence bundle for each period.

    Measuring the same records again gives the same bundles; another bundle that is there already is not overwritten.

    Examples:
        pyoutcome measure --as UA --period 1
        pyoutcome measure --as UA --provable
        pyoutcome measure --as UA --records flights=/data/flights.csv
        pyoutcome measure --as UA --engine spark
    """
    from pyoutcome.cli import measured, show

    with progress(as_json) as advance, open_workspace(folder, progress=advance, engine=engine) as workspace:
        bundles = workspace.measure(party, period, read_records(records) or None, provable=provable, replace=replace)
        document = {
            "supplier": party,
            "bundles": [
                {
                    "period": bundle.period,
                    "digest": "0x" + bundle.digest().hex(),
                    "values": {value.name: show.exact(value.value) for value in bundle.values},
                    "roots": measured.roots(bundle),
                    "findings": [
                        {"code": each.code, "severity": each.severity, "rule": each.rule, "text": each.text}
                        for each in bundle.findings
                    ],
                }
                for bundle in bundles
            ],
        }
        agreement = workspace.agreement
    emit(document, as_json, lambda console: measured.bundles(console, agreement, party, bundles))


def bundle(
    file: Annotated[str, typer.Argument(help="The bundle, such as evidence/period-01.UA.json; or its address.")],
    as_json: Json = False,
) -> None:
    """Shows what an evidence bundle says and who signed it. Whether that is true only `verify` can tell.

    Examples:
        pyoutcome bundle evidence/period-01.UA.json
        pyoutcome bundle s3://bucket/deals/my/period-01.UA.json --json
    """
    from pyoutcome.cli import measured
    from pyoutcome.evidence.bundles.filing import read_bundle

    found = read_bundle(file)
    signer = found.signed_by()
    document = {**found.content_values(), "digest": "0x" + found.digest().hex(), "signed_by": signer}
    emit(document, as_json, lambda console: measured.bundle(console, found, signer))


def verify(
    party: Party,
    period: Periods = None,
    records: Records = None,
    supplier_records: Annotated[
        list[str] | None,
        typer.Option(
            "--supplier-records", help="NAME=FILE (or table) the supplier measured from, to name what differs."
        ),
    ] = None,
    engine: Engine = None,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Recomputes every value from the verifier's own raw records; signs a report only if all of them agree.

    Examples:
        pyoutcome verify --as V1 --period 1
        pyoutcome verify --as V1 --records flights=mine.csv --supplier-records flights=theirs.csv
    """
    from pyoutcome.cli import show

    with progress(as_json) as advance, open_workspace(folder, progress=advance, engine=engine) as workspace:
        reports = workspace.verify(party, period, read_records(records) or None, read_records(supplier_records) or None)
        document = {"verifier": party, "reports": [each.model_dump() for each in reports]}
        agreement = workspace.agreement
    emit(document, as_json, lambda console: show.reports(console, agreement, party, reports))


def report(
    period: Annotated[int, typer.Option("--period", "-p", min=1, help="The period to report.")],
    party: By = "client",
    folder: Folder = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Hands a period's verified report to the escrow. Anyone may.

    The escrow settles and pays in the same transaction, or, where reports can be challenged, after that window.

    Examples:
        pyoutcome report --period 1
        pyoutcome report --period 1 --as UA
    """
    from pyoutcome.cli import statements

    with open_workspace(folder, yes, quiet=as_json) as workspace:
        transaction = workspace.report(period, party)
        stated = workspace.statement(period)
        document = {"period": period, "transaction": transaction, **stated.to_dict()}
        emit(document, as_json, lambda console: statements.settled(console, workspace, stated, transaction))


def settle(
    period: Periods = None,
    party: By = "client",
    move_clock: Annotated[
        bool, typer.Option("--move-clock", help="On a local chain: go to each period's end instead of waiting.")
    ] = False,
    engine: Engine = None,
    folder: Folder = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Moves every period as far as it can go now: measures, verifies and reports with the keys that are here.

    Says for each period what it still waits for. A period that fails does not stop the others.

    Examples:
        pyoutcome settle
        pyoutcome settle --move-clock
    """
    from pyoutcome.cli import show

    with progress(as_json) as advance, open_workspace(folder, yes, advance, quiet=as_json, engine=engine) as workspace:
        outcomes = workspace.settle(period, party, move_clock=move_clock)
    document = {"periods": [outcome.to_dict() for outcome in outcomes]}
    emit(document, as_json, lambda console: show.outcomes(console, outcomes))
    if any(outcome.error is not None for outcome in outcomes):
        raise typer.Exit(1)


def default(
    period: Annotated[int, typer.Option("--period", "-p", min=1, help="The overdue period.")],
    party: By = "client",
    folder: Folder = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Proposes the default of a period whose evidence is overdue: every KPI's `if_missing`. Anyone may.

    Until its window ends a verified report replaces it; then `pyoutcome settle` settles it.

    Examples:
        pyoutcome default --period 1
    """
    from pyoutcome.cli import show

    with open_workspace(folder, yes, quiet=as_json) as workspace:
        transaction = workspace.propose_default(period, party)
        document = {"period": period, "transaction": transaction}
        emit(
            document,
            as_json,
            lambda console: show.facts(
                console, f"The default of period {period} is proposed", {"transaction": transaction}
            ),
        )
