"""The worked examples as tables and paragraphs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pyoutcome.decimals import group_digits, show_grouped, show_units
from pyoutcome.legal.document.examples import EdgeTable, Example, Examples
from pyoutcome.legal.document.pages import Pages
from pyoutcome.legal.document.tree import Column, Runs, code, runs, strong
from pyoutcome.terms import Agreement, ProviderStatement


def money(agreement: Agreement, units: int) -> str:
    """Base units as money, without its symbol."""
    return group_digits(show_units(units, agreement.token.decimals))


def put_edges(pages: Pages, examples: Examples, clause: str) -> None:
    """The tables of a clause at every turn; ``clause`` empty: those of the settlement's limits."""
    for each in examples.edges:
        if each.clause == clause:
            _put_edge_table(pages, examples.agreement, each)


def _put_edge_table(pages: Pages, agreement: Agreement, table: EdgeTable) -> None:
    kpi = agreement.kpis[table.kpi]
    symbol = agreement.token.symbol
    account = _account(agreement, table)
    what = "The clause at the values of" if table.clause else "What the settlement's limits do at the values of"
    own = "" if kpi.provider is None or kpi.provider in table.providers else f" of {kpi.provider}"
    account = _account(agreement, table)
    caption = f"{what} {kpi.title}{own} where something turns{account}; other KPIs as in the middling example."
    columns = [Column(kpi.title, "right"), Column(f"{'Clause' if table.clause else 'Net amount'}, {symbol}", "right")]
    if table.providers:
        columns.append(Column(f"Credited for the period, {symbol}", "right"))
    rows = [
        [kpi.tell(value), show_grouped(amount), *([money(agreement, units)] if table.providers else [])]
        for value, amount, units in table.rows
    ]
    pages.table(columns, rows, runs(caption))


def _account(agreement: Agreement, table: EdgeTable) -> str:
    if len(agreement.providers) == 1 or not table.providers:
        return ""
    if len(table.providers) == len(agreement.providers):
        return ", for each provider"
    return f", for {_listed(table.providers)}"


def put_periods(pages: Pages, examples: Examples) -> None:
    """A good, a middling and a bad period in full."""
    agreement = examples.agreement
    if not examples.periods:
        pages.say("No period could be made up whose values the requirements of a report allow.")
        return
    pages.say(
        "These periods are made up; their KPI values lie where the rules turn. Good means better for the client; of a "
        "KPI of which the agreement does not say which way is better, that the providers get more. Every amount is "
        "worked out by the rules of this agreement, as for period 1."
    )
    pages.remark(
        "Names in the sums, such as ",
        code(f"{agreement.kpis[0].name}" if agreement.kpis else next(iter(agreement.file.clauses))),
        ", are those of the agreement file; after the point stands whose value it is.",
    )
    for each in examples.periods:
        _put_period(pages, agreement, each)
    _put_row(pages, examples)


def _put_period(pages: Pages, agreement: Agreement, example: Example) -> None:
    pages.heading(f"A {example.grade} period")
    pages.table([Column("KPI"), Column("In the sums"), *_kpi_columns(agreement)], _kpi_rows(agreement, example))
    for names, shown in _alike(example.statement.providers):
        symbol = agreement.token.symbol
        title = f"{shown.name} ({shown.provider})" if len(agreement.providers) > 1 else shown.name
        also = f"; the same amounts for {_listed(names[1:])}" if len(names) > 1 else ""
        rows: list[list[str | Runs]] = [
            [
                line.title,
                runs(code(line.name)),
                show_grouped(line.amount if line.pays != "nobody" else line.value),
                line.sentence,
            ]
            for line in shown.lines
        ]
        rows.append(["Net amount", "", show_grouped(shown.net), ""])
        rows.append(["Credited", "", money(agreement, shown.units), shown.sentence])
        columns = [
            Column("Clause"),
            Column("In the sums"),
            Column(symbol, "right"),
            Column("How it comes about", wide=True),
        ]
        pages.table(columns, rows, (strong(title), *runs(f"{also}.")), totals=2)
    if len(agreement.providers) > 1:
        total = money(agreement, sum(max(0, each) for each in example.statement.amounts))
        pages.say(f"All providers together are credited {total} {agreement.token.symbol} for this period.")


def _put_row(pages: Pages, examples: Examples) -> None:
    """The same periods one after another, where later ones depend on earlier ones."""
    agreement, statements = examples.agreement, examples.row_of_periods
    if not statements:
        return
    grades = [each.grade for each in reversed(examples.periods)]
    pages.heading("One after another")
    pages.say("A period depends on earlier ones here. If these three came one after another, this would be credited:")
    columns = [Column("Period"), Column("Kind", wide=True)]
    columns += [Column(f"{each}, {agreement.token.symbol}", "right") for each in agreement.providers]
    rows = [
        [str(number), grade, *(money(agreement, units) for units in statement.amounts)]
        for number, (grade, statement) in enumerate(zip(grades, statements, strict=False), 1)
    ]
    pages.table(columns, rows)


def _alike(providers: Sequence[ProviderStatement]) -> Iterator[tuple[list[str], ProviderStatement]]:
    """Providers whose lines and amounts are the same, with the statement of the first."""
    groups: dict[object, list[ProviderStatement]] = {}
    for each in providers:
        key = (tuple((line.title, line.amount) for line in each.lines), each.net, each.units)
        groups.setdefault(key, []).append(each)
    for group in groups.values():
        yield [each.provider for each in group], group[0]


def _kpi_columns(agreement: Agreement) -> list[Column]:
    shared = [kpi for kpi in agreement.kpis if kpi.provider is None]
    own = len(shared) < len(agreement.kpis)
    columns = [Column("Agreement", "right")] if shared else []
    return columns + ([Column(each, "right") for each in agreement.providers] if own else [])


def _kpi_rows(agreement: Agreement, example: Example) -> Iterator[list[str | Runs]]:
    """A row for every KPI of the file, with its value for the agreement or for each provider."""
    shown = {kpi.name: kpi.tell(value) for kpi, value in zip(agreement.kpis, example.values, strict=True)}
    whole = any(kpi.provider is None for kpi in agreement.kpis)
    own = any(kpi.provider is not None for kpi in agreement.kpis)
    first = {kpi.kpi: kpi for kpi in reversed(agreement.kpis)}
    for name in agreement.file.kpis:
        kpi = first[name]
        row: list[str | Runs] = [kpi.title, runs(code(name))]
        if whole:
            row.append(shown[kpi.name] if kpi.provider is None else "")
        if own:
            row += ["" if kpi.provider is None else shown[f"{kpi.kpi}.{each}"] for each in agreement.providers]
        yield row


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
