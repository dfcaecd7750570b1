"""The whole deal in plain English. Formulas speak through ``formula.words``; no rule is written twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING

from pyoutcome.decimals import group_digits, show_units
from pyoutcome.formula.syntax import Node
from pyoutcome.formula.words import list_words, to_words
from pyoutcome.terms.calendar import zones_version
from pyoutcome.terms.carrying import state_words
from pyoutcome.terms.clause_prose import ClauseWriter
from pyoutcome.terms.escrow_prose import say_escrow
from pyoutcome.terms.kpi_prose import say_kpi
from pyoutcome.terms.legal_prose import say_legal
from pyoutcome.terms.naming import Naming, quoted
from pyoutcome.terms.records_prose import reading_words, source_words, window_words
from pyoutcome.terms.scalars import show_day
from pyoutcome.terms.tree import Tree

if TYPE_CHECKING:
    from pyoutcome.terms.contents import Contents


@dataclass(frozen=True)
class Passage:
    """Part of the words that is about one thing."""

    key: str
    """What it is about, such as ``kpis``; the same in every agreement."""
    heading: str
    """The heading of the section that it stands in; neighbours share one."""
    items: tuple[tuple[str, ...], ...]
    """Each a paragraph of one or more parts; a part that starts with blanks is a line of its own."""


def write_words(agreement: Contents, tree: Tree) -> str:
    """The agreement as numbered sections of plain text; ``tree`` is its file."""
    text = [agreement.title, "=" * len(agreement.title)]
    sections = groupby(write_passages(agreement, tree), lambda each: each.heading)
    for number, (heading, passages) in enumerate(sections, 1):
        lines = [" ".join(item) for passage in passages for item in passage.items]
        text += ["", f"{number}. {heading}", ""]
        text += [line if line.startswith("  ") else f"- {line}" for line in lines]
    return "\n".join(text) + "\n"


def write_passages(agreement: Contents, tree: Tree) -> tuple[Passage, ...]:
    """The same, part by part; parts that say nothing are left out."""
    return tuple(each for each in _Writer(agreement, tree).passages() if each.items)


def _lines(lines: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    return tuple((line,) for line in lines)


def show_instant(seconds: int) -> str:
    """Unix seconds as UTC text."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


class _Writer:
    def __init__(self, agreement: Contents, tree: Tree) -> None:
        self.agreement = agreement
        self.file = agreement.file
        self.naming = Naming(agreement.file, tree)
        self.clauses = ClauseWriter(agreement.file, self.naming)

    def passages(self) -> Iterator[Passage]:
        """Every part, also those that are empty."""
        agreement, file, naming = self.agreement, self.file, self.naming
        zone = file.term.zone
        sources = (source_words(name, source, zone) for name, source in agreement.records.items())
        windows = (window_words(name, each, zone) for name, each in agreement.windows.items())
        terms = (f"{naming.title(name)} is {naming.term(name)}." for name in file.terms)
        yield Passage("parties", "Parties", _lines(self.parties()))
        yield Passage("roles", "Parties", _lines(self.roles()))
        yield Passage("term", "Term", _lines(self.term()))
        yield Passage("money", "Money", _lines(self.money()))
        yield Passage("records", "Records", _lines(sources))
        yield Passage("reading", "Records", _lines(reading_words(file)))
        yield Passage("windows", "Excluded times", _lines(windows))
        yield Passage("kpis", "KPIs", tuple(say_kpi(name, kpi, file, naming) for name, kpi in file.kpis.items()))
        yield Passage("require", "Requirements", _lines(self.requirements()))
        yield Passage("terms", "Fixed terms", _lines(terms))
        yield Passage("define", "Definitions", _lines(self.definitions()))
        yield Passage("state", "Carried state", _lines(self.state()))
        yield Passage("clauses", "Clauses", self.clauses.say_all())
        yield Passage("settlement", "Settlement of a period", _lines(self.settlement()))
        yield Passage("bounds", "Settlement of a period", _lines(self.bounds()))
        for key, lines in say_escrow(agreement, self.units):
            yield Passage(key, "Evidence, default and escrow", _lines(lines))
        for key, heading, lines in say_legal(file):
            yield Passage(key, heading, _lines(lines))
        yield Passage("precedence", "Order of precedence", _lines(self.precedence()))

    def words(self, node: Node) -> str:
        """A formula in words, with the titles of what it names."""
        return to_words(node, self.naming.say)

    def units(self, units: int) -> str:
        """Base units of the token as money."""
        return f"{group_digits(show_units(units, self.file.token.decimals))} {self.file.token.symbol}"

    def parties(self) -> list[str]:
        parties = self.file.parties
        lines = [f"Client (client): {parties.client.name}."]
        lines += [f"Provider ({party}): {one.name}." for party, one in parties.providers.items()]
        backups = ((party, one.backup) for party, one in parties.providers.items())
        lines += [f"Backup of {party} (backup-{party}): {one.name}." for party, one in backups if one is not None]
        if self.agreement.deployable:
            lines += [f"Verifier ({party}): {one.name}." for party, one in parties.verifiers.items()]
            lines.append(f"Arbitrator (arbitrator): {parties.arbitrator.name}.")
        return lines

    def roles(self) -> Iterator[str]:
        parties = self.file.parties
        if parties.prime is not None:
            yield f"The prime contractor is {parties.prime}."
        if self.agreement.deployable:
            yield f"A report stands when {parties.quorum} of {len(parties.verifiers)} verifiers have signed it."
        else:
            yield "This is a rule by itself: it says what is owed, not who verifies and holds the money."

    def term(self) -> list[str]:
        periods = self.agreement.periods
        term = self.file.term
        first = show_day(term.first)
        if term.ends is None:
            length = f"each a {term.every}, the first starting with {first}"
        else:
            length = f"the first starting with {first}, and each ending where the next starts: with"
            length = f"{length} {list_words(map(show_day, term.ends))}"
        said = (
            f"The agreement has {len(periods)} {'period' if len(periods) == 1 else 'periods'}, {length}. A period "
            f"includes its start and excludes its end. Days start at midnight in {term.zone}; the times below were "
            f"computed with version {zones_version()} of the IANA time zone database and are what counts."
        )
        if term.year_length is not None:
            count = f"{term.year_length} period{'' if term.year_length == 1 else 's'}"
            said += f" A contract year has {count}, the first beginning with period 1."
        times = (
            f"  Period {period.number}: from {show_instant(period.start)} to {show_instant(period.end)}."
            for period in periods
        )
        return [said, *times]

    def money(self) -> list[str]:
        token = self.file.token
        smallest = show_units(1, token.decimals)
        said = (
            f"All amounts are in {quoted(token.name)} ({token.symbol}), which has {token.decimals} decimals. At the "
            f"very end of a calculation an amount is cut toward zero to a multiple of {smallest} {token.symbol}."
        )
        return [said]

    def definitions(self) -> list[str]:
        return [
            f"{self.naming.say(name)} means {self.words(formula)}. It is not paid by itself."
            for name, formula in self.file.define.items()
        ]

    def requirements(self) -> list[str]:
        refused = "" if self.file.escrow is None else "; the escrow refuses any other"
        return [f"A report is signed only if {self.words(formula)}{refused}." for formula in self.file.require]

    def state(self) -> list[str]:
        return [state_words(self.naming.say(name), state, self.words) for name, state in self.file.state.items()]

    def settlement(self) -> list[str]:
        net = (
            "A provider's net amount of a period is what the clauses owe it less what they let it owe. A positive "
            "amount is owed by the client, a negative one by the provider."
        )
        lines = [net]
        if self.file.settlement:
            becomes = self.clauses.adjustments("settlement", self.file.settlement)
            lines.append(f"The net amount of each provider then becomes{becomes}")
        return lines

    def bounds(self) -> Iterator[str]:
        for each in self.agreement.bounds().providers:
            least, most = map(self.units, (each.least, each.most))
            yield f"It follows that {each.provider} can be owed from {least} to {most} in a period."

    def precedence(self) -> list[str]:
        order = (
            "If they differ, the agreement file with this digest stands before the program worked out from it, and "
            "both stand before this text, which is written from the same file."
        )
        return [f"The agreement {quoted(self.agreement.id)} has the digest 0x{self.agreement.digest().hex()}.", order]
