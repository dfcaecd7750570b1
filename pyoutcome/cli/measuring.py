"""Verbs around measures: the KPI library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pyoutcome.cli.options import Json
from pyoutcome.cli.output import emit

if TYPE_CHECKING:
    from rich.console import Console


def add_to(app: typer.Typer) -> None:
    """Adds the verbs of this module."""
    app.command("kpis", rich_help_panel="Agreement")(kpis)


def kpis(
    name: Annotated[str | None, typer.Argument(help="The KPI to show, ready to paste into an agreement file.")] = None,
    area: Annotated[str | None, typer.Option("--area", help="List those of one area only, such as delivery.")] = None,
    as_json: Json = False,
) -> None:
    """Lists ready KPIs with the standards they follow, or shows one ready to paste, with a sample and its value.

    Examples:
        pyoutcome kpis
        pyoutcome kpis --area delivery
        pyoutcome kpis perfect_order
    """
    from pyoutcome.cli import show
    from pyoutcome.evidence.kpi_library import list_kpis

    if name is None:
        found = list_kpis(area)
        document = {"kpis": [kpi.to_dict() for kpi in found]}
        emit(document, as_json, lambda console: show.library(console, found))
        return
    from pyoutcome.evidence.kpi_library import find_kpi

    kpi = find_kpi(name)

    def draw(console: Console) -> None:
        console.print(kpi.paste(), markup=False, end="", soft_wrap=True)

    emit(kpi.to_dict() | {"text": kpi.text, "sample": dict(kpi.sample), "worked": kpi.worked}, as_json, draw)
