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
    from pyoutcome.evidence.bundles.bundle import Bundle
    from pyoutcome.evidence.findings import Finding as EvidenceFinding
    from pyoutcome.evidence.kpi_library import LibraryKpi
    from pyoutcome.ledger import PeriodRow
    from pyoutcome.service.telling import KeeperStatus
    from pyoutcome.settlement.keeper import Outcome
    from pyoutcome.terms.agreement import Agreement
    from pyoutcome.terms.finding import Finding
    from pyoutcome.terms.statement import ProviderStatement, Statement
    from pyoutcome.workspace import Workspace
    from pyoutcome.workspace.books import StatedPeriod, Status
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


def library(console: Console, kpis: Sequence[LibraryKpi]) -> None:
    """The KPI library: one line each, by area."""
    made = table("Ready KPIs", "area", "name", "meaning", "follows")
    for kpi in kpis:
        made.add_row(kpi.area, kpi.name, escape(kpi.meaning), escape("; ".join(kpi.standards)))
    console.print(made)
    console.print("Show one ready to paste: pyoutcome kpis NAME", soft_wrap=True)


def facts(console: Console, title: str, pairs: Mapping[str, str]) -> None:
    """A title and its facts, one a line."""
    console.print(f"[bold]{escape(title)}[/]")
    width = max(map(len, pairs), default=0)
    for name, value in pairs.items():
        console.print(f"  {name:<{width}}  {escape(value)}", soft_wrap=True)


def words(console: Console, text: str) -> None:
    """The agreement's words."""
    console.print(Text(text))


_MOST_FINDINGS = 12
"""Findings told in full, so that a large agreement does not fill the screen."""


def check(console: Console, agreement: Agreement, findings: Sequence[Finding], *, full: bool) -> None:
    """Bounds, shape, warnings and notes."""
    from pyoutcome.cli import shaped

    decimals, symbol = agreement.token.decimals, agreement.token.symbol
    bounds = agreement.bounds()
    found = table(
        f"{agreement.title}: what a period can pay, {symbol}", "provider", "least", "most", right=("least", "most")
    )
    for each in bounds.providers:
        found.add_row(each.provider, show_money(each.least, decimals), show_money(each.most, decimals))
    found.add_row("all", show_money(bounds.least_per_period, decimals), show_money(bounds.most_per_period, decimals))
    console.print(found)
    console.print()
    program = agreement.program()
    reserve = "none: without 'escrow' the file is a rule only and cannot be deployed"
    if agreement.deployable:
        reserve = f"{show_money(agreement.escrow.reserve, decimals)} {symbol} for each period"
    facts(
        console,
        "Proven from the KPIs' ranges",
        {
            "in total": f"{show_money(bounds.least_in_total, decimals)} to "
            f"{show_money(bounds.most_in_total, decimals)} {symbol} over {len(agreement.periods)} periods",
            "reserve": reserve,
            "program": f"{len(program.data)} bytes, hash 0x{program.hash.hex()}",
            "periods": "settle in order" if program.sequential else "settle in any order",
            "digest": "0x" + agreement.digest().hex(),
        },
    )
    console.print()
    shaped.shape(console, agreement, full=full)
    ordered = sorted(findings, key=lambda finding: finding.severity == "note")
    shown = ordered if full else ordered[:_MOST_FINDINGS]
    for finding in shown:
        colour = "yellow" if finding.severity == "warning" else "cyan"
        console.print(f"\n[{colour}]{finding.severity}[/] [bold]{finding.code}[/]")
        if finding.where is not None:
            console.print(f"  at   {escape(str(finding.where))}", soft_wrap=True)
        console.print(f"  why  {escape(finding.why)}")
        console.print(f"  fix  {escape(finding.fix)}")
    if len(shown) < len(ordered):
        console.print(f"\n{len(ordered) - len(shown)} more with --full")
    warnings = sum(finding.severity == "warning" for finding in findings)
    console.print(f"\ncheck: sound, {_count(warnings, 'warning')}, {_count(len(findings) - warnings, 'note')}")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


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


def bundles(console: Console, agreement: Agreement, party: str, made: Sequence[Bundle]) -> None:
    """Measured values, a row per period."""
    own = [kpi for kpi in agreement.kpis if kpi.provider in (None, party)]
    names = [kpi.title for kpi in own]
    found = table(f"Evidence of {party}, signed", "period", *names, "counts", "digest", right=("period", *names))
    for bundle in made:
        values = {value.name: value for value in bundle.values}
        shown = [_shown(kpi.show, values[kpi.name].value) for kpi in own]
        counts = ", ".join(
            str(value.numerator) if value.denominator is None else f"{value.numerator}/{value.denominator}"
            for value in bundle.values
        )
        found.add_row(str(bundle.period), *shown, counts, "0x" + bundle.digest().hex()[:12] + "...")
    console.print(found)
    _findings(console, [finding for bundle in made for finding in bundle.findings])


def roots(held: Bundle) -> dict[str, str]:
    """The root over the records of each source; none if single records of it cannot be proven."""
    return {} if held.trees is None else {tree.source: "0x" + tree.root.hex() for tree in held.trees.trees}


def bundle(console: Console, held: Bundle, signer: str) -> None:
    """One bundle as its file has it."""
    whose = f"Evidence of {held.supplier} for period {held.period}"
    pairs = {"agreement": "0x" + held.agreement_digest.hex(), "digest": "0x" + held.digest().hex(), "signed by": signer}
    pairs |= {f"root of {source}": root for source, root in roots(held).items()}
    facts(console, whose, pairs)
    values = table("Values", "KPI", "value", "measured as", "made of", right=("value", "measured as"))
    for value in held.values:
        made = ", ".join(f"{name} {'missing' if figure is None else figure}" for name, figure in value.figures)
        values.add_row(value.name, exact(value.value) or "missing", exact(value.raw) or "missing", made)
    console.print(values)
    sources = table("Records", "source", "file", "records", "bytes", "SHA-256", right=("records", "bytes"))
    for source in held.sources:
        for file in source.files or (source,):
            sources.add_row(
                source.name, escape(ascii(file.name)[1:-1]), str(file.rows), str(file.bytes), file.sha256.hex()
            )
    console.print(sources)
    _findings(console, held.findings)


def _findings(console: Console, found: Sequence[EvidenceFinding]) -> None:
    for each in dict.fromkeys(found):
        rule = "" if each.rule is None else f" ({each.rule})"
        console.print(escape(f"{each.severity}: {each.text}{rule}"))


def _shown(show: object, value: int | None) -> str:
    return "missing" if value is None or not callable(show) else str(show(value))


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
    lines = table(title, "line", "amount", "why", right=("amount",))
    for line in each.lines:
        lines.add_row(line.title, amount(line.amount), escape(line.sentence))
    lines.add_row("Net", amount(each.net), "")
    lines.add_row("Amount", show_money(each.units, decimals), escape(each.sentence))
    if row is not None:
        for name, units in (("set off", row.set_off), ("held back", row.held), ("paid", row.paid), ("owed", row.owed)):
            if units:
                lines.add_row(f"  {name}", show_money(units, decimals), "")
    console.print(lines)
    console.print()


def amount(scaled: int) -> str:
    """A scaled amount with thousands separators."""
    whole, _, part = show_number(abs(scaled), 2).partition(".")
    return f"{'-' if scaled < 0 else ''}{int(whole):,}.{part}"


def settled(console: Console, workspace: Workspace, found: StatedPeriod, transaction: str) -> None:
    """A period that was just reported, and settled unless it can still be challenged."""
    what = "settled" if found.rows else "reported, and can be challenged"
    console.print(f"[bold]Period {found.statement.period.number} is {what}[/]  {transaction}\n", soft_wrap=True)
    stated(console, workspace, found, None)


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
