"""Verbs of the offer and its signatures: offer, sign. Both travel as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyoutcome.cli.options import Folder, Json, ask_password, open_workspace
from pyoutcome.cli.output import emit
from pyoutcome.errors import PyoutcomeError, WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from pyoutcome.chain.deal import Deal
    from pyoutcome.terms.agreement import Agreement
    from pyoutcome.workspace.settings import Offer, TermsSignature
    from pyoutcome.workspace.signing import Offered, Signing


def add_to(app: typer.Typer) -> None:
    """Adds the verbs of this module."""
    app.command("offer", rich_help_panel="Deal")(offer)
    app.command("sign", rich_help_panel="Deal")(sign)


def offer(
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write it here, to be sent to those who sign.")
    ] = None,
    take: Annotated[
        Path | None, typer.Option("--take", help="Take in the offer that another party sent, after checking it.")
    ] = None,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Makes the offer that everybody signs, once every party's address is known, or takes in another party's.

    With the agreement file it is all that somebody needs to check and sign, without network or workspace.

    Examples:
        pyoutcome offer --out deal.offer.json
        pyoutcome offer --take deal.offer.json
    """
    from pyoutcome.cli import show

    with open_workspace(folder) as workspace:
        made = workspace.take_offer(take) if take is not None else workspace.offer()
        if out is not None:
            workspace.offer(out)
    emit(
        made.model_dump(),
        as_json,
        lambda console: show.facts(console, "The offer", {**_facts(made), "file": str(out or "offer.json")}),
    )


def sign(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            help="With --offer the agreement file first; with --take and --check, signature files.", show_default=False
        ),
    ] = None,
    party: Annotated[
        str | None, typer.Option("--as", help="The party that signs: client, a provider or a backup.")
    ] = None,
    offer_file: Annotated[
        Path | None, typer.Option("--offer", help="An offer file: sign or check without workspace and network.")
    ] = None,
    keystore: Annotated[Path | None, typer.Option("--keystore", help="The party's key file, with --offer.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Where the signature goes, with --offer; PARTY.signature.json.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Say who has signed, checking every signature; sign nothing.")
    ] = False,
    take: Annotated[bool, typer.Option("--take", help="Take in signature files that other parties sent.")] = False,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Signs the terms: the agreement's digest, its program and every deployed argument. Signatures are files.

    With --offer everything is worked out anew from the agreement file before it is signed, and nothing is sent.
    --check ends with status 1 while a signature is missing or wrong.

    Examples:
        pyoutcome sign --as client
        pyoutcome sign agreement.yaml --offer deal.offer.json --as UA --keystore UA.key.json --out UA.signature.json
        pyoutcome sign --take UA.signature.json B6.signature.json
        pyoutcome sign --check
        pyoutcome sign --check agreement.yaml UA.signature.json --offer deal.offer.json
    """
    given = list(files or [])
    if check:
        _check(given, offer_file, folder, as_json)
    elif take:
        _take(given, folder, as_json)
    elif party is None:
        raise _unclear("Nobody is named who is to sign.")
    elif offer_file is not None:
        _sign_offered(given, offer_file, party, keystore, out or Path(f"{party}.signature.json"), as_json)
    elif given or keystore is not None or out is not None:
        raise _unclear("Files are named without an offer to sign.")
    else:
        from pyoutcome.workspace.signing import signing_parties

        with open_workspace(folder) as workspace:
            if not as_json and party in signing_parties(workspace.agreement):
                workspace.offer()
                _say_bound(workspace.agreement, workspace.desk.deal, party)
            signature = workspace.sign(party)
        _tell(signature, f"signatures/{party}.json", as_json)


def _sign_offered(
    files: Sequence[Path], offer_file: Path, party: str, keystore: Path | None, out: Path, as_json: bool
) -> None:
    if len(files) != 1 or keystore is None:
        raise _unclear("To sign an offer, its agreement file and the party's key file are needed.")
    from pyoutcome.chain.keys import unlock_file
    from pyoutcome.workspace.signing import write_signature

    offered = _offered(files[0], offer_file)
    offered.signing.require(party)
    if not as_json:
        emit({}, False, lambda console: _show_offered(console, offered))
        _say_bound(offered.agreement, offered.deal, party)
    signature = offered.signing.sign(party, unlock_file(keystore, party, ask_password(party)))
    write_signature(out, signature)
    _tell(signature, str(out), as_json)


def _offered(agreement: Path, offer_file: Path) -> Offered:
    from pyoutcome.terms.agreement import Agreement
    from pyoutcome.workspace.signing import check_offer, read_offer

    return check_offer(Agreement.load(agreement), read_offer(offer_file), str(offer_file))


def _take(files: Sequence[Path], folder: Path | None, as_json: bool) -> None:
    if not files:
        raise _unclear("No signature file is named.")
    with open_workspace(folder) as workspace:
        taken = workspace.take_signatures(files)
        missing = workspace.missing_signatures()
    from pyoutcome.cli import show

    document = {"taken": [each.model_dump() for each in taken], "missing": list(missing)}
    said = {"taken in": ", ".join(each.party for each in taken), "still to sign": ", ".join(missing) or "nobody"}
    emit(document, as_json, lambda console: show.facts(console, "Signatures", said))


def _check(files: list[Path], offer_file: Path | None, folder: Path | None, as_json: bool) -> None:
    from pyoutcome.workspace.signing import signing_of

    if offer_file is not None:
        if not files:
            raise _unclear("To check signatures of an offer, its agreement file is needed.")
        told = _judge(_offered(files[0], offer_file).signing, files[1:])
    else:
        with open_workspace(folder) as workspace:
            signing = signing_of(workspace.desk)
            stored = (workspace.files.signature(party) for party in signing.addresses)
            told = _judge(signing, files or [path for path in stored if path.exists()])
    from pyoutcome.cli import show

    signatures, good = told
    document = {"signed_by_all": good, "signatures": signatures}
    rows: dict[str, str] = {}
    for each in signatures:
        rows.setdefault(str(each["party"]), str(each["why"] or each["state"]))
    emit(document, as_json, lambda console: show.facts(console, "Signatures over the terms", rows))
    if not good:
        raise typer.Exit(1)


def _judge(signing: Signing, files: Sequence[Path]) -> tuple[list[dict[str, object]], bool]:
    """What each file is, then who is missing; and whether all have signed and no file is wrong."""
    from pyoutcome.workspace.signing import read_signature

    found: list[dict[str, object]] = []
    signed: set[str] = set()
    for file in files:
        name = file.name
        try:
            stored = read_signature(file)
            name = stored.party
            signing.check(stored)
        except PyoutcomeError as error:
            found.append({"party": name, "file": str(file), "state": "refused", "code": error.code, "why": error.why})
        else:
            signed.add(name)
            found.append({"party": name, "file": str(file), "state": "signed", "code": None, "why": None})
    missing = [party for party in signing.addresses if party not in signed]
    refused = any(each["code"] for each in found)
    found += [{"party": party, "file": None, "state": "missing", "code": None, "why": None} for party in missing]
    return found, not missing and not refused


def _show_offered(console: Console, offered: Offered) -> None:
    """What is about to be signed: the parties' addresses are for the signer to compare."""
    from pyoutcome.cli import show

    signing = offered.signing
    show.facts(
        console,
        f"{offered.agreement.title}, as offered",
        {
            "chain": str(signing.chain_id),
            "factory": signing.factory,
            "escrow": signing.escrow,
            "token": offered.deal.arguments.token,
            "start by": show.clock(offered.deal.arguments.activate_by),
            **offered.addresses,
        },
    )


def _say_bound(agreement: Agreement, deal: Deal, party: str) -> None:
    """What the signature binds its party to, said before it is made."""
    from pyoutcome.cli import show
    from pyoutcome.workspace.commitment import commitment

    told = commitment(agreement, deal.arguments, party)
    emit({}, False, lambda console: show.facts(console, f"What {party} signs", told))


def _facts(made: Offer) -> dict[str, str]:
    return {
        "chain": str(made.chain_id),
        "factory": made.factory,
        "escrow": made.escrow,
        "terms hash": made.terms_hash,
    }


def _tell(signature: TermsSignature, file: str, as_json: bool) -> None:
    from pyoutcome.cli import show

    said = {"terms hash": signature.terms_hash, "signed by": signature.signer, "file": file}
    emit(
        signature.model_dump(),
        as_json,
        lambda console: show.facts(console, f"{signature.party} has signed the terms", said),
    )


def _unclear(why: str) -> WorkspaceError:
    return WorkspaceError(
        "bad-signing",
        why,
        "Sign in a workspace with --as PARTY, elsewhere with AGREEMENT --offer FILE --as PARTY --keystore FILE; "
        "`pyoutcome sign --help` shows the ways.",
    )
