"""Verbs for money between the periods: cancel, withdraw, pay, sync, payout, and evidence shown in time."""

from __future__ import annotations

from typing import Annotated

import typer

from pyoutcome.cli.options import By, Folder, Json, Party, Yes, open_workspace
from pyoutcome.cli.output import tell


def add_to(app: typer.Typer) -> None:
    """Adds the verbs of this module."""
    for verb in (cancel, withdraw, pay, sync, payout):
        app.command(verb.__name__, rich_help_panel="Money")(verb)
    app.command("show-evidence", rich_help_panel="Evidence")(show_evidence)


def cancel(party: By = "client", folder: Folder = None, yes: Yes = False, as_json: Json = False) -> None:
    """Ends an offer that was not activated in time: deposits go back to the client, bonds to who holds the place.

    Anyone may, from 30 days after the first signature on, while the agreement is not active.

    Examples:
        pyoutcome cancel
    """
    with open_workspace(folder, yes, quiet=as_json) as workspace:
        tell(workspace.cancel(party), as_json)


def withdraw(
    amount: Annotated[str, typer.Argument(help="Amount in the token's units, such as 99.50.")],
    party: By = "client",
    folder: Folder = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Takes out client funding that neither a started period nor the next one needs; the client alone may.

    Refused while a provider is owed anything.

    Examples:
        pyoutcome withdraw 50_000
    """
    with open_workspace(folder, yes, quiet=as_json) as workspace:
        tell(workspace.withdraw(amount, party), as_json)


def pay(party: By = "client", folder: Folder = None, yes: Yes = False, as_json: Json = False) -> None:
    """Pays what is owed to providers, oldest first, as far as the escrow's funds reach. Anyone may.

    `fund` does that by itself; this is for money that came another way, such as a debt or a lost stake.

    Examples:
        pyoutcome pay
    """
    with open_workspace(folder, yes, quiet=as_json) as workspace:
        tell(workspace.pay(party), as_json)


def sync(party: By = "client", folder: Folder = None, yes: Yes = False, as_json: Json = False) -> None:
    """Books money that came or went without an act of the escrow: a surplus becomes funding. Anyone may.

    Every other act does that first by itself.

    Examples:
        pyoutcome sync
    """
    with open_workspace(folder, yes, quiet=as_json) as workspace:
        tell(workspace.sync(party), as_json)


def payout(
    to: Annotated[str, typer.Argument(help="The address that is to be paid from now on.")],
    party: Party,
    folder: Folder = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Lets a provider's later payments go to another address; the provider alone may.

    Examples:
        pyoutcome payout 0x90F79bf6EB2c4f870365E785982E1f101E93b906 --as UA
    """
    with open_workspace(folder, yes, quiet=as_json) as workspace:
        tell(workspace.move_payout(party, to), as_json)


def show_evidence(
    period: Annotated[int, typer.Option("--period", "-p", min=1, help="The period.")],
    party: Party,
    folder: Folder = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Shows in time that a provider has its evidence: then a report without its values is no breach of it.

    Posts the digest of the bundle that `measure` signed, between the period's end and the day evidence is due.

    Examples:
        pyoutcome show-evidence --period 1 --as UA
    """
    with open_workspace(folder, yes, quiet=as_json) as workspace:
        tell(workspace.show_evidence(party, period), as_json)
