"""Verbs for when things go wrong: challenge, dispute, rule, agree, bond, assign, step-in, terminate, claim."""

from __future__ import annotations

from typing import Annotated

import typer

from pyoutcome.cli.options import By, Folder, Json, Party, Yes, open_workspace
from pyoutcome.cli.output import emit, tell

Period = Annotated[int, typer.Option("--period", "-p", min=1, help="The period.")]
Values = Annotated[
    list[str] | None,
    typer.Argument(help="NAME=VALUE for each KPI that is to differ from the report; VALUE may be `missing`."),
]
Submit = Annotated[bool, typer.Option("--submit", help="Hand in everybody's signatures instead of signing.")]
Provider = Annotated[str, typer.Argument(help="The provider whose place it is.")]


def add_to(app: typer.Typer) -> None:
    """Adds the verbs of this module."""
    for verb in (challenge, dispute, rule, agree, bond, assign, step_in, terminate, claim):
        app.command(verb.__name__.replace("_", "-"), rich_help_panel="Disputes and changes")(verb)


def challenge(
    period: Period, party: Party, values: Values = None, folder: Folder = None, yes: Yes = False, as_json: Json = False
) -> None:
    """Contests a report or default with values of one's own, inside its window; takes a stake.

    Examples:
        pyoutcome challenge --period 1 --as UA on_time.UA=93.5%
    """
    with open_workspace(folder, yes, quiet=as_json) as workspace:
        tell(workspace.challenge(period, values or [], party), as_json)


def dispute(
    period: Period, party: By = "client", folder: Folder = None, yes: Yes = False, as_json: Json = False
) -> None:
    """Opens the dispute of a challenged period after its window: pays what every version pays. Anyone may.

    When the arbitrator's time is over, has the report stand.

    Examples:
        pyoutcome dispute --period 1
    """
    with open_workspace(folder, yes, quiet=as_json) as workspace:
        tell(workspace.dispute(period, party), as_json)


def rule(
    period: Period,
    values: Values = None,
    choice: Annotated[int | None, typer.Option(min=0, help="Number of the version, if the arbitrator chooses.")] = None,
    refuse: Annotated[bool, typer.Option("--refuse", help="Let the report stand, if the arbitrator chooses.")] = False,
    party: By = "arbitrator",
    folder: Folder = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Decides a disputed period, as the arbitrator: values between those of the versions, or one of the versions.

    Examples:
        pyoutcome rule --period 1 on_time.UA=92%
        pyoutcome rule --period 1 --choice 1
    """
    with open_workspace(folder, yes, quiet=as_json) as workspace:
        if choice is not None or refuse:
            tell(workspace.choose(period, choice, party), as_json)
        else:
            tell(workspace.rule(period, values or [], party), as_json)


def agree(
    period: Period,
    party: Party,
    values: Values = None,
    submit: Submit = False,
    folder: Folder = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Signs values on which the client and the period's providers settle it; with --submit, settles it.

    Examples:
        pyoutcome agree --period 1 --as client on_time.UA=92%
        pyoutcome agree --period 1 --as UA
        pyoutcome agree --period 1 --as client --submit
    """
    with open_workspace(folder, yes, quiet=as_json) as workspace:
        tell(workspace.agree(period, party, values or [], submit=submit), as_json)


def bond(
    provider: Provider,
    party: Annotated[str | None, typer.Option("--as", help="Who pays it; the provider by default.")] = None,
    folder: Folder = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Deposits what is missing of a provider's bond; starts the agreement if that was all it waited for.

    Examples:
        pyoutcome bond UA
    """
    from pyoutcome.cli import show

    with open_workspace(folder, yes, quiet=as_json) as workspace:
        funding = workspace.bond(provider, party)
        emit(funding.to_dict(), as_json, lambda console: show.funding(console, workspace, funding))


def assign(
    provider: Provider,
    party: Party,
    submit: Submit = False,
    folder: Folder = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Gives a provider's place to `successor-PROVIDER` from the next period on: client, holder and successor sign.

    Examples:
        pyoutcome assign UA --as client
        pyoutcome assign UA --as successor-UA --submit
    """
    with open_workspace(folder, yes, quiet=as_json) as workspace:
        tell(workspace.assign(provider, party, submit=submit), as_json)


def step_in(
    provider: Provider, party: By = "client", folder: Folder = None, yes: Yes = False, as_json: Json = False
) -> None:
    """Calls a provider's backup, as the client, after as many breaches in a row as the agreement says.

    Examples:
        pyoutcome step-in UA
    """
    with open_workspace(folder, yes, quiet=as_json) as workspace:
        tell(workspace.step_in(provider, party), as_json)


def terminate(
    party: Party,
    mutual: Annotated[bool, typer.Option("--mutual", help="Sign that it ends after the current period.")] = False,
    submit: Submit = False,
    breaches_of: Annotated[str | None, typer.Option(help="For this provider's breaches in a row.")] = None,
    uncovered: Annotated[bool, typer.Option("--uncovered", help="Because the reserve stays uncovered.")] = False,
    finding: Annotated[str | None, typer.Option(help="The cause that the arbitrator finds, in words.")] = None,
    against: Annotated[str | None, typer.Option(help="The party the arbitrator finds against.")] = None,
    folder: Folder = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Ends the agreement early: by notice, together (--mutual), or for a cause. What has started is finished and paid.

    Examples:
        pyoutcome terminate --as client
        pyoutcome terminate --as UA --mutual
        pyoutcome terminate --as client --breaches-of UA
    """
    with open_workspace(folder, yes, quiet=as_json) as workspace:
        step = workspace.terminate(
            party, mutual=mutual, submit=submit, breaches_of=breaches_of, uncovered=uncovered, finding=finding,
            against=against,
        )  # fmt: skip
        tell(step, as_json)


def claim(
    party: Party,
    to: Annotated[str | None, typer.Option("--to", help="Where the money goes; the party's own address.")] = None,
    early: Annotated[
        bool, typer.Option("--early", help="While money is lost: take the covered share and give up the rest.")
    ] = False,
    folder: Folder = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Fetches what could not be pushed to a party.

    Examples:
        pyoutcome claim --as UA
    """
    with open_workspace(folder, yes, quiet=as_json) as workspace:
        tell(workspace.claim(party, to, early=early), as_json)
