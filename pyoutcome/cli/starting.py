"""The verb `new`: an agreement of one's own from a ready one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyoutcome.cli.options import Json
from pyoutcome.cli.output import emit
from pyoutcome.errors import WorkspaceError

if TYPE_CHECKING:
    from rich.console import Console

    from pyoutcome.workspace.filling import NewAgreement
    from pyoutcome.workspace.ready import ReadyAgreement

WIDE = 100
"""Columns from which the list has room to say when each agreement is to be used."""


def add_to(app: typer.Typer) -> None:
    """Adds the verbs of this module."""
    app.command("new", rich_help_panel="Start here")(new)


def new(
    name: Annotated[
        str | None, typer.Argument(help="A ready agreement; without --out it is told, not written.", show_default=False)
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the ready agreements.")] = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The new agreement file.")] = None,
    values: Annotated[
        list[str] | None, typer.Option("--set", help="PARAMETER=VALUE; may be given several times.")
    ] = None,
    with_records: Annotated[
        bool, typer.Option("--with-records", help="Copy the sample records into records/ beside the file.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Starts an agreement of your own from a ready one: sets parameters, keeps every comment, checks, and writes.

    Examples:
        pyoutcome new --list
        pyoutcome new customer-support
        pyoutcome new customer-support --out agreement.yaml --set monthly_fee=40_000 --with-records
    """
    from pyoutcome.workspace.filling import write_new
    from pyoutcome.workspace.ready import find_ready, list_ready

    if listed or name is None:
        found = list_ready()
        document = {"agreements": [each.to_dict() for each in found]}
        emit(document, as_json, lambda console: _list(console, found))
        return
    ready = find_ready(name)
    settings = _read_settings(values or [])
    if out is None:
        if settings or with_records:
            raise WorkspaceError(
                "no-file-named",
                "Values were set, and no file is named to write them to.",
                "Add --out agreement.yaml.",
            )
        emit(ready.to_dict(), as_json, lambda console: _tell(console, ready))
        return
    written = write_new(ready, out, settings, with_records=with_records)
    emit(written.to_dict(), as_json, lambda console: _written(console, ready, written))


def _read_settings(options: list[str]) -> dict[str, str]:
    """``PARAMETER=VALUE`` options by name. WorkspaceError ``bad-value-option``."""
    found: dict[str, str] = {}
    for each in options:
        name, equals, value = each.partition("=")
        if not equals or name in found:
            raise WorkspaceError(
                "bad-value-option",
                f"{each!r} is not of the form PARAMETER=VALUE, or the parameter is set twice.",
                "Write each parameter once, such as --set monthly_fee=40_000.",
            )
        found[name] = value
    return found


def _list(console: Console, found: list[ReadyAgreement]) -> None:
    from rich.markup import escape

    from pyoutcome.cli import show

    wide = console.width >= WIDE
    rows = show.table("Ready agreements", "name", "what it is", "sample records", *["use it when"] * wide)
    for each in found:
        about = each.about
        row = (each.name, escape(about.title), about.origin, escape(about.use_when[0]))
        rows.add_row(*row[: len(rows.columns)])
    rows.columns[0].no_wrap = True
    console.print(rows)
    console.print("\nMore about one: pyoutcome new NAME; see it run: pyoutcome demo NAME", soft_wrap=True)


def _tell(console: Console, ready: ReadyAgreement) -> None:
    from rich.markup import escape
    from rich.table import Table

    from pyoutcome.cli import show

    about = ready.about
    console.print(f"[bold]{escape(about.title)}[/] ({escape(about.field)})\n\n{escape(about.purpose)}")
    told = {"Use it when": about.use_when, "Not when": about.not_when, "What it follows": about.practice}
    for title, sentences in told.items():
        console.print(f"\n[bold]{title}[/]")
        points = Table.grid(padding=(0, 1))
        for each in sentences:
            points.add_row("  -", escape(each))
        console.print(points)
    rows = show.table("\nParameters", "parameter", "meaning", "default", "sensible values", right=("default",))
    for name, parameter in about.parameters.items():
        sensible = f"{parameter.range[0]} to {parameter.range[1]}" if parameter.range else "any name"
        rows.add_row(name, escape(parameter.words), escape(ready.default(name)), escape(sensible))
    console.print(rows)
    sources = show.table("\nSample records", "source", "from", "columns", "what")
    for name, sample in about.records.items():
        origin = f"synthetic, seed {sample.seed}" if sample.synthetic else "real"
        sources.add_row(name, origin, escape(", ".join(ready.columns(name))), escape(sample.words))
    console.print(sources)
    for name, sample in about.records.items():
        if not sample.synthetic:
            console.print(f"{name}: {escape(f'{sample.source}; {sample.licence}')}", soft_wrap=True)
    if about.accepts:
        warnings = show.table("\nWarnings of `check` that are meant", "warning", "why it stays")
        for code, reason in about.accepts.items():
            warnings.add_row(code, escape(reason))
        console.print(warnings)
    console.print(f"\nMake it your own: pyoutcome new {ready.name} --out agreement.yaml", soft_wrap=True)


def _written(console: Console, ready: ReadyAgreement, written: NewAgreement) -> None:
    from pyoutcome.cli import show

    facts = {"from": ready.name, "file": str(written.file)}
    facts |= {f"set {name}": f"{new} (was {old})" for name, (old, new) in written.changed.items()}
    facts |= {f"records {name}": str(path) for name, path in written.records.items()}
    facts |= {f"licence {path.stem}": str(path) for path in written.notices}
    facts["check"] = ", ".join(f"{each.severity} {each.code}" for each in written.findings) or "nothing to report"
    show.facts(console, "A new agreement", facts)
    given = "".join(f" --records {name}={path}" for name, path in written.records.items())
    console.print("\nNext:", soft_wrap=True)
    for step in (
        f"edit {written.file}: names, dates, prices; its comments say what each is",
        f"pyoutcome check {written.file}",
        f"pyoutcome explain {written.file}",
        f"pyoutcome init deal --agreement {written.file}{given}",
    ):
        console.print(f"  {step}", soft_wrap=True, markup=False)
