"""The verb `demo`: the whole story on real records, from the agreement file to the audit."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyoutcome.cli.options import Json
from pyoutcome.cli.output import emit
from pyoutcome.decimals import show_money
from pyoutcome.errors import WorkspaceError

if TYPE_CHECKING:
    from rich.console import Console

    from pyoutcome.audit import AuditReport
    from pyoutcome.workspace import Workspace
    from pyoutcome.workspace.books import StatedPeriod

EXAMPLE = "punctual-arrivals"
MARK = "demo.txt"
"""Says that a folder was made by the demo and may be replaced by it."""


def add_to(app: typer.Typer) -> None:
    """Adds the verbs of this module."""
    app.command("demo", rich_help_panel="Start here")(demo)


class Stopwatch:
    """Seconds of each part of the story."""

    def __init__(self, quiet: bool) -> None:
        self.began = time.monotonic()
        self.parts: dict[str, float] = {}
        self._quiet = quiet

    @contextmanager
    def part(self, what: str) -> Iterator[None]:
        """Times one part and says when it is done."""
        start = time.monotonic()
        yield
        self.parts[what] = time.monotonic() - start
        if not self._quiet:
            typer.echo(f"{self.total:5.1f} s  {what}")

    @property
    def total(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self.began


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the demo's workspace; a former demo there is replaced.")] = Path(
        "pyoutcome-demo"
    ),
    network: Annotated[
        str, typer.Option(help="`embedded`, or the JSON-RPC URL of a local test chain such as anvil.")
    ] = "embedded",
    as_json: Json = False,
) -> None:
    """Runs the whole story: three airlines, twelve months, 336,776 real flights, an escrow, and an audit.

    The folder then holds the workspace, a statement of every month and airline, a chart, and demo.json, which is what
    --json prints.

    Examples:
        pyoutcome demo
        pyoutcome demo --json
        pyoutcome demo --network http://127.0.0.1:8545
    """
    watch = Stopwatch(as_json)
    with watch.part("loaded pyoutcome"):
        from pyoutcome.workspace import Workspace
        from pyoutcome.workspace.examples import find_example
        from pyoutcome.workspace.picture import draw

    _make_room(out)
    with watch.part("made a workspace: agreement, flights, local chain, factory, test token"):
        file, records = find_example(EXAMPLE)
        workspace = Workspace.create(out / "workspace", file, network=network, records=records)
    (out / MARK).write_text(
        "Made by `pyoutcome demo`, which replaces this folder when it runs again.\n", encoding="utf-8"
    )
    with workspace:
        _make_deal(workspace, watch)
        _settle(workspace, watch)
        with watch.part("wrote the statements and drew the chart"):
            periods = [workspace.books.statement(period.number) for period in workspace.agreement.periods]
            _write_statements(workspace, periods, out / "statements")
            picture = draw(workspace, out / "payments.svg")
        with watch.part("audited everything from the raw records"):
            report = workspace.audit()
        document = _document(workspace, periods, report, watch, picture)
        (out / "demo.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        emit(document, as_json, lambda console: _tell(console, workspace, periods, report, watch, out))
    if report.differences:
        raise typer.Exit(1)


def _make_room(out: Path) -> None:
    if not out.exists() or not any(out.iterdir()):
        return
    if not (out / MARK).is_file():
        raise WorkspaceError(
            "folder-not-of-demo", f"{out} exists and was not made by the demo.", "Name another folder with --out."
        )
    shutil.rmtree(out)


def _make_deal(workspace: Workspace, watch: Stopwatch) -> None:
    agreement = workspace.agreement
    with watch.part("client and airlines signed the terms; the escrow was created and funded"):
        agreement.check()
        for party in ("client", *agreement.providers):
            workspace.sign(party)
        workspace.deploy()
        workspace.fund(agreement.bounds().most_in_total)


def _settle(workspace: Workspace, watch: Stopwatch) -> None:
    agreement = workspace.agreement
    with watch.part("each airline measured its twelve months and signed the evidence"):
        for provider in agreement.providers:
            workspace.measure(provider)
    with watch.part("each of three verifiers recomputed every value and signed"):
        for verifier in agreement.verifiers:
            workspace.verify(verifier)
    with watch.part("the escrow settled twelve months, each when it had ended"):
        for outcome in workspace.settle(move_clock=workspace.network.local):
            if outcome.error is not None:
                raise outcome.error
    with watch.part("the agreement closed: holdback released, the rest returned"):
        workspace.network.advance_to(max(workspace.network.now(), workspace.desk.deal.arguments.holdback_release))
        workspace.close_agreement()


def _write_statements(workspace: Workspace, periods: list[StatedPeriod], folder: Path) -> None:
    """One text file per month and airline."""
    from rich.console import Console

    from pyoutcome.cli import show

    folder.mkdir()
    for stated in periods:
        for provider in workspace.agreement.providers:
            name = f"period-{stated.statement.period.number:02d}.{provider}.txt"
            with (folder / name).open("w", encoding="utf-8") as file:
                show.stated(Console(file=file, width=118, highlight=False), workspace, stated, provider)


def _tell(
    console: Console,
    workspace: Workspace,
    periods: list[StatedPeriod],
    report: AuditReport,
    watch: Stopwatch,
    out: Path,
) -> None:
    from pyoutcome.cli import show

    agreement = workspace.agreement
    decimals, symbol = agreement.token.decimals, agreement.token.symbol
    first = periods[0].statement.providers[0]
    own = [kpi.kpi for kpi in agreement.kpis if kpi.provider == first.provider]
    names = [*own, *(line.clause for line in first.lines), "amount", "held", "paid"]
    rows = show.table(f"\nEvery month and airline, {symbol}", "period", "", *names, right=names)
    for stated in periods:
        for each in stated.statement.providers:
            row = stated.rows[each.provider]
            shown = [kpi.shown for kpi in stated.statement.kpis if kpi.provider == each.provider]
            lines = [show.amount(line.amount) for line in each.lines]
            money = [show_money(units, decimals) for units in (row.amount, row.held, row.paid)]
            number = str(stated.statement.period.number) if each is stated.statement.providers[0] else ""
            rows.add_row(number, each.provider, *shown, *(text.removesuffix(".00") for text in (*lines, *money)))
    console.print(rows)
    accounts = workspace.status().accounts
    paid = "; ".join(f"{name} {show_money(account.paid, decimals)}" for name, account in accounts.items())
    console.print(f"\npaid in all, holdback included, {symbol}: {paid}")
    console.print(
        f"see {out / 'payments.svg'}, {out / 'statements'}/, {out / 'demo.json'} and the workspace {out / 'workspace'}/"
    )
    console.print(
        f"\naudit: {report.compared} figures recomputed from agreement, raw records and chain, "
        f"{report.differences} differences to the base unit"
    )
    console.print(f"demo: {report.settled} settled, {report.differences} differences, {watch.total:.1f} s")


def _document(
    workspace: Workspace, periods: list[StatedPeriod], report: AuditReport, watch: Stopwatch, picture: Path
) -> dict[str, object]:
    return {
        "agreement": workspace.agreement.id,
        "network": workspace.network.name,
        "escrow": workspace.desk.escrow.address,
        "periods": [stated.to_dict() for stated in periods],
        "audit": report.to_dict(),
        "chart": str(picture),
        "seconds": {name: f"{seconds:.3f}" for name, seconds in watch.parts.items()},
        "settled": report.settled,
        "differences": report.differences,
    }
