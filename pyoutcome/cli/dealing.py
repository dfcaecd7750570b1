"""Verbs that make the deal: init, key, deploy, fund, clock, close."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pyoutcome.cli.options import By, Folder, Json, Records, Yes, ask_password, open_workspace, read_records
from pyoutcome.cli.output import emit, progress
from pyoutcome.errors import WorkspaceError


def add_to(app: typer.Typer) -> None:
    """Adds the verbs of this module."""
    app.command("init", rich_help_panel="Deal")(init)
    app.command("deploy", rich_help_panel="Deal")(deploy)
    app.command("fund", rich_help_panel="Deal")(fund)
    app.command("close", rich_help_panel="Deal")(close)
    app.command("clock", rich_help_panel="Deal")(clock)
    keys = typer.Typer(help="Keys and addresses of the parties.", no_args_is_help=True)
    keys.command("new")(new_key)
    keys.command("trust")(trust)
    app.add_typer(keys, name="key", rich_help_panel="Deal")


def init(
    folder: Annotated[Path, typer.Argument(help="The new workspace folder.")],
    agreement: Annotated[
        str, typer.Option("--agreement", "-a", help="An agreement file, or the name of an example.")
    ] = "punctual-arrivals",
    network: Annotated[
        str, typer.Option(help="`embedded`, a JSON-RPC URL, or env:NAME for a URL in an environment variable.")
    ] = "embedded",
    factory: Annotated[str | None, typer.Option(help="Address of the escrow factory (public networks).")] = None,
    token: Annotated[str | None, typer.Option(help="Address of the token (public networks).")] = None,
    records: Records = None,
    evidence: Annotated[
        str | None,
        typer.Option(
            "--evidence", help="Where bundles and proofs lie: a folder, or an address such as s3://bucket/path."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Makes a workspace: a folder for one agreement, with its records, keys and, by default, its own local chain.

    With an example's name the example's real records come along.

    Examples:
        pyoutcome init deal --agreement punctual-arrivals
        pyoutcome init deal --agreement my.yaml --records flights=flights.csv --network http://127.0.0.1:8545
        pyoutcome init deal --agreement my.yaml --evidence s3://bucket/deals/my
    """
    from pyoutcome.cli import show
    from pyoutcome.workspace import Workspace
    from pyoutcome.workspace.examples import find_example

    with progress(as_json) as advance:
        file, own_records = find_example(agreement)
        given = {**own_records, **_files(read_records(records))}
        workspace = Workspace.create(
            folder,
            file,
            network=network,
            factory=factory,
            token=token,
            records=given,
            evidence=evidence,
            progress=advance,
        )
    with workspace:
        document = {
            "workspace": str(folder),
            "agreement": workspace.agreement.id,
            "network": workspace.network.name,
            "chain_id": workspace.network.chain_id,
            "factory": workspace.desk.settings.factory,
            "token": workspace.desk.settings.token,
            "evidence": workspace.desk.evidence.where,
            "parties": workspace.parties.addresses,
        }
        emit(document, as_json, lambda console: show.made(console, workspace))


def _files(records: dict[str, list[str]]) -> dict[str, Path]:
    """One file or folder for each source, to be copied. WorkspaceError ``bad-records-option``."""
    for name, places in records.items():
        if len(places) > 1 or not (Path(places[0]).is_file() or Path(places[0]).is_dir()):
            raise WorkspaceError(
                "bad-records-option",
                f"{name}={places[-1]} does not name the one file or folder that is copied into the workspace.",
                "Name an existing file or folder; patterns, URLs and tables are named to `pyoutcome measure` instead.",
            )
    return {name: Path(places[0]) for name, places in records.items()}


def deploy(party: By = "client", folder: Folder = None, yes: Yes = False, as_json: Json = False) -> None:
    """Creates the escrow at the address everybody signed; refuses anything unsigned or altered since.

    Examples:
        pyoutcome deploy
        pyoutcome deploy --as UA --yes
    """
    from pyoutcome.cli import show

    with open_workspace(folder, yes, quiet=as_json) as workspace:
        made = workspace.deploy(party)
        emit(
            made.to_dict(),
            as_json,
            lambda console: show.facts(
                console,
                "The escrow stands",
                {
                    "address": made.escrow,
                    "terms hash": "0x" + made.terms_hash.hex(),
                    "transaction": made.transaction,
                    "gas": f"{made.gas_used:,}",
                },
            ),
        )


def fund(
    amount: Annotated[str, typer.Argument(help="Amount in the token's units, such as 18_720_000 or 99.50.")],
    party: By = "client",
    permit: Annotated[
        bool, typer.Option("--permit", help="Sign a permit (ERC-2612) instead of sending an approval first.")
    ] = False,
    folder: Folder = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Puts money into the escrow, and starts the agreement once everybody signed and the first reserve is covered.

    On a local chain the payer is given test tokens first.

    Examples:
        pyoutcome fund 18_720_000
        pyoutcome fund 1_560_000 --permit
    """
    from pyoutcome.cli import show

    with open_workspace(folder, yes, quiet=as_json) as workspace:
        funding = workspace.fund(amount, party, permit=permit)
        emit(funding.to_dict(), as_json, lambda console: show.funding(console, workspace, funding))


def close(party: By = "client", folder: Folder = None, yes: Yes = False, as_json: Json = False) -> None:
    """Closes the agreement: releases the holdback, pays what is owed, returns the rest to the client. Anyone may.

    Examples:
        pyoutcome close
    """
    from pyoutcome.cli import show

    with open_workspace(folder, yes, quiet=as_json) as workspace:
        transaction = workspace.close_agreement(party)
        document = {"transaction": transaction, **workspace.status().to_dict()}
        emit(document, as_json, lambda console: show.status(console, workspace, workspace.status()))


def clock(
    to: Annotated[
        str | None,
        typer.Option(
            "--to", help="A UTC time such as 2013-02-01T05:00, period:N for the end of period N, or holdback."
        ),
    ] = None,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Shows the chain's clock; on a local chain moves it forward.

    Examples:
        pyoutcome clock
        pyoutcome clock --to period:1
        pyoutcome clock --to 2013-02-01T05:00
    """
    with open_workspace(folder) as workspace:
        if to is not None:
            kind, _, number = to.partition(":")
            if kind == "period" and number.isdecimal():
                moment = workspace.agreement.period(int(number)).end
            elif to == "holdback":
                moment = workspace.desk.deal.arguments.holdback_release
            else:
                moment = _read_time(to)
            workspace.network.advance_to(moment)
        now = datetime.fromtimestamp(workspace.network.now(), UTC)
        emit({"clock": now.isoformat()}, as_json, lambda console: console.print(f"{now:%Y-%m-%d %H:%M:%S} UTC"))


def _read_time(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise WorkspaceError(
            "bad-time", f"{text!r} is not a time.", "Write a UTC time such as 2013-02-01T05:00, period:1 or holdback."
        ) from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def new_key(
    party: Annotated[str, typer.Argument(help="The party the key is for.")],
    keystore: Annotated[
        Path | None, typer.Option("--keystore", help="A file to put it into, instead of a workspace; needs no network.")
    ] = None,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Makes an encrypted key for a party in this workspace, or in a file; asks for a password.

    Examples:
        pyoutcome key new client
        pyoutcome key new UA --keystore UA.key.json
    """
    from pyoutcome.cli import show

    if keystore is not None:
        from pyoutcome.chain.keys import create_key_file

        address, file = str(create_key_file(keystore, party, ask_password(party)).address), str(keystore)
    else:
        with open_workspace(folder) as workspace:
            address, file = workspace.parties.create_key(party), f"keys/{party}.json"
    emit(
        {"party": party, "address": address},
        as_json,
        lambda console: show.facts(console, f"New key of {party}", {"address": address, "file": file}),
    )


def trust(
    party: Annotated[str, typer.Argument(help="The party.")],
    address: Annotated[str, typer.Argument(help="Its address, as the party itself told you.")],
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Records the address of another party, which signs elsewhere.

    Examples:
        pyoutcome key trust V1 0x90F79bf6EB2c4f870365E785982E1f101E93b906
    """
    from pyoutcome.cli import show

    with open_workspace(folder) as workspace:
        workspace.parties.trust(party, address)
        document = {"party": party, "address": address}
        emit(document, as_json, lambda console: show.facts(console, f"Recorded {party}", {"address": address}))
