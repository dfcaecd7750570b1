"""Each clause in plain English, from the very formulas that it is lowered to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from pyoutcome.formula.syntax import Name, Node
from pyoutcome.formula.words import to_words
from pyoutcome.terms.adjustments import Adjustment
from pyoutcome.terms.clauses import AnyClause
from pyoutcome.terms.expressions import Scope
from pyoutcome.terms.file import AgreementFile
from pyoutcome.terms.form import Draft, Form
from pyoutcome.terms.lowering import side_of
from pyoutcome.terms.naming import Naming

_AMOUNT: Final = "the amount so far"


class ClauseWriter:
    """Says the clauses of a file."""

    def __init__(self, file: AgreementFile, naming: Naming) -> None:
        self.file = file
        self.naming = naming
        self.scope = Scope(file)

    def words(self, node: Node) -> str:
        """A formula in words, with the titles of what it names."""
        return to_words(node, lambda name: name if name == _AMOUNT else self.naming.say(name))

    def say_all(self) -> tuple[tuple[str, ...], ...]:
        """All clauses, in order."""
        return tuple(self.clause(name, clause) for name, clause in self.file.clauses.items())

    def clause(self, name: str, clause: AnyClause) -> tuple[str, ...]:
        """One clause as a sentence or more."""
        draft = Draft(name, self.file.terms)
        form = draft.form(clause.lower(draft), self.scope.mentioned)
        each = ", for each provider with its own values" if clause.for_each else ""
        said = [f"{self.naming.say(name)}{each}: {self.who(name, clause)} {self.words(form.amount)}."]
        said += self.meanings(form)
        if clause.then:
            said.append(f"The amount then becomes{self.adjustments(name, clause.then)}")
        if clause.is_restated:
            said.append(
                "This is what is due for all periods so far; what the clause came to in earlier periods is taken off."
            )
        if clause.when is not None:
            carried = ", and what it carries on stays as it was" if form.carried else ""
            said.append(f"This applies only if {self.words(clause.when)}; otherwise the amount is 0{carried}.")
        return tuple(said)

    def meanings(self, form: Form) -> list[str]:
        """What the names of parts in a form mean."""
        said = [
            f"{_capital(self.naming.say(part.name))} if {self.words(part.formula)}."
            if _is_stage(part.name)
            else f"Here {self.naming.say(part.name)} means {self.words(part.formula)}."
            for part in form.parts
        ]
        said += [
            f"{_capital(self._carried(each.name))} is carried from period to period: it starts as "
            f"{self.words(each.start)}, and after each period it is {self.words(each.next)}."
            for each in form.carried
        ]
        return said

    def _carried(self, name: str) -> str:
        said = self.naming.say(name)
        return f"whether {said}" if _is_stage(name) else said

    def who(self, name: str, clause: AnyClause) -> str:
        """Who owes whom."""
        provider = "the provider" if clause.for_each else self.scope.account_of(name)
        match side_of(self.file, name):
            case "provider":
                return f"the client owes {provider}"
            case "client":
                return f"{provider} owes the client"
            case _:
                return "shown only, never paid,"

    def adjustments(self, name: str, entries: Sequence[Adjustment]) -> str:
        """Entries of ``then`` or ``settlement``: what the amount becomes, said of "the amount so far"."""
        draft = Draft(name, self.file.terms)
        said: list[str] = []
        meanings: list[str] = []
        for entry in entries:
            condition = f"only if {self.words(entry.when)}: " if entry.when is not None else ""
            if entry.carries:
                said.append(f"{condition}{self._over_periods(entry)}")
                continue
            changed = entry.model_copy(update={"when": None}).apply(Name(_AMOUNT), draft)
            form = draft.form(changed)
            said.append(f"{condition}{self.words(form.amount)}")
            meanings += [each for each in self.meanings(form) if each not in meanings]
        if len(said) == 1:
            return " ".join([f" {said[0]}.", *meanings])
        steps = "; ".join(f"({at}) {step}" for at, step in enumerate(said, 1))
        return " ".join([f", step by step: {steps}.", *meanings])

    def _over_periods(self, entry: Adjustment) -> str:
        """An entry that adds up the periods, in words of its own."""
        if entry.recoup is not None:
            return (
                f"{_AMOUNT} less a part that recoups {self.words(entry.recoup)}: all of it as far as it is more than "
                "0, until so much has been taken off over all periods together"
            )
        limit, kept = entry.yearly_at_most, "most"
        if limit is None:
            limit, kept = entry.yearly_at_least, "least"
        return (
            f"{_AMOUNT}, changed so that with what this entry left in the earlier periods of the contract year it "
            f"comes to at {kept} {self.words(limit if limit is not None else Name(_AMOUNT))}"
        )


def _is_stage(name: str) -> bool:
    """Is it a part that says whether a stage is reached?"""
    return re.fullmatch(r"met[0-9]*", name.rpartition(".")[2]) is not None


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
