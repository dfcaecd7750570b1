"""The verb `demo`: the whole story of an example, from the agreement file to the audit."""

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
from pyoutcome.cli.output import WIDTH, emit
from pyoutcome.decimals import ONE, Rounding, round_to, show_money
from pyoutcome.errors import WorkspaceError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from pyoutcome.audit import AuditReport
    from pyoutcome.workspace import Workspace
    from pyoutcome.workspace.books import StatedPeriod

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
    name: Annotated[
        str, typer.Argument(help="The example: punctual-arrivals, or a name from `pyoutcome new --list`.")
    ] = "punctual-arrivals",
    out: Annotated[Path, typer.Option(help="Folder for the demo's workspace; a former demo there is replaced.")] = Path(
        "pyoutcome-demo"
    ),
    network: Annotated[
        str, typer.Option(help="`embedded`, or the JSON-RPC URL of a local test chain such as anvil.")
    ] = "embedded",
    as_json: Json = False,
) -> None:
    """Runs the whole story of an example: parties, records, an escrow, every period settled, and an audit.

    Without a name: three airlines, twelve months, 336,776 real flights. The folder then holds the workspace, a
    statement of every period and provider, a chart, and demo.json, which is what --json prints.

    Examples:
        pyoutcome demo
        pyoutcome demo customer-support --json
        pyoutcome demo --network http://127.0.0.1:8545
    """
    watch = Stopwatch(as_json)
    with watch.part("loaded pyoutcome"):
        from pyoutcome.workspace import Workspace
        from pyoutcome.workspace.examples import find_example
        from pyoutcome.workspace.picture import draw

    file, records = find_example(name)
    _make_room(out)
    with watch.part("made a workspace: agreement, records, local chain, factory, test token"):
        workspace = Workspace.create(out / "workspace", file, network=network, records=records)
    (out / MARK).write_text(
        "Made by `pyoutcome demo`, which replaces this folder when it runs again.\n", encoding="utf-8"
    )
    with workspace:
        _make_deal(workspace, watch)
        called = _settle(workspace, watch)
        with watch.part("wrote the statements and drew the chart"):
            periods = [workspace.books.statement(period.number) for period in workspace.agreement.periods]
            _write_statements(workspace, periods, out / "statements")
            percent = any(kpi.declared.shown_as == "percent" for kpi in workspace.agreement.kpis)
            picture = draw(workspace, out / "payments.svg") if percent else None
        with watch.part("audited everything from the raw records"):
            report = workspace.audit()
        document = _document(workspace, periods, report, watch, picture, called)
        (out / "demo.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        emit(document, as_json, lambda console: _tell(console, workspace, periods, report, watch, out, called))
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
    from pyoutcome.workspace.story import make_deal

    with watch.part("all parties signed the terms; the escrow was created and funded"):
        make_deal(workspace)


def _settle(workspace: Workspace, watch: Stopwatch) -> dict[str, int]:
    """Everything up to the close; the backups that were called, by provider, with the first period of each."""
    from pyoutcome.workspace.story import settle_with_backups

    agreement = workspace.agreement
    called: dict[str, int] = {}
    if not agreement.backups:
        with watch.part("each provider measured its periods and signed the evidence"):
            for provider in agreement.providers:
                workspace.measure(provider)
        with watch.part("each verifier recomputed every value and signed"):
            for verifier in agreement.verifiers:
                workspace.verify(verifier)
    with watch.part("the escrow settled all periods, each when it had ended"):
        called = settle_with_backups(workspace)
    with watch.part("the agreement closed: holdback released, the rest returned"):
        workspace.network.advance_to(max(workspace.network.now(), workspace.desk.deal.arguments.holdback_release))
        workspace.close_agreement()
    return called


def _write_statements(workspace: Workspace, periods: list[StatedPeriod], folder: Path) -> None:
    """One text file per period and provider."""
    from rich.console import Console

    from pyoutcome.cli import statements

    folder.mkdir()
    for stated in periods:
        for provider in workspace.agreement.providers:
            name = f"period-{stated.statement.period.number:02d}.{provider}.txt"
            with (folder / name).open("w", encoding="utf-8") as file:
                statements.stated(Console(file=file, width=WIDTH, highlight=False), workspace, stated, provider)


def _tell(
    console: Console,
    workspace: Workspace,
    periods: list[StatedPeriod],
    report: AuditReport,
    watch: Stopwatch,
    out: Path,
    called: dict[str, int],
) -> None:

    agreement = workspace.agreement
    decimals, symbol = agreement.token.decimals, agreement.token.symbol
    for rows in _tables(periods, symbol, decimals, console.width):
        console.print(rows)
    for provider, first in called.items():
        console.print(f"the client called the backup of {provider}, which holds its place from period {first} on")
    accounts = workspace.status().accounts
    paid = "; ".join(f"{name} {show_money(account.paid, decimals)}" for name, account in accounts.items())
    console.print(f"\npaid in all, holdback included, {symbol}: {paid}")
    drawn = [str(out / "payments.svg")] if (out / "payments.svg").exists() else []
    places = ", ".join([*drawn, f"{out / 'statements'}/", str(out / "demo.json")])
    console.print(f"see {places} and the workspace {out / 'workspace'}/")
    console.print(
        f"\naudit: {report.compared} figures recomputed from agreement, raw records and chain, "
        f"{report.differences} differences to the base unit"
    )
    console.print(f"demo: {report.settled} settled, {report.differences} differences, {watch.total:.1f} s")


def _tables(periods: list[StatedPeriod], symbol: str, decimals: int, width: int) -> list[Table]:
    """Every period and provider, in as many tables as it takes to show each number whole."""
    from pyoutcome.cli import show

    first = periods[0].statement
    measured = list(dict.fromkeys(kpi.name.partition(".")[0] for kpi in first.kpis))
    lines = list(dict.fromkeys(line.clause for each in first.providers for line in each.lines))
    paid = [*lines, "amount", "held", "paid"]
    rows: list[tuple[str, str, dict[str, str]]] = []
    for stated in periods:
        for each in stated.statement.providers:
            row = stated.rows[each.provider]
            own = [kpi for kpi in stated.statement.kpis if kpi.provider in (each.provider, None)]
            cells = {kpi.name.partition(".")[0]: kpi.shown for kpi in own}
            for line in each.lines:
                cells[line.clause] = show.amount(round_to(line.amount, ONE // 100, Rounding.HALF_UP))
            for name, units in (("amount", row.amount), ("held", row.held), ("paid", row.paid)):
                cells[name] = show_money(units, decimals)
            whole = {name: text.removesuffix(".00") for name, text in cells.items()}
            number = str(stated.statement.period.number) if each is stated.statement.providers[0] else ""
            rows.append((number, each.provider, whole))
    taken = len("period") + max(len(provider) for _, provider, _ in rows)
    widths = {name: max(len(name), *(len(cells.get(name, "")) for _, _, cells in rows)) for name in (*measured, *paid)}
    room = width - taken - 2
    groups = _split([*measured, *paid], widths, room)
    if len(groups) > 1:
        groups = [*_split(measured, widths, room), *_split(paid, widths, room)]
    tables = []
    for names in groups:
        table = show.table(f"\nEvery period and provider, {symbol}", "period", "", *names, right=names)
        for number, provider, cells in rows:
            table.add_row(number, provider, *(cells.get(name, "") for name in names))
        tables.append(table)
    return tables


def _split(names: list[str], widths: dict[str, int], room: int) -> list[list[str]]:
    """The names in order, in as few groups as fit into so many characters with two between."""
    groups: list[list[str]] = []
    left = 0
    for name in names:
        if not groups or widths[name] + 2 > left:
            groups.append([])
            left = room
        groups[-1].append(name)
        left -= widths[name] + 2
    return groups


def _document(
    workspace: Workspace,
    periods: list[StatedPeriod],
    report: AuditReport,
    watch: Stopwatch,
    picture: Path | None,
    called: dict[str, int],
) -> dict[str, object]:
    return {
        "agreement": workspace.agreement.id,
        "network": workspace.network.name,
        "escrow": workspace.desk.escrow.address,
        "periods": [stated.to_dict() for stated in periods],
        "backups_called": called,
        "audit": report.to_dict(),
        "chart": str(picture) if picture else None,
        "seconds": {name: f"{seconds:.3f}" for name, seconds in watch.parts.items()},
        "settled": report.settled,
        "differences": report.differences,
    }
