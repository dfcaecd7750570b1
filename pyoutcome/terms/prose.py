"""The whole deal in plain English. Formulas speak through ``formula.words``; no rule is written twice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pyoutcome.decimals import group_digits, show_units
from pyoutcome.formula.syntax import Node
from pyoutcome.formula.words import to_words
from pyoutcome.terms.calendar import zones_version
from pyoutcome.terms.carrying import state_words
from pyoutcome.terms.clause_prose import ClauseWriter
from pyoutcome.terms.escrow_prose import say_escrow
from pyoutcome.terms.kpi_prose import say_kpi
from pyoutcome.terms.measure_prose import source_words, window_words
from pyoutcome.terms.naming import Naming, quoted
from pyoutcome.terms.passage import Passage, Section
from pyoutcome.terms.scalars import show_day
from pyoutcome.terms.tree import Tree

if TYPE_CHECKING:
    from pyoutcome.terms.agreement import Agreement


def write_sections(agreement: Agreement, tree: Tree) -> tuple[Section, ...]:
    """The legal text in its order; ``tree`` is the agreement's file."""
    writer = _Writer(agreement, tree)
    zone, file, naming = agreement.term.zone, writer.file, writer.naming
    sections = (
        ("Parties", writer.parties()),
        ("Term", writer.term()),
        ("Money", [Passage("token", writer.money())]),
        (
            "Records",
            [Passage(f"records.{name}", source_words(name, each, zone)) for name, each in file.records.items()],
        ),
        (
            "Excluded times",
            [Passage(f"windows.{name}", window_words(name, each, zone)) for name, each in agreement.windows.items()],
        ),
        ("KPIs", [Passage(f"kpis.{name}", say_kpi(name, kpi, file, naming)) for name, kpi in file.kpis.items()]),
        ("Requirements", writer.requirements()),
        (
            "Fixed terms",
            [Passage(f"terms.{name}", f"{naming.title(name)} is {naming.term(name)}.") for name in file.terms],
        ),
        ("Definitions", writer.definitions()),
        ("Carried state", writer.state()),
        ("Clauses", [Passage(f"clauses.{name}", said) for name, said in writer.clauses.say_all()]),
        ("Settlement of a period", writer.settlement()),
        ("Evidence, default and escrow", say_escrow(agreement, writer.units)),
        ("Order of precedence", writer.precedence()),
    )
    return tuple(Section(heading, tuple(passages)) for heading, passages in sections if passages)


def write_words(title: str, sections: Sequence[Section]) -> str:
    """The sections as plain text, numbered."""
    text = [title, "=" * len(title)]
    for number, section in enumerate(sections, 1):
        text += ["", f"{number}. {section.heading}", ""]
        text += [f"{'- ' if each.listed else '  '}{each.text}" for each in section.passages]
    return "\n".join(text) + "\n"


def show_instant(seconds: int) -> str:
    """Unix seconds as UTC text."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


class _Writer:
    def __init__(self, agreement: Agreement, tree: Tree) -> None:
        self.agreement = agreement
        self.file = agreement.file
        self.naming = Naming(agreement.file, tree)
        self.clauses = ClauseWriter(agreement.file, self.naming)

    def words(self, node: Node) -> str:
        """A formula in words, with the titles of what it names."""
        return to_words(node, self.naming.say)

    def units(self, units: int) -> str:
        """Base units of the token as money."""
        return f"{group_digits(show_units(units, self.file.token.decimals))} {self.file.token.symbol}"

    def parties(self) -> list[Passage]:
        parties = self.file.parties
        said = [Passage("parties.client", f"Client (client): {parties.client.name}.")]
        said += [_provider(party, f"Provider ({party}): {one.name}.") for party, one in parties.providers.items()]
        backups = ((party, one.backup) for party, one in parties.providers.items())
        said += [
            _provider(party, f"Backup of {party} (backup-{party}): {one.name}.")
            for party, one in backups
            if one is not None
        ]
        if parties.prime is not None:
            said.append(Passage("parties.prime", f"The prime contractor is {parties.prime}."))
        if not self.agreement.deployable:
            bare = "This is a rule by itself: it says what is owed, not who verifies and holds the money."
            return [*said, Passage("escrow", bare)]
        said += [
            Passage(f"parties.verifiers.{party}", f"Verifier ({party}): {one.name}.")
            for party, one in parties.verifiers.items()
        ]
        stands = f"A report stands when {parties.quorum} of {len(parties.verifiers)} verifiers have signed it."
        said.append(Passage("parties.quorum", stands))
        said.append(Passage("parties.arbitrator", f"Arbitrator (arbitrator): {parties.arbitrator.name}."))
        return said

    def term(self) -> list[Passage]:
        periods = self.agreement.periods
        term = self.file.term
        first = show_day(term.first)
        if term.ends is None:
            length = f"each a {term.every}, the first starting with {first}"
        else:
            length = f"the first starting with {first}, and each ending where the next starts: with"
            length = f"{length} {', '.join(map(show_day, term.ends))}"
        said = (
            f"The agreement has {len(periods)} {'period' if len(periods) == 1 else 'periods'}, {length}. A period "
            f"includes its start and excludes its end. Days start at midnight in {term.zone}; the times below were "
            f"computed with version {zones_version()} of the IANA time zone database and are what counts."
        )
        if term.year_length is not None:
            count = f"{term.year_length} period{'' if term.year_length == 1 else 's'}"
            said += f" A contract year has {count}, the first beginning with period 1."
        times = (
            f"Period {period.number}: from {show_instant(period.start)} to {show_instant(period.end)}."
            for period in periods
        )
        return [Passage("term", said), *(Passage("term", each, listed=False) for each in times)]

    def money(self) -> str:
        token = self.file.token
        smallest = show_units(1, token.decimals)
        return (
            f"All amounts are in {quoted(token.name)} ({token.symbol}), which has {token.decimals} decimals. At the "
            f"very end of a calculation an amount is cut toward zero to a multiple of {smallest} {token.symbol}."
        )

    def definitions(self) -> list[Passage]:
        return [
            Passage(
                f"define.{name}",
                f"{self.naming.say(name)} means {self.words(formula)}. It is not paid by itself.",
            )
            for name, formula in self.file.define.items()
        ]

    def requirements(self) -> list[Passage]:
        return [
            Passage(f"require.{number}", f"A report is signed only if {self.words(formula)}.")
            for number, formula in enumerate(self.file.require, 1)
        ]

    def state(self) -> list[Passage]:
        return [
            Passage(f"state.{name}", state_words(self.naming.say(name), state, self.words))
            for name, state in self.file.state.items()
        ]

    def settlement(self) -> list[Passage]:
        net = (
            "A provider's net amount of a period is what the clauses owe it less what they let it owe. A positive "
            "amount is owed by the client, a negative one by the provider."
        )
        said = [Passage("settlement", net)]
        if self.file.settlement:
            changed = (
                "The net amount of each provider is then changed, in this order: "
                f"{self.clauses.adjustments('settlement', self.file.settlement)}"
            )
            said.append(Passage("settlement", changed))
        for each in self.agreement.bounds().providers:
            least, most = map(self.units, (each.least, each.most))
            follows = f"It follows that {each.provider} can be owed from {least} to {most} in a period."
            said.append(Passage(f"bounds.{each.provider}", follows))
        return said

    def precedence(self) -> list[Passage]:
        digest = f"The agreement {quoted(self.agreement.id)} has the digest 0x{self.agreement.digest().hex()}."
        order = (
            "If they differ, the agreement file with this digest stands before the program worked out from it, and "
            "both stand before this text, which is written from the same file."
        )
        return [Passage("digest", digest), Passage("digest", order)]


def _provider(party: str, text: str) -> Passage:
    return Passage(f"parties.providers.{party}", text)
