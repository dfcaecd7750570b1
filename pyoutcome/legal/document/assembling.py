"""The agreement as a document: every section in its order. The rules' words come from ``Agreement.passages``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Final

from pyoutcome.legal.document.example_pages import money, put_edges, put_periods
from pyoutcome.legal.document.examples import Examples
from pyoutcome.legal.document.identity import hexadecimal, name_signers, put_identity, put_signatures
from pyoutcome.legal.document.meanings import list_meanings
from pyoutcome.legal.document.pages import Pages
from pyoutcome.legal.document.payment import list_silence, say_payment
from pyoutcome.legal.document.signed import AmendedTerms, SignedTerms
from pyoutcome.legal.document.tree import Column, Document, Fields, Run, Runs, code, runs, strong
from pyoutcome.terms import Agreement, Passage
from pyoutcome.terms.legal_prose import unsettled
from pyoutcome.terms.naming import plain_words
from pyoutcome.terms.prose import show_instant
from pyoutcome.terms.records_prose import SHOWN, expressions

_OF_RECORDS: Final = ("records", "reading", "windows")
"""Passages with names and conditions of records."""
_NEVER: Final = ("liability beyond the amounts of this agreement", "insurance", "taxes")
"""Subjects that no agreement file settles yet."""


def assemble(agreement: Agreement, signed: SignedTerms | None, amendments: Sequence[AmendedTerms] = ()) -> Document:
    """The whole document, as the last accepted amendment has it. FormulaError as in ``Agreement.bounds``."""
    return _Author(agreement, signed, amendments).document()


class _Author:
    def __init__(self, original: Agreement, first: SignedTerms | None, amendments: Sequence[AmendedTerms]) -> None:
        self.original, self.first, self.amendments = original, first, amendments
        self.latest = next((each for each in reversed(amendments) if each.accepted), None)
        agreement = original if self.latest is None else self.latest.agreement
        self.agreement = agreement
        self.signed = first if self.latest is None else self.latest.terms
        self.pages = Pages()
        self.examples = Examples(agreement)
        self.passages = {each.key: each for each in agreement.passages()}

    def document(self) -> Document:
        agreement, pages = self.agreement, self.pages
        self.parties()
        self.meanings()
        self.term()
        self.plain("Money", "money")
        self.plain("Records", "records", "reading", "windows")
        self.parts("KPIs", "kpis", [kpi.title or plain_words(name) for name, kpi in agreement.file.kpis.items()])
        self.plain("Requirements of a report", "require")
        self.plain("Fixed figures", "terms")
        self.plain("Worked-out and carried values", "define", "state")
        self.prices()
        self.settlement()
        self.bounds()
        if agreement.deployable:
            self.plain("Evidence and default", "evidence")
            self.plain("Challenge and dispute of KPI values", "disputes")
            self.payment()
            self.plain("Breach and backup", "breaches")
            self.plain("Amendment and early end", "exits")
            self.silence()
        self.legal()
        self.open_subjects()
        self.plain("Order of precedence", "precedence")
        pages.schedule("Schedule A: worked examples")
        put_periods(pages, self.examples)
        pages.schedule("Schedule B: digests and signatures, and how to check them")
        put_identity(pages, agreement, self.signed)
        if self.latest is not None:
            pages.say(
                "These are the terms now in force. The signatures of an amendment are over another digest, which names "
                "them: Schedule C says how it comes about."
            )
        self.versions()
        known = ("Digest", agreement.digest()) if self.signed is None else ("Terms hash", self.signed.terms_hash)
        running = f"{known[0]} {hexadecimal(known[1])} · {agreement.id}"
        kind = "Agreement" if self.latest is None else "Agreement as amended"
        return Document(kind, agreement.title, Fields(tuple(self.facts())), tuple(pages.blocks), running)

    def facts(self) -> Iterable[tuple[str, Runs]]:
        """What stands under the title."""
        agreement, parties = self.agreement, self.agreement.parties
        yield "Between", runs(f"{parties.client.name} (client)")
        providers = ", ".join(f"{one.name} ({party})" for party, one in parties.providers.items())
        yield "and", runs(providers)
        first, last = agreement.periods[0], agreement.periods[-1]
        yield (
            "Term",
            runs(f"{show_instant(first.start)} to {show_instant(last.end)}, periods: {len(agreement.periods)}"),
        )
        most = money(agreement, agreement.bounds().most_in_total)
        if self.latest is not None:
            from pyoutcome.legal.document.amended import say_source

            yield "Text of", runs(say_source(self.original, self.latest))
        yield "At most in all", runs(f"{most} {agreement.token.symbol}")
        yield "Agreement", runs(code(agreement.id))
        yield "Agreement digest", runs(code(hexadecimal(agreement.digest())))
        if self.signed is not None:
            yield "Terms hash", runs(code(hexadecimal(self.signed.terms_hash)))
            yield "Escrow", runs(code(self.signed.escrow), f" on chain {self.signed.chain_id}")

    def versions(self) -> None:
        """The amendments, if there are any, and everybody's signatures."""
        if self.first is None or not self.amendments:
            put_signatures(self.pages, self.agreement, self.signed)
            return
        from pyoutcome.legal.document.amended import put_amendments, put_version_signatures

        self.pages.schedule("Schedule C: amendments")
        put_amendments(self.pages, self.original, self.first, self.amendments)
        put_signatures(self.pages, self.original, self.first, "The agreement as first signed")
        put_version_signatures(self.pages, name_signers(self.original), self.amendments)

    # --- sections -----------------------------------------------------------------------------------------------------

    def plain(self, title: str, *keys: str) -> None:
        """A section of rules, if there are any."""
        if any(key in self.passages for key in keys):
            self.pages.section(title)
            self.say(*keys)

    def say(self, *keys: str) -> None:
        """The rules of some passages."""
        for key in keys:
            for item in self.passages[key].items if key in self.passages else ():
                if not item[0].startswith("  "):
                    told = " ".join(item)
                    self.pages.say(*(self.with_code(told) if key in _OF_RECORDS else self.with_digest(told)))

    def with_digest(self, sentence: str) -> list[str | Run]:
        """A sentence with the agreement's digest as code."""
        before, digest, after = sentence.partition(hexadecimal(self.agreement.digest()))
        return [before, code(digest), after] if digest else [sentence]

    def parties(self) -> None:
        agreement, parties = self.agreement, self.agreement.parties
        self.pages.section("Parties")
        rows = [("Client", "client", parties.client.name)]
        rows += [("Provider", party, one.name) for party, one in parties.providers.items()]
        rows += [
            ("Backup", f"backup-{party}", one.backup.name) for party, one in parties.providers.items() if one.backup
        ]
        if agreement.deployable:
            rows += [("Verifier", party, one.name) for party, one in parties.verifiers.items()]
            rows.append(("Arbitrator", "arbitrator", parties.arbitrator.name))
        self.pages.table([Column("Role"), Column("Called"), Column("Name", wide=True)], rows)
        self.say("roles")

    def meanings(self) -> None:
        self.pages.section("Meaning of words")
        self.pages.say(
            "In this agreement these words have these meanings. What stands in quotation marks is a title or text that "
            "the parties chose."
        )
        rows = [(runs(strong(word)), meaning) for word, meaning in list_meanings(self.agreement)]
        self.pages.table([Column("Word"), Column("Meaning", wide=True)], rows)

    def term(self) -> None:
        self.pages.section("Term")
        self.say("term")
        rows = [(str(each.number), show_instant(each.start), show_instant(each.end)) for each in self.agreement.periods]
        columns = [Column("Period", "right"), Column("From, included"), Column("To, excluded")]
        self.pages.table(columns, rows)

    def parts(self, title: str, key: str, titles: list[str], after: Callable[[int], None] | None = None) -> None:
        """A section with a part for each paragraph of a passage."""
        if key not in self.passages:
            return
        self.pages.section(title)
        for at, (name, item) in enumerate(zip(titles, self.passages[key].items, strict=True)):
            self.pages.part(name)
            for sentence in item:
                self.pages.say(*self.with_code(sentence))
            if after is not None:
                after(at)

    def with_code(self, sentence: str) -> list[str | Run]:
        """A sentence with the conditions of measures as code: only texts that the file itself holds between marks."""
        found = re.split(f"`({'|'.join(map(re.escape, self.conditions))})`", sentence)
        return [code(part) if at % 2 else part for at, part in enumerate(found) if part]

    @cached_property
    def conditions(self) -> list[str]:
        """Every name of the records, and every condition and value of a measure, longest first."""
        agreement = self.agreement
        texts = {*SHOWN, *agreement.records, *agreement.windows}
        texts |= {column for source in agreement.records.values() for column in source.columns}
        measures = (kpi.measure for kpi in agreement.file.kpis.values() if kpi.measure is not None)
        texts |= {text for measure in measures for text in expressions(measure)}
        return sorted(texts, key=lambda text: (-len(text), text))

    def prices(self) -> None:
        names = list(self.agreement.file.clauses)
        titles = [clause.title or plain_words(name) for name, clause in self.agreement.file.clauses.items()]
        self.parts("Prices", "clauses", titles, lambda at: put_edges(self.pages, self.examples, names[at]))

    def settlement(self) -> None:
        self.plain("Settlement of a period", "settlement")
        put_edges(self.pages, self.examples, "")

    def bounds(self) -> None:
        agreement, pages = self.agreement, self.pages
        symbol, found = agreement.token.symbol, agreement.bounds()
        pages.section("The least and the most")
        pages.say(
            "Whatever the KPI values are, as long as they lie in their ranges, a provider's amount lies between these "
            "limits. They are proven from the rules, not tried. A negative amount is owed by the provider."
        )
        rows = [(each.provider, each.least, each.most, each.least_in_total, each.most_in_total)
                for each in found.providers]  # fmt: skip
        rows.append(("Client, for all", found.least_per_period, found.most_per_period, found.least_in_total,
                     found.most_in_total))  # fmt: skip
        titles = ("Least in a period", "Most in a period", "Least in all", "Most in all")
        columns = [Column("Who", wide=True), *(Column(f"{title}, {symbol}", "right", money=True) for title in titles)]
        shown = [[who, *(money(agreement, each) for each in units)] for who, *units in rows]
        pages.table(columns, shown, totals=1)

    def payment(self) -> None:
        self.pages.section("Escrow and payment")
        for sentence in say_payment(self.agreement):
            self.pages.say(sentence)
        self.say("cover")

    def silence(self) -> None:
        self.pages.section("When somebody is silent")
        self.pages.say(
            "Every state of the escrow that waits has an end. Nobody's silence can keep the money of others."
        )
        titles = ("Who does nothing", "What follows", "Who bears it")
        columns = [Column(title, wide=True) for title in titles]
        self.pages.table(columns, list_silence(self.agreement))

    def legal(self) -> None:
        """The passages on what moves no payment, those with one heading together."""
        keys = ("governance", "change", "exit", "confidentiality", "security", "data_protection", "ip", "law")
        groups: dict[str, list[Passage]] = {}
        for key in keys:
            if key in self.passages:
                groups.setdefault(self.passages[key].heading, []).append(self.passages[key])
        for heading, passages in groups.items():
            self.plain(heading, *(each.key for each in passages))

    def open_subjects(self) -> None:
        self.pages.section("What this agreement leaves open")
        subjects = [*unsettled(self.agreement.file.legal), *_NEVER]
        self.pages.say(
            "Nothing is agreed here on: " + "; ".join(subjects) + ". What the law says of these holds; this text adds "
            "nothing to it."
        )
