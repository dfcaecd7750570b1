"""Statements on a console."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape

from pyoutcome.cli import show
from pyoutcome.decimals import show_money

if TYPE_CHECKING:
    from rich.console import Console

    from pyoutcome.ledger import PeriodRow
    from pyoutcome.terms.agreement import Agreement
    from pyoutcome.terms.statement import ProviderStatement, Statement
    from pyoutcome.workspace import Workspace
    from pyoutcome.workspace.books import StatedPeriod


def statement(console: Console, agreement: Agreement, found: Statement) -> None:
    """A statement of every provider."""
    for each in found.providers:
        _provider(console, agreement, found, each, None)


def stated(console: Console, workspace: Workspace, found: StatedPeriod, provider: str | None) -> None:
    """A statement with what the chain did about it."""
    console.print(f"Period {found.statement.period.number}, {found.basis}\n")
    for each in found.statement.providers:
        if provider in (None, each.provider):
            _provider(console, workspace.agreement, found.statement, each, found.rows.get(each.provider))


def _provider(
    console: Console, agreement: Agreement, found: Statement, each: ProviderStatement, row: PeriodRow | None
) -> None:
    decimals = agreement.token.decimals
    title = f"{each.name} ({each.provider}), period {found.period.number}, {found.symbol}"
    lines = show.table(title, "line", "amount", "why", right=("amount",))
    for line in each.lines:
        lines.add_row(line.title, show.amount(line.amount), escape(line.sentence))
    lines.add_row("Net", show.amount(each.net), "")
    lines.add_row("Amount", show_money(each.units, decimals), escape(each.sentence))
    if row is not None:
        for name, units in (("set off", row.set_off), ("held back", row.held), ("paid", row.paid), ("owed", row.owed)):
            if units:
                lines.add_row(f"  {name}", show_money(units, decimals), "")
    console.print(lines)
    console.print()


def settled(console: Console, workspace: Workspace, found: StatedPeriod, transaction: str) -> None:
    """A period that was just reported, and settled unless it can still be challenged."""
    what = "settled" if found.rows else "reported, and can be challenged"
    console.print(f"[bold]Period {found.statement.period.number} is {what}[/]  {transaction}\n", soft_wrap=True)
    stated(console, workspace, found, None)
