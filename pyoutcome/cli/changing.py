"""Verbs for other rules, and for many at once: amend, batch."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyoutcome.cli.options import By, Folder, Json, Party, Periods, Yes, open_workspace
from pyoutcome.cli.output import emit

if TYPE_CHECKING:
    from rich.console import Console

    from pyoutcome.workspace.amending import Amending
    from pyoutcome.workspace.batching import Batch

_DAY = 24 * 3600


def add_to(app: typer.Typer) -> None:
    """Adds the verbs of this module."""
    app.command("amend", rich_help_panel="Disputes and changes")(amend)
    app.command("batch", rich_help_panel="Evidence")(batch)


def amend(
    party: Party,
    file: Annotated[
        Path | None, typer.Argument(help="The agreement file as it is to be; without it the open proposal is meant.")
    ] = None,
    first: Annotated[
        int | None, typer.Option("--from", min=1, help="The first period it governs; by default the next to start.")
    ] = None,
    within: Annotated[int, typer.Option(min=1, help="Days in which it can be handed in.")] = 14,
    anew: Annotated[
        bool, typer.Option("--anew", help="Sums and counts carried from period to period start anew.")
    ] = False,
    arbitrator: Annotated[str, typer.Option(help="Who arbitrates then, such as successor-arbitrator.")] = "arbitrator",
    submit: Annotated[
        bool, typer.Option("--submit", help="Hand in everybody's signatures instead of signing.")
    ] = False,
    folder: Folder = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Changes the rules for later periods: shows every change, and what a period can cost before and after; signs it.

    Client and every holder of those periods sign; the two files of amendments/ and those of acts/ travel between them.

    Examples:
        pyoutcome amend cheaper.yaml --from 4 --as client
        pyoutcome amend --as UA
        pyoutcome amend --as client --submit
    """
    with open_workspace(folder, yes, quiet=as_json) as workspace:
        done = workspace.amend(
            party, file, first, anew=anew, within=within * _DAY, arbitrator=arbitrator, submit=submit
        )
        emit(done.to_dict(), as_json, lambda console: _tell_amending(console, done))


def batch(
    folders: Annotated[
        list[Path] | None, typer.Argument(help="Workspaces on one network; by default the one you are in.")
    ] = None,
    period: Periods = None,
    create: Annotated[
        bool, typer.Option("--create", help="Create the escrows that everybody signed, instead.")
    ] = False,
    settle: Annotated[
        bool, typer.Option("--settle", help="Settle periods whose challenge or default window is over, instead.")
    ] = False,
    contract: Annotated[
        str | None, typer.Option(help="Address of the network's batch contract; without any a new one is deployed.")
    ] = None,
    party: By = "client",
    folder: Folder = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Hands in many signed reports, of several periods and workspaces, in one transaction; or settles many periods
    after their windows; or creates many escrows.

    One that is refused fails alone and is named with its reason; then the exit status is 1.

    Examples:
        pyoutcome batch
        pyoutcome batch --period 1 --period 2
        pyoutcome batch deals/north deals/south --as client
        pyoutcome batch deals/north deals/south --settle
        pyoutcome batch deals/north deals/south --create
    """
    from pyoutcome.workspace import create_many, report_many, settle_many

    if create and settle:
        raise typer.BadParameter("Create escrows or settle periods: one of both.", param_hint="--settle")

    with ExitStack() as stack:
        places: list[Path | None] = [*folders] if folders else [folder]
        workspaces = [stack.enter_context(open_workspace(each, yes, quiet=as_json)) for each in places]
        desks = [workspace.desk for workspace in workspaces]
        hand_in = settle_many if settle else report_many
        done = create_many(desks, party) if create else hand_in(desks, period, party, contract)
        emit(done.to_dict(), as_json, lambda console: _tell_batch(console, done))
    if any(item.error is not None for item in done.items):
        raise typer.Exit(1)


def _tell_amending(console: Console, done: Amending) -> None:
    from pyoutcome.cli import show
    from pyoutcome.cli.drawing import draw
    from pyoutcome.legal.comparison.report import make_report

    if done.comparison is not None:
        draw(console, make_report(done.comparison))
    console.print()
    pairs = {"transaction": done.transaction} if done.transaction else {}
    if done.missing:
        pairs["still to sign"] = ", ".join(done.missing)
    elif done.transaction is None:
        pairs["next"] = "everybody has signed: hand it in with --submit"
    if done.transaction is None:
        pairs["until"] = show.clock(done.deadline)
    if done.lapsing:
        pairs["lapsing"] = f"{', '.join(done.lapsing)} can no longer be called unless it signs as well"
    show.facts(console, done.did, pairs)


def _tell_batch(console: Console, done: Batch) -> None:
    from rich.markup import escape

    from pyoutcome.cli import show

    rows = show.table("In one transaction", "workspace", "period", "state", "why", right=("period",))
    for item in done.items:
        error = item.error
        why = "" if error is None else f"{error.why} [{error.code}] {error.fix}"
        period = "" if item.period is None else str(item.period)
        rows.add_row(escape(item.workspace), period, "done" if error is None else "refused", escape(why))
    console.print(rows)
    if not done.items:
        console.print("Nothing is ready: `pyoutcome status` says what each period waits for.")
    if done.transaction is not None:
        show.facts(console, "\nHanded in", {"transaction": done.transaction, "gas": f"{done.gas_used:,}"})
