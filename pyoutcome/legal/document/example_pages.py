"""The worked examples as tables and paragraphs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from pyoutcome.decimals import group_digits, show_grouped, show_units
from pyoutcome.formula.words import list_words
from pyoutcome.legal.document.edge_tables import EdgeTable
from pyoutcome.legal.document.examples import Example, Examples
from pyoutcome.legal.document.pages import Pages
from pyoutcome.legal.document.tree import Column, Runs, code, runs, strong
from pyoutcome.terms import Agreement, ProviderStatement

_T = TypeVar("_T")


def money(agreement: Agreement, units: int) -> str:
    """Base units as money, without its symbol."""
    return group_digits(show_units(units, agreement.token.decimals))


def put_edges(pages: Pages, examples: Examples, clause: str) -> None:
    """The tables of a clause at every turn; ``clause`` empty: those of the settlement's limits."""
    tables = [each for each in examples.edges if each.clause == clause]
    kpis = examples.agreement.kpis
    later = {kpis[each.kpi].kpi for each in tables if each.regime.period > 1}
    for each in tables:
        period = _period(each) if kpis[each.kpi].kpi in later else ""
        _put_edge_table(pages, examples.agreement, each, period)


def _period(table: EdgeTable) -> str:
    """Which period a table is of, where there are several."""
    number = table.regime.period
    after = ", after middling ones" if number > 2 else ", after a middling one"
    return f", in period {number}{after if table.regime.state is not None else ''}"


def _put_edge_table(pages: Pages, agreement: Agreement, table: EdgeTable, period: str) -> None:
    kpi = agreement.kpis[table.kpi]
    symbol = agreement.token.symbol
    what = "The clause at the values of" if table.clause else "What the settlement's limits do at the values of"
    own = "" if kpi.provider is None or kpi.provider in table.providers else f" of {kpi.provider}"
    account = _account(agreement, table)
    turning = f"{what} {kpi.title}{own} where something turns{account}{period}"
    caption = f"{turning}; other KPIs as in the {table.grade} example."
    shown = f"{'Clause' if table.clause else 'Net amount'}, {symbol}"
    columns = [Column(kpi.title, "right"), Column(shown, "right", money=True)]
    if table.providers:
        columns.append(Column(f"Credited for the period, {symbol}", "right", money=True))
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
    return f", for {list_words(table.providers)}"


def put_periods(pages: Pages, examples: Examples) -> None:
    """A good, a middling and a bad period in full."""
    agreement = examples.agreement
    if not examples.periods:
        pages.say("No period could be made up whose values the requirements of a report allow.")
        return
    if not agreement.kpis:
        pages.say("No amount depends on a KPI. By the rules of this agreement period 1 is settled like this:")
        _put_statement(pages, agreement, examples.periods[0])
        _put_time(pages, examples)
        return
    pages.say(
        "These periods are made up. Their KPI values lie where the rules turn, or near it where such values would "
        "contradict one another. Good means better for the client; of a KPI of which the agreement does not say which "
        "way is better, that the providers get more. Every amount is worked out by the rules of this agreement, as for "
        "period 1."
    )
    pages.remark(
        "Names in the sums, such as ",
        code(agreement.kpis[0].name),
        ", are those of the agreement file; after the point stands whose value it is.",
    )
    for each in examples.periods:
        _put_period(pages, agreement, each)
    _put_row(pages, examples)
    _put_time(pages, examples)


def _put_period(pages: Pages, agreement: Agreement, example: Example) -> None:
    pages.heading(f"A {example.grade} period")
    columns = [Column("KPI"), Column("Whose"), Column("In the sums"), Column("Value", "right")]
    pages.table(columns, _kpi_rows(agreement, example))
    _put_statement(pages, agreement, example)


def _put_statement(pages: Pages, agreement: Agreement, example: Example) -> None:
    """What each provider is credited for a period, and why."""
    for names, shown in _alike(example.statement.providers):
        symbol = agreement.token.symbol
        title = f"{shown.name} ({shown.provider})" if len(agreement.providers) > 1 else shown.name
        also = f"; the same amounts for {list_words(names[1:])}" if len(names) > 1 else ""
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
            Column(symbol, "right", money=True),
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
    titles = (f"{number}, {grade}" for number, (grade, _) in enumerate(zip(grades, statements, strict=False), 1))
    columns = [
        Column("Provider"),
        *(Column(f"{title}, {agreement.token.symbol}", "right", money=True) for title in titles),
    ]
    rows = [
        [name, *(money(agreement, statement.of(name).units) for statement in statements)]
        for name in agreement.providers
    ]
    pages.table(columns, rows)


def _put_time(pages: Pages, examples: Examples) -> None:
    """The middling values in every period, where they do not always pay the same."""
    agreement, rows = examples.agreement, examples.over_time
    if len(rows) < 2:
        return
    pages.heading("Over the term")
    supposed = "If every period had the values of the middling one, this would be credited in each:"
    pages.say(supposed if agreement.kpis else "This is credited in each period:")
    columns = [
        Column("Periods"),
        Column("Provider"),
        Column(f"Credited, {agreement.token.symbol}", "right", money=True),
    ]
    shown = [
        [str(first) if first == last else f"{first} to {last}", whose, money(agreement, amount)]
        for first, last, units in rows
        for whose, amount in _grouped(agreement, dict(zip(agreement.providers, units, strict=True)))
    ]
    pages.table(columns, shown)


def _alike(providers: Sequence[ProviderStatement]) -> Iterator[tuple[list[str], ProviderStatement]]:
    """Providers whose lines and amounts are the same, with the statement of the first."""
    groups: dict[object, list[ProviderStatement]] = {}
    for each in providers:
        key = (tuple((line.title, line.amount) for line in each.lines), each.net, each.units)
        groups.setdefault(key, []).append(each)
    for group in groups.values():
        yield [each.provider for each in group], group[0]


def _kpi_rows(agreement: Agreement, example: Example) -> Iterator[list[str | Runs]]:
    """Every KPI of the file with its value; providers that share one stand together."""
    shown = {kpi.name: kpi.tell(value) for kpi, value in zip(agreement.kpis, example.values, strict=True)}
    first = {kpi.kpi: kpi for kpi in reversed(agreement.kpis)}
    for name in agreement.file.kpis:
        if first[name].provider is None:
            yield [first[name].title, "the agreement", runs(code(name)), shown[name]]
            continue
        own = {provider: shown[f"{name}.{provider}"] for provider in agreement.providers}
        for whose, value in _grouped(agreement, own):
            yield [first[name].title, whose, runs(code(name)), value]


def _grouped(agreement: Agreement, values: Mapping[str, _T]) -> Iterator[tuple[str, _T]]:
    """Values of providers, those that are the same once: whose they are, and the value."""
    for value in dict.fromkeys(values.values()):
        names = [name for name, each in values.items() if each == value]
        every = len(names) == len(agreement.providers) > 1
        yield "each provider" if every else list_words(names), value
