"""The verb `document`: the whole agreement on paper."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyoutcome.cli.options import Folder, Json, open_workspace
from pyoutcome.cli.output import emit

if TYPE_CHECKING:
    from rich.console import Console

    from pyoutcome.legal.document import AmendedTerms, SignedTerms


def add_to(app: typer.Typer) -> None:
    """Adds the verbs of this module."""
    app.command("document", rich_help_panel="Agreement")(document)


def document(
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write: .md, .html, .docx or .pdf.")],
    file: Annotated[
        Path | None,
        typer.Argument(
            help="An agreement file; without it that of the workspace you are in, with its escrow and signatures.",
            show_default=False,
        ),
    ] = None,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Writes the whole agreement as a document: parties, KPIs, prices, worked examples, escrow, law, signatures.

    The same agreement gives the same bytes. Of a workspace it is the text in force, with a list of the amendments:
    since when each governs, what it changed, and who signed it.

    Examples:
        pyoutcome document agreement.yaml --out agreement.pdf
        pyoutcome document --out signed.docx
    """
    from pyoutcome.legal.document import make_document, write_document
    from pyoutcome.terms.agreement import Agreement

    amendments: list[str] = []
    signed: SignedTerms | None = None
    amended: tuple[AmendedTerms, ...] = ()
    if file is not None:
        agreement = Agreement.load(file)
    else:
        from pyoutcome.workspace.documenting import amended_terms, signed_terms

        with open_workspace(folder) as workspace:
            agreement, signed, amended = (
                workspace.agreement,
                signed_terms(workspace.desk),
                amended_terms(workspace.desk),
            )
            files = workspace.files
            amendments = [files.name(files.amendment(number)) for number in files.amendments()]
    size = write_document(make_document(agreement, signed, amended), out)
    latest = next((each for each in reversed(amended) if each.accepted), None)
    if latest is not None:
        agreement, signed = latest.agreement, latest.terms
    emit(
        {
            "file": str(out),
            "bytes": size,
            "agreement": agreement.id,
            "digest": "0x" + agreement.digest().hex(),
            "terms_hash": None if signed is None else "0x" + signed.terms_hash.hex(),
            "escrow": None if signed is None else signed.escrow,
            "amendment": None if latest is None else latest.number,
            "amendments": amendments,
        },
        as_json,
        lambda console: _say(console, f"{out}, {size:,} bytes", amendments, latest),
    )


def _say(console: Console, written: str, amendments: list[str], latest: AmendedTerms | None) -> None:
    console.print(f"Written: {written}")
    if latest is not None:
        console.print(
            f"It is the agreement as amended: amendment {latest.number} governs from period "
            f"{latest.message.first_period} on."
        )
    elif amendments:
        listed = ", ".join(amendments)
        console.print(f"It is the agreement as first signed: no amendment is in force. Proposed: {listed}")
