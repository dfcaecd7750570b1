"""What the legal text calls the things that formulas name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pyoutcome.decimals import show_grouped
from pyoutcome.terms.file import AgreementFile
from pyoutcome.terms.tree import Text, Tree


def plain_words(name: str) -> str:
    """A name with spaces and a capital."""
    return name.replace("_", " ").capitalize()


def titles(file: AgreementFile) -> Iterator[tuple[str, str, str]]:
    """Section, name and title of everything a formula can name."""
    for name, kpi in file.kpis.items():
        yield "kpis", name, kpi.title or plain_words(name)
    for name in file.terms:
        yield "terms", name, plain_words(name)
    for name in file.define:
        yield "define", name, plain_words(name)
    for name in file.state:
        yield "state", name, plain_words(name)
    for name, clause in file.clauses.items():
        yield "clauses", name, clause.title or plain_words(name)


_PARTS: Final = {
    "base": "the amount before adjustments",
    "quantity": "the quantity paid",
    "price": "the price",
    "running": "the quantity of all periods so far",
    "factor": "the factor",
    "all": "the whole",
    "due": "the amount due",
    "met": "a stage is reached",
    "share": "the share",
    "at_risk": "the amount at risk",
    "shortfall": "the shortfall",
    "limited": "the credit",
    "credit": "the credit",
    "good_streak": "the number of good periods in a row",
    "waiting": "the credits that can still be earned back",
    "earned_back": "what is earned back",
    "charges": "the charges",
    "together": "the sum of the lines",
    "level": "the level",
    "bonus": "the bonus",
    "malus": "the malus",
    "score": "the score",
    "saving": "the saving",
    "gain": "the shared gain",
    "pain": "the shared overrun",
    "gain_size": "the size of the gain",
    "pain_size": "the size of the overrun",
    "overrun": "the overrun",
    "fee_before_limits": "the fee before its limits",
    "fee": "the fee",
    "profit": "the profit",
    "pta": "the point from which on all further cost is the provider's",
    "recouped": "what has been recouped so far",
    "recouped_now": "what is recouped in this period",
    "this_year": "the amounts of the contract year so far",
    "this_year_before": "the amounts of the contract year before this period",
    "this_year_now": "the amount within the limit of the contract year",
    "now": "this period's value",
    "sum": "the sum",
    "held": "what is kept back so far",
    "held_now": "what is kept back of this period",
}


def part_words(part: str) -> str:
    """The words for a part of a line."""
    if part in _PARTS:
        return _PARTS[part]
    word = part.rstrip("0123456789")
    number = part.removeprefix(word)
    if word == "then":
        return f"the amount after {number} adjustment{'' if number == '1' else 's'}"
    if word == "met":
        return f"stage {number} is reached"
    first = part.removesuffix("_before").removesuffix("_now")
    plain = part.replace("_too", "")
    return f"{_PARTS.get(plain, plain.replace('_', ' '))} ({first})"


def quoted(text: str) -> str:
    """A text in quotation marks; its own are doubled, so that nobody can end it early and go on in our words."""
    return '"' + text.replace('"', '""') + '"'


class Naming:
    """Says names: titles in quotation marks, terms with their value."""

    def __init__(self, file: AgreementFile, tree: Tree) -> None:
        self._file = file
        self._tree = tree
        self._titles = {name: title for _, name, title in titles(file)}

    def title(self, name: str) -> str:
        """The title of something the file names, in quotation marks."""
        return quoted(self._titles[name])

    def term(self, name: str) -> str:
        """The value of a term, as percent if the file writes it so."""
        written = self._tree.find(("terms", name))
        percent = isinstance(written, Text) and written.value.endswith("%")
        return show_grouped(self._file.terms[name], percent=percent)

    def say(self, name: str) -> str:
        """The words for a name of the file, or for one provider's value of it."""
        own, *rest = name.split(".")
        if own in self._file.terms and not rest:
            return f"{self.title(own)} ({self.term(own)})"
        if own not in self._titles:
            return self._settled(name)
        said = self.title(own)
        if rest and rest[-1] not in self._file.parties.providers:
            said = f"{part_words(rest.pop())} in {said}"
        return f"{said} of {rest[0]}" if rest else said

    @staticmethod
    def _settled(name: str) -> str:
        own, _, part = name.rpartition(".")
        return f"{part_words(part)} in the settlement" if own.split(".")[0] == "settlement" else name
