"""Verbs around measures: the KPI library, OpenSLO files."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyoutcome.cli.options import Json
from pyoutcome.cli.output import emit

if TYPE_CHECKING:
    from rich.console import Console

    from pyoutcome.evidence.openslo import Unexpressed


def add_to(app: typer.Typer) -> None:
    """Adds the verbs of this module."""
    app.command("kpis", rich_help_panel="Agreement")(kpis)
    openslo = typer.Typer(help="Service level objectives of OpenSLO v1, there and back.", no_args_is_help=True)
    openslo.command("import")(import_)
    openslo.command("export")(export)
    app.add_typer(openslo, name="openslo", rich_help_panel="Agreement")


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
    from pyoutcome.cli import measured
    from pyoutcome.evidence.kpi_library import list_kpis

    if name is None:
        found = list_kpis(area)
        document = {"kpis": [kpi.to_dict() for kpi in found]}
        emit(document, as_json, lambda console: measured.library(console, found))
        return
    from pyoutcome.evidence.kpi_library import find_kpi

    kpi = find_kpi(name)

    def draw(console: Console) -> None:
        console.print(kpi.paste(), markup=False, end="", soft_wrap=True)

    emit(kpi.to_dict() | {"text": kpi.text, "sample": dict(kpi.sample), "worked": kpi.worked}, as_json, draw)


def import_(
    file: Annotated[Path, typer.Argument(help="The OpenSLO v1 file.")],
    as_json: Json = False,
) -> None:
    """Turns service level objectives into KPIs, records and terms of an agreement, ready to paste.

    What an agreement cannot say is listed with its place.

    Examples:
        pyoutcome openslo import slo.yaml
        pyoutcome openslo import slo.yaml > kpis.yaml
    """
    from pyoutcome.evidence.openslo import import_openslo
    from pyoutcome.evidence.openslo.documents import read_openslo_file

    made = import_openslo(read_openslo_file(file), str(file))
    document = {"sections": made.sections, "text": made.text(), "unexpressed": _listed(made.unexpressed)}

    def draw(console: Console) -> None:
        del console
        sys.stdout.write(made.text())

    emit(document, as_json, draw)


def export(
    agreement: Annotated[Path, typer.Argument(help="The agreement file.")],
    as_json: Json = False,
) -> None:
    """Writes an agreement's measured KPIs as OpenSLO v1: shares with a target as SLOs, all others as SLIs.

    The target of the KPI x is x_target under terms. What OpenSLO cannot say is listed on stderr.

    Examples:
        pyoutcome openslo export agreement.yaml
        pyoutcome openslo export agreement.yaml > slo.yaml
    """
    from pyoutcome.evidence.openslo import export_openslo
    from pyoutcome.terms.agreement import Agreement

    made = export_openslo(Agreement.load(agreement))

    def draw(console: Console) -> None:
        del console
        sys.stdout.write(made.text)
        for each in made.unexpressed:
            typer.echo(f"not expressed: {each}", err=True)

    emit({"text": made.text, "unexpressed": _listed(made.unexpressed)}, as_json, draw)


def _listed(unexpressed: Sequence[Unexpressed]) -> list[dict[str, str]]:
    return [{"where": each.where, "why": each.why} for each in unexpressed]
