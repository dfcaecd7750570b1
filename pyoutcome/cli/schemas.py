"""The verb `schema`: what files look like, for editors, validators and the Accord Project's tools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from pyoutcome.cli.options import Json
from pyoutcome.cli.output import emit


def add_to(app: typer.Typer) -> None:
    """Adds the verbs of this module."""
    app.command("schema", rich_help_panel="Agreement")(schema)


def schema(
    of: Annotated[
        str,
        typer.Option(
            "--of",
            help="file: the agreement file; terms: its canonical form, which is hashed; bundle: evidence; report: a "
            "signed report.",
        ),
    ] = "file",
    language: Annotated[
        str, typer.Option("--as", help="json-schema, or of terms concerto (the Accord Project's models).")
    ] = "json-schema",
    instance: Annotated[
        Path | None,
        typer.Option("--instance", help="An agreement file: write its terms in that form instead of the schema."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The file to write; by default the screen.")] = None,
    as_json: Json = False,
) -> None:
    """Writes the JSON Schema of a file, with which editors complete and check it, or the Concerto model of the terms.

    Examples:
        pyoutcome schema --out agreement.schema.json
        pyoutcome schema --of terms --as concerto --out terms.cto
        pyoutcome schema --of terms --as concerto --instance agreement.yaml --out terms.json
        pyoutcome schema --of bundle --json
    """
    from pyoutcome.workspace.schemas import save, write_instance, write_schema

    if instance is None:
        text = write_schema(of, language)
    else:
        from pyoutcome.cli.agreements import load

        text = write_instance(load(instance), of, language)
    if out is not None:
        save(text, out)
        emit({"file": str(out)}, as_json, lambda console: console.print(f"Written: {out}"))
    elif as_json:
        emit({"model": text} if language == "concerto" and instance is None else json.loads(text), True, print)
    else:
        typer.echo(text, nl=False)
