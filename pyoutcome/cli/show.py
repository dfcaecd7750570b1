"""What people see: tables and facts on a rich console. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from pyoutcome.decimals import show as show_number
from pyoutcome.decimals import show_money

if TYPE_CHECKING:
    from rich.console import Console

    from pyoutcome.audit import AuditReport
    from pyoutcome.service.telling import KeeperStatus
    from pyoutcome.settlement.keeper import Outcome
    from pyoutcome.terms.agreement import Agreement
    from pyoutcome.workspace import Workspace
    from pyoutcome.workspace.books import Status
    from pyoutcome.workspace.offer import Funding
    from pyoutcome.workspace.settings import SignedReport


def exact(value: int | None) -> str | None:
    """A scaled value as exact text; None stays None."""
    return None if value is None else show_number(value)


def table(title: str, *columns: str, right: Sequence[str] = ()) -> Table:
    """A plain table; the columns named in ``right`` hold numbers."""
    made = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="bold",
        box=None,
        pad_edge=False,
        min_width=min(len(title), 100),  # a narrow table does not break its own title
    )
    for column in columns:
        number = column in right
        made.add_column(column, justify="right" if number else "left", no_wrap=number, overflow="fold")
    return made


def facts(console: Console, title: str, pairs: Mapping[str, str]) -> None:
    """A title and its facts, one a line."""
    console.print(f"[bold]{escape(title)}[/]")
    width = max(map(len, pairs), default=0)
    for name, value in pairs.items():
        console.print(f"  {name:<{width}}  {escape(value)}", soft_wrap=True)


def words(console: Console, text: str) -> None:
    """The agreement's words."""
    console.print(Text(text))


def made(console: Console, workspace: Workspace) -> None:
    """A new workspace."""
    settings = workspace.desk.settings
    facts(
        console,
        f"Workspace {workspace.files.folder} for {workspace.agreement.title}",
        {
            "network": f"{workspace.network.name}, chain {workspace.network.chain_id}",
            "clock": clock(workspace.network.now()),
            "factory": settings.factory,
            "token": f"{settings.token} ({workspace.agreement.token.symbol})",
        },
    )
    parties = table("\nParties", "party", "address", "key")
    for party in workspace.parties.ids:
        key = "here" if workspace.parties.has_key(party) else "elsewhere"
        parties.add_row(party, workspace.parties.addresses.get(party, "not known yet"), key)
    console.print(parties)


def clock(seconds: int) -> str:
    """Unix seconds as people read them."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def funding(console: Console, workspace: Workspace, found: Funding) -> None:
    """A deposit."""
    money = workspace.desk.money
    pairs = {"deposited": money(found.amount), "in the escrow": money(found.funds)}
    pairs["agreement"] = "active" if found.activated else f"waits for {found.waits_for}"
    facts(console, "Funded", pairs)


def reports(console: Console, agreement: Agreement, party: str, signed: Sequence[SignedReport]) -> None:
    """Signed reports."""
    found = table(f"Verified and signed by {party}", "period", "values", "evidence", right=("period", "values"))
    for each in signed:
        equal = f"{len(each.values)} of {len(agreement.kpis)} equal"
        found.add_row(str(each.period), equal, each.evidence_digest[:14] + "...")
    console.print(found)


def outcomes(console: Console, found: Sequence[Outcome]) -> None:
    """Where the keeper left each period."""
    rows = table("Periods", "period", "state", "what it waits for", "transaction", right=("period",))
    for each in found:
        decision = each.decision
        state = "settled" if decision.need.value == "nothing" else "stopped" if each.error else "waits"
        why = f"{each.error.why} [{each.error.code}] {each.error.fix}" if each.error else decision.why
        done = (each.transaction or "")[:14] + "..." if each.transaction else ""
        rows.add_row(str(decision.number), state, escape("" if state == "settled" else why), done)
    console.print(rows)


def status(console: Console, workspace: Workspace, found: Status) -> None:
    """Where everything stands."""
    money = workspace.desk.money
    pairs = {
        "stage": found.stage + (f", waits for {found.waits_for}" if found.waits_for else ""),
        "network": f"{found.network}, chain {found.chain_id}",
        "clock": clock(found.clock),
    }
    if found.escrow is not None:
        pairs["escrow"] = found.escrow
        pairs["funds"] = f"{money(found.funds)} (cover needed now: {money(found.cover)})"
    facts(console, workspace.agreement.title, pairs)
    if found.accounts:
        decimals = workspace.agreement.token.decimals
        names = ("earned", "paid", "held", "arrears", "debt", "claimable")
        accounts = table(f"\nAccounts, {workspace.agreement.token.symbol}", "provider", *names, right=names)
        for provider, account in found.accounts.items():
            accounts.add_row(provider, *(show_money(getattr(account, name), decimals) for name in names))
        console.print(accounts)
    if found.periods:
        periods = table("\nPeriods", "period", "ends", "needs", "why", right=("period",))
        for decision in found.periods:
            end = clock(workspace.agreement.period(decision.number).end)[:16]
            periods.add_row(str(decision.number), end, decision.need.value, escape(decision.why))
        console.print(periods)


def kept(console: Console, found: KeeperStatus) -> None:
    """Where a keeper stands with all its agreements."""
    rows = table("Periods", "agreement", "period", "needs", "state", "why", "last error", right=("period",))
    for row in found.rows:
        each = row.standing
        flight = "" if row.flight is None else f" Transaction 0x{row.flight.hash.hex()[:12]}.."
        error = f"{each.error} ({each.error_why})" if each.error else ""
        number = str(each.number) if each.number else "all"
        rows.add_row(each.agreement, number, each.need, row.how, escape(each.why + flight), escape(error))
    console.print(rows)
    if found.given_up:
        given_up = table("\nNo longer sent", "what", "to", "why")
        for what, to, why in found.given_up:
            given_up.add_row(escape(what), escape(to), escape(why))
        console.print(given_up)


def amount(scaled: int) -> str:
    """A scaled amount with thousands separators."""
    whole, _, part = show_number(abs(scaled), 2).partition(".")
    return f"{'-' if scaled < 0 else ''}{int(whole):,}.{part}"


def audit(console: Console, agreement: Agreement, report: AuditReport) -> None:
    """What an audit found."""
    decimals = agreement.token.decimals
    rows = table(
        f"Audit of {agreement.title}", "period", *report.providers, "values", "amounts", right=report.providers
    )
    for each in report.periods:
        values = each.basis if each.recomputed is None else _equal(each.reported, each.recomputed)
        amounts = _equal(each.expected, each.settled)
        rows.add_row(str(each.period), *(show_money(units, decimals) for units in each.settled), values, amounts)
    console.print(rows)
    for finding in report.findings:
        place = " ".join(str(part) for part in (finding.period, finding.provider) if part is not None)
        console.print(
            f"[bold red]difference[/] {finding.kind.value} {place} {escape(finding.what)}: expected "
            f"{escape(str(finding.expected))}, found {escape(str(finding.actual))} ({finding.unit.value})",
            soft_wrap=True,
        )
    if report.pending:
        console.print(f"not settled yet: periods {', '.join(map(str, report.pending))}")
    console.print(
        f"\naudit: {report.settled} settlements and {report.compared} figures recomputed, "
        f"[bold]{report.differences} differences[/] to the base unit"
    )


def _equal(left: Sequence[int | None], right: Sequence[int | None]) -> str:
    return "equal" if tuple(left) == tuple(right) else "differ"
