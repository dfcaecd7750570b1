"""The verb `document`: the whole agreement on paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pyoutcome.cli.options import Folder, Json, open_workspace
from pyoutcome.cli.output import emit


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

    The same agreement gives the same bytes.

    Examples:
        pyoutcome document agreement.yaml --out agreement.pdf
        pyoutcome document --out signed.docx
    """
    from pyoutcome.legal.document import make_document, write_document
    from pyoutcome.terms.agreement import Agreement

    if file is not None:
        agreement, signed = Agreement.load(file), None
    else:
        from pyoutcome.workspace.documenting import signed_terms

        with open_workspace(folder) as workspace:
            agreement, signed = workspace.agreement, signed_terms(workspace.desk)
    size = write_document(make_document(agreement, signed), out)
    emit(
        {
            "file": str(out),
            "bytes": size,
            "agreement": agreement.id,
            "digest": "0x" + agreement.digest().hex(),
            "terms_hash": None if signed is None else "0x" + signed.terms_hash.hex(),
            "escrow": None if signed is None else signed.escrow,
        },
        as_json,
        lambda console: console.print(f"Written: {out}, {size:,} bytes"),
    )
